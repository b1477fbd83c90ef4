use std::ops::ControlFlow;

use nalgebra::{Isometry3, Point3, Vector3};
use serde::{Deserialize, Serialize};

use super::{DeviceError, Doubt};
use crate::config::Scene;
use crate::task::{
    ContextSignal, Correction, Image, Outcome, Placement, Pose2, RewardSignal, Setup, TrialKey,
};

/// A cell that can try the task: simulated, real, or ideal. Slow, fallible and cancellable.
///
/// One trial is [`prepare`](Self::prepare), then [`attempt`](Self::attempt). A failed task is an
/// [`Outcome`]; an error means that the cell itself could not go on.
pub trait Workcell {
    /// The finest signals this cell can give.
    fn offers(&self) -> Signals;

    /// Its pictures are stored with the trials: nobody can take them again, or not cheaply.
    fn keeps_pictures(&self) -> bool {
        !self.offers().truth
    }

    /// Brings the plate to the setup's offset and looks at it.
    fn prepare(&mut self, setup: &Setup, watch: &mut dyn Watch) -> Result<Observation, CellError>;

    /// What it asks of a policy that is judged or put to work, not of one that still explores.
    fn doubt(&self) -> Option<Doubt> {
        None
    }

    /// Picks with this correction, places, measures.
    fn attempt(
        &mut self,
        correction: Correction,
        watch: &mut dyn Watch,
    ) -> Result<Attempt, CellError>;

    /// After an interruption: finds the plate and brings the cell to where `prepare` can work.
    fn recover(&mut self, watch: &mut dyn Watch) -> Result<PlateAt, CellError>;
}

/// What a cell can tell. `truth` is the simulator's own knowledge: for the store and the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signals {
    pub reward: RewardSignal,
    pub context: ContextSignal,
    pub truth: bool,
}

/// What is seen before the correction is chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    pub image: Image,
    /// The plate's offset as the cell measures it, where it can.
    pub pose: Option<Pose2>,
}

/// All that happened in one trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    pub commanded: Correction,
    /// What the arm did by its own reading at the grip, which has its own error.
    pub executed: Correction,
    /// The plate's pose in the hand's nominal plate frame, once lifted.
    pub in_hand: Option<Pose2>,
    pub outcome: Outcome,
    /// Lies flat on its seat, within the scene's thresholds.
    pub seated: bool,
    /// The placement as measured: what rewards come from.
    pub measured: Option<Placement>,
    /// The placement as the simulator knows it: never for a learner.
    pub truth: Option<Placement>,
    pub duration: RobotTime,
    pub harm: Harm,
    /// The cell afterwards, where it cannot be rendered again.
    pub after: Option<Image>,
}

/// What a trial may have damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Harm {
    /// Largest force in the attempt, newtons: in simulation all that furniture presses on the plate,
    /// added up without regard to direction, so that a plate squeezed between two guides shows it;
    /// of a real arm the force at its tool.
    pub peak_force_n: f64,
    /// The plate stuck: it was left jammed, or the guard had to stop the hand that moved it and it is
    /// not seated.
    pub jam: bool,
    /// The plate left the hand too early, or did not stay at the target.
    pub drop: bool,
    /// Palm or fingers pushed the plate outside the grip; `None` where that cannot be seen.
    pub plate_hit: Option<bool>,
}

impl Harm {
    /// As people would say it.
    pub fn words(&self) -> String {
        let all =
            [(self.jam, "jam"), (self.drop, "drop"), (self.plate_hit == Some(true), "plate hit")];
        let said: Vec<&str> = all.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
        if said.is_empty() { "none".to_owned() } else { said.join(", ") }
    }
}

/// Seconds of the robot's own clock; in simulation, simulated seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct RobotTime {
    pub seconds: f64,
}

/// Where the plate was found after an interruption.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PlateAt {
    Pick,
    Target,
    Hand,
    /// A person has to look for it.
    Unknown,
}

/// Sees a trial step by step, and may end it.
pub trait Watch {
    /// `Break` cancels the trial; the cell stops safely and returns [`CellError::Cancelled`].
    fn tick(&mut self, snapshot: &Snapshot) -> ControlFlow<()>;

    /// Wants to be shown every physics step of a simulation, and [`Detail`], instead of 25 moments
    /// a second. Asked before each motion; the trial itself stays the same.
    fn closely(&self) -> bool {
        false
    }

    /// Comes before the tick of the same moment, from a simulation and to who looks closely.
    fn detail(&mut self, _: &Detail) {}

    /// Comes before a trial of a run: which one, and after how many it is an evaluation.
    fn begins(&mut self, _: TrialKey, _checkpoint: u64) {}

    /// Comes before an attempt's first tick, from a simulation whose scene differs from its file
    /// from trial to trial: the scene as this one meets it.
    fn met(&mut self, _: &Scene) {}
}

/// What only a simulation can show of a moment. World frame, metres and newtons.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detail {
    /// Upper, lower: each finger's frame is the tool point moved onto its pad's face.
    pub world_from_fingers: [Isometry3<f64>; 2],
    /// Where something presses on the plate.
    pub contacts: Vec<Contact>,
}

/// One point at which something presses on the plate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contact {
    pub point: Point3<f64>,
    /// On the plate, along the contact's normal, mean over the last physics step.
    pub force: Vector3<f64>,
}

/// A [`Watch`] for when nobody looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn tick(&mut self, _: &Snapshot) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// The cell at one moment. Poses are in the world frame: metres, z up.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub time: RobotTime,
    /// Which part of the motion script is running.
    pub segment: &'static str,
    pub world_from_tool: Isometry3<f64>,
    /// Distance between the pads, metres.
    pub opening: f64,
    /// Known in simulation only.
    pub world_from_plate: Option<Isometry3<f64>>,
}

/// Why a robot stopped for safety.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// What the robot reports, in its own words.
    pub reason: String,
    /// What the person should do before the run goes on.
    pub advice: String,
}

/// The cell could not go on. A task that failed is an [`Outcome`] instead.
#[derive(Debug, thiserror::Error)]
pub enum CellError {
    #[error("stopped for safety: {}; {}", .0.reason, .0.advice)]
    NeedsPerson(Stop),
    #[error("cancelled")]
    Cancelled,
    #[error("the requested motion is not allowed: {0}")]
    Forbidden(String),
    #[error(transparent)]
    Device(DeviceError),
}

impl From<DeviceError> for CellError {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::Stopped(stop) => Self::NeedsPerson(stop),
            DeviceError::Cancelled => Self::Cancelled,
            other => Self::Device(other),
        }
    }
}
