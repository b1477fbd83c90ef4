//! Tells the program which commit it was built from.

use std::process::Command;

fn main() {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    // No `rerun-if-changed`: cargo then asks again whenever a file of the package has changed.
    let mut commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".into());
    let changed = git(&["status", "--porcelain", "--", "src", "scenes", "robots", "Cargo.toml"]);
    if changed.is_some_and(|files| !files.is_empty()) {
        commit += "-dirty";
    }
    println!("cargo:rustc-env=RMRL_COMMIT={commit}");
}
