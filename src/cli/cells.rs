use crate::cell::Workcell;
use crate::config::{Physics, Robot, Scene};
use crate::input::{ConfigError, Source};
use crate::lab::Experiment;
use crate::sim;
use crate::task::TaskSpec;
use crate::task::streams::fnv1a;

/// What cells are made of: of an experiment, or of a command that has none.
#[derive(Clone, Debug)]
pub struct Bench {
    pub robot: String,
    pub scene: String,
    pub task: TaskSpec,
    pub physics: Physics,
    /// Where the task was read from.
    pub source: Source,
}

impl From<&Experiment> for Bench {
    fn from(experiment: &Experiment) -> Self {
        let Experiment { robot, scene, task, physics, source, .. } = experiment.clone();
        Self { robot, scene, task, physics, source }
    }
}

/// Makes simulated workcells: robot and task fixed, the scene by name.
pub struct SimCells {
    robot: Robot,
    task: TaskSpec,
    /// Where the task was read from.
    source: Source,
    physics: Physics,
}

impl SimCells {
    pub fn new(bench: &Bench) -> Result<Self, ConfigError> {
        Ok(Self {
            robot: Robot::named(&bench.robot)?,
            task: bench.task.clone(),
            source: bench.source.clone(),
            physics: bench.physics,
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
