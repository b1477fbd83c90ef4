use rusqlite::params;

use super::error::at;
use super::start::given;
use super::{StoreError, TrialStore};

/// A moment at which a run could not go on without a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Seconds since 1970, by the clock of the computer that ran it.
    pub unix_s: i64,
    /// What happened and what to do, as it was said.
    pub reason: String,
    /// A person agreed that it goes on, there and then.
    pub resumed: bool,
}

impl TrialStore {
    /// Notes a pause.
    pub fn note_pause(&self, pause: &Pause) -> Result<(), StoreError> {
        let sql = "INSERT INTO pause (unix_s, reason, resumed) VALUES (?, ?, ?)";
        self.db
            .execute(sql, params![pause.unix_s, pause.reason, pause.resumed])
            .map(drop)
            .map_err(at(&self.path))
    }

    /// Every pause so far, in order.
    pub fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        let read = || -> Result<Vec<Pause>, rusqlite::Error> {
            let mut statement =
                self.db.prepare("SELECT unix_s, reason, resumed FROM pause ORDER BY id")?;
            let rows = statement.query_map([], |row| {
                Ok(Pause { unix_s: row.get(0)?, reason: row.get(1)?, resumed: row.get(2)? })
            })?;
            rows.collect()
        };
        read().map_err(at(&self.path))
    }

    /// A pause's time as a person reads it, UTC.
    pub fn utc(&self, unix_s: i64) -> Result<String, StoreError> {
        let sql = "SELECT coalesce(datetime(?1, 'unixepoch'), CAST(?1 AS TEXT))";
        self.db.query_row(sql, [unix_s], |row| row.get(0)).map_err(at(&self.path))
    }

    /// Numbers of trials with a result and the robot time they took, by phase. Of demonstrations,
    /// those that were made after so many trials: a run that grew has others too. Prior trials that were given to the
    /// run are not its own.
    pub fn done(&self, trials: u64) -> Result<Vec<(String, u64, f64)>, StoreError> {
        let sql = "SELECT phase, COUNT(*), SUM(robot_time_s) FROM trial \
                   WHERE outcome IS NOT NULL AND (phase <> 'shelf' OR checkpoint = ?) \
                   GROUP BY phase ORDER BY phase";
        let read = || -> Result<Vec<(String, u64, f64)>, rusqlite::Error> {
            let mut statement = self.db.prepare(sql)?;
            let rows = statement.query_map([trials as i64], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)? as u64, row.get(2)?))
            })?;
            let mut phases: Vec<(String, u64, f64)> = rows.collect::<Result<_, _>>()?;
            let given = given(&self.db)?;
            for (_, made, _) in phases.iter_mut().filter(|(phase, ..)| phase == "prior") {
                *made = made.saturating_sub(given);
            }
            phases.retain(|(_, made, _)| *made > 0);
            Ok(phases)
        };
        read().map_err(at(&self.path))
    }

    /// Outcome of the last trial with a result, by its name.
    pub fn last_outcome(&self) -> Result<Option<String>, StoreError> {
        use rusqlite::OptionalExtension;
        let sql = "SELECT outcome FROM trial WHERE outcome IS NOT NULL ORDER BY id DESC LIMIT 1";
        self.db.query_row(sql, [], |row| row.get(0)).optional().map_err(at(&self.path))
    }
}
