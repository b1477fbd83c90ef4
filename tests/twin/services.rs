//! RTDE, dashboard, eyes: what is answered, and what is refused.

use rmrl::wire::primary::{KinematicsInfo, Packages};
use rmrl::wire::rtde::{FieldReply, ToClient, ToController, Value, outputs};
use std::io::{Read, Write};

use crate::client::{Asks, Rtde, connect, http, json, post, twin, upload, wait_for};

#[test]
fn every_documented_output_is_served_at_500_hz_of_robot_time() {
    let twin = twin(1.0);
    let fields: Vec<(String, _)> = outputs().collect();
    // A request holds 2048 bytes of names.
    for part in fields.chunks(60) {
        let mut client = Rtde::connect(twin.ports());
        let names: Vec<&str> = std::iter::once("timestamp")
            .chain(part.iter().map(|(name, _)| name.as_str()))
            .collect();
        let types = client.outputs(500.0, &names);
        for ((name, kind), reply) in part.iter().zip(&types[1..]) {
            assert_eq!(*reply, FieldReply::Is(*kind), "{name}");
        }
        client.start();
        let mut before = client.state().time();
        for _ in 0..50 {
            let now = client.state().time();
            assert!((now - before - 0.002).abs() < 1e-9, "{before} to {now}");
            before = now;
        }
    }
}

#[test]
fn a_client_gets_the_frequency_it_asks_for() {
    let twin = twin(4.0);
    let mut client = Rtde::stream(twin.ports(), 125.0, &["actual_q"], &[]);
    let first = client.state().time();
    assert!((client.state().time() - first - 0.008).abs() < 1e-9);
}

#[test]
fn the_first_protocol_version_has_neither_frequency_nor_recipe_numbers() {
    let twin = twin(4.0);
    let mut client = Rtde::connect(twin.ports());
    client.send(&ToController::Version(1));
    assert_eq!(client.next(), Some(ToClient::Version(true)));
    client.send_raw(&[0, 12, b'O', b't', b'i', b'm', b'e', b's', b't', b'a', b'm', b'p']);
    assert_eq!(client.frame().payload, b"DOUBLE");
    client.start();
    let time = |payload: Vec<u8>| f64::from_be_bytes(payload.try_into().unwrap());
    let first = time(client.frame().payload);
    assert!((time(client.frame().payload) - first - 0.002).abs() < 1e-9);
}

#[test]
fn versions_fields_and_inputs_in_use_are_refused() {
    let twin = twin(4.0);
    let mut client = Rtde::connect(twin.ports());
    client.send(&ToController::Version(7));
    assert_eq!(client.next(), Some(ToClient::Version(false)));
    assert_eq!(client.outputs(500.0, &["no_such_field"]), [FieldReply::NotFound]);
    assert!(matches!(client.inputs(&["input_int_register_24"])[0], FieldReply::Is(_)));

    let mut other = Rtde::connect(twin.ports());
    assert_eq!(other.inputs(&["input_int_register_24"]), [FieldReply::InUse]);
    drop(client);
    wait_for("the input's release", || {
        let mut third = Rtde::connect(twin.ports());
        matches!(third.inputs(&["input_int_register_24"])[0], FieldReply::Is(_))
    });
}

#[test]
fn inputs_are_what_programs_and_other_clients_read() {
    let twin = twin(4.0);
    let inputs = [
        "input_double_register_30",
        "input_bit_register_70",
        "speed_slider_mask",
        "speed_slider_fraction",
    ];
    let outputs = ["input_double_register_30", "input_bit_register_70", "target_speed_fraction"];
    let mut client = Rtde::stream(twin.ports(), 500.0, &outputs, &inputs);
    client.write(&[Value::Double(1.5), Value::Bool(true), Value::UInt32(1), Value::Double(0.25)]);
    let state =
        client.until("the inputs", |s| s.get("input_double_register_30") == Value::Double(1.5));
    assert_eq!(state.get("input_bit_register_70"), Value::Bool(true));
    assert_eq!(state.get("target_speed_fraction"), Value::Double(0.25));
}

#[test]
fn a_client_that_does_not_read_loses_packages_and_holds_up_nobody() {
    let twin = twin(50.0);
    let names = ["target_q", "target_qd", "actual_q", "actual_qd", "actual_TCP_pose"];
    let _deaf = Rtde::stream(twin.ports(), 500.0, &names, &[]);
    let mut other = Rtde::stream(twin.ports(), 10.0, &[], &[]);
    wait_for("a loss", || json(twin.ports(), "/status")["lost_packages"].as_u64() > Some(0));
    let before = other.state().time();
    other.until("time to go on", |s| s.time() > before + 10.0);
}

#[test]
fn power_brakes_and_modes_follow_the_dashboard() {
    let twin = twin(10.0);
    let mut dashboard = Asks::dashboard(twin.ports());
    assert_eq!(dashboard.ask("robotmode"), "Robotmode: RUNNING");
    assert_eq!(dashboard.ask("safetystatus"), "Safetystatus: NORMAL");
    assert_eq!(dashboard.ask("is in remote control"), "true");
    assert_eq!(dashboard.ask("play"), "Failed to execute: play");
    assert_eq!(dashboard.ask("power off"), "Powering off");
    assert_eq!(dashboard.ask("robotmode"), "Robotmode: POWER_OFF");
    assert_eq!(dashboard.ask("power on"), "Powering on");
    wait_for("power", || dashboard.ask("robotmode") == "Robotmode: IDLE");
    assert_eq!(dashboard.ask("brake release"), "Brake releasing");
    wait_for("the brakes", || dashboard.ask("robotmode") == "Robotmode: RUNNING");
    assert!(dashboard.ask("dance").contains("could not understand"));
    assert_eq!(dashboard.ask("quit"), "Disconnected");
}

#[test]
fn the_calibration_that_it_tells_is_the_one_it_computes_with() {
    let twin = twin(4.0);
    let mut stream = connect(twin.ports(), twin.ports().primary);
    let mut packages = Packages::default();
    let mut chunk = [0; 1024];
    let info = loop {
        let count = stream.read(&mut chunk).unwrap();
        packages.push(&chunk[..count]);
        if let Some(package) = packages.next_package().unwrap()
            && let Some(info) = KinematicsInfo::find(&package).unwrap()
        {
            break info;
        }
    };
    let outputs = ["actual_q", "actual_TCP_pose", "tcp_offset"];
    let mut client = Rtde::stream(twin.ports(), 500.0, &outputs, &[]);
    // A lab's installation sets the tool; here the flange is asked for.
    upload(twin.ports(), "set_tcp(p[0, 0, 0, 0, 0, 0])\n");
    let state = client.until("the flange", |s| s.six("tcp_offset") == [0.0; 6]);
    let told = flange(&info, state.six("actual_q"));
    let pose = state.six("actual_TCP_pose");
    let off = |at: [f64; 3]| (0..3).map(|i| (at[i] - pose[i]).powi(2)).sum::<f64>().sqrt();
    assert!(off(told) < 1e-9, "{told:?} {pose:?}");
    let nominal = rmrl::arm::Kinematics::ur5e().forward(&state.six("actual_q").into());
    let nominal = off(nominal.translation.vector.into());
    assert!(nominal > 0.2e-3, "nominal kinematics are off by {nominal} m only");
}

/// Where the flange is, from nothing but the table of Denavit and Hartenberg.
fn flange(info: &KinematicsInfo, q: [f64; 6]) -> [f64; 3] {
    let mut at = nalgebra::Matrix4::<f64>::identity();
    for (i, q) in q.into_iter().enumerate() {
        let (st, ct) = (q + info.theta[i]).sin_cos();
        let (sa, ca) = info.alpha[i].sin_cos();
        let (a, d) = (info.a[i], info.d[i]);
        at *= nalgebra::Matrix4::new(
            ct,
            -st * ca,
            st * sa,
            a * ct,
            st,
            ct * ca,
            -ct * sa,
            a * st,
            0.0,
            sa,
            ca,
            d,
            0.0,
            0.0,
            0.0,
            1.0,
        );
    }
    [at[(0, 3)], at[(1, 3)], at[(2, 3)]]
}

#[test]
fn the_eyes_see_the_plate_with_noise_and_say_when_there_is_none() {
    let twin = twin(10.0);
    let ports = twin.ports();
    assert_eq!(post(ports, "/person", "plate 4,-2,3"), 200);
    let seen = json(ports, "/pick");
    assert_eq!(seen["found"], true);
    for (axis, wanted) in [("x_mm", 4.0), ("y_mm", -2.0), ("yaw_deg", 3.0)] {
        let off = seen[axis].as_f64().unwrap() - wanted;
        assert!(off.abs() < 1.2, "{axis}: {seen}");
    }
    assert_ne!(json(ports, "/pick"), seen, "each look has a noise of its own");
    assert_eq!(json(ports, "/placement")["found"], false);
    let picture = |path: &str| {
        let (status, picture) = http(ports, "GET", path, "");
        assert_eq!((status, picture.len()), (200, b"P5\n64 64\n255\n".len() + 64 * 64));
        picture.iter().filter(|light| **light > 160).count()
    };
    let (pick, target) = (picture("/view"), picture("/view/target"));
    assert!(pick > 500 && target < 50, "the bright plate is at the pick place: {pick} {target}");
    assert_eq!(post(ports, "/fault", "lost-plate"), 200);
    wait_for("the loss", || json(ports, "/pick")["found"] == false);
    assert_eq!(post(ports, "/fault", "lost-plat"), 400);
    assert_eq!(post(ports, "/person", "dance"), 400);
}

#[test]
fn whoever_stalls_in_the_midst_of_a_request_holds_up_nobody() {
    let twin = twin(10.0);
    let ports = twin.ports();
    let upgrade = "Content-Length: 4\r\nConnection: Upgrade\r\nUpgrade: websocket";
    let lengths = ["Content-Length: 20", "Content-Length: 2000", "Transfer-Encoding: chunked"];
    for headers in lengths.into_iter().chain([upgrade]) {
        let mut stalled = connect(ports, ports.http);
        let request = format!("POST /fault HTTP/1.1\r\nHost: twin\r\n{headers}\r\n\r\nlost");
        stalled.write_all(request.as_bytes()).unwrap();
        assert_eq!(json(ports, "/pick")["found"], true, "{headers}");
        std::mem::forget(stalled);
    }
}
