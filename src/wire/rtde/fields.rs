use super::Kind;
use Kind::{Bool, Double, Int32, UInt8, UInt32, UInt64, Vector3, Vector6, Vector6Int32};

/// The type of a documented output field; `None` if there is no such field.
pub fn output(name: &str) -> Option<Kind> {
    find(OUTPUTS, name).or_else(|| register(&OUTPUT_REGISTERS, name)).or_else(|| read_back(name))
}

/// The type of a documented input field.
pub fn input(name: &str) -> Option<Kind> {
    find(INPUTS, name).or_else(|| register(&INPUT_REGISTERS, name))
}

/// Every documented output field with its type.
pub fn outputs() -> impl Iterator<Item = (String, Kind)> {
    let registers = [OUTPUT_REGISTERS, INPUT_REGISTERS].into_iter().flatten();
    listed(OUTPUTS).chain(listed(INPUT_BITS)).chain(registers.flat_map(expand))
}

/// Every documented input field with its type.
pub fn inputs() -> impl Iterator<Item = (String, Kind)> {
    listed(INPUTS).chain(INPUT_REGISTERS.into_iter().flat_map(expand))
}

/// A family of numbered registers: prefix, first and last number, type.
type Family = (&'static str, u8, u8, Kind);

const OUTPUT_REGISTERS: [Family; 3] = [
    ("output_bit_register_", 64, 127, Bool),
    ("output_int_register_", 0, 47, Int32),
    ("output_double_register_", 0, 47, Double),
];

/// Written by clients, and readable as outputs too.
const INPUT_REGISTERS: [Family; 3] = [
    ("input_bit_register_", 64, 127, Bool),
    ("input_int_register_", 0, 47, Int32),
    ("input_double_register_", 0, 47, Double),
];

const INPUT_BITS: &[(&str, Kind)] =
    &[("input_bit_registers0_to_31", UInt32), ("input_bit_registers32_to_63", UInt32)];

/// As UR's RTDE guide lists them, up to PolyScope 5.25.
const OUTPUTS: &[(&str, Kind)] = &[
    ("timestamp", Double),
    ("target_q", Vector6),
    ("target_qd", Vector6),
    ("target_qdd", Vector6),
    ("target_current", Vector6),
    ("target_moment", Vector6),
    ("actual_q", Vector6),
    ("actual_qd", Vector6),
    ("actual_current", Vector6),
    ("actual_current_window", Vector6),
    ("actual_current_as_torque", Vector6),
    ("joint_control_output", Vector6),
    ("actual_TCP_pose", Vector6),
    ("actual_TCP_speed", Vector6),
    ("actual_TCP_force", Vector6),
    ("target_TCP_pose", Vector6),
    ("target_TCP_speed", Vector6),
    ("actual_digital_input_bits", UInt64),
    ("joint_temperatures", Vector6),
    ("actual_execution_time", Double),
    ("robot_mode", Int32),
    ("joint_mode", Vector6Int32),
    ("safety_mode", Int32),
    ("safety_status", Int32),
    ("actual_tool_accelerometer", Vector3),
    ("speed_scaling", Double),
    ("target_speed_fraction", Double),
    ("actual_momentum", Double),
    ("actual_main_voltage", Double),
    ("actual_robot_voltage", Double),
    ("actual_robot_current", Double),
    ("actual_joint_voltage", Vector6),
    ("actual_digital_output_bits", UInt64),
    ("runtime_state", UInt32),
    ("elbow_position", Vector3),
    ("elbow_velocity", Vector3),
    ("robot_status_bits", UInt32),
    ("safety_status_bits", UInt32),
    ("analog_io_types", UInt32),
    ("standard_analog_input0", Double),
    ("standard_analog_input1", Double),
    ("standard_analog_output0", Double),
    ("standard_analog_output1", Double),
    ("io_current", Double),
    ("euromap67_input_bits", UInt32),
    ("euromap67_output_bits", UInt32),
    ("euromap67_24V_voltage", Double),
    ("euromap67_24V_current", Double),
    ("tool_mode", UInt32),
    ("tool_analog_input_types", UInt32),
    ("tool_analog_input0", Double),
    ("tool_analog_input1", Double),
    ("tool_output_voltage", Int32),
    ("tool_output_current", Double),
    ("tool_temperature", Double),
    ("tcp_force_scalar", Double),
    ("output_bit_registers0_to_31", UInt32),
    ("output_bit_registers32_to_63", UInt32),
    ("actual_robot_energy_consumed", Double),
    ("actual_robot_braking_energy_dissipated", Double),
    ("encoder0_raw", Int32),
    ("encoder1_raw", Int32),
    ("tool_output_mode", UInt8),
    ("tool_digital_output0_mode", UInt8),
    ("tool_digital_output1_mode", UInt8),
    ("payload", Double),
    ("payload_cog", Vector3),
    ("payload_inertia", Vector6),
    ("script_control_line", UInt32),
    ("ft_raw_wrench", Vector6),
    ("wrench_calc_from_currents", Vector6),
    ("joint_position_deviation_ratio", Double),
    ("collision_detection_ratio", Double),
    ("time_scale_source", Int32),
    ("target_gravity", Vector3),
    ("target_base_acceleration", Vector6),
    ("tcp_offset", Vector6),
];

const INPUTS: &[(&str, Kind)] = &[
    ("speed_slider_mask", UInt32),
    ("speed_slider_fraction", Double),
    ("standard_digital_output_mask", UInt8),
    ("configurable_digital_output_mask", UInt8),
    ("tool_digital_output_mask", UInt8),
    ("standard_digital_output", UInt8),
    ("configurable_digital_output", UInt8),
    ("tool_digital_output", UInt8),
    ("standard_analog_output_mask", UInt8),
    ("standard_analog_output_type", UInt8),
    ("standard_analog_output_0", Double),
    ("standard_analog_output_1", Double),
    ("external_force_torque", Vector6),
    INPUT_BITS[0],
    INPUT_BITS[1],
];

fn find(table: &[(&str, Kind)], name: &str) -> Option<Kind> {
    table.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

fn register(families: &[Family], name: &str) -> Option<Kind> {
    families.iter().find_map(|(prefix, first, last, kind)| {
        let digits = name.strip_prefix(prefix)?;
        let number: u8 = digits.parse().ok()?;
        let usual = digits.len() == 1 || !digits.starts_with(['0', '+']);
        (usual && (*first..=*last).contains(&number)).then_some(*kind)
    })
}

fn read_back(name: &str) -> Option<Kind> {
    find(INPUT_BITS, name).or_else(|| register(&INPUT_REGISTERS, name))
}

fn listed(table: &'static [(&str, Kind)]) -> impl Iterator<Item = (String, Kind)> {
    table.iter().map(|(name, kind)| ((*name).to_owned(), *kind))
}

fn expand((prefix, first, last, kind): Family) -> impl Iterator<Item = (String, Kind)> {
    (first..=last).map(move |number| (format!("{prefix}{number}"), kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_field_is_found_with_its_type() {
        let mut names = std::collections::BTreeSet::new();
        for (name, kind) in outputs() {
            assert_eq!(output(&name), Some(kind), "{name}");
            assert!(names.insert(name.clone()), "{name} is listed twice");
        }
        for (name, kind) in inputs() {
            assert_eq!(input(&name), Some(kind), "{name}");
        }
    }

    #[test]
    fn registers_have_their_documented_numbers() {
        assert_eq!(output("output_int_register_47"), Some(Int32));
        assert_eq!(input("input_bit_register_64"), Some(Bool));
        for wrong in ["output_int_register_48", "input_bit_register_63", "input_int_register_07"] {
            assert_eq!(output(wrong).or(input(wrong)), None, "{wrong}");
        }
        assert_eq!(input("actual_q"), None);
    }
}
