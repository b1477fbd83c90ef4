use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::leftovers::{self, Journal};
use super::swap::swap;
use crate::cli::Failure;

/// Says that a folder is an export, of which kind, and which files are its own.
pub(super) const MARK: &str = "export.json";

/// A folder that is written beside the one that was asked for, and takes its place once it is whole: a kill
/// or a full disk leaves what was there.
#[derive(Debug)]
pub struct Unborn {
    out: PathBuf,
    /// What messages name.
    named: PathBuf,
    /// Nothing once it took its place.
    folder: Option<PathBuf>,
    to: &'static str,
    journal: Journal,
    files: Vec<Written>,
}

/// A file of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its path in the folder, with `/`.
    pub file: String,
    pub rows: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Version of the program.
    rmrl: String,
    pub to: String,
    pub files: BTreeSet<String>,
}

impl Unborn {
    /// Clears what killed exports of this kind to this folder have left beside it.
    ///
    /// # Errors
    /// Exit code 2 where the folder holds something else, or none can be made there.
    pub fn beside(out: &Path, to: &'static str) -> Result<Self, Failure> {
        let refused = |why: String| Failure::Input(format!("{}: {why}", out.display()));
        let out = place(out).map_err(refused)?;
        may_replace(&out, to).map_err(refused)?;
        let made = out.parent().map_or(Ok(()), fs::create_dir_all);
        leftovers::clear(&out, to);
        let made = made.and_then(|()| leftovers::begin(&out, to));
        let (folder, journal) =
            made.map_err(|error| refused(format!("no folder can be made there: {error}")))?;
        let named = out.clone();
        Ok(Self { out, named, folder: Some(folder), to, journal, files: Vec::new() })
    }

    /// One that is needed on the way, at this path below; messages name what was asked for.
    pub fn within(&self, path: &str, to: &'static str) -> Result<Self, Failure> {
        let mut inner = Self::beside(&self.folder().join(path), to)?;
        inner.named.clone_from(&self.named);
        Ok(inner)
    }

    /// A new file of it, at this path with `/`.
    pub fn create(&self, file: &str) -> Result<File, Failure> {
        let path = self.folder().join(file);
        let noted = self.journal.note(file);
        noted
            .and_then(|()| path.parent().map_or(Ok(()), fs::create_dir_all))
            .and_then(|()| File::create(&path))
            .map_err(|error| self.failed(error))
    }

    /// Files that another program will write below this folder, a path that ends in `/`.
    pub fn expect(&self, folder: &str) -> Result<(), Failure> {
        self.journal.note(folder).map_err(|error| self.failed(error))
    }

    /// All files that lie in it, by their paths with `/`.
    pub fn files(&self) -> io::Result<BTreeSet<String>> {
        Ok(leftovers::without_journal(held(self.folder())?))
    }

    /// A file is whole.
    pub fn wrote(&mut self, file: &str, rows: u64) {
        self.files.push(Written { file: file.to_owned(), rows });
    }

    /// What went wrong with the disk; whatever was there stays.
    pub fn failed(&self, error: impl std::fmt::Display) -> Failure {
        let out = self.named.display();
        Failure::Work(anyhow::anyhow!(
            "{out}: cannot be written: {error}; nothing was changed there"
        ))
    }

    /// Puts it in its place. Returns its files in the order in which they were written.
    ///
    /// # Errors
    /// Exit code 2 where somebody has put something else there meanwhile, 1 where the disk refuses.
    pub fn finish(mut self) -> Result<Vec<Written>, Failure> {
        let mark = Mark {
            rmrl: env!("CARGO_PKG_VERSION").to_owned(),
            to: self.to.to_owned(),
            files: self.files.iter().map(|written| written.file.clone()).collect(),
        };
        let text = serde_json::to_string_pretty(&mark).map_err(|error| self.failed(error))?;
        File::create(self.folder().join(MARK))
            .and_then(|mut file| file.write_all((text + "\n").as_bytes()))
            .and_then(|()| self.journal.end(self.folder.as_deref().unwrap_or(&self.out)))
            .map_err(|error| self.failed(error))?;
        self.take_place()?;
        Ok(std::mem::take(&mut self.files))
    }

    /// Where it is written.
    pub fn folder(&self) -> &Path {
        self.folder.as_deref().unwrap_or(&self.out)
    }

    fn take_place(&mut self) -> Result<(), Failure> {
        // A folder takes the place of nothing and of an empty one, but never of anything else.
        let Err(error) = fs::rename(self.folder(), &self.out) else {
            self.folder = None;
            return Ok(());
        };
        if fs::symlink_metadata(&self.out).is_err() {
            return Err(self.failed(error));
        }
        let spare = leftovers::own_folder(&self.out);
        let earlier = swap(self.folder(), &self.out, &spare).map_err(|error| self.failed(error))?;
        // From here on, what lies beside is somebody's data: it is removed only where that may be.
        let folder = self.folder.take().unwrap_or(spare);
        let Err(why) = may_replace(&earlier, self.to) else {
            // What cannot be removed stays beside, and the next export clears it.
            drop(fs::remove_dir_all(&earlier));
            return Ok(());
        };
        // Somebody came between: back to what was there.
        let free = if earlier == folder { leftovers::own_folder(&self.out) } else { folder };
        let own = swap(&earlier, &self.out, &free).map_err(|error| {
            let (out, there) = (self.out.display(), earlier.display());
            Failure::Work(anyhow::anyhow!("{out}: {why}; what was there is now {there}: {error}"))
        })?;
        self.folder = Some(own);
        Err(Failure::Input(format!("{}: {why}", self.out.display())))
    }
}

impl Drop for Unborn {
    fn drop(&mut self) {
        self.journal.close();
        if let Some(folder) = &self.folder {
            // Nobody needs it.
            drop(fs::remove_dir_all(folder));
        }
    }
}

/// Where a folder is written, without links. A link is followed: what it leads to is replaced, and not the link.
fn place(out: &Path) -> Result<PathBuf, String> {
    // Without a slash at its end.
    let out: PathBuf = out.components().collect();
    let there = match out.canonicalize() {
        Ok(there) => there,
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.to_string()),
        Err(_) => match fs::read_link(&out) {
            Ok(to) => {
                let to = to.display();
                return Err(format!("links to {to}, which is not there: make that folder"));
            }
            Err(_) => std::path::absolute(&out).map_err(|error| error.to_string())?,
        },
    };
    match there.file_name() {
        Some(_) => Ok(there),
        None => Err("is no folder of its own: name a new or empty one".to_owned()),
    }
}

/// Whether all that lies there may go: nothing, or an earlier export of this kind. Else why not.
fn may_replace(out: &Path, to: &str) -> Result<(), String> {
    let held = match held(out) {
        Ok(held) => held,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("must be a folder, new or empty ({error})")),
    };
    if held.is_empty() {
        return Ok(());
    }
    let mark = fs::read_to_string(out.join(MARK)).ok().and_then(|text| mark(&text));
    let Some(mark) = mark else {
        let one = held.first().map_or("", String::as_str);
        return Err(format!("holds something else ({one}): name a new or empty folder"));
    };
    if mark.to != to {
        return Err(format!("holds an export --to {}: name another folder", mark.to));
    }
    match held.iter().find(|file| *file != MARK && !mark.files.contains(*file)) {
        Some(other) => {
            Err(format!("holds {other} beside an export: move it, or name a new folder"))
        }
        None => Ok(()),
    }
}

pub(super) fn mark(text: &str) -> Option<Mark> {
    serde_json::from_str(text).ok()
}

/// All files below a folder, by their paths in it with `/`, in order. A link is one, wherever it leads.
pub(super) fn held(folder: &Path) -> io::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![String::new()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(folder.join(&at))? {
            let entry = entry?;
            let path = format!("{at}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                folders.push(path + "/");
            } else {
                found.insert(path);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exported(out: &Path, to: &'static str, file: &str) -> Result<Vec<Written>, Failure> {
        let mut unborn = Unborn::beside(out, to)?;
        io::Write::write_all(&mut unborn.create(file)?, b"a\n1\n").unwrap();
        unborn.wrote(file, 1);
        unborn.finish()
    }

    #[test]
    fn an_export_replaces_an_earlier_one_as_a_whole_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("deep/out");
        exported(&out, "csv", "a/one.csv").unwrap();
        exported(&out, "csv", "two.csv").unwrap();
        let names: Vec<_> = held(&out).unwrap().into_iter().collect();
        assert_eq!(names, [MARK, "two.csv"]);
        let said = exported(&out, "parquet", "x").unwrap_err().to_string();
        assert!(said.contains("an export --to csv"), "{said}");
        fs::write(out.join("mine.txt"), "keep").unwrap();
        let error = exported(&out, "csv", "x").unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("mine.txt"), "{error}");
        assert_eq!(fs::read_to_string(out.join("mine.txt")).unwrap(), "keep");
        let beside: Vec<_> = fs::read_dir(dir.path().join("deep")).unwrap().collect();
        assert_eq!(beside.len(), 1, "{beside:?}");
    }

    #[test]
    fn what_somebody_puts_there_during_an_export_stays_and_the_export_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        // Into an earlier export, and to where nothing was.
        for earlier in [true, false] {
            if earlier {
                exported(&out, "csv", "a.csv").unwrap();
            } else {
                fs::remove_dir_all(&out).unwrap();
            }
            let unborn = Unborn::beside(&out, "csv").unwrap();
            drop(unborn.create("b.csv").unwrap());
            fs::create_dir_all(&out).unwrap();
            fs::write(out.join("mine.txt"), "keep").unwrap();
            let before = held(&out).unwrap();
            let error = unborn.finish().unwrap_err();
            assert_eq!(error.exit_code(), 2, "{error}");
            assert!(error.to_string().contains("mine.txt"), "{error}");
            assert_eq!(held(&out).unwrap(), before);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing lies beside");
        }
    }

    /// Other systems swap two folders as well, but not all of their file systems do.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_that_is_replaced_is_there_all_the_time() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        exported(&out, "csv", "a.csv").unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let looked = scope.spawn(|| {
                let (mut looks, mut absent) = (0, 0);
                while !done.load(std::sync::atomic::Ordering::Relaxed) || looks < 100 {
                    looks += 1;
                    absent += u32::from(!out.join(MARK).exists());
                }
                absent
            });
            (0..500).for_each(|_| drop(exported(&out, "csv", "a.csv").unwrap()));
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(looked.join().unwrap(), 0);
        });
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_one_that_leads_nowhere_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (there, link) = (dir.path().join("there"), dir.path().join("link"));
        std::os::unix::fs::symlink("there", &link).unwrap();
        for spelled in [link.clone(), dir.path().join("link/")] {
            let error = Unborn::beside(&spelled, "csv").unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains("links to there, which is not there"), "{error}");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        fs::create_dir(&there).unwrap();
        for _ in 0..2 {
            exported(&link, "csv", "a.csv").unwrap();
        }
        assert!(link.is_symlink() && there.join("a.csv").is_file());
        assert_eq!(Unborn::beside(Path::new("/"), "csv").unwrap_err().exit_code(), 2);
    }

    #[test]
    fn an_export_that_is_given_up_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let unborn = Unborn::beside(&out, "csv").unwrap();
        drop(unborn.create("half.csv").unwrap());
        drop(unborn);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(exported(&dir.path().join("out"), "csv", "a").is_ok());
        let file = dir.path().join("file");
        fs::write(&file, "x").unwrap();
        assert_eq!(Unborn::beside(&file, "csv").unwrap_err().exit_code(), 2);
        assert_eq!(Unborn::beside(&file.join("out"), "csv").unwrap_err().exit_code(), 2);
    }

    proptest! {
        #[test]
        fn a_mark_reads_back_and_any_other_text_is_none(
            text in "\\PC{0,60}|\\{\"(rmrl|to|files)\":(\"a\"|\\[\"a\"\\]|1)\\}",
            files in proptest::collection::btree_set("\\PC{0,12}", 0..4),
        ) {
            prop_assert_eq!(mark(&text), None);
            let whole = Mark { rmrl: "0.1.0".to_owned(), to: "csv".to_owned(), files };
            prop_assert_eq!(mark(&serde_json::to_string(&whole).unwrap()), Some(whole));
        }
    }
}
