use nalgebra::Isometry3;

use super::{Envelope, Forbidden, JointTrajectory};

/// One straight move of the tool, from rest to rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// What the move is for, in the motion script's words.
    pub name: &'static str,
    /// Where the tool is to end, in the world frame.
    pub world_from_tool: Isometry3<f64>,
    /// Largest speed of the tool, m/s.
    pub speed: f64,
    /// The plate or the fingers may touch something on the way: a simulation steps through
    /// such a move, and may jump over any other once it has shown that its sweep is clear.
    pub contact: bool,
    /// The plate is in the hand: the envelope's carrying height holds.
    pub carrying: bool,
}

/// A path that lies inside the safety envelope, and within what the arm can do. The check of a
/// [`Planner`](super::Planner) is its only source, and it is the only thing an arm accepts.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedPath {
    start: Isometry3<f64>,
    segments: Vec<Segment>,
    /// One a segment for an arm with joints, none for a gantry.
    trajectories: Vec<JointTrajectory>,
}

impl CheckedPath {
    pub(super) fn new(
        start: Isometry3<f64>,
        segments: Vec<Segment>,
        trajectories: Vec<JointTrajectory>,
    ) -> Self {
        Self { start, segments, trajectories }
    }

    /// `world_from_tool` where the path begins.
    pub fn start(&self) -> &Isometry3<f64> {
        &self.start
    }

    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// How the joints go along a segment, counted from 0; none for a gantry.
    pub fn trajectory(&self, segment: usize) -> Option<&JointTrajectory> {
        self.trajectories.get(segment)
    }
}

impl Envelope {
    /// Accepts a gantry's path from `start`, or says which move leaves the envelope and where.
    pub(super) fn check(
        &self,
        start: Isometry3<f64>,
        segments: Vec<Segment>,
    ) -> Result<CheckedPath, Forbidden> {
        let mut from = start;
        for segment in &segments {
            self.check_segment(&from, segment)?;
            from = segment.world_from_tool;
        }
        Ok(CheckedPath::new(start, segments, Vec::new()))
    }
}
