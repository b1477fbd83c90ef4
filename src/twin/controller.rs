//! The controller: one cycle after another, and what may be asked of it in between.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::body::{Body, CYCLE};
use super::cameras::Setting;
use super::clients::{Client, Effect, Rules};
use super::eyes::TwinEyes;
use super::faults::Schedule;
use super::inputs::{Input, Terminals, write};
use super::modes::Modes;
use super::outbox::Outbox;
use super::program::{Arrived, Program};
use super::registers::Registers;
use super::snapshot::Snapshot;
use super::watchers::{Told, Watchers};
use crate::wire::rtde::{Frame, Value};
use crate::wire::{RobotMode, RuntimeState};

/// A virtual arm controller with everything behind it. Its time is the number of its cycles.
pub struct Controller {
    cycles: u64,
    pub(super) modes: Modes,
    pub(super) runtime: RuntimeState,
    pub(super) registers: Registers,
    pub(super) terminals: Terminals,
    pub(super) body: Body,
    pub(super) eyes: TwinEyes,
    pub(super) cameras: Setting,
    pub(super) program: Option<Program>,
    /// Secondary programs, and for how many cycles each has run.
    beside: Vec<(Program, u32)>,
    pub(super) watchdog: Option<Watchdog>,
    clients: Vec<Client>,
    watchers: Watchers,
    pub(super) faults: Schedule,
    pub(super) active: Active,
    snapshot: Snapshot,
    /// What it says it is: `UR5`.
    pub(super) model: String,
    events: VecDeque<Event>,
    teller: Option<Listener>,
    /// Cut every connection: taken up by the servers.
    pub(super) cut: bool,
    pub(super) late: Late,
}

/// Faults that last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Active {
    pub frozen: bool,
    pub refuse: bool,
    /// Of RTDE packages, seconds.
    pub delay: f64,
    pub dropped: bool,
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
/// Most secondary programs at once.
const BESIDE: usize = 8;
/// Cycles after which one is taken for endless.
const LONGEST_BESIDE: u32 = 50;

impl Controller {
    pub fn new(body: Body, eyes: TwinEyes, watchers: Watchers, remote: bool) -> Self {
        let mut controller = Self {
            cycles: 0,
            modes: Modes::ready(remote),
            runtime: RuntimeState::Stopped,
            registers: Registers::default(),
            terminals: Terminals::default(),
            body,
            eyes,
            cameras: Setting::default(),
            program: None,
            beside: Vec::new(),
            watchdog: None,
            clients: Vec::new(),
            watchers,
            faults: Schedule::default(),
            active: Active::default(),
            snapshot: Snapshot::default(),
            model: "UR5".to_owned(),
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
        self.run_beside();
        let powered = self.modes.robot() == RobotMode::Running;
        if let Some(why) = self.body.step(powered) {
            self.say(&format!("motion stopped: {why}"));
            self.protective_stop();
        }
        if let Some(force) = self.body.pressed_too_hard(self.program.is_none()) {
            self.say(&format!("force limit: {force:.0} N against the tool"));
            self.protective_stop();
            // Where it presses, it does not press on.
            self.body.freeze();
        }
        if !self.active.frozen {
            self.snapshot = self.look();
        }
        for client in &mut self.clients {
            client.send(self.cycles, &self.snapshot, self.active.delay, now);
        }
        self.watchers.tell(self.cycles, &self.snapshot);
    }

    /// Lets the connections' writers go: once after each batch of cycles.
    pub fn flush(&self) {
        for client in &self.clients {
            client.flush();
        }
        self.watchers.flush();
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

    /// Takes a program's text, checks it, and runs it instead of whatever ran; a secondary program
    /// beside it. One that is refused changes nothing.
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
        let Arrived { program, is_secondary, stops_at } = match Program::parse(text) {
            Ok(arrived) => arrived,
            Err(why) => return self.say(&format!("program refused: {why}")),
        };
        let name = program.name().to_owned();
        if is_secondary {
            if self.beside.len() == BESIDE {
                return self
                    .say(&format!("program refused: {BESIDE} run beside the main one already"));
            }
            self.say(&format!("program {name} started beside"));
            self.beside.push((program, 0));
            return;
        }
        self.stop_program();
        self.say(&format!("program {name} started"));
        for at in stops_at {
            self.say(&format!("program {name} will stop where it gets there: {at}"));
        }
        self.program = Some(program);
        self.runtime = RuntimeState::Playing;
    }

    pub(super) fn end_secondary_programs(&mut self) {
        self.beside.clear();
    }

    /// Secondary programs, whatever the main one does.
    fn run_beside(&mut self) {
        for (mut program, cycles) in std::mem::take(&mut self.beside) {
            let goes_on = match program.tick_beside(self) {
                Ok(true) if cycles == LONGEST_BESIDE => {
                    Err("a secondary program must end within 0.1 s".to_owned())
                }
                other => other,
            };
            match goes_on {
                Ok(true) => self.beside.push((program, cycles + 1)),
                Ok(false) => {}
                Err(why) => self.say(&format!("program {} stopped: {why}", program.name())),
            }
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
        self.watchers.say(self.now(), what);
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

    /// A client of 30001 to 30003.
    pub fn connect_watcher(&mut self, id: u64, told: Told, outbox: Arc<Outbox>) {
        self.watchers.connect(id, told, outbox, &self.snapshot);
    }

    pub fn disconnect(&mut self, id: u64) {
        self.watchers.disconnect(id);
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
        self.clients.iter().map(Client::lost).sum::<u64>() + self.watchers.lost()
    }

    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }
}
