//! Methods in other languages: what they can do, and what becomes of those that misbehave.

#![cfg(unix)]

#[allow(dead_code, reason = "shared with the other tests of the binary")]
mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::Parser;
use rmrl::learn::{
    Card, Decision, Entry, Experience, LearnError, Method, Mode, NoSettings, Progress, View,
};
use rmrl::task::{ContextSignal, Draw};
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
fn a_program_may_have_its_scenes_chosen_and_is_then_shown_which_they_are() {
    let dir = tempdir();
    script(
        dir.path(),
        "mine.py",
        "if op == 'learn': open('seen', 'a').write(' '.join(str(t.get('instance')) for t in q['trials']) + ' ')",
    );
    let method = |more: &str| format!("{{ name = \"mine\", command = [\"./mine.py\"]{more} }}");
    for (more, chosen) in [("", false), (", scenes = \"worst\"", true)] {
        let text = format!("extends = \"smoke\"\nmethods = [{}]\n", method(more));
        std::fs::write(dir.path().join("mine-too.toml"), text).unwrap();
        let _ = std::fs::remove_file(dir.path().join("seen"));
        let told =
            rmrl(dir.path(), &format!("compare mine-too.toml --seeds 1 {SMALL} --out out --fresh"));
        assert_eq!(told.code, 0, "{}", told.stderr);
        let seen = std::fs::read_to_string(dir.path().join("seen")).unwrap();
        let seen: Vec<_> = seen.split_whitespace().collect();
        assert_eq!(seen.len(), 40);
        let in_turn = |(trial, scene): (usize, &&str)| **scene == (trial % 10).to_string();
        let told = seen.iter().filter(|scene| **scene != "None").count();
        assert_eq!(told, if chosen { 40 } else { 0 });
        assert_eq!(chosen, told > 0 && !seen.iter().enumerate().all(in_turn), "{seen:?}");
    }
    let text = format!("extends = \"smoke\"\nmethods = [{}]\n", method(", scenes = \"best\""));
    std::fs::write(dir.path().join("mine-too.toml"), text).unwrap();
    let told = rmrl(dir.path(), "compare mine-too.toml --seeds 1 --out out --fresh");
    assert_eq!(told.code, 2);
    assert!(told.stderr.contains("worst"), "{}", told.stderr);
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

/// A method with settings; its answer to hello shows that it is told what was given.
fn with_settings(dir: &Path) {
    let settings = "dict(lr=dict(default=0.1, min=1e-4, max=1, log=True, about='step size'), \
                    n=dict(default=3, min=1, max=9, integer=True, about='neighbours'), \
                    kind=dict(default='ridge', choices=['ridge', 'lasso'], about='which fit'), \
                    twice=dict(default=False, about='count it twice'))";
    let body =
        format!("if op == 'hello': a.update(settings={settings}, summary=str(q['options']))");
    script(dir, "tuned.py", &body);
}

#[test]
fn options_are_checked_against_what_the_program_declares() {
    let dir = tempdir();
    with_settings(dir.path());
    let given = "--set tuned.lr=1 --set tuned.n=4 --set tuned.kind=lasso --set tuned.twice=true";
    let told = compare(dir.path(), "./tuned.py", &format!("--jobs 1 {given}"));
    assert_eq!(told.code, 0, "{}", told.stderr);
    let kept = text(dir.path(), "experiment.toml");
    assert!(kept.contains("[outside.tuned.answered.settings.lr]"), "{kept}");
    assert!(kept.contains("'twice': True") && kept.contains("'n': 4"), "{kept}");
    let report = text(dir.path(), "report.md");
    assert!(report.contains("options.lr"), "{report}");
    assert_eq!(rmrl(dir.path(), "report out").code, 0);

    for (given, parts) in [
        ("tuned.lr=2", ["--set: tuned.lr = 2", "from 0.0001 to 1 (step size)"]),
        ("tuned.n=2.5", ["tuned.n = 2.5", "a whole number from 1 to 9"]),
        ("tuned.kind=best", ["tuned.kind = \"best\"", "one of ridge, lasso"]),
        ("tuned.twice=1", ["tuned.twice = 1", "true or false"]),
        ("tuned.rate=1", ["tuned.rate = 1", "valid are kind, lr, n, twice"]),
    ] {
        let told = compare(dir.path(), "./tuned.py", &format!("--fresh --set {given}"));
        assert_eq!(told.code, 2, "{given}: {}", told.stderr);
        for part in parts {
            assert!(told.stderr.contains(part), "'{part}' is missing in: {}", told.stderr);
        }
    }
    let file = "extends = \"smoke\"\nmethods = [{ name = \"mine\", command = [\"./tuned.py\"], \
                options = { lr = 0.0 } }]\n";
    std::fs::write(dir.path().join("mine.toml"), file).unwrap();
    let told = rmrl(dir.path(), "compare mine.toml");
    assert_eq!(told.code, 2, "{}", told.stderr);
    assert!(told.stderr.contains("mine.toml: mine.lr = 0.0: must be from"), "{}", told.stderr);
}

#[test]
fn settings_that_contradict_themselves_are_refused_with_their_name() {
    for setting in [
        "dict(default=1, about='')",
        "dict(default=5, min=1, max=2, about='')",
        "dict(default=1, min=0, max=2, log=True, about='')",
        "dict(default=1.5, min=0, max=2, integer=True, about='')",
        "dict(default='a', about='')",
        "dict(default='a', choices=['b'], about='')",
        "dict(default=1, min=0, max=2)",
        "dict(default=1, minimum=0, maximum=2, about='')",
    ] {
        let dir = tempdir();
        script(
            dir.path(),
            "odd.py",
            &format!("if op == 'hello': a.update(settings=dict(lr={setting}))"),
        );
        let told = compare(dir.path(), "./odd.py", "");
        assert_eq!(told.code, 2, "{setting}: {}", told.stderr);
        assert!(told.stderr.contains("settings.lr: "), "{setting}: {}", told.stderr);
    }
}

#[test]
fn a_module_that_the_program_names_is_part_of_the_method() {
    let dir = tempdir();
    std::fs::write(dir.path().join("net.py"), "STEP = 0.1\n").unwrap();
    script(
        dir.path(),
        "mine.py",
        "if op == 'hello': import net; a.update(files=['net.py'], summary=str(net.STEP))",
    );
    assert_eq!(compare(dir.path(), "./mine.py", "--jobs 1").code, 0);
    std::fs::remove_file(dir.path().join("out/complete")).unwrap();
    std::fs::write(dir.path().join("net.py"), "STEP = 0.1 # the same, says who\n").unwrap();
    let told = compare(dir.path(), "./mine.py", "--resume");
    assert_eq!(told.code, 2, "{}", told.stderr);
    assert!(told.stderr.contains("there: content = "), "{}", told.stderr);
    let told = compare(dir.path(), "./mine.py", "--fresh");
    assert_eq!(told.code, 0, "{}", told.stderr);
    script(dir.path(), "mine.py", "if op == 'hello': a.update(files=['gone.py'])");
    let told = compare(dir.path(), "./mine.py", "--fresh");
    assert_eq!(told.code, 2);
    assert!(told.stderr.contains("files: ") && told.stderr.contains("gone.py"), "{}", told.stderr);
}

#[test]
fn train_and_tune_take_a_program_too() {
    let dir = tempdir();
    with_settings(dir.path());
    let told = rmrl(dir.path(), &format!("train smoke --method ./tuned.py --seed 3 {SMALL}"));
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(dir.path().join("runs/smoke-tuned-3/tuned/3.sqlite").is_file());

    let tune = "tune smoke --method ./tuned.py --seeds 1 --set trials=40 \
                --set evaluation.every=40 --set evaluation.trials=4 --set contrast=[]";
    let told = rmrl(dir.path(), &format!("{tune} --grid lr=0.1,0.2 --grid kind=ridge,lasso"));
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(told.stdout.contains("lr=0.2,kind=lasso"), "{}", told.stdout);
    let told = rmrl(dir.path(), &format!("{tune} --budget 3 --out drawn"));
    assert_eq!(told.code, 0, "{}", told.stderr);
    let drawn = std::fs::read_to_string(dir.path().join("drawn/tune.json")).unwrap();
    assert!(drawn.contains("tuned.lr=") && drawn.contains("tuned.n="), "{drawn}");
    let told = rmrl(dir.path(), &format!("{tune} --grid lr=0.1,7"));
    assert_eq!(told.code, 2, "{}", told.stderr);
    assert!(told.stderr.contains("tuned.lr = 7"), "{}", told.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_hangs_ends_when_rmrl_is_killed() {
    let dir = tempdir();
    script(
        dir.path(),
        "deaf.py",
        "if op == 'learn': open('new', 'w').write(str(os.getpid())); os.rename('new', 'pid'); time.sleep(600)",
    );
    let args = format!("train smoke --method ./deaf.py --seed 1 {SMALL}");
    let quiet = |command: &mut Command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut killed = quiet(
        Command::new(env!("CARGO_BIN_EXE_rmrl")).current_dir(dir.path()).args(args.split(' ')),
    );
    let wait_for = |what: &str, done: &dyn Fn() -> bool| {
        for _ in 0..2_000 {
            if done() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("waited for {what} in vain");
    };
    wait_for("the program to hang", &|| dir.path().join("pid").exists());
    let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
    // The name of a program ends with ")"; a dead one that nobody has asked about yet is a Z.
    let lives = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    };
    assert!(lives());
    killed.kill().unwrap();
    killed.wait().unwrap();
    wait_for("the program to end", &|| !lives());
}

/// PPO, until its second batch.
struct Diverging {
    card: Card,
    ppo: Box<dyn Method>,
}

impl Method for Diverging {
    fn card(&self) -> &Card {
        &self.card
    }

    fn act(
        &self,
        views: &[View<'_>],
        mode: Mode,
        draws: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError> {
        self.ppo.act(views, mode, draws)
    }

    fn learn(
        &mut self,
        history: &[Experience],
        fresh: usize,
        draw: &mut Draw,
    ) -> Result<Progress, LearnError> {
        match history.len() {
            0..=20 => self.ppo.learn(history, fresh, draw),
            _ => Err(LearnError::Diverged("loss NaN".to_owned())),
        }
    }

    fn save(&self) -> Result<Vec<u8>, LearnError> {
        self.ppo.save()
    }

    fn load(&mut self, state: &[u8], history: &[Experience]) -> Result<(), LearnError> {
        self.ppo.load(state, history)
    }
}

const ARGS: &str = "RMRL_TEST_ARGS";

/// rmrl with a learner that diverges: the test below runs it as a process of its own.
#[test]
#[ignore = "a program, not a test"]
fn program() {
    let card = |_: &NoSettings| Card {
        context: ContextSignal::SceneId,
        ..Card::learner("diverging", "for a test")
    };
    rmrl::learn::add(Entry::of("diverging", card, |card, _, grid, image, streams| {
        let ppo = rmrl::learn::find("test", "methods", "ppo").unwrap();
        let ppo = ppo.open("test", &toml::Table::new()).unwrap().build(grid, image, streams)?;
        Ok(Box::new(Diverging { card, ppo }))
    }));
    let cli = rmrl::cli::Cli::parse_from(std::env::var(ARGS).unwrap().split_whitespace());
    if let Err(failure) = rmrl::cli::run(cli) {
        eprintln!("{failure}");
        std::process::exit(failure.exit_code().into());
    }
}

#[test]
fn a_learner_that_diverges_ends_its_own_run_only() {
    let dir = tempdir();
    let told = Command::new(std::env::current_exe().unwrap())
        .args(["program", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(ARGS, format!("rmrl compare smoke --methods no-correction,diverging,reinforce --seeds 1 {SMALL} --out out --jobs 2"))
        .current_dir(dir.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8(told.stderr).unwrap();
    assert_eq!(told.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("diverging seed 1: learning diverged: loss NaN"), "{stderr}");
    let summary: serde_json::Value =
        serde_json::from_str(&text(dir.path(), "summary.json")).unwrap();
    assert_eq!(summary["failed"].as_array().unwrap().len(), 1, "{summary}");
    assert_eq!(summary["failed"][0]["method"], "diverging");
    assert!(text(dir.path(), "report.md").contains("`diverging` seed 1"));
    for other in ["no-correction", "reinforce"] {
        let ended = |line: &str| line.contains(other) && line.contains(" deg in-scene");
        assert!(stderr.lines().any(ended), "{other} went on: {stderr}");
    }
}

#[test]
fn the_template_learns_translation_and_yaw_in_200_trials() {
    let dir = tempdir();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/method.py");
    assert!(std::fs::read_to_string(&path).unwrap().lines().count() <= 80);
    std::fs::copy(path, dir.path().join("method.py")).unwrap();
    let told = rmrl(
        dir.path(),
        "compare narrow --methods no-correction,./method.py --seeds 1 --trials 200 --out out \
         --set evaluation.every=200 --set evaluation.trials=20 --set demonstration=[] --set contrast=[]",
    );
    assert_eq!(told.code, 0, "{}", told.stderr);
    let summary: serde_json::Value =
        serde_json::from_str(&text(dir.path(), "summary.json")).unwrap();
    for figure in ["translation_mm", "yaw_deg"] {
        let of = |method: &str| summary["methods"][method][figure]["iqm"].as_f64().unwrap();
        let (own, none) = (of("method"), of("no-correction"));
        assert!(own < 0.9 * none, "{figure}: {own}, without a correction {none}");
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
