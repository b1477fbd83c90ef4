use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags, ffi};
use tempfile::TempDir;

use super::error::at;
use super::schema::{APPLICATION_ID, FORMAT, add_columns, lay_out, migrate_from_2};
use super::{RunInfo, StoreError, TrialStore, in_process};

/// What must survive: a killed process, or also a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Simulation: nothing is lost when the process is killed.
    Process,
    /// Hardware: nothing is lost when the power fails.
    Power,
}

impl TrialStore {
    /// Starts a new run file. An existing file is an error, never overwritten. The file appears
    /// under its name only once it is whole: a kill on the way leaves nothing that looks like a run.
    pub fn create(path: &Path, info: &RunInfo, durability: Durability) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(StoreError::io(folder))?;
        }
        if path.exists() {
            return Err(StoreError::foreign(path, "the file exists already"));
        }
        let unborn = path.with_extension("unborn");
        let io = StoreError::io(&unborn);
        match std::fs::remove_file(&unborn) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
        let mut db = Connection::open(&unborn).map_err(at(&unborn))?;
        let mut initialise = || -> Result<(), rusqlite::Error> {
            let tx = db.transaction()?;
            lay_out(&tx)?;
            info.write(&tx)?;
            tx.commit()
        };
        initialise().map_err(at(&unborn))?;
        drop(db);
        std::fs::rename(&unborn, path).map_err(io)?;
        Self::open(path, durability)
    }

    /// Opens a run file to go on with it, and refuses one that is not ours, is damaged, or is of
    /// another format.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        there(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let (db, hold) = in_process::to_write(path, || {
            let db = Connection::open_with_flags(path, flags)?;
            // Whatever is wrong with the file is told below.
            drop(db.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(())));
            Ok(db)
        })
        .map_err(at(path))?;
        let store = Self { db, path: path.into(), migrated: false, _copy: None, _hold: hold };
        if store.recognise()? != FORMAT {
            let why = "made by an earlier version of rmrl: it can be read, and it must be finished \
                       by that version, or begun again with --fresh";
            return Err(StoreError::foreign(path, why));
        }
        store.configure(durability).and_then(|()| add_columns(&store.db)).map_err(at(path))?;
        Ok(store)
    }

    /// Opens a run file to read it as it is now, whatever is written meanwhile. Nothing is written,
    /// so that a read-only disk and another user's run will do. One of format 2 is migrated in memory.
    pub fn read(path: &Path) -> Result<Self, StoreError> {
        there(path)?;
        let index = beside(path, "-shm");
        let was_written = index.exists();
        let hold = in_process::to_read(path);
        let (db, copy) = snapshot(path)?;
        let mut store = Self { db, path: path.into(), migrated: false, _copy: copy, _hold: hold };
        let format = match store.recognise() {
            // Who wrote has ended just now.
            Err(_) if was_written && !index.exists() => {
                // A writer that waits for this reader would hold up the next.
                drop(store);
                return Self::read(path);
            }
            format => format?,
        };
        if format != FORMAT {
            let mut memory = Connection::open_in_memory().map_err(at(path))?;
            let all = Backup::new(&store.db, &mut memory)
                .and_then(|backup| backup.step(-1).map(drop))
                .and_then(|()| migrate_from_2(&mut memory));
            all.map_err(at(path))?;
            store.db = memory;
            store.migrated = true;
        }
        Ok(store)
    }

    /// A copy of all that it holds, as one file.
    pub fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(StoreError::io(folder))?;
        }
        let copy = || -> Result<(), rusqlite::Error> {
            let mut to = Connection::open(path)?;
            Backup::new(&self.db, &mut to)?.step(-1)?;
            set(&to, "journal_mode", "DELETE")
        };
        copy().map_err(at(path))
    }

    /// The format of a run file, which is at most ours.
    fn recognise(&self) -> Result<i32, StoreError> {
        let number = |pragma: &str| -> Result<i32, StoreError> {
            self.db.pragma_query_value(None, pragma, |row| row.get(0)).map_err(|error| {
                StoreError::foreign(&self.path, format!("not a readable run file ({error})"))
            })
        };
        if number("application_id")? != APPLICATION_ID {
            return Err(StoreError::foreign(&self.path, "a SQLite file, but not a run of rmrl"));
        }
        let format = number("user_version")?;
        if !(2..=FORMAT).contains(&format) {
            let why = format!(
                "a run of another version of rmrl: its format is {format}, this version reads 2 to \
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
        Ok(format)
    }

    fn configure(&self, durability: Durability) -> Result<(), rusqlite::Error> {
        let synchronous = match durability {
            Durability::Process => "OFF",
            Durability::Power => "FULL",
        };
        set(&self.db, "journal_mode", "WAL")?;
        set(&self.db, "synchronous", synchronous)?;
        set(&self.db, "foreign_keys", "ON")?;
        self.db.set_prepared_statement_cache_capacity(32);
        Ok(())
    }
}

pub(super) fn set(db: &Connection, pragma: &str, value: &str) -> Result<(), rusqlite::Error> {
    db.pragma_update_and_check(None, pragma, value, |_| Ok(())).or_else(|error| match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        other => Err(other),
    })
}

fn there(path: &Path) -> Result<(), StoreError> {
    match path.is_file() {
        true => Ok(()),
        false => Err(StoreError::foreign(path, "no such run file")),
    }
}

/// A connection within one read transaction. Where a run was killed, another reader may be just
/// mending the journal's index, which we may not: that takes it microseconds, if it is given a core. Where a writer ends,
/// the index goes between our look for it and our use.
fn snapshot(path: &Path) -> Result<(Connection, Option<TempDir>), StoreError> {
    for _ in 0..1000 {
        let (db, copy) = open_to_read(path)?;
        let begun = db.execute_batch("BEGIN; SELECT COUNT(*) FROM sqlite_schema");
        let code = begun.err().and_then(|error| error.sqlite_error().map(|e| e.extended_code));
        // Mended just now, or taken away by a writer that ended.
        let passing = [ffi::SQLITE_READONLY_RECOVERY, ffi::SQLITE_CANTOPEN].map(Some);
        if !passing.contains(&code) {
            // Any other error comes again with the first thing that is read.
            return Ok((db, copy));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    open_to_read(path)
}

/// A connection that writes nothing beside the file either. A journal that a killed run left on a
/// disk without its index is read in a copy.
fn open_to_read(path: &Path) -> Result<(Connection, Option<TempDir>), StoreError> {
    let [wal, index] = ["-wal", "-shm"].map(|end| beside(path, end));
    let has_journal = wal.metadata().is_ok_and(|wal| wal.len() > 0);
    if index.exists() {
        // Somebody may be writing: SQLite's own locks, on an index opened to be read.
        return Ok((connect(path, "readonly_shm=1")?, None));
    }
    if !has_journal {
        return Ok((connect(path, "immutable=1")?, None));
    }
    let copy = TempDir::new().map_err(StoreError::io(&std::env::temp_dir()))?;
    let there = copy.path().join("run.sqlite");
    std::fs::copy(path, &there).map_err(StoreError::io(path))?;
    match std::fs::copy(&wal, beside(&there, "-wal")) {
        // Who wrote has ended just now: all of it is in the file.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return open_to_read(path),
        copied => copied.map_err(StoreError::io(&wal))?,
    };
    let db = Connection::open(&there).map_err(at(path))?;
    Ok((db, Some(copy)))
}

fn connect(path: &Path, how: &str) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte));
            }
            other => uri += &format!("%{other:02x}"),
        }
    }
    Connection::open_with_flags(format!("{uri}?{how}"), flags).map_err(at(path))
}

/// SQLite's own files lie beside a database.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
