//! `rmrl tune`: which settings are tried, what is kept of them, and how a stopped one goes on.

#![cfg(unix)]

#[allow(dead_code, reason = "shared with the other tests of the binary")]
mod support;

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{Outcome, rmrl, tempdir};

const SHORT: &str = "--set trials=10 --set batch=10 --set evaluation.every=10 \
                     --set evaluation.trials=1 --set task.scene_instances=4";

/// Six settings on one seed, then two and the default on three.
fn halving(dir: &Path, more: &str) -> Outcome {
    rmrl(dir, &format!("tune smoke --method reinforce --budget 6 --seeds 3 {SHORT} {more}"))
}

fn text(dir: &Path, out: &str) -> String {
    std::fs::read_to_string(dir.join(out).join("tune.json")).unwrap()
}

fn record(dir: &Path, out: &str) -> Value {
    serde_json::from_str(&text(dir, out)).unwrap()
}

fn run_files(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let of = |path: std::path::PathBuf| match path.is_dir() {
        true => run_files(&path),
        false => usize::from(path.extension().is_some_and(|end| end == "sqlite")),
    };
    entries.map(|entry| of(entry.unwrap().path())).sum()
}

#[test]
fn halving_gives_the_same_record_with_any_jobs_in_shards_and_after_kills() {
    let folder = tempdir();
    let dir = folder.path();
    let one = halving(dir, "--jobs 1 --out one");
    assert_eq!(one.code, 0, "{}", one.stderr);
    assert!(one.stderr.contains("rung 2 of 2") && one.stderr.contains(" left)"), "{}", one.stderr);
    let record = record(dir, "one");
    assert_eq!(record["complete"], true);
    let rungs = record["rungs"].as_array().unwrap();
    assert_eq!(rungs[0]["settings"].as_array().unwrap().len(), 6);
    assert_eq!(rungs[1]["seeds"], serde_json::json!([1001, 1002, 1003]));
    let on = rungs[1]["settings"].as_array().unwrap();
    assert!((2..=3).contains(&on.len()) && on[0] == 0, "two and the default: {on:?}");
    let runs = 6 + 2 * on.len();
    assert_eq!(
        (record["cost"]["runs"].as_u64(), run_files(&dir.join("one"))),
        (Some(runs as u64), runs)
    );
    assert_eq!(record["cost"]["trials"], 10 * runs);
    assert!(record["cost"]["robot_hours"].as_f64().unwrap() > 0.0);
    // The best of those judged on all seeds is the best; the default is there with its own figure.
    let settings = record["settings"].as_array().unwrap();
    assert_eq!(settings.len(), 6);
    assert_eq!(record["best"]["setting"], settings[0]["setting"]);
    assert_eq!(record["default"]["seeds"].as_array().unwrap().len(), 3);
    let area = |setting: &Value| setting["area"].as_f64().unwrap();
    assert!(area(&record["best"]) <= area(&record["default"]));
    let set = settings.iter().find(|s| s["setting"] == 5).unwrap()["set"].as_array().unwrap();
    assert!(set.iter().any(|set| set.as_str().unwrap().starts_with("reinforce.lr=")), "{set:?}");
    // Nothing that a clock or another machine would change.
    let whole = text(dir, "one");
    assert!(!whole.contains(dir.to_str().unwrap()) && !whole.contains("2026"), "{whole}");

    assert_eq!(halving(dir, "--jobs 4 --out four").code, 0);
    assert_eq!(text(dir, "four"), whole);

    for _ in 0..3 {
        killed(dir, "killed");
    }
    let resumed = halving(dir, "--resume --out killed");
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    assert_eq!(text(dir, "killed"), whole);

    // The first shard cannot begin the second rung before the others have made theirs of the first.
    let shard = |i: usize| halving(dir, &format!("--shard {i}/3 --scratch scratch --out shards"));
    assert_eq!(shard(0).code, 0);
    let early = shard(0);
    assert_eq!(early.code, 1, "{}", early.stderr);
    assert!(early.stderr.contains("run the other shards first"), "{}", early.stderr);
    for i in [1, 2, 0, 1, 2, 0] {
        shard(i);
    }
    assert_eq!(text(dir, "shards"), whole);
    assert_eq!(std::fs::read_dir(dir.join("scratch")).unwrap().count(), 0);
    // Once more makes nothing, and tells the same.
    let again = halving(dir, "--shard 1/3 --json --out shards");
    assert_eq!((again.code, again.stdout), (0, whole));
}

/// Begins a tune and kills it once it has made a run more.
fn killed(dir: &Path, out: &str) {
    let args =
        format!("tune smoke --method reinforce --budget 6 --seeds 3 {SHORT} --jobs 2 --out {out}");
    let before = run_files(&dir.join(out));
    let mut child = Command::new(env!("CARGO_BIN_EXE_rmrl"))
        .current_dir(dir)
        .args(args.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while run_files(&dir.join(out)) < before + 2 {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it was killed");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_grid_has_the_default_beside_it_and_its_best_is_ready_to_use() {
    let folder = tempdir();
    let dir = folder.path();
    let grid = "tune smoke --method ppo --grid lr=1e-3,1e-6 --grid epochs=2,3 --seeds 2";
    let done = rmrl(dir, &format!("{grid} {SHORT}"));
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.contains("setting, best first"), "{}", done.stdout);
    let record = record(dir, "runs/tune-smoke-ppo");
    assert_eq!(record["settings"].as_array().unwrap().len(), 5);
    let names = ["default", "lr=1e-3,epochs=2", "lr=1e-3,epochs=3", "lr=1e-6,epochs=2"];
    assert!(names.iter().all(|name| done.stdout.contains(name)), "{}", done.stdout);
    let best = &record["best"];
    let set: Vec<&str> =
        best["set"].as_array().unwrap().iter().map(|set| set.as_str().unwrap()).collect();
    assert_eq!(set.is_empty(), best["setting"] == 0);
    assert!(set.is_empty() || done.stdout.contains(&set.join(" ")), "{}", done.stdout);
    let train = format!("train smoke --method ppo --seed 1 {SHORT} {}", set.join(" "));
    assert_eq!(rmrl(dir, &train).code, 0, "{train}");
}

#[test]
fn another_plan_in_the_same_folder_is_refused_with_what_differs() {
    let folder = tempdir();
    let dir = folder.path();
    let tune = |more: &str| {
        let few = "tune smoke --method reinforce --seeds 1 --out out";
        rmrl(dir, &format!("{few} {SHORT} {more}"))
    };
    assert_eq!(tune("--budget 3").code, 0);
    let before = text(dir, "out");
    for (more, differs) in [
        ("--budget 4", "there: budget = 3; asked for: budget = 4"),
        ("--budget 3 --seed 2", "there: seed = 1; asked for: seed = 2"),
        ("--budget 3 --space lr=1e-4..1e-3", "lr=0.0001..0.001"),
        (
            "--budget 3 --set batch=5",
            "there: experiment.batch = 10; asked for: experiment.batch = 5",
        ),
        ("--grid lr=1e-3", "there: budget = 3; asked for: no budget"),
    ] {
        let Outcome { code, stderr, .. } = tune(more);
        assert_eq!(code, 2, "{more}: {stderr}");
        assert!(stderr.contains(differs) && stderr.contains("--out"), "{more}: {stderr}");
    }
    assert_eq!(text(dir, "out"), before);
    // A folder of something else is left alone.
    std::fs::create_dir(dir.join("thesis")).unwrap();
    std::fs::write(dir.join("thesis/thesis.tex"), "precious").unwrap();
    let other = rmrl(dir, &format!("tune smoke --method ppo --grid lr=1e-3 --out thesis {SHORT}"));
    assert_eq!(other.code, 2, "{}", other.stderr);
    assert!(other.stderr.contains("not a tune"), "{}", other.stderr);
}

/// A method in Python that fails where its option `gain` is above 1.
fn script(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let text = "#!/usr/bin/env python3\n\
        import json, sys\n\
        gain = 0.5\n\
        for line in sys.stdin:\n\
        \x20   q = json.loads(line); op = q['op']; a = {}\n\
        \x20   if op == 'hello':\n\
        \x20       gain = q['options'].get('gain', 0.5)\n\
        \x20       a = dict(summary='test', signal='scalar', context='none')\n\
        \x20   if op == 'act': a = dict(corrections=[[gain, 0, 0] for _ in q['views']])\n\
        \x20   if op == 'learn': a = dict(error='too much gain') if gain > 1 else dict(loss=gain)\n\
        \x20   if op == 'save': a = dict(state='AAAA')\n\
        \x20   print(json.dumps(a), flush=True)\n";
    let path = dir.join("mine.py");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_program_is_tuned_too_and_settings_that_fail_rank_last() {
    let folder = tempdir();
    let dir = folder.path();
    script(dir);
    let search = "--budget 7 --space gain=0.0..2.0 --seeds 3 --out out";
    let done = rmrl(dir, &format!("tune smoke --method ./mine.py {search} {SHORT}"));
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(
        done.stderr.contains("FAILED: ") && done.stderr.contains("too much gain"),
        "{}",
        done.stderr
    );
    let record = record(dir, "out");
    let settings = record["settings"].as_array().unwrap();
    let has_failed = |setting: &Value| !setting["failed"].as_array().unwrap().is_empty();
    let failed = settings.iter().filter(|s| has_failed(s)).count();
    assert!((1..6).contains(&failed), "some fail: {failed}");
    assert!(settings[..7 - failed].iter().all(|s| !has_failed(s)), "{}", done.stdout);
    assert!(settings[7 - failed..].iter().all(|s| s["rung"] == 1 && s["area"].is_null()));
    assert!(settings[1]["set"].to_string().contains("mine.gain=") || settings[1]["setting"] == 0);
    // They are not tried again.
    let again = rmrl(dir, &format!("tune smoke --method ./mine.py {search} {SHORT}"));
    assert!(!again.stderr.contains("FAILED"), "{}", again.stderr);
    assert_eq!(again.stdout, done.stdout);

    // What a program was given says what a key takes.
    let odd = "tune smoke --method ./mine.py --budget 3 --set mine.width=8 --space width=2..9.5";
    let odd = rmrl(dir, odd);
    assert_eq!(odd.code, 2, "{}", odd.stderr);
    assert!(odd.stderr.contains("whole numbers"), "{}", odd.stderr);

    let hopeless = "--grid gain=2,3 --set mine.gain=4 --seeds 1 --out hopeless";
    let none = rmrl(dir, &format!("tune smoke --method ./mine.py {hopeless} {SHORT}"));
    assert_eq!(none.code, 1, "{}", none.stderr);
    assert!(none.stderr.contains("every one failed"), "{}", none.stderr);
}

#[test]
fn wrong_input_is_refused_with_what_is_valid() {
    for (args, parts) in [
        ("ppo", vec!["--grid"]),
        ("ppo --grid lr", vec!["--grid", "KEY=A,B,C"]),
        ("ppo --grid lr=", vec!["--grid", "empty value"]),
        ("ppo --grid lrr=1", vec!["--grid", "lrr", "unknown key", "clip"]),
        ("ppo --grid lr=7", vec!["--grid", "settings.ppo.lr", "from 0.00000001 to 1"]),
        ("ppo --grid lr=1e-3 --budget 4", vec!["--grid", "--budget"]),
        ("ppo --grid lr=1e-3 --space lr=1..2", vec!["--space", "--grid"]),
        ("ppo --budget 0", vec!["--budget", "0"]),
        ("ppo --budget 4 --space lr", vec!["--space", "KEY=LOW..HIGH"]),
        (
            "ppo --budget 4 --space lr=1e-2..1e-3",
            vec!["--space", "lr", "LOW must be less than HIGH"],
        ),
        ("ppo --budget 4 --space lr=0..1:log", vec!["--space", "LOW must be more than 0"]),
        ("ppo --budget 4 --space lr=1e-3..2", vec!["--space", "settings.ppo.lr", "to 1"]),
        ("ppo --budget 4 --space lrr=1..2", vec!["--space", "lrr", "unknown key", "clip"]),
        ("ppo --budget 4 --space epochs=1.5..3", vec!["--space", "epochs", "whole numbers"]),
        ("oracle --budget 4", vec!["oracle", "no range to search"]),
        ("ppo --budget 4 --shard 4/4", vec!["--shard", "from 0 to N - 1"]),
        ("ppo --budget 4 --set first_seed=1005", vec!["seeds 1001 to 1009", "1005 to 1006"]),
        ("nobody --budget 4", vec!["nobody", "rm-rl"]),
    ] {
        let folder = tempdir();
        let told = rmrl(folder.path(), &format!("tune smoke --method {args}"));
        assert_eq!(told.code, 2, "{args}: {}", told.stderr);
        for part in parts {
            assert!(told.stderr.contains(part), "{args}: '{part}' is missing in: {}", told.stderr);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{args}");
    }
}

#[test]
fn a_method_shows_what_is_worth_searching() {
    let folder = tempdir();
    let shown = rmrl(folder.path(), "methods rm-rl").stdout;
    assert!(shown.contains("--space lr=0.0001..0.01:log"), "{shown}");
    assert!(shown.contains("--space steps=2..40:log"), "{shown}");
}
