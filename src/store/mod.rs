//! The trial store: one SQLite file a run.
//!
//! A row is committed before each motion (the intent) and completed after it (the result).
//! Weights, optimiser and counters enter the same file with the batch's last transaction. Killed
//! at any moment, a run is therefore found as: whole batches, then some trials of the next one,
//! the last of them perhaps only intended.

mod error;
mod in_process;
mod info;
mod open;
mod pauses;
mod rows;
mod schema;
mod start;
mod tables;
#[cfg(test)]
mod tests;
mod times;

pub use error::StoreError;
pub use info::{Named, Provenance, RunInfo, Session};
pub use open::Durability;
pub use pauses::Pause;
pub use rows::{BatchEnd, Intent, Stored, TrialRow};
pub use start::Start;
pub use tables::{Column, Kind, Table, Value};
pub use times::Times;

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

use in_process::Hold;

/// One method, one seed: an open run file.
#[derive(Debug)]
pub struct TrialStore {
    db: Connection,
    path: PathBuf,
    /// Of an older format, in memory: the file is as it was.
    migrated: bool,
    /// Where it is read, if the file itself cannot be.
    _copy: Option<TempDir>,
    /// Dropped after the connection.
    _hold: Hold,
}

impl TrialStore {
    /// The file this run is kept in.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
