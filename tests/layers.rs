//! Who may know whom: the dependency directions that ARCHITECTURE.md promises.

use std::path::Path;

/// Folder, and the folders it must not know.
const FORBIDDEN: [(&str, &[&str]); 8] = [
    ("task", &["arm", "cell", "sim", "learn", "store", "lab", "report", "config", "cli"]),
    ("arm", &["cell", "sim", "learn", "store", "lab", "report", "config", "cli"]),
    ("cell", &["sim", "learn", "store", "lab", "report", "cli"]),
    ("sim", &["learn", "store", "lab", "report", "cli"]),
    ("learn", &["sim", "store", "lab", "report", "cli"]),
    ("store", &["sim", "lab", "report", "cli", "config"]),
    ("report", &["sim", "store", "lab", "cli", "config"]),
    ("lab", &["sim", "cli"]),
];

#[test]
fn no_folder_uses_what_it_must_not_know() {
    for (folder, forbidden) in FORBIDDEN {
        for file in code_of(folder) {
            let text = std::fs::read_to_string(&file).unwrap();
            for other in forbidden {
                let used = text.contains(&format!("crate::{other}::"))
                    || text.contains(&format!("crate::{other};"));
                assert!(!used, "{} must not know src/{other}", file.display());
            }
        }
    }
}

#[test]
fn results_hang_on_no_clock() {
    for folder in ["task", "cell", "arm", "sim", "learn", "lab", "report", "store"] {
        for file in code_of(folder) {
            let text = std::fs::read_to_string(&file).unwrap();
            for clock in ["Instant::now", "SystemTime"] {
                assert!(!text.contains(clock), "{} reads a clock", file.display());
            }
        }
    }
}

fn code_of(folder: &str) -> Vec<std::path::PathBuf> {
    let files = rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder));
    assert!(!files.is_empty(), "src/{folder} holds no code");
    files
}

fn rust_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}
