use nalgebra::Isometry3;

use super::{Body, JointTrajectory, Joints, Kinematics, Pace, Unreachable};

/// An articulated arm as it stands in its cell: where its base is, what it carries at its flange,
/// and how far and how fast its joints may turn.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmModel {
    pub kinematics: Kinematics,
    pub world_from_base: Isometry3<f64>,
    /// The tool point (TCP).
    pub flange_from_tool: Isometry3<f64>,
    /// Largest speed of each joint, rad/s.
    pub joint_speed: Joints,
    /// Largest acceleration of each joint, rad/s^2.
    pub joint_acceleration: Joints,
    /// Largest acceleration of the tool on a straight way, m/s^2.
    pub acceleration: f64,
    /// Largest turning speed of the tool on a straight way, rad/s.
    pub turn_speed: f64,
    pub body: Body,
}

impl ArmModel {
    /// `world_from_tool` at these joints.
    pub fn tool(&self, joints: &Joints) -> Isometry3<f64> {
        self.world_from_base * self.kinematics.forward(joints) * self.flange_from_tool
    }

    /// A straight way at up to this speed, m/s.
    pub fn pace(&self, speed: f64) -> Pace {
        Pace { speed, acceleration: self.acceleration, turn_speed: self.turn_speed }
    }

    /// Length of the tool's straight way along a trajectory, metres.
    pub fn tool_way(&self, way: &JointTrajectory) -> f64 {
        let [from, to] = [way.from(), way.to()].map(|joints| self.tool(joints));
        (to.translation.vector - from.translation.vector).norm()
    }

    /// Joints that bring the tool to `world_from_tool`, as near to `near` as can be.
    pub fn joints(
        &self,
        world_from_tool: &Isometry3<f64>,
        near: &Joints,
    ) -> Result<Joints, Unreachable> {
        self.kinematics.inverse(&self.flange_at(world_from_tool), near)
    }

    /// The same without leaving the branch of `near`.
    pub(super) fn joints_on_branch(
        &self,
        world_from_tool: &Isometry3<f64>,
        near: &Joints,
    ) -> Result<Joints, Unreachable> {
        self.kinematics.inverse_on_branch(&self.flange_at(world_from_tool), near)
    }

    /// `base_from_flange` of a tool pose.
    fn flange_at(&self, world_from_tool: &Isometry3<f64>) -> Isometry3<f64> {
        self.world_from_base.inverse() * world_from_tool * self.flange_from_tool.inverse()
    }
}
