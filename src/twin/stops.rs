//! What ends or holds a program, and the faults that do.

use std::time::Instant;

use super::controller::Controller;
use super::faults::{Fault, FaultSpec};
use crate::task::Pose2;
use crate::wire::RuntimeState;

impl Controller {
    /// The program is over; what still moves brakes.
    pub fn stop_program(&mut self) {
        self.program = None;
        self.watchdog = None;
        self.runtime = RuntimeState::Stopped;
        self.body.abandon(None);
    }

    /// The program waits; what moves brakes and goes on later.
    pub fn pause(&mut self) {
        if self.runtime == RuntimeState::Playing {
            self.runtime = RuntimeState::Paused;
            if let Some(motion) = self.body.motion() {
                motion.brake_hard();
            }
        }
    }

    pub fn resume(&mut self) -> bool {
        let may = self.runtime == RuntimeState::Paused && self.modes.can_move();
        if may {
            self.runtime = RuntimeState::Playing;
            let (now, wall) = (self.now(), Instant::now());
            if let Some(dog) = &mut self.watchdog {
                (dog.heard, dog.heard_at) = (now, wall);
            }
            if let Some(motion) = self.body.motion() {
                motion.go_on();
            }
        }
        may
    }

    pub fn protective_stop(&mut self) {
        let now = self.now();
        self.modes.protective_stop(now);
        self.say("protective stop");
        self.stop_program();
    }

    pub fn emergency_stop(&mut self) {
        self.end_secondary_programs();
        self.modes.emergency_stop();
        self.body.gripper.lose_power();
        self.say("emergency stop");
        self.stop_program();
    }

    pub fn power_off(&mut self) {
        self.end_secondary_programs();
        self.modes.power_off();
        self.body.gripper.lose_power();
        self.stop_program();
    }

    /// Plans a fault from now on.
    pub fn plan(&mut self, spec: FaultSpec) {
        let now = self.now();
        self.faults.add(now, spec);
    }

    pub(super) fn fault(&mut self, fault: Fault, begins: bool) {
        self.say(&format!("fault {} {fault:?}", if begins { "begins:" } else { "ends:" }));
        match fault {
            Fault::DropConnection => {
                self.active.dropped = begins;
                self.cut |= begins;
            }
            Fault::FreezeTimestamps => self.active.frozen = begins,
            Fault::RefuseRecipe => self.active.refuse = begins,
            Fault::LatePackets { ms } => self.active.delay = if begins { ms / 1e3 } else { 0.0 },
            Fault::SpeedScaling { share } => self.body.scaling = if begins { share } else { 1.0 },
            Fault::GripperJam => self.body.gripper.jammed = begins,
            Fault::LocalControl => self.modes.remote_control = !begins,
            Fault::Reduced => self.modes.reduced(begins),
            Fault::SafeguardStop => self.safeguard(begins),
            Fault::ProtectiveStop if begins => self.protective_stop(),
            Fault::EmergencyStop if begins => self.emergency_stop(),
            Fault::EmergencyStop => self.modes.release_emergency_stop(),
            Fault::LostPlate if begins => self.body.table.lose_plate(),
            Fault::LostPlate => {
                if !self.body.table.put_plate(Pose2::IDENTITY) {
                    self.say("the hand is where the plate should be put back");
                }
            }
            Fault::Press { n } => self.body.pressed_n = if begins { n } else { 0.0 },
            Fault::ProgramError if begins && self.program.is_some() => {
                self.say("program stopped: a mistake that a fault made");
                self.stop_program();
            }
            Fault::CameraStale => self.cameras.faults.stale = begins,
            Fault::CameraBlack => self.cameras.faults.black = begins,
            Fault::CameraTorn => self.cameras.faults.torn = begins,
            Fault::CameraUnplugged => self.cameras.faults.unplugged = begins,
            Fault::CameraOverexposed => self.cameras.faults.overexposed = begins,
            Fault::OtherBoard => self.cameras.faults.other_board = begins,
            Fault::TagCovered { tags } => {
                self.cameras.faults.covered = if begins { tags } else { 0 };
            }
            Fault::CameraMoved { mm } => {
                self.cameras.faults.moved_mm = if begins { mm } else { 0.0 };
            }
            // Only a person unlocks it; what was ended stays so.
            Fault::ProtectiveStop | Fault::ProgramError => {}
        }
    }

    /// The door of the cell.
    pub fn safeguard(&mut self, open: bool) {
        self.modes.safeguard(open);
        if open {
            self.pause();
            if self.program.is_none() {
                // A jog has nobody to go on with it.
                self.body.abandon(None);
            }
        } else {
            self.resume();
        }
    }
}
