use nalgebra::{Isometry3, Vector3};

use crate::config::{Grasp, GripperSpec};

/// A box in the frame that carries it: `frame_from_box` and half its sides, metres.
pub type Placed = (Isometry3<f64>, Vector3<f64>);

/// The boxes of the hand, with which it collides and of which it is drawn: a palm on the gripper's
/// base and a finger on each side of the tool point. Metres.
///
/// Computed in single precision, so that physics holds the very same boxes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HandBoxes {
    /// On the gripper's base, whose frame is the tool point.
    pub tool_from_palm: Placed,
    /// On the positive side of the jaw axis (upper, or left), and on the negative. A finger's frame
    /// is the tool point moved onto its pad's face.
    pub finger_from_box: [Placed; 2],
    /// Along which the jaws close, a unit vector in the tool's frame.
    pub jaw: Vector3<f64>,
    /// How far a finger may be pushed from the tool point.
    pub most_travel: f64,
}

const PALM_DEPTH: f32 = 0.02;
/// How far a finger that is pushed open gives way beyond its opening.
const GIVE: f32 = 0.02;

impl HandBoxes {
    pub fn new(gripper: &GripperSpec) -> Self {
        let metres = |mm: f64| (mm / 1e3) as f32;
        let [width, length, thickness] =
            [gripper.pad_width_mm, gripper.pad_length_mm, gripper.pad_thickness_mm].map(metres);
        // How far the tips reach beyond the tool point.
        let reach = metres(gripper.overlap_mm) / 2.0;
        let open_half = metres(gripper.opening_mm) / 2.0;
        let jaw = gripper.grasp.jaw();
        let half = |depth: f32, width: f32, along_jaw: f32| {
            let [depth, width, along_jaw] = [depth, width, along_jaw].map(f64::from);
            match gripper.grasp {
                Grasp::EdgePinch => Vector3::new(depth, width, along_jaw),
                Grasp::SideGrip => Vector3::new(depth, along_jaw, width),
            }
        };
        let at =
            |x: f32, out: f32| Isometry3::from(Vector3::x() * f64::from(x) + jaw * f64::from(out));
        let finger = half(length / 2.0, width / 2.0, thickness / 2.0);
        let palm = half(PALM_DEPTH / 2.0, width / 2.0, open_half + thickness);
        Self {
            tool_from_palm: (at(reach - length - PALM_DEPTH / 2.0, 0.0), palm),
            finger_from_box: [1.0, -1.0]
                .map(|side| (at(reach - length / 2.0, side * (thickness / 2.0)), finger)),
            jaw,
            most_travel: f64::from(open_half + GIVE),
        }
    }

    /// `tool_from_box` of palm and fingers with each pad's face so far from the tool point.
    pub fn opened(&self, half_opening: f64) -> [Placed; 3] {
        let finger = |i: usize, side: f64| {
            let (finger_from_box, half) = self.finger_from_box[i];
            (Isometry3::from(self.jaw * (side * half_opening)) * finger_from_box, half)
        };
        [self.tool_from_palm, finger(0, 1.0), finger(1, -1.0)]
    }
}
