use rapier3d::math::{Pose, Vector};

use super::convert::{pose, vector_of};
use crate::cell::HandBoxes;
use crate::config::GripperSpec;

/// The boxes of the hand in rapier's terms.
#[derive(Clone, Copy, Debug)]
pub(super) struct HandShapes {
    palm: (Pose, Vector),
    fingers: [(Pose, Vector); 2],
    jaw: Vector,
    most_travel: f32,
}

impl HandShapes {
    pub fn new(gripper: &GripperSpec) -> Self {
        let boxes = HandBoxes::new(gripper);
        let shape = |(at, half)| (pose(&at), vector_of(&half));
        Self {
            palm: shape(boxes.tool_from_palm),
            fingers: boxes.finger_from_box.map(shape),
            jaw: vector_of(&boxes.jaw),
            most_travel: boxes.most_travel as f32,
        }
    }

    /// Along which the jaws close, in the tool's frame.
    pub fn jaw(&self) -> Vector {
        self.jaw
    }

    /// `tool_from_finger` of the finger on this side (1 or -1 along the jaw) when its pad stands
    /// so far from the tool point.
    pub fn travelled(&self, side: f32, travel: f32) -> Pose {
        let at = self.jaw * (side * travel);
        Pose::translation(at.x, at.y, at.z)
    }

    /// The finger on this side: `finger_from_box` and half its sides.
    pub fn finger(&self, side: f32) -> (Pose, Vector) {
        self.fingers[usize::from(side < 0.0)]
    }

    /// `tool_from_box` of the palm and half its sides.
    pub fn palm(&self) -> (Pose, Vector) {
        self.palm
    }

    /// How far a finger may be pushed, metres from the tool point.
    pub fn most_travel(&self) -> f32 {
        self.most_travel
    }
}
