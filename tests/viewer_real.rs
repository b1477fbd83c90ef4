//! Looking at a real arm: drawn as it says it stands, and never told anything.
#![cfg(feature = "viewer")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bevy::math::Vec3;
use bevy::prelude::GlobalTransform;
use nalgebra::{Isometry3, Point3};
use rmrl::config::Robot;
use rmrl::viewer::{Link, Out, Plan, Preset, RealArm, Show, Size, Target, build, headless};

/// `rmrl twin` in a process of its own, and the robot file that finds it.
struct Twin {
    process: Child,
    robot: PathBuf,
}

impl Twin {
    fn start(dir: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_rmrl"))
            .args(["twin", "--robot", "ur5e-twin", "--ports", "free", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ports: serde_json::Value = serde_json::from_str(&line).unwrap();
        let ports = &ports["listening"];
        let text = |name: &str| Robot::FILES.iter().find(|(found, _)| *found == name).unwrap().1;
        std::fs::write(dir.join("ur5e.urdf"), text("ur5e.urdf")).unwrap();
        let mut file: toml_edit::DocumentMut = text("ur5e-twin.toml").parse().unwrap();
        for name in ["rtde", "dashboard", "script", "primary", "gripper"] {
            file["real"][format!("{name}_port")] = toml_edit::value(ports[name].as_i64().unwrap());
        }
        file["real"]["eyes_url"] = toml_edit::value(format!("http://127.0.0.1:{}", ports["http"]));
        file.remove("eyes");
        let robot = dir.join("lab.toml");
        std::fs::write(&robot, file.to_string()).unwrap();
        Self { process, robot }
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_drawn_links_stand_where_the_measured_joints_have_them() {
    let dir = tempfile::tempdir().unwrap();
    let twin = Twin::start(dir.path());
    let name = twin.robot.to_str().unwrap().to_owned();
    let plan = Plan {
        show: Show::Real { robot: name.clone(), run: None },
        view: Preset::Cell,
        size: Size { width: 640, height: 360, density: 0.5 },
        out: Out::Screenshot(PathBuf::new()),
    };
    let mut app = build(&plan, Target::Nowhere(plan.size)).unwrap();
    headless::start(&mut app);
    let began = Instant::now();
    let joints = loop {
        app.update();
        // It stands still: what is measured now was measured for what is drawn.
        if let Some(state) = app.world().resource::<RealArm>().state() {
            app.update();
            break state.joints;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "the twin says nothing");
    };
    let model = Robot::named(&name).unwrap().arm.unwrap().model;
    let links = model.kinematics.base_from_links(&joints);
    let mut drawn = app.world_mut().query::<(&Link, &GlobalTransform)>();
    let mut seen = [false; 7];
    for (link, at) in drawn.iter(app.world()) {
        let base_from_link = if link.0 == 0 { Isometry3::identity() } else { links[link.0 - 1] };
        let world_from_link = model.world_from_base * base_from_link;
        for point in [Point3::origin(), Point3::new(0.1, 0.0, 0.0), Point3::new(0.0, 0.1, 0.0)] {
            let to = |p: &Point3<f64>| Vec3::from_array(p.coords.map(|v| v as f32).into());
            let gap = at.transform_point(to(&point)).distance(to(&(world_from_link * point)));
            assert!(gap < 1e-5, "link {} is drawn {gap} m off", link.0);
        }
        seen[link.0] = true;
    }
    assert!(seen.iter().filter(|seen| **seen).count() > 4, "{seen:?}");
}

/// Passes one connection on to a port, and keeps what the client said.
fn overheard(port: u16) -> (u16, std::thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let here = listener.local_addr().unwrap().port();
    let said = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut controller = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (mut answers, mut back) =
            (controller.try_clone().unwrap(), client.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
        let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = client.read(&mut buffer) {
            said.extend(&buffer[..count]);
            controller.write_all(&buffer[..count]).unwrap();
        }
        said
    });
    (here, said)
}

/// Who only looks asks for the version and for outputs, and starts them. Inputs (`I` sets their
/// recipe up, `U` writes them) are for who drives.
#[test]
fn a_picture_of_the_arm_writes_nothing_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let twin = Twin::start(dir.path());
    let mut file: toml_edit::DocumentMut =
        std::fs::read_to_string(&twin.robot).unwrap().parse().unwrap();
    let port = file["real"]["rtde_port"].as_integer().unwrap();
    let (here, said) = overheard(u16::try_from(port).unwrap());
    file["real"]["rtde_port"] = toml_edit::value(i64::from(here));
    std::fs::write(&twin.robot, file.to_string()).unwrap();
    let picture = dir.path().join("arm.png");
    let made = Command::new(env!("CARGO_BIN_EXE_rmrl"))
        .args(["view", "--backend", "real", "--headless", "--size", "640x360"])
        .arg("--robot")
        .arg(&twin.robot)
        .arg("--screenshot")
        .arg(&picture)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(picture.is_file());
    let said = said.join().unwrap();
    let mut kinds = String::new();
    let mut rest = said.as_slice();
    while let [high, low, kind, ..] = rest {
        kinds.push(char::from(*kind));
        rest = &rest[usize::from(u16::from_be_bytes([*high, *low]))..];
    }
    assert!(kinds.contains('O') && kinds.contains('S'), "{kinds}");
    assert!(kinds.chars().all(|kind| "VvOS".contains(kind)), "{kinds}");
}
