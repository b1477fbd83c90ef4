use std::path::Path;

use crate::cell::{Workcell, check_fit};
use crate::config::{Physics, Robot, Scene};
use crate::input::{Check, ConfigError, Content, Source, anchored};
use crate::lab::Experiment;
use crate::sim;
use crate::store::{self, Provenance};
use crate::task::TaskSpec;
use crate::twin;

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

    /// What is behind these cells: a run that is resumed with an edited file is another run.
    pub fn provenance(&self, scenes: &[&String]) -> Result<Provenance, ConfigError> {
        provenance(crate::lab::SIMULATION, &self.robot, scenes)
    }

    pub fn cell(&self, scene: &str) -> Result<Box<dyn Workcell>, ConfigError> {
        let scene = Scene::named(scene)?;
        let file = self.source.or("experiment");
        let physics = self.physics.into();
        Ok(Box::new(sim::cell_of(file, &scene, &self.robot, &self.task, physics)?))
    }
}

/// Makes cells of a twin in virtual time: the robot file's, with the scene by name.
pub struct TwinCells {
    robot: Robot,
    task: TaskSpec,
    source: Source,
}

impl TwinCells {
    pub fn new(bench: &Bench) -> Result<Self, ConfigError> {
        let Bench { robot, task, source, .. } = bench.clone();
        Ok(Self { robot: Robot::named(&robot)?, task, source })
    }

    pub fn provenance(&self, scenes: &[&String]) -> Result<Provenance, ConfigError> {
        provenance(crate::lab::TWIN, &self.robot, scenes)
    }

    pub fn cell(&self, scene: &str) -> Result<Box<dyn Workcell>, ConfigError> {
        let mut robot = self.robot.clone();
        if let Some(twin) = &mut robot.twin {
            // Found from where the command was given, as anywhere else.
            twin.scene = anchored(Path::new(""), scene);
        }
        let plan = twin::Plan::new(&robot, self.task.clone(), Vec::new())?;
        let file = self.source.or("experiment");
        check_fit(Check { file }, plan.drawn(), &robot, &self.task, &plan.taught())?;
        Ok(Box::new(plan.cell(&self.task)?))
    }
}

/// What is behind a backend's cells.
fn provenance(backend: &str, robot: &Robot, scenes: &[&String]) -> Result<Provenance, ConfigError> {
    let scene = |name: &&String| {
        let scene = Scene::named(name)?;
        Ok(of_file(&scene.name, &scene.content))
    };
    Ok(Provenance {
        backend: backend.to_owned(),
        robot: Some(of_file(&robot.name, &robot.content)),
        scenes: scenes.iter().map(scene).collect::<Result<_, _>>()?,
    })
}

/// A file as a run knows it.
pub(super) fn of_file(name: &str, content: &Content) -> store::Named {
    store::Named { name: name.to_owned(), sha256: content.to_string() }
}
