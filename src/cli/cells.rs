use crate::cell::Workcell;
use crate::config::{ConfigError, Experiment, Physics, Robot, Scene};
use crate::sim::{self, PhysicsSettings};
use crate::task::TaskSpec;

/// Makes simulated workcells of an experiment: robot and task fixed, the scene by name.
pub struct SimCells {
    robot: Robot,
    task: TaskSpec,
    physics: Physics,
}

impl SimCells {
    pub fn new(experiment: &Experiment) -> Result<Self, ConfigError> {
        Self::with(&experiment.robot, experiment.task.clone(), experiment.physics)
    }

    pub fn with(robot: &str, task: TaskSpec, physics: Physics) -> Result<Self, ConfigError> {
        Ok(Self { robot: Robot::named(robot)?, task, physics })
    }

    pub fn cell(&self, scene: &str) -> Result<Box<dyn Workcell>, ConfigError> {
        let scene = Scene::named(scene)?;
        let Physics { dt_ms, iterations } = self.physics;
        let physics = PhysicsSettings { dt_ms, iterations, ..PhysicsSettings::default() };
        Ok(Box::new(sim::cell(&scene, &self.robot, &self.task, physics)?))
    }
}
