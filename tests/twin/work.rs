//! Programs, motion, gripper and plate.

use rmrl::wire::rtde::Value;

use crate::client::{Asks, Rtde, json, twin, twin_with, upload};

const STATE: [&str; 9] = [
    "actual_q",
    "target_q",
    "actual_qd",
    "actual_TCP_pose",
    "runtime_state",
    "robot_status_bits",
    "input_int_register_24",
    "output_int_register_24",
    "safety_mode",
];

/// Playing and stopped, as runtime_state has them.
const PLAYING: i32 = 2;
const STOPPED: i32 = 1;

#[test]
fn an_uploaded_program_moves_the_arm_to_where_it_says() {
    let twin = twin(5.0);
    let mut rtde = Rtde::stream(twin.ports(), 500.0, &STATE, &[]);
    let from = rtde.state().six("actual_q");
    let goal: Vec<String> =
        from.iter().enumerate().map(|(i, q)| (q + 0.1 * i as f64).to_string()).collect();
    upload(
        twin.ports(),
        &format!(
            "def go():\n  movej([{}], a=3, v=2)\n  write_output_integer_register(24, 7)\n\
             \n  sleep(0.5)\nend\n",
            goal.join(",")
        ),
    );
    let playing = rtde.until("the start", |s| s.int("runtime_state") == PLAYING);
    assert_eq!(playing.int("robot_status_bits") & 2, 2, "program running");
    let arrived = rtde.until("the arrival", |s| s.int("output_int_register_24") == 7);
    for (i, (at, from)) in arrived.six("target_q").into_iter().zip(from).enumerate() {
        assert!((at - from - 0.1 * i as f64).abs() < 1e-9, "joint {i}");
    }
    let rest = rtde.until("the end", |s| s.int("runtime_state") == STOPPED);
    for (at, target) in rest.six("actual_q").into_iter().zip(rest.six("target_q")) {
        assert!((at - target).abs() < 1e-3, "measured joints come to rest at their target");
    }
}

#[test]
fn the_tool_goes_straight_to_a_pose_and_the_tcp_counts() {
    let twin = twin(5.0);
    let mut rtde = Rtde::stream(twin.ports(), 500.0, &STATE, &[]);
    upload(
        twin.ports(),
        "def line():\n  set_tcp(p[0,0,0.17,0,0,0])\n  sync()\n  \
         global from = get_target_tcp_pose()\n  \
         movel(p[from[0]+0.05, from[1], from[2]-0.03, from[3], from[4], from[5]], a=2, v=0.4)\n  \
         write_output_integer_register(24, 1)\n  sleep(0.3)\nend\n",
    );
    let begun = rtde.until("the start", |s| s.int("runtime_state") == PLAYING);
    rtde.until("the arrival", |s| s.int("output_int_register_24") == 1);
    let rest = rtde.until("the end", |s| s.int("runtime_state") == STOPPED);
    let (from, to) = (begun.six("actual_TCP_pose"), rest.six("actual_TCP_pose"));
    for (axis, way) in [0.05, 0.0, -0.03].into_iter().enumerate() {
        assert!((to[axis] - from[axis] - way).abs() < 0.2e-3, "axis {axis}: {from:?} {to:?}");
    }
}

#[test]
fn an_unknown_function_is_refused_with_a_message() {
    let twin = twin(5.0);
    let mut rtde = Rtde::stream(twin.ports(), 500.0, &STATE, &[]);
    upload(twin.ports(), "def odd():\n  sync()\n  make_coffee(2)\n  sync()\nend\n");
    rtde.until_told("make_coffee");
    rtde.until("the end", |s| s.int("runtime_state") == STOPPED);
    upload(twin.ports(), "def broken(:\nend\n");
    rtde.until_told("program refused: line 1");
}

#[test]
fn a_new_program_takes_the_place_of_the_old_one() {
    let twin = twin(5.0);
    let mut rtde = Rtde::stream(twin.ports(), 500.0, &STATE, &[]);
    for number in [1, 2] {
        upload(
            twin.ports(),
            &format!(
                "def p():\n  while True:\n    write_output_integer_register(24, {number})\n    sync()\n  end\nend\n"
            ),
        );
        rtde.until("the program", |s| s.int("output_int_register_24") == number);
    }
    let mut dashboard = Asks::dashboard(twin.ports());
    assert_eq!(dashboard.ask("running"), "Program running: true");
    assert_eq!(dashboard.ask("pause"), "Pausing program");
    assert_eq!(dashboard.ask("programState"), "PAUSED p");
    assert_eq!(dashboard.ask("play"), "Starting program");
    assert_eq!(dashboard.ask("stop"), "Stopped");
    assert_eq!(dashboard.ask("running"), "Program running: false");
}

#[test]
fn in_local_control_no_program_is_taken() {
    let local = |robot: &mut rmrl::config::Robot| {
        robot.twin.as_mut().unwrap().remote_control = false;
    };
    let twin = twin_with(5.0, local);
    let mut rtde = Rtde::stream(twin.ports(), 500.0, &STATE, &[]);
    assert_eq!(Asks::dashboard(twin.ports()).ask("is in remote control"), "false");
    upload(twin.ports(), "def p():\n  movej([0,-1,1,0,0,0])\nend\n");
    rtde.until_told("local control");
}

const WATCHED: &str = "def watched():\n  rtde_set_watchdog(\"input_int_register_24\", 1, \"stop\")\n  \
    q = get_target_joint_positions()\n  movej([q[0]+1.5,q[1],q[2],q[3],q[4],q[5]], a=2, v=0.3)\n  \
    write_output_integer_register(24, 9)\nend\n";

#[test]
fn when_the_heartbeat_ends_the_arm_stops_on_its_way() {
    let twin = twin(2.0);
    let mut rtde = Rtde::stream(twin.ports(), 500.0, &STATE, &["input_int_register_24"]);
    upload(twin.ports(), WATCHED);
    rtde.until("the start", |s| s.int("runtime_state") == PLAYING);
    let mut number = 0;
    while rtde.state().six("actual_qd")[0] < 0.1 || number < 200 {
        number += 1;
        rtde.write(&[Value::Int32(number)]);
        assert_eq!(rtde.state().int("runtime_state"), PLAYING, "it beats");
    }
    // One second of robot time after the last beat arrived the program is over.
    let heard = rtde.until("the last beat", |s| s.int("input_int_register_24") == number);
    let stopped = rtde.until("the stop", |s| s.int("runtime_state") == STOPPED);
    let after = stopped.time() - heard.time();
    assert!((after - 1.0).abs() < 0.005, "stopped after {after} s");
    let rest = rtde.until("rest", |s| s.six("actual_qd").iter().all(|v| *v == 0.0));
    assert!(rest.time() - stopped.time() < 0.4, "it brakes within 0.4 s");
    assert_ne!(rest.int("output_int_register_24"), 9, "it did not arrive");
    rtde.until_told("watchdog");
}

#[test]
fn the_fingers_take_the_plate_and_carry_it() {
    let twin = twin(10.0);
    let ports = twin.ports();
    let mut gripper = Asks::gripper(ports);
    let mut rtde = Rtde::stream(ports, 125.0, &STATE, &[]);
    gripper.activate();
    assert_eq!(gripper.fingers(0).1, 3);

    // Where the tool has to go, as a driver would work it out: from the files.
    let plan = poses();
    let go = |rtde: &mut Rtde, poses: &[[f64; 6]], number: i32| {
        let moves: String =
            poses.iter().map(|p| format!("  movel(p{p:?}, a=1.2, v=0.25)\n")).collect();
        let tcp = &plan.tcp;
        upload(
            ports,
            &format!(
                "def go():\n  set_tcp(p{tcp:?})\n{moves}  sleep(0.2)\n  \
                 write_output_integer_register(24, {number})\nend\n"
            ),
        );
        rtde.until("the end of a move", |s| s.int("output_int_register_24") == number);
    };
    go(&mut rtde, &[plan.behind_pick, plan.pick], 1);
    let (position, object) = gripper.fingers(255);
    assert_eq!(object, 2, "a plate is between the fingers, at {position}");
    go(&mut rtde, &[plan.above_pick, plan.above_place, plan.place], 2);
    assert_eq!(gripper.get("OBJ"), 2, "still held");
    assert_eq!(gripper.fingers(0).1, 3);
    go(&mut rtde, &[plan.behind_place], 3);
    let seen = json(ports, "/placement");
    assert_eq!(seen["found"], true, "{}", json(ports, "/truth"));
    for axis in ["x_mm", "y_mm", "yaw_deg"] {
        assert!(seen[axis].as_f64().unwrap().abs() < 3.0, "{seen}");
    }
    assert_eq!(seen["seated"], true);
    assert!(seen["z_mm"].as_f64().unwrap().abs() < 0.5);
}

#[test]
fn what_resists_the_plate_is_felt_at_the_tool() {
    let twin = twin(10.0);
    let ports = twin.ports();
    let mut gripper = Asks::gripper(ports);
    let mut rtde = Rtde::stream(ports, 500.0, &["actual_TCP_force", "runtime_state"], &[]);
    gripper.activate();
    gripper.fingers(0);
    let plan = poses();
    let (tcp, behind, pick) = (plan.tcp, plan.behind_pick, plan.pick);
    let run = |rtde: &mut Rtde, moves: &str| {
        upload(ports, &format!("def go():\n  set_tcp(p{tcp:?})\n{moves}  sleep(0.3)\nend\n"));
        rtde.until("the start", |s| s.int("runtime_state") == PLAYING);
    };
    run(&mut rtde, &format!("  movel(p{behind:?}, a=1.2, v=0.25)\n  movel(p{pick:?})\n"));
    rtde.until("the end", |s| s.int("runtime_state") == STOPPED);
    assert_eq!(gripper.fingers(255).1, 2);
    let mut pressed = pick;
    pressed[2] -= 0.004;
    run(&mut rtde, &format!("  movel(p{pressed:?}, a=0.5, v=0.02)\n"));
    // The riser pushes up, the base frame's z.
    rtde.until("a resistance", |s| s.six("actual_TCP_force")[2] > 30.0);
}

/// Tool poses in the base frame, as the controller takes them.
pub struct Poses {
    pub tcp: [f64; 6],
    pub behind_pick: [f64; 6],
    pub pick: [f64; 6],
    pub above_pick: [f64; 6],
    pub above_place: [f64; 6],
    pub place: [f64; 6],
    pub behind_place: [f64; 6],
}

pub fn poses() -> Poses {
    use nalgebra::{Isometry3, Translation3};
    let robot = rmrl::config::Robot::named("ur5e-twin").unwrap();
    let scene = rmrl::config::Scene::named("open").unwrap();
    let plan = rmrl::cell::CellPlan::new(&scene, &robot);
    let arm = robot.arm.as_ref().unwrap();
    let six = |pose: Isometry3<f64>| {
        let (at, turn) = (pose.translation.vector, pose.rotation.scaled_axis());
        [at.x, at.y, at.z, turn.x, turn.y, turn.z]
    };
    let base = |world: Isometry3<f64>| six(arm.model.world_from_base.inverse() * world);
    let grip = plan.pick.world_from_place * plan.plate_from_tool;
    let seat = plan.target.world_from_place * plan.plate_from_tool;
    let up = |pose: Isometry3<f64>| Translation3::new(0.0, 0.0, 0.06) * pose;
    let behind = Translation3::new(-0.06, 0.0, 0.0);
    Poses {
        tcp: six(arm.model.flange_from_tool),
        behind_pick: base(grip * behind),
        pick: base(grip),
        above_pick: base(up(grip)),
        above_place: base(up(seat)),
        place: base(seat),
        behind_place: base(seat * behind),
    }
}
