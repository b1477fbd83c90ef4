//! How fast the viewer is, for README and report: no limits here, only figures.
//! `cargo test --release --features viewer --test viewer_speed -- --ignored --nocapture`
#![cfg(feature = "viewer")]

use std::path::PathBuf;
use std::time::Instant;

use rmrl::lab::Experiment;
use rmrl::task::Pose2;
use rmrl::viewer::{Out, Plan, Playback, Preset, Replay, Show, Size, Target, build, headless};

fn wide() -> Experiment {
    Experiment::open("wide", &[]).unwrap()
}

/// What a newcomer sees first: the shelf with an arm.
fn plan() -> Plan {
    Plan {
        show: Show::ByHand {
            scene: "shelf".into(),
            robot: "ur5e-pinch".into(),
            offset: Pose2::new(3.0, 1.0, 2.0),
            correction: Some(Pose2::IDENTITY),
            task: Box::new(wide().task),
            physics: wide().physics,
        },
        view: Preset::Cell,
        size: Size::default(),
        out: Out::Screenshot(PathBuf::new()),
    }
}

/// CPU seconds of this process so far.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: Vec<f64> = after.split_whitespace().filter_map(|t| t.parse().ok()).collect();
    // utime and stime are the 14th and 15th field; the name and two before them are gone here.
    ticks.get(10..12).map_or(0.0, |t| (t[0] + t[1]) / 100.0)
}

#[test]
#[ignore = "a measurement, not a test"]
fn drawn_frames_a_second_and_the_first_one() {
    let began = Instant::now();
    let plan = plan();
    let mut app = build(&plan, Target::Image(plan.size)).unwrap();
    headless::start(&mut app);
    for _ in 0..3 {
        app.update();
    }
    headless::capture(&mut app).unwrap();
    println!("start to first picture: {:.2} s, {:.2} s CPU", began.elapsed().as_secs_f64(), cpu());
    const FRAMES: u32 = 40;
    let (began, used) = (Instant::now(), cpu());
    for i in 0..FRAMES {
        let mut playback = app.world_mut().resource_mut::<Playback>();
        playback.seek(f64::from(i) * 0.1);
        app.update();
    }
    headless::capture(&mut app).unwrap();
    let (wall, used) = (began.elapsed().as_secs_f64(), cpu() - used);
    let frames = f64::from(FRAMES);
    println!(
        "1280x720 with shadows: {:.1} frames/s, {:.0} ms CPU a frame",
        frames / wall,
        used / frames * 1e3
    );
}

#[test]
#[ignore = "a measurement, not a test"]
fn work_a_frame_without_drawing() {
    work_a_frame("by hand", plan());
}

/// A run of a thousand trials at its last one, once everything is learned again.
#[test]
#[ignore = "a measurement, not a test"]
fn work_a_frame_without_drawing_in_the_replay_of_a_long_run() {
    let dir = tempfile::tempdir().unwrap();
    let run = ["train", "narrow", "--method", "rm-rl", "--seed", "1", "--trials", "1000"];
    let few = ["--set", "evaluation.every=500", "--set", "evaluation.trials=2", "--out"];
    let train = std::process::Command::new(env!("CARGO_BIN_EXE_rmrl"))
        .args(run)
        .args(few)
        .arg(dir.path())
        .output()
        .unwrap();
    assert!(train.status.success(), "{}", String::from_utf8_lossy(&train.stderr));
    let run = rmrl::lab::run_path(dir.path(), "rm-rl", 1);
    work_a_frame("replay", Plan { show: Show::Replay { run, trial: None }, ..plan() });
}

fn work_a_frame(what: &str, plan: Plan) {
    let mut app = build(&plan, Target::Nowhere(plan.size)).unwrap();
    headless::start(&mut app);
    while app.world().get_resource::<Replay>().is_some_and(|replay| !replay.is_settled()) {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    for _ in 0..20 {
        app.update();
    }
    const FRAMES: u32 = 500;
    let (began, used) = (Instant::now(), cpu());
    for i in 0..FRAMES {
        let mut playback = app.world_mut().resource_mut::<Playback>();
        playback.seek(f64::from(i) * 0.01);
        app.update();
    }
    let (wall, used) = (began.elapsed().as_secs_f64(), cpu() - used);
    let frames = f64::from(FRAMES);
    println!(
        "{what}, without drawing: {:.2} ms CPU a frame, {:.2} ms wall",
        used / frames * 1e3,
        wall / frames * 1e3
    );
}
