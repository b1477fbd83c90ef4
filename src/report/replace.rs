use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;

/// Writes beside the file and renames: a reader finds the old content or the new, never half. Several
/// processes may write the same file, on several hosts, where they may have the same process id.
pub(crate) fn replace(path: &Path, content: impl AsRef<[u8]>) -> std::io::Result<()> {
    let own = RandomState::new().build_hasher().finish();
    let beside = path.with_extension(format!("{own:016x}.partial"));
    let written = std::fs::write(&beside, content).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // The first error is the one to tell.
        drop(std::fs::remove_file(&beside));
    }
    written
}
