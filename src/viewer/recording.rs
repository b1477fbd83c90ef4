use std::ops::ControlFlow;

use super::{Moment, ViewError};
use crate::cell::{Attempt, Detail, Observation, Snapshot, Watch, Workcell};
use crate::config::{Grasp, Physics, Robot, Scene};
use crate::sim;
use crate::task::{Correction, Setup, TaskSpec};

/// One simulated trial with every moment of it, to be played forwards, backwards and in steps.
#[derive(Clone, Debug)]
pub struct Recording {
    pub setup: Setup,
    /// The scene as this trial met it, with whatever was not as the files say.
    pub scene: Scene,
    pub seen: Observation,
    pub attempt: Attempt,
    /// In order of time; never empty.
    moments: Vec<Moment>,
}

/// A gap between two moments that is longer than this is filled, seconds.
const GAP: f64 = 0.011;

impl Recording {
    /// Simulates a trial as `rmrl` does when nobody looks, and keeps all of it.
    pub fn make(
        (scene, robot): (&Scene, &Robot),
        task: &TaskSpec,
        physics: Physics,
        setup: &Setup,
        correction: Correction,
    ) -> Result<Self, ViewError> {
        let mut cell = sim::cell(scene, robot, task, physics.into())?;
        let mut recorder =
            Recorder { grasp: robot.gripper.grasp, detail: None, moments: Vec::new() };
        let seen = cell.prepare(setup, &mut recorder)?;
        recorder.moments.push(Moment::at_rest(scene, robot, setup.offset));
        let attempt = cell.attempt(correction, &mut recorder)?;
        let scene = cell.rig().scene().clone();
        Ok(Self { setup: *setup, scene, seen, attempt, moments: recorder.moments })
    }

    /// How long it takes, seconds.
    pub fn duration(&self) -> f64 {
        self.moments.last().map_or(0.0, |last| last.seconds)
    }

    pub fn moments(&self) -> &[Moment] {
        &self.moments
    }

    /// The last moment that is not after `seconds`: exactly as the physics had it. Only where
    /// the simulation jumped, what lies between is made up by straight motion.
    pub fn at(&self, seconds: f64) -> Moment {
        let after = self.moments.partition_point(|m| m.seconds <= seconds);
        let before = &self.moments[after.saturating_sub(1)];
        let Some(next) = self.moments.get(after) else { return before.clone() };
        let gap = next.seconds - before.seconds;
        if gap <= GAP {
            return before.clone();
        }
        before.towards(next, ((seconds - before.seconds) / gap).clamp(0.0, 1.0))
    }

    /// The time of the next moment after `seconds`, or the last one before it.
    pub fn neighbour(&self, seconds: f64, forwards: bool) -> f64 {
        let at = if forwards {
            self.moments.partition_point(|m| m.seconds <= seconds)
        } else {
            self.moments.partition_point(|m| m.seconds < seconds).saturating_sub(1)
        };
        self.moments.get(at).map_or(self.duration(), |m| m.seconds)
    }

    /// When each part of the motion script begins.
    pub fn segments(&self) -> Vec<(f64, &str)> {
        let mut starts: Vec<(f64, &str)> = Vec::new();
        for moment in &self.moments {
            if starts.last().is_none_or(|(_, name)| *name != moment.segment.as_ref()) {
                starts.push((moment.seconds, moment.segment.as_ref()));
            }
        }
        starts
    }
}

/// Keeps every moment that it is shown.
#[derive(Debug)]
struct Recorder {
    grasp: Grasp,
    detail: Option<Detail>,
    moments: Vec<Moment>,
}

impl Watch for Recorder {
    fn tick(&mut self, snapshot: &Snapshot) -> ControlFlow<()> {
        let detail = self.detail.take();
        self.moments.push(Moment::of(snapshot, detail.as_ref(), self.grasp));
        ControlFlow::Continue(())
    }

    fn closely(&self) -> bool {
        true
    }

    fn detail(&mut self, detail: &Detail) {
        self.detail = Some(detail.clone());
    }
}
