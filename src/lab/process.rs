use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};

/// Longest answer, bytes: a state of some hundred megabytes fits.
const LONGEST: u64 = 512 << 20;
/// How much of what the program says on stderr is kept, bytes.
const LAST_WORDS: usize = 2000;
/// How long the last words of a program that failed are waited for.
const TO_SPEAK: Duration = Duration::from_millis(200);
/// How long a program may take to end after it was asked to.
const TO_END: Duration = Duration::from_secs(2);

/// A program that answers one JSON line with one JSON line. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    questions: Option<Sender<String>>,
    answers: Receiver<Heard>,
    stderr: Receiver<()>,
    words: Arc<Mutex<Vec<u8>>>,
    /// It can no longer be asked.
    broken: bool,
}

/// What came from the program's stdout.
#[derive(Debug)]
enum Heard {
    Line(Vec<u8>),
    TooLong,
    Failed(std::io::Error),
}

impl Process {
    /// Starts a program in a folder, with one thread for its linear algebra.
    pub fn start(command: &[String], folder: &Path) -> Result<Self, String> {
        let [program, arguments @ ..] = command else { return Err("no program is named".into()) };
        let mut prepared = Command::new(program_in(program, folder));
        prepared
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // So that Python answers at once, and orders its sets alike in every run.
            .envs([("PYTHONUNBUFFERED", "1"), ("PYTHONHASHSEED", "0")])
            .envs(ONE_THREAD.map(|key| (key, "1")));
        // Ctrl-C is for us: the program ends when we have stored what it did.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut prepared, 0);
        #[cfg(target_os = "linux")]
        end_with_us(&mut prepared);
        let mut child = prepared.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound if !folder.is_dir() => {
                format!("{program} cannot work in {}: no such folder", folder.display())
            }
            ErrorKind::NotFound => {
                format!("{program} is not there, or its first line (#!) names nothing")
            }
            ErrorKind::PermissionDenied => format!("{program} may not be run: chmod +x {program}"),
            _ => format!("{program} cannot be started: {error}"),
        })?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(stdout), Some(mut stderr)) = pipes else {
            return Err(format!("{program} has no pipes"));
        };
        let (questions, asked) = channel::<String>();
        std::thread::spawn(move || {
            // That nobody reads is told by the answer that does not come.
            asked
                .iter()
                .try_for_each(|line| stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush()))
        });
        let (heard, answers) = sync_channel(1);
        std::thread::spawn(move || hear(BufReader::new(stdout), &heard, LONGEST));
        let words = Arc::new(Mutex::new(Vec::new()));
        let (said_all, ended) = channel::<()>();
        let kept = words.clone();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(n @ 1..) = stderr.read(&mut piece) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(&piece[..n]);
                let surplus = kept.len().saturating_sub(LAST_WORDS);
                kept.drain(..surplus);
            }
            drop(said_all);
        });
        Ok(Self { child, questions: Some(questions), answers, stderr: ended, words, broken: false })
    }

    /// Asks, and waits so long for the answer. After an error nothing more can be asked.
    pub fn ask(
        &mut self,
        question: &Value,
        patience: Duration,
    ) -> Result<Map<String, Value>, String> {
        let answer = self.answer(question, patience);
        self.broken |= answer.is_err();
        answer
    }

    fn answer(
        &mut self,
        question: &Value,
        patience: Duration,
    ) -> Result<Map<String, Value>, String> {
        let op = question.get("op").and_then(Value::as_str).unwrap_or("question");
        if self.broken {
            return Err(format!("cannot be asked \"{op}\": it failed before"));
        }
        match self.answers.try_recv() {
            Ok(Heard::Line(line)) => return Err(self.with_words(noise(&line))),
            Ok(Heard::TooLong) => return Err(self.with_words(too_long())),
            Ok(Heard::Failed(_)) | Err(_) => {}
        }
        if let Some(questions) = &self.questions {
            // The writer is gone only if the program is, which is told below.
            drop(questions.send(format!("{question}\n")));
        }
        match self.answers.recv_timeout(patience) {
            Ok(Heard::Line(line)) => understood(&line).map_err(|why| match why {
                Wrong::Noise => self.with_words(noise(&line)),
                Wrong::Said(why) => self.with_words(format!("answered \"{op}\" with {why}")),
            }),
            Ok(Heard::TooLong) => Err(self.with_words(too_long())),
            Ok(Heard::Failed(error)) => Err(self.with_words(format!("cannot be read: {error}"))),
            Err(RecvTimeoutError::Timeout) => Err(self.with_words(format!(
                "did not answer \"{op}\" within timeout_s = {} s (Python: is stdout flushed?)",
                patience.as_secs_f64()
            ))),
            Err(RecvTimeoutError::Disconnected) => {
                let how = match self.ended() {
                    Some(status) => format!("ended ({status})"),
                    None => "closed its stdout".to_owned(),
                };
                Err(self.with_words(format!("{how} instead of answering \"{op}\"")))
            }
        }
    }

    /// A message with the end of what the program said on stderr.
    pub fn with_words(&self, what: String) -> String {
        // Until its stderr has ended too, or for a moment.
        let _ = self.stderr.recv_timeout(TO_SPEAK);
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        match String::from_utf8_lossy(&words).trim() {
            "" => what,
            words => format!("{what}; its last words on stderr: {words}"),
        }
    }

    /// How it ended, waiting a moment for it.
    fn ended(&mut self) -> Option<ExitStatus> {
        let step = Duration::from_millis(5);
        let mut waited = Duration::ZERO;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if waited < TO_END => std::thread::sleep(step),
                Ok(None) | Err(_) => return None,
            }
            waited += step;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.broken {
            let end = serde_json::json!({ "op": "end" });
            if self.ask(&end, TO_END).is_ok() {
                self.questions = None;
                self.ended();
            }
        }
        kill(&mut self.child);
    }
}

/// Ends the program and what it started, whatever it is doing.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    if let (Ok(None), Ok(group)) = (child.try_wait(), i32::try_from(child.id())) {
        // SAFETY: a system call without memory; the child is not reaped yet, so the group is its own.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
    // It has ended already, or is ended now.
    drop(child.kill());
    drop(child.wait());
}

/// Kills the program when the thread that starts it ends, however it ends: SIGKILL of this process too,
/// where nothing is dropped. So whoever starts a program keeps it on its own thread. Elsewhere a
/// program that reads its stdin notices.
#[cfg(target_os = "linux")]
fn end_with_us(prepared: &mut Command) {
    let us = std::process::id();
    let ask = move || {
        // SAFETY: system calls without memory.
        let parent = unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong);
            libc::getppid()
        };
        // Killed before the program could ask: it must not begin.
        let gone = u32::try_from(parent) != Ok(us);
        if gone { Err(std::io::Error::from_raw_os_error(libc::ESRCH)) } else { Ok(()) }
    };
    // SAFETY: between fork and exec it makes system calls only and allocates nothing.
    unsafe { std::os::unix::process::CommandExt::pre_exec(prepared, ask) };
}

/// What libraries look at before they start threads.
const ONE_THREAD: [&str; 6] = [
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
];

/// A path starts from the folder; a bare name is looked for in `PATH`.
pub(super) fn program_in(program: &str, folder: &Path) -> PathBuf {
    if program.contains('/') { folder.join(program) } else { program.into() }
}

/// Passes on the lines of stdout until it ends.
fn hear(mut stdout: impl BufRead, heard: &SyncSender<Heard>, longest: u64) {
    loop {
        let mut line = Vec::new();
        let read = stdout.by_ref().take(longest).read_until(b'\n', &mut line);
        let said = match read {
            Ok(0) => return,
            Ok(n) if n as u64 == longest && line.last() != Some(&b'\n') => Heard::TooLong,
            Ok(_) => Heard::Line(line),
            Err(error) => Heard::Failed(error),
        };
        let last = !matches!(said, Heard::Line(_));
        if heard.send(said).is_err() || last {
            return;
        }
    }
}

/// What is wrong with an answer.
#[derive(Debug)]
pub(super) enum Wrong {
    /// No answer, but text of somebody else.
    Noise,
    Said(String),
}

/// An answer's object.
pub(super) fn understood(line: &[u8]) -> Result<Map<String, Value>, Wrong> {
    let value = match serde_json::from_slice(line) {
        Ok(value) => value,
        Err(error) => {
            let text = String::from_utf8_lossy(line);
            let no_number = ["NaN", "Infinity"].into_iter().find(|word| text.contains(word));
            return Err(match (no_number, text.trim_start().starts_with('{')) {
                (Some(word), true) => Wrong::Said(format!("{word}, which is no number")),
                (None, true) => {
                    Wrong::Said(format!("a line that is no JSON ({error}): {}", short(&text)))
                }
                (_, false) => Wrong::Noise,
            });
        }
    };
    let Value::Object(mut answer) = value else { return Err(Wrong::Noise) };
    match answer.remove("error") {
        Some(Value::String(why)) => Err(Wrong::Said(format!("an error: {why}"))),
        Some(why) => Err(Wrong::Said(format!("an error: {why}"))),
        None => Ok(answer),
    }
}

fn noise(line: &[u8]) -> String {
    format!(
        "wrote {} on stdout, which is for answers only: a print of the script or of a library? Let \
         both write to stderr (examples/method.py shows how)",
        short(&String::from_utf8_lossy(line))
    )
}

fn too_long() -> String {
    format!("wrote a line of more than {} MB", LONGEST >> 20)
}

/// The beginning of a line, for messages.
pub(super) fn short(text: &str) -> String {
    let text = text.trim_end();
    let begin: String = text.chars().take(80).collect();
    let more = if begin.len() < text.len() { "..." } else { "" };
    format!("{begin:?}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_line_makes_the_reader_panic(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(understood(&line));
            drop(noise(&line));
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_the_last_one_heard() {
        let (heard, answers) = sync_channel(9);
        hear(&b"{}\n123456\n1234567\n{}\n"[..], &heard, 7);
        drop(heard);
        let all: Vec<_> = answers.iter().collect();
        assert!(matches!(&all[..], [Heard::Line(_), Heard::Line(_), Heard::TooLong]), "{all:?}");
    }

    #[test]
    fn a_print_is_told_from_an_answer() {
        for text in ["loading weights", "42", "[1, 2]", ""] {
            assert!(matches!(understood(text.as_bytes()), Err(Wrong::Noise)), "{text}");
        }
        assert!(
            matches!(understood(b"{\"loss\": NaN}"), Err(Wrong::Said(why)) if why.contains("NaN"))
        );
        assert!(
            matches!(understood(b"{\"error\": \"no\"}"), Err(Wrong::Said(why)) if why.contains("no"))
        );
        assert!(understood(b"{}").is_ok());
    }
}
