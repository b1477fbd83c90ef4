//! A camera in perspective: what a lens with distortion sees of furniture, of boards of tags and of a
//! plate. Grey frames of any size; bits depend on scene, lens, pose and draw only.
//!
//! What it leaves out: shadows and reflections, the depth of wells, motion blur, the arm. Exposure is
//! linear in the light. Blur and the width of a pixel are one Gaussian.

mod backdrop;
mod face;
mod paint;
mod silhouette;
mod step;
#[cfg(test)]
mod tests;
mod view;

use nalgebra::{Isometry3, Vector3};

pub use face::Face;
pub use view::{Shot, View};

/// A box of the furniture. Metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block {
    pub world_from_block: Isometry3<f64>,
    /// Half its sides.
    pub half: Vector3<f64>,
    /// Of its top, 0 to 1; its sides are darker.
    pub light: f32,
}

/// Something with a flat face: a plate, a card with a tag, a hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Slab {
    /// The face lies at z = 0 and looks along +z. Metres.
    pub world_from_face: Isometry3<f64>,
    pub face: Face,
    /// How far it reaches below its face, metres.
    pub thickness: f64,
}
