//! What stops, what stays stopped, and what begins carefully.

use std::ops::ControlFlow;
use std::process::{Child, Stdio};
use std::time::Duration;

use rmrl::cell::{CellError, PlateAt, Snapshot, Unwatched, Watch, Workcell};
use rmrl::config::{Frame, Robot};
use rmrl::real::Site;
use rmrl::task::{Outcome, Pose2};
use rmrl::twin::Twin;

use super::bench::*;

#[test]
fn after_a_protective_stop_nothing_moves_in_that_session_and_nobody_unlocks_it() {
    let (twin, robot) = quiet_twin(FAST);
    let site = Site::new(&robot).unwrap();
    let mut cell = site.connect().unwrap();
    trial(&mut cell, Pose2::IDENTITY, Pose2::IDENTITY);
    post(&twin, "fault", "protective-stop@1.0");
    let stopped = cell.prepare(&setup(Pose2::IDENTITY), &mut Unwatched).unwrap_err();
    let CellError::NeedsPerson(stop) = &stopped else { panic!("{stopped}") };
    assert!(stop.reason.contains("protective stop"), "{stopped}");
    assert!(cell.recover(&mut Unwatched).is_err(), "the session is over");
    drop(cell);
    let mut again = site.connect().unwrap();
    let refused = again.recover(&mut Unwatched).unwrap_err().to_string();
    assert!(refused.contains("protective stop"), "still locked: {refused}");
}

#[test]
fn a_driver_killed_in_mid_motion_leaves_a_stopped_arm_and_resumes_with_recovery() {
    let (twin, _) = quiet_twin(4.0);
    let (dir, file) = file_for(twin.ports());
    let out = dir.path().join("run");
    let more = ["--trials", "6", "--set", "batch=6", "--set", "evaluation.every=6"];
    let mut train = training(&file, &out, &more);
    let barked = |twin: &Twin| status(twin)["events"].to_string().contains("watchdog");
    let mut kills = 0;
    while !barked(&twin) {
        kills += 1;
        assert!(kills < 12, "never killed in mid-motion");
        let mut driver = train.spawn().unwrap();
        await_motion(&twin, &mut driver, 1 + kills);
        // So that the motion outlasts the watchdog's half second.
        post(&twin, "fault", "speed-scaling=0.1@0+3");
        driver.kill().unwrap();
        driver.wait().unwrap();
        // The watchdog's silence, and the way to stop.
        robot_time_passes(&twin, 3.0);
        let stands = status(&twin)["actual_q"].clone();
        robot_time_passes(&twin, 1.0);
        assert_eq!(status(&twin)["actual_q"], stands, "nothing moves without a driver");
    }
    let resumed = to_the_end(&mut train);
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    let run = rmrl(&["status", &out.display().to_string(), "--json"]);
    let status: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(status["complete"], true, "{status}");
    // 6 of training, and in-scene and held-out at two checkpoints: each once.
    let counts = (status["trials"].as_u64(), status["of"].as_u64());
    assert_eq!(counts, (Some(10), Some(10)), "{status}");
}

/// The fastest that the tool was seen to move, mm/s, before and after it had gone 100 mm.
#[derive(Default)]
struct Speeds {
    last: Option<Snapshot>,
    gone_mm: f64,
    first: f64,
    later: f64,
}

impl Watch for Speeds {
    fn tick(&mut self, now: &Snapshot) -> ControlFlow<()> {
        if let Some(last) = &self.last {
            let off =
                now.world_from_tool.translation.vector - last.world_from_tool.translation.vector;
            let seconds = now.time.seconds - last.time.seconds;
            if seconds > 0.0 {
                let speed = off.norm() * 1e3 / seconds;
                let most = if self.gone_mm < 100.0 { &mut self.first } else { &mut self.later };
                *most = most.max(speed);
            }
            self.gone_mm += off.norm() * 1e3;
        }
        self.last = Some(now.clone());
        ControlFlow::Continue(())
    }
}

#[test]
fn a_session_moves_slowly_until_it_has_moved_far_enough_to_be_seen() {
    let (_twin, robot) = quiet_twin(FAST);
    let mut cell = Site::new(&robot).unwrap().connect().unwrap();
    let mut speeds = Speeds::default();
    cell.recover(&mut speeds).unwrap();
    cell.prepare(&setup(Pose2::IDENTITY), &mut speeds).unwrap();
    let free = robot.speeds.free_mm_s;
    let slow = free * robot.real.unwrap().first_motion_share;
    assert!(speeds.first < 1.1 * slow, "{} mm/s at first", speeds.first);
    assert!(speeds.later > 0.7 * free, "{} mm/s later", speeds.later);
}

/// Cancels once the cell is seen to carry, and remembers when each part of the script began and ended.
#[derive(Default)]
struct Parts {
    cancel: bool,
    seen: std::collections::BTreeMap<&'static str, (f64, f64)>,
}

impl Watch for Parts {
    fn tick(&mut self, now: &Snapshot) -> ControlFlow<()> {
        let at = now.time.seconds;
        self.seen.entry(now.segment).or_insert((at, at)).1 = at;
        let far = now.world_from_tool.translation.x > 0.25;
        if self.cancel && now.segment == "carry" && far {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// When and where the tool was first seen, had left from there, and was 95 mm away.
#[derive(Default)]
struct First {
    from: Option<Snapshot>,
    left: Option<(f64, f64)>,
    far: Option<(f64, f64)>,
}

impl First {
    /// On average over the first 95 mm, mm/s: a reading's noise counts little.
    fn speed(&self) -> Option<f64> {
        let ((began, from), (ended, to)) = (self.left?, self.far?);
        Some((to - from) / (ended - began))
    }
}

impl Watch for First {
    fn tick(&mut self, now: &Snapshot) -> ControlFlow<()> {
        let from = self.from.get_or_insert_with(|| now.clone());
        let off = now.world_from_tool.translation.vector - from.world_from_tool.translation.vector;
        let (at, mm) = (now.time.seconds, off.norm() * 1e3);
        if mm > 2.0 {
            self.left.get_or_insert((at, mm));
        }
        if mm > 95.0 {
            self.far.get_or_insert((at, mm));
        }
        ControlFlow::Continue(())
    }
}

/// It took 17 s to bring a plate back that was found in the hand: the first path was slow to its end.
#[test]
fn a_plate_found_in_the_hand_is_carried_back_slowly_for_the_first_100_mm_only() {
    let (_twin, robot) = quiet_twin(FAST);
    let site = Site::new(&robot).unwrap();
    let mut cell = site.connect().unwrap();
    cell.prepare(&setup(Pose2::IDENTITY), &mut Unwatched).unwrap();
    let mut cancel = Parts { cancel: true, ..Parts::default() };
    let cut = cell.attempt(Pose2::IDENTITY, &mut cancel).unwrap_err();
    assert!(matches!(cut, CellError::Cancelled), "{cut}");
    drop(cell);
    let (mut again, mut first) = (site.connect().unwrap(), First::default());
    assert_eq!(again.recover(&mut first).unwrap(), PlateAt::Pick);
    let slow = robot.speeds.contact_mm_s * robot.real.as_ref().unwrap().first_motion_share;
    let speed = first.speed().expect("it went far");
    assert!(speed < 1.1 * slow, "{speed} mm/s at first");
    drop(again);

    let mut cell = site.connect().unwrap();
    cell.prepare(&setup(Pose2::IDENTITY), &mut Unwatched).unwrap();
    let mut cancel = Parts { cancel: true, ..Parts::default() };
    cell.attempt(Pose2::IDENTITY, &mut cancel).unwrap_err();
    drop(cell);
    let mut parts = Parts::default();
    site.connect().unwrap().recover(&mut parts).unwrap();
    let (began, ended) = parts.seen["carry"];
    // Some 350 mm: 100 at 20 mm/s, the rest at 80.
    assert!((4.0..11.0).contains(&(ended - began)), "{:?}", parts.seen);
}

#[test]
fn a_driver_that_was_held_up_in_mid_motion_stops_the_arm() {
    let (twin, _) = quiet_twin(1.0);
    let (_dir, file) = file_for(twin.ports());
    let trial = ["trial", "--backend", "real", "--robot", &file.display().to_string()];
    let mut driver = std::process::Command::new(env!("CARGO_BIN_EXE_rmrl"))
        .args(trial)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first motion may be shorter than what follows.
    await_motion(&twin, &mut driver, 2);
    signal(&driver, "STOP");
    // Longer than a state may be old, shorter than the watchdog waits.
    std::thread::sleep(Duration::from_millis(300));
    signal(&driver, "CONT");
    let output = driver.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    // Either thread may wake first: the one that moves the arm, or the one that reads its states.
    let held_up = ["nobody saw the arm for", "no state for"].iter().any(|why| said.contains(why));
    assert!(held_up, "{said}");
    let began = std::time::Instant::now();
    while status(&twin)["moving"] == true {
        assert!(began.elapsed() < Duration::from_secs(5), "still moving: {}", status(&twin));
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn signal(driver: &Child, name: &str) {
    let pid = driver.id().to_string();
    let sent = std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap();
    assert!(sent.success());
}

fn truth(twin: &Twin) -> serde_json::Value {
    let address = format!("http://127.0.0.1:{}/truth", twin.ports().http);
    let text = ureq::get(&address).call().unwrap().body_mut().read_to_string().unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_clock_that_stands_before_a_motion_lets_nothing_move() {
    let (twin, robot) = quiet_twin(FAST);
    let mut cell = Site::new(&robot).unwrap().connect().unwrap();
    trial(&mut cell, Pose2::IDENTITY, Pose2::IDENTITY);
    post(&twin, "fault", "freeze-timestamps@0");
    robot_time_passes(&twin, 0.1);
    let stood = truth(&twin)["world_from_tool_m"].clone();
    let stopped = cell.prepare(&setup(Pose2::IDENTITY), &mut Unwatched).unwrap_err();
    assert!(stopped.to_string().contains("stale state"), "{stopped}");
    let stands = truth(&twin)["world_from_tool_m"].clone();
    for axis in 0..3 {
        let moved = stands[axis].as_f64().unwrap() - stood[axis].as_f64().unwrap();
        assert!(moved.abs() < 1e-5, "{stood} {stands}");
    }
}

#[test]
fn a_plate_that_lies_too_far_from_nominal_is_left_to_a_person() {
    let (twin, robot) = quiet_twin(FAST);
    let mut cell = Site::new(&robot).unwrap().connect().unwrap();
    post(&twin, "person", "plate 28,0,0");
    assert_eq!(cell.recover(&mut Unwatched).unwrap(), PlateAt::Pick);
    let steps = |twin: &Twin| status(twin)["actual_q"].clone();
    let stood = steps(&twin);
    let refused = cell.prepare(&setup(Pose2::IDENTITY), &mut Unwatched).unwrap_err();
    assert!(matches!(refused, CellError::NeedsPerson(_)), "{refused}");
    assert!(refused.to_string().contains("farther than it may be gripped"), "{refused}");
    assert_eq!(steps(&twin), stood);
    post(&twin, "person", "plate 2,0,0");
    assert_eq!(
        trial(&mut cell, Pose2::IDENTITY, Pose2::IDENTITY).outcome,
        Outcome::Placed,
        "a person has put it right"
    );
}

/// Presses the button once the cell is seen to do this.
struct PressWhile<'a>(&'a Twin, &'static str, bool);

impl Watch for PressWhile<'_> {
    fn tick(&mut self, now: &Snapshot) -> ControlFlow<()> {
        if now.segment == self.1 && !std::mem::replace(&mut self.2, true) {
            post(self.0, "fault", "emergency-stop@0");
        }
        ControlFlow::Continue(())
    }
}

#[test]
fn an_emergency_stop_while_the_fingers_close_is_told_as_what_it_is() {
    let (twin, robot) = quiet_twin(FAST);
    let mut cell = Site::new(&robot).unwrap().connect().unwrap();
    cell.prepare(&setup(Pose2::IDENTITY), &mut Unwatched).unwrap();
    let mut watch = PressWhile(&twin, "close", false);
    let stopped = cell.attempt(Pose2::IDENTITY, &mut watch).unwrap_err().to_string();
    assert!(stopped.contains("emergency stop"), "{stopped}");
}

#[test]
fn a_gripper_that_lost_its_power_with_the_plate_in_it_is_not_activated_before_a_person_comes() {
    let (twin, robot) = quiet_twin(FAST);
    let site = Site::new(&robot).unwrap();
    let mut cell = site.connect().unwrap();
    cell.prepare(&setup(Pose2::IDENTITY), &mut Unwatched).unwrap();
    let mut watch = PressWhile(&twin, "carry", false);
    let stopped = cell.attempt(Pose2::IDENTITY, &mut watch).unwrap_err().to_string();
    assert!(stopped.contains("emergency stop"), "{stopped}");
    drop(cell);
    post(&twin, "person", "release");
    robot_time_passes(&twin, 5.0);
    let opening = truth(&twin)["opening_mm"].as_f64().unwrap();
    let mut again = site.connect().unwrap();
    let refused = again.recover(&mut Unwatched).unwrap_err().to_string();
    assert!(refused.contains("gripper off"), "{refused}");
    let held = truth(&twin)["opening_mm"].as_f64().unwrap();
    assert!((held - opening).abs() < 0.1, "{opening} mm, then {held} mm");
    drop(again);
    post(&twin, "person", "hand");
    robot_time_passes(&twin, 1.0);
    post(&twin, "person", "plate 0,0,0");
    let mut after = site.connect().unwrap();
    assert_eq!(after.recover(&mut Unwatched).unwrap(), PlateAt::Pick);
}

#[test]
fn taught_places_decide_how_high_a_plate_is_carried() {
    let mut robot = Robot::named("ur5e-twin").unwrap();
    let drawn = Site::new(&robot).unwrap().plan();
    let higher = |mm: f64| {
        let base = robot.arm.as_ref().unwrap().model.world_from_base;
        let tool = drawn.target.world_from_place * drawn.plate_from_tool;
        let mut frame = Frame::from_isometry(&(base.inverse() * tool));
        frame.xyz_mm[2] += mm;
        frame
    };
    let (taught, far) = (higher(70.0), higher(130.0));
    let mut tilted = taught;
    tilted.rpy_deg[0] += 4.0;
    robot.real.as_mut().unwrap().place = Some(taught);
    let plan = Site::new(&robot).unwrap().plan();
    let at = |place: rmrl::cell::Place| (place, place.world_from_place * plan.plate_from_tool);
    let route = plan.route(at(plan.pick), at(plan.target));
    let seat = at(plan.target).1.translation.z;
    for segment in &route.carry {
        assert!(segment.world_from_tool.translation.z > seat, "{}", segment.name);
    }
    for wrong in [far, tilted] {
        robot.real.as_mut().unwrap().place = Some(wrong);
        let refused = Site::new(&robot).unwrap_err().to_string();
        assert!(refused.contains("real.place"), "{refused}");
    }
}

#[test]
fn what_cannot_go_together_is_refused_before_anything_connects() {
    let robot = "ur5e-twin";
    let real = |args: &[&str]| rmrl(&[args, &["--backend", "real", "--robot", robot]].concat());
    for (output, says) in [
        (real(&["trial", "--offset", "15,0,0"]), "--offset: correction x"),
        (real(&["trial", "--correction", "0,0,14"]), "--correction: correction yaw"),
        (real(&["trial", "--scene", "shelf"]), "real.scene"),
        (rmrl(&["trial", "--dry-run"]), "--dry-run"),
        (real(&["train", "drift", "--method", "rm-rl", "--seed", "1"]), "task.drift"),
        (real(&["train", "randomised", "--method", "rm-rl", "--seed", "1"]), "task.dirt"),
        (
            real(&[
                "train",
                "narrow",
                "--method",
                "rm-rl",
                "--seed",
                "1",
                "--set",
                "task.range.mm=14",
            ]),
            "task.range.mm",
        ),
    ] {
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(says), "{says}: {said}");
    }
}
