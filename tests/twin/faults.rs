//! Each fault has the effect that its documentation promises.

use rmrl::wire::rtde::{FieldReply, Value};

use crate::client::{Asks, Rtde, json, post, twin, upload, wait_for};

const STATE: [&str; 6] = [
    "actual_qd",
    "runtime_state",
    "safety_mode",
    "robot_mode",
    "speed_scaling",
    "safety_status_bits",
];

const MOVING: &str = "def moving():\n  q = get_target_joint_positions()\n  while True:\n    \
    movej([q[0]+0.4,q[1],q[2],q[3],q[4],q[5]], a=2, v=0.3)\n    movej(q, a=2, v=0.3)\n  end\nend\n";

fn moves(rtde: &mut Rtde) -> f64 {
    rtde.until("motion", |s| s.six("actual_qd")[0].abs() > 0.2).time()
}

fn rests(rtde: &mut Rtde) -> f64 {
    rtde.until("rest", |s| s.six("actual_qd").iter().all(|v| *v == 0.0)).time()
}

#[test]
fn a_protective_stop_ends_the_program_and_waits_for_a_person() {
    let twin = twin(5.0);
    let ports = twin.ports();
    let mut rtde = Rtde::stream(ports, 500.0, &STATE, &[]);
    upload(ports, MOVING);
    moves(&mut rtde);
    post(ports, "/fault", "protective-stop");
    let stop = rtde.until("the stop", |s| s.int("safety_mode") == 3);
    assert_eq!(stop.int("safety_status_bits") & 4, 4);
    assert_eq!(stop.int("runtime_state"), 1);
    assert!(rests(&mut rtde) - stop.time() < 0.4);
    upload(ports, MOVING);
    rtde.until_told("program refused");
    let mut dashboard = Asks::dashboard(ports);
    assert!(dashboard.ask("unlock protective stop").starts_with("Cannot unlock"));
    wait_for("the unlocking", || post(ports, "/person", "unlock") == 200);
    assert_eq!(dashboard.ask("safetystatus"), "Safetystatus: NORMAL");
    for _ in 0..100 {
        assert_eq!(rtde.state().six("actual_qd"), [0.0; 6], "nothing moves by itself");
    }
    upload(ports, MOVING);
    moves(&mut rtde);
}

#[test]
fn an_emergency_stop_cuts_the_power() {
    let twin = twin(5.0);
    let ports = twin.ports();
    let mut rtde = Rtde::stream(ports, 500.0, &STATE, &[]);
    upload(ports, MOVING);
    moves(&mut rtde);
    post(ports, "/fault", "emergency-stop");
    let stop = rtde.until("the stop", |s| s.int("safety_mode") == 7);
    assert_eq!((stop.int("robot_mode"), stop.int("runtime_state")), (3, 1));
    rests(&mut rtde);
    post(ports, "/person", "release");
    rtde.until("power", |s| s.int("robot_mode") == 7 && s.int("safety_mode") == 1);
    upload(ports, MOVING);
    moves(&mut rtde);
}

#[test]
fn an_open_door_makes_the_program_wait() {
    let twin = twin(5.0);
    let mut rtde = Rtde::stream(twin.ports(), 500.0, &STATE, &[]);
    upload(twin.ports(), MOVING);
    moves(&mut rtde);
    post(twin.ports(), "/fault", "safeguard-stop+2");
    let stop = rtde.until("the stop", |s| s.int("safety_mode") == 5);
    assert_eq!(stop.int("runtime_state"), 4, "paused");
    rests(&mut rtde);
    rtde.until("the closed door", |s| s.int("safety_mode") == 1 && s.int("runtime_state") == 2);
    moves(&mut rtde);
}

#[test]
fn frozen_timestamps_keep_coming_and_stay_the_same() {
    let twin = twin(5.0);
    let mut rtde = Rtde::stream(twin.ports(), 500.0, &STATE, &[]);
    post(twin.ports(), "/fault", "freeze-timestamps+1");
    let mut before = rtde.state().time();
    let mut same = 0;
    while same < 400 {
        let now = rtde.state().time();
        same = if now == before { same + 1 } else { 0 };
        before = now;
    }
    rtde.until("the thaw", |s| s.time() > before);
}

#[test]
fn a_dropped_connection_is_cut_and_can_be_made_again_later() {
    let twin = twin(5.0);
    let ports = twin.ports();
    let mut rtde = Rtde::stream(ports, 500.0, &STATE, &[]);
    post(ports, "/fault", "drop-connection+2");
    while rtde.next().is_some() {}
    wait_for("a connection that lasts", || {
        let stream = std::net::TcpStream::connect((ports.host, ports.dashboard)).unwrap();
        let mut banner = [0; 1];
        stream.set_read_timeout(Some(crate::client::PATIENCE)).unwrap();
        matches!(std::io::Read::read(&mut &stream, &mut banner), Ok(1))
    });
    Rtde::stream(ports, 500.0, &STATE, &[]).state();
}

#[test]
fn recipes_can_be_refused() {
    let twin = twin(5.0);
    post(twin.ports(), "/fault", "refuse-recipe");
    wait_for("the refusal", || {
        let mut rtde = Rtde::connect(twin.ports());
        rtde.outputs(500.0, &["timestamp"]) == [FieldReply::NotFound]
            && rtde.inputs(&["input_int_register_24"]) == [FieldReply::InUse]
    });
}

#[test]
fn packages_can_come_late() {
    let twin = twin(1.0);
    let mut rtde =
        Rtde::stream(twin.ports(), 500.0, &["input_int_register_30"], &["input_int_register_30"]);
    let delay = |rtde: &mut Rtde, number: i32| {
        let sent = rtde.state().time();
        rtde.write(&[Value::Int32(number)]);
        let back = rtde.until("the echo", |s| s.int("input_int_register_30") == number);
        let now = json(twin.ports(), "/status")["time_s"].as_f64().unwrap();
        (sent, now - back.time())
    };
    delay(&mut rtde, 1);
    post(twin.ports(), "/fault", "late-packets=500");
    rtde.until_told("LatePackets");
    let before = rtde.state().time();
    rtde.until("late packages", |s| s.time() > before + 0.1);
    let (_, late) = delay(&mut rtde, 2);
    assert!(late > 0.45, "{late} s");
}

#[test]
fn speed_scaling_stretches_the_motion() {
    let twin = twin(5.0);
    let mut rtde = Rtde::stream(twin.ports(), 500.0, &STATE, &[]);
    post(twin.ports(), "/fault", "speed-scaling=0.25");
    rtde.until("scaling", |s| s.get("speed_scaling") == Value::Double(0.25));
    upload(twin.ports(), MOVING);
    let mut fastest = 0.0f64;
    for _ in 0..2500 {
        fastest = fastest.max(rtde.state().six("actual_qd")[0].abs());
    }
    assert!((fastest - 0.075).abs() < 2e-3, "{fastest} rad/s");
}

#[test]
fn a_jammed_gripper_stands_still_wide_open_and_reports_a_contact() {
    let twin = twin(5.0);
    let mut gripper = Asks::gripper(twin.ports());
    gripper.activate();
    gripper.fingers(0);
    post(twin.ports(), "/fault", "gripper-jam");
    wait_for("the jam", || !json(twin.ports(), "/status")["events"].as_array().unwrap().is_empty());
    assert_eq!(gripper.fingers(255), (3, 2));
}

#[test]
fn local_control_and_reduced_mode_are_told() {
    let twin = twin(5.0);
    let mut rtde = Rtde::stream(twin.ports(), 500.0, &STATE, &[]);
    post(twin.ports(), "/fault", "local-control");
    post(twin.ports(), "/fault", "reduced+1");
    let mut dashboard = Asks::dashboard(twin.ports());
    wait_for("local control", || dashboard.ask("is in remote control") == "false");
    rtde.until("reduced", |s| s.int("safety_mode") == 2);
    rtde.until("normal", |s| s.int("safety_mode") == 1);
}
