//! One RTDE connection: a thread that reads, a thread that writes.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use crate::twin::clients::Outbox;
use crate::twin::link::Link;
use crate::wire::rtde::Frames;

pub fn serve(mut stream: TcpStream, link: &Link, id: u64) {
    let outbox = Arc::new(Outbox::default());
    let Ok(writer) = stream.try_clone() else { return };
    let filled = Arc::clone(&outbox);
    let named = std::thread::Builder::new().name(format!("twin rtde writer {id}"));
    let Ok(writing) = named.spawn(move || write(writer, &filled)) else { return };
    let theirs = Arc::clone(&outbox);
    link.tell(move |controller| controller.connect(id, theirs));

    let mut frames = Frames::default();
    let mut chunk = [0; 4096];
    'reading: loop {
        let count = match stream.read(&mut chunk) {
            Ok(count @ 1..) => count,
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Ok(0) | Err(_) => break,
        };
        frames.push(&chunk[..count]);
        loop {
            match frames.next_frame() {
                Ok(Some(frame)) => {
                    if !link.tell(move |controller| controller.receive(id, &frame)) {
                        break 'reading;
                    }
                }
                Ok(None) => break,
                // Sizes that no package can have: nothing after that can be understood.
                Err(_) => break 'reading,
            }
        }
    }
    link.tell(move |controller| controller.disconnect(id));
    outbox.close();
    // The writer may hang on a client that does not read.
    let _ = stream.shutdown(std::net::Shutdown::Both);
    let _ = writing.join();
}

fn write(mut stream: TcpStream, outbox: &Outbox) {
    while let Some(bytes) = outbox.take() {
        if stream.write_all(&bytes).is_err() {
            return;
        }
    }
}
