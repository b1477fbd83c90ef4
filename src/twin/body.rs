//! The arm as its controller knows it and as it truly is: joints, tool, what it carries and feels.

use nalgebra::{Isometry3, Vector3, Vector6};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use super::drive::Drive;
use super::gripper::Gripper;
use super::motion::{Known, Motion, tool_jacobian};
use super::press::Press;
use super::table::Table;
use crate::arm::{DhDelta, Joints, Kinematics};
use crate::config::{Gaps, TwinSpec};
use crate::task::Draw;

/// One control cycle, seconds of robot time.
pub const CYCLE: f64 = 0.002;

/// Everything that is made of metal, and what the controller believes of it.
pub struct Body {
    /// With the calibration that the controller knows.
    own: Kinematics,
    /// As it was built.
    truth: Kinematics,
    world_from_base: Isometry3<f64>,
    /// The tool as it is mounted.
    flange_from_mounted: Isometry3<f64>,
    /// The TCP that is set.
    tcp: Isometry3<f64>,
    pub payload: Payload,
    target: Joints,
    target_speed: Joints,
    drive: Drive,
    moving: Option<Moving>,
    /// The slider on the pendant, 0 to 1.
    pub slider: f64,
    /// What else slows the arm down, 0 to 1.
    pub scaling: f64,
    pub gripper: Gripper,
    pub table: Table,
    /// What resists the tool, N, base frame, as the sensor reads it.
    force: Vector3<f64>,
    /// What the sensor reads without load, as set by zeroing it.
    force_zero: Vector3<f64>,
    force_noise: f64,
    /// What presses down on the tool besides, N.
    pub pressed_n: f64,
    press: Press,
    noise: Draw,
}

/// What the controller believes to hang on the flange.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Payload {
    pub kg: f64,
    /// Centre of gravity in the flange's frame, metres.
    pub cog: [f64; 3],
    pub inertia: [f64; 6],
}

/// A motion and who asked for it.
struct Moving {
    motion: Motion,
    owner: Owner,
}

/// The program's thread that waits for a motion; `None` once nobody does.
pub type Owner = Option<u64>;

/// What a body is made of.
pub struct Parts {
    pub nominal: Kinematics,
    pub world_from_base: Isometry3<f64>,
    /// The tool as the robot file has it.
    pub flange_from_tool: Isometry3<f64>,
    pub home: Joints,
    pub gripper: Gripper,
}

/// Calibrated tables hold long lengths along the nearly parallel axes of shoulder and elbow that
/// cancel each other, metres: a real one's are hundreds.
const SLIDE: f64 = 0.3;

/// Deltas of one size in all six rows.
fn deltas(mm: f64, deg: f64, draw: &mut Draw) -> [DhDelta; 6] {
    let mut part = |size: f64| (draw.random::<f64>() * 2.0 - 1.0) * size;
    std::array::from_fn(|_| {
        let (length, angle) = (mm / 1e3, deg.to_radians());
        DhDelta { theta: part(angle), a: part(length), d: part(length), alpha: part(angle) }
    })
}

fn plus(a: &[DhDelta; 6], b: &[DhDelta; 6]) -> [DhDelta; 6] {
    std::array::from_fn(|i| DhDelta {
        theta: a[i].theta + b[i].theta,
        a: a[i].a + b[i].a,
        d: a[i].d + b[i].d,
        alpha: a[i].alpha + b[i].alpha,
    })
}

/// How the tool truly sits, against how it should.
fn mounted(gaps: &Gaps, draw: &mut Draw) -> Isometry3<f64> {
    let mut part = |size: f64| (draw.random::<f64>() * 2.0 - 1.0) * size;
    let (mm, angle) = (gaps.tool_mm / 1e3, gaps.tool_deg.to_radians());
    let at = Vector3::new(part(mm), part(mm), part(mm));
    Isometry3::new(at, Vector3::new(part(angle), part(angle), part(angle)))
}

impl Body {
    /// At home, at rest. `table` makes the world around a hand that truly is there.
    pub fn new(
        parts: Parts,
        spec: &TwinSpec,
        mut draw: Draw,
        table: impl FnOnce(&Isometry3<f64>) -> Table,
    ) -> (Self, [DhDelta; 6]) {
        let gaps = &spec.gaps;
        let mut known = deltas(gaps.calibration_mm, gaps.calibration_deg, &mut draw);
        known[1].d += SLIDE;
        known[2].d -= SLIDE;
        let hidden = deltas(gaps.residual_mm, gaps.residual_deg, &mut draw);
        let truth = parts.nominal.with_deltas(&plus(&known, &hidden));
        let flange_from_mounted = parts.flange_from_tool * mounted(gaps, &mut draw);
        let world_from_hand =
            parts.world_from_base * truth.forward(&parts.home) * flange_from_mounted;
        let body = Self {
            own: parts.nominal.with_deltas(&known),
            truth,
            world_from_base: parts.world_from_base,
            flange_from_mounted,
            tcp: Isometry3::identity(),
            payload: Payload { kg: 0.0, cog: [0.0; 3], inertia: [0.0; 6] },
            target: parts.home,
            target_speed: Joints::zeros(),
            drive: Drive::new(parts.home, gaps.tracking_ms / 1e3, gaps.stiction_deg.to_radians()),
            moving: None,
            slider: 1.0,
            scaling: 1.0,
            gripper: parts.gripper,
            table: table(&world_from_hand),
            force: Vector3::zeros(),
            force_zero: Vector3::zeros(),
            force_noise: gaps.force_n,
            pressed_n: 0.0,
            press: Press::new(spec.force_limit_n),
            noise: draw,
        };
        (body, known)
    }

    /// Its force sensor's noise comes from here from now on.
    pub fn hears(&mut self, noise: Draw) {
        self.noise = noise;
    }

    /// The arm as the controller knows it.
    pub fn known(&self) -> Known<'_> {
        Known { kinematics: &self.own, flange_from_tool: &self.tcp }
    }

    pub fn own(&self) -> &Kinematics {
        &self.own
    }

    /// `flange_from_tool` as set.
    pub fn tcp(&self) -> &Isometry3<f64> {
        &self.tcp
    }

    pub fn set_tcp(&mut self, flange_from_tool: Isometry3<f64>) {
        self.tcp = flange_from_tool;
    }

    pub fn target(&self) -> &Joints {
        &self.target
    }

    /// rad/s.
    pub fn target_speed(&self) -> &Joints {
        &self.target_speed
    }

    pub fn drive(&self) -> &Drive {
        &self.drive
    }

    pub fn world_from_base(&self) -> &Isometry3<f64> {
        &self.world_from_base
    }

    /// `world_from_tool` as the controller believes it, of the joints' targets.
    pub fn world_from_believed_tool(&self) -> Isometry3<f64> {
        self.world_from_base * self.known().tool(&self.target)
    }

    /// `world_from_tool` as it truly is.
    pub fn world_from_hand(&self) -> Isometry3<f64> {
        self.world_from_base * self.truth.forward(self.drive.actual()) * self.flange_from_mounted
    }

    /// What resists the tool, N, base frame, less what it read when it was zeroed.
    pub fn force(&self) -> Vector3<f64> {
        self.force - self.force_zero
    }

    pub fn zero_force(&mut self) {
        self.force_zero = self.force;
    }

    /// Target speed of the tool, linear over angular, base frame.
    pub fn tool_target_speed(&self) -> Vector6<f64> {
        tool_jacobian(self.known(), &self.target) * self.target_speed
    }

    /// Takes over from whatever moved the arm.
    pub fn start(&mut self, motion: Motion, owner: Owner) {
        self.moving = Some(Moving { motion, owner });
    }

    /// Is this thread's motion under way?
    pub fn moves_for(&self, owner: Owner) -> bool {
        owner.is_some() && self.moving.as_ref().is_some_and(|m| m.owner == owner)
    }

    pub fn motion(&mut self) -> Option<&mut Motion> {
        self.moving.as_mut().map(|m| &mut m.motion)
    }

    /// Nobody waits for this motion any more: if nothing else takes over, the arm brakes.
    pub fn abandon(&mut self, owner: Owner) {
        if let Some(moving) = &mut self.moving
            && (moving.owner == owner || owner.is_none())
        {
            moving.owner = None;
            moving.motion.brake_hard();
        }
    }

    /// The command returns while its motion goes on, as `servoj` and `speedj` do.
    pub fn release(&mut self, owner: Owner) {
        if let Some(moving) = &mut self.moving
            && moving.owner == owner
        {
            moving.owner = None;
        }
    }

    /// The same motion now belongs to this thread.
    pub fn adopt(&mut self, owner: Owner) {
        if let Some(moving) = &mut self.moving {
            moving.owner = owner;
        }
    }

    /// Whatever moved the arm is over.
    pub fn clear(&mut self) {
        self.moving = None;
    }

    pub fn is_moving(&self) -> bool {
        self.moving.is_some()
    }

    /// One cycle of the arm: targets, joints, hand, force. `powered`: brakes are open. Returns why
    /// a motion could not go on.
    pub fn step(&mut self, powered: bool) -> Option<String> {
        let before = self.target;
        let mut blocked = None;
        if let Some(mut moving) = self.moving.take() {
            let known = Known { kinematics: &self.own, flange_from_tool: &self.tcp };
            let share = self.slider * self.scaling;
            match moving.motion.step(&mut self.target, known, CYCLE, share) {
                Ok(()) => {
                    let done = moving.motion.is_done() && !moving.motion.lasts_on();
                    let over = done || moving.motion.rests();
                    // A paused motion rests and is still somebody's.
                    let kept = moving.owner.is_some();
                    if !over || kept {
                        self.moving = Some(moving);
                    }
                }
                Err(why) => blocked = Some(why.0),
            }
        }
        self.target_speed = (self.target - before) / CYCLE;
        if powered || self.is_moving() {
            self.drive.step(&self.target, CYCLE);
        } else {
            self.freeze();
        }
        let hand = self.world_from_hand();
        self.table.step(CYCLE, &hand, &mut self.gripper);
        self.feel();
        blocked
    }

    fn feel(&mut self) {
        let world = self.table.tool_force(CYCLE) - Vector3::z() * self.pressed_n;
        let mut noise = || -> f64 { StandardNormal.sample(&mut self.noise) };
        let noise = Vector3::new(noise(), noise(), noise()) * self.force_noise;
        self.force = self.world_from_base.rotation.inverse() * world + noise;
    }

    /// What presses against the tool, N, once it is more than the safety configuration allows.
    /// `led`: no program plays.
    pub fn pressed_too_hard(&mut self, led: bool) -> Option<f64> {
        self.press.judge(self.force.norm(), led)
    }

    /// A person has moved the arm by hand.
    pub fn put(&mut self, joints: Joints) {
        self.moving = None;
        self.target = joints;
        self.drive.put(joints);
    }

    /// The arm stands as it is: targets are where the joints are.
    pub fn freeze(&mut self) {
        self.moving = None;
        self.target = *self.drive.actual();
        self.drive.hold();
    }
}
