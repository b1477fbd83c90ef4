//! The viewer: what it draws is what the physics has, and what it says when it cannot draw.
#![cfg(feature = "viewer")]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bevy::asset::RenderAssetUsages;
use bevy::camera::primitives::{Aabb, MeshAabb};
use bevy::image::{CompressedImageFormats, Image, ImageSampler, ImageType};
use bevy::math::Vec3;
use bevy::mesh::{Mesh, Mesh3d};
use bevy::prelude::{Assets, GlobalTransform, Messages};
use bevy::window::RequestRedraw;
use nalgebra::Isometry3;
use rmrl::cell::{CellError, Detail, Snapshot, Watch, Workcell};
use rmrl::config::{Grasp, Robot, Scene};
use rmrl::lab::Experiment;
use rmrl::sim::{self, PhysicsSettings};
use rmrl::task::{Phase, Pose2, Setup, Streams, TrialKey};
use rmrl::viewer::{
    Chapter, Moment, Out, Part, Plan, Playback, Preset, Replay, Show, Shown, Size, Target, build,
    headless,
};

fn wide() -> Experiment {
    Experiment::open("wide", &[]).unwrap()
}

fn plan(scene: &str) -> Plan {
    Plan {
        show: Show::ByHand {
            scene: scene.into(),
            robot: "gantry".into(),
            offset: Pose2::new(2.0, -1.0, 2.0),
            correction: None,
            task: Box::new(wide().task),
            physics: wide().physics,
        },
        view: Preset::Cell,
        size: Size { width: 640, height: 360, density: 0.5 },
        out: Out::Screenshot(PathBuf::new()),
    }
}

/// Stops a trial at a tick, with what it was shown then.
struct StopAt {
    tick: usize,
    seen: usize,
    detail: Option<Detail>,
    moment: Option<Moment>,
}

impl Watch for StopAt {
    fn tick(&mut self, snapshot: &Snapshot) -> ControlFlow<()> {
        self.moment = Some(Moment::of(snapshot, self.detail.as_ref(), Grasp::EdgePinch));
        self.seen += 1;
        if self.seen > self.tick { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn closely(&self) -> bool {
        true
    }

    fn detail(&mut self, detail: &Detail) {
        self.detail = Some(detail.clone());
    }
}

/// A trial is stopped at many moments; each time every drawn body must be where the world has it,
/// and every box that can touch must be drawn, as large as it is.
#[test]
fn drawn_poses_are_the_physics_poses() {
    let (scene, robot) = (Scene::named("shelf").unwrap(), Robot::named("gantry").unwrap());
    let task = wide().task.without_noise();
    let settings = PhysicsSettings { skip_free: false, ..PhysicsSettings::default() };
    let mut cell = sim::cell(&scene, &robot, &task, settings).unwrap();
    let plan = plan("shelf");
    let mut app = build(&plan, Target::Nowhere(plan.size)).unwrap();
    headless::start(&mut app);
    let key = TrialKey { phase: Phase::Train, index: 0 };
    let offset = Pose2::new(3.0, 1.0, 2.0);
    let setup = Setup { streams: Streams::new(1), key, instance: 0, offset, made: 0 };
    for tick in (0..2600).step_by(200) {
        let mut watch = StopAt { tick, seen: 0, detail: None, moment: None };
        cell.prepare(&setup, &mut watch).unwrap();
        let stopped = cell.attempt(Pose2::IDENTITY, &mut watch);
        assert!(matches!(stopped, Err(CellError::Cancelled)), "tick {tick}: {stopped:?}");
        let world = cell.rig().world();
        app.insert_resource(Shown(watch.moment.unwrap()));
        app.update();

        let fingers = world.detail(settings.dt_ms / 1e3).world_from_fingers;
        for (part, wanted) in [
            (Part::Tool, world.world_from_tool()),
            (Part::UpperFinger, fingers[0]),
            (Part::LowerFinger, fingers[1]),
            (Part::Plate, world.world_from_plate()),
        ] {
            let mut drawn = app.world_mut().query::<(&Part, &GlobalTransform)>();
            let (_, at) = drawn.iter(app.world()).find(|(p, _)| **p == part).unwrap();
            let gap = apart(at, &wanted);
            assert!(gap < 1e-6, "tick {tick}: {part:?} is drawn {gap} m off");
        }
        let boxes = world.boxes();
        assert_eq!(boxes.len(), scene.statics.len() + 4);
        for (world_from_box, half) in boxes {
            let half = Vec3::from_array(half.map(|v| v as f32).into());
            let drawn = drawn_boxes(&mut app);
            let found = drawn.iter().any(|(at, aabb)| {
                let centre = at.transform_point(aabb.center.into());
                let same_size = (Vec3::from(aabb.half_extents) - half).length() < 1e-6;
                let turned = apart(
                    &GlobalTransform::from_translation(centre).mul_rotation(at),
                    &world_from_box,
                );
                same_size && turned < 1e-6
            });
            assert!(found, "tick {tick}: nothing is drawn for {world_from_box}, half {half}");
        }
    }
}

trait MulRotation {
    fn mul_rotation(self, of: &GlobalTransform) -> GlobalTransform;
}

impl MulRotation for GlobalTransform {
    fn mul_rotation(self, of: &GlobalTransform) -> GlobalTransform {
        let turn = bevy::prelude::Transform::from_rotation(of.rotation());
        self * turn
    }
}

fn drawn_boxes(app: &mut bevy::app::App) -> Vec<(GlobalTransform, Aabb)> {
    let mut drawn = app.world_mut().query::<(&Mesh3d, &GlobalTransform)>();
    let world = app.world();
    let meshes = world.resource::<Assets<Mesh>>();
    drawn
        .iter(world)
        .filter_map(|(mesh, at)| Some((*at, meshes.get(&mesh.0)?.compute_aabb()?)))
        .collect()
}

/// Largest distance between the two images of a point 0.1 m from the origin.
fn apart(drawn: &GlobalTransform, wanted: &Isometry3<f64>) -> f64 {
    let axes = [nalgebra::Vector3::x(), nalgebra::Vector3::y(), nalgebra::Vector3::z()];
    let gaps = axes.map(|axis| {
        let point = nalgebra::Point3::from(axis * 0.1);
        let there = wanted * point;
        let here = drawn.transform_point(Vec3::from_array(point.coords.map(|v| v as f32).into()));
        let here = nalgebra::Point3::from(here.to_array().map(f64::from));
        (here - there).norm()
    });
    gaps.into_iter().fold(0.0, f64::max)
}

/// The picture of the shelf against the one in the repository: drivers differ in single pixels,
/// so means over blocks are compared.
#[test]
fn the_picture_of_the_cell_is_the_golden_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cell.png");
    let made = view(&[
        "--headless",
        "--screenshot",
        file.to_str().unwrap(),
        "--scene",
        "shelf",
        "--offset",
        "2,-1,2",
        "--robot",
        "gantry",
        "--size",
        "640x360@0.5",
    ])
    .output()
    .unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/view-shelf.png");
    if std::env::var_os("RMRL_BLESS").is_some() {
        std::fs::copy(&file, &golden).unwrap();
    }
    let (got, wanted) = (read(&file), read(&golden));
    assert_eq!((got.width(), got.height()), (640, 360));
    let (got, wanted) = (blocks(&got), blocks(&wanted));
    let worst = got.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 0.06, "a block of 16x16 pixels differs by {worst} of full light");
}

#[test]
fn a_cell_that_stands_still_is_not_drawn_again() {
    let mut app = build(&plan("shelf"), Target::Nowhere(plan("shelf").size)).unwrap();
    headless::start(&mut app);
    let asks = |app: &bevy::app::App| {
        let asked = app.world().resource::<Messages<RequestRedraw>>();
        !asked.is_empty()
    };
    // Panels that open ask for some.
    let mut calm = 0;
    for _ in 0..1000 {
        app.update();
        calm = if asks(&app) { 0 } else { calm + 1 };
    }
    assert!(calm > 100, "nothing happens, and still another frame is asked for");
}

#[test]
fn plate_and_shelf_are_really_in_the_picture() {
    let dir = tempfile::tempdir().unwrap();
    let shot = |name: &str, more: &[&str]| {
        let file = dir.path().join(name);
        let file = file.to_str().unwrap();
        let mut all = vec!["--headless", "--screenshot", file, "--size", "640x360@0.5"];
        all.extend(["--robot", "gantry"]);
        all.extend(more);
        let made = view(&all).output().unwrap();
        assert!(made.status.success(), "{}", text(&made.stderr));
        blocks(&read(Path::new(file)))
    };
    // The same scene with the table and what plates lie on, but without the rest of the shelf.
    let file = |name: &str| Scene::FILES.iter().find(|(found, _)| *found == name).unwrap().1;
    let gone = ["board_stand", "guide_", "back_stop"];
    let bare: String = file("shelf.xml")
        .lines()
        .filter(|line| !gone.iter().any(|name| line.contains(&format!("<geom name=\"{name}"))))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(dir.path().join("shelf.xml"), bare).unwrap();
    let scene = dir.path().join("bare.toml");
    let text = file("shelf.toml").replace("guide_clearance_mm", "# guide_clearance_mm");
    std::fs::write(&scene, text).unwrap();
    let bare = shot("bare.png", &["--scene", scene.to_str().unwrap(), "--view", "shelf"]);
    let shelf = shot("near.png", &["--scene", "shelf", "--view", "shelf"]);
    let differing =
        |a: &[f32], b: &[f32]| a.iter().zip(b).filter(|(a, b)| (**a - **b).abs() > 0.03).count();
    assert!(differing(&bare, &shelf) > 10, "the shelf changes {} blocks", differing(&bare, &shelf));
    let shelf = shot("shelf.png", &["--scene", "shelf"]);
    let moved = shot("moved.png", &["--scene", "shelf", "--offset", "10,10,10"]);
    assert!(
        differing(&shelf, &moved) > 5,
        "the plate changes {} blocks",
        differing(&shelf, &moved)
    );
}

#[test]
fn a_trial_becomes_a_series_of_pictures_and_what_cannot_is_the_users_mistake() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("frames");
    let to = folder.to_str().unwrap();
    let into = ["--headless", "--robot", "gantry", "--size", "320x240", "--frames", to];
    let made = view(&[&into[..], &["--correction", "1,0,0"]].concat()).output().unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    let picture = |number: usize| read(&folder.join(format!("{number:04}.png"))).data.unwrap();
    let count = std::fs::read_dir(&folder).unwrap().count();
    assert!(count > 100, "{count} pictures");
    assert_ne!(picture(0), picture(count - 1));

    std::fs::remove_dir_all(&folder).unwrap();
    says(&view(&into).output().unwrap(), 2, "--correction");
    says(&view(&[&into[..], &["--correction", "99,0,0"]].concat()).output().unwrap(), 2, "mm");
    assert!(!folder.exists(), "nothing half made is left");
}

#[test]
fn a_stored_run_is_replayed_without_a_screen() {
    let dir = tempfile::tempdir().unwrap();
    let run = train(dir.path(), &["--trials", "40"]);
    let out = run.to_str().unwrap();
    let shot = |name: &str, trial: &str| {
        let file = dir.path().join(name);
        let into = ["--headless", "--size", "640x360@0.5", "--screenshot", file.to_str().unwrap()];
        let made = view(&[&into[..], &["--run", out, "--trial", trial]].concat()).output().unwrap();
        assert!(made.status.success(), "{}", text(&made.stderr));
        blocks(&read(&file))
    };
    let (early, late) = (shot("early.png", "3"), shot("late.png", "39"));
    let differing = early.iter().zip(&late).filter(|(a, b)| (**a - **b).abs() > 0.03).count();
    assert!(differing > 5, "two trials differ in {differing} blocks");
}

#[test]
fn without_a_display_one_line_says_what_to_install() {
    let made = view(&[]).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").output().unwrap();
    says(&made, 1, "DISPLAY");
    let made = view(&[]).env_remove("WAYLAND_DISPLAY").env("DISPLAY", ":7391").output().unwrap();
    says(&made, 1, "nothing answers at DISPLAY=:7391");
}

#[test]
fn without_an_adapter_one_line_says_what_to_install() {
    let made = view(&["--headless", "--screenshot", "never.png"])
        .env("VK_DRIVER_FILES", "/nonexistent")
        .env("VK_ICD_FILENAMES", "/nonexistent")
        .output()
        .unwrap();
    says(&made, 1, "mesa-vulkan-drivers");
    assert!(!Path::new("never.png").exists());
}

#[test]
fn a_finer_offset_than_the_sliders_leaves_the_trial_as_it_is_and_one_beyond_them_is_refused() {
    let offset = Pose2::new(2.45, -0.333, 2.0);
    let plan = Plan {
        show: Show::ByHand {
            scene: "open".into(),
            robot: "gantry".into(),
            offset,
            correction: Some(Pose2::new(1.23, 0.0, 0.0)),
            task: Box::new(wide().task),
            physics: wide().physics,
        },
        ..plan("open")
    };
    let mut app = build(&plan, Target::Nowhere(plan.size)).unwrap();
    headless::start(&mut app);
    for _ in 0..5 {
        app.update();
    }
    let playback = app.world().resource::<Playback>();
    assert_eq!(playback.recording().map(|trial| trial.setup.offset), Some(offset));

    let into = ["--headless", "--screenshot", "never.png", "--offset"];
    for beyond in ["10.01,0,0", "0,0,-11"] {
        says(&view(&[&into[..], &[beyond]].concat()).output().unwrap(), 2, "offset");
    }
}

#[test]
fn a_part_of_a_run_whose_first_trial_has_no_result_yet_is_not_offered() {
    let dir = tempfile::tempdir().unwrap();
    let run = train(dir.path(), &["--trials", "20"]);
    let db = rusqlite::Connection::open(&run).unwrap();
    let last = "SELECT max(checkpoint) FROM trial WHERE phase = 'in-scene'";
    let last: i64 = db.query_row(last, [], |row| row.get(0)).unwrap();
    db.execute(
        "UPDATE trial SET outcome = NULL WHERE checkpoint = ? AND phase = 'in-scene'",
        [last],
    )
    .unwrap();
    drop(db);
    let mut replay = Replay::open(run, None).unwrap();
    let last = last.unsigned_abs();
    let empty = Chapter::InScene(last);
    assert!(!replay.chapters.contains(&empty), "{:?}", replay.chapters);
    assert!(replay.chapters.contains(&Chapter::HeldOut(last)), "{:?}", replay.chapters);
    let place = replay.place;
    assert!(replay.enter(empty).is_err());
    assert_eq!((replay.chapter, replay.place), (Chapter::Training, place));
}

#[test]
fn a_trial_on_hardware_is_shown_where_its_own_plate_was_found() {
    let dir = tempfile::tempdir().unwrap();
    let run = train(dir.path(), &["--trials", "20"]);
    let db = rusqlite::Connection::open(&run).unwrap();
    db.execute("UPDATE run SET value = 'real arm' WHERE key = 'backend'", []).unwrap();
    db.execute("UPDATE trial SET truth_x_mm = NULL", []).unwrap();
    drop(db);
    let mut replay = Replay::open(run, Some(3)).unwrap();
    let mut places = Vec::new();
    for place in [3, 7] {
        replay.turn_to(place);
        let cell = replay.cell().unwrap();
        let found = replay.stored().and_then(|stored| stored.measured).unwrap();
        let plate = replay.still(&cell).bodies.plate.unwrap();
        let error = rmrl::cell::flatten(&(cell.scene.world_from_place.inverse() * plate));
        assert!((error.x_mm - found.pose.x_mm).abs() < 1e-9, "{error:?} for {found:?}");
        places.push(plate);
    }
    assert_ne!(places[0], places[1]);
}

#[test]
fn where_no_picture_can_be_written_none_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("file"), "").unwrap();
    for (option, file, why) in [
        ("--screenshot", path("cell.jpg"), ".png"),
        ("--screenshot", path("no/such/cell.png"), "folder does not exist"),
        ("--frames", path("file"), "is a file"),
    ] {
        says(&view(&["--headless", option, &file]).output().unwrap(), 2, why);
    }
}

#[test]
fn an_option_that_would_change_nothing_is_refused() {
    for options in [
        &["--size", "640x360"][..],
        &["--run", "1.sqlite", "--robot", "gantry"],
        &["--backend", "real"],
    ] {
        let made = view(options).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").output();
        assert_eq!(made.unwrap().status.code(), Some(2), "{options:?}");
    }
}

#[test]
fn a_damaged_run_is_the_users_mistake() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("1.sqlite");
    std::fs::write(&file, b"SQLite format 3\0 and then nothing that makes sense").unwrap();
    // A run with bytes flipped inside its pages: SQLite finds much that is wrong with it.
    let flipped = train(&dir.path().join("run"), &["--trials", "20"]);
    let mut bytes = std::fs::read(&flipped).unwrap();
    for at in (4096 + 100..bytes.len()).step_by(61) {
        bytes[at] ^= 0xff;
    }
    std::fs::write(&flipped, bytes).unwrap();
    for file in [file.to_str().unwrap(), flipped.to_str().unwrap(), "no/such/run.sqlite"] {
        let made =
            view(&["--headless", "--screenshot", "never.png", "--run", file]).output().unwrap();
        says(&made, 2, file);
    }
}

/// A short training of role-model learning; its file.
fn train(folder: &Path, more: &[&str]) -> PathBuf {
    let mut train = Command::new(env!("CARGO_BIN_EXE_rmrl"));
    train.args(["train", "smoke", "--method", "rm-rl", "--seed", "1", "--out"]);
    let done = train.arg(folder).args(more).output().unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
    rmrl::lab::run_path(folder, "rm-rl", 1)
}

fn view(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rmrl"));
    command.arg("view").args(arguments);
    command
}

/// It ended with this code and one line that holds this, not with a panic.
fn says(made: &Output, code: i32, what: &str) {
    let said = text(&made.stderr);
    assert_eq!(made.status.code(), Some(code), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(said.contains(what) && !said.contains("panicked"), "{said}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read(file: &Path) -> Image {
    let bytes = std::fs::read(file).unwrap();
    let kind = ImageType::Extension("png");
    let formats = CompressedImageFormats::NONE;
    let usage = RenderAssetUsages::MAIN_WORLD;
    Image::from_buffer(&bytes, kind, formats, true, ImageSampler::Default, usage).unwrap()
}

/// Mean light of blocks of 16x16 pixels, 0 to 1.
fn blocks(image: &Image) -> Vec<f32> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let rgb = image.clone().try_into_dynamic().unwrap().to_luma8();
    let mut means = Vec::new();
    for top in (0..height - 15).step_by(16) {
        for left in (0..width - 15).step_by(16) {
            let pixels = (0..256).map(|i| (left + i % 16, top + i / 16));
            let sum: f32 =
                pixels.map(|(x, y)| f32::from(rgb.get_pixel(x as u32, y as u32).0[0])).sum();
            means.push(sum / 256.0 / 255.0);
        }
    }
    means
}
