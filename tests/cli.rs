//! Drives the real binary: what a user types, what comes back.

mod support;

use support::{Outcome, rmrl, smoke_args, tempdir};

/// Exit code 2, every one of these words in the message, and nothing left behind.
fn refused(args: &str, parts: &[&str]) {
    let dir = tempdir();
    let Outcome { code, stderr, .. } = rmrl(dir.path(), args);
    assert_eq!(code, 2, "{args}: {stderr}");
    for part in parts {
        assert!(stderr.contains(part), "{args}: '{part}' is missing in: {stderr}");
    }
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert!(left.is_empty(), "{args} left {left:?}");
}

#[test]
fn a_name_that_nobody_has_is_answered_with_those_there_are() {
    refused("compare narow", &["narow", "narrow, wide, smoke"]);
    refused("compare smoke --methods ppoo", &["methods", "ppoo", "rm-rl"]);
    refused("compare smoke --set scene=shelve", &["shelve", "open, shelf, shelf-tight"]);
    refused("compare smoke --set robot=scara", &["scara", "gantry"]);
    refused("trial --scene nowhere", &["nowhere", "open, shelf, shelf-tight"]);
    refused("methods rmrl", &["rmrl", "rm-rl"]);
    refused("train smoke --method nothing --seed 1", &["nothing", "rm-rl"]);
}

#[test]
fn who_names_no_method_is_told_which_one_the_studies_recommend() {
    refused("train narrow --seed 1 --trials 60", &["--method", "60 trials", "bayes-registered"]);
    refused("train narrow --seed 1", &["bayes-registered placed", "role models rm-rl-registered"]);
    refused("train success --seed 1", &["of success rm-rl-registered placed best"]);
    refused("train narow --seed 1", &["narow", "narrow, wide, smoke"]);
}

#[test]
fn a_flag_out_of_range_is_named_as_it_was_typed() {
    refused("compare smoke --trials 0", &["--trials: trials = 0", "from 1"]);
    refused("compare smoke --seeds -2", &["--seeds", "-2"]);
    refused("compare smoke --jobs 0", &["--jobs", "0"]);
    refused("env smoke --seed minus", &["--seed", "minus"]);
    refused("tune smoke --method ppo --grid lr", &["lr", "KEY=A,B,C"]);
    refused("compare smoke --resume --fresh", &["--resume", "--fresh"]);
}

#[test]
fn a_key_of_the_experiment_is_refused_with_what_is_valid() {
    refused("compare smoke --set task.bims=3", &["task.bims", "bins"]);
    refused("compare smoke --set task.range.mm=nan", &["task.range.mm", "NaN", "from 0.1"]);
    refused("compare smoke --set task.range.mm=20", &["task.range.mm", "20", "at most 12"]);
    refused("compare smoke --set batch=30", &["evaluation.every = 40", "--set batch=30"]);
}

#[test]
fn an_option_of_a_method_is_refused_with_what_is_valid() {
    refused("compare smoke --set ppo.lr=-1", &["ppo.lr", "-1"]);
    refused("compare smoke --set ppo.lrr=1", &["ppo.lrr", "lr"]);
    let prior = "compare smoke --set rm-rl-pretrained.prior_trials=";
    refused(&format!("{prior}80"), &["--set", "prior_trials", "80", "fewer than trials = 80"]);
    refused(&format!("{prior}30"), &["--set", "prior_trials", "30", "multiple of batch"]);
}

/// Which of two policies is better, said as soon as it is clear, and never of equals.
#[test]
fn two_runs_are_compared_in_pairs_until_it_is_decided() {
    let dir = tempdir();
    let smoke = "compare smoke --methods no-correction,oracle --seeds 1 --set demonstration=[]";
    for (out, more) in [("here", ""), ("wide", " --set task.range.mm=5")] {
        let done = rmrl(dir.path(), &format!("{smoke} --trials 40 --out {out}{more}"));
        assert_eq!(done.code, 0, "{}", done.stderr);
    }
    let compared = |runs: &str, more: &str| {
        let done = rmrl(dir.path(), &format!("eval --compare {runs} --json {more}"));
        assert_eq!(done.code, 0, "{}", done.stderr);
        serde_json::from_str::<serde_json::Value>(&done.stdout).unwrap()
    };
    let (none, oracle) = ("here/no-correction/1.sqlite", "here/oracle/1.sqlite");
    for (runs, first) in [(format!("{none},{oracle}"), 1), (format!("{oracle},{none}"), 0)] {
        let told = compared(&runs, "--sequential");
        assert_eq!(told["better"], oracle, "{told}");
        assert!((5..50).contains(&told["pairs"].as_u64().unwrap()), "{told}");
        let cost = |which: usize| told["cost"][which].as_f64().unwrap();
        assert!(cost(first) < cost(1 - first), "{told}");
    }
    // So many as were asked for, and a test for such.
    let told = compared(&format!("{none},{oracle}"), "--trials 12");
    assert_eq!((&told["better"], told["pairs"].as_u64()), (&oracle.into(), Some(12)));
    assert!(told["p"].as_f64().unwrap() < 0.01, "{told}");
    let told = compared(&format!("{none},{none}"), "--sequential --trials 60");
    assert_eq!((&told["better"], told["pairs"].as_u64()), (&serde_json::Value::Null, Some(60)));

    for (args, part) in [
        (format!("--compare {none},wide/oracle/1.sqlite"), "task.range.mm = 5; must be 3"),
        (format!("--compare {none}"), "must be two"),
        (format!("--compare {none},nowhere"), "nowhere"),
        (format!("{none} --sequential"), "--sequential: goes with --compare"),
        (format!("{none} --compare {none},{oracle}"), "--compare"),
    ] {
        let done = rmrl(dir.path(), &format!("eval {args}"));
        assert_eq!(done.code, 2, "{args}: {}", done.stderr);
        assert!(done.stderr.contains(part), "{args}: {}", done.stderr);
    }
}

#[test]
fn a_trial_of_ones_own_is_refused_beyond_its_bounds() {
    refused("trial --offset nan,0,0", &["--offset", "nan,0,0", "three finite numbers"]);
    refused("trial --offset 1,2", &["--offset", "1,2"]);
    refused("trial --offset 900,0,0", &["--offset", "900", "20"]);
    refused("trial --correction 0,inf,0", &["--correction", "0,inf,0"]);
    refused("trial --correction 500,0,0", &["correction x", "500"]);
    refused("trial --dt nan", &["--dt", "nan", "0.05 to 8"]);
    refused("trial --dt -1", &["--dt", "-1", "0.05 to 8"]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    refused("compare smoke --out /dev/null/here", &["/dev/null/here"]);
    refused("eval /nowhere/run.sqlite", &["/nowhere/run.sqlite", "no such run"]);
    refused("report /nowhere", &["/nowhere"]);
    refused("compare nowhere.toml", &["nowhere.toml", "No such file"]);
}

/// Ten trials of a batch of twenty once taught nothing, and nobody said so.
#[test]
fn a_run_shorter_than_a_batch_says_that_nothing_may_be_learned() {
    let dir = tempdir();
    let args =
        "train smoke --method rm-rl --seed 1 --set evaluation.trials=1 --set demonstration=[]";
    let short = rmrl(dir.path(), &format!("{args} --trials 10 --out short"));
    assert_eq!(short.code, 0, "{}", short.stderr);
    assert!(short.stderr.contains("trials = 10 is less than a batch of 20"), "{}", short.stderr);
    let whole = rmrl(dir.path(), &format!("{args} --trials 20 --out whole"));
    assert!(!whole.stderr.contains("less than a batch"), "{}", whole.stderr);
}

/// A budget too small for the default of 200 prior trials was once refused over an option that
/// nobody had given.
#[test]
fn prior_trials_that_nobody_asked_for_give_way_to_a_small_budget() {
    let dir = tempdir();
    let short =
        "--seeds 1 --set evaluation.every=40 --set evaluation.trials=1 --set demonstration=[]";
    let done = rmrl(
        dir.path(),
        &format!("compare narrow --methods rm-rl-pretrained --trials 80 {short} --out here"),
    );
    assert_eq!(done.code, 0, "{}", done.stderr);
    let kept = std::fs::read_to_string(dir.path().join("here/experiment.toml")).unwrap();
    assert!(kept.contains("prior_trials = 40"), "{kept}");
    let lines = support::talk(
        dir.path(),
        "env narrow --seed 1 --set trials=200",
        &[r#"{"op":"describe"}"#],
    );
    assert_eq!(lines[0]["trials"], 200);
}

#[test]
fn an_experiment_extends_another_and_finds_files_from_where_it_lies() {
    let dir = tempdir();
    assert_eq!(rmrl(dir.path(), "init lab").code, 0);
    std::fs::create_dir(dir.path().join("mine")).unwrap();
    let mine = "extends = \"../lab/experiments/smoke.toml\"\nscene = \"../lab/scenes/open.toml\"\n\
                robot = \"../lab/robots/gantry.toml\"\nmethods = [\"no-correction\"]\n\
                demonstration = []\n[task]\nrange = { mm = 5.0, deg = 2.0 }\n";
    std::fs::write(dir.path().join("mine/five.toml"), mine).unwrap();
    let done = rmrl(dir.path(), "compare mine/five.toml --seeds 1 --trials 40 --out there");
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("five: offsets of +-5 mm and +-2 deg, 7 bins"), "{}", done.stderr);
    // What is kept is found from anywhere.
    std::fs::create_dir(dir.path().join("away")).unwrap();
    let again = rmrl(&dir.path().join("away"), "eval ../there --trials 2");
    assert_eq!(again.code, 0, "{}", again.stderr);

    let wrong = |text: &str, parts: &[&str]| {
        std::fs::write(dir.path().join("mine/wrong.toml"), text).unwrap();
        let Outcome { code, stderr, .. } = rmrl(dir.path(), "compare mine/wrong.toml");
        assert_eq!(code, 2, "{stderr}");
        for part in parts {
            assert!(stderr.contains(part), "'{part}' is missing in: {stderr}");
        }
    };
    wrong("extends = \"wrong.toml\"", &["extends", "wrong.toml", "back to itself"]);
    wrong("extends = \"nothing\"", &["nothing", "narrow, wide"]);
    wrong("extends = 3", &["extends", "3"]);
    wrong("extends = \"narrow\"\n[task]\nbims = 3", &["wrong.toml", "bims", "bins"]);
    wrong("extends = \"narrow\"\nscene = \"open.toml\"", &["mine/open.toml", "cannot be read"]);
    wrong("name = \"x\"\n[task]\nbins = 7", &["wrong.toml", "lacks"]);
}

#[test]
fn several_demonstrations_are_made_and_resumed() {
    let dir = tempdir();
    let args = "train smoke --method oracle --seed 1 --trials 20 --set evaluation.every=20 \
                --set evaluation.trials=1 \
                --set demonstration=[{scene=\"shelf\",trials=3},{scene=\"open\",trials=2},{scene=\"shelf-tight\",trials=2}]";
    let args = format!("{args} --out here");
    let done = rmrl(dir.path(), &args);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let told = rmrl(dir.path(), "status here --json");
    let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told["phases"]["shelf"]["trials"], 7, "{told}");
    assert_eq!(told["trials"], told["of"]);
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
        let more = 1 + (pause >> 33) % 14;
        let args = format!("{} --out rough --resume", smoke_args());
        support::kill_after_trials(dir.path(), &args, "rough", more);
    }
    let resumed = rmrl(dir.path(), &format!("{} --out rough --resume", smoke_args()));
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    support::assert_same_results(&dir.path().join("calm"), &dir.path().join("rough"));
}

#[test]
fn a_run_that_chooses_its_scenes_is_killed_and_resumes_to_the_same_bits() {
    let dir = tempdir();
    let args = format!("{} --set rm-rl.scenes=\"worst\"", smoke_args());
    let undisturbed = rmrl(dir.path(), &format!("{args} --out calm"));
    assert_eq!(undisturbed.code, 0, "{}", undisturbed.stderr);
    for more in [3, 29, 31, 26] {
        support::kill_after_trials(
            dir.path(),
            &format!("{args} --out rough --resume"),
            "rough",
            more,
        );
    }
    let resumed = rmrl(dir.path(), &format!("{args} --out rough --resume"));
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    let [calm, rough] = ["calm", "rough"].map(|name| dir.path().join(name));
    support::assert_same_results(&calm, &rough);
    // Some trials were in another scene than the one whose turn it was.
    let run = rusqlite::Connection::open(calm.join("rm-rl/1.sqlite")).unwrap();
    let sql = "SELECT COUNT(*) FROM trial WHERE phase = 'train' AND instance <> number % 10";
    let chosen = run.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert!((5..=20).contains(&chosen), "{chosen}");
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
    for more in [3, 31, 58, 17] {
        let args = format!("{args} --out killed --resume");
        support::kill_after_trials(dir.path(), &args, "killed", more);
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

/// A full device once ended in a panic and a backtrace.
#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_one_line_and_exit_code_1() {
    let dir = tempdir();
    for args in ["methods", "scenes", "trial --noise off", "trial --noise off --json"] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let Outcome { code, stderr, .. } = support::rmrl_into(dir.path(), args, full.into());
        assert_eq!((code, stderr.lines().count()), (1, 1), "{args}: {stderr}");
        assert!(stderr.contains("standard output"), "{args}: {stderr}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let Outcome { code, stderr, .. } =
        support::rmrl_into(tempdir().path(), "methods", writer.into());
    assert_eq!((code, stderr.as_str()), (141, ""));
}
