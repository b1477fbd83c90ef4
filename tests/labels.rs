//! `rmrl labels` on real runs.

#[allow(dead_code, reason = "shared with the other tests of the binary")]
mod support;

use serde_json::Value;
use support::{Outcome, rmrl, tempdir};

const RUN: &str = "runs/rm-rl/1.sqlite";

fn made() -> tempfile::TempDir {
    let dir = tempdir();
    let args = "compare smoke --methods no-correction,rm-rl --seeds 1 --out runs";
    let Outcome { code, stderr, .. } = rmrl(dir.path(), args);
    assert_eq!(code, 0, "{stderr}");
    dir
}

fn labels(dir: &std::path::Path, flags: &str) -> Value {
    let Outcome { code, stdout, stderr } = rmrl(dir, &format!("labels {RUN} --json {flags}"));
    assert_eq!(code, 0, "{flags}: {stderr}");
    serde_json::from_str(&stdout).unwrap()
}

#[test]
fn role_models_are_told_scene_by_scene_as_the_run_stored_them() {
    let dir = made();
    let dir = dir.path();
    let told = labels(dir, "--plot labels.svg");
    let scenes = told["scenes"].as_array().unwrap();
    assert_eq!(scenes.len(), 10);
    let db = rusqlite::Connection::open(dir.join(RUN)).unwrap();
    for scene in scenes {
        let last = scene["reigns"].as_array().unwrap().last().unwrap();
        let sql = "SELECT role_model_number, role_model_reward FROM role_model_history \
                   WHERE instance = ? ORDER BY at_trial DESC, trial DESC LIMIT 1";
        let stored: (i64, f64) = db
            .query_row(sql, [scene["instance"].as_i64()], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        assert_eq!(
            (last["role_model"].as_i64().unwrap(), last["reward"].as_f64().unwrap()),
            stored
        );
        assert_eq!(scene["trials"], 8);
        assert!(last["error"]["mm"].as_f64().unwrap() < 8.5);
    }
    assert!(told["summary"]["luck_share"].is_f64());
    assert!(told["as_it_was"].is_null() && told["retrained"].is_null());
    assert!(std::fs::read_to_string(dir.join("labels.svg")).unwrap().contains("<svg"));
    // Half-way, later role models are not known yet.
    let half = labels(dir, "--at 40");
    let since = |told: &Value| -> Vec<u64> {
        let reigns = told["scenes"].as_array().unwrap().iter();
        let reigns = reigns.flat_map(|s| s["reigns"].as_array().unwrap());
        reigns.map(|reign| reign["since"].as_u64().unwrap()).collect()
    };
    assert!(since(&half).iter().all(|at| *at <= 40));
    assert!(since(&told).iter().any(|at| *at > 40));
}

/// The same trials, labels and draws make the same policy: nothing else reaches a learner.
#[test]
fn training_again_on_what_the_run_stored_is_the_run_itself() {
    let dir = made();
    let told = labels(dir.path(), "--retrain");
    let policies = &told["retrained"];
    assert_eq!(policies["checkpoint"], 80);
    assert_eq!(policies["run"], policies["retrained"]);
    let half = labels(dir.path(), "--retrain --at 70");
    assert_eq!(half["retrained"]["checkpoint"], 40);
    assert_eq!(half["retrained"]["run"], half["retrained"]["retrained"]);
}

#[test]
fn another_grouping_relabels_the_stored_trials() {
    let dir = made();
    let dir = dir.path();
    let own = labels(dir, "");
    // Jitter is 0.3 mm: some trials of a scene lie within 0.5 mm, hardly any within 0.01.
    let wide = labels(dir, "--radius 3");
    let alone = labels(dir, "--radius 0.001");
    let peers = |told: &Value| -> u64 {
        let scenes = told["scenes"].as_array().unwrap().iter();
        scenes
            .map(|s| s["reigns"].as_array().unwrap().last().unwrap()["peers"].as_u64().unwrap())
            .sum()
    };
    assert_eq!(peers(&alone), 10, "each its own");
    assert!(peers(&wide) > peers(&alone));
    assert_eq!(wide["as_it_was"], own["summary"]);
    let again = labels(dir, "--per-axis --retrain");
    assert_ne!(again["summary"], own["summary"]);
    assert_ne!(again["retrained"]["run"], again["retrained"]["retrained"]);
    assert_eq!(again, labels(dir, "--per-axis --retrain"), "equal each time");
}

#[test]
fn what_cannot_be_told_is_refused() {
    let dir = made();
    let refused = |args: &str, parts: &[&str]| {
        let Outcome { code, stderr, .. } = rmrl(dir.path(), args);
        assert_eq!(code, 2, "{args}: {stderr}");
        for part in parts {
            assert!(stderr.contains(part), "{args}: '{part}' is missing in: {stderr}");
        }
    };
    refused("labels runs/no-correction/1.sqlite", &["no-correction", "has given no labels"]);
    refused(&format!("labels {RUN} --radius -1"), &["--radius"]);
    refused(&format!("labels {RUN} --radius nan"), &["--radius", "from 0 to 1000"]);
    refused(&format!("labels {RUN} --at 900"), &["--at", "900", "80 trials"]);
    refused(&format!("labels {RUN} --plot a.png"), &["--plot", "a.png", ".svg"]);
    refused("labels nowhere.sqlite", &["nowhere.sqlite"]);
}

/// A run outlives its robot file; only what is simulated again asks for it.
#[test]
fn what_a_run_stored_is_told_without_its_robot_file() {
    let dir = tempdir();
    let dir = dir.path();
    assert_eq!(rmrl(dir, "init lab").code, 0);
    let args =
        "compare smoke --set robot=lab/robots/gantry.toml --methods rm-rl --seeds 1 --out runs";
    let Outcome { code, stderr, .. } = rmrl(dir, args);
    assert_eq!(code, 0, "{stderr}");
    // Who was role model, of what and when; how far off depends on how the robot grips.
    let models = |told: Value| -> Vec<Value> {
        let scenes = told["scenes"].as_array().unwrap().clone();
        let reigns = scenes.iter().flat_map(|scene| scene["reigns"].as_array().unwrap().clone());
        reigns.map(|r| serde_json::json!([r["role_model"], r["since"], r["label"]])).collect()
    };
    let before = models(labels(dir, ""));
    std::fs::remove_dir_all(dir.join("lab")).unwrap();
    assert_eq!(models(labels(dir, "")), before);
    assert!(before.len() >= 10, "{before:?}");
    let Outcome { code, stderr, .. } = rmrl(dir, &format!("labels {RUN} --radius 1"));
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("gantry.toml"), "{stderr}");
}
