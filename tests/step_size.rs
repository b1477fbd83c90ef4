//! Steps of 2 ms with free moves skipped, against 0.5 ms with the whole motion stepped. Slow: run
//! with `cargo test --release --test step_size -- --ignored --nocapture`.

use rand::RngExt;
use rmrl::cell::{Attempt, ScriptedCell, Unwatched, Workcell};
use rmrl::config::{Robot, Scene};
use rmrl::sim::{self, PhysicsSettings, SimRig};
use rmrl::task::{Noise, Outcome, Phase, Pose2, Range, Setup, Stream, Streams, TaskSpec, TrialKey};

const TRIALS: u64 = 50;
const RANGE: Range = Range { mm: 10.0, deg: 10.0 };

fn cell(settings: PhysicsSettings) -> ScriptedCell<SimRig> {
    let task = TaskSpec {
        range: RANGE,
        bins: 21,
        scene_instances: 1,
        held_out_instances: 1,
        jitter: Noise::NONE,
        actuation: Noise::NONE,
        measurement: Noise::NONE,
        camera: 0.0,
        lighting: 0.0,
    };
    let (scene, robot) = (Scene::named("open").unwrap(), Robot::named("gantry").unwrap());
    sim::cell(&scene, &robot, &task, settings).unwrap()
}

fn trial(cell: &mut ScriptedCell<SimRig>, index: u64) -> Attempt {
    let key = TrialKey { phase: Phase::Train, index };
    let streams = Streams::new(9);
    let mut draw = streams.draw(Stream::Explore, key);
    let mut axis = |half: f64| (draw.random::<f64>() * 2.0 - 1.0) * half;
    let mut pose = || Pose2::new(axis(RANGE.mm), axis(RANGE.mm), axis(RANGE.deg));
    let (offset, correction) = (pose(), pose());
    cell.prepare(&Setup { streams, key, instance: 0, offset }, &mut Unwatched).unwrap();
    cell.attempt(correction, &mut Unwatched).unwrap()
}

#[test]
#[ignore = "steps 50 whole motions at 0.5 ms"]
fn coarse_steps_agree_with_fine_ones() {
    let mut coarse = cell(PhysicsSettings::default());
    let mut fine = cell(PhysicsSettings { dt_ms: 0.5, iterations: 4, skip_free: false });
    let mut differences = [const { Vec::new() }; 3];
    for index in 0..TRIALS {
        let (a, b) = (trial(&mut coarse, index), trial(&mut fine, index));
        assert_eq!((a.outcome, b.outcome), (Outcome::Placed, Outcome::Placed), "trial {index}");
        let (a, b) = (a.truth.unwrap().pose.axes(), b.truth.unwrap().pose.axes());
        for axis in 0..3 {
            differences[axis].push((a[axis] - b[axis]).abs());
        }
    }
    for (axis, values) in ["x mm", "y mm", "yaw deg"].into_iter().zip(&mut differences) {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[(share * (values.len() - 1) as f64) as usize];
        println!("{axis}: median {:.4}, p90 {:.4}, largest {:.4}", at(0.5), at(0.9), at(1.0));
        assert!(at(0.9) <= 0.1, "{axis}: {}", at(0.9));
    }
}
