//! Many processes in one folder: parts, kills, scratch folders, growth, and what is refused.

#[allow(dead_code, reason = "each test uses some of it")]
mod support;

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use support::{Outcome, command, rmrl, tempdir, trials_in};

/// Two methods and three seeds, over in some seconds.
const SMALL: &str = "compare smoke --methods rm-rl,no-correction --seeds 3 --trials 40 \
    --set evaluation.every=20 --set evaluation.trials=2 --set demonstration=[{scene=\"shelf\",trials=2}] \
    --jobs 1";

fn start(dir: &Path, args: &str) -> Child {
    command(dir, args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn done(dir: &Path, args: &str) -> Outcome {
    let done = rmrl(dir, args);
    assert_eq!(done.code, 0, "{args}: {}", done.stderr);
    done
}

fn read(dir: &Path, file: &str) -> String {
    std::fs::read_to_string(dir.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn assert_same_report(dir: &Path, one: &str, other: &str) {
    for file in ["summary.json", "curves.csv", "report.md", "table.tex", "experiment.toml"] {
        assert_eq!(read(&dir.join(one), file), read(&dir.join(other), file), "{file}");
    }
}

#[test]
fn four_shards_with_ten_kills_among_them_give_the_report_of_one_process() {
    let dir = tempdir();
    let dir = dir.path();
    done(dir, &format!("{SMALL} --out alone"));
    for (out, more) in [("in-place", ""), ("scratched", " --scratch scratch")] {
        let shard = |i: usize| format!("{SMALL} --out {out} --shard {i}/4{more}");
        let mut moment = 40u64;
        let mut kills = 0;
        while kills < 10 {
            let mut shards: Vec<Child> = (0..4).map(|i| start(dir, &shard(i))).collect();
            // Somewhere in the middle, at moments that are not the same.
            moment = moment.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
            std::thread::sleep(Duration::from_millis(60 + (moment >> 33) % 400));
            for shard in shards.iter_mut().take(3) {
                if shard.try_wait().unwrap().is_none() {
                    shard.kill().unwrap();
                    kills += 1;
                }
                shard.wait().unwrap();
            }
            shards.pop().unwrap().wait().unwrap();
            if dir.join(out).join("complete").is_file() {
                break;
            }
        }
        assert!(kills >= 5, "only {kills} kills hit anything");
        for i in 0..4 {
            done(dir, &shard(i));
        }
        done(dir, &format!("report {out}"));
        assert_same_report(dir, "alone", out);
    }
    let left = std::fs::read_dir(dir.join("scratch")).unwrap().count();
    assert_eq!(left, 0, "scratch is tidied up");
}

#[test]
fn a_part_makes_its_own_runs_and_the_report_says_what_is_missing() {
    let dir = tempdir();
    let dir = dir.path();
    let list = done(dir, &SMALL.replacen("compare", "runs", 1).replace(" --jobs 1", "")).stdout;
    assert_eq!(list.lines().next().unwrap(), "rm-rl 1");
    assert_eq!(list.lines().count(), 6);
    let part = done(dir, &format!("{SMALL} --out here --only rm-rl/2 --only no-correction/2"));
    assert!(part.stdout.contains("2 of 6 runs"), "{}", part.stdout);
    assert!(!dir.join("here/summary.json").exists(), "a part writes no report");
    let report = done(dir, "report here");
    assert!(report.stderr.contains("4 of 6 runs are missing"), "{}", report.stderr);
    assert!(report.stderr.contains("rm-rl/1"), "{}", report.stderr);
    assert!(read(&dir.join("here"), "report.md").contains("1 of 3 seeds complete"));
    // Whoever makes the last run writes the report.
    let last = done(dir, &format!("{SMALL} --out here --resume"));
    assert!(last.stdout.contains("report.html"), "{}", last.stdout);
    done(dir, &format!("{SMALL} --out alone"));
    assert_same_report(dir, "alone", "here");
}

#[test]
fn a_run_that_another_process_makes_is_waited_for() {
    let dir = tempdir();
    let dir = dir.path();
    let long = SMALL.replace("--trials 40", "--trials 400");
    let mut first = start(dir, &format!("{long} --out here --only rm-rl/1"));
    while trials_in(&dir.join("here")) < 20 {
        assert!(first.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(5));
    }
    let second = done(dir, &format!("{long} --out here --only rm-rl/1"));
    assert!(second.stderr.contains("is made by another process"), "{}", second.stderr);
    assert!(first.wait().unwrap().success());
}

#[test]
fn a_shard_that_was_told_to_end_goes_on_elsewhere() {
    let dir = tempdir();
    let dir = dir.path();
    let long = SMALL.replace("--trials 40", "--trials 200");
    let shard = |scratch: &str| format!("{long} --out here --shard 0/2 --scratch {scratch}");
    let mut first = start(dir, &shard("one-host"));
    std::thread::sleep(Duration::from_millis(800));
    let told = std::process::Command::new("kill").args(["-TERM", &first.id().to_string()]).status();
    assert!(told.unwrap().success());
    assert_eq!(first.wait().unwrap().code(), Some(130));
    let kept = trials_in(&dir.join("here"));
    assert!(kept > 0, "what was made is in the folder");
    done(dir, &shard("another-host"));
    done(dir, &format!("{long} --out here --shard 1/2"));
    done(dir, &format!("{long} --out alone"));
    assert_same_report(dir, "alone", "here");
}

#[test]
fn a_finished_folder_grows_to_what_was_made_at_once() {
    let dir = tempdir();
    let dir = dir.path();
    let large = SMALL.replace("--trials 40", "--trials 80").replace("--seeds 3", "--seeds 4");
    let large = large.replace("rm-rl,no-correction", "rm-rl,ppo,no-correction");
    done(dir, &format!("{SMALL} --out here"));
    let asked = rmrl(dir, &format!("{large} --out here"));
    assert_eq!(asked.code, 2);
    for part in ["seeds = 3 to seeds = 4", "ppo", "trials = 40 to trials = 80", "--resume"] {
        assert!(asked.stderr.contains(part), "{part}: {}", asked.stderr);
    }
    let grown = done(dir, &format!("{large} --out here --resume"));
    assert!(grown.stderr.contains("here grows"), "{}", grown.stderr);
    done(dir, &format!("{large} --out at-once"));
    assert_same_report(dir, "at-once", "here");
    let smaller = rmrl(dir, &format!("{SMALL} --out here --resume"));
    assert_eq!(smaller.code, 2);
    assert!(smaller.stderr.contains("different experiment"), "{}", smaller.stderr);
}

#[test]
fn a_part_that_is_not_there_is_refused_and_nothing_is_left() {
    let dir = tempdir();
    let dir = dir.path();
    for (args, parts) in [
        ("--shard 4/4", &["--shard", "4/4", "0/4"][..]),
        ("--shard one", &["--shard", "one"]),
        ("--only rm-rl", &["--only", "METHOD/SEED"]),
        ("--only rm-rl/9", &["--only", "rm-rl/9", "seed from 1 to 3"]),
        ("--only oracle/1", &["--only", "oracle/1", "rm-rl, no-correction"]),
        ("--shard 0/2 --only rm-rl/1", &["--shard", "--only"]),
        ("--shard 0/2 --fresh", &["--fresh"]),
    ] {
        let refused = rmrl(dir, &format!("{SMALL} --out here {args}"));
        assert_eq!(refused.code, 2, "{args}: {}", refused.stderr);
        for part in parts {
            assert!(refused.stderr.contains(part), "{args}: {part}: {}", refused.stderr);
        }
    }
    assert_eq!(std::fs::read_dir(dir).unwrap().count(), 0);
}

#[test]
fn an_edited_robot_is_another_run_and_a_comment_is_not() {
    let dir = tempdir();
    let dir = dir.path();
    done(dir, "init lab");
    let robot = dir.join("lab/robots/gantry.toml");
    let args = "train smoke --method no-correction --seed 1 --trials 40 --robot lab/robots/gantry.toml \
                --set demonstration=[] --set evaluation.trials=30 --out here --resume";
    let mut child = start(dir, args);
    let file = dir.join("here/no-correction");
    while !file.join("1.sqlite").is_file() {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let text = std::fs::read_to_string(&robot).unwrap();
    std::fs::write(&robot, text.replacen("force_n = ", "force_n = 1", 1)).unwrap();
    let refused = rmrl(dir, args);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    for part in ["1.sqlite", "robot gantry", "content", "--fresh"] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    std::fs::write(&robot, format!("# a note\n{text}")).unwrap();
    done(dir, args);
}

#[test]
fn times_and_hosts_are_kept_beside_the_results_and_never_in_them() {
    let dir = tempdir();
    let dir = dir.path();
    done(dir, &format!("{SMALL} --out one"));
    done(dir, &format!("{SMALL} --out two --jobs 2").replace(" --jobs 1", ""));
    assert_same_report(dir, "one", "two");
    let told = read(&dir.join("one"), "provenance.json");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let run = &told["runs"][0];
    assert_eq!(run["backend"], "sim");
    assert_eq!(run["files"][0][0], "gantry");
    assert_eq!(run["files"][0][1].as_str().unwrap().len(), 64);
    let session = &run["sessions"][0];
    assert!(session["command"].as_str().unwrap().starts_with("rmrl compare smoke"));
    let (host, cpu) = (session["host"].as_str().unwrap(), session["cpu"].as_str().unwrap());
    assert!(!host.is_empty() && cpu.contains(std::env::consts::ARCH), "{session}");
    let timing = read(&dir.join("one"), "timing.csv");
    assert_eq!(timing.lines().count(), 7);
    let year = &run["begun"].as_str().unwrap()[..4];
    assert!(timing.lines().nth(1).unwrap().contains(year));
    for file in ["summary.json", "report.md", "curves.csv"] {
        let text = read(&dir.join("one"), file);
        assert!(!text.contains(&format!("{year}-")), "{file} holds a date");
        assert!(!text.contains("x86_64"), "{file} holds a processor");
    }
}
