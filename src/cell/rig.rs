use nalgebra::Isometry3;

use super::{Harm, RobotTime, Stop, Watch};
use crate::arm::{CheckedPath, Joints};
use crate::task::{ContextSignal, Image, Placement, Pose2, RewardSignal, Setup};

/// Moves the tool. Time is the robot's own.
pub trait Arm {
    fn now(&self) -> RobotTime;

    /// `world_from_tool` by the arm's own account: where the next path begins.
    fn tool(&mut self) -> Result<Isometry3<f64>, DeviceError>;

    /// `world_from_tool` as the arm's sensors read it, with their own error: what a trial reports as
    /// executed. Nothing is planned from it.
    fn read_tool(&mut self) -> Result<Isometry3<f64>, DeviceError> {
        self.tool()
    }

    /// The joints as measured; none for a gantry.
    fn joints(&mut self) -> Result<Option<Joints>, DeviceError> {
        Ok(None)
    }

    /// Follows a path to its end, or to where something resists a move in contact with more
    /// than the guard force, and returns [`tool`](Self::tool) there. Only a
    /// [`CheckedPath`] can be followed: nothing moves outside the safety envelope.
    fn follow(
        &mut self,
        path: &CheckedPath,
        watch: &mut dyn Watch,
    ) -> Result<Isometry3<f64>, DeviceError>;
}

/// Opens and closes the fingers.
pub trait Gripper {
    fn open(&mut self, watch: &mut dyn Watch) -> Result<(), DeviceError>;
    fn close(&mut self, watch: &mut dyn Watch) -> Result<Grip, DeviceError>;

    /// Is something still between the closed fingers? Asked after the lift and after the carry.
    fn holds(&mut self) -> Result<bool, DeviceError>;
}

/// What the fingers report after closing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grip {
    /// Distance between the pads, metres.
    pub opening: f64,
    /// The fingers stopped on something before they were shut.
    pub holds: bool,
}

/// Sees the plate.
pub trait Eyes {
    /// Image of the nominal plate at the pick place.
    fn look(&mut self) -> Result<Image, DeviceError>;

    /// The plate's offset at the pick place as measured; `None` where this cannot be measured.
    fn locate(&mut self) -> Result<Option<Pose2>, DeviceError>;

    /// Where the plate lies in the target frame, as measured; `None` if it was not found.
    fn measure(&mut self) -> Result<Option<Measured>, DeviceError>;

    /// Picture of the cell after a trial, where it cannot be rendered again.
    fn look_after(&mut self) -> Result<Option<Image>, DeviceError> {
        Ok(None)
    }
}

impl<E: Eyes + ?Sized> Eyes for Box<E> {
    fn look(&mut self) -> Result<Image, DeviceError> {
        (**self).look()
    }

    fn locate(&mut self) -> Result<Option<Pose2>, DeviceError> {
        (**self).locate()
    }

    fn measure(&mut self) -> Result<Option<Measured>, DeviceError> {
        (**self).measure()
    }

    fn look_after(&mut self) -> Result<Option<Image>, DeviceError> {
        (**self).look_after()
    }
}

/// A placement as measured, and whether it is seated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    pub placement: Placement,
    pub seated: bool,
}

/// All that differs between simulation and hardware.
pub trait Rig: Arm + Gripper + Eyes {
    /// The finest signals that its eyes can give.
    fn sees(&self) -> (RewardSignal, ContextSignal);

    /// Its pictures cannot be taken again, or not cheaply.
    fn keeps_pictures(&self) -> bool {
        false
    }

    /// A trial is about to begin: a simulated rig keys its noise by it, and adds it where it moves.
    fn begin(&mut self, setup: &Setup);

    /// What is done from here on counts as the trial's harm.
    fn begin_attempt(&mut self) {}

    /// Puts the plate at this offset without the arm's help, and opens the hand at home;
    /// `false` where the arm has to carry the plate back itself.
    fn set_plate(&mut self, offset: Pose2) -> Result<bool, DeviceError>;

    /// What the attempt may have damaged, as far as the rig can tell
    /// without knowing how it ended.
    fn harm(&self) -> Harm {
        Harm::default()
    }
}

/// What only a simulation can answer: for the store and the report, never for a learner.
pub trait SimTruth {
    /// The plate's pose in the hand's nominal plate frame; `None` unless the hand alone holds it.
    fn in_hand(&self) -> Option<Pose2>;

    /// The placement as it is.
    fn placement(&self) -> Measured;
}

/// A device failed, was stopped, or was told to stop.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    #[error("stopped for safety: {}; {}", .0.reason, .0.advice)]
    Stopped(Stop),
    #[error("cancelled")]
    Cancelled,
    #[error("{device}: {what}")]
    Fault { device: &'static str, what: String },
}
