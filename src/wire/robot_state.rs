//! The robot state that the primary and the secondary client interface send ten times a second,
//! TCP 30001 and 30002: a package of type 16 that holds sub-packages, as PolyScope 5.x lays them
//! out. Source: Universal Robots, *Client Interfaces*, e-Series. SI units, base frame.

use super::WireError;
use super::bytes::{Reader, Writer};
use super::primary::{KinematicsInfo, Package, Packages, package, part_of};

/// Port of the secondary interface.
pub const SECONDARY_PORT: u16 = 30002;

pub(super) const ROBOT_STATE: u8 = 16;
const MESSAGE: u8 = 20;
const MODE: u8 = 0;
const JOINTS: u8 = 1;
const TOOL: u8 = 2;
const MASTERBOARD: u8 = 3;
const CARTESIAN: u8 = 4;
const CONFIGURATION: u8 = 6;
const FORCE_MODE: u8 = 7;
const ADDITIONAL: u8 = 8;
const TOOL_COMMUNICATION: u8 = 11;
const TOOL_MODE: u8 = 12;

/// Which layout of the sub-packages is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Layout {
    /// PolyScope 3.5 to 5.x.
    #[default]
    #[serde(rename = "5")]
    V5,
    /// PolyScope 3.2 to 3.4, the newest that clients of that time know, such as urx 0.11: the
    /// robot's mode is a byte shorter.
    #[serde(rename = "3.4")]
    V34,
}

/// One state.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RobotState {
    pub mode: RobotModeData,
    pub joints: [JointData; 6],
    pub masterboard: Masterboard,
    /// Of the tool: metres, rotation vector in rad.
    pub pose: [f64; 6],
    /// `flange_from_tool` as set.
    pub tcp: [f64; 6],
}

/// Sub-package 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RobotModeData {
    /// Microseconds since the controller started.
    pub timestamp_us: u64,
    /// Power is on, brakes may be closed.
    pub powered: bool,
    pub emergency_stopped: bool,
    pub protective_stopped: bool,
    pub program_running: bool,
    pub program_paused: bool,
    /// As RTDE numbers it: 7 is running.
    pub robot_mode: u8,
    /// The slider, 0 to 1.
    pub target_speed_fraction: f64,
    pub speed_scaling: f64,
}

/// Of one joint, in sub-package 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JointData {
    pub actual_q: f64,
    pub target_q: f64,
    pub actual_qd: f64,
    /// A.
    pub current: f32,
    /// V.
    pub voltage: f32,
    /// Degrees Celsius.
    pub temperature: f32,
    /// 253 is running.
    pub mode: u8,
}

/// Sub-package 3, as far as anything here is behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Masterboard {
    pub digital_in: u32,
    pub digital_out: u32,
    pub analog_out: [f64; 2],
    /// As RTDE numbers it.
    pub safety_mode: u8,
    pub reduced: bool,
}

/// Sub-package 6, which comes with the first state only, as the calibration does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Configuration {
    /// Least and largest angle of each joint, rad.
    pub joint_limits: [[f64; 2]; 6],
    /// Largest speed (rad/s) and acceleration (rad/s2) of each joint.
    pub joint_dynamics: [[f64; 2]; 6],
    /// Nominal table of Denavit and Hartenberg: a, d, alpha, theta.
    pub dh: [[f64; 6]; 4],
    /// Which arm: 1 a UR5, 2 a UR10, 3 a UR3 [m].
    pub robot_type: i32,
}

/// Of `movej` and `movel` where nothing is said: speed and acceleration of joint and tool, and the
/// equivalent radius [m].
const DEFAULTS: [f64; 5] = [1.05, 1.4, 0.25, 1.2, 0.0];
/// Before the robot type: masterboard and box 3 (e-Series); after it: subtype e [m].
const BEFORE_TYPE: [i32; 2] = [0, 3];
const SUBTYPE: i32 = 5;

impl RobotState {
    /// A whole package; calibration and configuration go with a client's first one.
    pub fn encode(
        &self,
        layout: Layout,
        first: Option<(&KinematicsInfo, &Configuration)>,
    ) -> Vec<u8> {
        let mut parts = package(MODE, &self.mode.encode(layout));
        parts.extend(package(JOINTS, &self.encode_joints()));
        parts.extend(package(TOOL, &tool()));
        parts.extend(package(MASTERBOARD, &self.masterboard.encode()));
        let mut cartesian = Writer::default();
        cartesian.put(self.pose).put(self.tcp);
        parts.extend(package(CARTESIAN, &cartesian.0));
        if let Some((calibration, configuration)) = first {
            parts.extend(calibration.encode_part());
            parts.extend(package(CONFIGURATION, &configuration.encode()));
        }
        // No force mode; nobody presses the pendant's button; no line to the tool; its outputs are
        // plain ones.
        parts.extend(package(FORCE_MODE, &[0; 56]));
        parts.extend(package(ADDITIONAL, &[0; 4]));
        parts.extend(package(TOOL_COMMUNICATION, &[0; 21]));
        parts.extend(package(TOOL_MODE, &[0; 3]));
        package(ROBOT_STATE, &parts)
    }

    /// The state in a package; `None` for a package of another kind, or a state that lacks a part.
    ///
    /// # Errors
    /// A part that is shorter than it should be.
    pub fn find(package: &Package) -> Result<Option<Self>, WireError> {
        if package.kind != ROBOT_STATE {
            return Ok(None);
        }
        let mut parts = Packages::default();
        parts.push(&package.payload);
        let (mut state, mut seen) = (Self::default(), 0);
        while let Some(part) = parts.next_package()? {
            let mut reader = Reader::new("robot state", &part.payload);
            match part.kind {
                MODE => state.mode = RobotModeData::decode(&mut reader)?,
                JOINTS => state.joints = decode_joints(&mut reader)?,
                MASTERBOARD => state.masterboard = Masterboard::decode(&mut reader)?,
                CARTESIAN => (state.pose, state.tcp) = (reader.take()?, reader.take()?),
                _ => continue,
            }
            seen |= 1 << part.kind;
        }
        let all = 1 << MODE | 1 << JOINTS | 1 << MASTERBOARD | 1 << CARTESIAN;
        Ok((seen == all).then_some(state))
    }

    fn encode_joints(&self) -> Vec<u8> {
        let mut bytes = Writer::default();
        for joint in self.joints {
            bytes.put(joint.actual_q).put(joint.target_q).put(joint.actual_qd);
            // The fourth, of the joint's processor, is no longer filled in.
            bytes.put([joint.current, joint.voltage, joint.temperature, 0.0]).put(joint.mode);
        }
        bytes.0
    }
}

fn decode_joints(reader: &mut Reader<'_>) -> Result<[JointData; 6], WireError> {
    let mut joints = [JointData::default(); 6];
    for joint in &mut joints {
        let [actual_q, target_q, actual_qd] = reader.take()?;
        let [current, voltage, temperature, _] = reader.take::<[f32; 4]>()?;
        let mode = reader.take()?;
        *joint = JointData { actual_q, target_q, actual_qd, current, voltage, temperature, mode };
    }
    Ok(joints)
}

impl RobotModeData {
    fn encode(&self, layout: Layout) -> Vec<u8> {
        let mut bytes = Writer::default();
        // Connected, and a robot rather than PolyScope's own simulation.
        bytes.put(self.timestamp_us).put([true, true]).put(self.powered);
        bytes.put([self.emergency_stopped, self.protective_stopped]);
        bytes.put([self.program_running, self.program_paused]);
        // Control mode: position.
        bytes.put(self.robot_mode).put(0_u8);
        bytes.put([self.target_speed_fraction, self.speed_scaling, 1.0]);
        if layout == Layout::V5 {
            bytes.put(0_u8);
        }
        bytes.0
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let timestamp_us = reader.take()?;
        let [_, _, powered, emergency_stopped, protective_stopped, program_running, program_paused] =
            reader.take()?;
        let [robot_mode, _] = reader.take()?;
        let [target_speed_fraction, speed_scaling] = reader.take()?;
        Ok(Self {
            timestamp_us,
            powered,
            emergency_stopped,
            protective_stopped,
            program_running,
            program_paused,
            robot_mode,
            target_speed_fraction,
            speed_scaling,
        })
    }
}

impl Masterboard {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Writer::default();
        bytes.put([self.digital_in, self.digital_out]);
        // Analog inputs: ranges and values. Outputs: their domains (voltage) and values.
        bytes.put([0_u8; 2]).put([0.0_f64; 2]).put([1_u8; 2]).put(self.analog_out);
        // Temperature, V, A, A of the terminals.
        bytes.put([28.0_f32, 48.0, 0.6, 0.0]);
        bytes.put(self.safety_mode).put(self.reduced);
        // No Euromap; the maker's own; no mode selector, no enabling device; the maker's own.
        bytes.put(0_u8).put(0_u32).put([0_u8; 3]);
        bytes.0
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let [digital_in, digital_out] = reader.take()?;
        reader.skip(2 + 16 + 2)?;
        let analog_out = reader.take()?;
        reader.skip(16)?;
        let (safety_mode, reduced) = (reader.take()?, reader.take()?);
        Ok(Self { digital_in, digital_out, analog_out, safety_mode, reduced })
    }
}

impl Configuration {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Writer::default();
        bytes.put(self.joint_limits).put(self.joint_dynamics);
        bytes.put(DEFAULTS).put(self.dh).put(BEFORE_TYPE).put(self.robot_type).put(SUBTYPE);
        bytes.0
    }

    /// The configuration in a package, if that is a robot state with one in it.
    pub fn find(package: &Package) -> Result<Option<Self>, WireError> {
        let Some(part) = part_of(package, CONFIGURATION)? else { return Ok(None) };
        let mut reader = Reader::new("configuration", &part.payload);
        let (joint_limits, joint_dynamics) = (reader.take()?, reader.take()?);
        reader.skip(8 * DEFAULTS.len())?;
        let dh = reader.take()?;
        reader.skip(4 * BEFORE_TYPE.len())?;
        let robot_type = reader.take()?;
        Ok(Some(Self { joint_limits, joint_dynamics, dh, robot_type }))
    }
}

/// At rest: ranges and values of its inputs, V, output V, A, degrees Celsius, mode (running).
fn tool() -> Vec<u8> {
    let mut bytes = Writer::default();
    bytes.put([0_u8; 2]).put([0.0_f64; 2]).put(48.0_f32).put(0_u8).put([0.1_f32, 30.0]);
    bytes.put(253_u8);
    bytes.0
}

/// What a controller sends first on both interfaces: name and version of its software.
pub fn version_message(version: [u32; 4]) -> Vec<u8> {
    let name = b"URControl";
    let mut bytes = Writer::default();
    // No time, of the controller itself, a version.
    bytes.put(0_u64).put([254_u8, 3]).put(name.len() as u8);
    bytes.0.extend(name);
    let [major, minor, bugfix, build] = version;
    bytes.put([major as u8, minor as u8]).put([bugfix, build]);
    bytes.0.extend(b"01-01-2025, 00:00:00");
    package(MESSAGE, &bytes.0)
}

/// A line of the controller's log, which the primary interface tells.
pub fn text_message(timestamp_us: u64, text: &str) -> Vec<u8> {
    let mut bytes = Writer::default();
    // Of the controller itself, a text.
    bytes.put(timestamp_us).put([254_u8, 0]);
    bytes.0.extend(text.as_bytes());
    package(MESSAGE, &bytes.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The first package of these bytes.
    fn one(bytes: &[u8]) -> Package {
        let mut packages = Packages::default();
        packages.push(bytes);
        packages.next_package().unwrap().unwrap()
    }

    fn sizes(bytes: &[u8]) -> Vec<(u8, usize)> {
        let mut parts = Packages::default();
        parts.push(&one(bytes).payload);
        std::iter::from_fn(|| parts.next_package().unwrap())
            .map(|part| (part.kind, part.payload.len() + 5))
            .collect()
    }

    #[test]
    fn each_part_has_the_size_that_the_makers_table_gives() {
        let state = RobotState::default();
        let often =
            [(0, 47), (1, 251), (2, 37), (3, 75), (4, 101), (7, 61), (8, 9), (11, 26), (12, 8)];
        assert_eq!(sizes(&state.encode(Layout::V5, None)), often);
        let (calibration, configuration) = (KinematicsInfo::default(), Configuration::default());
        let first = sizes(&state.encode(Layout::V34, Some((&calibration, &configuration))));
        for part in [(0, 46), (5, 225), (6, 445)] {
            assert!(first.contains(&part), "{part:?} in {first:?}");
        }
    }

    #[test]
    fn the_first_state_holds_calibration_and_configuration() {
        let calibration = KinematicsInfo { a: [0.1; 6], ..KinematicsInfo::default() };
        let configuration = Configuration {
            joint_limits: [[-6.2, 6.2]; 6],
            joint_dynamics: [[3.0, 8.0]; 6],
            dh: [[0.5; 6]; 4],
            robot_type: 2,
        };
        let bytes = RobotState::default().encode(Layout::V5, Some((&calibration, &configuration)));
        let package = one(&bytes);
        assert_eq!(KinematicsInfo::find(&package), Ok(Some(calibration)));
        assert_eq!(Configuration::find(&package), Ok(Some(configuration)));
    }

    proptest! {
        #[test]
        fn a_state_survives_the_wire(
            q in prop::array::uniform6(-7.0..7.0f64),
            timestamp_us in any::<u64>(),
            flags in any::<[bool; 6]>(),
            bits in any::<[u32; 2]>(),
            modes in any::<[u8; 3]>(),
        ) {
            let mode = RobotModeData {
                timestamp_us,
                powered: flags[0],
                emergency_stopped: flags[1],
                protective_stopped: flags[2],
                program_running: flags[3],
                program_paused: flags[4],
                robot_mode: modes[0],
                target_speed_fraction: 0.5,
                speed_scaling: q[0],
            };
            let joints = q.map(|q| JointData {
                actual_q: q,
                target_q: -q,
                actual_qd: q / 2.0,
                current: 0.5,
                voltage: 48.0,
                temperature: 28.0,
                mode: modes[1],
            });
            let masterboard = Masterboard {
                digital_in: bits[0],
                digital_out: bits[1],
                analog_out: [q[1], q[2]],
                safety_mode: modes[2],
                reduced: flags[5],
            };
            let sent = RobotState { mode, joints, masterboard, pose: q, tcp: q.map(|x| x / 3.0) };
            for layout in [Layout::V5, Layout::V34] {
                let bytes = sent.encode(layout, None);
                prop_assert_eq!(RobotState::find(&one(&bytes)), Ok(Some(sent)));
            }
        }

        #[test]
        fn no_bytes_make_the_parser_panic(
            kind in 0..14u8,
            bytes in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let payload = package(kind, &bytes);
            for payload in [payload, bytes] {
                let package = Package { kind: ROBOT_STATE, payload };
                let _ = (RobotState::find(&package), Configuration::find(&package));
            }
        }
    }

    #[test]
    fn the_version_says_who_sends_and_what_it_runs() {
        let message = one(&version_message([5, 25, 1, 7]));
        assert_eq!(message.kind, 20);
        let mut reader = Reader::new("version", &message.payload);
        reader.skip(8 + 2 + 1 + 9).unwrap();
        assert_eq!(reader.take::<[u8; 2]>(), Ok([5, 25]));
        assert_eq!(reader.take::<[u32; 2]>(), Ok([1, 7]));
        assert_eq!(RobotState::find(&message), Ok(None));
    }
}
