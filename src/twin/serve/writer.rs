//! The thread that writes what waits in a connection's outbox.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::twin::outbox::Outbox;

pub struct Writing {
    outbox: Arc<Outbox>,
    thread: JoinHandle<()>,
}

impl Writing {
    /// `None` if this machine has no thread left for it.
    pub fn start(stream: &TcpStream, what: &str, id: u64) -> Option<Self> {
        let outbox = Arc::new(Outbox::default());
        let writer = stream.try_clone().ok()?;
        let filled = Arc::clone(&outbox);
        let named = std::thread::Builder::new().name(format!("twin {what} writer {id}"));
        let thread = named.spawn(move || write(writer, &filled)).ok()?;
        Some(Self { outbox, thread })
    }

    pub fn outbox(&self) -> Arc<Outbox> {
        Arc::clone(&self.outbox)
    }

    /// Once the client has gone.
    pub fn end(self, stream: &TcpStream) {
        self.outbox.close();
        // The writer may hang on a client that does not read.
        let _ = stream.shutdown(Shutdown::Both);
        let _ = self.thread.join();
    }
}

fn write(mut stream: TcpStream, outbox: &Outbox) {
    while let Some(bytes) = outbox.take() {
        if stream.write_all(&bytes).is_err() {
            return;
        }
    }
}
