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

pub fn command(dir: &Path, args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rmrl"));
    command.current_dir(dir).args(args.split_whitespace());
    command
}

pub fn tempdir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Runs `rmrl` with these arguments (no spaces inside one) in a folder.
pub fn rmrl(dir: &Path, args: &str) -> Outcome {
    rmrl_into(dir, args, Stdio::piped())
}

/// The same with standard output going elsewhere.
pub fn rmrl_into(dir: &Path, args: &str, out: Stdio) -> Outcome {
    let child = command(dir, args).stdin(Stdio::null()).stdout(out).stderr(Stdio::piped()).spawn();
    let output = child.unwrap().wait_with_output().unwrap();
    Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Starts `rmrl` and kills it with SIGKILL as soon as the folder `out` holds so many more trials.
/// It must not have come to its end by then: that kill would have cut off nothing.
pub fn kill_after_trials(dir: &Path, args: &str, out: &str, more: u64) {
    let out = dir.join(out);
    let end = trials_in(&out) + more;
    // What it says goes to a file: nobody reads a pipe here, and a full one would stop it.
    let said = tempfile::NamedTempFile::new().unwrap();
    let stderr = said.reopen().unwrap();
    let mut child = command(dir, args).stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
    while trials_in(&out) < end {
        if let Some(ended) = child.try_wait().unwrap() {
            let said = std::fs::read_to_string(said.path()).unwrap();
            panic!("it ended ({ended}) before there was something to cut off: {said}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), None, "it was killed, and not done: {status}");
}

/// Trials with a result in the run files of seed 1 in a folder.
pub fn trials_in(folder: &Path) -> u64 {
    let of = |method: &str| {
        let path = folder.join(method).join("1.sqlite");
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let sql = "SELECT COUNT(*) FROM trial WHERE outcome IS NOT NULL";
        let count = rusqlite::Connection::open_with_flags(path, flags)
            .and_then(|db| db.query_row(sql, [], |row| row.get::<_, i64>(0)));
        // A file that has just begun has no table yet.
        count.map_or(0, |trials| trials as u64)
    };
    let methods = [
        "no-correction",
        "reinforce",
        "ppo",
        "rm-rl",
        "rm-rl-pretrained",
        "rm-rl-replayed",
        "bayes-simulated",
        "method",
    ];
    methods.into_iter().map(of).sum()
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
        "SELECT * FROM role_model_history",
        "SELECT * FROM diagnostic ORDER BY at_trial, key",
        "SELECT at_trial, loss FROM batch ORDER BY at_trial",
        "SELECT * FROM learner",
    ] {
        let mut statement = db.prepare(sql).unwrap();
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let rows = statement
            .query_map([], |row| {
                let cell = |at: usize| {
                    // Times are never compared. Row numbers tell the order of insertion, which a
                    // resumed run may change.
                    let name = names[at].as_str();
                    let number = name == "id" && names.len() > 5;
                    let hidden = number
                        || name.ends_with("_unix_s")
                        || ["trial", "role_model"].contains(&name);
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
