use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::cell::{CellError, Stop};
use crate::cli::Failure;
use crate::lab::LabError;
use crate::store::{Durability, Pause, TrialStore};

/// What is done when a real cell cannot go on without a person.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct PauseArgs {
    /// After a stop, ask on the terminal whether to go on [default: end with exit code 3]
    #[arg(long)]
    attended: bool,
    /// Run this command when a person is needed; RMRL_REASON and RMRL_RUN (empty for a single trial) are set
    #[arg(long, value_name = "CMD")]
    on_pause: Option<String>,
}

/// Longest wait for the command to end.
const COMMAND: Duration = Duration::from_secs(30);

impl PauseArgs {
    /// Calls for a person after `error`, and returns once one has agreed that it goes on. Any
    /// error that no person can mend on the spot comes back as it is.
    pub fn wait(&self, error: LabError, run: &Path) -> Result<(), Failure> {
        let error = match error {
            LabError::Cell(CellError::Cancelled) => return Err(CellError::Cancelled.into()),
            // The files were checked before: what is forbidden now is forbidden by what was measured.
            LabError::Cell(CellError::Forbidden(reason)) => CellError::NeedsPerson(Stop {
                reason: format!("forbidden: {reason}"),
                advice: "bring arm and plate to where they should be; compare the envelope".into(),
            }),
            LabError::Cell(error) => error,
            other => return Err(other.into()),
        };
        let reason = error.to_string();
        if self.attended {
            eprintln!("\nrmrl: {reason}");
        }
        if let Some(command) = &self.on_pause {
            call(command, &reason, run);
        }
        let resumed = self.attended && consent();
        note(run, reason, resumed);
        if resumed { Ok(()) } else { Err(error.into()) }
    }
}

/// Does a person agree that the arm moves again?
fn consent() -> bool {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        eprintln!("(--attended: reading the answer from standard input)");
    }
    loop {
        eprint!("The arm will look for the plate and go on. Continue? [yes/no] ");
        let _ = std::io::stderr().flush();
        let mut answer = String::new();
        match stdin.lock().read_line(&mut answer) {
            Ok(0) | Err(_) => return false,
            Ok(_) => match answer.trim() {
                "yes" => return true,
                "no" => return false,
                other => eprintln!("{other:?} is neither: type the whole word yes, or no"),
            },
        }
    }
}

fn call(command: &str, reason: &str, run: &Path) {
    let child = Command::new("sh")
        .args(["-c", command])
        .env("RMRL_REASON", reason)
        .env("RMRL_RUN", run)
        .stdin(Stdio::null())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return eprintln!("rmrl: --on-pause could not be run: {error}"),
    };
    let end = Instant::now() + COMMAND;
    while Instant::now() < end {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return,
            Ok(Some(status)) => return eprintln!("rmrl: --on-pause ended with {status}"),
            Ok(None) => std::thread::sleep(Duration::from_millis(50)),
            Err(error) => return eprintln!("rmrl: --on-pause: {error}"),
        }
    }
    eprintln!("rmrl: --on-pause still runs after {} s; going on without it", COMMAND.as_secs());
}

/// Into the run file, for `rmrl status`. A pause that cannot be noted is no reason to fail.
fn note(run: &Path, reason: String, resumed: bool) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let pause = Pause { unix_s: now as i64, reason, resumed };
    if !run.is_file() {
        return;
    }
    let noted = TrialStore::open(run, Durability::Power).and_then(|s| s.note_pause(&pause));
    if let Err(error) = noted {
        eprintln!("rmrl: the pause could not be noted: {error}");
    }
}
