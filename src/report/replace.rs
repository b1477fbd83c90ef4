use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};

/// Writes beside the file and renames: a reader finds the old content or the new, never half.
pub(crate) fn replace(path: &Path, content: impl AsRef<[u8]>) -> std::io::Result<()> {
    let beside = own_name(path, "partial");
    let written = std::fs::write(&beside, content).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // The first error is the one to tell.
        drop(std::fs::remove_file(&beside));
    }
    written
}

/// A name beside the file that no other process takes, on other hosts neither, where they may have
/// the same process id.
pub(crate) fn own_name(path: &Path, end: &str) -> PathBuf {
    let own = RandomState::new().build_hasher().finish();
    path.with_extension(format!("{own:016x}.{end}"))
}
