use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::Experiment;
use super::growth::{self, Growth};
use super::run_file::{RUN_FILES, remove_if_there};
use crate::report::replace;

const MARK: &str =
    "# An experiment folder of rmrl: what is below is what its runs were made with.\n";
const LOCK: &str = ".lock";
const COMPLETE: &str = "complete";

/// The folder of an experiment's runs and report. Several processes may work in it: each holds its
/// lock together with the others, and a run's own lock for itself.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// `None` where the file system offers no locks.
    _lock: Option<File>,
}

/// What the user wants done with a folder that has been used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing said: start in an absent folder, show a finished one, ask about any other.
    Ask,
    /// Go on with what is there, let a finished folder grow, work beside other processes.
    Resume,
    Fresh,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    New,
    Unfinished,
    /// It was finished, and has been given more to do: what, in words.
    Grown(String),
    Finished,
}

/// Why a folder cannot be used. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("{}: {why}", .path.display())]
    Refused { path: PathBuf, why: String },
    #[error("{}: {source}", .path.display())]
    Io { path: PathBuf, source: std::io::Error },
}

/// What the folder's file of an experiment says.
pub(super) fn file_of(experiment: &Experiment) -> String {
    MARK.to_owned() + &experiment.to_toml()
}

impl Folder {
    /// What the plan of its runs is called: it tells such a folder from any other.
    pub const FILE: &str = "experiment.toml";

    /// Opens the folder of an experiment, or makes it.
    pub fn open(
        path: &Path,
        experiment: &Experiment,
        wish: Wish,
    ) -> Result<(Self, State), FolderError> {
        let io = |source| FolderError::Io { path: path.into(), source };
        if is_absent_or_empty(path).map_err(io)? {
            fs::create_dir_all(path).map_err(io)?;
        } else {
            Self::experiment(path)?;
        }
        // To be read as well: on NFS a lock that is shared needs it.
        let lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK))
            .map_err(io)?;
        let alone = match lock.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => {
                // Whoever begins here is done in a moment; whoever works here lets us in.
                lock.lock_shared().map_err(io)?;
                false
            }
            // Nobody can say who else is here.
            Err(TryLockError::Error(_)) => {
                let folder = Self { path: path.into(), _lock: None };
                let state = folder.enter(experiment, wish, false)?;
                return Ok((folder, state));
            }
        };
        let folder = Self { path: path.into(), _lock: Some(lock.try_clone().map_err(io)?) };
        let state = folder.enter(experiment, wish, alone)?;
        if alone {
            lock.unlock().and_then(|()| lock.lock_shared()).map_err(io)?;
            // Somebody else may have been alone in between.
            let found = Self::experiment(path)?;
            if growth::of_folder(&found, experiment) != Growth::Same {
                let why = "was given another plan by another rmrl just now; look, and try again";
                return Err(refused(path, why.into()));
            }
        }
        Ok((folder, state))
    }

    /// Decides what is done with the folder. `alone`: nobody else works in it.
    fn enter(
        &self,
        experiment: &Experiment,
        wish: Wish,
        alone: bool,
    ) -> Result<State, FolderError> {
        let path = &self.path;
        let io = |source| FolderError::Io { path: path.clone(), source };
        if is_absent_or_empty(path).map_err(io)? {
            self.begin(experiment).map_err(io)?;
            return Ok(State::New);
        }
        let others =
            "another rmrl is working in this folder, or its file system offers no locks to tell";
        let found = Self::experiment(path)?;
        if wish == Wish::Fresh {
            if !alone {
                return Err(refused(path, others.into()));
            }
            self.clear(&found).map_err(io)?;
            self.begin(experiment).map_err(io)?;
            return Ok(State::New);
        }
        match growth::of_folder(&found, experiment) {
            Growth::Same => {}
            Growth::Different((_, found, wanted)) => {
                let why = format!(
                    "holds the runs of a different experiment (there: {found}; asked for: \
                     {wanted}); choose another --out, or --fresh to throw them away"
                );
                return Err(refused(path, why));
            }
            Growth::Larger(what) if wish == Wish::Resume && alone => {
                remove_if_there(&path.join(COMPLETE)).map_err(io)?;
                self.begin(experiment).map_err(io)?;
                return Ok(State::Grown(what));
            }
            Growth::Larger(what) if wish == Wish::Resume => {
                return Err(refused(path, format!("{others}: it cannot grow now ({what})")));
            }
            Growth::Larger(what) => {
                let why = format!(
                    "holds the runs of a smaller experiment ({what}); --resume adds what is \
                     missing, --fresh throws them away"
                );
                return Err(refused(path, why));
            }
        }
        if self.is_finished() {
            return Ok(State::Finished);
        }
        if wish == Wish::Resume {
            return Ok(State::Unfinished);
        }
        let why =
            "holds an unfinished experiment; --resume goes on with it, --fresh throws it away";
        Err(refused(path, why.into()))
    }

    /// Which experiment a folder holds.
    pub fn experiment(path: &Path) -> Result<Experiment, FolderError> {
        let file = path.join(Folder::FILE);
        let text = match fs::read_to_string(&file) {
            Ok(text) if text.starts_with(MARK) => text,
            Ok(_) | Err(_) => {
                let why = "holds something that is not an experiment of rmrl (no experiment.toml \
                           of ours in it); choose another folder";
                return Err(refused(path, why.into()));
            }
        };
        Experiment::parse(&file.display().to_string(), &text)
            .map_err(|e| refused(path, e.to_string()))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Notes that every run is complete.
    pub fn finish(&self) -> Result<(), FolderError> {
        let file = self.path.join(COMPLETE);
        replace(&file, "every run of experiment.toml is complete\n")
            .map_err(|source| FolderError::Io { path: file, source })
    }

    fn begin(&self, experiment: &Experiment) -> std::io::Result<()> {
        replace(&self.path.join(Folder::FILE), file_of(experiment))
    }

    fn is_finished(&self) -> bool {
        self.path.join(COMPLETE).is_file()
    }

    /// Removes the runs and the report of the experiment found, and the note that it was complete.
    /// Whatever else lies in the folder stays.
    fn clear(&self, found: &Experiment) -> std::io::Result<()> {
        for file in crate::report::FILES.into_iter().chain([COMPLETE]) {
            remove_if_there(&self.path.join(file))?;
        }
        for method in found.names() {
            let runs = self.path.join(method);
            let Ok(entries) = fs::read_dir(&runs) else { continue };
            for entry in entries {
                let file = entry?.path();
                let name = file.file_name().and_then(|n| n.to_str()).unwrap_or("");
                if is_of_a_run(name) {
                    remove_if_there(&file)?;
                }
            }
        }
        Ok(())
    }
}

/// Is this a file that a run, or a process that was killed on the way, leaves in its method's folder?
fn is_of_a_run(name: &str) -> bool {
    let ends = RUN_FILES.into_iter().chain(["arriving", "arriving-journal", "lock"]);
    name.rsplit_once('.').is_some_and(|(_, end)| ends.into_iter().any(|known| known == end))
}

fn refused(path: &Path, why: String) -> FolderError {
    FolderError::Refused { path: path.into(), why }
}

/// Nothing there but what a killed beginning leaves.
fn is_absent_or_empty(path: &Path) -> std::io::Result<bool> {
    match fs::read_dir(path) {
        Ok(entries) => {
            let is_ours = |name: &str| {
                name == LOCK || (name.starts_with("experiment.") && name.ends_with(".partial"))
            };
            let names: Result<Vec<_>, _> = entries.map(|e| e.map(|e| e.file_name())).collect();
            Ok(names?.iter().all(|name| name.to_str().is_some_and(is_ours)))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smoke(sets: &[&str]) -> Experiment {
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        Experiment::open("smoke", &sets).unwrap()
    }

    #[test]
    fn a_folder_of_something_else_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "precious").unwrap();
        for wish in [Wish::Ask, Wish::Resume, Wish::Fresh] {
            let error = Folder::open(dir.path(), &smoke(&[]), wish).unwrap_err();
            assert!(error.to_string().contains("not an experiment of rmrl"), "{error}");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_unfinished_folder_asks_and_a_finished_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let open = |wish| Folder::open(dir.path(), &smoke(&[]), wish);
        assert_eq!(open(Wish::Resume).unwrap().1, State::New, "an absent folder just starts");
        assert!(open(Wish::Ask).unwrap_err().to_string().contains("--resume"));
        let (folder, state) = open(Wish::Resume).unwrap();
        assert_eq!(state, State::Unfinished);
        folder.finish().unwrap();
        drop(folder);
        assert_eq!(open(Wish::Ask).unwrap().1, State::Finished);
        assert_eq!(open(Wish::Fresh).unwrap().1, State::New);
        assert!(open(Wish::Ask).is_err(), "fresh means unfinished again");
    }

    #[test]
    fn resuming_a_different_experiment_names_what_differs() {
        let dir = tempfile::tempdir().unwrap();
        drop(Folder::open(dir.path(), &smoke(&[]), Wish::Ask).unwrap());
        let other = smoke(&["trials=40"]);
        let error = Folder::open(dir.path(), &other, Wish::Resume).unwrap_err().to_string();
        assert!(error.contains("there: trials = 80; asked for: trials = 40"), "{error}");
    }

    #[test]
    fn a_beginning_that_was_killed_is_begun_again() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".lock"), "").unwrap();
        fs::write(dir.path().join("experiment.1f.partial"), "half a fi").unwrap();
        assert_eq!(Folder::open(dir.path(), &smoke(&[]), Wish::Ask).unwrap().1, State::New);
    }

    #[test]
    fn fresh_removes_runs_and_report_but_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        drop(Folder::open(dir.path(), &smoke(&[]), Wish::Ask).unwrap());
        fs::create_dir(dir.path().join("ppo")).unwrap();
        for file in ["summary.json", "ppo/1.sqlite", "ppo/notes.txt"] {
            fs::write(dir.path().join(file), "old").unwrap();
        }
        drop(Folder::open(dir.path(), &smoke(&[]), Wish::Fresh).unwrap());
        let left = |file: &str| dir.path().join(file).exists();
        assert!(!left("summary.json") && !left("ppo/1.sqlite") && left("ppo/notes.txt"));
    }

    #[test]
    fn processes_share_a_folder_that_none_of_them_may_then_clear_or_enlarge() {
        let dir = tempfile::tempdir().unwrap();
        let open = |sets: &[&str], wish| Folder::open(dir.path(), &smoke(sets), wish);
        let (first, _) = open(&[], Wish::Ask).unwrap();
        let (second, state) = open(&[], Wish::Resume).unwrap();
        assert_eq!(state, State::Unfinished);
        let said = |result: Result<(Folder, State), FolderError>| result.unwrap_err().to_string();
        assert!(said(open(&[], Wish::Fresh)).contains("another rmrl"));
        assert!(said(open(&["seeds=9"], Wish::Resume)).contains("another rmrl"));
        drop((first, second));
        assert!(said(open(&["seeds=9"], Wish::Ask)).contains("--resume adds"));
        let (grown, state) = open(&["seeds=9"], Wish::Resume).unwrap();
        assert!(matches!(state, State::Grown(what) if what.contains("9")));
        assert_eq!(Folder::experiment(grown.path()).unwrap().seeds, 9);
    }
}
