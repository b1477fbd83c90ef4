//! A twin, a robot file that finds it, and what a test asks and does from outside.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use rmrl::cell::{Unwatched, Workcell};
use rmrl::config::Robot;
use rmrl::lab::Experiment;
use rmrl::task::{Noise, Phase, Pose2, Setup, Streams, TrialKey};
use rmrl::twin::{Places, Plan, Ports, Twin};

/// Times life, where nothing is measured in time.
pub const FAST: f64 = 20.0;

/// A twin without gaps or noise, and the robot file that finds it.
pub fn quiet_twin(speed: f64) -> (Twin, Robot) {
    let mut robot = Robot::named("ur5e-twin").unwrap();
    let gaps = &mut robot.twin.as_mut().unwrap().gaps;
    gaps.residual_mm = 0.0;
    gaps.residual_deg = 0.0;
    gaps.tool_mm = 0.0;
    gaps.tool_deg = 0.0;
    gaps.eyes = Noise::NONE;
    gaps.camera = 0.0;
    gaps.lighting = 0.0;
    gaps.force_n = 0.0;
    twin(robot, speed)
}

pub fn twin(mut robot: Robot, speed: f64) -> (Twin, Robot) {
    robot.twin.as_mut().unwrap().speed = speed;
    let task = Experiment::open("narrow", &[]).unwrap().task;
    let plan = Plan::new(&robot, task, Vec::new()).unwrap();
    let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let twin = Twin::start(&plan, host, Places::Free, |_| ()).unwrap();
    point_at(&mut robot, twin.ports());
    (twin, robot)
}

pub fn point_at(robot: &mut Robot, ports: Ports) {
    let real = robot.real.as_mut().unwrap();
    real.host = ports.host.to_string();
    real.rtde_port = ports.rtde;
    real.dashboard_port = ports.dashboard;
    real.script_port = ports.script;
    real.primary_port = ports.primary;
    real.gripper_port = ports.gripper;
    real.eyes_url = Some(format!("http://{}:{}", ports.host, ports.http));
    // What is not about cameras asks the twin's own answers.
    robot.eyes = None;
    // Tests share their machine: what is checked here is not its load.
    real.stale_ms = 2_000.0;
    real.watchdog_hz = 1.0;
}

/// The robot's file with these ports, beside its URDF; its eyes are the twin's own answers.
pub fn file_for(ports: Ports) -> (tempfile::TempDir, PathBuf) {
    file_with(ports, |robot| drop(robot.remove("eyes")))
}

/// The same as shipped, changed so.
pub fn file_with(
    ports: Ports,
    change: impl FnOnce(&mut toml_edit::DocumentMut),
) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let text = |name: &str| Robot::FILES.iter().find(|(found, _)| *found == name).unwrap().1;
    std::fs::write(dir.path().join("ur5e.urdf"), text("ur5e.urdf")).unwrap();
    let mut robot: toml_edit::DocumentMut = text("ur5e-twin.toml").parse().unwrap();
    for (key, port) in [
        ("rtde_port", ports.rtde),
        ("dashboard_port", ports.dashboard),
        ("script_port", ports.script),
        ("primary_port", ports.primary),
        ("gripper_port", ports.gripper),
    ] {
        robot["real"][key] = toml_edit::value(i64::from(port));
    }
    robot["real"]["eyes_url"] = toml_edit::value(format!("http://127.0.0.1:{}", ports.http));
    change(&mut robot);
    let path = dir.path().join("lab.toml");
    std::fs::write(&path, robot.to_string()).unwrap();
    (dir, path)
}

pub fn rmrl(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rmrl")).args(args).output().unwrap()
}

pub fn post(twin: &Twin, what: &str, text: &str) {
    ureq::post(format!("http://127.0.0.1:{}/{what}", twin.ports().http)).send(text).unwrap();
}

/// Runs a command that takes up where it left off until it is done, or fails for another reason than
/// a machine that was too busy to watch the arm.
pub fn to_the_end(command: &mut Command) -> Output {
    loop {
        let output = command.output().unwrap();
        let busy = text(&output.stderr).contains("stale state");
        if !(busy && output.status.code() == Some(3)) {
            return output;
        }
    }
}

pub fn setup(offset: Pose2) -> Setup {
    let key = TrialKey { phase: Phase::Train, index: 0 };
    Setup { streams: Streams::new(1), key, instance: 0, offset, made: 0 }
}

pub fn trial(cell: &mut dyn Workcell, offset: Pose2, correction: Pose2) -> rmrl::cell::Attempt {
    cell.prepare(&setup(offset), &mut Unwatched).unwrap();
    cell.attempt(correction, &mut Unwatched).unwrap()
}

pub fn status(twin: &Twin) -> serde_json::Value {
    let address = format!("http://127.0.0.1:{}/status", twin.ports().http);
    let text = ureq::get(&address).call().unwrap().body_mut().read_to_string().unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Waits for so many seconds of the twin's own time, however fast this machine is.
pub fn robot_time_passes(twin: &Twin, seconds: f64) {
    let now = || status(twin)["time_s"].as_f64().unwrap();
    let end = now() + seconds;
    while now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until this driver begins to move the arm for the `nth` time that is seen; long, for the
/// machine may be loaded.
pub fn await_motion(twin: &Twin, driver: &mut Child, nth: usize) {
    let began = Instant::now();
    for wanted in (0..nth).flat_map(|_| [false, true]) {
        while status(twin)["moving"] != wanted {
            let ended = driver.try_wait().unwrap();
            assert!(ended.is_none(), "ended before moving = {wanted}: {ended:?}");
            let patient = began.elapsed() < Duration::from_secs(240);
            assert!(patient, "the arm never came to moving = {wanted}: {}", status(twin));
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The command line of a short training on this robot's file, whose run ends up in `out`.
pub fn training(robot: &Path, out: &Path, more: &[&str]) -> Command {
    training_of("no-correction", robot, out, more)
}

/// The same of another method.
pub fn training_of(method: &str, robot: &Path, out: &Path, more: &[&str]) -> Command {
    let mut train = Command::new(env!("CARGO_BIN_EXE_rmrl"));
    train
        .args(["train", "smoke", "--method", method, "--seed", "1", "--backend", "real"])
        .args(["--set", "evaluation.trials=1", "--resume", "--robot"])
        .arg(robot)
        .arg("--out")
        .arg(out)
        .args(more);
    train
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
