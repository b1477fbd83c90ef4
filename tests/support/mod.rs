//! Runs the binary and compares what its runs left.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

fn command(dir: &Path, args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rmrl"));
    command.current_dir(dir).args(args.split_whitespace());
    command
}

pub fn tempdir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Runs `rmrl` with these arguments (no spaces inside one) in a folder.
pub fn rmrl(dir: &Path, args: &str) -> Outcome {
    let output = command(dir, args).output().unwrap();
    Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Starts `rmrl` and kills it with SIGKILL after so long, unless it is done by then.
pub fn kill_after(dir: &Path, args: &str, milliseconds: u64) {
    let mut child = command(dir, args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(milliseconds));
    let _ = child.kill();
    child.wait().unwrap();
}

/// Sends lines to `rmrl` and reads one JSON answer a line.
pub fn talk(dir: &Path, args: &str, lines: &[&str]) -> Vec<serde_json::Value> {
    let mut child =
        command(dir, args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for line in lines {
        writeln!(stdin, "{line}").unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A comparison that is over quickly, with a learner of each kind: no replay, replay, prior trials.
pub fn smoke_args() -> &'static str {
    "compare smoke --methods reinforce,ppo,rm-rl,rm-rl-pretrained --seeds 1 --trials 60 \
     --set evaluation.every=20 --set evaluation.trials=3 --set rm-rl-pretrained.prior_trials=20"
}

/// Byte-equal summaries, equal trials and equal learner states.
pub fn assert_same_results(a: &Path, b: &Path) {
    let summary = |dir: &Path| std::fs::read_to_string(dir.join("summary.json")).unwrap();
    assert_eq!(summary(a), summary(b));
    let mut runs = 0;
    for method in ["reinforce", "ppo", "rm-rl", "rm-rl-pretrained"] {
        let file = Path::new(method).join("1.sqlite");
        assert_eq!(contents(&a.join(&file)), contents(&b.join(&file)), "{method}");
        runs += 1;
    }
    assert_eq!(runs, 4);
}

/// Everything in a run file that its trials produced, as text.
fn contents(path: &Path) -> Vec<String> {
    let db = rusqlite::Connection::open(path).unwrap();
    let mut all = Vec::new();
    for sql in [
        "SELECT * FROM trial ORDER BY phase, checkpoint, number",
        "SELECT * FROM label ORDER BY at_trial, trial",
        "SELECT * FROM batch ORDER BY at_trial",
        "SELECT * FROM learner",
    ] {
        let mut statement = db.prepare(sql).unwrap();
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let rows = statement
            .query_map([], |row| {
                let cell = |at: usize| {
                    // Row numbers tell the order of insertion, which a resumed run may change.
                    let hidden = names[at] == "id" && names.len() > 5;
                    if hidden { String::new() } else { format!("{:?}", row.get_ref(at).unwrap()) }
                };
                Ok((0..names.len()).map(cell).collect::<Vec<_>>().join("|"))
            })
            .unwrap();
        all.extend(rows.map(Result::unwrap));
    }
    assert!(all.len() > 4);
    all
}
