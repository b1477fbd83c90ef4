use std::path::{Path, PathBuf};
use std::{fs, io};

/// Puts a folder where another one is. Returns where that one is now: at `new`, or at `spare`, which must be free.
/// Linux and macOS exchange the two at once; elsewhere, and on file systems that cannot, nothing is at
/// `out` for a moment.
pub fn swap(new: &Path, out: &Path, spare: &Path) -> io::Result<PathBuf> {
    if exchange(new, out) {
        return Ok(new.to_owned());
    }
    fs::rename(out, spare)?;
    if let Err(error) = fs::rename(new, out) {
        // The first error is the one to tell.
        drop(fs::rename(spare, out));
        return Err(error);
    }
    Ok(spare.to_owned())
}

/// Whether the two have changed places.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn exchange(a: &Path, b: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let path = |path: &Path| std::ffi::CString::new(path.as_os_str().as_bytes());
    let (Ok(a), Ok(b)) = (path(a), path(b)) else { return false };
    // SAFETY: both paths end in a zero and outlive the call, which takes nothing else.
    #[cfg(target_os = "linux")]
    let answer = unsafe {
        let (here, how) = (libc::AT_FDCWD, libc::RENAME_EXCHANGE);
        libc::syscall(libc::SYS_renameat2, here, a.as_ptr(), here, b.as_ptr(), how)
    };
    // SAFETY: as above.
    #[cfg(target_os = "macos")]
    let answer = unsafe { libc::renamex_np(a.as_ptr(), b.as_ptr(), libc::RENAME_SWAP) };
    answer == 0
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn exchange(_: &Path, _: &Path) -> bool {
    false
}
