use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::collect::run_path;
use super::{Experiment, FolderError, LabError, growth};
use crate::input::ConfigError;
use crate::report::own_name;
use crate::store::{Durability, RunInfo, StoreError, TrialStore};

/// The file of one run, locked against other processes while it is worked on. With a scratch
/// folder it is made there and moved to its place: SQLite's journal needs a local disk.
#[derive(Debug)]
pub(super) struct RunFile {
    place: PathBuf,
    working: PathBuf,
    lock: Option<File>,
    host: String,
    /// The lock in scratch, which two processes of one host may share where the folder offers no locks.
    scratch_lock: Option<File>,
}

/// What came of asking for a run.
#[derive(Debug)]
pub(super) enum Asked {
    Ours(RunFile),
    /// Another process works on it.
    Elsewhere,
}

/// A run that another host wrote to so recently may still be in its hands, whatever the locks say.
const IN_HANDS: Duration = Duration::from_secs(60);

impl RunFile {
    /// Locks a run. `host` is this computer's name: where locks do not reach from one to the
    /// other, that one has just been at work is told by what it left in the lock.
    pub fn ask(
        (folder, scratch): (&Path, Option<&Path>),
        (method, seed): (&str, u64),
        host: &str,
    ) -> Result<Asked, LabError> {
        let place = run_path(folder, method, seed);
        let io = |source| FolderError::Io { path: place.clone(), source };
        fs::create_dir_all(place.parent().unwrap_or(folder)).map_err(io)?;
        let path = place.with_extension("lock");
        let mut lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io)?;
        let working =
            scratch.map_or_else(|| place.clone(), |scratch| run_path(scratch, method, seed));
        let held = match lock.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => return Ok(Asked::Elsewhere),
            // Without locks, two processes might write to the one file; in scratch each has its own.
            Err(TryLockError::Error(_)) if scratch.is_some() => false,
            Err(TryLockError::Error(error)) => {
                let why = format!(
                    "the file system offers no locks ({error}): make runs on a local disk with \
                     --scratch DIR"
                );
                return Err(FolderError::Refused { path, why }.into());
            }
        };
        if held && left_by_another(&mut lock, host, &place).map_err(io)? {
            return Ok(Asked::Elsewhere);
        }
        let scratch_lock = match scratch {
            Some(_) => match lock_in_scratch(&working).map_err(io)? {
                None => return Ok(Asked::Elsewhere),
                lock => lock,
            },
            None => None,
        };
        write_token(&lock, host).map_err(io)?;
        let (lock, host) = (held.then_some(lock), host.to_owned());
        Ok(Asked::Ours(Self { place, working, lock, host, scratch_lock }))
    }

    /// Says that somebody still works on it: who cannot see the lock sees this.
    pub fn still_here(&self) {
        if let Some(lock) = &self.lock {
            // Told to others if it can be; the run itself does not need it.
            drop(write_token(lock, &self.host));
        }
    }

    /// Where it is made.
    pub fn working(&self) -> &Path {
        &self.working
    }

    /// Its results, if it is complete and the same run.
    pub fn complete(&self, info: &RunInfo) -> Result<Option<TrialStore>, LabError> {
        if !self.place.exists() {
            return Ok(None);
        }
        let store = TrialStore::read(&self.place)?;
        if !store.is_complete()? || plan(&self.place, &store.info()?, info)? != Plan::Same {
            return Ok(None);
        }
        if self.place.with_extension("sqlite-wal").exists() && !store.is_migrated() {
            // It was killed between its last trial and its end.
            drop(store);
            TrialStore::open(&self.place, Durability::Process)?.close()?;
            return Ok(Some(TrialStore::read(&self.place)?));
        }
        Ok(Some(store))
    }

    /// Opens it to go on with it, or creates it. A file of another run is refused, and left alone.
    pub fn open(&self, info: &RunInfo, durability: Durability) -> Result<TrialStore, LabError> {
        if self.working != self.place {
            self.bring_in(info)?;
        }
        if !self.working.exists() {
            return Ok(TrialStore::create(&self.working, info, durability)?);
        }
        let there = TrialStore::read(&self.working)?.info()?;
        let plan = plan(&self.working, &there, info)?;
        let store = TrialStore::open(&self.working, durability)?;
        if plan == Plan::Larger {
            store.extend(&info.experiment)?;
        }
        Ok(store)
    }

    /// Ends the work on it: all of it is in one file, at its place.
    pub fn hand_over(self, durability: Durability) -> Result<PathBuf, LabError> {
        if self.working.exists() {
            TrialStore::open(&self.working, durability)?.close()?;
            if self.working != self.place {
                self.move_to_place()?;
            }
        }
        Ok(self.place.clone())
    }

    /// Scratch continues what lies at the run's place, unless it is further itself.
    fn bring_in(&self, info: &RunInfo) -> Result<(), LabError> {
        let made = |path: &Path| -> Result<Option<u64>, LabError> {
            if !path.exists() {
                return Ok(None);
            }
            let store = TrialStore::read(path)?;
            plan(path, &store.info()?, info)?;
            Ok(Some(store.times()?.trials))
        };
        let there = made(&self.place)?;
        // What cannot be gone on with in scratch is a leftover.
        let here = made(&self.working).unwrap_or(None);
        if here.is_some() && here >= there {
            return Ok(());
        }
        remove_run(&self.working)?;
        if there.is_some() {
            TrialStore::read(&self.place)?.copy_to(&self.working)?;
        }
        Ok(())
    }

    fn move_to_place(&self) -> Result<(), LabError> {
        // Where locks do not reach, another host may be moving the same run.
        let arriving = own_name(&self.place, "arriving");
        let io = |source| StoreError::Io { path: arriving.clone(), source };
        TrialStore::read(&self.working)?.copy_to(&arriving)?;
        File::open(&arriving).and_then(|file| file.sync_all()).map_err(io)?;
        // The journal of a run that once was made in place is not the new file's.
        for end in RUN_FILES.into_iter().filter(|end| end.starts_with("sqlite-")) {
            remove_if_there(&self.place.with_extension(end)).map_err(io)?;
        }
        fs::rename(&arriving, &self.place).map_err(io)?;
        Ok(remove_run(&self.working)?)
    }
}

impl Drop for RunFile {
    fn drop(&mut self) {
        if let Some(lock) = &self.lock {
            // Nobody works on it any more. What stays is taken for somebody who was killed.
            drop(lock.set_len(0));
        }
        if self.scratch_lock.is_some() && !self.working.exists() {
            drop(remove_if_there(&self.working.with_extension("lock")));
        }
    }
}

/// What is asked for, compared with what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    Same,
    /// The same run with more trials.
    Larger,
}

/// Is this the run that was asked for? The first thing that differs is named.
fn plan(path: &Path, there: &RunInfo, asked: &RunInfo) -> Result<Plan, LabError> {
    let differs = |key: &str, found: String, wanted: String| ConfigError {
        file: path.display().to_string(),
        key: key.to_owned(),
        value: found,
        valid: format!("this run would resume with {wanted}; use --fresh or another --out"),
    };
    for (key, found, wanted) in [
        ("method", &there.method, &asked.method),
        ("seed", &there.seed.to_string(), &asked.seed.to_string()),
        ("version", &there.version, &asked.version),
    ] {
        if found != wanted {
            return Err(differs(key, found.clone(), wanted.clone()).into());
        }
    }
    let difference = there.provenance.difference(&asked.provenance);
    // Format 2 did not say what its robot and scenes were.
    if let Some((key, found, wanted)) = difference.filter(|_| there.provenance.robot.is_some()) {
        return Err(differs(&key, found, wanted).into());
    }
    let file = path.display().to_string();
    let asked = Experiment::parse(&file, &asked.experiment)?;
    match growth::of_run(&file, there, &asked)? {
        None => Ok(Plan::Same),
        Some(Ok(())) => Ok(Plan::Larger),
        Some(Err((key, found, wanted))) => Err(differs(&key, found, wanted).into()),
    }
}

/// `None` if another process of this host works there.
fn lock_in_scratch(working: &Path) -> std::io::Result<Option<File>> {
    fs::create_dir_all(working.parent().unwrap_or(working))?;
    let lock = File::create(working.with_extension("lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes what is left of a run in scratch, unless somebody works there.
pub fn clear_scratch(scratch: &Path, method: &str, seed: u64) -> Result<(), LabError> {
    let run = run_path(scratch, method, seed);
    let lock = run.with_extension("lock");
    if run.parent().is_some_and(Path::is_dir)
        && let Ok(Some(_held)) = lock_in_scratch(&run)
    {
        remove_run(&run)?;
        drop(remove_if_there(&lock));
    }
    Ok(())
}

/// Did another host hold this lock, which we were given all the same, and write just now?
fn left_by_another(lock: &mut File, host: &str, place: &Path) -> std::io::Result<bool> {
    let mut token = String::new();
    lock.take(1000).read_to_string(&mut token)?;
    if token.is_empty() || token.trim() == host {
        return Ok(false);
    }
    // Times of the file system, which has one clock.
    let folder = place.parent().unwrap_or(Path::new("."));
    let now = tempfile::tempfile_in(folder)?.metadata()?.modified()?;
    let files = [place.to_owned(), place.with_extension("sqlite-wal")];
    let recent = files.iter().filter_map(|file| file.metadata().ok()?.modified().ok());
    let age = |at| now.duration_since(at).unwrap_or_default();
    Ok(recent.chain([lock.metadata()?.modified()?]).any(|last| age(last) < IN_HANDS))
}

fn write_token(mut lock: &File, host: &str) -> std::io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    lock.write_all(host.as_bytes())
}

/// What a run is kept in while it is made: its file, before it is whole too, and what SQLite lays beside.
pub(super) const RUN_FILES: [&str; 6] =
    ["sqlite", "sqlite-wal", "sqlite-shm", "sqlite-journal", "unborn", "unborn-journal"];

/// Removes a run file and what SQLite laid beside it.
fn remove_run(path: &Path) -> Result<(), StoreError> {
    for end in RUN_FILES {
        let file = path.with_extension(end);
        remove_if_there(&file).map_err(|source| StoreError::Io { path: file.clone(), source })?;
    }
    Ok(())
}

pub(super) fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(folder: &Path, host: &str) -> Asked {
        RunFile::ask((folder, None), ("rm-rl", 1), host).unwrap()
    }

    #[test]
    fn a_run_is_one_processs_until_it_lets_go() {
        let dir = tempfile::tempdir().unwrap();
        let Asked::Ours(first) = ask(dir.path(), "here") else { panic!("nobody has it") };
        assert!(matches!(ask(dir.path(), "here"), Asked::Elsewhere));
        drop(first);
        assert!(matches!(ask(dir.path(), "here"), Asked::Ours(_)));
    }

    /// Locks of some network file systems hold within one host only.
    #[test]
    fn a_lock_that_does_not_reach_to_the_other_host_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let place = run_path(dir.path(), "rm-rl", 1);
        // What a process on another host leaves that was killed, or is still at work.
        drop(ask(dir.path(), "there"));
        fs::write(place.with_extension("lock"), "there").unwrap();
        fs::write(&place, "half a run").unwrap();
        assert!(matches!(ask(dir.path(), "here"), Asked::Elsewhere), "it may be at work");
        assert!(matches!(ask(dir.path(), "there"), Asked::Ours(_)), "its own host knows better");

        let lock = place.with_extension("lock");
        fs::write(&lock, "there").unwrap();
        let long_ago = place.metadata().unwrap().modified().unwrap() - 2 * IN_HANDS;
        let age = |file: &Path| {
            File::options().write(true).open(file).unwrap().set_modified(long_ago).unwrap();
        };
        age(&place);
        assert!(matches!(ask(dir.path(), "here"), Asked::Elsewhere), "in scratch, it says so here");
        age(&lock);
        assert!(matches!(ask(dir.path(), "here"), Asked::Ours(_)), "it was killed");
    }

    #[test]
    fn two_processes_of_one_host_do_not_share_a_run_in_scratch() {
        let (one, other, scratch) = (
            tempfile::tempdir().unwrap(),
            tempfile::tempdir().unwrap(),
            tempfile::tempdir().unwrap(),
        );
        let ask =
            |folder: &Path| RunFile::ask((folder, Some(scratch.path())), ("rm-rl", 1), "here");
        let Asked::Ours(first) = ask(one.path()).unwrap() else { panic!("nobody has it") };
        // As if the folder's own lock were not there.
        assert!(matches!(ask(other.path()).unwrap(), Asked::Elsewhere));
        drop(first);
        assert!(matches!(ask(other.path()).unwrap(), Asked::Ours(_)));
    }
}
