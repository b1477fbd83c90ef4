use nalgebra::{Isometry3, Point3};
use rapier3d::math::Vector;
use rapier3d::parry::query::details::closest_points_segment_segment_with_locations;
use rapier3d::parry::shape::Segment;

use super::obstacles::extent;
use super::{ArmModel, Capsule, JointTrajectory, Joints, Obstacle};

/// The arm's shape, and what it keeps away from: itself and the floor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Body {
    pub shapes: Vec<Capsule>,
    /// Least distance between parts that are not neighbours, and to the floor, metres.
    pub clearance: f64,
    /// Height of the floor or table, world frame, metres; no floor without one.
    pub floor: Option<f64>,
    /// What else it keeps that distance from.
    pub obstacles: Vec<Obstacle>,
}

/// Two parts that come too near each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TooNear {
    pub parts: [&'static str; 2],
    /// Metres; negative where they overlap.
    pub distance: f64,
    /// Share of the way.
    pub share: f64,
}

impl Body {
    /// Is the arm clear of itself and the floor all along the way? The proof advances by what the
    /// nearest pair allows; half of the clearance is kept between looks, all of it at each.
    pub fn check(&self, arm: &ArmModel, trajectory: &JointTrajectory) -> Result<(), TooNear> {
        if self.shapes.is_empty() {
            return Ok(());
        }
        let fastest = self.levers(arm).dot(trajectory.steepest());
        let mut share = 0.0;
        loop {
            let (parts, distance) = self.nearest(arm, &trajectory.along(share).0);
            // A distance that is not a number is not clear.
            if distance.is_nan() || distance < self.clearance {
                return Err(TooNear { parts, distance, share });
            }
            if share >= 1.0 {
                return Ok(());
            }
            // Two parts may move towards each other.
            let step = (distance - self.clearance / 2.0) / (2.0 * fastest);
            share = (share + step.max(LEAST_STEP)).min(1.0);
        }
    }

    /// The two parts nearest to each other, or to the floor, and their distance.
    pub fn nearest(&self, arm: &ArmModel, joints: &Joints) -> ([&'static str; 2], f64) {
        let placed = self.placed(arm, joints);
        let mut nearest = (["arm", "floor"], f64::INFINITY);
        let mut take = |parts, distance: f64| {
            if distance < nearest.1 || distance.is_nan() {
                nearest = (parts, distance);
            }
        };
        for (i, (a, a_rod)) in placed.iter().enumerate() {
            for (b, b_rod) in &placed[i + 1..] {
                if neighbours(a.link, b.link) {
                    continue;
                }
                take([a.name(), b.name()], between(a_rod, b_rod) - a.radius - b.radius);
            }
            // Base and shoulder stand on it.
            if let Some(floor) = self.floor.filter(|_| a.link > 1) {
                let lowest = f64::from(a_rod.a.z.min(a_rod.b.z));
                take([a.name(), "floor"], lowest - a.radius - floor);
            }
        }
        nearest
    }

    /// Each shape with its rod in the world frame. On the nominal arm: the frames of a calibrated
    /// one may lie far from its links, though its flange does not.
    fn placed(&self, arm: &ArmModel, joints: &Joints) -> Vec<(&Capsule, Segment)> {
        let nominal = arm.kinematics.uncalibrated();
        let links = nominal.base_from_links(joints);
        let flange = nominal.forward(joints);
        let rod = |shape: &Capsule| {
            let base_from_link = match shape.link {
                0 => Isometry3::identity(),
                Capsule::HAND => flange,
                link => links[link - 1],
            };
            let place = |point| vector(&(arm.world_from_base * base_from_link * point));
            Segment::new(place(shape.from), place(shape.to))
        };
        self.shapes.iter().map(|shape| (shape, rod(shape))).collect()
    }

    /// For each joint, farther from its axis than this nothing lies that it moves, metres.
    fn levers(&self, arm: &ArmModel) -> Joints {
        let beyond = |joint| {
            let extents = self.shapes.iter().map(|shape| extent(arm, shape, joint));
            extents.fold(0.0, f64::max)
        };
        Joints::from_fn(|joint, _| beyond(joint))
    }
}

/// So that the search ends even where no clearance is asked for.
const LEAST_STEP: f64 = 1e-4;

/// Parts that a joint holds together, and wrist 3 and the hand it carries.
fn neighbours(a: usize, b: usize) -> bool {
    let last = |link: usize| link.min(6);
    last(a).abs_diff(last(b)) <= 1
}

fn between(a: &Segment, b: &Segment) -> f64 {
    let same = rapier3d::math::Pose::IDENTITY;
    let (on_a, on_b) = closest_points_segment_segment_with_locations(&same, a, b);
    f64::from((a.point_at(&on_a) - b.point_at(&on_b)).length())
}

fn vector(point: &Point3<f64>) -> Vector {
    Vector::new(point.x as f32, point.y as f32, point.z as f32)
}
