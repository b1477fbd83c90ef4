use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::error::at;
use super::open::set;
use super::{StoreError, TrialStore};
use crate::task::ImageSize;

/// What a run is. Resuming asks for the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunInfo {
    /// The experiment as far as it concerns this run, as TOML.
    pub experiment: String,
    pub method: String,
    pub seed: u64,
    pub provenance: Provenance,
    pub version: String,
    /// Of the program that began it.
    pub commit: String,
}

/// What a run's trials are made with, by content: a file that lies elsewhere is the same, an edited
/// one is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// `sim`, or `real` on hardware.
    pub backend: String,
    /// `None` in a run of format 2, which did not say.
    pub robot: Option<Named>,
    /// Of training, then those of the demonstrations.
    pub scenes: Vec<Named>,
}

/// A file by its name and the SHA-256 of its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    pub name: String,
    pub sha256: String,
}

/// A process that worked on a run. It is recorded, and never compared: a run may be resumed on
/// another machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub host: String,
    /// Architecture and what of it changes the speed, or bits: `x86_64 avx2 fma`.
    pub cpu: String,
    /// Version and commit.
    pub program: String,
    /// The command that was given.
    pub command: String,
    /// On hardware: model and serial number of the arm's controller.
    pub arm: Option<String>,
}

impl Provenance {
    /// The first thing in which two differ: its key, what it is here, what it is there. Names of
    /// files do not count.
    pub fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        if self.backend != other.backend {
            return Some(("backend".to_owned(), self.backend.clone(), other.backend.clone()));
        }
        let all = |from: &Self| {
            let robot = from.robot.iter().map(|robot| ("robot", robot.clone()));
            let scenes = from.scenes.iter().map(|scene| ("scene", scene.clone()));
            robot.chain(scenes).collect::<Vec<_>>()
        };
        let (mine, its) = (all(self), all(other));
        let said = |file: Option<&(&str, Named)>| {
            file.map_or_else(|| "none".to_owned(), |(_, file)| format!("content {}", file.sha256))
        };
        (0..mine.len().max(its.len())).find_map(|at| {
            let (a, b) = (mine.get(at), its.get(at));
            let same = a.map(|(_, file)| &file.sha256) == b.map(|(_, file)| &file.sha256);
            let (key, file) = a.or(b).filter(|_| !same)?;
            Some((format!("{key} {}", file.name), said(a), said(b)))
        })
    }
}

impl RunInfo {
    pub(super) fn write(&self, db: &Connection) -> Result<(), rusqlite::Error> {
        let provenance = serde_json::to_string(&self.provenance)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        for (key, value) in [
            ("experiment", &self.experiment),
            ("method", &self.method),
            ("seed", &self.seed.to_string()),
            ("backend", &self.provenance.backend),
            ("provenance", &provenance),
            ("version", &self.version),
            ("commit", &self.commit),
        ] {
            db.execute("INSERT OR REPLACE INTO run VALUES (?, ?)", params![key, value])?;
        }
        Ok(())
    }
}

impl TrialStore {
    /// Notes the SHA-256 of the contrasts that are named before the first trial; one that was noted stays.
    pub fn note_contrasts(&self, sha256: &str) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO run SELECT 'contrasts_sha256', ? \
                   WHERE NOT EXISTS (SELECT 1 FROM trial)";
        self.db.execute(sql, [sha256]).map(drop).map_err(at(&self.path))
    }

    /// What was noted of them.
    pub fn contrasts(&self) -> Result<Option<String>, StoreError> {
        self.value("contrasts_sha256")
    }

    /// How large the pictures are that it keeps, which its experiment says.
    pub fn image_size(&self) -> Result<ImageSize, StoreError> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Said {
            task: Task,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Task {
            image: ImageSize,
        }
        let text = self.value("experiment")?.unwrap_or_default();
        let said: Result<Said, _> = toml::from_str(&text);
        said.map(|said| said.task.image).map_err(|error| {
            let why = format!("the run's experiment cannot be read: {}", error.message());
            StoreError::foreign(&self.path, why)
        })
    }

    /// What this run is.
    pub fn info(&self) -> Result<RunInfo, StoreError> {
        let value = |key: &str| -> Result<String, StoreError> {
            self.value(key)?.ok_or_else(|| {
                StoreError::foreign(&self.path, format!("the run does not say its {key}"))
            })
        };
        let seed = value("seed")?;
        let provenance = match self.value("provenance")? {
            Some(json) => serde_json::from_str(&json).map_err(|error| {
                let why = format!("the run's provenance cannot be read: {error}");
                StoreError::foreign(&self.path, why)
            })?,
            // As format 2 said it: "sim, robot and scenes 0123456789abcdef".
            None => {
                let backend = value("backend")?;
                let kind = backend.split(',').next().unwrap_or_default().to_owned();
                Provenance { backend: kind, robot: None, scenes: Vec::new() }
            }
        };
        Ok(RunInfo {
            experiment: value("experiment")?,
            method: value("method")?,
            seed: seed.parse().map_err(|_| {
                StoreError::foreign(&self.path, format!("the run's seed reads \"{seed}\""))
            })?,
            provenance,
            version: value("version")?,
            commit: value("commit")?,
        })
    }

    /// Notes that a process goes on with this run.
    pub fn begin_session(&self, session: &Session) -> Result<(), StoreError> {
        let Session { host, cpu, program, command, arm } = session;
        let sql = "INSERT INTO session (begun_unix_s, host, cpu, program, command, arm) \
                   VALUES (unixepoch('subsec'), ?, ?, ?, ?, ?)";
        self.db
            .execute(sql, params![host, cpu, program, command, arm])
            .map(drop)
            .map_err(at(&self.path))
    }

    /// The processes that worked on this run, in order.
    pub fn sessions(&self) -> Result<Vec<Session>, StoreError> {
        let sql = "SELECT host, cpu, program, command, arm FROM session ORDER BY id";
        let read = || -> Result<Vec<Session>, rusqlite::Error> {
            let mut statement = self.db.prepare(sql)?;
            let rows = statement.query_map([], |row| {
                Ok(Session {
                    host: row.get(0)?,
                    cpu: row.get(1)?,
                    program: row.get(2)?,
                    command: row.get(3)?,
                    arm: row.get(4)?,
                })
            })?;
            rows.collect()
        };
        read().map_err(at(&self.path))
    }

    /// A larger plan for the same run: it is no longer complete. What was made stays.
    pub fn extend(&self, experiment: &str) -> Result<(), StoreError> {
        let all = || -> Result<(), rusqlite::Error> {
            let tx = self.db.unchecked_transaction()?;
            tx.execute("UPDATE run SET value = ? WHERE key = 'experiment'", [experiment])?;
            tx.execute("DELETE FROM run WHERE key = 'complete'", [])?;
            tx.commit()
        };
        all().map_err(at(&self.path))
    }

    /// It can only be read: its format is an older one.
    pub fn is_migrated(&self) -> bool {
        self.migrated
    }

    /// Every trial has been made and evaluated.
    pub fn is_complete(&self) -> Result<bool, StoreError> {
        Ok(self.value("complete")?.is_some())
    }

    /// Why its method failed, if that is how it ended.
    pub fn failed(&self) -> Result<Option<String>, StoreError> {
        self.value("failed")
    }

    /// Notes that the method failed, and why; `None` before it is tried again.
    pub fn note_failure(&self, reason: Option<&str>) -> Result<(), StoreError> {
        match reason {
            Some(why) => self.db.execute("INSERT OR REPLACE INTO run VALUES ('failed', ?)", [why]),
            None => self.db.execute("DELETE FROM run WHERE key = 'failed'", []),
        }
        .map(drop)
        .map_err(at(&self.path))
    }

    /// Marks the run as complete.
    pub fn complete(&self) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO run VALUES ('complete', 'yes')";
        self.db.execute(sql, []).map(drop).map_err(at(&self.path))
    }

    /// Ends the work on this run: all of it is in the one file, which can be moved and read where
    /// nothing may be written. Somebody who reads it just now keeps the journal where it is.
    pub fn close(self) -> Result<(), StoreError> {
        match set(&self.db, "journal_mode", "DELETE").map_err(at(&self.path)) {
            Err(full @ StoreError::Full { .. }) => Err(full),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn value(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.db
            .query_row("SELECT value FROM run WHERE key = ?", [key], |row| row.get(0))
            .optional()
            .map_err(at(&self.path))
    }
}
