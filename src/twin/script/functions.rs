//! The controller's functions as the twin plays them: names and parameters, so that a program can
//! be checked when it arrives.
//!
//! Names, order and defaults as in *The URScript Programming Language*, e-Series.

/// A function of the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    pub name: &'static str,
    /// Parameters in their order; those behind a `?` may be left out.
    parameters: &'static str,
    /// Takes robot time: not for a secondary program.
    pub takes_time: bool,
}

impl Function {
    /// Names of the parameters, each with whether it may be left out.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, bool)> {
        self.parameters.split_whitespace().map(|p| match p.strip_prefix('?') {
            Some(name) => (name, true),
            None => (p, false),
        })
    }
}

/// The function of this name, if the twin plays it.
pub fn find(name: &str) -> Option<Function> {
    let row = |rows: &'static [(&str, &str)]| rows.iter().find(|(n, _)| *n == name);
    let of = |takes_time| {
        move |(name, parameters): &(&'static str, &'static str)| Function {
            name,
            parameters,
            takes_time,
        }
    };
    row(MOTION).map(of(true)).or_else(|| row(INSTANT).map(of(false)))
}

/// What a name means that the twin does not play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unplayed {
    /// The program is refused.
    Refused,
    /// The program is taken, and stops where it gets there: drivers upload one program for all that
    /// they may ever do, as ur-rtde does.
    StopsThere,
    /// No controller knows it either.
    Unknown,
}

pub fn unplayed(name: &str) -> Unplayed {
    match name {
        _ if LATE.contains(&name) => Unplayed::StopsThere,
        _ if REFUSED.contains(&name) => Unplayed::Refused,
        _ if FAMILIES.iter().any(|family| name.starts_with(family)) => Unplayed::Refused,
        _ => Unplayed::Unknown,
    }
}

/// Functions that take robot time.
const MOTION: &[(&str, &str)] = &[
    ("movej", "q ?a ?v ?t ?r"),
    ("movel", "pose ?a ?v ?t ?r"),
    ("movep", "pose ?a ?v ?r"),
    ("servoj", "q ?a ?v ?t ?lookahead_time ?gain"),
    ("servostop", "?a"),
    ("sleep", "t"),
    ("speedj", "qd ?a ?t"),
    ("speedl", "xd ?a ?t ?aRot"),
    ("stopj", "?a"),
    ("stopl", "?a ?aRot"),
    ("sync", ""),
];

/// Functions that take none.
const INSTANT: &[(&str, &str)] = &[
    ("end_force_mode", ""),
    ("end_freedrive_mode", ""),
    ("end_teach_mode", ""),
    ("force", ""),
    ("force_mode_set_damping", "damping"),
    ("force_mode_set_gain_scaling", "scaling"),
    ("get_actual_joint_positions", ""),
    ("get_actual_joint_positions_history", "?steps"),
    ("get_actual_joint_speeds", ""),
    ("get_actual_tcp_pose", ""),
    ("get_actual_tcp_speed", ""),
    ("get_actual_tool_flange_pose", ""),
    ("get_analog_in", "n"),
    ("get_configurable_digital_in", "n"),
    ("get_configurable_digital_out", "n"),
    ("get_digital_in", "n"),
    ("get_digital_out", "n"),
    ("get_forward_kin", "?q ?tcp"),
    ("get_freedrive_status", ""),
    ("get_inverse_kin", "x ?qnear ?maxPositionError ?maxOrientationError ?tcp"),
    ("get_inverse_kin_has_solution", "x ?qnear ?maxPositionError ?maxOrientationError ?tcp"),
    ("get_joint_torques", ""),
    ("get_robot_mode", ""),
    ("get_safety_mode", ""),
    ("get_standard_analog_in", "n"),
    ("get_standard_digital_in", "n"),
    ("get_standard_digital_out", "n"),
    ("get_steptime", ""),
    ("get_target_joint_positions", ""),
    ("get_target_joint_speeds", ""),
    ("get_target_payload", ""),
    ("get_target_payload_cog", ""),
    ("get_target_payload_inertia", ""),
    ("get_target_tcp_pose", ""),
    ("get_target_tcp_speed", ""),
    ("get_target_waypoint", ""),
    ("get_tcp_force", ""),
    ("get_tcp_offset", ""),
    ("get_tool_digital_in", "n"),
    ("get_tool_digital_out", "n"),
    ("is_robot_running", ""),
    ("is_safety_normal", ""),
    ("is_steady", ""),
    ("is_within_joint_limits", "q"),
    ("is_within_safety_limits", "pose ?qnear"),
    ("popup", "s ?title ?warning ?error ?blocking"),
    ("protective_stop", ""),
    ("read_input_boolean_register", "address"),
    ("read_input_float_register", "address"),
    ("read_input_integer_register", "address"),
    ("read_output_boolean_register", "address"),
    ("read_output_float_register", "address"),
    ("read_output_integer_register", "address"),
    ("reset_revolution_counter", "?qNear"),
    ("rtde_set_watchdog", "variable_name min_frequency ?action"),
    ("set_analog_out", "n f"),
    ("set_analog_outputdomain", "port domain"),
    ("set_configurable_digital_out", "n b"),
    ("set_digital_out", "n b"),
    ("set_gravity", "d"),
    ("set_payload", "m ?cog ?inertia"),
    ("set_payload_cog", "cog"),
    ("set_payload_mass", "m"),
    ("set_standard_analog_input_domain", "port domain"),
    ("set_standard_analog_out", "n f"),
    ("set_standard_digital_out", "n b"),
    ("set_target_payload", "m ?cog ?inertia ?transition_time"),
    ("set_tcp", "pose ?tcp_name"),
    ("set_tool_analog_input_domain", "port domain"),
    ("set_tool_communication", "enabled baud_rate parity stop_bits rx_idle_chars tx_idle_chars"),
    ("set_tool_digital_out", "n b"),
    ("set_tool_voltage", "voltage"),
    ("textmsg", "s1 ?s2"),
    ("write_output_boolean_register", "address value"),
    ("write_output_float_register", "address value"),
    ("write_output_integer_register", "address value"),
    ("zero_ftsensor", ""),
];

/// Told when a program arrives, and where it gets there.
const LATE: &[&str] = &[
    "direct_torque",
    "enable_external_ft_sensor",
    "force_mode",
    "freedrive_mode",
    "ft_rtde_input_enable",
    "get_coriolis_and_centrifugal_torques",
    "get_jacobian",
    "get_jacobian_time_derivative",
    "get_mass_matrix",
    "get_target_joint_accelerations",
    "servoc",
    "servol",
    "teach_mode",
    "tool_contact",
];

/// Functions of the manual that the twin does not play.
const REFUSED: &[&str] = &[
    "clear_interpreter",
    "get_controller_temp",
    "get_joint_temp",
    "get_tool_accelerometer_reading",
    "get_tool_current",
    "interpreter_mode",
    "end_interpreter",
    "movec",
    "pose_dist",
    "pause",
    "power_down",
    "powerdown",
    "request_boolean_from_primary_client",
    "request_float_from_primary_client",
    "request_integer_from_primary_client",
    "request_string_from_primary_client",
    "rpc_factory",
    "set_configurable_digital_input_action",
    "set_flag",
    "get_flag",
    "struct",
    "wrench_trans",
    "optimoveJ",
    "optimoveL",
];

/// Names that begin so are functions of the manual as well.
const FAMILIES: &[&str] = &[
    "conveyor_",
    "encoder_",
    "eps_",
    "get_conveyor_",
    "modbus_",
    "path_offset_",
    "position_deviation_",
    "read_port_",
    "screw_driving",
    "set_conveyor_",
    "socket_",
    "stop_conveyor_",
    "str_",
    "tool_wrench_limit_",
    "track_conveyor_",
    "write_port_",
    "zmq_",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_function_is_both_played_and_not() {
        for (name, _) in MOTION.iter().chain(INSTANT) {
            assert_eq!(unplayed(name), Unplayed::Unknown, "{name}");
        }
        for name in LATE.iter().chain(REFUSED) {
            assert_eq!(find(name), None, "{name}");
        }
    }

    #[test]
    fn what_may_be_left_out_stands_last() {
        for (name, _) in MOTION.iter().chain(INSTANT) {
            let optional: Vec<bool> = find(name).unwrap().parameters().map(|(_, o)| o).collect();
            assert!(optional.is_sorted(), "{name}");
        }
    }
}
