use std::fs;

use super::*;
use crate::report::{MethodResult, console_table, synthetic};

const FILES: [&str; 13] = [
    "budget.png",
    "budget.svg",
    "curves.csv",
    "curves.pdf",
    "curves.png",
    "curves.svg",
    "profile.svg",
    "provenance.json",
    "report.html",
    "report.md",
    "summary.json",
    "table.tex",
    "timing.csv",
];

/// Names and bytes of everything a report of this result consists of.
fn written(result: &ExperimentResult) -> Vec<(String, Vec<u8>)> {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), result, 200).unwrap();
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn the_same_results_give_the_same_bytes() {
    let result = synthetic::experiment(6);
    let (once, again) = (written(&result), written(&result));
    assert_eq!(once.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), FILES);
    for ((name, a), (_, b)) in once.iter().zip(&again) {
        assert!(a == b, "{name} differs");
    }
}

#[test]
fn pictures_show_the_methods_that_they_were_asked_for_and_tables_all() {
    let mut result = synthetic::experiment(3);
    result.pictures = vec!["ppo".to_owned(), "not-there".to_owned()];
    let text = |name: &str| {
        let files = written(&result);
        let (_, bytes) = files.into_iter().find(|(file, _)| file == name).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let has = |file: &str| ["ppo", "rm-rl-pretrained"].map(|method| text(file).contains(method));
    for picture in ["curves.svg", "budget.svg", "profile.svg"] {
        assert_eq!(has(picture), [true, false], "{picture}");
    }
    assert_eq!(has("table.tex"), [true, true]);
    result.pictures = vec!["not-there".to_owned()];
    assert_eq!(result.pictured(), result);
}

#[test]
fn a_report_stands_however_little_is_complete() {
    let full = synthetic::experiment(3);
    let with = |change: fn(&mut MethodResult)| {
        let mut result = full.clone();
        result.methods.iter_mut().for_each(change);
        result
    };
    let only = |names: &[&str]| {
        let mut result = full.clone();
        result.methods.retain(|m| names.contains(&m.card.name.as_str()));
        result
    };
    let cases = [
        ("one seed", synthetic::experiment(1)),
        ("no run", with(|m| m.runs.clear())),
        ("no methods", only(&[])),
        (
            "nothing learned yet",
            with(|m| m.runs.iter_mut().for_each(|r| r.checkpoints.truncate(1))),
        ),
        ("no checkpoints", with(|m| m.runs.iter_mut().for_each(|r| r.checkpoints.clear()))),
        ("no demonstration", with(|m| m.runs.iter_mut().for_each(|r| r.demonstrations.clear()))),
        ("only a reference", only(&["no-correction"])),
        ("no rival", only(&["oracle", "rm-rl"])),
        (
            "a method behind",
            with(|m| {
                if m.card.name == "ppo" {
                    m.runs.truncate(1)
                }
            }),
        ),
    ];
    for (case, result) in cases {
        assert_eq!(written(&result).len(), FILES.len(), "{case}");
        let console = console_table(&result, &Summary::of(&result, 200));
        assert!(!console.is_empty(), "{case}");
    }
}

#[test]
fn a_report_replaces_the_one_before_it() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &synthetic::experiment(1), 50).unwrap();
    write(dir.path(), &synthetic::experiment(2), 50).unwrap();
    let json = fs::read_to_string(dir.path().join("summary.json")).unwrap();
    assert!(json.contains("\"seeds\": 2"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), FILES.len(), "nothing is left behind");
}

#[test]
fn a_folder_that_is_not_there_is_named_in_the_error() {
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("gone");
    let error = write(&gone, &synthetic::experiment(1), 20).unwrap_err().to_string();
    assert!(error.contains(gone.to_str().unwrap()), "{error}");
}

#[test]
fn the_csv_has_a_line_for_every_evaluation() {
    let result = synthetic::experiment(2);
    let csv = curves::curves_csv(&result);
    let evaluations: usize =
        result.methods.iter().flat_map(|m| &m.runs).map(|r| 2 * r.checkpoints.len()).sum();
    assert_eq!(csv.lines().count(), 1 + evaluations);
    assert!(csv.lines().all(|line| line.split(',').count() == 8));
}
