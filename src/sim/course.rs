use std::sync::Arc;

use nalgebra::Isometry3;

use crate::arm::{ArmModel, JointTrajectory, Joints, Line, Motion};

/// One segment in time, as this robot makes it.
pub(super) struct Course<'a> {
    way: Way<'a>,
    line: Line,
    /// `told_from_tool` at its begin and at its end: how far the tool is from where the arm has it.
    miss: Line,
}

enum Way<'a> {
    /// A gantry's tool, which keeps to the line between where it is and where it ends.
    Tool(Motion),
    /// An arm's joints as they were checked; the tool is off from where they put it.
    Joints(Arc<ArmModel>, &'a JointTrajectory),
}

impl<'a> Course<'a> {
    pub fn of_tool(motion: Motion, miss: Line) -> Self {
        Self { line: *motion.line(), way: Way::Tool(motion), miss }
    }

    pub fn of_joints(arm: Arc<ArmModel>, way: &'a JointTrajectory, miss: Line) -> Self {
        let (from, to) = (arm.tool(way.from()), arm.tool(way.to()));
        let line = Line::new(from * miss.from(), to * miss.to());
        Self { line, way: Way::Joints(arm, way), miss }
    }

    /// Seconds.
    pub fn duration(&self) -> f64 {
        match &self.way {
            Way::Tool(motion) => motion.duration(),
            Way::Joints(_, way) => way.duration(),
        }
    }

    /// `world_from_tool` at a share of the duration from 0 to 1, and the joints.
    pub fn at(&self, share: f64) -> (Isometry3<f64>, Option<Joints>) {
        match &self.way {
            Way::Tool(motion) => (motion.at(share), None),
            Way::Joints(arm, way) => {
                let joints = way.at(share * way.duration()).0;
                (arm.tool(&joints) * self.told_from_tool(share), Some(joints))
            }
        }
    }

    /// How far the tool is from where the arm has it at a share of the duration.
    pub fn told_from_tool(&self, share: f64) -> Isometry3<f64> {
        if self.miss.from() == self.miss.to() {
            return *self.miss.to();
        }
        self.miss.along(match &self.way {
            Way::Tool(motion) => motion.progress(share),
            Way::Joints(_, way) => way.progress(share * way.duration()),
        })
    }

    /// The line that the tool keeps to, an arm's within some hundredths of a millimetre.
    pub fn line(&self) -> &Line {
        &self.line
    }
}
