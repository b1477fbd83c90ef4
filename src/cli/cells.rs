use crate::cell::Workcell;
use crate::config::{ConfigError, Experiment, Physics, Robot, Scene};
use crate::sim;
use crate::task::TaskSpec;
use crate::task::streams::fnv1a;

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

    /// What is behind these cells, with a hash of robot and scenes: a run that is resumed with
    /// an edited file is another run.
    pub fn describe(&self, scenes: &[&String]) -> Result<String, ConfigError> {
        let mut all = format!("{:?}", self.robot);
        for scene in scenes {
            all += &format!("{:?}", Scene::named(scene)?);
        }
        Ok(format!("sim, robot and scenes {:016x}", fnv1a(&all)))
    }

    pub fn cell(&self, scene: &str) -> Result<Box<dyn Workcell>, ConfigError> {
        let scene = Scene::named(scene)?;
        Ok(Box::new(sim::cell(&scene, &self.robot, &self.task, self.physics.into())?))
    }
}
