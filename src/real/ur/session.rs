use std::collections::VecDeque;
use std::time::{Duration, Instant};

use nalgebra::Isometry3;

use super::modes::forbidden;
use super::program::{END, MOVE, Program, REACHED, RESISTED};
use super::state::numbers_of;
use super::{Dashboard, Registers, Rtde, State};
use crate::cell::DeviceError;
use crate::config::RealSpec;
use crate::real::driver::{ArmState, Driver, Ended, Order, Watching};
use crate::real::link::PATIENCE;
use crate::real::since::Since;
use crate::real::{Fault, Limits};
use crate::wire::RuntimeState;

/// A session with a controller: it moves only through here, and after the first fault it does not
/// move again.
#[derive(Debug)]
pub struct Session {
    rtde: Rtde,
    dashboard: Dashboard,
    spec: RealSpec,
    program: Program,
    limits: Limits,
    /// The program is known to run.
    running: bool,
    number: i32,
    beat: i32,
    /// What ended the session.
    broken: Option<String>,
    oldest_ms: f64,
    reactions: Vec<f64>,
}

/// A tool that moves less than this, mm, within so many seconds of the controller, does not move.
const CREEP_MM: f64 = 0.1;
const STALLED_S: f64 = 5.0;
/// The program must take a command up within this, and the arm come to rest, seconds.
const PROMPT_S: f64 = 1.0;
/// A joint that turns faster than this, rad/s, has begun to move.
const TURNS: f64 = 1e-4;
/// More force than allowed, in so many states in a row, is not noise.
const STRIKES: u32 = 3;

impl Session {
    /// Connects. Nothing is uploaded, written or moved before the first order.
    pub fn connect(spec: &RealSpec, program: Program, limits: Limits) -> Result<Self, DeviceError> {
        let dashboard = Dashboard::connect(&spec.host, spec.dashboard_port)?;
        let rtde = Rtde::connect(&spec.host, spec.rtde_port)?;
        rtde.state()?;
        Ok(Self {
            rtde,
            dashboard,
            spec: spec.clone(),
            program,
            limits,
            running: false,
            number: 0,
            beat: 0,
            broken: None,
            oldest_ms: 0.0,
            reactions: Vec::new(),
        })
    }

    /// A state that is newer than this call.
    fn newest_state(&self) -> Result<State, DeviceError> {
        let seen = self.rtde.state().map_err(gone)?.number;
        self.rtde.next(seen, PATIENCE).map_err(gone)
    }

    /// Takes the command back, whatever became of it, and shows the watchdog nothing more. If this
    /// does not arrive, the watchdog stops the arm.
    fn call_off(&mut self) {
        let _ = self.rtde.heartbeat(self.beat, self.number);
    }

    /// Asked before each motion: remote control, RUNNING, NORMAL, and our program in charge. The
    /// state that says so.
    fn prepare(&mut self) -> Result<State, DeviceError> {
        if !self.dashboard.is_in_remote_control()? {
            return Err(Fault::LocalControl.into());
        }
        if !self.running {
            self.start()?;
        }
        let state = self.current()?;
        match self.program_ended(&state) {
            Some(fault) => Err(fault.into()),
            None => Ok(state),
        }
    }

    /// A state that answers a heartbeat written just now, by a clock that goes: packages may have
    /// queued up while nobody looked.
    fn current(&mut self) -> Result<State, DeviceError> {
        let mut seen = self.rtde.state()?;
        let clock = seen.timestamp;
        self.beat = self.beat.wrapping_add(1);
        self.rtde.heartbeat(self.beat, 0)?;
        let asked = Instant::now();
        loop {
            seen = self.fresh_state(seen.number)?;
            if let Some(fault) = self.forbids(&seen) {
                return Err(fault.into());
            }
            if seen.heartbeat == self.beat && seen.timestamp > clock {
                return Ok(seen);
            }
            if asked.elapsed() > self.stale() {
                let ms = asked.elapsed().as_millis();
                let what = format!("a heartbeat is not answered, or the clock stands, for {ms} ms");
                return Err(Fault::StaleState(what).into());
            }
        }
    }

    fn forbids(&self, state: &State) -> Option<Fault> {
        forbidden(state.robot_mode, state.safety_mode, self.spec.allow_reduced)
    }

    fn program_ended(&self, state: &State) -> Option<Fault> {
        let playing = state.runtime_state == RuntimeState::Playing.number() as u32;
        if playing && state.program.session == self.program.session {
            return None;
        }
        let paused = [RuntimeState::Pausing, RuntimeState::Paused];
        let is_paused = paused.iter().any(|s| s.number() as u32 == state.runtime_state);
        Some(if is_paused { Fault::Paused } else { Fault::ProgramEnded })
    }

    /// Uploads the program, and believes that it runs once it says so itself.
    fn start(&mut self) -> Result<(), DeviceError> {
        // Registers and program come over two connections, in either order: the program must not
        // begin with the last command of the session before.
        self.beat = self.program.session;
        self.rtde.command(&Registers::default())?;
        self.rtde.heartbeat(self.beat, 0)?;
        self.await_state(|state| state.heartbeat == self.beat)?;
        let _connection = self.program.upload(&self.spec.host, self.spec.script_port)?;
        let state = self.await_state(|state| state.program.session == self.program.session)?;
        self.running = true;
        self.check_settings(&state)
    }

    /// Waits for the controller to show what it was told.
    fn await_state(&self, shows: impl Fn(&State) -> bool) -> Result<State, DeviceError> {
        let end = Instant::now() + PATIENCE;
        loop {
            let state = self.newest_state()?;
            if let Some(fault) = self.forbids(&state) {
                return Err(fault.into());
            }
            if shows(&state) {
                return Ok(state);
            }
            if Instant::now() > end {
                return Err(Fault::NotTakenUp.into());
            }
        }
    }

    /// TCP and payload as the controller has them now are those of the robot file.
    fn check_settings(&self, state: &State) -> Result<(), DeviceError> {
        let wrong = |what: String| Err(Fault::WrongSettings(what).into());
        let kg = self.program.mounted.payload_kg;
        if (state.payload_kg - kg).abs() > 1e-3 {
            return wrong(format!("payload reads {:.3} kg, not {kg} kg", state.payload_kg));
        }
        if let Some(flange_from_tool) = &state.flange_from_tool {
            let off = self.program.mounted.flange_from_tool.inverse() * flange_from_tool;
            if off.translation.vector.norm() > 1e-5 || off.rotation.angle() > 1e-4 {
                let mm = off.translation.vector.norm() * 1e3;
                return wrong(format!("the TCP is {mm:.2} mm from the file's"));
            }
        }
        Ok(())
    }

    fn run(
        &mut self,
        order: &Order<'_>,
        began: &State,
        watch: &mut Watching<'_>,
    ) -> Result<Ended, DeviceError> {
        self.number += 1;
        self.rtde.command(&Registers {
            number: self.number,
            action: MOVE,
            target: numbers_of(&order.base_from_tool),
            speed: order.speed,
            acceleration: order.acceleration,
            guard: order.guard,
        })?;
        let mut vigil = Vigil::new(began);
        let mut cancelled: Option<DeviceError> = None;
        let mut seen = began.number;
        let mut turns = false;
        let last = loop {
            let state = self.fresh_state(seen)?;
            seen = state.number;
            if !turns && state.joint_speeds.amax() > TURNS {
                turns = true;
                self.reactions.push(state.timestamp - began.timestamp);
            }
            self.beat = self.beat.wrapping_add(1);
            let cancel = if cancelled.is_some() { self.number } else { 0 };
            let age = vigil.age(&state);
            self.oldest_ms = self.oldest_ms.max(age.as_secs_f64() * 1e3);
            if age > self.stale() {
                let what = format!("nobody saw the arm for {:.0} ms", age.as_secs_f64() * 1e3);
                return Err(Fault::StaleState(what).into());
            }
            self.rtde.heartbeat(self.beat, cancel)?;
            vigil.sent(self.beat);
            if let Some(fault) = self.forbids(&state) {
                return Err(fault.into());
            }
            if state.program.finished == self.number {
                break state;
            }
            if let Some(fault) = self.program_ended(&state) {
                return Err(fault.into());
            }
            if let Some(fault) = vigil.stalled(&state, self.number) {
                return Err(fault.into());
            }
            if cancelled.is_none() {
                cancelled = self.reason_to_cancel(&state, order, &mut vigil, watch);
            }
        };
        match (cancelled, last.program.result) {
            (Some(why), _) => self.rest(seen, None).and(Err(why)),
            (None, REACHED) => self.rest(seen, Some(order)).map(|()| Ended::Reached),
            (None, RESISTED) => self.rest(seen, None).map(|()| Ended::Resisted),
            (None, _) => Err(Fault::ProgramEnded.into()),
        }
    }

    fn reason_to_cancel(
        &self,
        state: &State,
        order: &Order<'_>,
        vigil: &mut Vigil,
        watch: &mut Watching<'_>,
    ) -> Option<DeviceError> {
        if let Some(fault) = self.limits.left(&state.arm(), order.segment) {
            return Some(fault.into());
        }
        if vigil.resisted(state, self.limits.force_n) {
            let (force_n, during) = (state.tool_force, order.segment.name);
            return Some(Fault::Resisted { force_n, during }.into());
        }
        watch(&state.arm()).is_break().then_some(DeviceError::Cancelled)
    }

    /// Waits until the arm stands, and where an order was to be reached, is there.
    fn rest(&self, mut seen: u64, order: Option<&Order<'_>>) -> Result<(), DeviceError> {
        let began = Since::new(self.rtde.state()?.timestamp);
        loop {
            let state = self.fresh_state(seen)?;
            seen = state.number;
            let (off_mm, off_deg) = order.map_or((0.0, 0.0), |o| off(o, &state));
            let there = off_mm <= self.spec.reached_mm && off_deg <= self.spec.reached_deg;
            if state.arm().is_still() && there {
                return Ok(());
            }
            if began.is_past(state.timestamp, PROMPT_S) {
                return Err(Fault::NotReached { off_mm, off_deg }.into());
            }
        }
    }

    /// The next state, no older than a motion may be watched by.
    fn fresh_state(&self, seen: u64) -> Result<State, DeviceError> {
        self.rtde.next(seen, self.stale()).map_err(|error| {
            if self.rtde.is_connected() {
                Fault::StaleState(error.to_string()).into()
            } else {
                lost(&error)
            }
        })
    }

    fn stale(&self) -> Duration {
        Duration::from_secs_f64(self.spec.stale_ms / 1e3)
    }
}

impl Driver for Session {
    fn newest(&self) -> Result<ArmState, DeviceError> {
        Ok(self.newest_state()?.arm())
    }

    fn newest_allowed(&self) -> Result<ArmState, DeviceError> {
        let state = self.newest_state()?;
        self.forbids(&state).map_or(Ok(state.arm()), |fault| Err(fault.into()))
    }

    fn now(&self) -> Option<f64> {
        self.rtde.state().ok().map(|state| state.timestamp)
    }

    fn take_peak_force(&self) -> f64 {
        self.rtde.take_peak_force()
    }

    fn gaps(&self) -> u64 {
        self.rtde.gaps()
    }

    fn oldest_ms(&self) -> f64 {
        self.oldest_ms
    }

    fn reactions(&self) -> &[f64] {
        &self.reactions
    }

    fn end(&mut self, why: &DeviceError) {
        if self.broken.is_some() {
            return;
        }
        self.broken = Some(why.to_string());
        if self.running {
            // A program that a guard has paused would go on when the guard is closed.
            let _ = self.dashboard.stop_program();
        }
    }

    fn go(&mut self, order: &Order<'_>, watch: &mut Watching<'_>) -> Result<Ended, DeviceError> {
        if let Some(why) = &self.broken {
            let what = format!("the session ended before ({why}): connect again");
            return Err(DeviceError::Fault { device: "arm", what });
        }
        let began = self.prepare();
        let ended = began.and_then(|began| {
            let ended = self.run(order, &began, watch);
            if ended.is_err() {
                self.call_off();
            }
            ended
        });
        let ended = ended.map_err(gone);
        match &ended {
            // Cancelled: the arm stands, the program runs on, and may be ordered again.
            Ok(_) | Err(DeviceError::Cancelled) => {}
            Err(error) => self.end(error),
        }
        ended
    }
}

impl Drop for Session {
    /// Ends our program where it still waits for commands.
    fn drop(&mut self) {
        if self.running && self.broken.is_none() {
            let end = Registers { number: self.number + 1, action: END, ..Registers::default() };
            let _ = self.rtde.command(&end);
        }
    }
}

/// What one motion is watched by.
struct Vigil {
    /// When the loop that watches last came round.
    looked: Instant,
    /// Heartbeats that the controller has not yet echoed, and when they were sent.
    unheard: VecDeque<(i32, Instant)>,
    began: Since,
    /// When and where the tool was last seen to have moved.
    moved: (Since, Isometry3<f64>),
    strikes: u32,
}

impl Vigil {
    fn new(state: &State) -> Self {
        let moved = (Since::new(state.timestamp), state.base_from_tool);
        let (looked, began) = (Instant::now(), Since::new(state.timestamp));
        Self { looked, unheard: VecDeque::new(), began, moved, strikes: 0 }
    }

    /// For how long the motion may have gone unseen: for how long the controller's clock has stood,
    /// a heartbeat has gone without its echo, or nobody has asked, whichever is longest. A loop
    /// that was held up finds a new state and an old echo when it comes back.
    fn age(&mut self, state: &State) -> Duration {
        let now = Instant::now();
        let unwatched = now.duration_since(std::mem::replace(&mut self.looked, now));
        let clock = now.duration_since(state.advanced);
        let echoed = self.unheard.iter().position(|(beat, _)| *beat == state.heartbeat);
        if let Some(at) = echoed {
            self.unheard.drain(..=at);
        }
        let echo = self.unheard.front().map_or(Duration::ZERO, |(_, at)| now.duration_since(*at));
        clock.max(echo).max(unwatched)
    }

    fn sent(&mut self, beat: i32) {
        self.unheard.push_back((beat, Instant::now()));
    }

    fn stalled(&mut self, state: &State, number: i32) -> Option<Fault> {
        if state.program.taken_up != number {
            return self.began.is_past(state.timestamp, PROMPT_S).then_some(Fault::NotTakenUp);
        }
        let off = self.moved.1.inverse() * state.base_from_tool;
        if off.translation.vector.norm() * 1e3 > CREEP_MM || off.rotation.angle() > 1e-3 {
            self.moved = (Since::new(state.timestamp), state.base_from_tool);
        }
        self.moved.0.is_past(state.timestamp, STALLED_S).then_some(Fault::Paused)
    }

    fn resisted(&mut self, state: &State, most: f64) -> bool {
        self.strikes = if state.tool_force > most { self.strikes + 1 } else { 0 };
        self.strikes >= STRIKES
    }
}

fn off(order: &Order<'_>, state: &State) -> (f64, f64) {
    let off = order.base_from_tool.inverse() * state.base_from_tool;
    (off.translation.vector.norm() * 1e3, off.rotation.angle().to_degrees())
}

/// A device that does not answer has been lost, whatever it was asked.
fn gone(error: DeviceError) -> DeviceError {
    match error {
        DeviceError::Fault { .. } => lost(&error),
        other => other,
    }
}

fn lost(error: &DeviceError) -> DeviceError {
    Fault::ConnectionLost(error.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::real::ur::state::FIELDS;
    use crate::wire::rtde::output;

    /// The threads of a driver that was held up race: only one of them gets to say so.
    #[test]
    fn a_loop_that_was_held_up_has_not_seen_the_arm_however_new_the_state_is() {
        let zeros: Vec<_> = FIELDS.iter().map(|name| output(name).unwrap().zero()).collect();
        let new = || State::from_values(&zeros, 1, Instant::now()).unwrap();
        let held_up = Duration::from_secs(30);
        let mut vigil = Vigil::new(&new());
        vigil.looked = Instant::now().checked_sub(held_up).unwrap();
        assert!(vigil.age(&new()) >= held_up);
        assert!(vigil.age(&new()) < held_up, "it looks again");
        vigil.unheard.push_back((7, Instant::now().checked_sub(held_up).unwrap()));
        assert!(vigil.age(&new()) >= held_up, "a heartbeat without its echo");
        assert!(vigil.age(&State { heartbeat: 7, ..new() }) < held_up);
        let stood = Instant::now().checked_sub(held_up).unwrap();
        assert!(vigil.age(&State { advanced: stood, ..new() }) >= held_up, "a clock that stands");
    }
}
