use std::time::Instant;

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};

use crate::arm::Joints;
use crate::real::driver::ArmState;
use crate::wire::rtde::Value;

/// What the controller said of one of its cycles. Base frame; metres, rad, N.
#[derive(Clone, Debug)]
pub struct State {
    /// Packages received so far.
    pub number: u64,
    /// When the controller's clock was last seen to advance.
    pub advanced: Instant,
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
    pub robot_mode: i32,
    pub safety_mode: i32,
    pub runtime_state: u32,
    /// Share of their speed at which programs run just now.
    pub speed_scaling: f64,
    pub payload_kg: f64,
    /// The heartbeat as the controller last received it.
    pub heartbeat: i32,
    /// What the control program says.
    pub program: ProgramState,
    /// `flange_from_tool` as it is set, where the controller tells (PolyScope 5.13 and on [m]).
    pub flange_from_tool: Option<Isometry3<f64>>,
}

/// The output registers of the control program: see `control.script`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgramState {
    pub session: i32,
    pub taken_up: i32,
    pub result: i32,
    pub finished: i32,
}

/// The fields that make a [`State`], in order. The last one is optional.
pub(super) const FIELDS: [&str; 16] = [
    "timestamp",
    "actual_q",
    "actual_qd",
    "actual_TCP_pose",
    "actual_TCP_speed",
    "actual_TCP_force",
    "robot_mode",
    "safety_mode",
    "runtime_state",
    "speed_scaling",
    "payload",
    "input_int_register_24",
    "output_int_register_24",
    "output_int_register_25",
    "output_int_register_27",
    "output_int_register_28",
];
pub(super) const OPTIONAL: &str = "tcp_offset";

impl State {
    /// `None` if the values are not those of [`FIELDS`], or not finite.
    pub(super) fn from_values(values: &[Value], number: u64, now: Instant) -> Option<Self> {
        let mut values = values.iter();
        let mut next = || values.next().copied();
        let state = Self {
            number,
            advanced: now,
            timestamp: double(next()?)?,
            joints: Joints::from(six(next()?)?),
            joint_speeds: Joints::from(six(next()?)?),
            base_from_tool: pose_of(six(next()?)?),
            tool_speed: length(six(next()?)?),
            tool_force: length(six(next()?)?),
            robot_mode: int(next()?)?,
            safety_mode: int(next()?)?,
            runtime_state: match next()? {
                Value::UInt32(v) => v,
                _ => return None,
            },
            speed_scaling: double(next()?)?,
            payload_kg: double(next()?)?,
            heartbeat: int(next()?)?,
            program: ProgramState {
                session: int(next()?)?,
                taken_up: int(next()?)?,
                result: int(next()?)?,
                finished: int(next()?)?,
            },
            flange_from_tool: next().and_then(six).map(pose_of),
        };
        Some(state)
    }

    /// What of it is any arm's.
    pub fn arm(&self) -> ArmState {
        let Self {
            timestamp, joints, joint_speeds, base_from_tool, tool_speed, tool_force, ..
        } = *self;
        ArmState { timestamp, joints, joint_speeds, base_from_tool, tool_speed, tool_force }
    }
}

/// A pose as UR writes it: metres, and a rotation vector in rad.
pub fn pose_of([x, y, z, rx, ry, rz]: [f64; 6]) -> Isometry3<f64> {
    let rotation = UnitQuaternion::from_scaled_axis(Vector3::new(rx, ry, rz));
    Isometry3::from_parts(Translation3::new(x, y, z), rotation)
}

/// The inverse of [`pose_of`].
pub fn numbers_of(pose: &Isometry3<f64>) -> [f64; 6] {
    let (t, r) = (pose.translation.vector, pose.rotation.scaled_axis());
    [t.x, t.y, t.z, r.x, r.y, r.z]
}

fn length(v: [f64; 6]) -> f64 {
    Vector3::new(v[0], v[1], v[2]).norm()
}

fn double(value: Value) -> Option<f64> {
    match value {
        Value::Double(v) if v.is_finite() => Some(v),
        _ => None,
    }
}

fn int(value: Value) -> Option<i32> {
    match value {
        Value::Int32(v) => Some(v),
        _ => None,
    }
}

fn six(value: Value) -> Option<[f64; 6]> {
    match value {
        Value::Vector6(v) if v.iter().all(|x| x.is_finite()) => Some(v),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::rtde::output;

    #[test]
    fn a_state_is_read_from_the_documented_types_and_never_from_what_is_not_a_number() {
        let zeros: Vec<Value> = FIELDS.iter().map(|name| output(name).unwrap().zero()).collect();
        let now = Instant::now();
        let state = State::from_values(&zeros, 1, now).unwrap();
        assert!(state.arm().is_still() && state.flange_from_tool.is_none());
        for at in 0..5 {
            let mut broken = zeros.clone();
            broken[at] = match broken[at] {
                Value::Double(_) => Value::Double(f64::NAN),
                _ => Value::Vector6([f64::INFINITY; 6]),
            };
            assert!(State::from_values(&broken, 1, now).is_none(), "{}", FIELDS[at]);
        }
        assert!(State::from_values(&zeros[1..], 1, now).is_none());
    }

    #[test]
    fn poses_survive_the_rotation_vector() {
        let pose = pose_of([0.1, -0.2, 0.3, 1.2, -0.4, 2.0]);
        let again = pose_of(numbers_of(&pose));
        assert!((pose.to_homogeneous() - again.to_homogeneous()).norm() < 1e-12);
    }
}
