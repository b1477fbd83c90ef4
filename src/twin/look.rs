//! The state of a cycle as RTDE tells it.

use super::body::Payload;
use super::controller::Controller;
use super::modes::safety_bits;
use super::motion::tool_jacobian;
use super::pose::vector;
use super::snapshot::Snapshot;
use crate::wire::{RobotMode, RuntimeState, SafetyMode};

impl Controller {
    /// As it is now.
    pub(super) fn look(&self) -> Snapshot {
        let (body, known) = (&self.body, self.body.known());
        let actual = body.drive().actual();
        let jacobian = tool_jacobian(known, actual);
        let force = body.force();
        let links = body.own().base_from_links(actual);
        let Payload { kg, cog, inertia } = body.payload;
        let program = self.runtime == RuntimeState::Playing;
        let power = !matches!(self.modes.robot(), RobotMode::PowerOff | RobotMode::PowerOn);
        let protective = self.modes.safety() == SafetyMode::ProtectiveStop;
        Snapshot {
            timestamp: self.now(),
            target_q: (*body.target()).into(),
            target_qd: (*body.target_speed()).into(),
            actual_q: (*actual).into(),
            actual_qd: (*body.drive().speed()).into(),
            actual_pose: vector(&known.tool(actual)),
            actual_tool_speed: (jacobian * body.drive().speed()).into(),
            target_pose: vector(&known.tool(body.target())),
            target_tool_speed: body.tool_target_speed().into(),
            force: [force.x, force.y, force.z, 0.0, 0.0, 0.0],
            elbow: links[2].translation.vector.into(),
            robot_mode: self.modes.robot().number(),
            // RUNNING or IDLE of the joints.
            joint_mode: if self.modes.robot() == RobotMode::Running { 253 } else { 255 },
            safety_mode: self.modes.safety().number(),
            runtime_state: self.runtime.number() as u32,
            robot_bits: u32::from(power) | u32::from(program) << 1,
            safety_bits: safety_bits(self.modes.safety()),
            speed_scaling: if protective { 0.0 } else { body.scaling * body.slider },
            slider: body.slider,
            digital_in: 0,
            digital_out: self.terminals.digital,
            analog_out: self.terminals.analog,
            payload: kg,
            payload_cog: cog,
            payload_inertia: inertia,
            tcp: vector(body.tcp()),
            registers: self.registers.clone(),
        }
    }
}
