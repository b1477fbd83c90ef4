//! What state the arm is in: power, brakes, safety.

use crate::wire::{RobotMode, SafetyMode};

/// `safety_status_bits` of the RTDE guide.
pub fn safety_bits(mode: SafetyMode) -> u32 {
    const STOPPED: u32 = 1 << 10;
    match mode {
        SafetyMode::Normal => 1,
        SafetyMode::Reduced => 1 << 1,
        SafetyMode::ProtectiveStop => (1 << 2) | STOPPED,
        SafetyMode::SafeguardStop => (1 << 4) | STOPPED,
        // Robot emergency stop, and emergency stop of whatever source.
        SafetyMode::RobotEmergencyStop => (1 << 6) | (1 << 7) | STOPPED,
        _ => STOPPED,
    }
}

fn moves(mode: SafetyMode) -> bool {
    matches!(mode, SafetyMode::Normal | SafetyMode::Reduced)
}

/// The state machine. Time is the robot's, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Modes {
    robot: RobotMode,
    safety: SafetyMode,
    /// What comes when: powering on and releasing the brakes take a while.
    next: Option<(f64, RobotMode)>,
    stopped_at: f64,
    pub remote_control: bool,
}

/// Seconds until the arm has power, and until its brakes are released.
const POWER_ON: f64 = 1.0;
const BRAKE_RELEASE: f64 = 1.0;
/// A protective stop cannot be unlocked sooner after it happened, seconds.
const UNLOCK_AFTER: f64 = 5.0;

/// Why a request was refused, in the controller's words.
pub type Refused = &'static str;

impl Modes {
    /// Powered, brakes released, in remote control: as a person leaves the arm who has switched
    /// it on.
    pub fn ready(remote_control: bool) -> Self {
        Self {
            robot: RobotMode::Running,
            safety: SafetyMode::Normal,
            next: None,
            stopped_at: f64::NEG_INFINITY,
            remote_control,
        }
    }

    pub fn robot(&self) -> RobotMode {
        self.robot
    }

    pub fn safety(&self) -> SafetyMode {
        self.safety
    }

    /// May the arm move and a program run?
    pub fn can_move(&self) -> bool {
        self.robot == RobotMode::Running && moves(self.safety)
    }

    /// Lets time pass.
    pub fn advance(&mut self, now: f64) {
        if let Some((at, mode)) = self.next
            && now >= at
        {
            self.robot = mode;
            self.next = match mode {
                RobotMode::PowerOn => Some((now + POWER_ON / 2.0, RobotMode::Idle)),
                _ => None,
            };
        }
    }

    pub fn power_on(&mut self, now: f64) -> Result<(), Refused> {
        if self.safety == SafetyMode::RobotEmergencyStop {
            return Err("emergency stop is pressed");
        }
        if self.robot == RobotMode::PowerOff {
            self.next = Some((now + POWER_ON / 2.0, RobotMode::PowerOn));
        }
        Ok(())
    }

    pub fn power_off(&mut self) {
        self.robot = RobotMode::PowerOff;
        self.next = None;
    }

    /// Also powers on first, as the dashboard command does.
    pub fn brake_release(&mut self, now: f64) -> Result<(), Refused> {
        match self.robot {
            RobotMode::Running => Ok(()),
            RobotMode::Idle => {
                self.next = Some((now + BRAKE_RELEASE, RobotMode::Running));
                Ok(())
            }
            _ => Err("the arm is not powered"),
        }
    }

    /// A person switches the arm on and lets go of the brakes, all in one.
    pub fn switch_on(&mut self, now: f64) {
        if self.safety != SafetyMode::RobotEmergencyStop && self.robot != RobotMode::Running {
            self.next = Some((now + POWER_ON + BRAKE_RELEASE, RobotMode::Running));
        }
    }

    pub fn protective_stop(&mut self, now: f64) {
        if moves(self.safety) || self.safety == SafetyMode::SafeguardStop {
            self.safety = SafetyMode::ProtectiveStop;
            self.stopped_at = now;
        }
    }

    /// Only a person may ask for this, and not at once.
    pub fn unlock_protective_stop(&mut self, now: f64) -> Result<(), Refused> {
        if self.safety != SafetyMode::ProtectiveStop {
            return Ok(());
        }
        if now < self.stopped_at + UNLOCK_AFTER {
            return Err("Cannot unlock protective stop until 5s after occurrence. Always inspect \
                        cause of protective stop before unlocking");
        }
        self.safety = SafetyMode::Normal;
        Ok(())
    }

    /// The button is pressed: power is cut.
    pub fn emergency_stop(&mut self) {
        self.safety = SafetyMode::RobotEmergencyStop;
        self.power_off();
    }

    /// The button is pulled out again: the arm stays without power.
    pub fn release_emergency_stop(&mut self) {
        if self.safety == SafetyMode::RobotEmergencyStop {
            self.safety = SafetyMode::Normal;
        }
    }

    pub fn safeguard(&mut self, open: bool) {
        match (open, self.safety) {
            (true, SafetyMode::Normal | SafetyMode::Reduced) => {
                self.safety = SafetyMode::SafeguardStop;
            }
            (false, SafetyMode::SafeguardStop) => self.safety = SafetyMode::Normal,
            _ => {}
        }
    }

    pub fn reduced(&mut self, on: bool) {
        match (on, self.safety) {
            (true, SafetyMode::Normal) => self.safety = SafetyMode::Reduced,
            (false, SafetyMode::Reduced) => self.safety = SafetyMode::Normal,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_comes_before_the_brakes_and_both_take_time() {
        let mut modes = Modes::ready(true);
        modes.power_off();
        assert!(modes.brake_release(0.0).is_err());
        modes.power_on(0.0).unwrap();
        assert_eq!(modes.robot(), RobotMode::PowerOff);
        for now in [0.6, 1.2] {
            modes.advance(now);
        }
        assert_eq!(modes.robot(), RobotMode::Idle);
        modes.brake_release(2.0).unwrap();
        modes.advance(2.5);
        assert!(!modes.can_move());
        modes.advance(3.0);
        assert!(modes.can_move());
    }

    #[test]
    fn a_protective_stop_holds_until_it_is_unlocked_five_seconds_later() {
        let mut modes = Modes::ready(true);
        modes.protective_stop(10.0);
        modes.advance(100.0);
        assert_eq!(modes.safety(), SafetyMode::ProtectiveStop, "time alone unlocks nothing");
        modes.protective_stop(100.0);
        assert!(modes.unlock_protective_stop(14.0).is_err());
        modes.unlock_protective_stop(15.0).unwrap();
        assert!(modes.can_move());
    }

    #[test]
    fn after_an_emergency_stop_the_arm_has_no_power() {
        let mut modes = Modes::ready(true);
        modes.emergency_stop();
        assert!(modes.power_on(1.0).is_err());
        modes.release_emergency_stop();
        assert_eq!((modes.robot(), modes.safety()), (RobotMode::PowerOff, SafetyMode::Normal));
    }
}
