//! Methods in other languages: what they can do, and what becomes of those that misbehave.

#![cfg(unix)]

#[allow(dead_code, reason = "shared with the other tests of the binary")]
mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::{Outcome, kill_after_trials, rmrl, tempdir};

/// A method in Python; `body` may replace answers (`a`) to a question (`q`).
fn script(dir: &Path, name: &str, body: &str) {
    let text = format!(
        "#!/usr/bin/env python3\n\
         import json, os, sys, time\n\
         told = 0\n\
         for line in sys.stdin:\n\
         \x20   q = json.loads(line); op = q['op']; a = {{}}\n\
         \x20   if op == 'hello': a = dict(summary='test', signal='scalar', context='none')\n\
         \x20   if op == 'act': a = dict(corrections=[[0.1, -0.2, 0.3 + int(d, 16) % 7 / 10] for d in q['draws']])\n\
         \x20   if op == 'learn': told += len(q['trials']); a = dict(loss=told)\n\
         \x20   if op == 'save': a = dict(state='AAAA')\n\
         \x20   {body}\n\
         \x20   print(json.dumps(a), flush=True)\n"
    );
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

const SMALL: &str = "--trials 40 --set evaluation.every=40 --set evaluation.trials=4 \
                     --set demonstration=[] --set contrast=[]";

fn compare(dir: &Path, methods: &str, more: &str) -> Outcome {
    rmrl(dir, &format!("compare smoke --methods {methods} --seeds 1 {SMALL} --out out {more}"))
}

fn text(dir: &Path, file: &str) -> String {
    std::fs::read_to_string(dir.join("out").join(file)).unwrap()
}

/// The run fails with this in its reason, the other one goes on, and all is told.
fn fails(body: &str, reason: &str) {
    let dir = tempdir();
    script(dir.path(), "bad.py", body);
    let told = compare(dir.path(), "no-correction,./bad.py", "--jobs 1");
    assert_eq!(told.code, 1, "{body}: {}", told.stderr);
    let summary: serde_json::Value =
        serde_json::from_str(&text(dir.path(), "summary.json")).unwrap();
    let failed = &summary["failed"][0];
    assert_eq!((failed["method"].as_str(), failed["seed"].as_u64()), (Some("bad"), Some(1)));
    let why = failed["reason"].as_str().unwrap();
    assert!(why.contains(reason), "{body}: '{reason}' is missing in: {why}");
    assert!(text(dir.path(), "report.md").contains("`bad` seed 1"), "{body}");
    assert!(!dir.path().join("out/complete").exists(), "{body}");
    let other = rmrl(dir.path(), "status out/no-correction/1.sqlite");
    assert!(other.stdout.contains(", complete"), "{}", other.stdout);
    let own = rmrl(dir.path(), "status out/bad/1.sqlite");
    assert!(own.stdout.contains("failed"), "{}", own.stdout);
}

#[test]
fn an_error_of_its_own_and_an_exit_come_with_the_last_words() {
    fails("if op == 'learn': a = dict(error='no gradient today')", "no gradient today");
    fails("if op == 'learn': sys.exit('out of ideas')", "out of ideas");
    fails("if op == 'learn': 1 / 0", "ZeroDivisionError");
}

#[test]
fn text_on_stdout_is_told_as_the_classic_mistake() {
    fails("if op == 'learn': print('epoch 1')", "print");
    fails("if op == 'act': print('{')", "no JSON");
}

#[test]
fn a_correction_that_is_none_ends_the_run() {
    fails("if op == 'act': a = dict(corrections=[[float('nan'), 0, 0]])", "NaN");
    fails("if op == 'act': a = dict(corrections=[[3.5, 0, 0]])", "out of range");
    fails("if op == 'act': a = dict(corrections=[])", "0 corrections for 1 views");
    fails("if op == 'act': a = dict(correction=[[0, 0, 0]])", "unknown field `correction`");
    fails("if op == 'save': a = dict(state='?')", "base64");
    fails("if op == 'learn': a = dict(labels=[dict(trial=99, role_model=0)])", "label");
}

#[test]
fn who_is_late_is_waited_for_no_longer_than_it_says() {
    let dir = tempdir();
    script(dir.path(), "late.py", "if op == 'learn': time.sleep(600)");
    std::fs::write(
        dir.path().join("late.toml"),
        "extends = \"smoke\"\nseeds = 1\ncontrast = []\ndemonstration = []\n\
         methods = [\"no-correction\", { name = \"slow\", command = [\"python3\", \"late.py\"], timeout_s = 1 }]\n",
    )
    .unwrap();
    let told = rmrl(dir.path(), "compare late.toml --out out --jobs 2");
    assert_eq!(told.code, 1, "{}", told.stderr);
    assert!(told.stderr.contains("timeout_s = 1 s"), "{}", told.stderr);
}

#[test]
fn what_cannot_be_started_is_refused_before_anything_is_made() {
    let dir = tempdir();
    script(
        dir.path(),
        "mute.py",
        "if op == 'hello': a = dict(summary='x', signal='loud', context='none')",
    );
    for (methods, part) in [("./gone", "./gone"), ("./mute.py", "loud"), ("./gone.py", "gone.py")] {
        let told = compare(dir.path(), methods, "");
        assert_eq!(told.code, 2, "{methods}: {}", told.stderr);
        assert!(told.stderr.contains(part), "{methods}: {}", told.stderr);
        assert!(!dir.path().join("out").exists());
    }
}

#[test]
fn the_number_of_jobs_and_a_kill_change_nothing() {
    let dir = tempdir();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/method.py");
    std::fs::copy(path, dir.path().join("method.py")).unwrap();
    let args =
        format!("compare smoke --methods no-correction,./method.py --seeds 1 {SMALL} --trials 80");
    let args = args.replacen("--trials 40 ", "", 1);
    let made = |out: &str, more: &str| {
        let told = rmrl(dir.path(), &format!("{args} --out {out} {more}"));
        assert_eq!(told.code, 0, "{}", told.stderr);
        std::fs::read_to_string(dir.path().join(out).join("curves.csv")).unwrap()
    };
    let once = made("one", "--jobs 1");
    assert_eq!(once, made("two", "--jobs 2"));
    for more in [25, 40] {
        kill_after_trials(dir.path(), &format!("{args} --out cut --resume --jobs 1"), "cut", more);
    }
    assert_eq!(once, made("cut", "--resume"));
    // Nobody who only reads starts the program.
    std::fs::remove_file(dir.path().join("method.py")).unwrap();
    assert_eq!(rmrl(dir.path(), "report cut").code, 0);
    assert_eq!(rmrl(dir.path(), "status cut/method/1.sqlite").code, 0);
}

#[test]
fn a_run_that_failed_is_tried_again_and_its_program_has_ended() {
    let dir = tempdir();
    script(
        dir.path(),
        "moody.py",
        "if op == 'learn' and not os.path.exists('calm'): open('pid', 'w').write(str(os.getpid())); sys.exit('moody')",
    );
    assert_eq!(compare(dir.path(), "./moody.py", "--jobs 1").code, 1);
    let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
    assert!(!Path::new("/proc").join(pid).exists());
    std::fs::write(dir.path().join("calm"), "").unwrap();
    let again = compare(dir.path(), "./moody.py", "--jobs 1 --resume");
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(!text(dir.path(), "summary.json").contains("failed"));
}
