//! A camera from nothing, as a person sets it up: views, lens, mounting, a perfect placement, a gauge study.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::time::Instant;

use rmrl::cell::Eyes;
use rmrl::config::{Frame, Robot};
use rmrl::eyes::Lens;
use rmrl::real::Site;
use rmrl::task::Pose2;
use rmrl::twin::{Ports, Twin};
use serde_json::Value;

use crate::client::{PATIENCE, http, json, post, twin_with, wait_for};

/// Times life.
const FAST: f64 = 20.0;

fn rmrl(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rmrl"));
    command.args(args).stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn done(args: &[&str]) -> String {
    let output = rmrl(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Exit code, and the line on standard error.
fn refused(args: &[&str]) -> (i32, String) {
    let Output { status, stderr, .. } = rmrl(args).output().unwrap();
    (status.code().unwrap(), text(&stderr))
}

/// A lab's folder: the twin's robot file at these ports, without any eyes.
struct Lab {
    folder: tempfile::TempDir,
    twin: Twin,
}

impl Lab {
    fn new(speed: f64) -> Self {
        let twin = twin_with(speed, |robot| robot.twin.as_mut().unwrap().lid = true);
        let folder = tempfile::tempdir().unwrap();
        let shipped = |name: &str| Robot::FILES.iter().find(|(found, _)| *found == name).unwrap().1;
        std::fs::write(folder.path().join("ur5e.urdf"), shipped("ur5e.urdf")).unwrap();
        std::fs::write(folder.path().join("lab.toml"), shipped("ur5e-twin.toml")).unwrap();
        let lab = Self { folder, twin };
        let ports = lab.ports();
        lab.edit(|robot| {
            robot.remove("eyes");
            for (key, port) in [
                ("rtde_port", ports.rtde),
                ("dashboard_port", ports.dashboard),
                ("script_port", ports.script),
                ("primary_port", ports.primary),
                ("gripper_port", ports.gripper),
            ] {
                robot["real"][key] = toml_edit::value(i64::from(port));
            }
            robot["real"]["eyes_url"] =
                toml_edit::value(format!("http://127.0.0.1:{}", ports.http));
        });
        lab
    }

    fn ports(&self) -> Ports {
        self.twin.ports()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self) -> String {
        self.path("lab.toml").display().to_string()
    }

    fn edit(&self, edit: impl FnOnce(&mut toml_edit::DocumentMut)) {
        let text = std::fs::read_to_string(self.path("lab.toml")).unwrap();
        let mut robot: toml_edit::DocumentMut = text.parse().unwrap();
        edit(&mut robot);
        std::fs::write(self.path("lab.toml"), robot.to_string()).unwrap();
    }

    fn person(&self, does: &str) -> bool {
        post(self.ports(), "/person", does) == 200
    }

    fn capture(&self, out: &Path, more: &[&str]) -> Capture {
        let address = format!("http://127.0.0.1:{}/camera/pick.jpg", self.ports().http);
        let out = out.to_str().unwrap();
        let mut command = rmrl(&["calibrate", "capture", "--out", out]);
        command.args(["--kind", "snapshot", "--address", &address]).args(more);
        // Tests share their machine: what is checked here is not its load.
        command.args(["--max-age", "20000"]);
        Capture::start(command)
    }

    /// What no file tells of the camera over the pick place.
    fn hidden(&self) -> (Lens, Frame) {
        let camera = &json(self.ports(), "/truth")["cameras"]["pick"];
        let lens = serde_json::from_value(camera["lens"].clone()).unwrap();
        let three =
            |key: &str| serde_json::from_value(camera["world_from_camera"][key].clone()).unwrap();
        (lens, Frame { xyz_mm: three("xyz_mm"), rpy_deg: three("rpy_deg") })
    }

    /// As an editor adds what no command finds: who answers, and the other camera, as shipped.
    fn name_the_cameras(&self) {
        let shipped = Robot::FILES.iter().find(|(name, _)| *name == "ur5e-twin.toml").unwrap().1;
        let shipped: toml_edit::DocumentMut = shipped.parse().unwrap();
        self.edit(|robot| {
            robot["eyes"]["kind"] = toml_edit::value("snapshot");
            // Tests share their machine: what is checked here is not its load.
            robot["eyes"]["max_age_ms"] = toml_edit::value(20_000.0);
            robot["eyes"]["pick"]["address"] = toml_edit::value("/camera/pick.jpg");
            robot["eyes"]["pick"]["beside"] = toml_edit::value("pick");
            robot["eyes"]["place"] = shipped["eyes"]["place"].clone();
        });
    }
}

/// The command at work, an Enter a view.
struct Capture {
    child: Child,
    enter: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
}

impl Capture {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (enter, lines) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, enter, lines }
    }

    /// What is said of the next view.
    fn view(&mut self) -> String {
        self.enter.as_mut().unwrap().write_all(b"\n").unwrap();
        self.line()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }

    /// Waits until it asks for an Enter.
    fn asked(&mut self) {
        let (mut said, mut byte) = (String::new(), [0]);
        while !said.ends_with("then Enter ") {
            let read = self.child.stderr.as_mut().unwrap().read(&mut byte).unwrap();
            assert_eq!(read, 1, "ended: {said}");
            said.push(char::from(byte[0]));
        }
    }

    /// No more Enters: exit code and last words.
    fn end(mut self) -> (i32, String) {
        drop(self.enter.take());
        let output = self.child.wait_with_output().unwrap();
        (output.status.code().unwrap(), text(&output.stderr))
    }

    fn until(&mut self, says: &str) -> String {
        let begun = Instant::now();
        loop {
            let line = self.view();
            if line.contains(says) {
                return line;
            }
            assert!(begun.elapsed() < PATIENCE, "never {says:?}, last {line:?}");
            // As nobody is faster, who is told a hundred times that a view is no good.
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}

/// Evenly spread from -1 to 1 in six numbers (Roberts' R6).
fn spread(i: usize) -> [f64; 6] {
    [0.8986_5, 0.8075_7, 0.7257_1, 0.6521_5, 0.5860_4, 0.5266_4]
        .map(|g| 2.0 * ((0.5 + g * (i + 1) as f64) % 1.0) - 1.0)
}

/// So many views of a board that a person holds before the camera.
fn views_of_a_held_board(lab: &Lab, out: &Path, count: usize) {
    let mut capture = lab.capture(out, &["--count", &count.to_string()]);
    let (mut taken, mut tried) = (0, 0);
    while taken < count {
        let [x, y, z, roll, pitch, yaw] = spread(tried);
        tried += 1;
        assert!(tried < 3 * count, "{taken} of {tried}");
        let (x, y, z) = (60.0 * x, 80.0 * y, 90.0 + 50.0 * z);
        let (roll, pitch, yaw) = (30.0 * roll, 30.0 * pitch, 90.0 + 40.0 * yaw);
        assert!(lab.person(&format!("board-pick {x},{y},{z},{roll},{pitch},{yaw}")));
        taken += usize::from(capture.view().starts_with(&format!("{taken:03}.png")));
    }
    let (code, said) = capture.end();
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_camera_is_set_up_from_nothing_by_what_a_person_does() {
    let lab = Lab::new(FAST);
    let (file, shots) = (lab.file(), lab.path("shots"));
    views_of_a_held_board(&lab, &shots, 20);
    lab.person("board-away");
    let views = shots.to_str().unwrap();
    done(&["calibrate", "camera", "--views", views, "--robot", &file, "--camera", "pick"]);
    let table = || -> toml::Table { std::fs::read_to_string(&file).unwrap().parse().unwrap() };
    let lens: Lens = table()["eyes"]["pick"]["lens"].clone().try_into().unwrap();
    let (hidden, mounted) = lab.hidden();
    let off = [lens.fx - hidden.fx, lens.fy - hidden.fy, lens.cx - hidden.cx, lens.cy - hidden.cy];
    println!("lens off by {off:.3?} px, {:.5} {:.5}", lens.k1 - hidden.k1, lens.k2 - hidden.k2);
    assert!(off.iter().all(|px| px.abs() < 2.0), "{off:?}");

    lab.name_the_cameras();
    mounting(&lab, &mounted);
    placement(&lab);
    gauge(&lab);

    // What was taught with another lens is worth nothing.
    let said =
        done(&["calibrate", "camera", "--views", views, "--robot", &file, "--camera", "pick"]);
    assert!(said.contains("dropped") && said.contains("placement"), "{said}");
    assert!(table()["eyes"]["pick"].get("taught").is_none());
    assert!(table()["eyes"]["place"].get("taught").is_some());
}

fn mounting(lab: &Lab, mounted: &Frame) {
    let (file, out) = (lab.file(), lab.path("mount"));
    let out_text = out.to_str().unwrap();
    assert!(lab.person("board-hand 150,0,20,0,0,90"));
    let command = ["calibrate", "capture", "--robot", &file, "--camera", "pick", "--poses"];
    let mut command = rmrl(&command);
    command.args(["--out", out_text, "--count", "15"]);
    let mut capture = Capture::start(command);
    let (mut taken, mut tried) = (0, 0);
    while taken < 15 {
        let [x, y, z, roll, pitch, yaw] = spread(tried);
        tried += 1;
        assert!(tried < 60, "{taken} of {tried}");
        let (x, y, z) = (-150.0 + 30.0 * x, 40.0 * y, 150.0 + 30.0 * z);
        let (roll, pitch, yaw) = (20.0 * roll, 20.0 * pitch, 25.0 * yaw);
        if !lab.person(&format!("jog to {x},{y},{z},{roll},{pitch},{yaw}")) {
            continue;
        }
        wait_for("the arm's rest", || json(lab.ports(), "/status")["moving"] == false);
        taken += usize::from(capture.view().starts_with(&format!("{taken:03}.png")));
    }
    assert_eq!(capture.end().0, 0);
    lab.person("board-away");
    lab.person("jog to -140,0,200,0,0,0");
    wait_for("the arm's rest", || json(lab.ports(), "/status")["moving"] == false);
    let poses = out.join("poses.toml");
    let told = done(&[
        "calibrate",
        "hand-eye",
        "--views",
        out_text,
        "--poses",
        poses.to_str().unwrap(),
        "--mount",
        "eye-to-hand",
        "--robot",
        &file,
        "--camera",
        "pick",
        "--json",
    ]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let three = |key: &str| serde_json::from_value(told["world_from_camera"][key].clone()).unwrap();
    let found = Frame { xyz_mm: three("xyz_mm"), rpy_deg: three("rpy_deg") };
    let off = mounted.isometry().inverse() * found.isometry();
    let (mm, deg) = (off.translation.vector.norm() * 1e3, off.rotation.angle().to_degrees());
    println!("mounting off by {mm:.3} mm, {deg:.4} deg");
    assert!(mm < 0.5 && deg < 0.2, "{mm} mm, {deg} deg: {told}");
}

fn placement(lab: &Lab) {
    let file = lab.file();
    let teach = ["calibrate", "placement", "--robot", &file, "--camera", "pick"];
    let settle = || std::thread::sleep(std::time::Duration::from_millis(200));
    let (code, said) = refused(&[&teach[..], &["--bare"]].concat());
    assert!(code == 2 && said.contains("lacks eyes.pick.taught"), "{said}");
    assert!(lab.person("plate 0,0,0"));
    settle();
    let said = done(&teach);
    assert!(said.contains("beside") && said.contains("spread"), "{said}");
    let (code, said) = refused(&[&teach[..], &["--bare"]].concat());
    assert!(code == 1 && said.contains("take it off"), "{said}");
    contradiction(lab);
    assert!(lab.person("lid off"));
    println!("{}", done(&[&teach[..], &["--bare"]].concat()));
    let (code, said) = refused(&teach);
    assert!(code == 1 && said.contains("0 of 6 tags of the board `lid`"), "{said}");
    assert!(lab.person("lid on"));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("# what stands on the table"), "comments stay");
    // What is read now is where the plate lies.
    let site = Site::new(&Robot::named(&file).unwrap()).unwrap();
    let mut eyes = site.camera_eyes().unwrap().unwrap();
    let truth = || {
        let offset = &json(lab.ports(), "/truth")["offset"];
        let number = |key: &str| offset[key].as_f64().unwrap();
        Pose2::new(number("x_mm"), number("y_mm"), number("yaw_deg"))
    };
    for offset in ["3,-2,2.5", "-6,5,-7"] {
        assert!(lab.person(&format!("plate {offset}")));
        settle();
        let off = truth().inverse().compose(eyes.locate().unwrap().unwrap());
        println!("read off by {:.3} mm, {:.3} deg", off.translation_mm(), off.yaw_deg);
        assert!(off.translation_mm() < 0.25 && off.yaw_deg.abs() < 0.15, "{off:?}");
    }
    assert!(lab.person("plate 0,0,0"));
    settle();
}

/// Frames of a plate that somebody pushed meanwhile.
fn contradiction(lab: &Lab) {
    let frames = lab.path("frames");
    std::fs::create_dir(&frames).unwrap();
    for (i, x) in [0.0, 0.0, 0.0, 1.0, 1.0, 0.0].into_iter().enumerate() {
        assert!(lab.person(&format!("plate {x},0,0")));
        std::thread::sleep(std::time::Duration::from_millis(200));
        let (status, jpeg) = http(lab.ports(), "GET", "/camera/pick.jpg", "");
        assert_eq!(status, 200);
        std::fs::write(frames.join(format!("{i}.jpg")), jpeg).unwrap();
    }
    let before = std::fs::read_to_string(lab.path("lab.toml")).unwrap();
    lab.edit(|robot| {
        robot["eyes"]["kind"] = toml_edit::value("folder");
        robot["eyes"]["pick"]["address"] = toml_edit::value("frames");
    });
    let file = lab.file();
    let teach = ["calibrate", "placement", "--robot", &file, "--camera", "pick", "--frames"];
    for (frames, says) in [("6", "contradict each other by"), ("9", "no more pictures")] {
        let (code, said) = refused(&[&teach[..], &[frames]].concat());
        assert!(code == 1 && said.contains(says), "{frames}: {said}");
    }
    done(&[&teach[..], &["3"]].concat());
    std::fs::write(lab.path("lab.toml"), before).unwrap();
}

fn gauge(lab: &Lab) {
    let file = lab.file();
    let gauge = ["gauge", "--robot", &file, "--looks", "12", "--every", "0.05"];
    let table = done(&gauge);
    println!("{table}");
    for row in
        ["repeatability (sd), 12 readings", "drift in 10 min", "exposure drift", "lost of 12 looks"]
    {
        assert!(table.contains(row), "{row}: {table}");
    }
    let mut again = Capture::start(rmrl(&[&gauge[..], &["--replace", "10", "--json"]].concat()));
    for i in 0..10 {
        again.asked();
        // Put back as well as a hand does.
        let [x, y, yaw, ..] = spread(i).map(|at| 0.2 * at);
        assert!(lab.person(&format!("plate {x},{y},{yaw}")));
        std::thread::sleep(std::time::Duration::from_millis(200));
        again.enter.as_mut().unwrap().write_all(b"\n").unwrap();
    }
    let told: Value = serde_json::from_str(&again.line()).unwrap();
    let camera = &told["cameras"][0];
    assert_eq!((&camera["camera"], &camera["still"]["looks"]), (&"pick".into(), &12.into()));
    assert_eq!(camera["replaced"]["looks"], 10, "{told}");
    let (still, replaced) =
        (&camera["still"]["sd"]["x_mm"], camera["replaced"]["sd"]["x_mm"].as_f64().unwrap());
    assert!(still.as_f64().unwrap() < 0.05 && (0.05..0.2).contains(&replaced), "{told}");
}

#[test]
fn what_is_wrong_with_a_camera_during_a_capture_is_told_and_not_counted() {
    let lab = Lab::new(10.0);
    let shots = lab.path("shots");
    let mut capture = lab.capture(&shots, &["--count", "500"]);
    // A busy machine takes long for a frame, which then is stale.
    let line = capture.until("no tag of the board `camera`");
    assert!(line.starts_with("not counted: "), "{line}");
    assert!(lab.person("board-pick 0,0,60,0,0,90"));
    let line = capture.until(" tags; ");
    assert!(line.starts_with("000.png"), "{line}");
    for (fault, says) in [
        ("camera-stale", "frozen"),
        ("camera-black", "black"),
        ("camera-torn", "torn"),
        ("camera-unplugged", "404"),
        ("camera-overexposed", "overexposed"),
    ] {
        assert_eq!(post(lab.ports(), "/fault", &format!("{fault}+20")), 200);
        let line = capture.until(says);
        assert!(line.starts_with("not counted: "), "{fault}: {line}");
        capture.until(".png");
    }
    let (code, said) = capture.end();
    assert!(code == 1 && said.contains("standard input ended"), "{said}");
    // All that was counted is there and good, and nothing else is.
    let views = std::fs::read_dir(&shots).unwrap().count();
    assert!(said.contains(&format!("{views} of 500 views")), "{views}: {said}");
    let again = lab.capture(&shots, &["--count", &views.to_string()]);
    // Nothing is left to take.
    let (code, said) = again.end();
    assert_eq!(code, 0, "{said}");
}

#[test]
#[cfg(unix)]
fn an_interrupted_capture_keeps_its_views_and_the_same_command_goes_on() {
    let lab = Lab::new(10.0);
    let shots = lab.path("shots");
    assert!(lab.person("board-pick 0,0,60,0,0,90"));
    let mut capture = lab.capture(&shots, &["--every", "0.1", "--count", "100"]);
    for wanted in ["000.png", "001.png"] {
        let mut lines = std::iter::repeat_with(|| capture.line()).take(50);
        assert!(lines.any(|line| line.starts_with(wanted)), "{wanted}");
    }
    let interrupt = ["-INT", &capture.child.id().to_string()];
    assert!(Command::new("kill").args(interrupt).status().unwrap().success());
    let (code, said) = capture.end();
    assert!(code == 130 && said.contains("of 100 views are in"), "{code}: {said}");
    let held = std::fs::read_dir(&shots).unwrap().count();
    assert!(held >= 2);
    let mut again = lab.capture(&shots, &["--count", &(held + 1).to_string()]);
    let line = again.until(".png");
    assert!(line.starts_with(&format!("{held:03}.png")), "{held}: {line}");
    assert_eq!(again.end().0, 0);
}

#[test]
fn bad_input_is_refused_with_what_would_be_valid() {
    let lab = Lab::new(1.0);
    let (file, out) = (lab.file(), lab.path("shots"));
    let out = out.to_str().unwrap();
    let capture = ["calibrate", "capture", "--out", out];
    let here = ["--kind", "snapshot", "--address", "http://127.0.0.1:9/a.jpg"];
    for (args, says) in [
        (vec![], "--kind"),
        (vec!["--kind", "snapshot"], "--address"),
        (vec!["--kind", "kinect", "--address", "x"], "kinect"),
        (vec!["--kind", "folder", "--address", "nowhere"], "nowhere"),
        (vec!["--kind", "mjpeg", "--address", "cam"], "cam: is no address"),
        (vec!["--robot", &file, "--camera", "pick"], "eyes.kind"),
        (
            vec!["--robot", &file, "--camera", "pick", "--kind", "snapshot"],
            "lacks eyes.pick.address",
        ),
        (vec!["--robot", "none.toml", "--camera", "pick"], "none.toml"),
        ([&here[..], &["--every", "0"]].concat(), "--every = 0: must be from"),
        ([&here[..], &["--count", "0"]].concat(), "--count"),
        ([&here[..], &["--board", "chess"]].concat(), "--board = chess: must be one of lid"),
        ([&here[..], &["--poses"]].concat(), "--robot"),
    ] {
        let (code, said) = refused(&[&capture[..], &args].concat());
        assert!(code == 2 && said.contains(says), "{args:?}: {code} {said}");
    }
    let place = ["calibrate", "placement", "--camera", "place", "--robot"];
    let (code, said) = refused(&[&place[..], &[&file]].concat());
    assert!(code == 2 && said.contains("lacks [eyes]"), "{said}");
    let (code, said) = refused(&["gauge", "--robot", &file]);
    assert!(code == 2 && said.contains("eyes.kind = \"answers\""), "{said}");
    lab.edit(|robot| drop(robot.insert("eyes", toml_edit::table())));
    let (code, said) = refused(&[&place[..], &[&file]].concat());
    assert!(code == 2 && said.contains("eyes.kind = \"answers\""), "{said}");
    let shipped = Robot::FILES.iter().find(|(name, _)| *name == "ur5e-twin.toml").unwrap().1;
    std::fs::write(lab.path("lab.toml"), shipped).unwrap();
    for (args, says) in [
        (vec!["--looks", "5"], "--looks"),
        (vec!["--replace", "3"], "--replace"),
        (vec!["--every", "nan"], "--every = NaN"),
        (vec!["--camera", "floor"], "floor"),
    ] {
        let (code, said) = refused(&[&["gauge", "--robot", &file][..], &args].concat());
        assert!(code == 2 && said.contains(says), "{args:?}: {code} {said}");
    }
    let (code, said) = refused(&[&place[..], &[&file, "--frames", "1"]].concat());
    assert!(code == 2 && said.contains("--frames"), "{said}");
    assert!(!lab.path("shots").exists(), "nothing was begun");
}
