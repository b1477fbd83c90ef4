use super::error::at;
use super::{StoreError, TrialStore};

/// When a run was made, by the clock of the computers that made it: recorded, never compared, in no
/// result.
#[derive(Clone, Debug, PartialEq)]
pub struct Times {
    /// Trials with a result, of all phases.
    pub trials: u64,
    /// UTC, as in `2026-11-27 14:03:22`; `None` before the first trial, and in a run of format 2.
    pub begun: Option<String>,
    pub ended: Option<String>,
    /// Seconds on the clock from before a trial's first motion to its result, all together.
    pub in_trials_s: f64,
    /// Robot time of the same, s.
    pub robot_s: f64,
    /// Seconds on the clock from a round's last trial to the end of its learning, all together.
    pub learning_s: f64,
}

impl TrialStore {
    pub fn times(&self) -> Result<Times, StoreError> {
        let sql = "SELECT COUNT(*), datetime(MIN(intended_unix_s), 'unixepoch'), \
                   datetime(MAX(recorded_unix_s), 'unixepoch'), \
                   TOTAL(recorded_unix_s - intended_unix_s), TOTAL(robot_time_s), \
                   (SELECT TOTAL(committed_unix_s - (SELECT MAX(recorded_unix_s) FROM trial \
                   WHERE recorded_unix_s <= committed_unix_s)) FROM batch) \
                   FROM trial WHERE outcome IS NOT NULL";
        // Trials that were given to the run are not its own; they took it no robot time.
        let given = self.given()?;
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Times {
                trials: (row.get::<_, i64>(0)? as u64).saturating_sub(given),
                begun: row.get(1)?,
                ended: row.get(2)?,
                in_trials_s: row.get(3)?,
                robot_s: row.get(4)?,
                learning_s: row.get(5)?,
            })
        };
        self.db.query_row(sql, [], read).map_err(at(&self.path))
    }
}
