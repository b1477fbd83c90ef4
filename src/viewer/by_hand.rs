use bevy::prelude::*;

use super::{Cell, Moment, Playback, Recording, Shown, ViewError};
use crate::config::{Physics, Robot, Scene};
use crate::task::{Correction, Phase, Pose2, Reward, Setup, Streams, TaskSpec, TrialKey};

/// A trial of the user's own.
#[derive(Resource, Clone, Debug)]
pub struct ByHand {
    pub scene: String,
    pub robot: String,
    pub offset: Pose2,
    pub correction: Correction,
    /// Noise of arm, measurement and camera, as in training.
    pub noise: bool,
    pub task: TaskSpec,
    physics: Physics,
    /// Why the last one could not be made.
    pub failure: Option<String>,
}

/// How far the sliders go, mm and deg.
pub const OFFSET_REACH: f64 = 10.0;

impl ByHand {
    /// # Errors
    /// An offset beyond the sliders.
    pub fn new(
        scene: String,
        robot: String,
        offset: Pose2,
        task: TaskSpec,
        physics: Physics,
    ) -> Result<Self, ViewError> {
        if !offset.axes().iter().all(|axis| axis.abs() <= OFFSET_REACH) {
            let [x, y, yaw] = offset.axes();
            let valid = format!("each must be within +-{OFFSET_REACH} (mm, mm, degrees)");
            return Err(ViewError::Input(format!("--offset {x},{y},{yaw}: {valid}")));
        }
        Ok(Self {
            scene,
            robot,
            offset,
            correction: Pose2::IDENTITY,
            noise: false,
            task,
            physics,
            failure: None,
        })
    }

    /// The task as the switches have it.
    pub fn task(&self) -> TaskSpec {
        if self.noise { self.task.clone() } else { self.task.clone().without_noise() }
    }

    pub fn reward(&self) -> Reward {
        Reward::new(&self.task)
    }

    pub fn setup(&self) -> Setup {
        let key = TrialKey { phase: Phase::Train, index: 0 };
        Setup { streams: Streams::new(1), key, instance: 0, offset: self.offset, made: 0 }
    }

    /// Makes the trial and plays it.
    pub fn run(&mut self, cell: &Cell, playback: &mut Playback) {
        let bodies = (&cell.scene, &cell.robot);
        let setup = self.setup();
        match Recording::make(bodies, &self.task(), self.physics, &setup, self.correction) {
            Ok(recording) => {
                self.failure = None;
                playback.load(recording, true);
            }
            Err(error) => self.failure = Some(error.to_string()),
        }
    }

    /// Before the trial again.
    pub fn reset(&self, cell: &Cell, playback: &mut Playback, shown: &mut Shown) {
        playback.clear();
        shown.0 = Moment::at_rest(&cell.scene, &cell.robot, self.offset);
    }

    /// The cell of another scene or robot; the old one stays if the new one cannot be read.
    pub fn enter(&mut self, scene: &str, robot: &str) -> Option<Cell> {
        match (Scene::named(scene), Robot::named(robot)) {
            (Ok(found), Ok(hand)) => {
                (self.scene, self.robot) = (scene.to_owned(), robot.to_owned());
                self.failure = None;
                Some(Cell { scene: found, robot: hand, image: self.task.image })
            }
            (Err(error), _) | (_, Err(error)) => {
                self.failure = Some(error.to_string());
                None
            }
        }
    }
}
