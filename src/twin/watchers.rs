//! Who is told the state on 30001 to 30003: as often as the port has it, whether it is read or not.

use std::sync::Arc;

use super::clients::VERSION;
use super::outbox::Outbox;
use super::snapshot::Snapshot;
use crate::wire::primary::KinematicsInfo;
use crate::wire::realtime::RealTime;
use crate::wire::robot_state::{
    Configuration, JointData, Layout, Masterboard, RobotModeData, RobotState, text_message,
    version_message,
};
use crate::wire::{RuntimeState, SafetyMode};

/// What a port tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The primary interface: ten states a second of robot time, and what happens.
    Primary,
    /// The secondary interface: the states alone.
    Secondary,
    /// The real-time interface: a packet in each cycle.
    RealTime,
}

struct Watcher {
    id: u64,
    told: Told,
    outbox: Arc<Outbox>,
}

/// Everybody on 30001 to 30003.
pub struct Watchers {
    layout: Layout,
    calibration: KinematicsInfo,
    configuration: Configuration,
    all: Vec<Watcher>,
}

/// Control cycles from state to state.
const EVERY: u64 = 50;

impl Watchers {
    pub fn new(layout: Layout, calibration: KinematicsInfo, configuration: Configuration) -> Self {
        Self { layout, calibration, configuration, all: Vec::new() }
    }

    /// Begins with the version and a state that holds calibration and configuration.
    pub fn connect(&mut self, id: u64, told: Told, outbox: Arc<Outbox>, now: &Snapshot) {
        if told != Told::RealTime {
            outbox.push(&version_message(VERSION));
            let first = (&self.calibration, &self.configuration);
            outbox.push(&state(now).encode(self.layout, Some(first)));
            outbox.wake();
        }
        self.all.push(Watcher { id, told, outbox });
    }

    pub fn disconnect(&mut self, id: u64) {
        self.all.retain(|watcher| watcher.id != id);
    }

    /// After each cycle.
    pub fn tell(&self, cycle: u64, now: &Snapshot) {
        if cycle.is_multiple_of(EVERY) {
            self.push(|told| told != Told::RealTime, || state(now).encode(self.layout, None));
        }
        self.push(|told| told == Told::RealTime, || real_time(now).encode());
    }

    /// Tells the primary interface what has happened, at this time in seconds.
    pub fn say(&self, now: f64, what: &str) {
        self.push(|told| told == Told::Primary, || text_message((now * 1e6).round() as u64, what));
    }

    fn push(&self, told: impl Fn(Told) -> bool, encode: impl Fn() -> Vec<u8>) {
        let mut to = self.all.iter().filter(|watcher| told(watcher.told)).peekable();
        if to.peek().is_none() {
            return;
        }
        let bytes = encode();
        to.for_each(|watcher| watcher.outbox.push(&bytes));
    }

    /// Lets the connections' writers go.
    pub fn flush(&self) {
        for watcher in self.all.iter().filter(|watcher| watcher.outbox.has_bytes()) {
            watcher.outbox.wake();
        }
    }

    /// Packages that slow clients have lost.
    pub fn lost(&self) -> u64 {
        self.all.iter().map(|watcher| watcher.outbox.lost()).sum()
    }
}

fn state(now: &Snapshot) -> RobotState {
    let is = |mode: SafetyMode| now.safety_mode == mode.number();
    let runs = |state: RuntimeState| now.runtime_state == state.number() as u32;
    RobotState {
        mode: RobotModeData {
            timestamp_us: (now.timestamp * 1e6).round() as u64,
            powered: now.robot_bits & 1 == 1,
            emergency_stopped: is(SafetyMode::RobotEmergencyStop)
                || is(SafetyMode::SystemEmergencyStop),
            protective_stopped: is(SafetyMode::ProtectiveStop),
            program_running: runs(RuntimeState::Playing),
            program_paused: runs(RuntimeState::Paused),
            robot_mode: now.robot_mode.max(0) as u8,
            target_speed_fraction: now.slider,
            speed_scaling: now.speed_scaling,
        },
        joints: std::array::from_fn(|i| JointData {
            actual_q: now.actual_q[i],
            target_q: now.target_q[i],
            actual_qd: now.actual_qd[i],
            current: 0.0,
            voltage: 48.0,
            temperature: 28.0,
            mode: now.joint_mode as u8,
        }),
        masterboard: Masterboard {
            digital_in: now.digital_in as u32,
            digital_out: now.digital_out as u32,
            analog_out: now.analog_out,
            safety_mode: now.safety_mode as u8,
            reduced: is(SafetyMode::Reduced),
        },
        pose: now.actual_pose,
        tcp: now.tcp,
    }
}

fn real_time(now: &Snapshot) -> RealTime {
    RealTime {
        time: now.timestamp,
        target_q: now.target_q,
        target_qd: now.target_qd,
        actual_q: now.actual_q,
        actual_qd: now.actual_qd,
        actual_pose: now.actual_pose,
        actual_tool_speed: now.actual_tool_speed,
        tool_force: now.force,
        target_pose: now.target_pose,
        target_tool_speed: now.target_tool_speed,
        digital_in: now.digital_in as f64,
        motor_temperatures: [28.0; 6],
        controller_timer: 0.3e-3,
        robot_mode: f64::from(now.robot_mode),
        joint_modes: [f64::from(now.joint_mode); 6],
        safety_mode: f64::from(now.safety_mode),
        tool_accelerometer: [0.0, 0.0, 9.81],
        speed_scaling: now.speed_scaling,
        main_voltage: 48.0,
        robot_voltage: 48.0,
        robot_current: 0.6,
        joint_voltages: [48.0; 6],
        digital_out: now.digital_out as f64,
        program_state: f64::from(now.runtime_state),
        elbow_position: now.elbow,
        safety_status: f64::from(now.safety_mode),
        payload: now.payload,
        payload_cog: now.payload_cog,
        payload_inertia: now.payload_inertia,
        ..RealTime::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::RobotMode;

    #[test]
    fn what_stops_the_arm_is_told_on_both_ports() {
        let now = Snapshot {
            safety_mode: SafetyMode::ProtectiveStop.number(),
            robot_mode: RobotMode::Running.number(),
            ..Snapshot::default()
        };
        assert!(state(&now).mode.protective_stopped && !state(&now).mode.emergency_stopped);
        assert_eq!(real_time(&now).safety_mode, 3.0);
    }
}
