use rapier3d::math::{Pose, Vector};

use crate::config::GripperSpec;

/// The boxes of the hand: a palm on the gripper's base and a finger above and below the tool
/// point. Metres.
#[derive(Clone, Copy, Debug)]
pub(super) struct HandShapes {
    width: f32,
    length: f32,
    thickness: f32,
    /// How far the tips reach beyond the tool point.
    reach: f32,
    open_half: f32,
}

const PALM_DEPTH: f32 = 0.02;

impl HandShapes {
    pub fn new(gripper: &GripperSpec) -> Self {
        let metres = |mm: f64| (mm / 1e3) as f32;
        Self {
            width: metres(gripper.pad_width_mm),
            length: metres(gripper.pad_length_mm),
            thickness: metres(gripper.pad_thickness_mm),
            reach: metres(gripper.overlap_mm) / 2.0,
            open_half: metres(gripper.opening_mm) / 2.0,
        }
    }

    /// Finger above (`side` 1) or below (-1): `finger_from_box` and half its sides. The finger's
    /// frame is the tool point moved onto the pad's face.
    pub fn finger(&self, side: f32) -> (Pose, Vector) {
        let half = Vector::new(self.length, self.width, self.thickness) / 2.0;
        (Pose::translation(self.reach - half.x, 0.0, side * half.z), half)
    }

    /// `tool_from_box` of the palm and half its sides.
    pub fn palm(&self) -> (Pose, Vector) {
        let half = Vector::new(PALM_DEPTH / 2.0, self.width / 2.0, self.open_half + self.thickness);
        (Pose::translation(self.reach - self.length - half.x, 0.0, 0.0), half)
    }
}
