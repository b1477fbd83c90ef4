//! A Robotiq gripper as its URCap's socket shows it, and the fingers behind it.

use crate::config::GripperSpec;
use crate::sim::FingerCmd;
use crate::wire::gripper::{CLOSED, OPEN, Object, Variable, opening};

/// The gripper's registers and where its fingers are told to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Gripper {
    spec: GripperSpec,
    activated: bool,
    /// Seconds since activation was asked for.
    since: f64,
    go: bool,
    release: bool,
    /// Written by a client, and how long until the gripper has heard of it, seconds.
    written: u8,
    heard_in: f64,
    requested: u8,
    speed: u8,
    force: u8,
    object: Object,
    /// Distance of each pad from the tool point as told to the fingers, metres.
    told: f64,
    /// The same as measured, last cycle.
    measured: f64,
    /// For how long the fingers have not moved although they should, seconds.
    stalled: f64,
    /// They do not move at all.
    pub jammed: bool,
}

/// Activation takes so long, seconds.
const ACTIVATION: f64 = 1.0;
/// The URCap hands a request on to the gripper, and its echo back, in so long, seconds; until then
/// the registers tell what became of the one before.
const TAKE_UP: f64 = 0.016;
/// Fingers that stand so long have met something, seconds.
const STALL: f64 = 0.04;
/// Slower than this they stand, m/s.
const STANDS: f64 = 2e-3;
/// Nearer than this to where they should be they have arrived, metres; half of one count.
const ARRIVED: f64 = 0.1e-3;
/// So far short of it they stop, metres: a third of a count, so that what is read is not what is so.
const BACKLASH: f64 = 0.03e-3;

impl Gripper {
    /// Without activation, fingers open.
    pub fn new(spec: GripperSpec) -> Self {
        let open = spec.opening_mm / 2e3;
        Self {
            spec,
            activated: false,
            since: 0.0,
            go: false,
            release: false,
            written: 0,
            heard_in: 0.0,
            requested: 0,
            speed: 255,
            force: 255,
            object: Object::AtPosition,
            told: open,
            measured: open,
            stalled: 0.0,
            jammed: false,
        }
    }

    pub fn get(&self, variable: Variable) -> i64 {
        match variable {
            Variable::Act => i64::from(self.activated),
            Variable::Gto => i64::from(self.go),
            Variable::Atr => i64::from(self.release),
            Variable::Pos => i64::from(self.position()),
            Variable::Pre => i64::from(self.requested),
            Variable::Spe => i64::from(self.speed),
            Variable::For => i64::from(self.force),
            Variable::Sta => match () {
                () if self.is_active() => 3,
                () if self.activated => 1,
                () => 0,
            },
            Variable::Obj => self.object.number(),
            Variable::Flt => 0,
            Variable::Cou => {
                if self.object == Object::Moving {
                    20
                } else {
                    0
                }
            }
            // The slave number that the URCap gives a single gripper.
            Variable::Sid => 9,
        }
    }

    /// Numbers outside a byte count as its ends.
    pub fn set(&mut self, variable: Variable, number: i64) {
        let byte = number.clamp(0, 255) as u8;
        match variable {
            Variable::Act => {
                if self.activated != (byte != 0) {
                    self.since = 0.0;
                    self.go = false;
                }
                self.activated = byte != 0;
            }
            Variable::Gto => self.go = byte != 0,
            Variable::Atr => self.release = byte != 0,
            Variable::Pos => self.written = byte,
            Variable::Spe => self.speed = byte,
            Variable::For => self.force = byte,
            // The rest can only be read.
            _ => {}
        }
        if matches!(variable, Variable::Pos | Variable::Gto) {
            self.heard_in = TAKE_UP;
        }
    }

    /// Its power is cut: the fingers stand as they are, and it has to be activated again.
    pub fn lose_power(&mut self) {
        (self.activated, self.go) = (false, false);
    }

    /// A person activates it from its page, and opens it.
    pub fn open_by_hand(&mut self) {
        (self.activated, self.since, self.go) = (true, ACTIVATION, true);
        (self.written, self.heard_in) = (0, TAKE_UP);
    }

    /// A person activates it from its page, and closes it.
    pub fn close_by_hand(&mut self) {
        (self.activated, self.since, self.go) = (true, ACTIVATION, true);
        (self.written, self.heard_in) = (255, TAKE_UP);
    }

    fn hear(&mut self, dt: f64) {
        if self.heard_in <= 0.0 {
            return;
        }
        self.heard_in -= dt;
        if self.heard_in > 0.0 {
            return;
        }
        self.requested = self.written;
        if self.goes() && !self.has_arrived() {
            self.object = Object::Moving;
            self.stalled = 0.0;
        }
    }

    /// What the fingers press with at this force setting, N: a tenth of the gripper's force at 0,
    /// all of it at 255.
    fn press(&self) -> f64 {
        self.spec.force_n * (0.1 + 0.9 * f64::from(self.force) / 255.0)
    }

    /// Lets `dt` seconds pass; the pads were measured to be `pads_apart` metres apart.
    pub fn step(&mut self, dt: f64, pads_apart: f64) -> FingerCmd {
        self.since += dt;
        self.hear(dt);
        let measured = pads_apart / 2.0;
        let moved = (measured - self.measured).abs() / dt;
        self.measured = measured;
        if self.goes() && !self.jammed {
            self.ramp(dt);
        }
        self.judge(dt, moved);
        FingerCmd { half_opening: self.told }
    }

    fn ramp(&mut self, dt: f64) {
        let speed = self.spec.speed_mm_s / 1e3 * (0.1 + 0.9 * f64::from(self.speed) / 255.0);
        let way = self.target() - self.told;
        // Short of where it should be, from whichever side it comes.
        let way = way.signum() * (way.abs() - BACKLASH).max(0.0);
        self.told += way.clamp(-speed * dt, speed * dt);
        // Pressing harder than the force allows is not for the motors to do.
        let interference = self.press() / (self.spec.stiffness_n_per_mm * 1e3);
        self.told = self.told.clamp(self.measured - interference, self.measured + interference);
    }

    fn judge(&mut self, dt: f64, moved: f64) {
        if !self.goes() {
            return;
        }
        if self.has_arrived() {
            self.object = Object::AtPosition;
            self.stalled = 0.0;
            return;
        }
        self.stalled = if moved < STANDS { self.stalled + dt } else { 0.0 };
        self.object = match self.target() < self.measured {
            _ if self.stalled < STALL => Object::Moving,
            true => Object::InnerContact,
            false => Object::OuterContact,
        };
    }

    fn is_active(&self) -> bool {
        self.activated && self.since >= ACTIVATION
    }

    fn goes(&self) -> bool {
        self.is_active() && self.go
    }

    /// Where a pad should be, metres from the tool point.
    fn target(&self) -> f64 {
        opening(self.requested, self.spec.opening_mm / 1e3) / 2.0
    }

    fn has_arrived(&self) -> bool {
        (self.measured - self.target()).abs() < ARRIVED
    }

    fn position(&self) -> u8 {
        let closed = 1.0 - self.measured / (self.spec.opening_mm / 2e3);
        let counts = f64::from(OPEN) + closed * f64::from(CLOSED - OPEN);
        counts.round().clamp(0.0, 255.0) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Robot;

    fn active() -> Gripper {
        let mut gripper = Gripper::new(Robot::named("gantry").unwrap().gripper);
        gripper.set(Variable::Act, 1);
        assert_eq!(gripper.get(Variable::Sta), 1);
        for _ in 0..501 {
            gripper.step(0.002, 0.04);
        }
        assert_eq!(gripper.get(Variable::Sta), 3);
        gripper
    }

    /// Fingers that follow until something this thick is between them.
    fn go(gripper: &mut Gripper, position: i64, thick: f64) -> f64 {
        gripper.set(Variable::Pos, position);
        gripper.set(Variable::Gto, 1);
        let mut apart = 2.0 * gripper.measured;
        for _ in 0..1000 {
            apart = (2.0 * gripper.step(0.002, apart).half_opening).max(thick);
        }
        apart
    }

    #[test]
    fn empty_fingers_arrive_and_read_like_real_ones() {
        let mut gripper = active();
        assert!(go(&mut gripper, 255, 0.0) < 2e-4);
        assert_eq!((gripper.get(Variable::Pos), gripper.get(Variable::Obj)), (230, 3));
        assert_eq!(gripper.get(Variable::Pre), 255, "the request is echoed");
        go(&mut gripper, 0, 0.0);
        assert_eq!((gripper.get(Variable::Pos), gripper.get(Variable::Obj)), (3, 3));
    }

    #[test]
    fn something_between_the_fingers_is_noticed_and_pressed_with_the_force_only() {
        let mut gripper = active();
        let apart = go(&mut gripper, 255, 0.01435);
        assert!((apart - 0.01435).abs() < 1e-9);
        assert_eq!(gripper.get(Variable::Obj), 2);
        let inside = 0.01435 / 2.0 - gripper.told;
        assert!((inside - 2e-3).abs() < 1e-9, "{inside}");
    }

    #[test]
    fn a_request_is_echoed_once_the_gripper_has_heard_it() {
        let mut gripper = active();
        gripper.set(Variable::Pos, 255);
        gripper.set(Variable::Gto, 1);
        let told = |g: &Gripper| (g.get(Variable::Pre), g.get(Variable::Obj));
        assert_eq!(told(&gripper), (0, 3), "what became of the one before");
        for _ in 0..10 {
            gripper.step(0.002, 0.04);
        }
        assert_eq!(told(&gripper), (255, 0));
    }

    #[test]
    fn without_power_it_stands_and_must_be_activated_again() {
        let mut gripper = active();
        go(&mut gripper, 255, 0.01435);
        gripper.lose_power();
        assert_eq!(gripper.get(Variable::Sta), 0);
        assert!((go(&mut gripper, 0, 0.01435) - 0.01435).abs() < 1e-9, "it does not let go");
    }

    #[test]
    fn it_moves_only_once_it_is_active() {
        let mut gripper = Gripper::new(Robot::named("gantry").unwrap().gripper);
        assert_eq!(go(&mut gripper, 255, 0.0), 0.04);
    }

    #[test]
    fn jammed_fingers_stand_and_look_like_a_contact() {
        let mut gripper = active();
        gripper.jammed = true;
        assert_eq!(go(&mut gripper, 255, 0.0), 0.04);
        assert_eq!(gripper.get(Variable::Obj), 2);
        assert_eq!(gripper.get(Variable::Pos), 3, "but wide open");
    }
}
