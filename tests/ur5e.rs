//! The simulated UR5e: the same cell, with an arm's reach, limits and timing.

use std::ops::ControlFlow;

use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion};
use rmrl::arm::{Joints, Kinematics, Line};
use rmrl::cell::conformance::{Repeat, Tolerance, conformance, disturbed_conformance};
use rmrl::cell::{CellError, ScriptedCell, Snapshot, Unwatched, Watch, Workcell};
use rmrl::config::{Robot, Scene};
use rmrl::sim::{self, PhysicsSettings, SimRig};
use rmrl::task::{Noise, Outcome, Phase, Pose2, Range, Setup, Streams, TaskSpec, TrialKey};

fn quiet() -> TaskSpec {
    TaskSpec::exact(Range { mm: 3.0, deg: 3.0 })
}

fn cell_of(robot: &Robot, scene: &str, settings: PhysicsSettings) -> ScriptedCell<SimRig> {
    sim::cell(&Scene::named(scene).unwrap(), robot, &quiet(), settings).unwrap()
}

fn robot() -> Robot {
    Robot::named("ur5e-pinch").unwrap()
}

fn cell(scene: &str) -> ScriptedCell<SimRig> {
    cell_of(&robot(), scene, PhysicsSettings::default())
}

fn setup(offset: Pose2) -> Setup {
    let key = TrialKey { phase: Phase::Train, index: 0 };
    Setup { streams: Streams::new(1), key, instance: 0, offset, made: 0 }
}

#[test]
fn the_simulated_arm_keeps_every_promise_of_a_workcell() {
    let tolerance = Tolerance { mm: 0.1, deg: 0.1 };
    conformance(|| Box::new(cell("open")), tolerance, Repeat::Exact).unwrap();
}

#[test]
fn what_the_simulated_arm_really_did_explains_the_placement() {
    let task = TaskSpec { actuation: Noise { mm: 0.2, deg: 0.2 }, ..quiet() };
    let scene = Scene::named("open").unwrap();
    let mut cell = sim::cell(&scene, &robot(), &task, PhysicsSettings::default()).unwrap();
    disturbed_conformance(&mut cell, Tolerance { mm: 0.1, deg: 0.1 }).unwrap();
}

#[test]
fn it_places_on_every_scene() {
    for scene in Scene::NAMES {
        let mut cell = cell(scene);
        let offset = Pose2::new(1.0, -1.0, 1.0);
        cell.prepare(&setup(offset), &mut Unwatched).unwrap();
        let attempt = cell.attempt(offset, &mut Unwatched).unwrap();
        assert_eq!(attempt.outcome, Outcome::Placed, "{scene}: {attempt:?}");
    }
}

/// Keeps what it is shown.
#[derive(Default)]
struct Film(Vec<Snapshot>);

impl Watch for Film {
    fn tick(&mut self, snapshot: &Snapshot) -> ControlFlow<()> {
        self.0.push(snapshot.clone());
        ControlFlow::Continue(())
    }
}

#[test]
fn the_gripper_stays_on_the_line_of_each_move_stepped_or_jumped() {
    for skip_free in [true, false] {
        let settings = PhysicsSettings { skip_free, ..PhysicsSettings::default() };
        let mut cell = cell_of(&robot(), "open", settings);
        let mut film = Film::default();
        cell.prepare(&setup(Pose2::IDENTITY), &mut film).unwrap();
        cell.attempt(Pose2::IDENTITY, &mut film).unwrap();
        let mut moves = 0;
        for run in film.0.chunk_by(|a, b| a.segment == b.segment) {
            let (first, last) = (&run[0], &run[run.len() - 1]);
            let line = Line::new(first.world_from_tool, last.world_from_tool);
            if line.way() < 1e-3 {
                continue;
            }
            moves += 1;
            for snapshot in run {
                let at = snapshot.world_from_tool.translation.vector;
                let from = line.from().translation.vector;
                let along = (line.to().translation.vector - from) / line.way();
                let off = (at - from) - along * (at - from).dot(&along);
                assert!(off.norm() < 3e-5, "{} in '{}'", off.norm(), snapshot.segment);
            }
        }
        assert!(moves >= 6, "{moves}");
    }
}

#[test]
fn a_scene_that_the_arm_cannot_reach_is_refused() {
    // Joint 1 is not allowed to turn as far as the target lies.
    let mut robot = robot();
    let arm = robot.arm.as_mut().unwrap();
    let (min, mut max) = (*arm.model.kinematics.range().0, *arm.model.kinematics.range().1);
    max[0] = arm.home[0] + 0.12;
    arm.model.kinematics = arm.model.kinematics.with_range(min, max);
    let refused =
        sim::cell(&Scene::named("open").unwrap(), &robot, &quiet(), PhysicsSettings::default());
    let error = refused.map(drop).unwrap_err();
    assert_eq!((error.file.as_str(), error.key.as_str()), ("open.toml", "site place"));
    let said = error.to_string();
    assert!(said.contains("joint 1") && said.contains("'carry'"), "{said}");
}

/// Smallest and largest angle of joint 5 in a trial with this correction, rad.
fn joint5(correction: Pose2) -> (f64, f64) {
    let (robot, mut film) = (robot(), Film::default());
    let arm = robot.arm.as_ref().unwrap();
    let mut cell = cell("open");
    cell.prepare(&setup(Pose2::IDENTITY), &mut Unwatched).unwrap();
    cell.attempt(correction, &mut film).unwrap();
    let angles = film.0.iter().map(|s| arm.model.joints(&s.world_from_tool, &arm.home).unwrap()[4]);
    angles.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), q| (low.min(q), high.max(q)))
}

#[test]
fn a_plan_that_the_arm_cannot_follow_to_its_end_moves_nothing() {
    let mut robot = robot();
    let model = &mut robot.arm.as_mut().unwrap().model;
    let (mut min, mut max) = (*model.kinematics.range().0, *model.kinematics.range().1);
    // Wide yaws turn joint 5 beyond what the task's own range needs: allow it less.
    let (low, high) = joint5(Pose2::IDENTITY);
    let margin = 5f64.to_radians();
    let yaw = [8.0, -8.0].map(|yaw| Pose2::new(0.0, 0.0, yaw)).into_iter().find(|yaw| {
        let (lower, higher) = joint5(*yaw);
        if lower < low - margin {
            min[4] = low - margin;
        } else if higher > high + margin {
            max[4] = high + margin;
        }
        lower < low - margin || higher > high + margin
    });
    let yaw = yaw.expect("one of them is wide");
    model.kinematics = model.kinematics.with_range(min, max);
    let mut cell = cell_of(&robot, "open", PhysicsSettings::default());
    cell.prepare(&setup(Pose2::IDENTITY), &mut Unwatched).unwrap();
    let mut film = Film::default();
    let refused = cell.attempt(yaw, &mut film);
    assert!(film.0.is_empty(), "{} looks", film.0.len());
    let Err(CellError::Forbidden(said)) = refused else { panic!("{refused:?}") };
    assert!(said.contains("joint 5"), "{said}");
    // And the prepared trial is as it was.
    let after = cell.attempt(Pose2::IDENTITY, &mut Unwatched).unwrap();
    assert_eq!(after.outcome, Outcome::Placed);
}

/// `tests/peers/mujoco_ur5e.py` wrote the table from the same URDF.
#[test]
fn kinematics_agree_with_mujoco_both_ways() {
    let table = include_str!("golden/ur5e-mujoco.csv");
    let kinematics = Kinematics::ur5e();
    for line in table.lines() {
        let row: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        let joints = Joints::from_column_slice(&row[..6]);
        let rotation = Quaternion::new(row[9], row[10], row[11], row[12]);
        let theirs = Isometry3::from_parts(
            Translation3::new(row[6], row[7], row[8]),
            UnitQuaternion::from_quaternion(rotation),
        );
        let apart = |joints: &Joints| {
            let off = theirs.inverse() * kinematics.forward(joints);
            off.translation.vector.norm().max(2.0 * off.rotation.imag().norm())
        };
        assert!(apart(&joints) < 1e-9, "forward: {} at {joints}", apart(&joints));
        let found = kinematics.inverse(&theirs, &Joints::zeros()).unwrap();
        assert!(apart(&found) < 1e-9, "inverse: {} at {found}", apart(&found));
    }
    assert_eq!(table.lines().count(), 200);
}
