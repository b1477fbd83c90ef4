//! What waits to be written to a connection.

use std::sync::{Condvar, Mutex, PoisonError};

/// What waits to be written to one connection. The controller never waits for it: what does not
/// fit is lost, as on a real controller that skips packages.
#[derive(Default)]
pub struct Outbox {
    state: Mutex<OutboxState>,
    filled: Condvar,
}

#[derive(Default)]
struct OutboxState {
    bytes: Vec<u8>,
    closed: bool,
    lost: u64,
}

/// Most bytes that wait for a slow client.
const OUTBOX: usize = 256 * 1024;

impl Outbox {
    pub fn push(&self, bytes: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.bytes.len() + bytes.len() > OUTBOX {
            state.lost += 1;
        } else {
            state.bytes.extend_from_slice(bytes);
        }
    }

    pub fn wake(&self) {
        self.filled.notify_one();
    }

    /// Nothing more is to be written.
    pub fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.filled.notify_one();
    }

    /// Waits for bytes; `None` once it is closed.
    pub fn take(&self) -> Option<Vec<u8>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self
            .filled
            .wait_while(state, |s| s.bytes.is_empty() && !s.closed)
            .unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return None;
        }
        Some(std::mem::take(&mut state.bytes))
    }

    pub fn has_bytes(&self) -> bool {
        !self.state.lock().unwrap_or_else(PoisonError::into_inner).bytes.is_empty()
    }

    /// Packages that found no room.
    pub fn lost(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).lost
    }
}
