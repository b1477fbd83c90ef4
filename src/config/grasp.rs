use nalgebra::Vector3;
use serde::{Deserialize, Serialize};

use super::Plate;

/// How the gripper holds the plate. Both reach in along x, over or along the plate's rear end,
/// and leave the same way: one motion script serves both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grasp {
    /// Pads close on top and bottom of the short end: nothing centres the plate.
    EdgePinch,
    /// Offset fingers close across the plate's width: y and, at low pad friction, yaw are centred
    /// by closing; x passes through.
    SideGrip,
}

impl Grasp {
    /// Along which the jaws close, in the tool's frame.
    pub fn jaw(self) -> Vector3<f64> {
        match self {
            Self::EdgePinch => Vector3::z(),
            Self::SideGrip => Vector3::y(),
        }
    }

    /// What of a plate is between the closed pads, metres.
    pub fn gripped(self, plate: &Plate) -> f64 {
        match self {
            Self::EdgePinch => plate.size.z,
            Self::SideGrip => plate.size.y,
        }
    }
}
