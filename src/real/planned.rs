use std::cell::RefCell;
use std::rc::Rc;

use nalgebra::Isometry3;

use crate::arm::{CheckedPath, Joints};
use crate::cell::{
    Arm, CellPlan, DeviceError, Eyes, Grip, Gripper, Measured, Rig, RobotTime, Watch, flatten,
};
use crate::task::{ContextSignal, Placement, Pose2, RewardSignal, Setup};
use crate::task::{Image, ImageSize};

/// A rig on paper: it takes every checked path, moves nothing, and imagines that each grip and
/// each placement succeeds. What the real arm would be told comes out in [`Moves`].
#[derive(Debug)]
pub struct PlannedRig {
    plan: CellPlan,
    thickness: f64,
    image: ImageSize,
    world_from_tool: Isometry3<f64>,
    joints: Joints,
    plate: Imagined,
    closed: bool,
    moves: Moves,
    seconds: f64,
}

/// Every move that was planned.
pub type Moves = Rc<RefCell<Vec<Move>>>;

/// One move that passed every check.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    pub name: &'static str,
    pub world_from_tool: Isometry3<f64>,
    /// metres
    pub way: f64,
    /// m/s
    pub speed: f64,
    pub contact: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Imagined {
    Pick(Pose2),
    Target(Pose2),
}

impl PlannedRig {
    /// Begins where arm and tool stand, with the plate on its riser.
    pub fn new(
        plan: &CellPlan,
        thickness: f64,
        image: ImageSize,
        world_from_tool: Isometry3<f64>,
        joints: Joints,
    ) -> (Self, Moves) {
        let moves = Moves::default();
        let rig = Self {
            plan: plan.clone(),
            thickness,
            image,
            world_from_tool,
            joints,
            plate: Imagined::Pick(Pose2::IDENTITY),
            closed: false,
            moves: Rc::clone(&moves),
            seconds: 0.0,
        };
        (rig, moves)
    }
}

impl Arm for PlannedRig {
    fn now(&self) -> RobotTime {
        RobotTime { seconds: self.seconds }
    }

    fn tool(&mut self) -> Result<Isometry3<f64>, DeviceError> {
        Ok(self.world_from_tool)
    }

    fn joints(&mut self) -> Result<Option<Joints>, DeviceError> {
        Ok(Some(self.joints))
    }

    fn follow(
        &mut self,
        path: &CheckedPath,
        _: &mut dyn Watch,
    ) -> Result<Isometry3<f64>, DeviceError> {
        for (i, segment) in path.segments().iter().enumerate() {
            if let Some(way) = path.trajectory(i) {
                self.joints = *way.to();
            }
            let off = segment.world_from_tool.translation.vector
                - self.world_from_tool.translation.vector;
            self.world_from_tool = segment.world_from_tool;
            self.seconds += off.norm() / segment.speed;
            self.moves.borrow_mut().push(Move {
                name: segment.name,
                world_from_tool: segment.world_from_tool,
                way: off.norm(),
                speed: segment.speed,
                contact: segment.contact,
            });
        }
        Ok(self.world_from_tool)
    }
}

impl Gripper for PlannedRig {
    fn open(&mut self, _: &mut dyn Watch) -> Result<(), DeviceError> {
        if std::mem::replace(&mut self.closed, false) {
            let world_from_plate = self.world_from_tool * self.plan.plate_from_tool.inverse();
            let lies = |world_from_place: &Isometry3<f64>| {
                flatten(&(world_from_place.inverse() * world_from_plate))
            };
            let pick = lies(&self.plan.pick.world_from_place);
            let target = lies(&self.plan.target.world_from_place);
            self.plate = if pick.translation_mm() < target.translation_mm() {
                Imagined::Pick(pick)
            } else {
                Imagined::Target(target)
            };
        }
        Ok(())
    }

    fn close(&mut self, _: &mut dyn Watch) -> Result<Grip, DeviceError> {
        self.closed = true;
        Ok(Grip { opening: self.thickness, holds: true })
    }

    fn holds(&mut self) -> Result<bool, DeviceError> {
        Ok(self.closed)
    }
}

impl Eyes for PlannedRig {
    fn look(&mut self) -> Result<Image, DeviceError> {
        Ok(Image::of(self.image, |_| 0))
    }

    fn locate(&mut self) -> Result<Option<Pose2>, DeviceError> {
        Ok(match self.plate {
            Imagined::Pick(offset) => Some(offset),
            Imagined::Target(_) => None,
        })
    }

    fn measure(&mut self) -> Result<Option<Measured>, DeviceError> {
        Ok(match self.plate {
            Imagined::Pick(_) => None,
            Imagined::Target(pose) => {
                let placement = Placement { pose, z_mm: 0.0, tilt_deg: 0.0 };
                Some(Measured { placement, seated: true })
            }
        })
    }
}

impl Rig for PlannedRig {
    fn sees(&self) -> (RewardSignal, ContextSignal) {
        (RewardSignal::Signed, ContextSignal::Pose)
    }

    fn begin(&mut self, _: &Setup) {}

    fn set_plate(&mut self, _: Pose2) -> Result<bool, DeviceError> {
        Ok(false)
    }
}
