//! The simulation: Rapier under the workcell's motion script, and a software camera.
//!
//! Deterministic: a trial's bits depend on scene, robot, task, settings, setup and correction
//! only. Inside, rapier's glam in f32 and libm; outside, nalgebra in f64.

mod camera;
mod convert;
mod dirt;
mod fingers;
mod near;
mod rig;
mod shapes;
mod sweep;
mod world;

pub use camera::Camera;
pub use near::Near;
pub use rig::SimRig;
pub use world::{FingerCmd, Touch, World, parameters};

use crate::cell::{CellPlan, ScriptedCell};
use crate::config::{Check, ConfigError, Robot, Scene};
use crate::task::TaskSpec;

/// How finely physics is stepped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhysicsSettings {
    pub dt_ms: f64,
    /// Solver iterations a step.
    pub iterations: usize,
    /// Jump over free moves once their sweep is shown to be clear; otherwise step them too.
    pub skip_free: bool,
}

impl Default for PhysicsSettings {
    fn default() -> Self {
        Self { dt_ms: 2.0, iterations: 4, skip_free: true }
    }
}

/// A simulated workcell.
pub fn cell(
    scene: &Scene,
    robot: &Robot,
    task: &TaskSpec,
    settings: PhysicsSettings,
) -> Result<ScriptedCell<SimRig>, ConfigError> {
    let check = Check { file: "physics" };
    check.within("dt_ms", settings.dt_ms, 0.05, 8.0)?;
    check.within("iterations", settings.iterations as f64, 1.0, 64.0)?;
    fits(scene, robot)?;
    reaches(task, robot)?;
    dirt::check(scene, robot, task)?;
    let plan = CellPlan::new(scene, robot);
    let rig = SimRig::new(scene, robot, task, &plan, settings);
    Ok(ScriptedCell::new(rig, plan, robot.envelope.clone()))
}

/// Every correction of the grid must lie inside the robot's envelope.
fn reaches(task: &TaskSpec, robot: &Robot) -> Result<(), ConfigError> {
    let (range, envelope) = (&task.range, &robot.envelope);
    let check = Check { file: "experiment" };
    for (key, value, limit) in [
        ("task.range.mm", range.mm, envelope.correction_mm),
        ("task.range.deg", range.deg, envelope.correction_deg),
    ] {
        let valid = format_args!("must be at most {limit}, the envelope of robot {}", robot.name);
        check.that(value <= limit, key, value, valid)?;
    }
    Ok(())
}

/// The plate must fit between the open pads and the palm.
fn fits(scene: &Scene, robot: &Robot) -> Result<(), ConfigError> {
    let file = format!("robot {}", robot.name);
    let check = Check { file: &file };
    let gripper = &robot.gripper;
    let thick_mm = gripper.grasp.gripped(&scene.plate) * 1e3;
    let valid = format!("must be wider than the plate of scene {}: {thick_mm} mm", scene.name);
    let opens = gripper.opening_mm > thick_mm;
    check.that(opens, "gripper.opening_mm", gripper.opening_mm, valid)?;
    let half_mm = thick_mm / 2.0;
    let pressed_mm = gripper.interference() * 1e3;
    let valid = format!(
        "divided by stiffness_n_per_mm must be less than half of what is gripped of the plate, {half_mm} mm"
    );
    check.that(pressed_mm < half_mm, "gripper.force_n", gripper.force_n, valid)
}
