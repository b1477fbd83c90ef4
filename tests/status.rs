//! `rmrl status` of a whole comparison: finished, running, stopped, failed.

#![cfg(unix)]

#[allow(dead_code, reason = "shared with the other tests of the binary")]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use rmrl::task::streams::fnv1a;
use serde_json::Value;
use support::{rmrl, tempdir};

const SHORT: &str = "--set evaluation.every=20 --set evaluation.trials=2 --set demonstration=[] \
                     --set contrast=[] --set task.scene_instances=4";

fn status(dir: &Path) -> Value {
    let told = rmrl(dir, "status out --json");
    assert_eq!(told.code, 0, "{}", told.stderr);
    serde_json::from_str(&told.stdout).unwrap()
}

fn counts(status: &Value) -> [u64; 5] {
    ["complete", "running", "stopped", "failed", "to_come"]
        .map(|state| status[state].as_u64().unwrap())
}

/// Every file with a hash of its content and the time of its last change.
fn files(folder: &Path) -> Vec<(PathBuf, u64, SystemTime)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            let changed = path.metadata().unwrap().modified().unwrap();
            let hash = fnv1a(std::fs::read(&path).unwrap());
            all.push((path, hash, changed));
        }
    }
    all.sort();
    all
}

#[test]
fn a_comparison_is_told_method_by_method() {
    let folder = tempdir();
    let dir = folder.path();
    let args = format!(
        "compare smoke --methods no-correction,ppo --seeds 2 --trials 20 {SHORT} --out out"
    );
    assert_eq!(rmrl(dir, &args).code, 0);
    let before = files(&dir.join("out"));
    let whole = status(dir);
    assert_eq!(counts(&whole), [4, 0, 0, 0, 0]);
    // 20 trials and two evaluations of 2 + 2, but for a method that does not learn.
    let methods = whole["methods"].as_array().unwrap();
    assert_eq!(
        (methods[1]["method"].as_str(), methods[1]["complete"].as_u64()),
        (Some("ppo"), Some(2))
    );
    assert_eq!((&methods[1]["trials"], &methods[1]["of"]), (&Value::from(56), &Value::from(56)));
    assert_eq!(whole["trials"], whole["of"]);
    assert_eq!(whole["robot_time_left_s"], 0.0);
    assert!(whole["robot_time_s"].as_f64().unwrap() > 0.0 && whole["time_left_s"].is_null());
    let text = rmrl(dir, "status out").stdout;
    assert!(text.contains("56 of 56 (100 %)") && text.contains("time left    none"), "{text}");
    assert_eq!(files(&dir.join("out")), before, "reading changes nothing");

    std::fs::remove_file(dir.join("out/ppo/2.sqlite")).unwrap();
    let whole = status(dir);
    assert_eq!(counts(&whole), [3, 0, 0, 0, 1]);
    assert_eq!(whole["of"].as_u64().unwrap() - whole["trials"].as_u64().unwrap(), 28);
    assert!(whole["robot_time_left_s"].as_f64().unwrap() > 0.0);
    let text = rmrl(dir, "status out").stdout;
    assert!(text.contains("time left    unknown"), "{text}");
    // One run alone is told as ever.
    let one = rmrl(dir, "status out/ppo/1.sqlite").stdout;
    assert!(one.contains("ppo seed 1") && one.contains("28 of 28, complete"), "{one}");
}

#[test]
fn a_running_comparison_is_told_with_its_pace_and_a_killed_one_as_stopped() {
    let folder = tempdir();
    let dir = folder.path();
    let args = format!(
        "compare smoke --methods ppo,rm-rl --seeds 3 --trials 2000 {SHORT} --jobs 2 --out out"
    );
    let mut child = Command::new(env!("CARGO_BIN_EXE_rmrl"))
        .current_dir(dir)
        .args(args.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = loop {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it was looked at");
        std::thread::sleep(Duration::from_millis(200));
        if dir.join("out/experiment.toml").is_file() {
            let told = status(dir);
            if told["running"] == 2 && told["time_left_s"].is_number() {
                break told;
            }
        }
    };
    assert_eq!(counts(&running), [0, 2, 0, 0, 4]);
    let (made, of) = (running["trials"].as_u64().unwrap(), running["of"].as_u64().unwrap());
    assert!(made > 0 && made < of, "{running}");
    assert!(running["time_left_s"].as_f64().unwrap() > 0.0, "{running}");
    let text = rmrl(dir, "status out").stdout;
    assert!(text.contains("running      ppo seed 1: ") && text.contains("at the pace"), "{text}");
    child.kill().unwrap();
    child.wait().unwrap();

    // As if that had been ten minutes ago.
    for (path, ..) in files(&dir.join("out")) {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(600)).unwrap();
    }
    let before = files(&dir.join("out"));
    let stopped = status(dir);
    assert_eq!(counts(&stopped), [0, 0, 2, 0, 4]);
    assert!(stopped["trials"].as_u64().unwrap() >= made && stopped["time_left_s"].is_null());
    let shm = |(path, ..): &(PathBuf, u64, SystemTime)| !path.to_str().unwrap().ends_with("-shm");
    let kept = |all: Vec<_>| all.into_iter().filter(shm).collect::<Vec<_>>();
    assert_eq!(kept(files(&dir.join("out"))), kept(before), "reading changes nothing");
}

#[test]
fn failed_and_unreadable_runs_are_told_with_their_reasons() {
    let folder = tempdir();
    let dir = folder.path();
    let text = "import json, sys\n\
        for line in sys.stdin:\n\
        \x20   q = json.loads(line); a = {}\n\
        \x20   if q['op'] == 'hello': a = dict(summary='test', signal='scalar', context='none')\n\
        \x20   if q['op'] == 'act': a = dict(corrections=[[0, 0, 0] for _ in q['views']])\n\
        \x20   if q['op'] == 'learn': a = dict(error='no gradient today')\n\
        \x20   print(json.dumps(a), flush=True)\n";
    std::fs::write(dir.join("mine.py"), text).unwrap();
    let args = format!(
        "compare smoke --methods no-correction,./mine.py --seeds 1 --trials 20 {SHORT} --out out"
    );
    assert_eq!(rmrl(dir, &args).code, 1);
    let told = status(dir);
    assert_eq!(counts(&told), [1, 0, 0, 1, 0]);
    assert!(told["runs"][1]["reason"].as_str().unwrap().contains("no gradient today"), "{told}");
    assert_eq!(told["robot_time_left_s"], 0.0, "it makes no more trials by itself");
    std::fs::write(dir.join("out/no-correction/1.sqlite"), "half a fi").unwrap();
    let text = rmrl(dir, "status out").stdout;
    assert!(text.contains("failed       mine seed 1: "), "{text}");
    assert!(text.contains("unreadable   no-correction seed 1: "), "{text}");
}

#[test]
fn trials_on_top_are_told_counted_and_drawn_like_any_others() {
    let folder = tempdir();
    let dir = folder.path();
    let args = "compare smoke --methods no-correction,rm-rl-pretrained-extra --seeds 1 --trials 40 \
                --set evaluation.trials=2 --set evaluation.every=20 --set contrast=[] --set task.scene_instances=4 \
                --set rm-rl-pretrained-extra.prior_trials=20 --out out";
    assert_eq!(rmrl(dir, args).code, 0);
    let whole = status(dir);
    assert_eq!(counts(&whole), [2, 0, 0, 0, 0]);
    // 20 on top of 40, evaluations of 2 + 2 at -20, 0, 20 and 40, and two on the shelf.
    let method = &whole["methods"][1];
    assert_eq!((&method["trials"], &method["of"]), (&Value::from(78), &Value::from(78)));
    let one = rmrl(dir, "status out/rm-rl-pretrained-extra/1.sqlite").stdout;
    assert!(one.contains("78 of 78"), "{one}");

    let curves = std::fs::read_to_string(dir.join("out/curves.csv")).unwrap();
    let of =
        |line: &&str| line.starts_with("rm-rl-pretrained-extra,") && line.contains(",in-scene,");
    let axis = |line: &str| line.split(',').nth(2).unwrap().parse::<i64>().unwrap();
    assert_eq!(curves.lines().filter(of).map(axis).collect::<Vec<_>>(), [-20, 0, 20, 40]);
    let report = std::fs::read_to_string(dir.join("out/report.md")).unwrap();
    assert!(report.contains("20 prior trials on top of them, from -20 on the x axis"), "{report}");

    // It grows, and ends as if it had been made at once.
    let larger = args.replace("--trials 40", "--trials 60");
    assert_eq!(rmrl(dir, &format!("{larger} --resume")).code, 0);
    assert_eq!(rmrl(dir, &larger.replace("--out out", "--out once")).code, 0);
    for file in ["curves.csv", "summary.json"] {
        let [grown, once] = ["out", "once"].map(|d| std::fs::read(dir.join(d).join(file)).unwrap());
        assert!(grown == once, "{file}");
    }
    let judged = rmrl(dir, "eval out/rm-rl-pretrained-extra/1.sqlite --trials 2 --json");
    assert_eq!(judged.code, 0, "{}", judged.stderr);
}
