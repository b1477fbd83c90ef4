use nalgebra::Isometry3;
use rapier3d::math::{Pose, Vector};

use super::convert::{pose, vector_of};
use super::shapes::HandShapes;
use super::sweep::Sweep;
use super::world::FingerCmd;
use crate::config::{GripperSpec, Scene};

/// How near a hand is to anything: who steps a [`World`](super::World) in real time may leave it
/// alone while nothing can touch.
pub struct Near {
    shapes: HandShapes,
    furniture: Vec<(Pose, Vector)>,
    plate_half: Vector,
    /// Farthest point of the hand from the tool point, metres.
    reach: f64,
}

impl Near {
    pub fn new(scene: &Scene, gripper: &GripperSpec) -> Self {
        let shapes = HandShapes::new(gripper);
        let (palm, sides) = shapes.palm();
        let furniture = scene.statics.iter().map(|b| (pose(&b.world_from_box), vector_of(&b.half)));
        Self {
            shapes,
            furniture: furniture.collect(),
            plate_half: vector_of(&(scene.plate.size / 2.0)),
            reach: f64::from(palm.translation.length() + sides.length()),
        }
    }

    /// Farthest point of the hand from the tool point, metres.
    pub fn reach(&self) -> f64 {
        self.reach
    }

    /// Distance of the hand from plate and furniture, metres; 0 where they overlap.
    pub fn gap(
        &self,
        world_from_tool: &Isometry3<f64>,
        fingers: FingerCmd,
        world_from_plate: &Isometry3<f64>,
    ) -> f64 {
        let finger = |side: f32| {
            let (at, sides) = self.shapes.finger(side);
            (self.shapes.travelled(side, fingers.half_opening as f32) * at, sides)
        };
        let moving = vec![self.shapes.palm(), finger(1.0), finger(-1.0)];
        let centre = Isometry3::translation(0.0, 0.0, f64::from(self.plate_half.z));
        let mut standing = self.furniture.clone();
        standing.push((pose(&(world_from_plate * centre)), self.plate_half));
        f64::from(Sweep { moving, standing }.nearest(world_from_tool))
    }
}
