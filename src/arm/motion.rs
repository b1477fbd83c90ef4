use nalgebra::Isometry3;

use super::{Line, Segment};

/// One segment of a gantry in time: a straight line from rest to rest with the least jerk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    line: Line,
    duration: f64,
}

/// Peak speed of a minimum-jerk move, in lengths per duration.
const PEAK: f64 = 1.875;

impl Motion {
    /// As fast as the segment's speed (m/s) and the turning speed (rad/s) allow.
    pub fn new(from: Isometry3<f64>, segment: &Segment, turn_speed: f64) -> Self {
        let line = Line::new(from, segment.world_from_tool);
        let duration = PEAK * (line.way() / segment.speed).max(line.turn() / turn_speed);
        Self { line, duration }
    }

    /// Seconds.
    pub fn duration(&self) -> f64 {
        self.duration
    }

    /// The way it takes.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// `world_from_tool` at a share of the duration from 0 to 1.
    pub fn at(&self, share: f64) -> Isometry3<f64> {
        self.line.along(self.progress(share))
    }

    /// Share of the way at a share of the duration from 0 to 1.
    pub fn progress(&self, share: f64) -> f64 {
        let u = share.clamp(0.0, 1.0);
        u * u * u * (10.0 + u * (6.0 * u - 15.0))
    }
}
