//! `cargo bench --bench sim`: a whole trial, one physics step, one camera image.

use criterion::{Criterion, criterion_group, criterion_main};
use nalgebra::Isometry3;
use rmrl::cell::{Unwatched, Workcell};
use rmrl::config::{Robot, Scene};
use rmrl::sim::{self, Camera, FingerCmd, PhysicsSettings, World};
use rmrl::task::{ImageSize, Noise, Phase, Pose2, Range, Setup, Streams, TaskSpec, TrialKey};

fn task() -> TaskSpec {
    let noise = Noise { mm: 0.2, deg: 0.2 };
    TaskSpec {
        scene_instances: 50,
        held_out_instances: 50,
        jitter: Noise { mm: 0.3, deg: 0.3 },
        actuation: noise,
        measurement: noise,
        camera: 4.0,
        lighting: 0.2,
        ..TaskSpec::exact(Range { mm: 3.0, deg: 3.0 })
    }
}

fn setup() -> Setup {
    let key = TrialKey { phase: Phase::Train, index: 5 };
    Setup {
        streams: Streams::new(1),
        key,
        instance: 0,
        offset: Pose2::new(2.0, -1.0, 1.5),
        made: 0,
    }
}

fn trial(c: &mut Criterion) {
    let robot = Robot::named("gantry").expect("embedded");
    for name in Scene::NAMES {
        let scene = Scene::named(name).expect("embedded");
        let mut cell =
            sim::cell(&scene, &robot, &task(), PhysicsSettings::default()).expect("valid");
        c.bench_function(&format!("trial/{name}"), |b| {
            b.iter(|| {
                cell.prepare(&setup(), &mut Unwatched).expect("prepared");
                cell.attempt(setup().offset, &mut Unwatched).expect("attempted")
            });
        });
    }
}

fn step(c: &mut Criterion) {
    let (scene, robot) =
        (Scene::named("open").expect("embedded"), Robot::named("gantry").expect("embedded"));
    let settings = PhysicsSettings::default();
    let half = scene.plate.size / 2.0;
    let reach = half.x - robot.gripper.overlap_mm / 2e3;
    let tool = scene.world_from_pick * Isometry3::translation(-reach, 0.0, half.z);
    let fingers = FingerCmd { half_opening: half.z - robot.gripper.interference() };
    let mut world =
        World::new(&scene, &robot.gripper, &settings, &scene.world_from_pick, &tool, fingers);
    c.bench_function("step/pinched on the riser", |b| b.iter(|| world.step(2e-3, &tool, fingers)));
}

fn camera(c: &mut Criterion) {
    let scene = Scene::named("open").expect("embedded");
    let camera = Camera::new(&scene, ImageSize::default());
    c.bench_function("camera/64x64 with light and noise", |b| {
        b.iter(|| camera.look(&scene.world_from_pick, &setup(), &task()));
    });
}

criterion_group!(benches, trial, step, camera);
criterion_main!(benches);
