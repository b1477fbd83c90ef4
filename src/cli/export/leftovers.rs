//! What an export that was killed has left beside its folder.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::folder::{MARK, held, mark};
use crate::report::own_name;

/// In a folder that is being written: for whom, then its files, a line each; a line that ends in `/` is a folder
/// below which another program writes.
const JOURNAL: &str = "export.partial";

/// Names the files of a folder that is being written, before they are there. Locked until the end.
#[derive(Debug)]
pub struct Journal(Option<File>);

impl Journal {
    pub fn note(&self, file: &str) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |mut open| open.write_all(format!("{file}\n").as_bytes()))
    }

    /// All of the folder's files are whole.
    pub fn end(&mut self, folder: &Path) -> io::Result<()> {
        let removed = fs::remove_file(folder.join(JOURNAL));
        self.close();
        removed
    }

    /// Lets go of it: on Windows a folder with an open file can be neither moved nor removed.
    pub fn close(&mut self) {
        self.0 = None;
    }
}

/// A new folder beside the one that was asked for, with its journal.
pub fn begin(out: &Path, to: &str) -> io::Result<(PathBuf, Journal)> {
    let folder = own_folder(out);
    fs::create_dir(&folder)?;
    let begun = File::create(folder.join(JOURNAL)).and_then(|journal| {
        // Without locks, nobody clears what nobody writes any more.
        drop(journal.try_lock());
        let journal = Journal(Some(journal));
        journal.note(to).map(|()| journal)
    });
    match begun {
        Ok(journal) => Ok((folder, journal)),
        Err(error) => {
            drop(fs::remove_dir_all(&folder));
            Err(error)
        }
    }
}

/// `OUT.<16 digits>.partial`, which no other process takes.
pub fn own_folder(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".x");
    own_name(Path::new(&name), "partial")
}

/// Removes what killed exports of this kind to this folder have left, and nothing else: none that is still being
/// written, and none that holds a file which its export did not make.
pub fn clear(out: &Path, to: &str) {
    let (Some(parent), Some(name)) = (out.parent(), out.file_name()) else { return };
    // Where a folder cannot be read, nothing is cleared, and the export goes on.
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && is_of(&entry.file_name(), name) && may_go(&entry.path(), to) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

/// Is this name one of [`own_folder`]'s for the folder `out`?
fn is_of(name: &OsStr, out: &OsStr) -> bool {
    let end = name.as_encoded_bytes().strip_prefix(out.as_encoded_bytes());
    let own = end.and_then(|end| end.strip_prefix(b".")?.strip_suffix(b".partial"));
    own.is_some_and(|own| own.len() == 16 && own.iter().all(u8::is_ascii_hexdigit))
}

/// The files of a folder that is being written, but for its journal.
pub fn without_journal(mut files: BTreeSet<String>) -> BTreeSet<String> {
    files.remove(JOURNAL);
    files
}

fn may_go(folder: &Path, to: &str) -> bool {
    let (kind, mut files) = match File::open(folder.join(JOURNAL)) {
        Ok(journal) => {
            let Ok(text) = fs::read_to_string(folder.join(JOURNAL)) else { return false };
            if journal.try_lock().is_err() {
                return false;
            }
            let mut lines = text.lines().map(str::to_owned);
            (lines.next(), lines.collect::<BTreeSet<_>>())
        }
        // It was whole: killed as it took its place, or as it made room for a new one.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let text = fs::read_to_string(folder.join(MARK)).ok();
            let Some(mark) = text.and_then(|text| mark(&text)) else { return false };
            (Some(mark.to), mark.files)
        }
        Err(_) => return false,
    };
    files.extend([JOURNAL, MARK].map(str::to_owned));
    let is_own = |file: &String| {
        let below = |folder: &String| folder.ends_with('/') && file.starts_with(folder);
        files.contains(file) || files.iter().any(below)
    };
    kind.is_some_and(|kind| kind == to) && held(folder).is_ok_and(|all| all.iter().all(is_own))
}

#[cfg(test)]
mod tests {
    use super::super::Unborn;
    use super::*;
    use proptest::prelude::*;

    /// As a kill leaves it: nobody cleans up, and the lock is gone.
    fn killed(out: &Path, to: &'static str, is_whole: bool) -> PathBuf {
        let (folder, mut journal) = begin(out, to).unwrap();
        journal.note("a/one.csv").unwrap();
        fs::create_dir(folder.join("a")).unwrap();
        fs::write(folder.join("a/one.csv"), "half").unwrap();
        if is_whole {
            let mark = format!(r#"{{"rmrl":"0.1.0","to":"{to}","files":["a/one.csv"]}}"#);
            fs::write(folder.join(MARK), mark).unwrap();
            journal.end(&folder).unwrap();
        }
        folder
    }

    #[test]
    fn the_next_export_clears_what_a_killed_one_of_its_kind_to_its_folder_left_and_only_that() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("runs.csv");
        let gone = [killed(&out, "csv", false), killed(&out, "csv", true)];
        let other_kind = killed(&out, "parquet", false);
        let other_folder = killed(&dir.path().join("runs.parquet"), "csv", true);
        let nobodys = dir.path().join("runs.csv.0123456789abcdef.partial");
        fs::create_dir(&nobodys).unwrap();
        fs::write(nobodys.join("export.partial.txt"), "csv").unwrap();
        let with_mine = [killed(&out, "csv", false), killed(&out, "csv", true)];
        with_mine.iter().for_each(|folder| fs::write(folder.join("a/mine"), "keep").unwrap());
        let foreign = killed(&out, "csv", false);
        fs::write(foreign.join(JOURNAL), "csv\na/\n").unwrap();
        fs::write(foreign.join("a/two"), "of another program").unwrap();
        let being_written = Unborn::beside(&out, "csv").unwrap();
        drop(being_written.create("two.csv").unwrap());

        drop(Unborn::beside(&out, "csv").unwrap());
        assert!(gone.iter().chain([&foreign]).all(|folder| !folder.exists()));
        let [a, b] = &with_mine;
        for folder in [&other_kind, &other_folder, &nobodys, a, b] {
            assert!(folder.is_dir(), "{}", folder.display());
        }
        being_written.finish().unwrap();
        assert!(out.join("two.csv").is_file());
    }

    proptest! {
        #[test]
        fn a_name_beside_is_told_from_every_other(name in "\\PC{1,12}", other in "\\PC{0,40}") {
            prop_assume!(Path::new(&name).file_name() == Some(OsStr::new(&name)));
            let own = own_folder(Path::new(&name));
            prop_assert!(is_of(own.as_os_str(), OsStr::new(&name)));
            let longer = name.clone() + "x";
            prop_assert!(!is_of(own.as_os_str(), OsStr::new(&longer)));
            prop_assert!(!is_of(OsStr::new(&other), OsStr::new(&name)));
        }

        #[test]
        fn whatever_stands_in_a_journal_nothing_but_named_files_is_removed(text in "(csv\n)?\\PC{0,20}\n?\\PC{0,20}") {
            let dir = tempfile::tempdir().unwrap();
            let out = dir.path().join("out");
            let folder = own_folder(&out);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join(JOURNAL), text).unwrap();
            fs::write(folder.join("mine and nobody else's, by this long name"), "keep").unwrap();
            clear(&out, "csv");
            prop_assert!(folder.join("mine and nobody else's, by this long name").is_file());
        }
    }
}
