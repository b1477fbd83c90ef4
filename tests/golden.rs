//! Determinism as a contract: 100 noisy trials a scene, and some with other robots and in a dirty
//! cell, give the bits that lie in `tests/golden/`, in a debug build and in a release build, on any
//! machine with the same platform libm (ARCHITECTURE.md). A change of the physics on purpose writes
//! them anew: `RMRL_WRITE_GOLDEN=1 cargo test --release --test golden`.

use std::fmt::Write;
use std::path::Path;

use rand::RngExt;
use rmrl::cell::{Attempt, Harm, Unwatched, Workcell};
use rmrl::config::{Robot, Scene};
use rmrl::lab::Experiment;
use rmrl::sim::{self, PhysicsSettings};
use rmrl::task::{
    Image, Noise, Phase, Placement, Pose2, Range, Setup, Stream, Streams, TaskSpec, TrialKey,
};

const SEED: u64 = 5;

fn task() -> TaskSpec {
    let noise = Noise { mm: 0.2, deg: 0.2 };
    TaskSpec {
        actuation: noise,
        reading: Noise::READING,
        measurement: noise,
        camera: 3.0,
        lighting: 0.2,
        ..TaskSpec::exact(Range { mm: 3.0, deg: 3.0 })
    }
}

/// FNV-1a.
fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn bytes_of(numbers: impl Iterator<Item = f64>) -> impl Iterator<Item = u8> {
    numbers.flat_map(|number| number.to_bits().to_le_bytes())
}

fn numbers(placement: Option<&Placement>) -> impl Iterator<Item = f64> {
    placement.into_iter().flat_map(|p| p.pose.axes().into_iter().chain([p.z_mm, p.tilt_deg]))
}

/// Over the bits of the true placement and of the executed correction.
fn physics(attempt: &Attempt) -> u64 {
    let bytes = bytes_of(numbers(attempt.truth.as_ref()).chain(attempt.executed.axes()));
    hash(bytes.chain(attempt.outcome.name().bytes()).chain([u8::from(attempt.seated)]))
}

/// Over all else that a trial shows: picture, measurement, pose in the hand, time, harm.
fn shown(image: &Image, attempt: &Attempt) -> u64 {
    let Harm { peak_force_n, jam, drop, plate_hit } = attempt.harm;
    let in_hand = attempt.in_hand.into_iter().flat_map(|pose| pose.axes());
    let bits = numbers(attempt.measured.as_ref()).chain(in_hand);
    let bytes = bytes_of(bits.chain([attempt.duration.seconds, peak_force_n]));
    let flags = [jam, drop, plate_hit == Some(true)].map(u8::from);
    hash(image.pixels().iter().copied().chain(bytes).chain(flags))
}

/// What is tried: a scene, a robot, a task, and how often.
struct Set {
    scene: &'static str,
    robot: &'static str,
    task: TaskSpec,
    trials: u64,
}

impl Set {
    fn of(scene: &'static str) -> Self {
        Self { scene, robot: "gantry", task: task(), trials: 100 }
    }
}

/// One line a trial: its number, the outcome, the digest of the physics, that of the rest.
fn digests(Set { scene, robot, task, trials }: &Set) -> String {
    let (scene, robot) = (Scene::named(scene).unwrap(), Robot::named(robot).unwrap());
    let mut cell = sim::cell(&scene, &robot, task, PhysicsSettings::default()).unwrap();
    let mut lines = String::new();
    for index in 0..*trials {
        let (streams, key) = (Streams::new(SEED), TrialKey { phase: Phase::Train, index });
        let mut draw = streams.draw(Stream::Explore, key);
        let mut axis = |half: f64| (draw.random::<f64>() * 2.0 - 1.0) * half;
        let offset = Pose2::from_axes(std::array::from_fn(|_| axis(3.0)));
        // Within 2 mm and 2 deg of the ideal, so that shelves see every outcome.
        let correction = Pose2::from_axes(offset.axes().map(|a| a + axis(2.0)));
        // In a dirty cell each scene instance has a plate of its own.
        let instance = if task.is_dirty() { index as usize % task.scene_instances } else { 0 };
        let setup = Setup { streams, key, instance, offset, made: index };
        let image = cell.prepare(&setup, &mut Unwatched).unwrap().image;
        let attempt = cell.attempt(correction, &mut Unwatched).unwrap();
        let (outcome, physics) = (attempt.outcome.name(), physics(&attempt));
        let shown = shown(&image, &attempt);
        writeln!(lines, "{index:3} {outcome} {physics:016x} {shown:016x}").unwrap();
    }
    lines
}

fn compare(name: &str, set: &Set) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.txt"));
    let got = digests(set);
    if std::env::var_os("RMRL_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, &got).unwrap();
        return;
    }
    let wanted = std::fs::read_to_string(&path).unwrap();
    let changed = got.lines().zip(wanted.lines()).filter(|(got, wanted)| got != wanted);
    let changed: Vec<_> = changed.collect();
    assert_eq!(got.lines().count(), wanted.lines().count());
    assert!(
        changed.is_empty(),
        "{} of {} trials of {name} changed, first (now, golden): {:?}",
        changed.len(),
        set.trials,
        changed[0]
    );
}

#[test]
fn trials_on_the_open_target_repeat_to_the_bit() {
    compare("open", &Set::of("open"));
}

#[test]
fn trials_on_the_shelf_repeat_to_the_bit() {
    compare("shelf", &Set::of("shelf"));
}

#[test]
fn trials_on_the_tight_shelf_repeat_to_the_bit() {
    compare("shelf-tight", &Set::of("shelf-tight"));
}

#[test]
fn trials_in_the_hotel_repeat_to_the_bit() {
    compare("hotel", &Set::of("hotel"));
}

#[test]
fn a_side_grip_repeats_to_the_bit() {
    compare("open-gantry-side", &Set { robot: "gantry-side", trials: 20, ..Set::of("open") });
}

#[test]
fn an_arm_with_joints_repeats_to_the_bit() {
    compare("open-ur5e-pinch", &Set { robot: "ur5e-pinch", trials: 20, ..Set::of("open") });
}

#[test]
fn a_dirty_cell_repeats_to_the_bit() {
    let task = Experiment::open("randomised", &[]).unwrap().task;
    compare("shelf-randomised", &Set { task, trials: 20, ..Set::of("shelf") });
}
