//! What was once written stays: a summary and curves that were published in November 2026 (tests/golden/report) come out of the
//! same evaluations again.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::learn;
use crate::task::{Range, TaskSpec};

fn committed(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/report");
    std::fs::read_to_string(folder.join(file)).unwrap()
}

/// The evaluations that lie in `curves.csv`, but for the demonstrations, which do not.
fn evaluations() -> ExperimentResult {
    let summary: serde_json::Value = serde_json::from_str(&committed("summary.json")).unwrap();
    let text = |key: &str| summary[key].as_str().unwrap().to_owned();
    let mut methods: Vec<MethodResult> = Vec::new();
    for line in committed("curves.csv").lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |at: usize| -> f64 { cells[at].parse().unwrap() };
        let (name, seed, trial) = (cells[0], number(1) as u64, number(2) as i64);
        if methods.last().is_none_or(|m| m.card.name != name) {
            let entry = learn::find("curves.csv", "method", name).unwrap();
            let card = entry.open("curves.csv", &toml::Table::new()).unwrap().card().clone();
            methods.push(MethodResult {
                card,
                settings: Vec::new(),
                started: Started::default(),
                runs: Vec::new(),
            });
        }
        let runs = &mut methods.last_mut().unwrap().runs;
        if runs.last().is_none_or(|run| run.seed != seed) {
            runs.push(RunResult {
                seed,
                version: text("version"),
                commit: text("commit"),
                checkpoints: Vec::new(),
                evaluated: Vec::new(),
                labels: Vec::new(),
                contrasts_sha256: None,
                demonstrations: Vec::new(),
                harm: HarmCount::default(),
                outcomes: BTreeMap::new(),
                origin: Origin::default(),
            });
        }
        let successes = (50.0 * number(7)).round();
        let values =
            [("translation_mm", number(5)), ("yaw_deg", number(6)), ("success", successes)];
        let scores = Scores::new(50, values);
        let checkpoints = &mut runs.last_mut().unwrap().checkpoints;
        match cells[4] {
            "in-scene" => checkpoints.push(Checkpoint {
                trial,
                robot_hours: number(3),
                in_scene: scores,
                held_out: Scores::default(),
            }),
            _ => checkpoints.last_mut().unwrap().held_out = scores,
        }
    }
    let seeds = methods[0].runs.iter().map(|run| run.seed).collect();
    ExperimentResult {
        name: text("experiment"),
        command: String::new(),
        version: text("version"),
        commit: text("commit"),
        task: TaskSpec::exact(Range { mm: 3.0, deg: 3.0 }),
        trials: summary["trials"].as_u64().unwrap(),
        evaluate_every: 100,
        evaluate_also: Vec::new(),
        pictures: Vec::new(),
        evaluation_trials: 50,
        floor: None,
        seeds,
        contrasts: Vec::new(),
        contrasts_sha256: String::new(),
        experiment_sha256: String::new(),
        methods,
        failed: Vec::new(),
    }
}

#[test]
fn the_committed_curves_come_out_byte_for_byte() {
    assert!(curves_csv(&evaluations()) == committed("curves.csv"));
}

/// Keys may be added beside the old ones; those stay, in their order, with their bytes.
#[test]
fn every_line_of_the_committed_summary_comes_out_in_its_place() {
    let ours = Summary::of(&evaluations(), RESAMPLES).to_json().unwrap();
    let mut ours = ours.lines().map(bare);
    let committed = committed("summary.json");
    let mut lines = committed.lines();
    let mut told_the_truth = false;
    while let Some(line) = lines.next() {
        // Who is told the truth once was listed as learning from a scalar.
        if let Some(name) = line.trim().strip_suffix("\": {") {
            told_the_truth = match name.trim_start_matches('"') {
                "oracle" | "true-labels" => true,
                "no-correction" | "reinforce" | "ppo" | "rm-rl-online" | "rm-rl"
                | "rm-rl-pretrained" => false,
                _ => told_the_truth,
            };
        }
        if told_the_truth && line.trim() == "\"signal\": \"scalar\"," {
            continue;
        }
        let indentation = &line[..line.len() - line.trim_start().len()];
        let of_demonstrations = ["\"shelf\": {", "\"demonstrations\": [", "\"contrasts\": ["];
        if of_demonstrations.contains(&line.trim()) {
            lines.find(|line| {
                [format!("{indentation}}}"), format!("{indentation}]")]
                    .contains(&bare(line).to_owned())
            });
            continue;
        }
        assert!(ours.any(|our| our == bare(line)), "{line} is missing, or comes too early");
    }
}

/// A line without the comma that depends on what comes next.
fn bare(line: &str) -> &str {
    line.strip_suffix(',').unwrap_or(line)
}

#[test]
fn the_shelf_is_the_demonstration_of_that_name_or_the_first() {
    let shelf = |scenes: [&str; 2]| -> serde_json::Value {
        let mut result = synthetic::experiment(2);
        for run in result.methods.iter_mut().flat_map(|m| &mut m.runs) {
            let shown = (3..).zip(scenes).map(|(placed, scene)| Demonstrated {
                scene: scene.to_owned(),
                placed,
                of: 10,
                harm: HarmCount::default(),
            });
            run.demonstrations = shown.collect();
        }
        let json = Summary::of(&result, 20).to_json().unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let rm = &json["methods"]["rm-rl"];
        assert_eq!(rm["demonstrations"][1]["scene"], scenes[1]);
        assert_eq!(rm["demonstrations"][1]["placed"], 8);
        rm["shelf"]["placed"].clone()
    };
    assert_eq!(shelf(["hotel", "shelf"]), 8);
    assert_eq!(shelf(["hotel", "shelf-tight"]), 6);
}
