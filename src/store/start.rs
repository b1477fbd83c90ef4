use rusqlite::{Connection, OptionalExtension};

use super::error::at;
use super::{StoreError, TrialRow, TrialStore};

/// What a run begins with besides its own trials.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Start {
    /// What another run's method has learned.
    pub weights: Option<Vec<u8>>,
    /// Trials that were made elsewhere, each with its result, its picture and a number in the phase `prior`.
    pub prior: Vec<TrialRow>,
}

impl TrialStore {
    /// Writes down what a run begins with, in one transaction: before its first trial, and once.
    pub fn begin_with(&self, start: &Start) -> Result<(), StoreError> {
        let failed = |error| at(&self.path)(error);
        let tx = self.db.unchecked_transaction().map_err(failed)?;
        for TrialRow { intent, result } in &start.prior {
            self.intend(intent)?;
            if let Some(result) = result {
                self.record(intent.key, intent.checkpoint, result)?;
            }
        }
        let noted = || -> Result<(), rusqlite::Error> {
            tx.execute_batch(
                "CREATE TABLE start (id INTEGER PRIMARY KEY CHECK (id = 0), weights BLOB, prior INTEGER NOT NULL)",
            )?;
            let row = rusqlite::params![start.weights, start.prior.len() as i64];
            tx.execute("INSERT INTO start VALUES (0, ?, ?)", row).map(drop)
        };
        noted().map_err(failed)?;
        tx.commit().map_err(failed)
    }

    /// It was written down that this run begins with something.
    pub fn has_begun(&self) -> Result<bool, StoreError> {
        has_start(&self.db).map_err(at(&self.path))
    }

    /// How many prior trials it was given.
    pub fn given(&self) -> Result<u64, StoreError> {
        given(&self.db).map_err(at(&self.path))
    }

    /// The weights that it begins with.
    pub fn initial_weights(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let read = || -> Result<Option<Vec<u8>>, rusqlite::Error> {
            if !has_start(&self.db)? {
                return Ok(None);
            }
            let weights = self.db.query_row("SELECT weights FROM start", [], |row| row.get(0));
            weights.optional().map(Option::flatten)
        };
        read().map_err(at(&self.path))
    }
}

/// How many prior trials were given to a run, which it did not make itself.
pub(super) fn given(db: &Connection) -> Result<u64, rusqlite::Error> {
    if !has_start(db)? {
        return Ok(0);
    }
    db.query_row("SELECT prior FROM start", [], |row| row.get::<_, i64>(0)).map(|n| n as u64)
}

/// A run that began with nothing has no such table, nor has one of an older version.
fn has_start(db: &Connection) -> Result<bool, rusqlite::Error> {
    let sql = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'start'";
    db.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|count| count > 0)
}
