use std::ops::ControlFlow;
use std::time::Instant;

use nalgebra::{Isometry3, Point3};

use super::driver::{ArmState, Driver, Ended, Order};
use super::link::PATIENCE;
use super::since::Since;
use super::{Fault, Fingers, RealGripper};
use crate::arm::{ArmModel, CheckedPath, JointTrajectory, Joints, Line, Segment};
use crate::cell::{
    Arm, DeviceError, Eyes, Grip, Gripper, Harm, Measured, Rig, RobotTime, Snapshot, Watch,
};
use crate::task::Image;
use crate::task::{ContextSignal, Pose2, RewardSignal, Setup};
use crate::wire::gripper::Object;

/// The rig over the wire: an arm, a gripper and eyes, each behind its own connection.
#[derive(Debug)]
pub struct RealRig<G, E> {
    session: Box<dyn Driver>,
    gripper: G,
    eyes: E,
    setting: Setting,
    /// The gripper is known to be active.
    ready: bool,
    /// Distance between the pads when last asked, metres.
    opening: f64,
    /// A move in contact of this attempt ended because something resisted.
    resisted: bool,
    /// How far the tool has been moved in this session, metres.
    moved: f64,
}

/// What the rig knows of its cell. Metres, m/s, rad/s, N.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The arm with its own calibration, and the tool of the robot file.
    pub arm: ArmModel,
    /// A move in contact ends where more resists.
    pub guard_n: f64,
    pub first_motion_share: f64,
    /// Where the tool grips a plate that lies as nominal at the pick place and at the target.
    pub grips: [Point3<f64>; 2],
    /// Between the pads.
    pub open: f64,
    pub plate_thickness: f64,
    pub grip_tolerance: f64,
}

/// How often a watcher is shown the cell, seconds of the controller.
const TICK: f64 = 0.04;
/// The fingers must arrive within this, seconds of the controller.
const FINGERS_S: f64 = 5.0;
/// Fingers that stop this far from where they should open to are stuck, metres.
const STUCK: f64 = 2e-3;
/// A session is slow until the tool has been moved this far, metres, and no farther: the first path may be one of few
/// millimetres, or bring a plate that is found in the hand back over the whole cell.
const SLOW: f64 = 0.1;
/// A hand this far from where a plate is gripped does not hold it, metres.
const AWAY: f64 = 0.1;

impl<G: RealGripper, E: Eyes> RealRig<G, E> {
    pub fn new(session: Box<dyn Driver>, gripper: G, eyes: E, setting: Setting) -> Self {
        let opening = setting.open;
        let (ready, resisted) = (false, false);
        Self { session, gripper, eyes, setting, ready, opening, resisted, moved: 0.0 }
    }

    pub fn session(&self) -> &dyn Driver {
        self.session.as_ref()
    }

    /// Makes a segment as it was checked: the controller runs a straight move by the same
    /// trapezoid, so that its speed and acceleration are those of the checked trajectory. What is left of a session's
    /// first careful stretch is a move of its own, on the same line.
    fn make(
        &mut self,
        segment: &Segment,
        planned: &JointTrajectory,
        watch: &mut dyn Watch,
    ) -> Result<Ended, DeviceError> {
        let line = {
            let tool = self.setting.arm.tool(&self.session.newest()?.joints);
            Line::new(tool, segment.world_from_tool)
        };
        let (way, careful) = (line.way(), SLOW - self.moved);
        if line.is_there() {
            return Ok(Ended::Reached);
        }
        let share = if careful > 0.0 { self.setting.first_motion_share } else { 1.0 };
        // Each order zeroes the force sensor: a move in contact stays one order, all of it careful.
        if careful > 0.0 && !segment.contact && way > careful + SLOW / 10.0 {
            let at = line.along(careful / way);
            let first = Segment { world_from_tool: at, ..segment.clone() };
            if self.drive(&first, planned, share, watch)? == Ended::Resisted {
                return Ok(Ended::Resisted);
            }
            self.moved = SLOW;
            return self.drive(segment, planned, 1.0, watch);
        }
        let ended = self.drive(segment, planned, share, watch)?;
        self.moved += way;
        Ok(ended)
    }

    /// One order, at this share of the trajectory's speed and acceleration.
    fn drive(
        &mut self,
        segment: &Segment,
        planned: &JointTrajectory,
        share: f64,
        watch: &mut dyn Watch,
    ) -> Result<Ended, DeviceError> {
        let arm = &self.setting.arm;
        let base_from_tool = arm.world_from_base.inverse() * segment.world_from_tool;
        let guard = if segment.contact { self.setting.guard_n } else { 0.0 };
        let metres = arm.tool_way(planned).max(Line::THERE);
        let speed = metres * planned.peak_speed() * share;
        let acceleration = metres * planned.peak_acceleration() * share;
        let order = Order { segment, base_from_tool, speed, acceleration, guard };
        let opening = self.opening;
        let mut shown = f64::NEG_INFINITY;
        self.session.go(&order, &mut |state| {
            if state.timestamp - shown < TICK {
                return ControlFlow::Continue(());
            }
            shown = state.timestamp;
            watch.tick(&snapshot(state, arm, segment.name, opening))
        })
    }

    /// Waits until the fingers have stopped, and shows the cell meanwhile.
    fn await_fingers(
        &mut self,
        doing: &'static str,
        watch: &mut dyn Watch,
    ) -> Result<Fingers, DeviceError> {
        let began = Since::new(self.session.newest_allowed()?.timestamp);
        loop {
            let fingers = self.gripper.fingers().map_err(gripper_fault)?;
            self.opening = fingers.opening;
            if fingers.object != Object::Moving {
                return Ok(fingers);
            }
            let state = self.session.newest_allowed()?;
            if began.is_past(state.timestamp, FINGERS_S) {
                let mm = fingers.opening * 1e3;
                let what = format!("still {mm:.1} mm apart after {FINGERS_S} s of '{doing}'");
                return Err(Fault::GripperStuck(what).into());
            }
            self.show(&state, doing, watch)?;
        }
    }

    fn show(
        &self,
        state: &ArmState,
        doing: &'static str,
        watch: &mut dyn Watch,
    ) -> Result<(), DeviceError> {
        let shown = snapshot(state, &self.setting.arm, doing, self.opening);
        match watch.tick(&shown) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(DeviceError::Cancelled),
        }
    }

    fn make_ready(&mut self, watch: &mut dyn Watch) -> Result<(), DeviceError> {
        let wall = Instant::now();
        while !self.ready {
            self.ready = self.gripper.make_ready().map_err(gripper_fault)?;
            if !self.ready && wall.elapsed() > 3 * PATIENCE {
                return Err(Fault::GripperFault("does not become active".to_owned()).into());
            }
            let state = self.session.newest_allowed()?;
            self.show(&state, "activate", watch)?;
        }
        Ok(())
    }

    fn open_fingers(&mut self, watch: &mut dyn Watch) -> Result<(), DeviceError> {
        self.make_ready(watch)?;
        self.gripper.open_to(self.setting.open).map_err(gripper_fault)?;
        let fingers = self.await_fingers("open", watch)?;
        if (fingers.opening - self.setting.open).abs() <= STUCK {
            return Ok(());
        }
        let (at, wanted) = (fingers.opening * 1e3, self.setting.open * 1e3);
        let what = format!("opened to {at:.1} mm instead of {wanted:.1} mm");
        Err(Fault::GripperStuck(what).into())
    }

    fn close_fingers(&mut self, watch: &mut dyn Watch) -> Result<Grip, DeviceError> {
        self.make_ready(watch)?;
        self.gripper.close().map_err(gripper_fault)?;
        let fingers = self.await_fingers("close", watch)?;
        let holds = self.holds_plate(&fingers)?;
        Ok(Grip { opening: fingers.opening, holds })
    }

    fn ask_whether_it_holds(&mut self) -> Result<bool, DeviceError> {
        if self.gripper.is_active().map_err(gripper_fault)? {
            let fingers = self.gripper.fingers().map_err(gripper_fault)?;
            return self.holds_plate(&fingers);
        }
        // Without power it has not opened, and cannot tell. Its activation opens it: only where
        // the plate is seen to lie, and not where the hand is.
        let lies = !self.ready
            && (self.is_away_from(self.setting.grips[0])?
                && self.eyes.locate().map_err(eyes_fault)?.is_some()
                || self.is_away_from(self.setting.grips[1])?
                    && self.eyes.measure().map_err(eyes_fault)?.is_some());
        if lies { Ok(false) } else { Err(Fault::GripperOff.into()) }
    }

    fn is_away_from(&mut self, place: Point3<f64>) -> Result<bool, DeviceError> {
        Ok((self.tool()?.translation.vector - place.coords).norm() > AWAY)
    }

    /// Something is between the fingers, and it is as thick as a plate.
    fn holds_plate(&self, fingers: &Fingers) -> Result<bool, DeviceError> {
        if fingers.object != Object::InnerContact {
            return Ok(false);
        }
        let thickness = self.setting.plate_thickness;
        if (fingers.opening - thickness).abs() > self.setting.grip_tolerance {
            let (opening_mm, plate_mm) = (fingers.opening * 1e3, thickness * 1e3);
            return Err(Fault::WrongGrip { opening_mm, plate_mm }.into());
        }
        Ok(true)
    }

    /// After a fault of any device nothing moves again in this session.
    fn guarded<T>(&mut self, result: Result<T, DeviceError>) -> Result<T, DeviceError> {
        if let Err(error) = &result
            && !matches!(error, DeviceError::Cancelled)
        {
            self.session.end(error);
        }
        result
    }
}

impl<G: RealGripper, E: Eyes> Arm for RealRig<G, E> {
    fn now(&self) -> RobotTime {
        // A clock that cannot be read does not advance; whatever moves next says why.
        let seconds = self.session.now().unwrap_or(0.0);
        RobotTime { seconds }
    }

    /// From the joints: the controller's own tool pose is that of whatever TCP is set just now.
    fn tool(&mut self) -> Result<Isometry3<f64>, DeviceError> {
        Ok(self.setting.arm.tool(&self.session.newest()?.joints))
    }

    fn joints(&mut self) -> Result<Option<Joints>, DeviceError> {
        Ok(Some(self.session.newest()?.joints))
    }

    fn follow(
        &mut self,
        path: &CheckedPath,
        watch: &mut dyn Watch,
    ) -> Result<Isometry3<f64>, DeviceError> {
        let segments = path.segments();
        for (at, segment) in segments.iter().enumerate() {
            let Some(planned) = path.trajectory(at) else {
                let what = "this path was not checked for an arm with joints".to_owned();
                return Err(DeviceError::Fault { device: "arm", what });
            };
            let ended = self.make(segment, planned, watch);
            let ended = self.guarded(ended)?;
            self.resisted |= ended == Ended::Resisted;
            // What comes next was planned from this segment's end.
            if ended == Ended::Resisted && at + 1 < segments.len() {
                let force_n = self.setting.guard_n;
                let stop = Fault::Resisted { force_n, during: segment.name }.into();
                return self.guarded(Err(stop));
            }
        }
        self.tool()
    }
}

impl<G: RealGripper, E: Eyes> Gripper for RealRig<G, E> {
    fn open(&mut self, watch: &mut dyn Watch) -> Result<(), DeviceError> {
        let result = self.open_fingers(watch);
        self.guarded(result)
    }

    fn close(&mut self, watch: &mut dyn Watch) -> Result<Grip, DeviceError> {
        let result = self.close_fingers(watch);
        self.guarded(result)
    }

    fn holds(&mut self) -> Result<bool, DeviceError> {
        let result = self.ask_whether_it_holds();
        self.guarded(result)
    }
}

impl<G: RealGripper, E: Eyes> Eyes for RealRig<G, E> {
    fn look(&mut self) -> Result<Image, DeviceError> {
        let result = self.eyes.look().map_err(eyes_fault);
        self.guarded(result)
    }

    fn locate(&mut self) -> Result<Option<Pose2>, DeviceError> {
        let result = self.eyes.locate().map_err(eyes_fault);
        self.guarded(result)
    }

    fn measure(&mut self) -> Result<Option<Measured>, DeviceError> {
        let result = self.eyes.measure().map_err(eyes_fault);
        self.guarded(result)
    }

    fn look_after(&mut self) -> Result<Option<Image>, DeviceError> {
        let result = self.eyes.look_after().map_err(eyes_fault);
        self.guarded(result)
    }
}

impl<G: RealGripper, E: Eyes> Rig for RealRig<G, E> {
    fn sees(&self) -> (RewardSignal, ContextSignal) {
        (RewardSignal::Signed, ContextSignal::Pose)
    }

    fn begin(&mut self, _: &Setup) {}

    fn begin_attempt(&mut self) {
        self.session.take_peak_force();
        self.resisted = false;
    }

    /// The arm carries the plate back itself.
    fn set_plate(&mut self, _: Pose2) -> Result<bool, DeviceError> {
        Ok(false)
    }

    /// The force is that on the tool, for the arm does not feel what the plate touches.
    fn harm(&self) -> Harm {
        let peak_force_n = self.session.take_peak_force();
        Harm { peak_force_n, jam: self.resisted, ..Harm::default() }
    }
}

fn snapshot(state: &ArmState, arm: &ArmModel, segment: &'static str, opening: f64) -> Snapshot {
    Snapshot {
        time: RobotTime { seconds: state.timestamp },
        segment,
        world_from_tool: arm.tool(&state.joints),
        opening,
        world_from_plate: None,
    }
}

fn gripper_fault(error: DeviceError) -> DeviceError {
    match error {
        DeviceError::Fault { what, .. } => Fault::GripperFault(what).into(),
        other => other,
    }
}

fn eyes_fault(error: DeviceError) -> DeviceError {
    match error {
        DeviceError::Fault { what, .. } => Fault::EyesFault(what).into(),
        other => other,
    }
}
