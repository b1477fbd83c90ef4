use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::Failure;
use crate::report::own_name;

/// Says that a folder is an export, of which kind, and which files are its own.
const MARK: &str = "export.json";

/// A folder that is written beside the one that was asked for, and takes its place once it is whole: a kill
/// or a full disk leaves what was there.
#[derive(Debug)]
pub struct Unborn {
    out: PathBuf,
    folder: PathBuf,
    to: &'static str,
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
struct Mark {
    /// Version of the program.
    rmrl: String,
    to: String,
    files: BTreeSet<String>,
}

impl Unborn {
    /// # Errors
    /// Exit code 2 where the folder holds something else, or none can be made there.
    pub fn beside(out: &Path, to: &'static str) -> Result<Self, Failure> {
        let refused = |why: String| Failure::Input(format!("{}: {why}", out.display()));
        // A link is followed: what it leads to is replaced, and not the link.
        let out = match out.canonicalize() {
            Ok(there) => there,
            Err(error) if error.kind() == ErrorKind::NotFound => out.to_owned(),
            Err(error) => return Err(refused(error.to_string())),
        };
        may_replace(&out, to).map_err(refused)?;
        let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = own_name(&out, "partial");
        let made = parent.map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::create_dir(&folder));
        made.map_err(|error| refused(format!("no folder can be made there: {error}")))?;
        Ok(Self { out, folder, to, files: Vec::new() })
    }

    /// A new file of it, at this path with `/`.
    pub fn create(&self, file: &str) -> Result<File, Failure> {
        let path = self.folder.join(file);
        let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
        folder.and_then(|()| File::create(&path)).map_err(|error| self.failed(error))
    }

    /// A file is whole.
    pub fn wrote(&mut self, file: &str, rows: u64) {
        self.files.push(Written { file: file.to_owned(), rows });
    }

    /// What went wrong with the disk; whatever was there stays.
    pub fn failed(&self, error: impl std::fmt::Display) -> Failure {
        let out = self.out.display();
        Failure::Work(anyhow::anyhow!(
            "{out}: cannot be written: {error}; nothing was changed there"
        ))
    }

    /// Puts it in its place. Returns its files in the order in which they were written.
    pub fn finish(mut self) -> Result<Vec<Written>, Failure> {
        let mark = Mark {
            rmrl: env!("CARGO_PKG_VERSION").to_owned(),
            to: self.to.to_owned(),
            files: self.files.iter().map(|written| written.file.clone()).collect(),
        };
        let text = serde_json::to_string_pretty(&mark).map_err(|error| self.failed(error))?;
        fs::write(self.folder.join(MARK), text + "\n")
            .and_then(|()| self.take_place())
            .map_err(|error| self.failed(error))?;
        Ok(std::mem::take(&mut self.files))
    }

    fn take_place(&self) -> io::Result<()> {
        if !self.out.exists() {
            return fs::rename(&self.folder, &self.out);
        }
        let earlier = own_name(&self.out, "earlier");
        fs::rename(&self.out, &earlier)?;
        if let Err(error) = fs::rename(&self.folder, &self.out) {
            // The first error is the one to tell.
            drop(fs::rename(&earlier, &self.out));
            return Err(error);
        }
        fs::remove_dir_all(&earlier)
    }
}

impl Drop for Unborn {
    fn drop(&mut self) {
        // Gone if it took its place; else nobody needs it.
        drop(fs::remove_dir_all(&self.folder));
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

fn mark(text: &str) -> Option<Mark> {
    serde_json::from_str(text).ok()
}

/// All files below a folder, by their paths in it with `/`, in order. A link is one, wherever it leads.
fn held(folder: &Path) -> io::Result<BTreeSet<String>> {
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
