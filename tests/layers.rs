//! Who may know whom: the dependency directions that ARCHITECTURE.md promises.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Every folder of `src`, and all that it may depend on, directly or through others.
const MAY_KNOW: [(&str, &[&str]); 16] = [
    ("task", &[]),
    ("eyes", &["task"]),
    ("input", &[]),
    ("wire", &[]),
    ("arm", &["task"]),
    // Of `wire` the numbers of the ports, nothing else.
    ("config", &["arm", "eyes", "input", "task", "wire"]),
    ("cell", &["arm", "config", "eyes", "input", "task", "wire"]),
    ("sim", &["arm", "cell", "config", "eyes", "input", "task", "wire"]),
    ("real", &["arm", "cell", "config", "eyes", "input", "task", "wire"]),
    ("twin", &["arm", "cell", "config", "eyes", "input", "sim", "task", "wire"]),
    ("learn", &["eyes", "input", "task"]),
    ("report", &["eyes", "input", "learn", "task"]),
    ("store", &["arm", "cell", "config", "eyes", "input", "learn", "task", "wire"]),
    (
        "lab",
        &["arm", "cell", "config", "eyes", "input", "learn", "report", "store", "task", "wire"],
    ),
    (
        "viewer",
        &[
            "arm", "cell", "config", "eyes", "input", "lab", "learn", "real", "report", "sim",
            "store", "task", "wire",
        ],
    ),
    (
        "cli",
        &[
            "arm", "cell", "config", "eyes", "input", "lab", "learn", "real", "report", "sim",
            "store", "task", "twin", "viewer", "wire",
        ],
    ),
];

/// Who speaks the protocols of a controller.
const SPEAK: [&str; 3] = ["config", "real", "twin"];

#[test]
fn no_folder_depends_on_what_it_must_not_know() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders: BTreeSet<String> = std::fs::read_dir(src)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let listed: BTreeSet<String> = MAY_KNOW.map(|(folder, _)| folder.to_owned()).into();
    assert_eq!(folders, listed, "every folder has its line");

    let direct: BTreeMap<&str, BTreeSet<String>> =
        folders.iter().map(|folder| (folder.as_str(), named_in(folder, &folders))).collect();
    for (folder, may_know) in MAY_KNOW {
        let mut known = direct[folder].clone();
        loop {
            let before = known.len();
            let more = known.iter().flat_map(|other| direct[other.as_str()].clone());
            known.extend(more.collect::<Vec<_>>());
            if known.len() == before {
                break;
            }
        }
        known.remove(folder);
        let too_much: Vec<_> = known.iter().filter(|o| !may_know.contains(&o.as_str())).collect();
        assert!(
            too_much.is_empty(),
            "src/{folder} depends on {too_much:?}; directly: {:?}",
            direct[folder]
        );
        let speaks = direct[folder].contains("wire") && folder != "cli" && folder != "wire";
        assert!(!speaks || SPEAK.contains(&folder), "src/{folder} must not use src/wire itself");
    }
}

/// The folders that a folder's code names.
fn named_in(folder: &str, folders: &BTreeSet<String>) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for file in code_of(folder) {
        let text = std::fs::read_to_string(&file).unwrap();
        // So that every use of a folder reads as the path looked for below.
        assert!(
            !text.contains("use crate::{") || only_macros(&text),
            "{}: one `use` a folder",
            file.display()
        );
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for after in code.flat_map(|line| line.split("crate::").skip(1)) {
            let name: String =
                after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if folders.contains(&name) {
                named.insert(name);
            }
        }
    }
    named
}

/// `use crate::{choices, settings};` names no folder.
fn only_macros(text: &str) -> bool {
    let lists =
        text.split("use crate::{").skip(1).map(|after| after.split('}').next().unwrap_or(""));
    lists
        .flat_map(|list| list.split(','))
        .all(|name| ["choices", "settings"].contains(&name.trim()))
}

#[test]
fn results_hang_on_no_clock() {
    for folder in ["task", "eyes", "cell", "arm", "sim", "learn", "lab", "report", "store"] {
        for file in code_of(folder) {
            let text = std::fs::read_to_string(&file).unwrap();
            for clock in ["Instant::now", "SystemTime"] {
                assert!(!text.contains(clock), "{} reads a clock", file.display());
            }
        }
    }
}

/// Methods are values: who trains, shows and reports them knows no one by name. What an example of a
/// command line says is help, not knowledge.
#[test]
fn nobody_but_src_learn_knows_a_method_by_name() {
    for folder in ["report", "lab", "viewer", "cli"] {
        for file in code_of(folder) {
            let text = std::fs::read_to_string(&file).unwrap();
            for name in rmrl::learn::names() {
                let known =
                    own_code(&file, &text).find(|line| line.contains(&format!("\"{name}\"")));
                assert_eq!(known, None, "{} knows {name}", file.display());
            }
        }
    }
    // Nor inside a longer text: what the report says of a method comes from its card.
    for file in code_of("report") {
        let text = std::fs::read_to_string(&file).unwrap();
        for name in rmrl::learn::names() {
            let word = |line: &&str| {
                let part_of_a_word = |c: char| c.is_alphanumeric() || "_-".contains(c);
                line.split(|c| !part_of_a_word(c)).any(|word| word == name)
            };
            assert_eq!(own_code(&file, &text).find(word), None, "{} names {name}", file.display());
        }
    }
}

/// The lines of a file that are neither tests nor comments.
fn own_code<'t>(file: &Path, text: &'t str) -> impl Iterator<Item = &'t str> {
    let stem = file.file_stem().unwrap().to_string_lossy();
    let folder = std::fs::read_to_string(file.with_file_name("mod.rs")).unwrap_or_default();
    let is_test = stem.ends_with("tests") || folder.contains(&format!("#[cfg(test)]\nmod {stem};"));
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let code = if is_test { "" } else { &text[..end] };
    code.lines().filter(|line| !line.trim_start().starts_with("//"))
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
    let list = |feature: &str| features[feature].as_array().unwrap().iter();
    assert!(list("default").all(|name| name.as_str() == Some("cli")), "the program, and no more");
    let needed = list("viewer").map(|n| n.as_str().unwrap());
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
