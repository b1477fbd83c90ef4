//! The driver against the twin, over TCP: what moves here is what would move an arm.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rmrl::cell::conformance::{Repeat, Tolerance, conformance};
use rmrl::cell::{CellError, Unwatched, Workcell};
use rmrl::config::Robot;
use rmrl::real::{Site, Verdict, examine};
use rmrl::task::{Noise, Outcome, Phase, Pose2, Setup, Streams, TrialKey};
use rmrl::twin::{Places, Plan, Ports, Twin};

/// Times life, where nothing is measured in time.
const FAST: f64 = 20.0;

/// A twin without gaps or noise, and the robot file that finds it.
fn quiet_twin(speed: f64) -> (Twin, Robot) {
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

fn twin(mut robot: Robot, speed: f64) -> (Twin, Robot) {
    robot.twin.as_mut().unwrap().speed = speed;
    let plan = Plan::new(&robot, Vec::new()).unwrap();
    let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let twin = Twin::start(&plan, host, Places::Free, |_| ()).unwrap();
    point_at(&mut robot, twin.ports());
    (twin, robot)
}

fn point_at(robot: &mut Robot, ports: Ports) {
    let real = robot.real.as_mut().unwrap();
    real.host = ports.host.to_string();
    real.rtde_port = ports.rtde;
    real.dashboard_port = ports.dashboard;
    real.script_port = ports.script;
    real.primary_port = ports.primary;
    real.gripper_port = ports.gripper;
    real.eyes_url = Some(format!("http://{}:{}", ports.host, ports.http));
    // Tests share their machine: what is checked here is not its load.
    real.stale_ms = 200.0;
    real.watchdog_hz = 2.0;
}

/// The robot's file with these ports, beside its URDF.
fn file_for(ports: Ports) -> (tempfile::TempDir, PathBuf) {
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
    let path = dir.path().join("lab.toml");
    std::fs::write(&path, robot.to_string()).unwrap();
    (dir, path)
}

fn rmrl(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rmrl")).args(args).output().unwrap()
}

fn post(twin: &Twin, what: &str, text: &str) {
    ureq::post(format!("http://127.0.0.1:{}/{what}", twin.ports().http)).send(text).unwrap();
}

fn trial(cell: &mut dyn Workcell, offset: Pose2, correction: Pose2) -> rmrl::cell::Attempt {
    let key = TrialKey { phase: Phase::Train, index: 0 };
    let setup = Setup { streams: Streams::new(1), key, instance: 0, offset, made: 0 };
    cell.prepare(&setup, &mut Unwatched).unwrap();
    cell.attempt(correction, &mut Unwatched).unwrap()
}

#[test]
fn a_workcell_behind_the_wire_keeps_every_promise_of_a_workcell() {
    let (_twin, robot) = quiet_twin(FAST);
    let site = Site::new(&robot).unwrap();
    let tolerance = Tolerance { mm: 0.3, deg: 0.2 };
    conformance(|| Box::new(site.connect().unwrap()), tolerance, Repeat::AsMeasured).unwrap();
}

#[test]
fn the_plate_is_carried_back_trial_after_trial_by_the_arm_itself() {
    let (_twin, robot) = twin(Robot::named("ur5e-twin").unwrap(), FAST);
    let mut cell = Site::new(&robot).unwrap().connect().unwrap();
    for i in 0..6 {
        let offset = Pose2::new(f64::from(i) - 2.5, 2.0 - f64::from(i), f64::from(i % 3) - 1.0);
        let attempt = trial(&mut cell, offset, offset);
        assert_eq!(attempt.outcome, Outcome::Placed, "trial {i}");
        let placed = attempt.measured.unwrap().pose;
        assert!(
            placed.translation_mm() < 1.5 && placed.yaw_deg.abs() < 1.5,
            "trial {i}: {placed:?}"
        );
        assert!(attempt.after.is_some() && attempt.truth.is_none());
    }
}

#[test]
fn after_a_protective_stop_nothing_moves_in_that_session_and_nobody_unlocks_it() {
    let (twin, robot) = quiet_twin(FAST);
    let site = Site::new(&robot).unwrap();
    let mut cell = site.connect().unwrap();
    trial(&mut cell, Pose2::IDENTITY, Pose2::IDENTITY);
    post(&twin, "fault", "protective-stop@1.0");
    let key = TrialKey { phase: Phase::Train, index: 0 };
    let setup =
        Setup { streams: Streams::new(1), key, instance: 0, offset: Pose2::IDENTITY, made: 0 };
    let stopped = cell.prepare(&setup, &mut Unwatched).unwrap_err();
    let CellError::NeedsPerson(stop) = &stopped else { panic!("{stopped}") };
    assert!(stop.reason.contains("protective stop"), "{stopped}");
    assert!(cell.recover(&mut Unwatched).is_err(), "the session is over");
    drop(cell);
    let mut again = site.connect().unwrap();
    let refused = again.recover(&mut Unwatched).unwrap_err().to_string();
    assert!(refused.contains("protective stop"), "still locked: {refused}");
}

#[test]
fn a_session_begins_anew_even_if_its_registers_arrive_after_its_program() {
    let (twin, mut robot) = quiet_twin(FAST);
    let real = robot.real.as_mut().unwrap();
    real.rtde_port = registers_late(real.rtde_port);
    let site = Site::new(&robot).unwrap();
    for session in 0..3 {
        let mut cell = site.connect().unwrap();
        trial(&mut cell, Pose2::IDENTITY, Pose2::IDENTITY);
        let events = status(&twin)["events"].to_string();
        assert!(!events.contains("stopped"), "session {session}: {events}");
    }
}

/// RTDE as this one serves it, but the first registers of each connection are held back, while
/// whatever comes over another connection overtakes them.
fn registers_late(rtde: u16) -> u16 {
    let late = |mut client: TcpStream, mut controller: TcpStream| {
        let (mut held, mut head) = (false, [0; 3]);
        while client.read_exact(&mut head).is_ok() {
            let mut rest = vec![0; usize::from(u16::from_be_bytes([head[0], head[1]])) - 3];
            let whole = client.read_exact(&mut rest).is_ok();
            if head[2] == b'U' && !held {
                held = true;
                std::thread::sleep(Duration::from_millis(300));
            }
            if !whole || controller.write_all(&[&head[..], &rest].concat()).is_err() {
                break;
            }
        }
    };
    proxy(rtde, late, copy)
}

/// Takes everything from the first and writes it to the second.
type HandOn = fn(TcpStream, TcpStream);

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
}

/// A port between a client and this port: requests go on by `ask`, answers come back by `answer`.
fn proxy(port: u16, ask: HandOn, answer: HandOn) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let own = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            for (hand_on, from, to) in [(ask, &client, &server), (answer, &server, &client)] {
                to.set_nodelay(true).unwrap();
                let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                let close = to.try_clone().unwrap();
                std::thread::spawn(move || {
                    hand_on(from, to);
                    let _ = close.shutdown(Shutdown::Both);
                });
            }
        }
    });
    own
}

#[test]
fn the_doctor_is_content_with_the_twin_and_names_what_is_wrong_elsewhere() {
    let (twin, robot) = quiet_twin(1.0);
    let wrong = |robot: &Robot| -> Vec<String> {
        let findings = examine(&Site::new(robot).unwrap());
        let wrong = findings.iter().filter(|f| matches!(f.verdict, Verdict::Wrong(_)));
        wrong.map(|f| format!("{}: {}", f.check, f.reading)).collect()
    };
    assert_eq!(wrong(&robot), Vec::<String>::new());

    let mut tool = robot.clone();
    tool.arm.as_mut().unwrap().model.flange_from_tool.translation.z += 0.01;
    let found = wrong(&tool);
    assert!(found.iter().any(|f| f.starts_with("TCP: 10.00 mm")), "{found:?}");

    let mut heavier = robot.clone();
    heavier.arm.as_mut().unwrap().spec.payload_kg += 0.5;
    assert_eq!(wrong(&heavier), ["payload: 1.10 kg, the file says 1.60 kg"]);

    let mut closed = robot.clone();
    closed.real.as_mut().unwrap().gripper_port = 1;
    let found = wrong(&closed);
    assert!(found.len() == 1 && found[0].starts_with("gripper"), "{found:?}");

    post(&twin, "person", "local");
    assert_eq!(wrong(&robot), ["remote control: off"]);

    let mut larger = robot.clone();
    larger.real.as_mut().unwrap().dashboard_port = another_arm(twin.ports().dashboard);
    assert_eq!(wrong(&larger), ["PolyScope: 5.3", "robot: UR10", "remote control: off"]);

    let mut nobody = robot.clone();
    nobody.real.as_mut().unwrap().dashboard_port = 1;
    let found = wrong(&nobody);
    assert!(found.len() == 1 && found[0].starts_with("controller"), "{found:?}");

    let mut another = robot.clone();
    another.real.as_mut().unwrap().dashboard_port = robot.real.as_ref().unwrap().gripper_port;
    let found = wrong(&another);
    assert!(found.len() == 1 && found[0].starts_with("controller"), "{found:?}");
}

/// A dashboard like this one, but of a UR10 with an old PolyScope.
fn another_arm(dashboard: u16) -> u16 {
    let another = |mut server: TcpStream, mut client: TcpStream| {
        let mut buffer = [0; 256];
        while let Ok(length @ 1..) = server.read(&mut buffer) {
            let said = text(&buffer[..length]).replace("UR5", "UR10").replace("5.25", "5.3");
            if client.write_all(said.as_bytes()).is_err() {
                break;
            }
        }
    };
    proxy(dashboard, copy, another)
}

#[test]
fn a_dry_run_plans_and_moves_nothing_and_the_doctor_speaks_on_the_command_line() {
    let (twin, _) = quiet_twin(FAST);
    let (_dir, file) = file_for(twin.ports());
    let file = file.display().to_string();
    let doctor = rmrl(&["doctor", "--robot", &file]);
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
    let joints = |twin: &Twin| status(twin)["actual_q"].clone();
    let before = joints(&twin);
    let trial = ["trial", "--backend", "real", "--robot", &file, "--dry-run"];
    let planned = rmrl(&trial);
    let text = String::from_utf8_lossy(&planned.stdout);
    assert!(planned.status.success() && text.contains("carry"), "{text}");
    assert_eq!(joints(&twin), before);
    let taught = rmrl(&["teach", &file, "view"]);
    assert!(taught.status.success(), "{}", String::from_utf8_lossy(&taught.stderr));
    post(&twin, "person", "local");
    let ill = rmrl(&["doctor", "--robot", &file]);
    assert_eq!(ill.status.code(), Some(1));
    let lines = String::from_utf8_lossy(&ill.stdout).into_owned();
    assert_eq!(lines.matches("remote control").count(), 1, "{lines}");
    let stored = Robot::named(&file).unwrap().real.unwrap().view.unwrap();
    let tool = status(&twin)["actual_tcp_pose"].clone();
    for (axis, mm) in stored.xyz_mm.into_iter().enumerate() {
        assert!((tool[axis].as_f64().unwrap() * 1e3 - mm).abs() < 2e-3, "{stored:?} {tool}");
    }
}

fn status(twin: &Twin) -> serde_json::Value {
    let address = format!("http://127.0.0.1:{}/status", twin.ports().http);
    let text = ureq::get(&address).call().unwrap().body_mut().read_to_string().unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Waits for so many seconds of the twin's own time, however fast this machine is.
fn robot_time_passes(twin: &Twin, seconds: f64) {
    let now = || status(twin)["time_s"].as_f64().unwrap();
    let end = now() + seconds;
    while now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until this driver begins to move the arm for the `nth` time that is seen; long, for the
/// machine may be loaded.
fn await_motion(twin: &Twin, driver: &mut Child, nth: usize) {
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

#[test]
fn a_driver_killed_in_mid_motion_leaves_a_stopped_arm_and_resumes_with_recovery() {
    let (twin, _) = quiet_twin(4.0);
    let (dir, file) = file_for(twin.ports());
    let out = dir.path().join("run");
    let more = ["--trials", "12", "--set", "batch=12", "--set", "evaluation.every=12"];
    let mut train = training(&file, &out, &more);
    let barked = |twin: &Twin| status(twin)["events"].to_string().contains("watchdog");
    let mut kills = 0;
    while !barked(&twin) {
        kills += 1;
        assert!(kills < 12, "never killed in mid-motion");
        let mut driver = train.spawn().unwrap();
        // In a later motion each time: the first is the same after every kill, and may be shorter
        // than the watchdog's half second.
        await_motion(&twin, &mut driver, 1 + kills);
        driver.kill().unwrap();
        driver.wait().unwrap();
        // The watchdog's silence, and the way to stop.
        robot_time_passes(&twin, 3.0);
        let stands = status(&twin)["actual_q"].clone();
        robot_time_passes(&twin, 1.0);
        assert_eq!(status(&twin)["actual_q"], stands, "nothing moves without a driver");
    }
    let resumed = train.output().unwrap();
    assert!(resumed.status.success(), "{}", String::from_utf8_lossy(&resumed.stderr));
    let run = rmrl(&["status", &out.display().to_string(), "--json"]);
    let status: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(status["complete"], true, "{status}");
    // 12 of training, and in-scene and held-out at two checkpoints: each once.
    let counts = (status["trials"].as_u64(), status["of"].as_u64());
    assert_eq!(counts, (Some(16), Some(16)), "{status}");
}

/// The command line of a short training on this robot's file, whose run ends up in `out`.
fn training(robot: &Path, out: &Path, more: &[&str]) -> Command {
    let mut train = Command::new(env!("CARGO_BIN_EXE_rmrl"));
    train
        .args(["train", "smoke", "--method", "no-correction", "--seed", "1", "--backend", "real"])
        .args(["--set", "evaluation.trials=1", "--resume", "--robot"])
        .arg(robot)
        .arg("--out")
        .arg(out)
        .args(more);
    train
}

#[test]
fn a_person_is_called_asked_and_obeyed_and_what_was_learned_is_judged_on_the_arm() {
    let (twin, _) = quiet_twin(4.0);
    let (dir, file) = file_for(twin.ports());
    let (out, called) = (dir.path().join("run"), dir.path().join("called"));
    let short = ["--trials", "2", "--set", "batch=2", "--set", "evaluation.every=2"];
    let call = format!("printf '%s' \"$RMRL_REASON\" > '{}'", called.display());
    let stopped = |command: &mut Command| {
        let mut driver = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        await_motion(&twin, &mut driver, 1);
        post(&twin, "fault", "protective-stop@0");
        let reason = || std::fs::read_to_string(&called).unwrap_or_default();
        for _ in 0..12_000 {
            if reason().contains("protective stop") {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(std::fs::remove_file(&called).is_ok(), "nobody was called");
        driver
    };
    let unlock = || {
        // Not in the first five seconds, says the manual.
        robot_time_passes(&twin, 6.0);
        post(&twin, "person", "unlock");
    };

    let unattended = [&short[..], &["--on-pause", &call]].concat();
    let unattended = stopped(&mut training(&file, &out, &unattended));
    let unattended = unattended.wait_with_output().unwrap();
    assert_eq!(unattended.status.code(), Some(3), "{}", text(&unattended.stderr));
    unlock();

    let attended = [&short[..], &["--attended", "--on-pause", &call]].concat();
    let mut refused = stopped(&mut training(&file, &out, &attended));
    refused.stdin.take().unwrap().write_all(b"perhaps\nno\n").unwrap();
    let refused = refused.wait_with_output().unwrap();
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused.stderr));
    assert_eq!(text(&refused.stderr).matches("Continue?").count(), 2, "asked until it is plain");
    unlock();

    let mut agreed = stopped(&mut training(&file, &out, &attended));
    unlock();
    let before = status(&twin)["actual_q"].clone();
    robot_time_passes(&twin, 2.0);
    assert_eq!(status(&twin)["actual_q"], before, "an unlocked arm is not yet an agreed one");
    agreed.stdin.take().unwrap().write_all(b"yes\n").unwrap();
    let agreed = agreed.wait_with_output().unwrap();
    assert!(agreed.status.success(), "{}", text(&agreed.stderr));

    let out = out.display().to_string();
    let told = rmrl(&["status", &out, "--json"]);
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["complete"], true, "{told}");
    let resumed: Vec<_> =
        told["pauses"].as_array().unwrap().iter().map(|p| &p["resumed"]).collect();
    assert_eq!(resumed, [false, false, true], "{told}");
    assert!(text(&rmrl(&["status", &out]).stdout).contains("protective stop"));

    let robot = file.display().to_string();
    let eval = ["eval", &out, "--backend", "real", "--robot", &robot, "--trials", "1", "--json"];
    let judged = rmrl(&eval);
    assert!(judged.status.success(), "{}", text(&judged.stderr));
    let judged: serde_json::Value = serde_json::from_slice(&judged.stdout).unwrap();
    assert_eq!(judged["phases"]["in-scene"]["of"], 1, "{judged}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
