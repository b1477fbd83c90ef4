use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Who says when the next view is taken.
pub enum Cue {
    /// A line on standard input.
    Lines(Receiver<()>),
    Every(Duration, Instant),
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Take,
    /// No more lines will come.
    Over,
    Stopped,
}

/// Between looks for Ctrl-C.
const GLANCE: Duration = Duration::from_millis(50);

impl Cue {
    /// So often, or by lines.
    pub fn new(every: Option<Duration>) -> Self {
        match every {
            // Time to take up the board.
            Some(every) => Self::Every(every, Instant::now() + every),
            None => Self::Lines(lines()),
        }
    }

    /// Waits for the view of this number.
    pub fn wait(&mut self, stopped: &AtomicBool, number: usize, of: usize) -> Next {
        if let Self::Lines(_) = self {
            prompt(&format!("view {number} of {of}: hold the board, then Enter "));
        }
        loop {
            if stopped.load(Ordering::Relaxed) {
                return Next::Stopped;
            }
            match self {
                Self::Lines(lines) => match lines.recv_timeout(GLANCE) {
                    Ok(()) => return Next::Take,
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return Next::Over,
                },
                Self::Every(every, next) => {
                    let left = next.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        *next = Instant::now() + *every;
                        return Next::Take;
                    }
                    std::thread::sleep(left.min(GLANCE));
                }
            }
        }
    }
}

pub fn prompt(text: &str) {
    eprint!("{text}");
    let _ = std::io::stderr().flush();
}

/// A word for each line of standard input, read by a thread of its own, so that Ctrl-C is heard meanwhile.
pub fn lines() -> Receiver<()> {
    let (say, hear) = channel();
    std::thread::spawn(move || {
        let bytes = std::io::stdin().lock().bytes();
        for byte in bytes.map_while(Result::ok) {
            if byte == b'\n' && say.send(()).is_err() {
                return;
            }
        }
    });
    hear
}
