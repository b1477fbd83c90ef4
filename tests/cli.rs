//! Drives the real binary: what a user types, what comes back.

mod support;

use support::{Outcome, rmrl, smoke_args, tempdir};

#[test]
fn bad_input_is_refused_with_the_key_the_value_and_what_is_valid() {
    for (args, parts) in [
        ("compare narow", &["narow", "narrow, wide, smoke"][..]),
        ("compare smoke --methods ppoo", &["methods", "ppoo", "rm-rl"]),
        ("compare smoke --trials 0", &["trials", "0", "from 1"]),
        ("compare smoke --seeds -2", &["seeds", "-2"]),
        ("compare smoke --jobs 0", &["--jobs", "0"]),
        ("compare smoke --set task.bims=3", &["task.bims", "bins"]),
        ("compare smoke --set task.range.mm=nan", &["task.range.mm", "NaN", "from 0.1"]),
        ("compare smoke --set ppo.lr=-1", &["ppo.lr", "-1"]),
        ("compare smoke --set ppo.lrr=1", &["ppo.lrr", "lr"]),
        ("compare smoke --set scene=shelve", &["shelve", "open, shelf, shelf-tight"]),
        ("compare smoke --set robot=scara", &["scara", "gantry"]),
        ("compare smoke --set rm-rl-pretrained.prior_trials=80", &["prior_trials", "80"]),
        ("compare smoke --resume --fresh", &["--resume", "--fresh"]),
        ("compare smoke --out /dev/null/here", &["/dev/null/here"]),
        ("trial --offset nan,0,0", &["--offset", "nan,0,0", "three finite numbers"]),
        ("trial --offset 1,2", &["--offset", "1,2"]),
        ("trial --offset 900,0,0", &["--offset", "900", "20"]),
        ("trial --correction 0,inf,0", &["--correction", "0,inf,0"]),
        ("trial --correction 500,0,0", &["correction x", "500"]),
        ("trial --scene nowhere", &["nowhere", "open, shelf, shelf-tight"]),
        ("trial --dt nan", &["--dt", "nan", "0.05 to 8"]),
        ("trial --dt -1", &["--dt", "-1", "0.05 to 8"]),
        ("compare smoke --set task.range.mm=20", &["task.range.mm", "20", "at most 12"]),
        (
            "compare smoke --set rm-rl-pretrained.prior_trials=30",
            &["prior_trials", "30", "multiple of batch"],
        ),
        ("eval /nowhere/run.sqlite", &["/nowhere/run.sqlite", "no such run"]),
        ("report /nowhere", &["/nowhere"]),
        ("methods rmrl", &["rmrl", "rm-rl"]),
        ("train smoke --method nothing --seed 1", &["nothing", "rm-rl"]),
        ("env smoke --seed minus", &["--seed", "minus"]),
        ("tune smoke --method ppo --grid lr", &["lr", "KEY=A,B,C"]),
    ] {
        let dir = tempdir();
        let Outcome { code, stderr, .. } = rmrl(dir.path(), args);
        assert_eq!(code, 2, "{args}: {stderr}");
        for part in parts {
            assert!(stderr.contains(part), "{args}: '{part}' is missing in: {stderr}");
        }
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
        assert!(left.is_empty(), "{args} left {left:?}");
    }
}

#[test]
fn a_trial_says_in_json_what_happened() {
    let dir = tempdir();
    let done = rmrl(dir.path(), "trial --offset -1,2,0.5 --noise off --json");
    assert_eq!(done.code, 0, "{}", done.stderr);
    let trial: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    for key in [
        "scene",
        "offset",
        "correction",
        "executed",
        "in_hand",
        "placement",
        "seated",
        "outcome",
        "reward",
        "robot_time_s",
        "peak_force_n",
    ] {
        assert!(trial.get(key).is_some(), "{key} is missing in {trial}");
    }
    assert_eq!(trial["outcome"], "placed");
    assert_eq!(trial["seated"], true);
    for (key, expected) in [("x_mm", -1.0), ("y_mm", 2.0), ("yaw_deg", 0.5)] {
        let got = trial["placement"][key].as_f64().unwrap();
        assert!((got - expected).abs() < 0.15, "{key}: {got} instead of {expected}");
    }
}

#[test]
fn jobs_change_neither_the_summary_nor_the_weights() {
    let dir = tempdir();
    for jobs in ["1", "2"] {
        let args = format!("{} --jobs {jobs} --out jobs{jobs}", smoke_args());
        let done = rmrl(dir.path(), &args);
        assert_eq!(done.code, 0, "{}", done.stderr);
    }
    support::assert_same_results(&dir.path().join("jobs1"), &dir.path().join("jobs2"));
}

#[test]
fn a_run_killed_at_random_moments_resumes_to_the_same_bits() {
    let dir = tempdir();
    let undisturbed = rmrl(dir.path(), &format!("{} --out calm", smoke_args()));
    assert_eq!(undisturbed.code, 0, "{}", undisturbed.stderr);
    let mut pause = 7u64;
    for _ in 0..20 {
        pause =
            pause.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let milliseconds = 30 + (pause >> 33) % 400;
        support::kill_after(
            dir.path(),
            &format!("{} --out rough --resume", smoke_args()),
            milliseconds,
        );
    }
    let resumed = rmrl(dir.path(), &format!("{} --out rough --resume", smoke_args()));
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    support::assert_same_results(&dir.path().join("calm"), &dir.path().join("rough"));
}

#[test]
fn a_folder_knows_what_it_holds() {
    let dir = tempdir();
    let args = "compare smoke --methods no-correction --seeds 1 --trials 20 --set evaluation.every=20 --out here";
    let first = rmrl(dir.path(), args);
    assert_eq!(first.code, 0, "{}", first.stderr);
    for file in [
        "report.md",
        "report.html",
        "curves.svg",
        "curves.png",
        "curves.pdf",
        "curves.csv",
        "table.tex",
        "summary.json",
        "no-correction/1.sqlite",
    ] {
        assert!(dir.path().join("here").join(file).is_file(), "{file} is missing");
    }
    let again = rmrl(dir.path(), args);
    assert_eq!(
        (again.code, &again.stdout),
        (0, &first.stdout),
        "a finished folder shows its report"
    );
    let report = rmrl(dir.path(), "report here");
    assert_eq!(report.code, 0, "{}", report.stderr);
    let other = rmrl(dir.path(), &args.replace("--trials 20", "--trials 40"));
    assert_eq!(other.code, 2);
    assert!(
        other.stderr.contains("trials = 20") && other.stderr.contains("trials = 40"),
        "{}",
        other.stderr
    );

    let run = dir.path().join("here/no-correction/1.sqlite");
    let whole = std::fs::read(&run).unwrap();
    for (damage, what) in [
        (whole[..whole.len() / 2].to_vec(), "truncated"),
        (b"not a database at all, but long enough to look at".repeat(40), "foreign"),
    ] {
        std::fs::write(&run, &damage).unwrap();
        for command in ["report here", "eval here"] {
            let refused = rmrl(dir.path(), command);
            assert_eq!(refused.code, 2, "{what}, {command}: {}", refused.stderr);
            assert!(refused.stderr.contains("1.sqlite"), "{what}, {command}: {}", refused.stderr);
        }
        assert_eq!(std::fs::read(&run).unwrap(), damage, "a refused file is not touched");
    }
}

#[test]
fn the_environment_server_makes_the_trials_of_the_run() {
    let dir = tempdir();
    let lines = [
        r#"{"op":"attempt","correction":[0,0,0]}"#,
        r#"{"op":"describe"}"#,
        r#"{"op":"prepare"}"#,
        r#"{"op":"attempt","correction":[0,0,0]}"#,
        r#"{"op":"prepare"}"#,
        r#"{"op":"attempt","correction":[999,0,0]}"#,
        r#"{"op":"prepare","phase":"held-out","index":3}"#,
        r#"{"op":"attempt","correction":[0,0,0]}"#,
        r#"{"op":"dance"}"#,
    ];
    let answers = support::talk(dir.path(), "env smoke --seed 1", &lines);
    assert_eq!(answers.len(), lines.len());
    assert!(answers[0]["error"].as_str().unwrap().contains("prepare"));
    assert_eq!(answers[1]["bins"], 7);
    assert_eq!(answers[2]["image"].as_str().unwrap().len(), 5464, "64 x 64 bytes in base64");
    assert!(answers[3]["reward"].as_f64().unwrap() < 0.0);
    assert!(answers[3].get("score").is_none(), "no truth in training");
    assert_eq!(answers[4]["trial"], 1);
    assert!(answers[5]["error"].as_str().unwrap().contains("correction x"));
    assert!(answers[7]["score"]["translation_mm"].as_f64().unwrap() > 0.0);
    assert!(answers[8]["error"].as_str().unwrap().contains("prepare"));
}

#[test]
fn init_copies_files_that_can_be_run_and_keeps_edited_ones() {
    let dir = tempdir();
    assert_eq!(rmrl(dir.path(), "init lab").code, 0);
    let file = dir.path().join("lab/experiments/smoke.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("trials = 80", "trials = 60")).unwrap();
    assert!(rmrl(dir.path(), "init lab").stdout.contains("kept"));
    assert!(std::fs::read_to_string(&file).unwrap().contains("trials = 60"));
    let shown =
        rmrl(dir.path(), "trial --scene lab/scenes/shelf.toml --robot lab/robots/gantry.toml");
    assert_eq!(shown.code, 0, "{}", shown.stderr);
}

#[test]
fn a_complete_run_has_made_as_many_trials_as_its_status_planned() {
    let dir = tempdir();
    let short =
        "--seed 1 --trials 60 --set batch=20 --set evaluation.every=20 --set evaluation.trials=2";
    for (method, more) in
        [("no-correction", ""), ("rm-rl-pretrained", "--set rm-rl-pretrained.prior_trials=40")]
    {
        let train = format!("train smoke --method {method} {short} {more} --out {method}");
        let done = rmrl(dir.path(), &train);
        assert_eq!(done.code, 0, "{}", done.stderr);
        let told = rmrl(dir.path(), &format!("status {method} --json"));
        let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
        assert_eq!((&told["complete"], &told["trials"]), (&true.into(), &told["of"]), "{told}");
    }
}

#[test]
fn experiments_with_dirt_and_drift_are_reproducible_over_jobs_and_kills() {
    let dir = tempdir();
    let short = smoke_args().replacen("smoke", "randomised", 1)
        + " --set evaluation.shelf_trials=2 --set task.scene_instances=10";
    let drift = r#" --set task.drift=[{key="fixture_x_mm",at=25,to=1.5},{key="exposure",at=10,to=-0.4,over=30}]"#;
    let args = format!("{short}{drift}");
    for jobs in ["1", "2"] {
        let done = rmrl(dir.path(), &format!("{args} --jobs {jobs} --out jobs{jobs}"));
        assert_eq!(done.code, 0, "{}", done.stderr);
    }
    let [one, two, killed] = ["jobs1", "jobs2", "killed"].map(|name| dir.path().join(name));
    support::assert_same_results(&one, &two);
    for milliseconds in [150, 400, 700, 300] {
        support::kill_after(dir.path(), &format!("{args} --out killed --resume"), milliseconds);
    }
    let resumed = rmrl(dir.path(), &format!("{args} --out killed --resume"));
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    support::assert_same_results(&one, &killed);
    // The shipped drifts begin at trial 500: these are the same ones, sooner.
    let sooner = r#" --set task.drift=[{key="fixture_x_mm",at=20,to=1.0},{key="pad_friction",at=40,to=-0.3},{key="exposure",at=0,to=-0.3,over=60}]"#;
    let shipped = short.replacen("randomised", "drift", 1) + sooner;
    for jobs in ["1", "2"] {
        let done = rmrl(dir.path(), &format!("{shipped} --jobs {jobs} --out drift{jobs}"));
        assert_eq!(done.code, 0, "{}", done.stderr);
    }
    let [alone, together] = ["drift1", "drift2"].map(|name| dir.path().join(name));
    support::assert_same_results(&alone, &together);
    let report = std::fs::read_to_string(one.join("report.md")).unwrap();
    assert!(report.contains("| `fixture_x_mm` | 0.5 | seed | to 1.5 at trial 25 |"), "{report}");
    assert!(report.contains("## Harm"), "{report}");
}

#[cfg(not(feature = "viewer"))]
#[test]
fn a_build_without_the_viewer_says_how_to_get_one() {
    for args in ["view", "view --scene shelf --offset -3,1,2", "view --run some/run.sqlite"] {
        let Outcome { code, stderr, .. } = rmrl(tempdir().path(), args);
        assert_eq!((code, stderr.lines().count()), (2, 1), "{stderr}");
        assert!(stderr.contains("--features viewer"), "{stderr}");
    }
}
