//! Readers and writers of a run within this process.
//!
//! SQLite shares the index of a journal between all connections of a process. A reader that may not
//! write it ([`TrialStore::read`](super::TrialStore::read)) would leave a writer that comes while it
//! reads with an index that cannot be written, so that the writer waits for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Default)]
struct Counts {
    readers: usize,
    writers: usize,
    /// Writers that wait for readers; new readers let them go first.
    waiting: usize,
}

static OPEN: Mutex<BTreeMap<PathBuf, Counts>> = Mutex::new(BTreeMap::new());
static CHANGED: Condvar = Condvar::new();

/// As long as SQLite waits for another process.
const PATIENCE: Duration = Duration::from_secs(5);

/// Lets go of a run's file when it is dropped, which must be after its connection.
#[derive(Debug)]
pub struct Hold {
    path: PathBuf,
    writes: bool,
}

/// Before a connection is opened to read.
pub fn to_read(path: &Path) -> Hold {
    let path = whole(path);
    let mut open = wait_while(open(), &path, |counts| counts.waiting > 0);
    open.entry(path.clone()).or_default().readers += 1;
    Hold { path, writes: false }
}

/// Opens a connection to write, once no readers of this process are alone with the file. `connect` must
/// have the index opened when it returns.
pub fn to_write<T, E>(path: &Path, connect: impl FnOnce() -> Result<T, E>) -> Result<(T, Hold), E> {
    let path = whole(path);
    let mut open = open();
    open.entry(path.clone()).or_default().waiting += 1;
    let mut open = wait_while(open, &path, |counts| counts.readers > 0 && counts.writers == 0);
    let connected = connect();
    change(&mut open, &path, |counts| {
        counts.waiting -= 1;
        counts.writers += usize::from(connected.is_ok());
    });
    connected.map(|connection| (connection, Hold { path, writes: true }))
}

impl Drop for Hold {
    fn drop(&mut self) {
        change(&mut open(), &self.path, |counts| match self.writes {
            true => counts.writers -= 1,
            false => counts.readers -= 1,
        });
    }
}

type Open = BTreeMap<PathBuf, Counts>;

fn open() -> MutexGuard<'static, Open> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait_while<'a>(
    open: MutexGuard<'a, Open>,
    path: &Path,
    busy: impl Fn(&Counts) -> bool,
) -> MutexGuard<'a, Open> {
    let waited =
        CHANGED.wait_timeout_while(open, PATIENCE, |open| open.get(path).is_some_and(&busy));
    waited.unwrap_or_else(PoisonError::into_inner).0
}

fn change(open: &mut Open, path: &Path, by: impl FnOnce(&mut Counts)) {
    if let Some(counts) = open.get_mut(path) {
        by(counts);
        if counts.readers + counts.writers + counts.waiting == 0 {
            open.remove(path);
        }
    }
    CHANGED.notify_all();
}

/// The same whichever way it is named.
fn whole(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
