//! What a controller stops, the twin stops: programs that cannot run, motions that cannot end, joints
//! beyond their range, too much force.

use rmrl::wire::SafetyMode;
use rmrl::wire::rtde::Value;

use crate::client::{Asks, Rtde, events, json, post, twin, upload, wait_for};

/// Uploads a program and waits until an event tells this of it.
fn told(ports: rmrl::twin::Ports, program: &str, part: &str) -> String {
    upload(ports, program);
    let mut found = None;
    wait_for(part, || {
        found = events(ports).into_iter().find(|what| what.contains(part));
        found.is_some()
    });
    found.unwrap()
}

/// A joint move of the arm's own joints, with this acceleration, speed and first joint's way.
fn movej(first_by: f64, arguments: &str) -> String {
    format!(
        "def prog():\n  global q = get_actual_joint_positions()\n  q[0] = q[0] + {first_by}\n  \
         movej(q, {arguments})\n  textmsg(\"after\")\nend\n"
    )
}

#[test]
fn a_program_that_cannot_run_is_refused_when_it_arrives_and_the_one_that_runs_goes_on() {
    let twin = twin(5.0);
    let ports = twin.ports();
    upload(ports, "def works():\n  while True:\n    sync()\n  end\nend\n");
    wait_for("the program", || json(ports, "/status")["program"] == "works");
    for (line, says) in [
        ("socket_open(\"10.0.0.1\", 80)", "line 3: 'socket_open' is not played here"),
        ("dance()", "line 3: there is no function 'dance'"),
        ("movej()", "line 3: 'movej' needs 'q'"),
        ("x = nobody", "line 3: the variable 'nobody' has no value"),
    ] {
        let program = format!("def late():\n  sleep(100)\n  {line}\nend\n");
        assert!(told(ports, &program, says).starts_with("program refused"), "{line}");
    }
    assert_eq!(json(ports, "/status")["program"], "works");
    assert_eq!(json(ports, "/status")["runtime_state"], "PLAYING");
}

#[test]
fn a_secondary_program_runs_beside_the_main_one_and_takes_no_time() {
    let twin = twin(5.0);
    let ports = twin.ports();
    let fields = ["actual_digital_output_bits", "output_int_register_24", "runtime_state"];
    let mut rtde = Rtde::stream(ports, 500.0, &fields, &[]);
    upload(
        ports,
        "def mainloop():\n  global n = 0\n  while True:\n    n = n + 1\n    \
         write_output_integer_register(24, n)\n    sync()\n  end\nend\n",
    );
    rtde.until("the main program", |s| s.int("output_int_register_24") > 10);
    upload(ports, "sec light():\n  set_digital_out(1, True)\nend\n");
    let lit = rtde.until("the light", |s| s.get("actual_digital_output_bits") == Value::UInt64(2));
    let before = lit.int("output_int_register_24");
    let after = rtde.until("some time", |s| s.int("output_int_register_24") > before + 50);
    assert_eq!(after.int("runtime_state"), 2, "the main program still plays");
    told(ports, "sec moves():\n  movej([0,0,0,0,0,0])\nend\n", "may not");
    let endless = "sec ever():\n  n = 0\n  while True:\n    n = n + 1\n  end\nend\n";
    told(ports, endless, "must end within");
    assert_eq!(json(ports, "/status")["program"], "mainloop");
}

#[test]
fn a_motion_that_cannot_end_is_a_program_error_with_its_line() {
    let twin = twin(10.0);
    let ports = twin.ports();
    for arguments in ["a=0, v=1", "a=1, v=0", "a=1, v=-1", "a=1, v=1e-9"] {
        upload(ports, &movej(0.1, arguments));
        wait_for("the error", || {
            let errors = events(ports);
            errors.last().is_some_and(|what| what.starts_with("program stopped: line 4: movej"))
        });
        let status = json(ports, "/status");
        assert_eq!(
            (&status["runtime_state"], &status["moving"]),
            (&"STOPPED".into(), &false.into())
        );
        // So that the next one is told anew.
        told(ports, &format!("textmsg(\"{arguments}\")\n"), arguments);
    }
    // No way, and no number for how long it takes: over at once, or an error, but not for ever.
    upload(ports, &movej(0.0, "a=1e300, v=1e300"));
    wait_for("its end", || {
        let said = events(ports);
        let stopped = said.last().is_some_and(|what| what.starts_with("program stopped"));
        stopped || said.iter().any(|what| what.contains("after"))
    });
    wait_for("rest", || json(ports, "/status")["runtime_state"] == "STOPPED");
    let line = "def prog():\n  movel(get_actual_tcp_pose(), a=1, v=0)\nend\n";
    assert!(told(ports, line, "movel").contains("line 2"));
}

#[test]
fn no_joint_goes_beyond_its_range_and_what_is_within_limits_is_told_truly() {
    let twin = twin(20.0);
    let ports = twin.ports();
    let said = told(ports, &movej(9.0, "a=10, v=3"), "program stopped: line 4");
    assert!(said.contains("360"), "{said}");
    assert_eq!(json(ports, "/status")["safety_mode"], "NORMAL");
    let ask = |name: &str, what: &str| {
        format!("def ask():\n  textmsg(\"{name} \", is_within_safety_limits({what}))\nend\n")
    };
    told(ports, &ask("far", "p[3,0,0,0,0,0]"), "far False");
    told(ports, &ask("beyond", "[9,-1.7,-2.2,-2.3,-2.1,0]"), "beyond False");
    told(ports, &ask("here", "get_actual_tcp_pose()"), "here True");

    // A speed without an end runs into the range, and a protective stop it is.
    upload(ports, "def spin():\n  speedj([0,0,0,0,0,2], 5, 60)\nend\n");
    wait_for("the stop", || json(ports, "/status")["safety_mode"] == "PROTECTIVE_STOP");
    assert!(events(ports).iter().any(|what| what.contains("joint 6 would go to 360")));
    let q = json(ports, "/status")["actual_q"][5].as_f64().unwrap();
    assert!((6.0..=std::f64::consts::TAU + 1e-6).contains(&q), "stopped within its range, at {q}");
}

#[test]
fn a_hand_pressed_into_the_table_is_stopped_until_a_person_unlocks_it() {
    pressed_from("-140,0,120,0,0,0");
}

#[test]
fn a_hand_pressed_onto_the_plate_is_stopped_until_a_person_unlocks_it() {
    pressed_from("-20,0,160,0,0,0");
}

/// The hand goes down from a pose in the world.
fn pressed_from(pose: &str) {
    let twin = twin(10.0);
    let ports = twin.ports();
    let mut dashboard = Asks::dashboard(ports);
    assert_eq!(post(ports, "/person", &format!("jog to {pose}")), 200);
    wait_for("the way", || json(ports, "/status")["moving"] == false);
    upload(
        ports,
        "def press():\n  speedl([0, 0, -0.05, 0, 0, 0], 0.5, 20)\n  textmsg(\"unharmed\")\nend\n",
    );
    wait_for("the stop", || json(ports, "/status")["safety_mode"] == "PROTECTIVE_STOP");
    let said = events(ports);
    assert!(said.iter().any(|what| what.starts_with("force limit")), "{said:?}");
    let at = || json(ports, "/truth")["world_from_tool_m"][2].as_f64().unwrap();
    let time = || json(ports, "/status")["time_s"].as_f64().unwrap();
    let (stopped, begun) = (at(), time());
    wait_for("time", || time() > begun + 6.0);
    assert_eq!(json(ports, "/status")["safety_mode"], "PROTECTIVE_STOP", "time unlocks nothing");
    assert!((at() - stopped).abs() < 1e-4, "it does not press on");
    assert_eq!(dashboard.ask("unlock protective stop"), "Protective stop releasing");
    assert_eq!(post(ports, "/person", "jog tool 0,0,40"), 200, "and is led out again");
    wait_for("the way out", || at() > stopped + 0.039);
    assert_eq!(json(ports, "/status")["safety_mode"], "NORMAL");
}

#[test]
fn a_force_past_the_limit_is_a_protective_stop() {
    let twin = twin(10.0);
    let ports = twin.ports();
    let mut rtde = Rtde::stream(ports, 500.0, &["safety_mode"], &[]);
    assert_eq!(post(ports, "/fault", "press=140"), 200);
    let begun = rtde.state().time();
    let under = rtde.until("a while", |s| s.time() > begun + 1.0);
    assert_eq!(under.int("safety_mode"), SafetyMode::Normal.number());
    assert_eq!(post(ports, "/fault", "press=160"), 200);
    rtde.until("the stop", |s| s.int("safety_mode") == SafetyMode::ProtectiveStop.number());
}
