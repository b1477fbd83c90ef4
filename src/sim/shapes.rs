use nalgebra::{Isometry3, Vector3};
use rapier3d::math::{Pose, Vector};

use super::convert::{isometry, vector, vector_of};
use crate::config::{Grasp, GripperSpec};

/// The boxes that the hand collides with: the box's pose in its body, and half its sides, metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HandBoxes {
    /// On the gripper's base, whose frame is the tool point.
    pub tool_from_palm: (Isometry3<f64>, Vector3<f64>),
    /// On the positive side of the jaw axis (upper, or left), and on the negative.
    pub finger_from_box: [(Isometry3<f64>, Vector3<f64>); 2],
}

impl HandBoxes {
    pub fn new(gripper: &GripperSpec) -> Self {
        let shapes = HandShapes::new(gripper);
        let metric = |(at, half): (Pose, Vector)| (isometry(&at), vector(half));
        Self {
            tool_from_palm: metric(shapes.palm()),
            finger_from_box: [1.0, -1.0].map(|side| metric(shapes.finger(side))),
        }
    }
}

/// The boxes of the hand: a palm on the gripper's base and a finger on each side of the tool
/// point. Metres.
#[derive(Clone, Copy, Debug)]
pub(super) struct HandShapes {
    width: f32,
    length: f32,
    thickness: f32,
    /// How far the tips reach beyond the tool point.
    reach: f32,
    open_half: f32,
    grasp: Grasp,
}

const PALM_DEPTH: f32 = 0.02;
/// How far a finger that is pushed open gives way beyond its opening.
const GIVE: f32 = 0.02;

impl HandShapes {
    pub fn new(gripper: &GripperSpec) -> Self {
        let metres = |mm: f64| (mm / 1e3) as f32;
        Self {
            width: metres(gripper.pad_width_mm),
            length: metres(gripper.pad_length_mm),
            thickness: metres(gripper.pad_thickness_mm),
            reach: metres(gripper.overlap_mm) / 2.0,
            open_half: metres(gripper.opening_mm) / 2.0,
            grasp: gripper.grasp,
        }
    }

    /// Along which the jaws close, in the tool's frame.
    pub fn jaw(&self) -> Vector {
        vector_of(&self.grasp.jaw())
    }

    /// `tool_from_finger` of the finger on this side (1 or -1 along the jaw) when its pad stands
    /// so far from the tool point.
    pub fn travelled(&self, side: f32, travel: f32) -> Pose {
        let at = self.jaw() * (side * travel);
        Pose::translation(at.x, at.y, at.z)
    }

    /// The finger on this side: `finger_from_box` and half its sides. The finger's frame is the
    /// tool point moved onto the pad's face.
    pub fn finger(&self, side: f32) -> (Pose, Vector) {
        let half = self.turned(Vector::new(self.length, self.width, self.thickness) / 2.0);
        let out = self.jaw() * (side * self.thickness / 2.0);
        (Pose::translation(self.reach - half.x, out.y, out.z), half)
    }

    /// `tool_from_box` of the palm and half its sides.
    pub fn palm(&self) -> (Pose, Vector) {
        let half = Vector::new(PALM_DEPTH / 2.0, self.width / 2.0, self.open_half + self.thickness);
        (Pose::translation(self.reach - self.length - half.x, 0.0, 0.0), self.turned(half))
    }

    /// How far a finger may be pushed, metres from the tool point.
    pub fn most_travel(&self) -> f32 {
        self.open_half + GIVE
    }

    /// Sides of a box whose jaw axis is z, in the tool's frame.
    fn turned(&self, sides: Vector) -> Vector {
        match self.grasp {
            Grasp::EdgePinch => sides,
            Grasp::SideGrip => Vector::new(sides.x, sides.z, sides.y),
        }
    }
}
