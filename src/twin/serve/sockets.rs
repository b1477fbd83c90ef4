//! Every open connection, so that all can be cut at once.

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The open connections by number.
#[derive(Default)]
pub struct Sockets {
    open: Mutex<HashMap<u64, TcpStream>>,
    next: AtomicU64,
    refuse: AtomicBool,
}

/// More connections than this are a mistake of somebody's.
const MOST: usize = 64;
/// Who says nothing for so long is gone; an RTDE client need not say anything, and is known to be
/// there by what it takes.
const SILENCE: Duration = Duration::from_secs(3600);
/// Who takes nothing for so long is gone.
const DEAF: Duration = Duration::from_secs(10);

impl Sockets {
    /// Registers a new connection; `None` if it is not to be served: it is closed then.
    pub fn take(&self, stream: TcpStream) -> Option<(TcpStream, u64)> {
        if self.refuse.load(Ordering::Relaxed) {
            return None;
        }
        // Small packages are to leave at once.
        stream.set_nodelay(true).ok()?;
        stream.set_read_timeout(Some(SILENCE)).ok()?;
        stream.set_write_timeout(Some(DEAF)).ok()?;
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= MOST {
            return None;
        }
        open.insert(id, stream.try_clone().ok()?);
        Some((stream, id))
    }

    pub fn forget(&self, id: u64) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stream) = open.remove(&id) {
            // Whoever else holds it stops as well; one that is closed already is closed.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// New connections are closed at once from now on, or served again.
    pub fn refuse(&self, refuse: bool) {
        self.refuse.store(refuse, Ordering::Relaxed);
    }

    /// Ends every connection.
    pub fn cut(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, stream) in open.drain() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
