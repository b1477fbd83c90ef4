//! From files to a controller.

use super::body::{Body, Parts, Payload};
use super::cameras::Cameras;
use super::controller::Controller;
use super::eyes::TwinEyes;
use super::faults::FaultSpec;
use super::gripper::Gripper;
use super::motion::JOINT_RANGE;
use super::table::Table;
use super::watchers::Watchers;
use crate::arm::DhDelta;
use crate::cell::{CellPlan, lift};
use crate::config::{Articulated, Robot, RobotKind, Scene, TwinSpec};
use crate::input::{Check, ConfigError};
use crate::task::{Phase, Pose2, Stream, Streams, TaskSpec, TrialKey};
use crate::wire::primary::KinematicsInfo;
use crate::wire::robot_state::Configuration;

/// Everything that a twin is made from, read and checked.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) robot: Robot,
    pub(super) arm: Articulated,
    pub(super) spec: TwinSpec,
    /// As the files draw it.
    pub(super) drawn: Scene,
    /// As it truly is.
    pub(super) scene: Scene,
    /// Of what the eyes look at.
    task: TaskSpec,
    faults: Vec<FaultSpec>,
}

impl Plan {
    /// A robot with joints and a `[twin]` section, and the scene that this section names; `task` has the
    /// noise of what the eyes see.
    pub fn new(robot: &Robot, task: TaskSpec, faults: Vec<FaultSpec>) -> Result<Self, ConfigError> {
        let file = format!("robot {}", robot.name);
        let check = Check { file: &file };
        let valid = "must be there for rmrl twin; see robots/ur5e-twin.toml";
        let missing = |key| check.error(key, "missing", valid);
        let arm = robot.arm.clone().ok_or_else(|| missing("[arm]"))?;
        let spec = robot.twin.clone().ok_or_else(|| missing("[twin]"))?;
        let drawn = Scene::named(&robot.beside(&spec.scene))?;
        let mut scene = drawn.clone();
        if spec.gaps.fixture != Pose2::IDENTITY {
            let pick = scene.world_from_pick;
            scene.move_fixture(&(pick * lift(spec.gaps.fixture) * pick.inverse()));
        }
        Ok(Self { robot: robot.clone(), arm, spec, drawn, scene, task, faults })
    }

    pub fn spec(&self) -> &TwinSpec {
        &self.spec
    }

    /// The scene as its files draw it.
    pub fn drawn(&self) -> &Scene {
        &self.drawn
    }

    /// Where the arm was taught its places.
    pub fn taught(&self) -> CellPlan {
        CellPlan::taught(&self.drawn, &self.robot)
    }

    /// The cameras over its table.
    pub(super) fn cameras(&self) -> Cameras {
        let TwinSpec { gaps, seed, .. } = &self.spec;
        Cameras::new(&self.scene, &self.robot.gripper, gaps, *seed)
    }

    /// The arm at home, the plate at the pick place; and what the controller knows of how it was built.
    pub(super) fn body(&self) -> (Body, [DhDelta; 6]) {
        let key = TrialKey { phase: Phase::Train, index: 0 };
        let model = &self.arm.model;
        let parts = Parts {
            nominal: model.kinematics.clone(),
            world_from_base: model.world_from_base,
            flange_from_tool: model.flange_from_tool,
            home: self.arm.home,
            gripper: Gripper::new(self.robot.gripper),
        };
        let draw = Streams::new(self.spec.seed).draw(Stream::Actuation, key);
        let (mut body, known) = Body::new(parts, &self.spec, draw, |hand| {
            Table::new(&self.scene, &self.robot.gripper, &self.spec, hand)
        });
        // As a lab sets them in the installation.
        body.set_tcp(model.flange_from_tool);
        let arm = &self.arm.spec;
        body.payload = Payload {
            kg: arm.payload_kg,
            cog: arm.payload_cog_mm.map(|mm| mm / 1e3),
            inertia: [0.0; 6],
        };
        (body, known)
    }

    /// The controller of that arm.
    pub(super) fn controller(&self) -> Controller {
        let streams = Streams::new(self.spec.seed);
        let model = &self.arm.model;
        let (body, known) = self.body();
        let eyes = TwinEyes::new(&self.scene, &self.spec.gaps, &self.task, streams);
        let told = kinematics_info(model.kinematics.rows(), &known, self.spec.seed);
        let told = Watchers::new(
            self.spec.client_interface,
            told,
            configuration(model.kinematics.rows(), self.robot.kind),
        );
        let mut controller = Controller::new(body, eyes, told, self.spec.remote_control);
        // A dashboard leaves the series' letter away.
        controller.model = self.robot.kind.name().trim_end_matches('e').to_uppercase();
        controller.cameras.lid = self.spec.lid;
        for fault in &self.faults {
            controller.plan(*fault);
        }
        controller
    }
}

/// The calibration as the primary interface tells it: full parameters of each joint.
fn kinematics_info(nominal: &[DhDelta; 6], known: &[DhDelta; 6], seed: u64) -> KinematicsInfo {
    let sum =
        |part: fn(&DhDelta) -> f64| std::array::from_fn(|i| part(&nominal[i]) + part(&known[i]));
    KinematicsInfo {
        checksum: std::array::from_fn(|i| (seed as u32).wrapping_mul(0x9e37_79b9) ^ i as u32),
        theta: sum(|row| row.theta),
        a: sum(|row| row.a),
        d: sum(|row| row.d),
        alpha: sum(|row| row.alpha),
        status: 0,
    }
}

/// What the arm can do, as the primary interface tells it: nominal kinematics, ranges, and the
/// largest speed (180 deg/s) and acceleration of the joints [m].
fn configuration(nominal: &[DhDelta; 6], kind: RobotKind) -> Configuration {
    let row = |part: fn(&DhDelta) -> f64| std::array::from_fn(|i| part(&nominal[i]));
    Configuration {
        joint_limits: [[-JOINT_RANGE, JOINT_RANGE]; 6],
        joint_dynamics: [[std::f64::consts::PI, 40.0]; 6],
        dh: [row(|r| r.a), row(|r| r.d), row(|r| r.alpha), row(|r| r.theta)],
        robot_type: match kind {
            RobotKind::Ur3e => 3,
            RobotKind::Ur10e => 2,
            _ => 1,
        },
    }
}
