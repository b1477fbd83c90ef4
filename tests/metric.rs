//! A metric of another crate is shown wherever a built-in one is, and no file of ours is edited.

use std::path::Path;
use std::process::Command;

use clap::Parser;
use rmrl::report::{Better, Kind, Metric, Shown, add_metric};
use serde_json::Value;

const PEAK: Metric = Metric {
    key: "peak_force_n",
    title: "peak force",
    short: "peak N",
    unit: "N",
    better: Better::Lower,
    kind: Kind::Mean,
    of: |trial| trial.peak_force_n,
    decimals: 1,
    cost: 0.0,
    shown: Shown::Curves,
};

const QUICK: Metric = Metric {
    key: "quick",
    title: "within 40 s",
    short: "quick",
    unit: "%",
    better: Better::Higher,
    kind: Kind::Share { rate: "quick_rate", count: "quick" },
    of: |trial| f64::from(u8::from(trial.robot_seconds < 40.0)),
    decimals: 0,
    cost: 0.0,
    shown: Shown::Tables,
};

const ARGS: &str = "RMRL_TEST_ARGS";

/// What that crate's `main` would be: the test below runs it as a process of its own.
#[test]
#[ignore = "a program, not a test"]
fn program() {
    add_metric(PEAK);
    add_metric(QUICK);
    let args = std::env::var(ARGS).unwrap();
    let cli = rmrl::cli::Cli::parse_from(args.split_whitespace());
    rmrl::cli::run(cli).unwrap();
}

/// Standard output and standard error.
fn run(dir: &Path, args: &str) -> [String; 2] {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["program", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(ARGS, format!("rmrl {args}"))
        .current_dir(dir)
        .output()
        .unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{args}: {out}{err}");
    [out, err]
}

#[test]
fn a_metric_of_another_crate_is_shown_wherever_a_built_in_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let short = "--trials 40 --set evaluation.every=20 --set evaluation.trials=3";
    let [console, progress] =
        run(dir, &format!("compare smoke --methods reinforce,ppo --seeds 2 {short} --out o"));
    assert!(console.contains("  peak N  ") && console.contains("  quick %"), "{console}");
    assert!(progress.contains(" peak N in-scene, "), "{progress}");

    let read = |file: &str| std::fs::read_to_string(dir.join("o").join(file)).unwrap();
    let csv = read("curves.csv");
    let head = csv.lines().next().unwrap();
    assert!(head.ends_with(",yaw_deg,success_rate,peak_force_n,quick_rate"), "{head}");
    let first: Vec<&str> = csv.lines().nth(1).unwrap().split(',').collect();
    assert!(first[8].parse::<f64>().unwrap() > 0.0 && first[9] == "1", "{first:?}");

    let summary: Value = serde_json::from_str(&read("summary.json")).unwrap();
    let ppo = &summary["methods"]["ppo"];
    for place in [ppo, &ppo["held_out"]] {
        assert!(place["peak_force_n"]["iqm"].as_f64().unwrap() > 0.0);
        assert_eq!(place["quick"]["rate"], 1.0);
    }
    assert!(summary["improvement_over"]["reinforce"]["ppo"]["peak_force_pct"]["value"].is_f64());

    for (file, shown) in [
        ("report.md", "| held-out (peak N) |"),
        ("report.md", "| yaw error | peak force | P(better) |"),
        ("table.tex", " & in-scene (peak N) & "),
        ("table.tex", " & held-out quick (\\%) & "),
        ("report.html", "peak force (N)"),
        ("curves.svg", "peak force, held-out"),
        ("profile.svg", "peak force (N)"),
    ] {
        assert!(read(file).contains(shown), "{file} lacks {shown}");
    }

    let [json, _] = run(dir, "eval o/ppo/1.sqlite --trials 3 --json");
    let json: Value =
        serde_json::from_str(&json[json.find('{').unwrap()..=json.rfind('}').unwrap()]).unwrap();
    let held_out = &json["phases"]["held-out"];
    assert!(held_out["peak_force_n"].as_f64().unwrap() > 0.0);
    assert_eq!(held_out["quick"], 3);
    assert_eq!(json["phases"]["in-scene"]["translation_mm"].to_string(), last_in_scene(&csv));
    let [text, _] = run(dir, "eval o/ppo/1.sqlite --trials 3");
    assert!(text.contains("   peak N     quick\n") && text.contains(" 3/3\n"), "{text}");

    let [tuned, _] = run(
        dir,
        &format!(
            "tune smoke --method ppo --grid lr=1e-3 --seeds 1 --set {}",
            short.replace("--trials ", "trials=")
        ),
    );
    assert!(tuned.contains("   peak N   out mm  out deg out peak N  setting"), "{tuned}");
}

/// What `curves.csv` says of ppo's first seed at the end: `eval` makes the same trials.
fn last_in_scene(csv: &str) -> String {
    let mut lines =
        csv.lines().filter(|line| line.starts_with("ppo,1,40,") && line.contains(",in-scene,"));
    lines.next().unwrap().split(',').nth(5).unwrap().to_owned()
}
