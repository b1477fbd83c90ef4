use std::sync::Arc;

use nalgebra::Isometry3;

use crate::arm::{ArmModel, JointTrajectory, Joints, Line, Motion};

/// One segment in time, as this robot makes it.
pub(super) enum Course<'a> {
    /// A gantry's tool.
    Tool(Motion),
    /// An arm's joints; the tool follows by forward kinematics.
    Joints { arm: Arc<ArmModel>, way: &'a JointTrajectory, line: Line },
}

impl<'a> Course<'a> {
    pub fn of_joints(arm: Arc<ArmModel>, way: &'a JointTrajectory) -> Self {
        let line = Line::new(arm.tool(way.from()), arm.tool(way.to()));
        Self::Joints { arm, way, line }
    }

    /// Seconds.
    pub fn duration(&self) -> f64 {
        match self {
            Self::Tool(motion) => motion.duration(),
            Self::Joints { way, .. } => way.duration(),
        }
    }

    /// `world_from_tool` at a share of the duration from 0 to 1, and the joints.
    pub fn at(&self, share: f64) -> (Isometry3<f64>, Option<Joints>) {
        match self {
            Self::Tool(motion) => (motion.at(share), None),
            Self::Joints { arm, way, .. } => {
                let joints = way.at(share * way.duration()).0;
                (arm.tool(&joints), Some(joints))
            }
        }
    }

    /// The line that the tool keeps to, an arm's within a hundredth of a millimetre.
    pub fn line(&self) -> &Line {
        match self {
            Self::Tool(motion) => motion.line(),
            Self::Joints { line, .. } => line,
        }
    }
}
