//! What a person does at the twin: jogging, so that teaching can be rehearsed, and the rest.

use std::process::Command;

use crate::client::{json, post, twin, upload, wait_for};

fn rmrl(url: &str, args: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_rmrl"))
        .arg("twin")
        .args(args)
        .args(["--at", url])
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[test]
fn the_arm_is_jogged_by_steps_of_the_tool_of_a_joint_and_to_a_pose() {
    let twin = twin(20.0);
    let ports = twin.ports();
    let url = format!("http://127.0.0.1:{}", ports.http);
    let tool = || -> Vec<f64> {
        serde_json::from_value(json(ports, "/status")["world_from_tool"]["xyz_mm"].clone()).unwrap()
    };
    let before = tool();
    let (code, said) = rmrl(&url, &["jog", "tool", "10,-5,20"]);
    assert_eq!(code, 0, "{said}");
    let after = tool();
    for (axis, by) in [10.0, -5.0, 20.0].into_iter().enumerate() {
        assert!((after[axis] - before[axis] - by).abs() < 0.01, "{before:?} {after:?}");
    }
    assert!(said.contains("xyz_mm"), "it tells where the tool is: {said}");
    let sixth = || json(ports, "/status")["actual_q"][5].as_f64().unwrap();
    let turned = sixth();
    assert_eq!(rmrl(&url, &["jog", "joint", "6,-10"]).0, 0);
    wait_for("the joint", || (sixth() - turned + 10_f64.to_radians()).abs() < 1e-3);
    assert_eq!(rmrl(&url, &["jog", "to", "-140,0,200,0,0,0"]).0, 0);
    assert!((tool()[2] - 200.0).abs() < 0.01);
}

#[test]
fn a_jog_that_cannot_be_is_refused_with_its_reason() {
    let twin = twin(20.0);
    let ports = twin.ports();
    let url = format!("http://127.0.0.1:{}", ports.http);
    let (code, said) = rmrl(&url, &["jog", "to", "1900,0,200,0,0,0"]);
    assert_eq!(code, 2, "out of reach: {said}");
    assert_eq!(rmrl(&url, &["jog", "joint", "7,1"]).0, 2);
    assert_eq!(rmrl(&url, &["jog", "joint", "1,700"]).0, 2, "beyond its range");
    let (code, said) = rmrl(&url, &["person", "dance"]);
    assert!(code == 2 && said.contains("unlock"), "{said}");
    upload(ports, "def works():\n  while True:\n    sync()\n  end\nend\n");
    wait_for("the program", || json(ports, "/status")["program"] == "works");
    let (code, said) = rmrl(&url, &["jog", "tool", "0,0,1"]);
    assert!(code == 2 && said.contains("a program is running"), "{said}");
    assert_eq!(post(ports, "/fault", "protective-stop"), 200);
    wait_for("the stop", || json(ports, "/status")["safety_mode"] == "PROTECTIVE_STOP");
    let (code, said) = rmrl(&url, &["jog", "tool", "0,0,1"]);
    assert!(code == 2 && said.contains("PROTECTIVE_STOP"), "{said}");
    let (code, said) = rmrl("http://127.0.0.1:1", &["person", "unlock"]);
    assert!(code == 1 && said.contains("is a twin running there"), "{said}");
}

#[test]
fn faults_and_verbs_are_listed_and_an_unknown_fault_names_those_that_there_are() {
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_rmrl")).args(args).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    };
    let (code, said) = run(&["twin", "--fault", "list"]);
    assert_eq!(code, 0, "{said}");
    for (fault, what) in rmrl::twin::Fault::LIST {
        assert!(said.contains(fault) && said.contains(what), "{fault}");
    }
    let (code, said) = run(&["twin", "--fault", "portective-stop"]);
    assert!(code == 2 && said.contains("protective-stop"), "{said}");
    let (code, said) = run(&["twin", "person", "list"]);
    assert!(code == 0 && said.contains("unlock"), "{said}");
}

#[test]
#[cfg(unix)]
fn an_interrupted_twin_does_not_promise_to_keep_anything() {
    use std::io::BufRead;
    let mut twin = Command::new(env!("CARGO_BIN_EXE_rmrl"))
        .args(["twin", "--ports", "free", "--json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufReader::new(twin.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("listening"), "{line}");
    let killed = Command::new("kill").args(["-INT", &twin.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = twin.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("the twin ends") && !said.contains("kept"), "{said}");
}

#[test]
fn a_jogged_arm_stands_when_the_door_opens() {
    let twin = twin(1.0);
    let ports = twin.ports();
    let q = || json(ports, "/status")["actual_q"][0].as_f64().unwrap();
    let before = q();
    let url = format!("http://127.0.0.1:{}", ports.http);
    let jog = std::thread::spawn(move || rmrl(&url, &["jog", "joint", "1,60"]));
    wait_for("the jog", || (q() - before).abs() > 0.01);
    post(ports, "/fault", "safeguard-stop");
    wait_for("the arm's rest", || json(ports, "/status")["moving"] == false);
    assert!((q() - before).abs() < 50_f64.to_radians(), "it went to its end");
    let (code, said) = jog.join().unwrap();
    assert_eq!(code, 1, "{said}");
}
