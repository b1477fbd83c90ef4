//! The states on 30001 to 30003.

use std::io::{Read, Write};
use std::net::TcpStream;

use rmrl::twin::Ports;
use rmrl::wire::primary::{KinematicsInfo, Package, Packages};
use rmrl::wire::realtime::{RealTime, SIZE};
use rmrl::wire::robot_state::{Configuration, RobotState};

use crate::client::{connect, json, post, twin, upload, wait_for};

/// A client of the primary or the secondary interface.
struct Watcher {
    stream: TcpStream,
    packages: Packages,
}

impl Watcher {
    fn connect(ports: Ports, port: u16) -> Self {
        Self { stream: connect(ports, port), packages: Packages::default() }
    }

    fn next(&mut self) -> Package {
        let mut chunk = [0; 4096];
        loop {
            if let Some(package) = self.packages.next_package().unwrap() {
                return package;
            }
            let count = self.stream.read(&mut chunk).unwrap();
            assert!(count > 0, "the connection was cut");
            self.packages.push(&chunk[..count]);
        }
    }

    fn state(&mut self) -> RobotState {
        RobotState::find(&self.next()).unwrap().expect("a state")
    }
}

fn packet(stream: &mut TcpStream) -> RealTime {
    let mut bytes = [0; SIZE];
    stream.read_exact(&mut bytes).unwrap();
    RealTime::first(&bytes).unwrap().unwrap()
}

#[test]
fn both_interfaces_begin_with_the_version_and_the_calibration_and_tell_ten_states_a_second() {
    let twin = twin(4.0);
    let ports = twin.ports();
    for port in [ports.primary, ports.secondary] {
        let mut watcher = Watcher::connect(ports, port);
        assert_eq!(watcher.next().kind, 20, "the version comes first");
        let first = watcher.next();
        assert!(KinematicsInfo::find(&first).unwrap().is_some());
        let configuration = Configuration::find(&first).unwrap().unwrap();
        assert_eq!(configuration.joint_limits[0][1], std::f64::consts::TAU);
        let before = watcher.state();
        let after = watcher.state();
        assert_eq!(after.mode.timestamp_us - before.mode.timestamp_us, 100_000);
        assert!(after.mode.powered && after.mode.robot_mode == 7);
    }
}

#[test]
fn a_state_and_a_packet_tell_what_moves_and_what_stopped() {
    let twin = twin(4.0);
    let ports = twin.ports();
    let mut watcher = Watcher::connect(ports, ports.secondary);
    watcher.next();
    let mut real_time = connect(ports, ports.script);
    let first = packet(&mut real_time);
    let second = packet(&mut real_time);
    assert!((second.time - first.time - 0.002).abs() < 1e-9, "500 a second");
    assert_eq!(second.robot_mode, 7.0);
    // The same connection takes programs.
    real_time.write_all(b"def light():\n  digital_out[2]=True\n  sleep(30)\nend\n").unwrap();
    loop {
        let state = watcher.state();
        if state.mode.program_running && state.masterboard.digital_out == 4 {
            assert_eq!(state.joints[0].mode, 253);
            break;
        }
    }
    while packet(&mut real_time).digital_out != 4.0 {}
    assert_eq!(post(ports, "/fault", "protective-stop"), 200);
    while !watcher.state().mode.protective_stopped {}
    while packet(&mut real_time).safety_mode != 3.0 {}
}

#[test]
fn who_reads_nothing_on_these_ports_holds_up_nobody_and_still_moves_the_arm() {
    let twin = twin(50.0);
    let ports = twin.ports();
    let mut deaf = connect(ports, ports.script);
    let _deaf_too = Watcher::connect(ports, ports.primary);
    wait_for("a loss", || json(ports, "/status")["lost_packages"].as_u64() > Some(0));
    let before = json(ports, "/status")["time_s"].as_f64().unwrap();
    wait_for("time to go on", || {
        json(ports, "/status")["time_s"].as_f64().unwrap() > before + 10.0
    });
    deaf.write_all(b"def still():\n  set_digital_out(0, True)\n  sleep(1000)\nend\n").unwrap();
    wait_for("its program", || json(ports, "/status")["program"] == "still");
}

#[test]
fn the_primary_interface_tells_a_programs_mistake_with_its_line() {
    let twin = twin(4.0);
    let ports = twin.ports();
    let mut watcher = Watcher::connect(ports, ports.primary);
    // Who is told something is known to the twin: what comes sooner is told to nobody.
    watcher.next();
    upload(ports, "def late():\n  sleep(0.1)\n  dance()\nend\n");
    let says = (0..1000).any(|_| {
        let package = watcher.next();
        let text = String::from_utf8_lossy(&package.payload).into_owned();
        package.kind == 20 && text.contains("line 3: there is no function 'dance'")
    });
    assert!(says, "a hundred seconds of states and no word of it");
}

/// What a driver or a client can ask for, against what the simulator knows.
#[test]
fn nothing_on_the_wire_is_the_worlds_truth() {
    let twin = twin(10.0);
    let ports = twin.ports();
    let truth: Vec<f64> =
        serde_json::from_value(json(ports, "/truth")["world_from_tool_m"].clone()).unwrap();
    let robot = rmrl::config::Robot::named("ur5e-twin").unwrap();
    let world_from_base = robot.arm.unwrap().model.world_from_base;
    let off = |pose: [f64; 6]| {
        let at = world_from_base * nalgebra::Point3::new(pose[0], pose[1], pose[2]);
        (0..3).map(|i| (at[i] - truth[i]).powi(2)).sum::<f64>().sqrt()
    };
    let mut watcher = Watcher::connect(ports, ports.primary);
    watcher.next();
    let mut real_time = connect(ports, ports.script);
    let mut rtde =
        crate::client::Rtde::stream(ports, 500.0, &["actual_TCP_pose", "target_TCP_pose"], &[]);
    let state = rtde.state();
    let packet = packet(&mut real_time);
    let told = [
        ("RTDE, measured", state.six("actual_TCP_pose")),
        ("RTDE, asked for", state.six("target_TCP_pose")),
        ("30001", watcher.state().pose),
        ("30003, measured", packet.actual_pose),
        ("30003, asked for", packet.target_pose),
    ];
    for (where_from, pose) in told {
        let off = off(pose);
        assert!((5e-6..5e-3).contains(&off), "{where_from} is off by {off} m");
    }
    // Two looks differ, and none is what is so.
    assert_eq!(post(ports, "/person", "plate 3,-1,2"), 200);
    let truth = json(ports, "/truth");
    let (one, two) = (json(ports, "/pick"), json(ports, "/pick"));
    for key in ["x_mm", "y_mm", "yaw_deg"] {
        assert_ne!(one[key], two[key], "{key}");
        assert_ne!(one[key], truth["offset"][key], "{key}");
    }
    // The fingers are read in whole counts of their range.
    let mut gripper = crate::client::Asks::gripper(ports);
    gripper.activate();
    gripper.fingers(100);
    let opening = json(ports, "/truth")["opening_mm"].as_f64().unwrap();
    let read = (230.0 - gripper.get("POS") as f64) / 227.0 * 40.0;
    assert!((read - opening).abs() > 1e-6 && (read - opening).abs() < 0.3, "{read} {opening}");
    upload(ports, "textmsg(\"done\")\n");
}
