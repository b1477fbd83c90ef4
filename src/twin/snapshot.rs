//! The controller's state of one cycle, and how each documented RTDE field reads it.

use super::registers::{Bank, Registers};
use crate::wire::rtde::Value;

/// What RTDE may tell of one cycle. Base frame, metres, rad, N.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub timestamp: f64,
    pub target_q: [f64; 6],
    pub target_qd: [f64; 6],
    pub actual_q: [f64; 6],
    pub actual_qd: [f64; 6],
    pub actual_pose: [f64; 6],
    pub actual_tool_speed: [f64; 6],
    pub target_pose: [f64; 6],
    pub target_tool_speed: [f64; 6],
    pub force: [f64; 6],
    pub elbow: [f64; 3],
    pub robot_mode: i32,
    pub joint_mode: i32,
    pub safety_mode: i32,
    pub runtime_state: u32,
    pub robot_bits: u32,
    pub safety_bits: u32,
    pub speed_scaling: f64,
    pub slider: f64,
    pub digital_in: u64,
    pub digital_out: u64,
    pub analog_out: [f64; 2],
    pub payload: f64,
    pub payload_cog: [f64; 3],
    pub payload_inertia: [f64; 6],
    pub tcp: [f64; 6],
    pub registers: Registers,
}

/// Where a field's value comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    State(fn(&Snapshot) -> Value),
    /// A register, of the inputs if `true`.
    Int(bool, u8),
    Double(bool, u8),
    Bit(bool, u8),
    Word(bool, u8),
    /// A documented field that nothing here has a model for: it reads as on an arm at rest.
    Constant(Value),
}

impl Source {
    /// `None` for a field that is not documented.
    pub fn of(name: &str) -> Option<Self> {
        let kind = crate::wire::rtde::output(name)?;
        let found = register(name).or_else(|| state(name)).or_else(|| constant(name));
        Some(found.unwrap_or(Self::Constant(kind.zero())))
    }

    pub fn read(&self, snapshot: &Snapshot) -> Value {
        let bank = |input: bool| -> &Bank {
            if input { &snapshot.registers.input } else { &snapshot.registers.output }
        };
        match *self {
            Self::State(read) => read(snapshot),
            Self::Int(input, i) => Value::Int32(bank(input).ints[usize::from(i)]),
            Self::Double(input, i) => Value::Double(bank(input).doubles[usize::from(i)]),
            Self::Bit(input, i) => Value::Bool(bank(input).bit(usize::from(i))),
            Self::Word(input, half) => Value::UInt32(bank(input).word(u32::from(half))),
            Self::Constant(value) => value,
        }
    }
}

fn register(name: &str) -> Option<Source> {
    let (input, rest) = match name.strip_prefix("input_") {
        Some(rest) => (true, rest),
        None => (false, name.strip_prefix("output_")?),
    };
    let number = |prefix: &str| rest.strip_prefix(prefix)?.parse::<u8>().ok();
    match rest {
        "bit_registers0_to_31" => Some(Source::Word(input, 0)),
        "bit_registers32_to_63" => Some(Source::Word(input, 1)),
        _ => number("int_register_")
            .map(|i| Source::Int(input, i))
            .or_else(|| number("double_register_").map(|i| Source::Double(input, i)))
            .or_else(|| number("bit_register_").map(|i| Source::Bit(input, i))),
    }
}

fn state(name: &str) -> Option<Source> {
    let read: fn(&Snapshot) -> Value = match name {
        "timestamp" => |s| Value::Double(s.timestamp),
        "target_q" => |s| Value::Vector6(s.target_q),
        "target_qd" => |s| Value::Vector6(s.target_qd),
        "actual_q" => |s| Value::Vector6(s.actual_q),
        "actual_qd" => |s| Value::Vector6(s.actual_qd),
        "actual_TCP_pose" => |s| Value::Vector6(s.actual_pose),
        "actual_TCP_speed" => |s| Value::Vector6(s.actual_tool_speed),
        "actual_TCP_force" | "ft_raw_wrench" | "wrench_calc_from_currents" => {
            |s| Value::Vector6(s.force)
        }
        "tcp_force_scalar" => {
            |s| Value::Double(s.force[..3].iter().map(|f| f * f).sum::<f64>().sqrt())
        }
        "target_TCP_pose" => |s| Value::Vector6(s.target_pose),
        "target_TCP_speed" => |s| Value::Vector6(s.target_tool_speed),
        "elbow_position" => |s| Value::Vector3(s.elbow),
        "robot_mode" => |s| Value::Int32(s.robot_mode),
        "joint_mode" => |s| Value::Vector6Int32([s.joint_mode; 6]),
        "tool_mode" => |s| Value::UInt32(s.joint_mode as u32),
        "safety_mode" | "safety_status" => |s| Value::Int32(s.safety_mode),
        "runtime_state" => |s| Value::UInt32(s.runtime_state),
        "robot_status_bits" => |s| Value::UInt32(s.robot_bits),
        "safety_status_bits" => |s| Value::UInt32(s.safety_bits),
        "speed_scaling" => |s| Value::Double(s.speed_scaling),
        "target_speed_fraction" => |s| Value::Double(s.slider),
        "actual_digital_input_bits" => |s| Value::UInt64(s.digital_in),
        "actual_digital_output_bits" => |s| Value::UInt64(s.digital_out),
        "standard_analog_output0" => |s| Value::Double(s.analog_out[0]),
        "standard_analog_output1" => |s| Value::Double(s.analog_out[1]),
        "payload" => |s| Value::Double(s.payload),
        "payload_cog" => |s| Value::Vector3(s.payload_cog),
        "payload_inertia" => |s| Value::Vector6(s.payload_inertia),
        "tcp_offset" => |s| Value::Vector6(s.tcp),
        _ => return None,
    };
    Some(Source::State(read))
}

/// As an arm at rest reads them.
fn constant(name: &str) -> Option<Source> {
    let value = match name {
        "joint_temperatures" => Value::Vector6([28.0; 6]),
        "actual_execution_time" => Value::Double(0.3e-3),
        "actual_main_voltage" | "actual_robot_voltage" => Value::Double(48.0),
        "actual_robot_current" => Value::Double(0.6),
        "actual_joint_voltage" => Value::Vector6([48.0; 6]),
        "tool_output_voltage" => Value::Int32(24),
        "tool_temperature" => Value::Double(30.0),
        "actual_tool_accelerometer" => Value::Vector3([0.0, 0.0, 9.81]),
        "target_gravity" => Value::Vector3([0.0, 0.0, 9.81]),
        _ => return None,
    };
    Some(Source::Constant(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_field_is_served_with_its_type() {
        let snapshot = Snapshot::default();
        let mut count = 0;
        for (name, kind) in crate::wire::rtde::outputs() {
            let source = Source::of(&name).unwrap();
            assert_eq!(source.read(&snapshot).kind(), kind, "{name}");
            count += 1;
        }
        assert!(count > 300, "{count} fields with the registers");
        assert!(Source::of("no_such_field").is_none());
    }

    #[test]
    fn registers_are_read_from_their_own_bank() {
        let mut snapshot = Snapshot::default();
        snapshot.registers.input.ints[24] = 7;
        snapshot.registers.output.set_word(1, 5);
        let read = |name: &str| Source::of(name).unwrap().read(&snapshot);
        assert_eq!(read("input_int_register_24"), Value::Int32(7));
        assert_eq!(read("output_int_register_24"), Value::Int32(0));
        assert_eq!(read("output_bit_registers32_to_63"), Value::UInt32(5));
    }
}
