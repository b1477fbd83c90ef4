use nalgebra::Isometry3;

use super::{
    ArmModel, CheckedPath, DhDelta, Envelope, Forbidden, JointTrajectory, Joints, Obstacle, Segment,
};
use crate::task::Correction;

/// What stands between a plan and a motion: the safety envelope, and for an arm with joints also
/// its reach, joint limits, joint speeds and shape. The only source of a [`CheckedPath`].
#[derive(Clone, Debug, PartialEq)]
pub struct Planner {
    envelope: Envelope,
    arm: Option<ArmModel>,
}

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// `world_from_tool` of a gantry.
    Tool(Isometry3<f64>),
    /// An arm's joints.
    Joints(Joints),
}

impl Planner {
    pub fn new(envelope: Envelope, arm: Option<ArmModel>) -> Self {
        Self { envelope, arm }
    }

    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The arm that is planned for; none for a gantry.
    pub fn arm(&self) -> Option<&ArmModel> {
        self.arm.as_ref()
    }

    /// Plans for the arm as it was built: its own calibration, added row by row.
    pub fn calibrated(mut self, deltas: &[DhDelta; 6]) -> Self {
        if let Some(arm) = &mut self.arm {
            arm.kinematics = arm.kinematics.with_deltas(deltas);
        }
        self
    }

    /// The same where these boxes stand: the arm's links keep clear of them. A gantry has no links.
    pub fn among(mut self, obstacles: impl IntoIterator<Item = Obstacle>) -> Self {
        if let Some(arm) = &mut self.arm {
            arm.body.obstacles.extend(obstacles);
        }
        self
    }

    /// Is this correction one that the arm may be asked for?
    pub fn check_correction(&self, correction: Correction) -> Result<(), Forbidden> {
        self.envelope.check_correction(correction)
    }

    /// Accepts a path of straight moves as a whole, or says which move leaves what.
    pub fn check(&self, start: Start, segments: Vec<Segment>) -> Result<CheckedPath, Forbidden> {
        match (&self.arm, start) {
            (None, Start::Tool(start)) => self.envelope.check(start, segments),
            (Some(arm), Start::Joints(joints)) => self.check_joints(arm, joints, segments),
            (None, Start::Joints(_)) => Err(unknown("a gantry's path begins with a tool pose")),
            (Some(_), Start::Tool(_)) => Err(unknown("an arm's path begins with its joints")),
        }
    }

    fn check_joints(
        &self,
        arm: &ArmModel,
        mut joints: Joints,
        segments: Vec<Segment>,
    ) -> Result<CheckedPath, Forbidden> {
        let start = arm.tool(&joints);
        let mut from = start;
        let mut trajectories = Vec::with_capacity(segments.len());
        for segment in &segments {
            self.envelope.check_segment(&from, segment)?;
            let pace = arm.pace(segment.speed);
            let way = JointTrajectory::line(arm, &joints, &segment.world_from_tool, pace)
                .map_err(|why| reach(segment, &why.to_string()))?;
            check_range(arm, segment.name, way.extent())?;
            check_shape(arm, segment.name, &way)?;
            (from, joints) = (segment.world_from_tool, *way.to());
            trajectories.push(way);
        }
        Ok(CheckedPath::new(start, segments, trajectories))
    }
}

/// Rounding of a joint angle, rad.
const ROUNDED: f64 = 1e-9;

/// Are the smallest and largest angles within the joints' own limits?
fn check_range(
    arm: &ArmModel,
    name: &'static str,
    (lowest, highest): (Joints, Joints),
) -> Result<(), Forbidden> {
    let (min, max) = arm.kinematics.range();
    for i in 0..6 {
        for angle in [lowest[i], highest[i]] {
            if !(min[i] - ROUNDED..=max[i] + ROUNDED).contains(&angle) {
                let (low, high) = (min[i].to_degrees(), max[i].to_degrees());
                return Err(Forbidden {
                    what: format!("joint {} in '{name}'", i + 1),
                    value: format!("{:.1} deg", angle.to_degrees()),
                    allowed: format!("{low:.1} to {high:.1} deg"),
                });
            }
        }
    }
    Ok(())
}

fn check_shape(arm: &ArmModel, name: &'static str, way: &JointTrajectory) -> Result<(), Forbidden> {
    let body = &arm.body;
    let forbidden = |(a, b): (&str, &str), distance: f64, share: f64, least: f64| Forbidden {
        what: format!("distance of {a} and {b} in '{name}', {:.0} % of the way", share * 100.0),
        value: format!("{:.1} mm", distance * 1e3),
        allowed: format!("{:.1} mm and more", least * 1e3),
    };
    body.check(arm, way).map_err(|near| {
        forbidden((near.parts[0], near.parts[1]), near.distance, near.share, body.clearance)
    })?;
    body.check_obstacles(arm, way).map_err(|near| {
        let least = body.least_to_obstacles();
        forbidden((near.link, &near.obstacle), near.distance, near.share, least)
    })
}

fn reach(segment: &Segment, why: &str) -> Forbidden {
    let at = segment.world_from_tool.translation.vector * 1e3;
    Forbidden {
        what: format!("reach in '{}'", segment.name),
        value: format!("tool to {:.1}, {:.1}, {:.1} mm", at.x, at.y, at.z),
        allowed: format!("what the joints can do: {why}"),
    }
}

fn unknown(allowed: &str) -> Forbidden {
    Forbidden {
        what: "where the path begins".to_owned(),
        value: "not known".to_owned(),
        allowed: allowed.to_owned(),
    }
}

#[cfg(test)]
#[path = "planner_tests.rs"]
mod tests;
