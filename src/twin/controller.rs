//! The controller: one cycle after another, and what may be asked of it in between.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::body::{Body, CYCLE, Payload};
use super::clients::{Client, Effect, Outbox, Rules};
use super::eyes::TwinEyes;
use super::faults::{Fault, FaultSpec, Schedule};
use super::inputs::{Input, Terminals, write};
use super::modes::{Modes, safety_bits};
use super::pose::vector;
use super::program::Program;
use super::registers::Registers;
use super::snapshot::Snapshot;
use crate::wire::primary::KinematicsInfo;
use crate::wire::rtde::{Frame, Value};
use crate::wire::{RobotMode, RuntimeState, SafetyMode};

/// A virtual arm controller with everything behind it. Its time is the number of its cycles.
pub struct Controller {
    cycles: u64,
    pub(super) modes: Modes,
    pub(super) runtime: RuntimeState,
    pub(super) registers: Registers,
    pub(super) terminals: Terminals,
    pub(super) body: Body,
    pub(super) eyes: TwinEyes,
    pub(super) program: Option<Program>,
    pub(super) watchdog: Option<Watchdog>,
    clients: Vec<Client>,
    faults: Schedule,
    active: Active,
    snapshot: Snapshot,
    calibration: KinematicsInfo,
    events: VecDeque<Event>,
    teller: Option<Listener>,
    /// Cut every connection: taken up by the servers.
    cut: bool,
    pub(super) late: Late,
}

/// Faults that last.
#[derive(Clone, Copy, Debug, Default)]
struct Active {
    frozen: bool,
    refuse: bool,
    delay: f64,
    dropped: bool,
}

/// Reactions that came too late, counted while the twin runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Late {
    /// Cycles that began more than one cycle after their moment.
    pub cycles: u64,
    /// The worst of them, seconds.
    pub worst: f64,
    /// How often the clock was set back because the machine could not follow, or waited for a
    /// client's heartbeat.
    pub slips: u64,
}

/// `rtde_set_watchdog`: this input must be written at least every `period` seconds.
#[derive(Clone, Copy, Debug)]
pub struct Watchdog {
    pub input: Input,
    pub period: f64,
    pub action: WatchdogAction,
    /// When it was last written, in robot time and on the wall.
    pub heard: f64,
    pub heard_at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchdogAction {
    Pause,
    Stop,
}

/// Something that a person at the pendant would read.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Robot time, seconds.
    pub at: f64,
    pub what: String,
}

type Listener = Box<dyn FnMut(&Event)>;

/// Most events kept.
const EVENTS: usize = 1000;

impl Controller {
    pub fn new(body: Body, eyes: TwinEyes, calibration: KinematicsInfo, remote: bool) -> Self {
        let mut controller = Self {
            cycles: 0,
            modes: Modes::ready(remote),
            runtime: RuntimeState::Stopped,
            registers: Registers::default(),
            terminals: Terminals::default(),
            body,
            eyes,
            program: None,
            watchdog: None,
            clients: Vec::new(),
            faults: Schedule::default(),
            active: Active::default(),
            snapshot: Snapshot::default(),
            calibration,
            events: VecDeque::new(),
            teller: None,
            cut: false,
            late: Late::default(),
        };
        controller.snapshot = controller.look();
        controller
    }

    /// Seconds of robot time since it started.
    pub fn now(&self) -> f64 {
        self.cycles as f64 * CYCLE
    }

    pub fn calibration(&self) -> &KinematicsInfo {
        &self.calibration
    }

    /// One control cycle.
    pub fn cycle(&mut self) {
        self.cycles += 1;
        let now = self.now();
        while let Some((fault, begins)) = self.faults.due(now) {
            self.fault(fault, begins);
        }
        self.modes.advance(now);
        self.watch(now);
        self.run_program();
        let powered = self.modes.robot() == RobotMode::Running;
        if let Some(why) = self.body.step(powered) {
            self.say(&format!("motion stopped: {why}"));
            self.protective_stop();
        }
        if !self.active.frozen {
            self.snapshot = self.look();
        }
        for client in &mut self.clients {
            client.send(self.cycles, &self.snapshot, self.active.delay, now);
        }
    }

    /// Lets the connections' writers go: once after each batch of cycles.
    pub fn flush(&self) {
        for client in &self.clients {
            client.flush();
        }
    }

    fn watch(&mut self, now: f64) {
        let Some(dog) = self.watchdog.filter(|dog| now > dog.heard + dog.period) else { return };
        if self.runtime != RuntimeState::Playing {
            return;
        }
        self.say(&format!("watchdog: nothing heard for {:.0} ms", dog.period * 1e3));
        match dog.action {
            WatchdogAction::Pause => self.pause(),
            WatchdogAction::Stop => self.stop_program(),
        }
    }

    /// Has the clock to wait, because the next cycle would end a program whose heart still beats
    /// by the clock on the wall? Faster than life a client has less real time for each beat than
    /// the machine may need.
    pub fn waits_for_heartbeat(&self, wall: Instant) -> bool {
        self.runtime == RuntimeState::Playing
            && self.watchdog.is_some_and(|dog| {
                self.now() + CYCLE > dog.heard + dog.period
                    && wall.duration_since(dog.heard_at).as_secs_f64() < dog.period
            })
    }

    fn run_program(&mut self) {
        if self.runtime != RuntimeState::Playing {
            return;
        }
        let Some(mut program) = self.program.take() else {
            self.runtime = RuntimeState::Stopped;
            return;
        };
        match program.tick(self) {
            // Something it did may have ended it.
            Ok(true) if self.runtime == RuntimeState::Stopped => {}
            Ok(true) => self.program = Some(program),
            Ok(false) => {
                self.say("program ended");
                self.stop_program();
            }
            Err(why) => {
                self.say(&format!("program stopped: {why}"));
                self.stop_program();
            }
        }
    }

    /// Takes a program's text and runs it instead of whatever ran.
    pub fn upload(&mut self, text: &str) {
        if !self.modes.remote_control {
            self.say("program refused: the arm is in local control");
            return;
        }
        if !self.modes.can_move() {
            let (robot, safety) = (self.modes.robot().word(), self.modes.safety().word());
            self.say(&format!("program refused: the arm is {robot}, {safety}"));
            return;
        }
        self.stop_program();
        match Program::parse(text) {
            Ok(program) => {
                self.say(&format!("program {} started", program.name()));
                self.program = Some(program);
                self.runtime = RuntimeState::Playing;
            }
            Err(why) => self.say(&format!("program refused: {why}")),
        }
    }

    /// The program is over; what still moves brakes.
    pub fn stop_program(&mut self) {
        self.program = None;
        self.watchdog = None;
        self.runtime = RuntimeState::Stopped;
        self.body.abandon(None);
    }

    /// The program waits; what moves brakes and goes on later.
    pub fn pause(&mut self) {
        if self.runtime == RuntimeState::Playing {
            self.runtime = RuntimeState::Paused;
            if let Some(motion) = self.body.motion() {
                motion.brake_hard();
            }
        }
    }

    pub fn resume(&mut self) -> bool {
        let may = self.runtime == RuntimeState::Paused && self.modes.can_move();
        if may {
            self.runtime = RuntimeState::Playing;
            let (now, wall) = (self.now(), Instant::now());
            if let Some(dog) = &mut self.watchdog {
                (dog.heard, dog.heard_at) = (now, wall);
            }
            if let Some(motion) = self.body.motion() {
                motion.go_on();
            }
        }
        may
    }

    pub fn protective_stop(&mut self) {
        let now = self.now();
        self.modes.protective_stop(now);
        self.say("protective stop");
        self.stop_program();
    }

    pub fn emergency_stop(&mut self) {
        self.modes.emergency_stop();
        self.say("emergency stop");
        self.stop_program();
    }

    pub fn power_off(&mut self) {
        self.modes.power_off();
        self.stop_program();
    }

    /// Plans a fault from now on.
    pub fn plan(&mut self, spec: FaultSpec) {
        let now = self.now();
        self.faults.add(now, spec);
    }

    fn fault(&mut self, fault: Fault, begins: bool) {
        self.say(&format!("fault {} {fault:?}", if begins { "begins:" } else { "ends:" }));
        match fault {
            Fault::DropConnection => {
                self.active.dropped = begins;
                self.cut |= begins;
            }
            Fault::FreezeTimestamps => self.active.frozen = begins,
            Fault::RefuseRecipe => self.active.refuse = begins,
            Fault::LatePackets { ms } => self.active.delay = if begins { ms / 1e3 } else { 0.0 },
            Fault::SpeedScaling { share } => self.body.scaling = if begins { share } else { 1.0 },
            Fault::GripperJam => self.body.gripper.jammed = begins,
            Fault::LocalControl => self.modes.remote_control = !begins,
            Fault::Reduced => self.modes.reduced(begins),
            Fault::SafeguardStop => self.safeguard(begins),
            Fault::ProtectiveStop if begins => self.protective_stop(),
            Fault::EmergencyStop if begins => self.emergency_stop(),
            Fault::EmergencyStop => self.modes.release_emergency_stop(),
            Fault::LostPlate if begins => self.body.table.lose_plate(),
            Fault::LostPlate => {
                if !self.body.table.put_plate(crate::task::Pose2::IDENTITY) {
                    self.say("the hand is where the plate should be put back");
                }
            }
            // Only a person unlocks it.
            Fault::ProtectiveStop => {}
        }
    }

    /// The door of the cell.
    pub fn safeguard(&mut self, open: bool) {
        self.modes.safeguard(open);
        if open {
            self.pause();
        } else {
            self.resume();
        }
    }

    pub fn say(&mut self, what: &str) {
        if self.events.len() == EVENTS {
            self.events.pop_front();
        }
        let event = Event { at: self.now(), what: what.to_owned() };
        if let Some(tell) = &mut self.teller {
            tell(&event);
        }
        self.events.push_back(event);
        for client in &mut self.clients {
            client.say(what, 3);
        }
    }

    /// Also tells every event from now on to this listener.
    pub fn tell(&mut self, listener: impl FnMut(&Event) + 'static) {
        self.teller = Some(Box::new(listener));
    }

    /// What has happened lately, oldest first.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.iter()
    }

    /// Are connections to be cut now (once), and are new ones refused?
    pub fn cuts(&mut self) -> (bool, bool) {
        (std::mem::take(&mut self.cut), self.active.dropped)
    }

    pub fn connect(&mut self, id: u64, outbox: Arc<Outbox>) {
        self.clients.push(Client::new(id, outbox));
    }

    pub fn disconnect(&mut self, id: u64) {
        if let Some(at) = self.clients.iter().position(|client| client.id == id) {
            self.clients.remove(at).close();
        }
    }

    /// A package from an RTDE client.
    pub fn receive(&mut self, id: u64, frame: &Frame) {
        let Some(at) = self.clients.iter().position(|client| client.id == id) else { return };
        let mut client = self.clients.swap_remove(at);
        let others = &self.clients;
        let in_use = |input| others.iter().any(|other| other.writes(input));
        let rules = Rules { in_use: &in_use, refuse: self.active.refuse };
        let effect = client.receive(frame, &rules);
        self.clients.push(client);
        if let Effect::Write(fields, values) = effect {
            self.written(&fields, &values);
        }
    }

    fn written(&mut self, fields: &[Input], values: &[Value]) {
        let bank = &mut self.registers.input;
        write(fields, values, bank, &mut self.body.slider, &mut self.terminals);
        let now = self.now();
        if let Some(dog) = &mut self.watchdog
            && fields.contains(&dog.input)
        {
            (dog.heard, dog.heard_at) = (now, Instant::now());
        }
    }

    /// Packages that slow clients have lost.
    pub fn lost_packages(&self) -> u64 {
        self.clients.iter().map(Client::lost).sum()
    }

    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn look(&self) -> Snapshot {
        let (body, known) = (&self.body, self.body.known());
        let actual = body.drive().actual();
        let jacobian = super::motion::tool_jacobian(known, actual);
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
