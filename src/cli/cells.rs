use crate::cell::Workcell;
use crate::config::{ConfigError, Experiment, Physics, Robot, Scene, Source};
use crate::sim;
use crate::task::TaskSpec;
use crate::task::streams::fnv1a;

/// Makes simulated workcells of an experiment: robot and task fixed, the scene by name.
pub struct SimCells {
    robot: Robot,
    task: TaskSpec,
    /// Where the task was read from.
    source: Source,
    physics: Physics,
}

impl SimCells {
    pub fn new(experiment: &Experiment) -> Result<Self, ConfigError> {
        Ok(Self {
            robot: Robot::named(&experiment.robot)?,
            task: experiment.task.clone(),
            source: experiment.source.clone(),
            physics: experiment.physics,
        })
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
        let file = self.source.or("experiment");
        let physics = self.physics.into();
        Ok(Box::new(sim::cell_of(file, &scene, &self.robot, &self.task, physics)?))
    }
}
