//! Who may know whom: the dependency directions that ARCHITECTURE.md promises.

use std::path::Path;

/// Folder, and the folders it must not know.
const FORBIDDEN: [(&str, &[&str]); 11] = [
    ("task", &["arm", "cell", "learn", "store", "lab", "report", "config", "cli", BACKENDS]),
    ("arm", &["cell", "learn", "store", "lab", "report", "config", "cli", BACKENDS]),
    ("cell", &["learn", "store", "lab", "report", "cli", BACKENDS]),
    ("sim", &["learn", "store", "lab", "report", "cli", "real", "twin", "wire"]),
    ("learn", &["store", "lab", "report", "cli", BACKENDS]),
    ("store", &["lab", "report", "cli", "config", BACKENDS]),
    ("report", &["store", "lab", "cli", "config", BACKENDS]),
    ("lab", &["cli", BACKENDS]),
    (
        "wire",
        &["arm", "cell", "sim", "config", "twin", "real", "learn", "store", "lab", "report", "cli"],
    ),
    ("twin", &["real", "learn", "store", "lab", "report", "cli"]),
    ("real", &["sim", "twin", "learn", "store", "lab", "report", "cli"]),
];

/// Whatever moves: the training loop, the methods and the motion script run on any of them.
const BACKENDS: &str = "sim|real|twin|wire";

#[test]
fn no_folder_uses_what_it_must_not_know() {
    for (folder, forbidden) in FORBIDDEN {
        for file in code_of(folder) {
            let text = std::fs::read_to_string(&file).unwrap();
            // So that every use of a folder reads as the line looked for below.
            assert!(!text.contains("use crate::{"), "{}: one `use` a folder", file.display());
            for other in forbidden.iter().flat_map(|names| names.split('|')) {
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

/// Connections are made and accepted in one place each, which sets the time-outs.
#[test]
fn no_socket_is_read_or_written_without_a_time_out() {
    let places = [("twin", "serve/sockets.rs", "fn take"), ("real", "link.rs", "fn connect(")];
    for (folder, place, function) in places {
        let folder_path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
        let text = std::fs::read_to_string(folder_path.join(place)).unwrap();
        for call in [function, "set_read_timeout(Some(", "set_write_timeout(Some("] {
            assert!(text.contains(call), "src/{folder}/{place} lacks {call}");
        }
        for file in code_of(folder) {
            let text = std::fs::read_to_string(&file).unwrap();
            for call in ["TcpStream::connect(", "set_read_timeout(None", "set_write_timeout(None"] {
                let tests = text.find("#[cfg(test)]").unwrap_or(text.len());
                assert!(!text[..tests].contains(call), "{} has {call}", file.display());
            }
            if text.contains("ureq::Agent") {
                assert!(text.contains("timeout_global(Some("), "{}", file.display());
            }
        }
    }
}

/// An interpreter that opened sockets or read clocks would not be the arm's.
#[test]
fn the_script_interpreter_is_pure() {
    for file in code_of("twin/script") {
        let text = std::fs::read_to_string(&file).unwrap();
        for impure in ["std::net", "std::time", "std::fs::", "std::thread", "crate::"] {
            let test_file = file.to_string_lossy().ends_with("_tests.rs");
            assert!(test_file || !text.contains(impure), "{} uses {impure}", file.display());
        }
    }
}

/// The viewer hangs on all the rest; nothing but its own command hangs on it.
#[test]
fn nobody_knows_the_viewer() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let own = [src.join("viewer"), src.join("cli/view.rs")];
    for file in rust_files(&src).iter().filter(|f| !own.iter().any(|own| f.starts_with(own))) {
        let text = std::fs::read_to_string(file).unwrap();
        for word in ["viewer::", "bevy", "egui", "wgpu"] {
            assert!(!text.contains(word), "{} knows the viewer: {word}", file.display());
        }
    }
    for file in rust_files(&own[0]) {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("crate::cli"), "{} must not know src/cli", file.display());
    }
}

/// Without the feature, none of what the viewer needs is compiled.
#[test]
fn a_build_without_the_viewer_needs_none_of_its_crates() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let features = manifest["features"].as_table().unwrap();
    assert!(!features.contains_key("default"), "nothing is on by default");
    let needed = features["viewer"].as_array().unwrap().iter().map(|n| n.as_str().unwrap());
    // The others are features of crates that every build has.
    let crates: Vec<&str> = needed.filter_map(|needed| needed.strip_prefix("dep:")).collect();
    assert!(crates.contains(&"bevy"));
    for name in crates {
        let optional = manifest["dependencies"][name].get("optional");
        assert_eq!(optional.and_then(toml::Value::as_bool), Some(true), "{name}");
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
