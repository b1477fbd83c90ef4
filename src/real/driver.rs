use std::ops::ControlFlow;

use nalgebra::Isometry3;

use super::ur::UR;
use super::{Finding, Limits, Site};
use crate::arm::{ArmModel, Joints, Kinematics, Segment};
use crate::cell::DeviceError;
use crate::config::{RealSpec, RobotKind};

/// What moves an arm over its wire, in one session: it checks before each motion that it may move, watches the motion by
/// states that are fresh, and after the first fault does not move again. A protective stop is never cleared.
pub trait Driver: std::fmt::Debug {
    /// A state that is newer than this call.
    fn newest(&self) -> Result<ArmState, DeviceError>;

    /// The same where only fingers move: what forbids a motion ends that, too.
    fn newest_allowed(&self) -> Result<ArmState, DeviceError>;

    /// Seconds of the controller's clock in the last state; `None` if it cannot be read.
    fn now(&self) -> Option<f64>;

    /// Largest force on the tool since this was last asked, N.
    fn take_peak_force(&self) -> f64;

    /// Makes one straight move and returns once the measured tool stands at its end. `watch` sees every state, and may
    /// cancel.
    fn go(&mut self, order: &Order<'_>, watch: &mut Watching<'_>) -> Result<Ended, DeviceError>;

    /// Ends the session, and what of ours runs on the controller: whatever comes next is refused.
    fn end(&mut self, why: &DeviceError);

    /// Longest that a motion went unwatched, or by an older state, ms.
    fn oldest_ms(&self) -> f64;

    /// States that the controller left out.
    fn gaps(&self) -> u64;

    /// For each motion, how long after the last state before its command the joints were first seen to turn, seconds of
    /// the controller.
    fn reactions(&self) -> &[f64];
}

/// Who is shown every state of a motion.
pub type Watching<'a> = dyn FnMut(&ArmState) -> ControlFlow<()> + 'a;

/// A family of controllers: how one is asked, and how a session with it begins. Nothing here moves anything.
pub trait Controller: std::fmt::Debug + Sync {
    /// Which arm answers, or that it is a twin: model and serial number.
    fn who_answers(&self, spec: &RealSpec) -> Result<String, DeviceError>;

    /// The nominal arm with its own calibration, where the controller has one.
    fn calibrated(&self, spec: &RealSpec, nominal: &Kinematics) -> Result<Kinematics, DeviceError>;

    /// The arm as it stands.
    fn state(&self, spec: &RealSpec) -> Result<ArmState, DeviceError>;

    /// Begins a session.
    fn connect(
        &self,
        spec: &RealSpec,
        mounted: &Mounted,
        limits: Limits,
    ) -> Result<Box<dyn Driver>, DeviceError>;

    /// The doctor's checks of all that is this family's own. The arm as it was built, where that could be read; an error
    /// where nobody answers, so that nothing else need be asked.
    fn examine(
        &self,
        site: &Site,
        findings: &mut Vec<Finding>,
    ) -> Result<Option<ArmModel>, Box<Finding>>;
}

/// Whose controller an arm of this kind has.
pub(super) fn controller_of(kind: RobotKind) -> &'static dyn Controller {
    match kind {
        RobotKind::Ur3e
        | RobotKind::Ur5e
        | RobotKind::Ur10e
        | RobotKind::Ur16e
        | RobotKind::Ur20
        | RobotKind::Ur30
        // One without joints has none: a site is not made of it.
        | RobotKind::Gantry => &UR,
    }
}

/// What the arm carries, as the controller is to know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mounted {
    pub flange_from_tool: Isometry3<f64>,
    pub payload_kg: f64,
    /// Centre of gravity from the flange, metres.
    pub payload_cog: [f64; 3],
}

/// An arm as it was measured at one moment. Base frame; metres, rad, N.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArmState {
    /// Seconds of the controller's clock.
    pub timestamp: f64,
    pub joints: Joints,
    /// rad/s
    pub joint_speeds: Joints,
    pub base_from_tool: Isometry3<f64>,
    /// m/s
    pub tool_speed: f64,
    /// Of the force on the tool, N.
    pub tool_force: f64,
}

/// One straight move.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    pub segment: &'a Segment,
    pub base_from_tool: Isometry3<f64>,
    /// m/s
    pub speed: f64,
    /// m/s2
    pub acceleration: f64,
    /// Ends where more resists, N; 0 for never.
    pub guard: f64,
}

/// How a move ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Reached,
    Resisted,
}

/// Slower than this a joint stands, rad/s: at the reach of the arm, 2 mm/s.
const STANDS: f64 = 2.5e-3;

impl ArmState {
    /// Every joint stands.
    pub fn is_still(&self) -> bool {
        self.joint_speeds.amax() < STANDS
    }
}
