//! Determinism as a contract: 100 noisy trials a scene give the bits that lie in `tests/golden/`,
//! in a debug build and in a release build, on any machine. A change of the physics on purpose
//! writes them anew: `RMRL_WRITE_GOLDEN=1 cargo test --release --test golden`.

use std::fmt::Write;
use std::path::Path;

use rand::RngExt;
use rmrl::cell::{Attempt, Unwatched, Workcell};
use rmrl::config::{Robot, Scene};
use rmrl::sim::{self, PhysicsSettings};
use rmrl::task::{Noise, Phase, Pose2, Range, Setup, Stream, Streams, TaskSpec, TrialKey};

const TRIALS: u64 = 100;
const SEED: u64 = 5;

fn task() -> TaskSpec {
    let noise = Noise { mm: 0.2, deg: 0.2 };
    TaskSpec {
        actuation: noise,
        measurement: noise,
        camera: 3.0,
        lighting: 0.2,
        ..TaskSpec::exact(Range { mm: 3.0, deg: 3.0 })
    }
}

/// FNV-1a over the bits of the true placement and of the executed correction.
fn digest(attempt: &Attempt) -> u64 {
    let placement =
        attempt.truth.iter().flat_map(|p| p.pose.axes().into_iter().chain([p.z_mm, p.tilt_deg]));
    let numbers = placement.chain(attempt.executed.axes());
    let bytes = numbers.flat_map(|number| number.to_bits().to_le_bytes());
    let bytes = bytes.chain(attempt.outcome.name().bytes()).chain([u8::from(attempt.seated)]);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// One line a trial: its number, the outcome, the digest.
fn digests(scene: &str) -> String {
    let (scene, robot) = (Scene::named(scene).unwrap(), Robot::named("gantry").unwrap());
    let mut cell = sim::cell(&scene, &robot, &task(), PhysicsSettings::default()).unwrap();
    let mut lines = String::new();
    for index in 0..TRIALS {
        let (streams, key) = (Streams::new(SEED), TrialKey { phase: Phase::Train, index });
        let mut draw = streams.draw(Stream::Explore, key);
        let mut axis = |half: f64| (draw.random::<f64>() * 2.0 - 1.0) * half;
        let offset = Pose2::from_axes(std::array::from_fn(|_| axis(3.0)));
        // Within 2 mm and 2 deg of the ideal, so that shelves see every outcome.
        let correction = Pose2::from_axes(offset.axes().map(|a| a + axis(2.0)));
        cell.prepare(&Setup { streams, key, instance: 0, offset, made: 0 }, &mut Unwatched)
            .unwrap();
        let attempt = cell.attempt(correction, &mut Unwatched).unwrap();
        let outcome = attempt.outcome.name();
        writeln!(lines, "{index:3} {outcome} {:016x}", digest(&attempt)).unwrap();
    }
    lines
}

fn compare(scene: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{scene}.txt"));
    let got = digests(scene);
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
        "{} of {TRIALS} trials on {scene} changed, first (now, golden): {:?}",
        changed.len(),
        changed[0]
    );
}

#[test]
fn trials_on_the_open_target_repeat_to_the_bit() {
    compare("open");
}

#[test]
fn trials_on_the_shelf_repeat_to_the_bit() {
    compare("shelf");
}

#[test]
fn trials_on_the_tight_shelf_repeat_to_the_bit() {
    compare("shelf-tight");
}

#[test]
fn trials_in_the_hotel_repeat_to_the_bit() {
    compare("hotel");
}
