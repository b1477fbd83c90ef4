//! The machine: threads that take turns within a control cycle of 2 ms.
//!
//! As the manual has it: each thread runs until it needs robot time (a move, `sleep`, `sync`), waits
//! for another thread, or has used up its slice of the cycle. In a critical section no other thread
//! runs, unless a function that takes robot time stands in it.

use super::code::Program;
use super::exec::{self, Event};
use super::{ScriptError, Value, limits};

/// Length of a control cycle of an e-Series controller, s.
const CYCLE_S: f64 = 0.002;
/// Instructions of all threads in one cycle; who is left over begins the next one.
const INSTRUCTIONS_PER_CYCLE: usize = 10 * limits::INSTRUCTIONS_PER_CYCLE;

/// What a program's functions beyond the language do: move, read and write registers, and so on.
pub trait Host {
    /// A thread calls a function. After [`Call::Pending`] the same call is made again in the next
    /// cycle, and in each one, until it is done; a thread has one call under way at most.
    fn call(&mut self, thread: ThreadId, name: &str, args: Args<'_>) -> Call;

    /// A thread was killed, or the program ended with it: whatever it had under way is void.
    fn killed(&mut self, thread: ThreadId);
}

/// The answer to a [`Host::call`].
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    Done(Value),
    /// Takes robot time: ask again in the next cycle.
    Pending,
    /// There is no such function.
    Unknown,
    /// It cannot be done; the program stops with this message.
    Failed(String),
}

/// A thread of a run; the program's own is number 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(pub u32);

/// Arguments of a call: some by position, then some by name.
#[derive(Debug, Clone, Copy)]
pub struct Args<'a> {
    pub positional: &'a [Value],
    pub(super) names: &'a [String],
    pub(super) named: &'a [Value],
}

impl<'a> Args<'a> {
    /// The argument that stands at this position, or has this name.
    pub fn get(&self, position: usize, name: &str) -> Option<&'a Value> {
        let by_name = || self.named().find(|(given, _)| *given == name).map(|(_, value)| value);
        self.positional.get(position).or_else(by_name)
    }

    pub fn named(&self) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        self.names.iter().map(String::as_str).zip(self.named)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Running,
    Finished,
}

/// One run of a program.
#[derive(Debug)]
pub struct Vm {
    program: Program,
    globals: Vec<Option<Value>>,
    threads: Vec<Thread>,
    /// Handle of the next thread; 0 is no thread's, so that programs can use it for "none".
    next_handle: i32,
    /// Who begins the next cycle, where the last one ended early.
    first: Option<ThreadId>,
    memory: Memory,
}

#[derive(Debug)]
pub(super) struct Thread {
    pub id: ThreadId,
    parent: Option<ThreadId>,
    pub frames: Vec<Frame>,
    pub stack: Vec<Value>,
    pub critical: bool,
    state: State,
    /// Instructions left in this cycle.
    pub fuel: usize,
}

#[derive(Debug)]
pub(super) struct Frame {
    pub function: usize,
    pub step: usize,
    pub locals: Vec<Option<Value>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    /// Done for this cycle.
    Waiting,
    /// Cycles to sleep, this one included.
    Sleeping(u64),
    Joining(ThreadId),
    Dead,
}

/// What has been written since the values were last counted.
#[derive(Debug, Default)]
pub(super) struct Memory {
    written: usize,
}

impl Memory {
    pub fn write(&mut self, size: usize) {
        self.written += size;
    }

    pub fn is_due(&self) -> bool {
        self.written > limits::MEMORY
    }
}

impl Vm {
    pub fn new(program: Program) -> Self {
        let globals = vec![None; program.globals.len()];
        let main = Thread::new(ThreadId(0), None, &program, 0);
        let memory = Memory::default();
        Self { program, globals, threads: vec![main], next_handle: 1, first: None, memory }
    }

    /// Name of the program.
    pub fn name(&self) -> &str {
        self.program.name()
    }

    /// Runs one control cycle.
    ///
    /// # Errors
    /// What stopped the program; it is finished then.
    pub fn tick(&mut self, host: &mut dyn Host) -> Result<Status, ScriptError> {
        let result = self.cycle(host);
        if !matches!(result, Ok(Status::Running)) {
            self.stop(host);
        }
        result
    }

    /// Ends the program: its threads are killed.
    pub fn stop(&mut self, host: &mut dyn Host) {
        for thread in std::mem::take(&mut self.threads) {
            if thread.state != State::Dead {
                host.killed(thread.id);
            }
        }
    }

    fn cycle(&mut self, host: &mut dyn Host) -> Result<Status, ScriptError> {
        for thread in &mut self.threads {
            thread.fuel = limits::INSTRUCTIONS_PER_CYCLE;
            thread.state = match thread.state {
                State::Waiting | State::Sleeping(0 | 1) => State::Ready,
                State::Sleeping(cycles) => State::Sleeping(cycles - 1),
                other => other,
            };
        }
        let mut total = INSTRUCTIONS_PER_CYCLE;
        let begin = self.first.take().and_then(|id| self.place(id)).unwrap_or(0);
        let mut at = begin;
        // Rounds until nobody can go on. Each turn uses fuel, of which a cycle has so much.
        let mut idle = 0;
        while idle < self.threads.len() {
            if at >= self.threads.len() {
                at = 0;
            }
            if self.can_run(at) {
                idle = 0;
                if total == 0 {
                    self.first = self.threads.get(at).map(|t| t.id);
                    break;
                }
                match self.turn(at, &mut total, host)? {
                    Turn::Over => {}
                    Turn::KeepsOthersOut(id) => {
                        self.first = Some(id);
                        break;
                    }
                    Turn::ProgramEnds => return Ok(Status::Finished),
                }
            } else {
                idle += 1;
            }
            at += 1;
        }
        self.threads.retain(|thread| thread.state != State::Dead);
        let main_lives = self.threads.first().is_some_and(|thread| thread.id == ThreadId(0));
        Ok(if main_lives { Status::Running } else { Status::Finished })
    }

    fn can_run(&self, at: usize) -> bool {
        match self.threads.get(at).map(|thread| thread.state) {
            Some(State::Ready) => true,
            Some(State::Joining(id)) => !self.is_alive(id),
            _ => false,
        }
    }

    /// Lets a thread run until it has to wait.
    fn turn(
        &mut self,
        at: usize,
        total: &mut usize,
        host: &mut dyn Host,
    ) -> Result<Turn, ScriptError> {
        loop {
            let Some(thread) = self.threads.get_mut(at) else { return Ok(Turn::Over) };
            thread.state = State::Ready;
            let before = thread.fuel.min(*total);
            thread.fuel = before;
            let event =
                exec::run(&self.program, &mut self.globals, thread, &mut self.memory, host)?;
            *total = total.saturating_sub(before.saturating_sub(thread.fuel));
            let line = exec::line(&self.program, thread);
            let id = thread.id;
            match event {
                Event::Waits => {
                    thread.state = State::Waiting;
                    return Ok(Turn::Over);
                }
                Event::OutOfFuel => {
                    thread.state = State::Waiting;
                    let keeps_others_out = thread.critical;
                    return Ok(if keeps_others_out {
                        Turn::KeepsOthersOut(id)
                    } else {
                        Turn::Over
                    });
                }
                Event::Sleeps(seconds) => {
                    let cycles = (seconds / CYCLE_S).round();
                    if !(0.0..1e9).contains(&cycles) {
                        let message = format!("cannot sleep for {seconds} s");
                        return Err(ScriptError::new(line, message));
                    }
                    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                    let cycles = cycles as u64;
                    thread.state = State::Sleeping(cycles.max(1));
                    return Ok(Turn::Over);
                }
                Event::Ended => {
                    thread.state = State::Dead;
                    return Ok(if id == ThreadId(0) { Turn::ProgramEnds } else { Turn::Over });
                }
                Event::Halts => return Ok(Turn::ProgramEnds),
                Event::Starts(function) => {
                    let handle = self.start(function, id, line)?;
                    if let Some(thread) = self.threads.get_mut(at) {
                        thread.stack.push(Value::Int(handle));
                    }
                }
                Event::Kills(handle) => {
                    if let Some(victim) = self.of_handle(handle) {
                        self.kill(victim, host);
                        if !self.is_alive(id) {
                            return Ok(Turn::Over);
                        }
                    }
                }
                Event::Joins(handle) => {
                    if let Some(other) = self.of_handle(handle) {
                        if other == id {
                            return Err(ScriptError::new(line, "a thread waits for itself"));
                        }
                        if let Some(thread) = self.threads.get_mut(at) {
                            thread.state = State::Joining(other);
                        }
                        return Ok(Turn::Over);
                    }
                }
                Event::FillsMemory => {
                    self.memory = Memory::default();
                    if self.held() > limits::MEMORY {
                        return Err(ScriptError::new(line, "the program holds too much data"));
                    }
                }
            }
        }
    }

    fn start(&mut self, function: usize, parent: ThreadId, line: u32) -> Result<i32, ScriptError> {
        let alive = self.threads.iter().filter(|t| t.state != State::Dead).count();
        if alive >= limits::THREADS || self.next_handle == i32::MAX {
            return Err(ScriptError::new(line, "too many threads"));
        }
        let handle = self.next_handle;
        self.next_handle += 1;
        // Dead threads make room at once: a cycle may start and end many.
        let thread =
            Thread::new(ThreadId(handle.unsigned_abs()), Some(parent), &self.program, function);
        match self.threads.iter_mut().find(|t| t.state == State::Dead) {
            Some(place) => *place = thread,
            None => self.threads.push(thread),
        }
        Ok(handle)
    }

    /// Kills a thread and those that it started.
    fn kill(&mut self, id: ThreadId, host: &mut dyn Host) {
        let mut victims = vec![id];
        while let Some(victim) = victims.pop() {
            for thread in &mut self.threads {
                if thread.state == State::Dead {
                    continue;
                }
                if thread.id == victim {
                    thread.state = State::Dead;
                    host.killed(victim);
                } else if thread.parent == Some(victim) {
                    victims.push(thread.id);
                }
            }
        }
    }

    fn of_handle(&self, handle: i32) -> Option<ThreadId> {
        let id = ThreadId(u32::try_from(handle).ok().filter(|n| *n > 0)?);
        self.is_alive(id).then_some(id)
    }

    fn is_alive(&self, id: ThreadId) -> bool {
        self.threads.iter().any(|t| t.id == id && t.state != State::Dead)
    }

    fn place(&self, id: ThreadId) -> Option<usize> {
        self.threads.iter().position(|thread| thread.id == id)
    }

    /// Elements of all values that the program holds, and places for more.
    fn held(&self) -> usize {
        let sizes = |values: &[Option<Value>]| {
            values.iter().map(|v| v.as_ref().map_or(1, Value::size)).sum::<usize>()
        };
        let of_threads = self.threads.iter().map(|thread| {
            let locals = thread.frames.iter().map(|frame| sizes(&frame.locals)).sum::<usize>();
            locals + thread.stack.iter().map(Value::size).sum::<usize>()
        });
        of_threads.sum::<usize>() + sizes(&self.globals)
    }
}

enum Turn {
    Over,
    /// Stopped within a critical section.
    KeepsOthersOut(ThreadId),
    ProgramEnds,
}

impl Thread {
    fn new(id: ThreadId, parent: Option<ThreadId>, program: &Program, function: usize) -> Self {
        let locals = program.functions.get(function).map_or(0, |code| code.locals.len());
        Self {
            id,
            parent,
            frames: vec![Frame { function, step: 0, locals: vec![None; locals] }],
            stack: Vec::new(),
            critical: false,
            state: State::Ready,
            fuel: limits::INSTRUCTIONS_PER_CYCLE,
        }
    }
}
