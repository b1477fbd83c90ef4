use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::TrialStore;

/// Marks our files in SQLite's own header: "rmrl".
const APPLICATION_ID: i32 = 0x726d_726c;
/// 2: harm has jam, drop and plate hit.
const FORMAT: i32 = 2;

const SCHEMA: &str = "
CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE trial (
    id INTEGER PRIMARY KEY,
    phase TEXT NOT NULL,
    checkpoint INTEGER NOT NULL,
    number INTEGER NOT NULL,
    instance INTEGER NOT NULL,
    offset_x_mm REAL NOT NULL, offset_y_mm REAL NOT NULL, offset_yaw_deg REAL NOT NULL,
    seen_x_mm REAL, seen_y_mm REAL, seen_yaw_deg REAL,
    commanded_x_mm REAL NOT NULL, commanded_y_mm REAL NOT NULL, commanded_yaw_deg REAL NOT NULL,
    bin_x INTEGER, bin_y INTEGER, bin_yaw INTEGER,
    log_prob_x REAL, log_prob_y REAL, log_prob_yaw REAL,
    image BLOB,
    executed_x_mm REAL, executed_y_mm REAL, executed_yaw_deg REAL,
    in_hand_x_mm REAL, in_hand_y_mm REAL, in_hand_yaw_deg REAL,
    outcome TEXT,
    seated INTEGER,
    measured_x_mm REAL, measured_y_mm REAL, measured_yaw_deg REAL, measured_z_mm REAL, measured_tilt_deg REAL,
    truth_x_mm REAL, truth_y_mm REAL, truth_yaw_deg REAL, truth_z_mm REAL, truth_tilt_deg REAL,
    reward REAL,
    robot_time_s REAL,
    peak_force_n REAL, jam INTEGER, dropped INTEGER, plate_hit INTEGER,
    UNIQUE (phase, checkpoint, number)
);
CREATE TABLE picture_after (
    phase TEXT NOT NULL,
    checkpoint INTEGER NOT NULL,
    number INTEGER NOT NULL,
    image BLOB NOT NULL,
    PRIMARY KEY (phase, checkpoint, number)
) WITHOUT ROWID;
CREATE TABLE pause (
    id INTEGER PRIMARY KEY,
    unix_s INTEGER NOT NULL,
    reason TEXT NOT NULL,
    resumed INTEGER NOT NULL
);
CREATE TABLE label (
    at_trial INTEGER NOT NULL,
    trial INTEGER NOT NULL,
    role_model INTEGER NOT NULL,
    peers INTEGER NOT NULL,
    x_mm REAL NOT NULL, y_mm REAL NOT NULL, yaw_deg REAL NOT NULL,
    PRIMARY KEY (at_trial, trial)
) WITHOUT ROWID;
CREATE TABLE batch (at_trial INTEGER PRIMARY KEY, loss REAL);
CREATE TABLE learner (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    at_trial INTEGER NOT NULL,
    state BLOB NOT NULL
);
";

/// What must survive: a killed process, or also a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Simulation: nothing is lost when the process is killed.
    Process,
    /// Hardware: nothing is lost when the power fails.
    Power,
}

/// What a run is. Resuming asks for the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunInfo {
    /// The resolved experiment file.
    pub experiment: String,
    pub method: String,
    pub seed: u64,
    /// `sim`, or the robot on hardware.
    pub backend: String,
    pub version: String,
    pub commit: String,
}

/// Why a run file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{}: {why}", .path.display())]
    Foreign { path: PathBuf, why: String },
    #[error(
        "{}: no room is left on its disk; every whole trial so far is kept: make room, then go on with \
         --resume", .path.display()
    )]
    Full { path: PathBuf },
    #[error("{}: {source}", .path.display())]
    Sqlite { path: PathBuf, source: rusqlite::Error },
    #[error("{}: {source}", .path.display())]
    Io { path: PathBuf, source: std::io::Error },
}

impl StoreError {
    /// The file itself is at fault, not the work with it.
    pub fn is_bad_file(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            Self::Foreign { .. } | Self::Io { .. } => true,
            Self::Full { .. } => false,
            Self::Sqlite { source, .. } => {
                let code = source.sqlite_error_code();
                // No code: a row that reads, but makes no sense.
                code.is_none_or(|code| matches!(code, DatabaseCorrupt | NotADatabase))
            }
        }
    }

    pub(super) fn foreign(path: &Path, why: impl Into<String>) -> Self {
        Self::Foreign { path: path.into(), why: why.into() }
    }
}

impl TrialStore {
    /// Starts a new run file. An existing file is an error, never overwritten. The file appears
    /// under its name only once it is whole: a kill on the way leaves nothing that looks like a run.
    pub fn create(path: &Path, info: &RunInfo, durability: Durability) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|source| StoreError::Io { path: folder.into(), source })?;
        }
        if path.exists() {
            return Err(StoreError::foreign(path, "the file exists already"));
        }
        let unborn = path.with_extension("unborn");
        let io = |source| StoreError::Io { path: unborn.clone(), source };
        match std::fs::remove_file(&unborn) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
        let db = Connection::open(&unborn).map_err(at(&unborn))?;
        let mut store = Self { db, path: unborn.clone() };
        store.initialise(info).map_err(at(&unborn))?;
        drop(store);
        std::fs::rename(&unborn, path).map_err(io)?;
        Self::open(path, durability)
    }

    /// Opens an existing run file, and refuses one that is not ours, is damaged, or is of
    /// another format.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        let store = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        store.configure(durability)?;
        Ok(store)
    }

    /// Opens an existing run file to read it. (SQLite itself may have to fold in a journal that a
    /// killed run left.)
    pub fn read(path: &Path) -> Result<Self, StoreError> {
        Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    fn connect(path: &Path, mode: OpenFlags) -> Result<Self, StoreError> {
        if !path.is_file() {
            return Err(StoreError::foreign(path, "no such run file"));
        }
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags).map_err(at(path))?;
        let store = Self { db, path: path.into() };
        store.recognise()?;
        Ok(store)
    }

    fn recognise(&self) -> Result<(), StoreError> {
        let number = |pragma: &str| -> Result<i32, StoreError> {
            self.db.pragma_query_value(None, pragma, |row| row.get(0)).map_err(|error| {
                StoreError::foreign(&self.path, format!("not a readable run file ({error})"))
            })
        };
        if number("application_id")? != APPLICATION_ID {
            return Err(StoreError::foreign(&self.path, "a SQLite file, but not a run of rmrl"));
        }
        let format = number("user_version")?;
        if format != FORMAT {
            let why = format!(
                "a run of another version of rmrl: its format is {format}, this version reads \
                 {FORMAT}; read it with the version that made it, or run it again"
            );
            return Err(StoreError::foreign(&self.path, why));
        }
        let verdict: String = self
            .db
            .pragma_query_value(None, "quick_check", |row| row.get(0))
            .unwrap_or_else(|error| error.to_string());
        if verdict != "ok" {
            // Under a heading, a line for each thing that it finds: the first will do.
            let mut lines = verdict.lines().filter(|line| !line.starts_with("***"));
            let first = lines.next().unwrap_or("no details");
            let why = format!("the run file is damaged ({first})");
            return Err(StoreError::foreign(&self.path, why));
        }
        Ok(())
    }

    fn configure(&self, durability: Durability) -> Result<(), StoreError> {
        let synchronous = match durability {
            Durability::Process => "OFF",
            Durability::Power => "FULL",
        };
        let set = |pragma: &str, value: &str| {
            self.db.pragma_update_and_check(None, pragma, value, |_| Ok(())).or_else(|e| match e {
                rusqlite::Error::QueryReturnedNoRows => Ok(()),
                other => Err(other),
            })
        };
        set("journal_mode", "WAL").map_err(at(&self.path))?;
        set("synchronous", synchronous).map_err(at(&self.path))?;
        self.db.set_prepared_statement_cache_capacity(32);
        Ok(())
    }

    fn initialise(&mut self, info: &RunInfo) -> Result<(), rusqlite::Error> {
        let tx = self.db.transaction()?;
        tx.execute_batch(SCHEMA)?;
        for (key, value) in [
            ("experiment", &info.experiment),
            ("method", &info.method),
            ("seed", &info.seed.to_string()),
            ("backend", &info.backend),
            ("version", &info.version),
            ("commit", &info.commit),
        ] {
            tx.execute("INSERT INTO run VALUES (?, ?)", params![key, value])?;
        }
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", FORMAT)?;
        tx.commit()
    }

    /// What this run is.
    pub fn info(&self) -> Result<RunInfo, StoreError> {
        let value = |key: &str| -> Result<String, StoreError> {
            self.value(key)?.ok_or_else(|| {
                StoreError::foreign(&self.path, format!("the run does not say its {key}"))
            })
        };
        let seed = value("seed")?;
        Ok(RunInfo {
            experiment: value("experiment")?,
            method: value("method")?,
            seed: seed.parse().map_err(|_| {
                StoreError::foreign(&self.path, format!("the run's seed reads \"{seed}\""))
            })?,
            backend: value("backend")?,
            version: value("version")?,
            commit: value("commit")?,
        })
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

    /// Marks the run as complete and folds the journal into the one file.
    pub fn complete(&self) -> Result<(), StoreError> {
        self.db
            .execute("INSERT OR IGNORE INTO run VALUES ('complete', 'yes')", [])
            .and_then(|_| {
                self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map(drop)
            })
            .map_err(at(&self.path))
    }

    fn value(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.db
            .query_row("SELECT value FROM run WHERE key = ?", [key], |row| row.get(0))
            .optional()
            .map_err(at(&self.path))
    }
}

pub(super) fn at(path: &Path) -> impl Fn(rusqlite::Error) -> StoreError {
    move |source| match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => StoreError::Full { path: path.into() },
        _ => StoreError::Sqlite { path: path.into(), source },
    }
}
