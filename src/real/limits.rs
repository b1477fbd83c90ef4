use nalgebra::Isometry3;

use super::{ArmState, Fault};
use crate::arm::{Envelope, Joints, Segment};

/// What the measured motion must stay within: the safety envelope again, watched while it runs.
#[derive(Clone, Debug)]
pub struct Limits {
    pub envelope: Envelope,
    pub world_from_base: Isometry3<f64>,
    /// Smallest and largest angle of each joint, rad.
    pub joints: (Joints, Joints),
    /// Largest speed of each joint, rad/s.
    pub joint_speeds: Joints,
    /// Of any motion, N.
    pub force_n: f64,
}

/// A measured tool may be so far outside what a planned one may, mm: tracking and stopping.
const SLACK_MM: f64 = 5.0;
/// and so much faster.
const SLACK_SPEED: f64 = 1.25;
/// A joint may be so far outside its planned range, rad.
const SLACK_JOINT: f64 = 0.02;

impl Limits {
    /// What of the envelope this state has left, if anything.
    pub fn left(&self, state: &ArmState, segment: &Segment) -> Option<Fault> {
        let name = segment.name;
        let left = |what: String| Some(Fault::LeftEnvelope(format!("{what} in '{name}'")));
        let at = (self.world_from_base * state.base_from_tool).translation.vector * 1e3;
        for axis in 0..3 {
            let low = self.envelope.workspace_min_mm[axis] - SLACK_MM;
            let high = self.envelope.workspace_max_mm[axis] + SLACK_MM;
            if !(low..=high).contains(&at[axis]) {
                let axis_name = ["x", "y", "z"][axis];
                return left(format!("tool {axis_name} at {:.1} mm", at[axis]));
            }
        }
        let carries = segment.carrying && !segment.contact;
        if carries && at.z < self.envelope.carry_min_z_mm - SLACK_MM {
            return left(format!("plate carried at {:.1} mm", at.z));
        }
        let speed = state.tool_speed * 1e3;
        if speed > self.envelope.speed_mm_s * SLACK_SPEED {
            return left(format!("tool at {speed:.0} mm/s"));
        }
        let (min, max) = &self.joints;
        for joint in 0..6 {
            let angle = state.joints[joint];
            if !(min[joint] - SLACK_JOINT..=max[joint] + SLACK_JOINT).contains(&angle) {
                return left(format!("joint {} at {:.1} deg", joint + 1, angle.to_degrees()));
            }
            let turns = state.joint_speeds[joint];
            if turns.abs() > self.joint_speeds[joint] * SLACK_SPEED {
                return left(format!("joint {} at {:.1} deg/s", joint + 1, turns.to_degrees()));
            }
        }
        None
    }
}
