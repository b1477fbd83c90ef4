use nalgebra::{Isometry3, Point3, Quaternion, Translation3, UnitQuaternion, Vector3};

use crate::config::{Frame, Robot, Scene, SeatLimits};
use crate::task::{Placement, Pose2};

/// What the motion script needs to know of scene and robot. Metres, m/s, world frame.
#[derive(Clone, Debug, PartialEq)]
pub struct CellPlan {
    pub pick: Place,
    pub target: Place,
    pub world_from_home: Isometry3<f64>,
    /// The tool at a nominal grip: between the pads, half way up the plate.
    pub plate_from_tool: Isometry3<f64>,
    /// Height of the plate's bottom over the higher of both seats when it is carried.
    pub carry_height: f64,
    /// How far behind the plate the hand stands before it reaches in.
    pub standoff: f64,
    pub free_speed: f64,
    pub contact_speed: f64,
    pub seat: SeatLimits,
}

/// A place where a plate can lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// The nominal plate.
    pub world_from_place: Isometry3<f64>,
    /// Height above it from which something may touch.
    pub contact_height: f64,
    /// How far out along -x a plate stands before it is pushed in under what is above; 0 where
    /// it comes from straight above.
    pub insert: f64,
}

impl CellPlan {
    pub fn new(scene: &Scene, robot: &Robot) -> Self {
        let half = scene.plate.size / 2.0;
        let behind = half.x - robot.gripper.overlap_mm / 2e3;
        let place = |world_from_place, contact_mm: f64, insert_mm: f64| Place {
            world_from_place,
            contact_height: contact_mm / 1e3,
            insert: insert_mm / 1e3,
        };
        Self {
            pick: place(scene.world_from_pick, scene.heights.pick_contact_mm, 0.0),
            target: place(
                scene.world_from_place,
                scene.heights.place_contact_mm,
                scene.heights.insert_mm,
            ),
            world_from_home: robot.world_from_home,
            plate_from_tool: Isometry3::translation(-behind, 0.0, half.z),
            carry_height: scene.heights.carry_mm / 1e3,
            standoff: robot.speeds.standoff_mm / 1e3,
            free_speed: robot.speeds.free_mm_s / 1e3,
            contact_speed: robot.speeds.contact_mm_s / 1e3,
            seat: scene.seat,
        }
    }

    /// The same with the places that were taught to this robot, where there are some.
    pub fn taught(scene: &Scene, robot: &Robot) -> Self {
        let mut plan = Self::new(scene, robot);
        let (Some(arm), Some(real)) = (&robot.arm, &robot.real) else { return plan };
        let tool =
            |frame: Option<Frame>| frame.map(|frame| arm.model.world_from_base * frame.isometry());
        let plate_from_tool = plan.plate_from_tool;
        for (place, taught) in [(&mut plan.pick, real.pick), (&mut plan.target, real.place)] {
            if let Some(world_from_tool) = tool(taught) {
                place.world_from_place = world_from_tool * plate_from_tool.inverse();
            }
        }
        if let Some(world_from_tool) = tool(real.view) {
            plan.world_from_home = world_from_tool;
        }
        plan
    }

    /// Where the plate's bottom travels, world frame.
    pub(super) fn carry_z(&self) -> f64 {
        let [pick, target] = [&self.pick, &self.target].map(|p| p.world_from_place.translation.z);
        pick.max(target) + self.carry_height
    }
}

/// A planar pose as a transform in space.
pub fn lift(pose: Pose2) -> Isometry3<f64> {
    let (sin, cos) = libm::sincos(pose.yaw_deg.to_radians() / 2.0);
    let rotation = UnitQuaternion::new_unchecked(Quaternion::new(cos, 0.0, 0.0, sin));
    Isometry3::from_parts(Translation3::new(pose.x_mm / 1e3, pose.y_mm / 1e3, 0.0), rotation)
}

/// The planar part of a transform: its origin, and the direction of its x axis seen from above.
pub fn flatten(pose: &Isometry3<f64>) -> Pose2 {
    let x_axis = pose.rotation * Vector3::x();
    Pose2 {
        x_mm: pose.translation.x * 1e3,
        y_mm: pose.translation.y * 1e3,
        yaw_deg: libm::atan2(x_axis.y, x_axis.x).to_degrees(),
    }
}

/// A plate's pose relative to its seat as a placement.
pub fn placement(seat_from_plate: &Isometry3<f64>) -> Placement {
    let normal = seat_from_plate.rotation * Vector3::z();
    let bottom = seat_from_plate * Point3::origin();
    Placement {
        pose: flatten(seat_from_plate),
        z_mm: bottom.z * 1e3,
        tilt_deg: libm::atan2(libm::hypot(normal.x, normal.y), normal.z).to_degrees(),
    }
}
