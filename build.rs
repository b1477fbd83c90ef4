//! Tells the program which commit it was built from.

use std::path::Path;
use std::process::Command;

fn main() {
    // No `rerun-if-changed`: cargo then asks again whenever a file of the package has changed.
    let package = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let commit = commit_of(Path::new(&package)).unwrap_or_else(|| "unknown".into());
    println!("cargo:rustc-env=RMRL_COMMIT={commit}");
}

/// The commit of the repository whose top folder this is: one that only holds the package somewhere, as
/// that of a project that vendors it, says nothing of it.
fn commit_of(package: &Path) -> Option<String> {
    let git = |args: &[&str]| {
        let output = Command::new("git").current_dir(package).args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let top = git(&["rev-parse", "--show-toplevel"])?;
    if Path::new(&top).canonicalize().ok()? != package.canonicalize().ok()? {
        return None;
    }
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--", "src", "scenes", "robots", "Cargo.toml"]);
    let dirty = if changed.is_some_and(|files| !files.is_empty()) { "-dirty" } else { "" };
    Some(commit + dirty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(folder: &Path, args: &[&str]) {
        let who = ["-c", "user.name=t", "-c", "user.email=t@t"];
        let done = Command::new("git").current_dir(folder).args(who).args(args).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    #[test]
    fn a_repository_that_only_holds_the_package_somewhere_does_not_lend_its_commit() {
        let dir = tempfile::tempdir().unwrap();
        let vendored = dir.path().join("vendor/rmrl");
        std::fs::create_dir_all(vendored.join("src")).unwrap();
        std::fs::write(vendored.join("src/lib.rs"), "").unwrap();
        assert_eq!(commit_of(&vendored), None, "no repository at all");
        git(dir.path(), &["init", "-q"]);
        git(dir.path(), &["add", "."]);
        git(dir.path(), &["commit", "-qm", "theirs"]);
        assert_eq!(commit_of(&vendored), None, "it is somebody else's");
        let own = commit_of(dir.path()).unwrap();
        assert_eq!(own.len(), 12, "{own}");
        std::fs::create_dir(dir.path().join("src")).unwrap();
        std::fs::write(dir.path().join("src/main.rs"), "").unwrap();
        assert_eq!(commit_of(dir.path()).unwrap(), own + "-dirty");
    }
}
