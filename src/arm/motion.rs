use nalgebra::{Isometry3, Translation3};

use super::Segment;

/// One segment in time: a straight line from rest to rest with the least jerk, the orientation
/// turning along.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    from: Isometry3<f64>,
    to: Isometry3<f64>,
    duration: f64,
}

/// Peak speed of a minimum-jerk move, in lengths per duration.
const PEAK: f64 = 1.875;

impl Motion {
    /// As fast as the segment's speed (m/s) and the turning speed (rad/s) allow.
    pub fn new(from: Isometry3<f64>, segment: &Segment, turn_speed: f64) -> Self {
        let to = segment.world_from_tool;
        let way = (to.translation.vector - from.translation.vector).norm();
        let turn = turned(&from, &to);
        let duration = PEAK * (way / segment.speed).max(turn / turn_speed);
        Self { from, to, duration }
    }

    /// Seconds.
    pub fn duration(&self) -> f64 {
        self.duration
    }

    /// `world_from_tool` where the motion begins.
    pub fn from(&self) -> &Isometry3<f64> {
        &self.from
    }

    /// `world_from_tool` where the motion ends.
    pub fn to(&self) -> &Isometry3<f64> {
        &self.to
    }

    /// `world_from_tool` at a share of the duration from 0 to 1.
    pub fn at(&self, share: f64) -> Isometry3<f64> {
        let u = share.clamp(0.0, 1.0);
        self.along(u * u * u * (10.0 + u * (6.0 * u - 15.0)))
    }

    /// `world_from_tool` at a share of the way from 0 to 1.
    pub fn along(&self, share: f64) -> Isometry3<f64> {
        if share >= 1.0 {
            return self.to;
        }
        let (from, to) = (&self.from, &self.to);
        let translation = from.translation.vector.lerp(&to.translation.vector, share);
        // Normalised interpolation needs no trigonometry, so its bits are the same everywhere.
        let rotation = from.rotation.nlerp(&to.rotation, share);
        Isometry3::from_parts(Translation3::from(translation), rotation)
    }

    /// Angle between begin and end, rad.
    pub fn turn(&self) -> f64 {
        turned(&self.from, &self.to)
    }

    /// Distance between begin and end, metres.
    pub fn way(&self) -> f64 {
        (self.to.translation.vector - self.from.translation.vector).norm()
    }
}

fn turned(from: &Isometry3<f64>, to: &Isometry3<f64>) -> f64 {
    let between = from.rotation.inverse() * to.rotation;
    2.0 * libm::atan2(between.imag().norm(), between.w.abs())
}
