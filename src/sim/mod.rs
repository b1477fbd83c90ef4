//! The simulation: Rapier under the workcell's motion script, and a software camera.
//!
//! Deterministic: a trial's bits depend on scene, robot, task, settings, setup and correction
//! only. Inside, rapier's glam in f32 and libm; outside, nalgebra in f64.

mod camera;
mod contacts;
mod convert;
mod course;
mod dirt;
mod fingers;
mod guard;
mod near;
pub mod perspective;
mod rig;
mod shapes;
mod sweep;
mod world;

pub use camera::Camera;
pub use near::Near;
pub use rig::SimRig;
pub use world::{FingerCmd, Touch, World};

use crate::cell::{CellPlan, ScriptedCell, check_fit};
use crate::config::{Physics, Robot, Scene};
use crate::input::{Check, ConfigError};
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

impl From<Physics> for PhysicsSettings {
    fn from(Physics { dt_ms, iterations }: Physics) -> Self {
        Self { dt_ms, iterations, ..Self::default() }
    }
}

/// A simulated workcell.
pub fn cell(
    scene: &Scene,
    robot: &Robot,
    task: &TaskSpec,
    settings: PhysicsSettings,
) -> Result<ScriptedCell<SimRig>, ConfigError> {
    cell_of("experiment", scene, robot, task, settings)
}

/// A simulated workcell of a task that was read from `file`, which messages then name.
pub fn cell_of(
    file: &str,
    scene: &Scene,
    robot: &Robot,
    task: &TaskSpec,
    settings: PhysicsSettings,
) -> Result<ScriptedCell<SimRig>, ConfigError> {
    let check = Check { file: "physics" };
    check.within("dt_ms", settings.dt_ms, 0.05, 8.0)?;
    check.within("iterations", settings.iterations as f64, 1.0, 64.0)?;
    let plan = CellPlan::new(scene, robot);
    let experiment = Check { file };
    check_fit(experiment, scene, robot, task, &plan)?;
    dirt::check(experiment, scene, robot, task)?;
    let rig = SimRig::new(scene, robot, task, &plan, settings);
    Ok(ScriptedCell::simulated(rig, plan, robot.planner_in(scene)))
}
