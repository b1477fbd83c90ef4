//! `rmrl env --backend real`: a client in another language moves the arm.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::bench::*;
use rmrl::config::Robot;

struct Client {
    program: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Client {
    fn start(robot: &Path, out: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rmrl"));
        command.args(["env", "smoke", "--seed", "3", "--signal", "signed", "--backend", "real"]);
        command.arg("--robot").arg(robot).arg("--out").arg(out).args(more);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = command.spawn().unwrap();
        let answers = BufReader::new(program.stdout.take().unwrap());
        Self { program, answers }
    }

    fn ask(&mut self, question: Value) -> Value {
        writeln!(self.program.stdin.as_mut().unwrap(), "{question}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no answer: {:?}", self.ended()))
    }

    /// Exit code and last words, once it is asked nothing more.
    fn ended(&mut self) -> (Option<i32>, String) {
        drop(self.program.stdin.take());
        let code = self.program.wait().unwrap().code();
        let mut said = String::new();
        std::io::Read::read_to_string(self.program.stderr.as_mut().unwrap(), &mut said).unwrap();
        (code, said)
    }
}

fn kept(file: &Path) -> Vec<(i64, String, bool)> {
    let db = rusqlite::Connection::open(file).unwrap();
    let mut rows = db
        .prepare("SELECT number, coalesce(outcome, 'open'), image IS NOT NULL FROM trial ORDER BY number")
        .unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_client_moves_the_arm_trial_by_trial_and_goes_on_after_a_stop() {
    let (twin, _) = twin(Robot::named("ur5e-twin").unwrap(), FAST);
    let (dir, robot) = file_for(twin.ports());
    let file = dir.path().join("trials.sqlite");
    let nobody =
        std::fs::read_to_string(&robot).unwrap().replace("dashboard_port", "dashboard_port = 1 #");
    let deaf = robot.with_file_name("nobody.toml");
    std::fs::write(&deaf, nobody).unwrap();
    let (code, said) = Client::start(&deaf, &file, &[]).ended();
    assert_eq!(code, Some(1), "{said}");
    assert!(!file.exists(), "an arm that does not answer leaves no file");
    let mut client = Client::start(&robot, &file, &[]);
    assert_eq!(client.ask(json!({ "op": "describe" }))["backend"], "real");
    let refused = client.ask(json!({ "op": "prepare", "phase": "held-out", "index": 0 }));
    assert!(refused["error"].as_str().unwrap().contains("--backend real"), "{refused}");
    let seen = client.ask(json!({ "op": "prepare" }));
    assert_eq!(seen["trial"], 0, "{seen}");
    assert!(seen["image"].as_str().unwrap().len() > 5000);
    let refused = client.ask(json!({ "op": "attempt", "correction": [9, 0, 0] }));
    assert!(refused["error"].as_str().unwrap().contains("must be from -3 to 3"), "{refused}");
    assert_eq!(kept(&file), [], "nothing was tried");
    let told = client.ask(json!({ "op": "step", "correction": [0.5, -1, 1] }));
    assert_eq!(told["outcome"], "placed", "{told}");
    assert!(told["signed"].is_array() && told.get("score").is_none(), "{told}");
    assert_eq!(told["next"]["trial"], 1, "{told}");
    assert_eq!(kept(&file), [(0, "placed".to_owned(), true)]);

    post(&twin, "fault", "protective-stop@0");
    let stopped = client.ask(json!({ "op": "attempt", "correction": [0, 0, 0] }));
    assert!(stopped["error"].as_str().unwrap().contains("protective stop"), "{stopped}");
    let still = client.ask(json!({ "op": "prepare" }));
    assert!(still["error"].as_str().unwrap().contains("nothing moves any more"), "{still}");
    let (code, said) = client.ended();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("protective stop"), "{said}");

    robot_time_passes(&twin, 6.0);
    post(&twin, "person", "unlock");
    let (code, said) = Client::start(&robot, &file, &[]).ended();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--resume"), "{said}");
    let mut client = Client::start(&robot, &file, &["--resume"]);
    let told = kept(&file);
    let seen = client.ask(json!({ "op": "prepare" }));
    assert_eq!(
        seen["trial"],
        told.len() as u64,
        "one that was cut off is never made again: {told:?}"
    );
    let told = client.ask(json!({ "op": "attempt", "correction": [0, 0, 0] }));
    assert_eq!(told["outcome"], "placed", "{told}");
    assert_eq!(client.ended().0, Some(0));
    let outcomes: Vec<_> = kept(&file).into_iter().map(|(_, outcome, _)| outcome).collect();
    assert!(!outcomes.contains(&"open".to_owned()), "{outcomes:?}");
    told_and_exported(&file, outcomes.len());
    let (code, said) = Client::start(&robot, &file, &["--resume", "--set", "task.bins=9"]).ended();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("another experiment"), "{said}");
}

/// The file is a run's like any other, but for what only a method has.
fn told_and_exported(file: &Path, trials: usize) {
    let rmrl = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rmrl"));
        let done = command.current_dir(file.parent().unwrap()).args(args).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (done.status.code(), text(&done.stdout), text(&done.stderr))
    };
    let file = file.to_str().unwrap();
    let (code, said, errors) = rmrl(&["status", file]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(said.contains(&format!("trials       {trials}, asked for by a program")), "{said}");
    let (code, said, errors) = rmrl(&["status", file, "--json"]);
    assert_eq!(code, Some(0), "{errors}");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&said["trials"], &said["of"]), (&json!(trials), &Value::Null), "{said}");
    for (to, more) in [("csv", None), ("parquet", Some("--images")), ("tensorboard", None)] {
        let args = [&["export", file, "--to", to, to, "--json"][..], more.as_slice()].concat();
        let (code, said, errors) = rmrl(&args);
        assert_eq!(code, Some(0), "{to}: {errors}");
        let said: Value = serde_json::from_str(&said).unwrap();
        let table = |f: &&Value| f["file"].as_str().unwrap().starts_with("trials.");
        if let Some(table) = said["files"].as_array().unwrap().iter().find(table) {
            assert_eq!(table["rows"], trials, "{said}");
        }
    }
    for (args, part) in [
        (&["export", file, "--to", "rliable", "scores"][..], "no run is complete"),
        (&["labels", file], "nobody was labelled"),
        (&["policy", file], "they have no method"),
    ] {
        let (code, _, said) = rmrl(args);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.lines().last().is_some_and(|line| line.contains(part)), "{said}");
    }
}
