//! From simulation to a bench, with a twin in virtual time as the bench: starts, weights, gaps.

#[allow(dead_code, reason = "shared with the other tests of the binary")]
mod support;

use std::path::Path;

use rmrl::cell::conformance::{Repeat, Tolerance, conformance};
use rmrl::cell::{Unwatched, Workcell};
use rmrl::config::Robot;
use rmrl::task::{Outcome, Phase, Pose2, Range, Setup, Streams, TaskSpec, TrialKey};
use rmrl::twin::Plan;
use serde_json::Value;
use support::{kill_after_trials, rmrl, talk, tempdir};

fn cell(robot: &str) -> Box<dyn Workcell> {
    let task = TaskSpec::exact(Range { mm: 3.0, deg: 3.0 });
    let plan = Plan::new(&Robot::named(robot).unwrap(), task.clone(), Vec::new()).unwrap();
    Box::new(plan.cell(&task).unwrap())
}

fn done(dir: &Path, args: &str) -> String {
    let said = rmrl(dir, args);
    assert_eq!(said.code, 0, "{args}: {}", said.stderr);
    said.stdout
}

fn refused(dir: &Path, args: &str) -> String {
    let said = rmrl(dir, args);
    assert_eq!(said.code, 2, "{args}: {}", said.stderr);
    said.stderr
}

#[test]
fn the_twin_in_virtual_time_keeps_every_promise_of_a_workcell() {
    // As large as its residual calibration leaves it.
    let tolerance = Tolerance { mm: 0.25, deg: 0.2 };
    conformance(|| cell("ur5e-twin"), tolerance, Repeat::Exact).unwrap();
}

#[test]
fn a_trial_in_virtual_time_hangs_on_nothing_before_it() {
    let setup = |seed, index, offset| {
        let key = TrialKey { phase: Phase::Train, index };
        Setup { streams: Streams::new(seed), key, instance: 0, offset, made: index }
    };
    let made = |cell: &mut dyn Workcell, setup: &Setup| {
        let seen = cell.prepare(setup, &mut Unwatched).unwrap();
        let attempt = cell.attempt(setup.offset, &mut Unwatched).unwrap();
        assert_eq!(attempt.outcome, Outcome::Placed, "{attempt:?}");
        (seen, attempt)
    };
    let here = setup(3, 7, Pose2::new(1.0, -2.0, 1.5));
    let mut used = cell("twin-large");
    made(used.as_mut(), &setup(3, 6, Pose2::new(-2.0, 0.5, -1.0)));
    let after_another = made(used.as_mut(), &here);
    let fresh = made(cell("twin-large").as_mut(), &here);
    assert_eq!(after_another, fresh);
    // And it does hang on the key.
    let other = made(used.as_mut(), &setup(3, 8, here.offset));
    assert!(other.0.image != fresh.0.image && other.1.measured != fresh.1.measured);
}

#[test]
fn gap_finds_what_a_twin_hides() {
    let dir = tempdir();
    let args = "gap --robot twin-medium --backend twin --trials 20 --out gap.sqlite --json";
    let told: Value = serde_json::from_str(&done(dir.path(), args)).unwrap();
    let fixture = Robot::named("twin-medium").unwrap().twin.unwrap().gaps.fixture;
    for (axis, given) in ["x_mm", "y_mm", "yaw_deg"].iter().zip(fixture.axes()) {
        let found = told["pick_place"][axis]["bias"].as_f64().unwrap();
        assert!((found - given).abs() < 0.1, "{axis}: {found} of {given}");
        // A twin repeats itself to some hundredths.
        let sd = told["pick_place"][axis]["sd"].as_f64().unwrap();
        assert!(sd > 0.0 && sd < 0.05, "{axis}: {sd}");
    }
    assert_eq!(told["outcomes"]["alike"], 20);
    assert!(told["most"][0]["what"].as_str().unwrap().starts_with("x, bias +1.2"), "{told}");
    let more = refused(dir.path(), args);
    assert!(more.contains("--resume goes on with them"), "{more}");
    // What was made stays made: two pairs more, and the first ones as they were.
    let grown = args.replace("20", "22") + " --resume";
    let grown: Value = serde_json::from_str(&done(dir.path(), &grown)).unwrap();
    assert_eq!(grown["pairs"], 22);
    assert!(refused(dir.path(), "gap --robot gantry --backend twin").contains("[arm]"));
    assert!(refused(dir.path(), "gap --robot twin-medium --backend sim").contains("real or twin"));
}

/// Few trials of few methods, each with a start of another kind.
const STUDY: &str = "compare transfer --backend twin --methods bayes-simulated,rm-rl-replayed --seeds 1 \
    --trials 20 --set simulation.trials=60 --set evaluation.every=10 --set evaluation.also=[] \
    --set evaluation.trials=2 --set demonstration=[] --set task.scene_instances=5";

#[test]
fn a_study_that_was_killed_comes_to_the_same_curves_whatever_the_jobs() {
    let dir = tempdir();
    let dir = dir.path();
    done(dir, &format!("{STUDY} --jobs 2 --out whole"));
    let args = format!("{STUDY} --jobs 1 --out cut");
    // Within the run that begins with weights, then within the one that was given sixty trials.
    kill_after_trials(dir, &args, "cut", 20);
    kill_after_trials(dir, &format!("{args} --resume"), "cut", 12 + 60 + 5);
    done(dir, &format!("{args} --resume"));
    let curves = |out: &str| std::fs::read_to_string(dir.join(out).join("curves.csv")).unwrap();
    assert_eq!(curves("whole"), curves("cut"));
    // Trials that are replayed count for none of the bench's.
    let first =
        curves("whole").lines().find(|line| line.starts_with("rm-rl-replayed")).unwrap().to_owned();
    assert!(first.starts_with("rm-rl-replayed,1,0,0,"), "{first}");
    let report = std::fs::read_to_string(dir.join("whole/report.md")).unwrap();
    assert!(report.contains("`rmrl compare experiment.toml --backend twin"), "{report}");
    let sim = refused(dir, &STUDY.replace("--backend twin", ""));
    assert!(sim.contains("bayes-simulated begins in the simulation"), "{sim}");
}

#[test]
fn what_was_learned_leaves_the_program_and_comes_back() {
    let dir = tempdir();
    let dir = dir.path();
    let small = "--set evaluation.every=60 --set evaluation.trials=2 --set demonstration=[]";
    done(
        dir,
        &format!("train narrow --method bayes-linear --seed 1 --trials 60 --out sim {small}"),
    );
    let told = done(dir, "export sim --weights bayes.safetensors --json");
    let card: Value = serde_json::from_str(&told).unwrap();
    let card = &card["card"];
    assert_eq!((&card["method"], &card["trials"]), (&"bayes-linear".into(), &60.into()));
    assert_eq!(card["plate"]["size_mm"][0].as_f64().unwrap().round(), 128.0);
    assert_eq!((&card["image"]["px"], &card["made_by"]["backend"]), (&64.into(), &"sim".into()));

    // The file acts as the run does.
    let picture = base64(&(0..64 * 64).map(|i| (i % 251) as u8).collect::<Vec<_>>());
    let line = format!(r#"{{"op":"act","image":"{picture}"}}"#);
    let acts = |policy: &str| talk(dir, &format!("policy {policy}"), &[&line]).remove(0);
    assert!(acts("sim")["correction"].is_array());
    assert_eq!(acts("sim"), acts("bayes.safetensors"));
    let eval = |policy: &str| -> Value {
        let told = done(dir, &format!("eval {policy} --trials 3 --json"));
        serde_json::from_str::<Value>(&told).unwrap()["phases"].clone()
    };
    assert_eq!(eval("sim"), eval("bayes.safetensors"));

    // It begins another run, from the file as from the run, and is remembered.
    let small =
        "--set evaluation.every=10 --set evaluation.trials=2 --set demonstration=[] --set batch=10";
    let train = |init: &str, out: &str| {
        let args = format!(
            "train narrow --method bayes-linear --seed 2 --trials 10 {init} --out {out} {small}"
        );
        done(dir, &args);
        std::fs::read_to_string(dir.join(out).join("curves.csv")).unwrap()
    };
    let (from_run, from_file) = (train("--init sim", "a"), train("--init bayes.safetensors", "b"));
    assert_eq!(from_run, from_file);
    let first = |curves: &str| -> f64 {
        let line = curves.lines().find(|line| line.contains(",0,0,held-out,")).unwrap();
        line.split(',').nth(5).unwrap().parse().unwrap()
    };
    let cold = train("", "c");
    assert!(first(&from_run) < 0.6 * first(&cold), "{from_run}\n{cold}");

    // Old trials replayed have been learned from before the first of its own.
    let both = train("--prior sim", "d");
    assert!(both.contains("bayes-linear,2,10,") && first(&both) < 0.6 * first(&cold), "{both}");

    // Resumed, it asks nobody again, and a longer run is the same one.
    std::fs::remove_file(dir.join("bayes.safetensors")).unwrap();
    let args = "train narrow --method bayes-linear --seed 2 --trials 20 --out b --resume";
    done(dir, &format!("{args} {small}"));
    let grown = std::fs::read_to_string(dir.join("b/curves.csv")).unwrap();
    assert!(grown.starts_with(from_file.trim_end()), "{grown}\n{from_file}");
    done(dir, "export sim --weights bayes.safetensors");

    let wrong = |args: &str| {
        refused(dir, &format!("train narrow --method {args} --seed 3 --trials 20 --out e"))
    };
    assert!(wrong("rm-rl --init bayes.safetensors").contains("cannot be used"));
    assert!(wrong("cem --init bayes.safetensors").contains("hangs on its trials"));
    assert!(
        wrong("bayes-linear --init nowhere.safetensors").contains("--init nowhere.safetensors")
    );
    let other = wrong("bayes-linear --init bayes.safetensors --set task.image.px=32");
    assert!(other.contains("acts on pictures of 64 px"), "{other}");
    assert!(wrong("bayes-linear --prior sim --set task.image.px=32").contains("task.image"));
    std::fs::write(dir.join("no.safetensors"), b"nonsense").unwrap();
    assert!(wrong("bayes-linear --init no.safetensors").contains("no.safetensors"));
    assert!(refused(dir, "export sim --weights bayes.bin").contains("must end with .safetensors"));
    assert!(!dir.join("e").exists(), "nothing was begun");
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= chunk.len() { letter as char } else { '=' });
        }
    }
    text
}
