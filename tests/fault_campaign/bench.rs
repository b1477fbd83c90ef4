//! A twin in a process of its own, a driver in another, and a person who sees to both.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Nothing that this campaign waits for takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// An arm's controller and its cell.
pub struct TwinProcess {
    child: Child,
    http: u16,
    robot_file: PathBuf,
}

/// The cell at a moment.
pub struct Sight {
    /// Robot time, s.
    pub time: f64,
    pub moving: bool,
    pub program: Option<String>,
    /// Robot time, s, and what the pendant says.
    pub events: Vec<(f64, String)>,
}

impl TwinProcess {
    /// Starts a twin at `speed` times life, and writes the robot file for its ports into `dir`: with its cameras, which are
    /// calibrated for seed 1, or with the twin's own answers for eyes.
    pub fn start(dir: &Path, speed: f64, seed: u64, cameras: bool) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rmrl"))
            .args(["twin", "--robot", "ur5e-twin", "--ports", "free", "--json"])
            .args(["--speed", &speed.to_string(), "--seed", &seed.to_string()])
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(dir.join("twin.log")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line:?}: {e}"));
        let ports = &told["listening"];
        let port = |name: &str| ports[name].as_u64().unwrap() as u16;
        let robot_file = dir.join("arm.toml");
        let text = std::fs::read_to_string(embedded("ur5e-twin.toml")).unwrap();
        let mut robot: toml::Table = text.parse().unwrap();
        let real = robot["real"].as_table_mut().unwrap();
        for name in ["rtde", "dashboard", "script", "primary", "gripper"] {
            real.insert(format!("{name}_port"), i64::from(port(name)).into());
        }
        let eyes = format!("http://127.0.0.1:{}", port("http"));
        real.insert("eyes_url".into(), eyes.into());
        // As careful as with a real arm; the watchdog stays the file's, for the computer is shared.
        real.insert("stale_ms".into(), 40.0.into());
        real.insert("host".into(), "127.0.0.1".into());
        if !cameras {
            robot.remove("eyes");
        } else if let Some(eyes) = robot["eyes"].as_table_mut() {
            // The computer is shared: what is tried is not its load.
            eyes.insert("max_age_ms".into(), 20_000.0.into());
        }
        // Paths in the file are beside it.
        std::fs::write(&robot_file, robot.to_string()).unwrap();
        std::fs::copy(embedded("ur5e.urdf"), dir.join("ur5e.urdf")).unwrap();
        Self { child, http: port("http"), robot_file }
    }

    pub fn robot_file(&self) -> &Path {
        &self.robot_file
    }

    /// Where its pages are.
    pub fn page(&self) -> (&'static str, u16) {
        ("127.0.0.1", self.http)
    }

    pub fn sight(&self) -> Sight {
        let status: Value = serde_json::from_str(&self.http("GET", "/status", "")).unwrap();
        let events = status["events"].as_array().unwrap().iter();
        Sight {
            time: status["time_s"].as_f64().unwrap(),
            moving: status["moving"].as_bool().unwrap(),
            program: status["program"].as_str().map(str::to_owned),
            events: events
                .map(|e| (e["at_s"].as_f64().unwrap(), e["what"].as_str().unwrap().to_owned()))
                .collect(),
        }
    }

    /// What is true of the cell, whatever the controller says. The tool's position in m.
    pub fn truth(&self) -> (Value, [f64; 3]) {
        let truth: Value = serde_json::from_str(&self.http("GET", "/truth", "")).unwrap();
        let at = |i: usize| truth["world_from_tool_m"][i].as_f64().unwrap();
        let tool = [at(0), at(1), at(2)];
        (truth, tool)
    }

    pub fn fault(&self, fault: &str) {
        self.http("POST", "/fault", fault);
    }

    /// A person does something; the twin may answer that there is nothing to do.
    pub fn person(&self, does: &str) {
        let _ = self.ask("POST", "/person", does);
    }

    /// Waits for so many seconds of robot time.
    pub fn wait(&self, seconds: f64) {
        let begin = self.sight().time;
        let end = Instant::now() + PATIENCE;
        while self.sight().time < begin + seconds {
            assert!(Instant::now() < end, "the twin's clock stands");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn http(&self, method: &str, path: &str, body: &str) -> String {
        self.ask(method, path, body).unwrap_or_else(|e| panic!("{method} {path} {body}: {e}"))
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: twin\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )?;
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply)?;
        let reply = String::from_utf8_lossy(&reply);
        let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((&reply, ""));
        if !head.contains(" 200 ") {
            return Err(std::io::Error::other(reply.into_owned()));
        }
        Ok(unchunked(head, body))
    }
}

impl Drop for TwinProcess {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.robot_file.with_file_name("twin.log");
            let text = std::fs::read_to_string(log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            eprintln!(
                "the twin said last:\n{}",
                lines[lines.len().saturating_sub(20)..].join("\n")
            );
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A run of `rmrl train` on the twin.
pub struct Driver {
    child: Child,
    log: PathBuf,
}

impl Driver {
    /// Starts it, or lets it go on where `out` has a run already.
    pub fn start(dir: &Path, twin: &TwinProcess, trials: u32) -> Self {
        let experiment = dir.join("faults.toml");
        if !experiment.exists() {
            let text = std::fs::read_to_string(experiments("smoke.toml")).unwrap();
            let mut smoke: toml::Table = text.parse().unwrap();
            smoke.insert("name".into(), "faults".into());
            let evaluation = smoke["evaluation"].as_table_mut().unwrap();
            evaluation.insert("every".into(), 100_000.into());
            evaluation.insert("trials".into(), 1.into());
            std::fs::write(&experiment, smoke.to_string()).unwrap();
        }
        let log = dir.join("driver.log");
        let child = Command::new(env!("CARGO_BIN_EXE_rmrl"))
            .current_dir(dir)
            .args(["train", "faults.toml", "--method", "rm-rl", "--seed", "1"])
            .args(["--trials", &trials.to_string(), "--backend", "real", "--robot"])
            .arg(twin.robot_file())
            .args(["--out", "run", "--resume"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, log }
    }

    /// The run's file.
    pub fn store(dir: &Path) -> PathBuf {
        dir.join("run/rm-rl/1.sqlite")
    }

    /// Its exit code, once it has ended; -1 where a signal ended it.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.try_wait().unwrap().map(|status| status.code().unwrap_or(-1))
    }

    /// Ctrl-C.
    pub fn interrupt(&mut self) {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-INT", &pid]).status();
        let _ = self.child.wait();
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The last thing it said.
    pub fn said(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last = text.lines().rev().find(|line| line.starts_with("rmrl: "));
        last.unwrap_or("").trim_start_matches("rmrl: ").to_owned()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn embedded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("robots").join(name)
}

fn experiments(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments").join(name)
}

/// The body of an answer that came in chunks, or did not.
fn unchunked(head: &str, body: &str) -> String {
    if !head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return body.to_owned();
    }
    let mut whole = String::new();
    let mut rest = body;
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 {
            break;
        }
        whole += &after[..size];
        rest = after[size..].trim_start_matches("\r\n");
    }
    whole
}
