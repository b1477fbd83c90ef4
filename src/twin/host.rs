//! What a program's functions do to the arm: the [`Host`] of the interpreter.
//!
//! Names, arguments and defaults as in UR's script manual for e-Series. Forces and poses are in
//! the base frame.

use std::time::Instant;

use super::controller::{Controller, Watchdog, WatchdogAction};
use super::inputs::Input;
use super::motion::{Known, Motion};
use super::pose::{isometry, vector};
use super::script::{Args, Call, Host, ThreadId, Value};
use crate::arm::Joints;
use crate::wire::{RobotMode, SafetyMode};

impl Host for Controller {
    fn call(&mut self, thread: ThreadId, name: &str, args: Args<'_>) -> Call {
        let call = Asked { thread, args };
        let answer = match name {
            "movej" | "movel" => self.moves(name, &call),
            "stopj" | "stopl" | "servostop" => self.stops(name, &call),
            "servoj" | "speedj" | "speedl" => self.drives(name, &call),
            _ => return self.asks(name, &call),
        };
        answer.unwrap_or_else(Call::Failed)
    }

    fn killed(&mut self, thread: ThreadId) {
        self.body.abandon(owner(thread));
    }
}

/// One call with its arguments.
struct Asked<'a> {
    thread: ThreadId,
    args: Args<'a>,
}

type Answer = Result<Call, String>;

fn owner(thread: ThreadId) -> Option<u64> {
    Some(u64::from(thread.0))
}

fn done(value: Value) -> Answer {
    Ok(Call::Done(value))
}

fn nothing() -> Answer {
    done(Value::None)
}

fn list(numbers: impl IntoIterator<Item = f64>) -> Value {
    Value::List(numbers.into_iter().map(Value::Float).collect())
}

impl Asked<'_> {
    fn number(&self, at: usize, name: &str) -> Result<f64, String> {
        let value = self.args.get(at, name).ok_or_else(|| format!("{name} is missing"))?;
        let number = value.as_f64().filter(|n| n.is_finite());
        number.ok_or_else(|| format!("{name} must be a number, not {}", value.kind()))
    }

    fn number_or(&self, at: usize, name: &str, default: f64) -> Result<f64, String> {
        if self.args.get(at, name).is_none() { Ok(default) } else { self.number(at, name) }
    }

    fn index(&self, at: usize, name: &str, count: usize) -> Result<usize, String> {
        let number = self.number(at, name)?;
        let whole = (number.fract() == 0.0 && number >= 0.0).then_some(number as usize);
        whole
            .filter(|index| *index < count)
            .ok_or_else(|| format!("{name} must be from 0 to {}", count - 1))
    }

    fn numbers<const N: usize>(&self, at: usize, name: &str) -> Result<[f64; N], String> {
        let value = self.args.get(at, name).ok_or_else(|| format!("{name} is missing"))?;
        let numbers = match value {
            Value::Pose(pose) => Some(pose.to_vec()),
            other => other.as_numbers(),
        };
        let numbers = numbers.and_then(|n| <[f64; N]>::try_from(n).ok());
        let finite = numbers.filter(|n| n.iter().all(|x| x.is_finite()));
        finite.ok_or_else(|| format!("{name} must be {N} numbers, not {}", value.kind()))
    }

    fn text(&self, at: usize, name: &str) -> Result<String, String> {
        match self.args.get(at, name) {
            Some(Value::Str(text)) => Ok(text.clone()),
            Some(other) => Ok(other.to_string()),
            None => Err(format!("{name} is missing")),
        }
    }

    fn flag(&self, at: usize, name: &str) -> Result<bool, String> {
        match self.args.get(at, name) {
            Some(Value::Bool(on)) => Ok(*on),
            Some(other) => Err(format!("{name} must be a bool, not {}", other.kind())),
            None => Err(format!("{name} is missing")),
        }
    }

    fn is_pose(&self, at: usize, name: &str) -> bool {
        matches!(self.args.get(at, name), Some(Value::Pose(_)))
    }
}

impl Controller {
    /// Waits for this thread's motion, or begins it.
    fn moves(&mut self, name: &str, call: &Asked<'_>) -> Answer {
        let me = owner(call.thread);
        if self.body.moves_for(me) {
            let over = self.body.motion().is_some_and(|m| m.is_done());
            if !over {
                return Ok(Call::Pending);
            }
            self.body.release(me);
            return nothing();
        }
        let first = if name == "movel" { "pose" } else { "q" };
        let goal = call.numbers::<6>(0, first)?;
        let pose = call.is_pose(0, first);
        let lasts = call.number_or(3, "t", 0.0)?.max(0.0);
        let target = *self.body.target();
        let known = self.body.known();
        let motion = if name == "movel" {
            let (a, v) = (call.number_or(1, "a", 1.2)?, call.number_or(2, "v", 0.25)?);
            let joints = Joints::from(goal);
            let to = if pose { isometry(&goal) } else { known.tool(&joints) };
            Motion::line(known.tool(&target), to, a, v, lasts)
        } else {
            let (a, v) = (call.number_or(1, "a", 1.4)?, call.number_or(2, "v", 1.05)?);
            let to = joints_of(known, &goal, pose, &target)?;
            Motion::joint(target, to, a, v, lasts)
        };
        self.body.start(motion, me);
        Ok(Call::Pending)
    }

    fn stops(&mut self, name: &str, call: &Asked<'_>) -> Answer {
        let me = owner(call.thread);
        let default = if name == "stopl" { 20.0 } else { 10.0 };
        let deceleration = call.number_or(0, "a", default)?.max(0.01);
        let mine = self.body.moves_for(me);
        let Some(motion) = self.body.motion() else { return nothing() };
        if motion.rests() || motion.is_done() {
            self.body.clear();
            return nothing();
        }
        if !mine || !motion.is_braking() {
            let seconds = motion.pace() / deceleration;
            motion.brake(seconds);
            self.body.adopt(me);
        }
        Ok(Call::Pending)
    }

    /// Motions that go on after their command has returned.
    fn drives(&mut self, name: &str, call: &Asked<'_>) -> Answer {
        let me = owner(call.thread);
        if self.body.moves_for(me) {
            let over = self.body.motion().is_some_and(|m| m.is_done());
            if over {
                self.body.release(me);
                return nothing();
            }
            return Ok(Call::Pending);
        }
        let target = *self.body.target();
        let motion = match name {
            "servoj" => {
                let to = call.numbers::<6>(0, "q")?;
                let lasts = call.number_or(3, "t", 0.002)?;
                Motion::servo(to.into(), lasts, call.number_or(4, "lookahead_time", 0.1)?)
            }
            "speedj" => {
                let wanted = call.numbers::<6>(0, "qd")?;
                let (a, t) = (call.number_or(1, "a", 1.4)?, call.number_or(2, "t", 0.0)?);
                Motion::speed(*self.body.target_speed(), wanted.into(), a, t)
            }
            _ => {
                let wanted = call.numbers::<6>(0, "xd")?;
                let (a, t) = (call.number_or(1, "a", 1.2)?, call.number_or(2, "t", 0.0)?);
                Motion::tool_speed(self.body.tool_target_speed(), wanted.into(), a, t)
            }
        };
        let _ = target;
        self.body.start(motion, me);
        Ok(Call::Pending)
    }

    /// Everything that takes no time.
    fn asks(&mut self, name: &str, call: &Asked<'_>) -> Call {
        let answer = match name {
            "set_tcp" => call.numbers::<6>(0, "pose").and_then(|pose| {
                self.body.set_tcp(isometry(&pose));
                nothing()
            }),
            "get_tcp_offset" => done(Value::Pose(vector(self.body.tcp()))),
            "set_payload" | "set_target_payload" | "set_payload_mass" | "set_payload_cog" => {
                self.set_payload(name, call)
            }
            "get_target_payload" => done(Value::Float(self.body.payload.kg)),
            "get_target_payload_cog" => done(list(self.body.payload.cog)),
            "get_target_payload_inertia" => done(list(self.body.payload.inertia)),
            "zero_ftsensor" => {
                self.body.zero_force();
                nothing()
            }
            "get_tcp_force" => {
                let force = self.body.force();
                done(list([force.x, force.y, force.z, 0.0, 0.0, 0.0]))
            }
            "force" => done(Value::Float(self.body.force().norm())),
            "get_actual_tcp_pose" => done(Value::Pose(self.snapshot().actual_pose)),
            "get_actual_tool_flange_pose" => {
                done(Value::Pose(vector(&self.body.own().forward(self.body.drive().actual()))))
            }
            "get_target_tcp_pose" | "get_target_waypoint" => {
                let pose = vector(&self.body.known().tool(self.body.target()));
                done(Value::Pose(pose))
            }
            "get_actual_tcp_speed" => done(list(self.snapshot().actual_tool_speed)),
            "get_target_tcp_speed" => done(list(self.snapshot().target_tool_speed)),
            "get_actual_joint_positions" | "get_actual_joint_positions_history" => {
                done(list(self.body.drive().actual().iter().copied()))
            }
            "get_target_joint_positions" => done(list(self.body.target().iter().copied())),
            "get_actual_joint_speeds" => done(list(self.body.drive().speed().iter().copied())),
            "get_target_joint_speeds" => done(list(self.body.target_speed().iter().copied())),
            "get_joint_torques" => done(list([0.0; 6])),
            "get_forward_kin" | "get_inverse_kin" | "get_inverse_kin_has_solution" => {
                self.kinematics(name, call)
            }
            "is_within_safety_limits" | "is_within_joint_limits" => done(Value::Bool(true)),
            "is_steady" => {
                done(Value::Bool(!self.body.is_moving() && self.body.drive().speed().amax() < 1e-6))
            }
            "rtde_set_watchdog" => self.set_watchdog(call),
            "textmsg" | "popup" => self.message(name, call),
            "protective_stop" => {
                self.protective_stop();
                nothing()
            }
            "get_steptime" => done(Value::Float(super::body::CYCLE)),
            "get_robot_mode" => done(Value::Int(self.modes.robot().number())),
            "get_safety_mode" => done(Value::Int(self.modes.safety().number())),
            "is_robot_running" => done(Value::Bool(self.modes.robot() == RobotMode::Running)),
            "is_safety_normal" => done(Value::Bool(self.modes.safety() == SafetyMode::Normal)),
            _ if name.starts_with("read_") || name.starts_with("write_") => {
                self.register(name, call)
            }
            _ => self.terminal(name, call),
        };
        answer.unwrap_or_else(Call::Failed)
    }

    fn set_payload(&mut self, name: &str, call: &Asked<'_>) -> Answer {
        let payload = &mut self.body.payload;
        if name == "set_payload_cog" {
            payload.cog = call.numbers::<3>(0, "cog")?;
            return nothing();
        }
        let kg = call.number(0, "m")?;
        if !(0.0..=7.5).contains(&kg) {
            return Err(format!("a payload of {kg} kg is more than this arm can carry"));
        }
        payload.kg = kg;
        if call.args.get(1, "cog").is_some() {
            payload.cog = call.numbers::<3>(1, "cog")?;
        }
        if call.args.get(2, "inertia").is_some() {
            payload.inertia = call.numbers::<6>(2, "inertia")?;
        }
        nothing()
    }

    fn kinematics(&self, name: &str, call: &Asked<'_>) -> Answer {
        let tcp = match call.args.get(if name == "get_forward_kin" { 1 } else { 4 }, "tcp") {
            Some(Value::Pose(pose)) => isometry(pose),
            _ => *self.body.tcp(),
        };
        let known = Known { kinematics: self.body.own(), flange_from_tool: &tcp };
        let actual = *self.body.drive().actual();
        if name == "get_forward_kin" {
            let given = call.args.get(0, "q").is_some();
            let joints = if given { call.numbers::<6>(0, "q")?.into() } else { actual };
            return done(Value::Pose(vector(&known.tool(&joints))));
        }
        let pose = isometry(&call.numbers::<6>(0, "x")?);
        let given = call.args.get(1, "qnear").is_some();
        let near = if given { call.numbers::<6>(1, "qnear")?.into() } else { actual };
        let joints = known.joints(&pose, &near);
        if name == "get_inverse_kin_has_solution" {
            return done(Value::Bool(joints.is_ok()));
        }
        done(list(joints.map_err(|why| why.0)?.iter().copied()))
    }

    /// `rtde_set_watchdog(variable, min_hz, action)`: armed from this moment on.
    fn set_watchdog(&mut self, call: &Asked<'_>) -> Answer {
        let variable = call.text(0, "variable_name")?;
        let hz = call.number(1, "min_frequency")?;
        let action = match call.args.get(2, "action") {
            None => "pause".to_owned(),
            Some(_) => call.text(2, "action")?,
        };
        let input = Input::of(&variable).ok_or_else(|| format!("{variable} is not an input"))?;
        let action = match action.to_ascii_lowercase().as_str() {
            "ignore" => None,
            "pause" => Some(WatchdogAction::Pause),
            "stop" => Some(WatchdogAction::Stop),
            other => return Err(format!("{other} is not ignore, pause or stop")),
        };
        let (heard, heard_at) = (self.now(), Instant::now());
        self.watchdog = action.filter(|_| hz > 0.0).map(|action| Watchdog {
            input,
            period: 1.0 / hz,
            action,
            heard,
            heard_at,
        });
        nothing()
    }

    fn message(&mut self, name: &str, call: &Asked<'_>) -> Answer {
        let mut text = call.text(0, "s1")?;
        if name == "textmsg" && call.args.get(1, "s2").is_some() {
            text += &call.text(1, "s2")?;
        }
        self.say(&text);
        nothing()
    }

    fn register(&mut self, name: &str, call: &Asked<'_>) -> Answer {
        let input = name.contains("_input_");
        let bank = if input { &mut self.registers.input } else { &mut self.registers.output };
        let (ints, bits) = (super::registers::Bank::NUMBERS, super::registers::Bank::BITS);
        match name {
            "read_input_integer_register" | "read_output_integer_register" => {
                done(Value::Int(bank.ints[call.index(0, "address", ints)?]))
            }
            "read_input_float_register" | "read_output_float_register" => {
                done(Value::Float(bank.doubles[call.index(0, "address", ints)?]))
            }
            "read_input_boolean_register" | "read_output_boolean_register" => {
                done(Value::Bool(bank.bit(call.index(0, "address", bits)?)))
            }
            "write_output_integer_register" => {
                let number = call.number(1, "value")?;
                // A float is cut, as the manual's integer registers do; too large ones stay at the end.
                bank.ints[call.index(0, "address", ints)?] = number as i32;
                nothing()
            }
            "write_output_float_register" => {
                bank.doubles[call.index(0, "address", ints)?] = call.number(1, "value")?;
                nothing()
            }
            "write_output_boolean_register" => {
                bank.set_bit(call.index(0, "address", bits)?, call.flag(1, "value")?);
                nothing()
            }
            _ => Ok(Call::Unknown),
        }
    }

    /// Inputs and outputs on the terminals, and settings that nothing here has a model for.
    fn terminal(&mut self, name: &str, call: &Asked<'_>) -> Answer {
        let output = |first: u64, count: usize| -> Result<u64, String> {
            Ok(1 << (first + call.index(0, "n", count)? as u64))
        };
        let bit = match name {
            "set_standard_digital_out"
            | "set_digital_out"
            | "get_standard_digital_out"
            | "get_digital_out" => output(0, 8)?,
            "set_configurable_digital_out" | "get_configurable_digital_out" => output(8, 8)?,
            "set_tool_digital_out" | "get_tool_digital_out" => output(16, 2)?,
            "get_standard_digital_in"
            | "get_digital_in"
            | "get_configurable_digital_in"
            | "get_tool_digital_in" => return done(Value::Bool(false)),
            "set_standard_analog_out" | "set_analog_out" => {
                let at = call.index(0, "n", 2)?;
                self.terminals.analog[at] = call.number(1, "f")?;
                return nothing();
            }
            "get_standard_analog_in" | "get_analog_in" => return done(Value::Float(0.0)),
            "set_gravity"
            | "set_tool_voltage"
            | "set_tool_communication"
            | "set_standard_analog_input_domain"
            | "set_tool_analog_input_domain"
            | "set_analog_outputdomain"
            | "reset_revolution_counter"
            | "force_mode_set_gain_scaling"
            | "force_mode_set_damping"
            | "end_force_mode"
            | "end_freedrive_mode"
            | "end_teach_mode" => return nothing(),
            "get_freedrive_status" => return done(Value::Int(0)),
            _ => return Ok(Call::Unknown),
        };
        if name.starts_with("get_") {
            return done(Value::Bool(self.terminals.digital & bit != 0));
        }
        let on = call.flag(1, "b")?;
        let digital = &mut self.terminals.digital;
        *digital = if on { *digital | bit } else { *digital & !bit };
        nothing()
    }
}

fn joints_of(
    known: Known<'_>,
    goal: &[f64; 6],
    is_pose: bool,
    near: &Joints,
) -> Result<Joints, String> {
    if is_pose {
        return known.joints(&isometry(goal), near).map_err(|why| why.0);
    }
    Ok(Joints::from(*goal))
}
