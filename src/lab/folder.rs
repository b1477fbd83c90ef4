use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::Experiment;

const MARK: &str =
    "# An experiment folder of rmrl: what is below is what its runs were made with.\n";
const FILE: &str = "experiment.toml";
const LOCK: &str = ".lock";

/// The folder of an experiment's runs and report, locked against a second process.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

/// What the user wants done with a folder that has been used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing said: start in an absent folder, show a finished one, ask about any other.
    Ask,
    Resume,
    Fresh,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    New,
    Unfinished,
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

impl Folder {
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
        let folder = Self::lock(path)?;
        // Looked at again, now that nobody else can begin here.
        if is_absent_or_empty(path).map_err(io)? {
            folder.begin(experiment).map_err(io)?;
            return Ok((folder, State::New));
        }
        let found = Self::experiment(path)?;
        if wish == Wish::Fresh {
            folder.clear(&found).map_err(io)?;
            folder.begin(experiment).map_err(io)?;
            return Ok((folder, State::New));
        }
        if let Some(difference) = difference(&found, experiment) {
            let why = format!(
                "holds the runs of a different experiment ({difference}); choose another --out, or \
                 --fresh to throw them away"
            );
            return Err(refused(path, why));
        }
        if folder.is_finished() {
            return Ok((folder, State::Finished));
        }
        if wish == Wish::Resume {
            return Ok((folder, State::Unfinished));
        }
        let why =
            "holds an unfinished experiment; --resume goes on with it, --fresh throws it away";
        Err(refused(path, why.into()))
    }

    /// Which experiment a folder holds.
    pub fn experiment(path: &Path) -> Result<Experiment, FolderError> {
        let file = path.join(FILE);
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
        let file = self.path.join("complete");
        write_atomically(&file, "every run of experiment.toml is complete\n")
            .map_err(|source| FolderError::Io { path: file, source })
    }

    fn begin(&self, experiment: &Experiment) -> std::io::Result<()> {
        write_atomically(&self.path.join(FILE), &(MARK.to_owned() + &experiment.to_toml()))
    }

    fn is_finished(&self) -> bool {
        self.path.join("complete").is_file()
    }

    fn lock(path: &Path) -> Result<Self, FolderError> {
        let io = |source| FolderError::Io { path: path.into(), source };
        let lock = File::create(path.join(LOCK)).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.into(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                Err(refused(path, "another rmrl is working in this folder".into()))
            }
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }

    /// Removes the runs and the report of the experiment found, and the note that it was complete.
    /// Whatever else lies in the folder stays.
    fn clear(&self, found: &Experiment) -> std::io::Result<()> {
        for file in crate::report::FILES.into_iter().chain(["complete"]) {
            remove_if_there(&self.path.join(file))?;
        }
        for method in found.names() {
            let runs = self.path.join(method);
            let Ok(entries) = fs::read_dir(&runs) else { continue };
            for entry in entries {
                let file = entry?.path();
                let name = file.file_name().and_then(|n| n.to_str()).unwrap_or("");
                if [".sqlite", ".sqlite-wal", ".sqlite-shm", ".unborn"]
                    .iter()
                    .any(|end| name.ends_with(end))
                {
                    remove_if_there(&file)?;
                }
            }
        }
        Ok(())
    }
}

fn refused(path: &Path, why: String) -> FolderError {
    FolderError::Refused { path: path.into(), why }
}

/// Nothing there but what a killed beginning leaves.
fn is_absent_or_empty(path: &Path) -> std::io::Result<bool> {
    match fs::read_dir(path) {
        Ok(entries) => {
            let ours = [LOCK, "experiment.partial"];
            let names: Result<Vec<_>, _> = entries.map(|e| e.map(|e| e.file_name())).collect();
            Ok(names?.iter().all(|name| ours.iter().any(|our| name == our)))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The first key in which two experiments differ, with both values.
fn difference(found: &Experiment, wanted: &Experiment) -> Option<String> {
    let (found, wanted) = (found.to_toml(), wanted.to_toml());
    if found == wanted {
        return None;
    }
    let (mut a, mut b) = (found.lines(), wanted.lines());
    loop {
        match (a.next(), b.next()) {
            (Some(x), Some(y)) if x == y => {}
            (x, y) => {
                let (x, y) = (x.unwrap_or("nothing"), y.unwrap_or("nothing"));
                return Some(format!("there: {x}; asked for: {y}"));
            }
        }
    }
}

/// Writes beside the file and renames: a reader finds the old text or the new, never half.
pub(crate) fn write_atomically(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("partial");
    let mut file = File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    drop(file);
    fs::rename(&beside, path)
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
        let other = smoke(&["trials=100"]);
        let error = Folder::open(dir.path(), &other, Wish::Resume).unwrap_err().to_string();
        assert!(error.contains("there: trials = 80; asked for: trials = 100"), "{error}");
    }

    #[test]
    fn a_beginning_that_was_killed_is_begun_again() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".lock"), "").unwrap();
        fs::write(dir.path().join("experiment.partial"), "half a fi").unwrap();
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
    fn two_processes_do_not_share_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let first = Folder::open(dir.path(), &smoke(&[]), Wish::Ask).unwrap();
        let error = Folder::open(dir.path(), &smoke(&[]), Wish::Resume).unwrap_err();
        assert!(error.to_string().contains("another rmrl"), "{error}");
        drop(first);
        assert!(Folder::open(dir.path(), &smoke(&[]), Wish::Resume).is_ok());
    }
}
