use std::path::{Path, PathBuf};

use crate::cli::Failure;

/// RUN on the command line: a run file, or a folder with exactly one below it.
pub fn find_run(given: &Path) -> Result<PathBuf, Failure> {
    if !given.is_dir() {
        return Ok(given.to_owned());
    }
    let mut found = Vec::new();
    let mut folders = vec![given.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .map_err(|e| Failure::Input(format!("{}: {e}", folder.display())))?;
        for path in entries.filter_map(|entry| entry.ok().map(|e| e.path())) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "sqlite") {
                found.push(path);
            }
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        n => Err(Failure::Input(format!(
            "{}: holds {n} run files; name one of them, such as {}",
            given.display(),
            found.iter().min().map_or("METHOD/SEED.sqlite".into(), |p| p.display().to_string()),
        ))),
    }
}
