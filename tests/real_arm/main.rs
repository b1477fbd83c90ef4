//! The driver against the twin, over TCP: what moves here is what would move an arm.

mod bench;
mod env;
mod eyes;
mod safety;
mod ur10e;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rmrl::cell::conformance::{Repeat, Tolerance, conformance};
use rmrl::config::Robot;
use rmrl::real::{Site, Verdict, examine};
use rmrl::task::{Outcome, Pose2};

use bench::*;

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
fn a_base_that_is_off_is_a_line_of_the_doctors_and_stops_everybody_else() {
    let (twin, _) = quiet_twin(FAST);
    let (_dir, file) = file_for(twin.ports());
    let right = std::fs::read_to_string(&file).unwrap();
    let off = right.replacen("-620.0, 300.0, 0.0", "-900.0, 300.0, 0.0", 1);
    assert_ne!(off, right);
    std::fs::write(&file, off).unwrap();
    let file = file.display().to_string();
    let doctor = rmrl(&["doctor", "--robot", &file]);
    let said = text(&doctor.stdout);
    assert_eq!(doctor.status.code(), Some(1), "{said} {}", text(&doctor.stderr));
    let line = said.lines().find(|line| line.starts_with("WRONG base")).expect(&said);
    for part in ["home_deg (tool, mm) -420", "from -300 to 600", "measure arm.base again"] {
        assert!(line.contains(part), "{line}");
    }
    for check in ["load", "wake-ups", "priority"] {
        let named = |line: &&str| line.split_whitespace().nth(1) == Some(check);
        assert_eq!(said.lines().filter(named).count(), 1, "{said}");
    }
    let trial = rmrl(&["trial", "--backend", "real", "--robot", &file, "--dry-run"]);
    assert_eq!(trial.status.code(), Some(2), "{}", text(&trial.stderr));
}

#[test]
fn a_dry_run_plans_and_moves_nothing_and_the_doctor_speaks_on_the_command_line() {
    let (twin, _) = quiet_twin(FAST);
    let (_dir, file) = file_for(twin.ports());
    let file = file.display().to_string();
    let doctor = rmrl(&["doctor", "--robot", &file]);
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
    let joints = |twin: &rmrl::twin::Twin| status(twin)["actual_q"].clone();
    let before = joints(&twin);
    let trial = ["trial", "--backend", "real", "--robot", &file, "--dry-run"];
    let planned = rmrl(&trial);
    let text = String::from_utf8_lossy(&planned.stdout);
    assert!(planned.status.success() && text.contains("carry"), "{text}");
    assert_eq!(joints(&twin), before);
    let taught = rmrl(&["teach", &file, "view"]);
    assert!(taught.status.success(), "{}", String::from_utf8_lossy(&taught.stderr));
    let text = std::fs::read_to_string(&file).unwrap();
    let refused = rmrl(&["teach", &file, "pick"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "home is no place to grip a plate: {said}");
    assert!(said.contains("real.pick"), "{said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
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

#[test]
fn a_method_that_needs_what_an_arm_cannot_tell_is_refused_before_anything_moves() {
    let (twin, _) = quiet_twin(FAST);
    let (dir, file) = file_for(twin.ports());
    let joints = || status(&twin)["actual_q"].clone();
    let before = joints();
    let refused = training_of("oracle", &file, &dir.path().join("out"), &[]).output().unwrap();
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    for part in ["\"oracle\"", "needs the true offset", "offers it in simulation only"] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(joints(), before);
}

#[test]
fn a_comparison_on_the_arm_says_how_long_it_takes_and_makes_seed_after_seed() {
    let (twin, _) = quiet_twin(FAST);
    let (dir, file) = file_for(twin.ports());
    let out = dir.path().join("compared");
    let compare = |methods: &str, seeds: &str| {
        let mut compare = Command::new(env!("CARGO_BIN_EXE_rmrl"));
        compare
            .args(["compare", "smoke", "--methods", methods, "--seeds", seeds, "--trials", "2"])
            .args(["--set", "batch=2", "--set", "evaluation.every=2", "--set", "demonstration=[]"])
            .args(["--set", "evaluation.trials=1", "--resume", "--backend", "real", "--set"])
            .arg(format!("robot={}", file.display()))
            .arg("--out")
            .arg(&out);
        to_the_end(&mut compare)
    };
    let refused = compare("rm-rl,oracle", "2");
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("needs the true offset") && !out.exists(), "{said}");

    // Two methods, two seeds, 2 trials and 2 evaluations of 2 each; then a third seed. A command that a loaded
    // machine made stop says what is left when it is repeated.
    for (seeds, most) in [("2", 24), ("3", 12)] {
        let done = compare("no-correction,rm-rl", seeds);
        let said = text(&done.stderr);
        assert!(done.status.success(), "{said}");
        let (before, _) = said.split_once(" trials on the arm: at least 0.0 hours").unwrap();
        let trials: u64 = before.lines().last().unwrap().parse().unwrap();
        assert!(trials > 0 && trials <= most && trials.is_multiple_of(6), "{said}");
    }
    let summary = std::fs::read_to_string(out.join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["methods"].as_object().map(serde_json::Map::len), Some(2), "{summary}");
}

#[cfg(unix)]
#[test]
fn a_method_in_python_trains_on_the_arm() {
    let (twin, _) = quiet_twin(FAST);
    let (dir, file) = file_for(twin.ports());
    let method = dir.path().join("method.py");
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/method.py");
    std::fs::copy(template, &method).unwrap();
    let out = dir.path().join("run");
    let short = ["--trials", "4", "--set", "batch=2", "--set", "evaluation.every=4"];
    let mut train = training_of(&method.display().to_string(), &file, &out, &short);
    let trained = to_the_end(&mut train);
    assert!(trained.status.success(), "{}", text(&trained.stderr));

    let run = out.join("method/1.sqlite").display().to_string();
    let told = rmrl(&["status", &run, "--json"]);
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["complete"], true, "{told}");
    let db = rusqlite::Connection::open(&run).unwrap();
    let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT COUNT(*) FROM batch"), 2, "learned after each batch");
    let moved = "SELECT COUNT(*) FROM trial WHERE outcome = 'placed' AND abs(executed_x_mm - commanded_x_mm) < 1 AND commanded_x_mm != 0";
    assert!(count(moved) >= 4, "its corrections were carried out");
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
    assert!(text(&refused.stderr).contains("\"perhaps\" is neither"), "{}", text(&refused.stderr));
    unlock();

    let mut agreed = stopped(&mut training(&file, &out, &attended));
    unlock();
    let before = status(&twin)["actual_q"].clone();
    robot_time_passes(&twin, 2.0);
    assert_eq!(status(&twin)["actual_q"], before, "an unlocked arm is not yet an agreed one");
    agreed.stdin.take().unwrap().write_all(b"yes\n").unwrap();
    let agreed = agreed.wait_with_output().unwrap();
    assert!(agreed.status.success(), "{}", text(&agreed.stderr));
    let said = text(&agreed.stderr);
    for part in ["no-correction seed 1: trial ", " of 6 (", ") placed, off by ", "left of this run"]
    {
        assert!(said.contains(part), "a line a trial, with '{part}': {said}");
    }

    let out = out.display().to_string();
    let told = rmrl(&["status", &out, "--json"]);
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["complete"], true, "{told}");
    let resumed: Vec<_> =
        told["pauses"].as_array().unwrap().iter().map(|p| &p["resumed"]).collect();
    assert_eq!(resumed, [false, false, true], "{told}");
    assert!(text(&rmrl(&["status", &out]).stdout).contains("protective stop"));

    // A report of trials on an arm says so, and which; one of simulated trials holds no date.
    let report = std::fs::read_to_string(format!("{out}/report.md")).unwrap();
    for part in ["| backend | real, robot `lab`", "twin of UR5", "UTC", "--backend real --set"] {
        assert!(report.contains(part), "'{part}' is missing in {report}");
    }
    assert!(!report.contains("simulated (Rapier"), "{report}");
    let summary = std::fs::read_to_string(format!("{out}/summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["hardware"]["arms"], serde_json::json!(["twin of UR5"]), "{summary}");

    let robot = file.display().to_string();
    let eval = ["eval", &out, "--backend", "real", "--robot", &robot, "--trials", "1", "--json"];
    let judged = rmrl(&eval);
    assert!(judged.status.success(), "{}", text(&judged.stderr));
    let judged: serde_json::Value = serde_json::from_slice(&judged.stdout).unwrap();
    assert_eq!(judged["phases"]["in-scene"]["of"], 1, "{judged}");
}
