//! What a program's functions do to the arm: the [`Host`] of the interpreter.
//!
//! Names, arguments and defaults as in UR's script manual for e-Series. Forces and poses are in
//! the base frame.

use std::time::Instant;

use super::asked::{Answer, Asked, done, list, nothing, owner};
use super::controller::{Controller, Watchdog, WatchdogAction};
use super::inputs::Input;
use super::motion::{Known, Motion, beyond_range};
use super::pose::{isometry, vector};
use super::script::{Args, Call, Host, ThreadId, Value};
use crate::arm::Joints;
use crate::wire::{RobotMode, SafetyMode};

impl Host for Controller {
    fn call(&mut self, thread: ThreadId, name: &str, args: Args<'_>) -> Call {
        let call = Asked { thread, args };
        let answer = match name {
            "movej" | "movel" | "movep" => self.moves(name, &call),
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
        let straight = name != "movej";
        let first = if straight { "pose" } else { "q" };
        let goal = call.numbers::<6>(0, first)?;
        let pose = call.is_pose(0, first);
        // `movep` has its blend radius there.
        let lasts = if name == "movep" { 0.0 } else { call.number_or(3, "t", 0.0)?.max(0.0) };
        let target = *self.body.target();
        let known = self.body.known();
        let motion = if straight {
            let (a, v) = (call.positive_or(1, "a", 1.2)?, call.positive_or(2, "v", 0.25)?);
            let joints = Joints::from(goal);
            let to = if pose { isometry(&goal) } else { known.tool(&joints) };
            Motion::line(known.tool(&target), to, a, v, lasts)
        } else {
            let (a, v) = (call.positive_or(1, "a", 1.4)?, call.positive_or(2, "v", 1.05)?);
            let to = joints_of(known, &goal, pose, &target)?;
            Motion::joint(target, to, a, v, lasts)
        };
        let lasts = motion.duration();
        if lasts.is_nan() || lasts > LONGEST {
            return Err(too_long(motion.duration()));
        }
        self.body.start(motion, me);
        Ok(Call::Pending)
    }

    fn stops(&mut self, name: &str, call: &Asked<'_>) -> Answer {
        let me = owner(call.thread);
        let default = if name == "stopl" { 20.0 } else { 10.0 };
        let deceleration = call.positive_or(0, "a", default)?;
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
        let lasts = |t: f64| if t > LONGEST { Err(too_long(t)) } else { Ok(t) };
        let motion = match name {
            "servoj" => {
                let to = call.numbers::<6>(0, "q")?;
                in_range(&to.into())?;
                let t = lasts(call.positive_or(3, "t", 0.002)?)?;
                Motion::servo(to.into(), t, call.number_or(4, "lookahead_time", 0.1)?)
            }
            "speedj" => {
                let wanted = call.numbers::<6>(0, "qd")?;
                let (a, t) = (call.positive_or(1, "a", 1.4)?, lasts(call.lasts_or(2, 0.0)?)?);
                Motion::speed(*self.body.target_speed(), wanted.into(), a, t)
            }
            _ => {
                let wanted = call.numbers::<6>(0, "xd")?;
                let (a, t) = (call.positive_or(1, "a", 1.2)?, lasts(call.lasts_or(2, 0.0)?)?);
                Motion::tool_speed(self.body.tool_target_speed(), wanted.into(), a, t)
            }
        };
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
            "is_within_safety_limits" | "is_within_joint_limits" => self.is_within(name, call),
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

    /// Is there a way for the joints to be there? A list is joints, a pose is the tool's.
    fn is_within(&self, name: &str, call: &Asked<'_>) -> Answer {
        let first = if name == "is_within_joint_limits" { "q" } else { "pose" };
        let goal = call.numbers::<6>(0, first)?;
        let near = match call.args.get(1, "qnear") {
            Some(_) => call.numbers::<6>(1, "qnear")?.into(),
            None => *self.body.target(),
        };
        let joints = joints_of(self.body.known(), &goal, call.is_pose(0, first), &near);
        done(Value::Bool(joints.is_ok()))
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
        let mut text = call.text(0, if name == "popup" { "s" } else { "s1" })?;
        if name == "textmsg" && call.args.get(1, "s2").is_some() {
            text += &call.text(1, "s2")?;
        }
        self.say(&text);
        nothing()
    }
}

/// Longest motion that is begun, seconds at full speed.
const LONGEST: f64 = 3600.0;

fn too_long(seconds: f64) -> String {
    format!("would take {:.1} hours; nothing may take more than one", seconds / 3600.0)
}

/// Joints to go to, within their range.
fn joints_of(
    known: Known<'_>,
    goal: &[f64; 6],
    is_pose: bool,
    near: &Joints,
) -> Result<Joints, String> {
    let joints = if is_pose {
        known.joints(&isometry(goal), near).map_err(|why| why.0)?
    } else {
        Joints::from(*goal)
    };
    in_range(&joints).map(|()| joints)
}

fn in_range(joints: &Joints) -> Result<(), String> {
    beyond_range(joints).map_or(Ok(()), Err)
}
