//! Executes the instructions of one thread until the scheduler has to decide.

use super::code::{Op, Program, Variable};
use super::vm::{Args, Call, Frame, Host, Memory, Thread};
use super::{ScriptError, Value, limits};

/// Why a thread handed over to the scheduler. Where it runs on at once, the instruction is done;
/// a started thread's handle is to be pushed.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// Until the next cycle.
    Waits,
    OutOfFuel,
    /// For so many seconds.
    Sleeps(f64),
    Starts(usize),
    Kills(i32),
    Joins(i32),
    Ended,
    Halts,
    /// So much was written that what is held has to be counted.
    FillsMemory,
}

/// Runs a thread. What it pops must be there: the compiler sees to it, and a program that shows
/// otherwise is stopped rather than trusted.
pub fn run(
    program: &Program,
    globals: &mut [Option<Value>],
    thread: &mut Thread,
    memory: &mut Memory,
    host: &mut dyn Host,
) -> Result<Event, ScriptError> {
    loop {
        if thread.fuel == 0 {
            return Ok(Event::OutOfFuel);
        }
        if memory.is_due() {
            return Ok(Event::FillsMemory);
        }
        let Some(frame) = thread.frames.last_mut() else { return Ok(Event::Ended) };
        let code = program.functions.get(frame.function);
        let Some(step) = code.and_then(|code| code.steps.get(frame.step)) else {
            return Err(ScriptError::new(0, "the program ran off its end"));
        };
        let line = step.line;
        let at = frame.step;
        frame.step += 1;
        thread.fuel -= 1;
        let mut machine = Machine { program, globals, thread, memory, host };
        match machine.step(&step.op).map_err(|message| ScriptError::new(line, message))? {
            Next::Step => {}
            Next::Jump(target) => {
                if let Some(frame) = thread.frames.last_mut() {
                    frame.step = target;
                }
            }
            Next::Again => {
                if let Some(frame) = thread.frames.last_mut() {
                    frame.step = at;
                }
                return Ok(Event::Waits);
            }
            Next::Hand(event) => return Ok(event),
        }
    }
}

/// Line that a thread is at.
pub fn line(program: &Program, thread: &Thread) -> u32 {
    let frame = thread.frames.last();
    let code = frame.and_then(|frame| Some((frame, program.functions.get(frame.function)?)));
    code.and_then(|(frame, code)| code.steps.get(frame.step.saturating_sub(1)))
        .map_or(0, |step| step.line)
}

enum Next {
    Step,
    Jump(usize),
    /// The same instruction, in the next cycle.
    Again,
    Hand(Event),
}

struct Machine<'a> {
    program: &'a Program,
    globals: &'a mut [Option<Value>],
    thread: &'a mut Thread,
    memory: &'a mut Memory,
    host: &'a mut dyn Host,
}

impl Machine<'_> {
    fn step(&mut self, op: &Op) -> Result<Next, String> {
        match op {
            Op::Constant(value) => self.push(value.clone())?,
            Op::Load(variable) => {
                let value = self.variable(*variable)?.clone();
                match value {
                    Some(value) => self.push(value)?,
                    None => return Err(format!("'{}' has no value yet", self.name(*variable))),
                }
            }
            Op::Store(variable, indices) => self.store(*variable, *indices)?,
            Op::List(count) => {
                let elements = self.pop_many(*count)?;
                self.push(Value::List(elements).bounded()?)?;
            }
            Op::Pose => {
                let numbers: Option<Vec<f64>> =
                    self.pop_many(6)?.iter().map(Value::as_f64).collect();
                let six = numbers.and_then(|n| <[f64; 6]>::try_from(n).ok());
                self.push(Value::Pose(six.ok_or("a pose holds numbers")?))?;
            }
            Op::Index => {
                let index = self.pop()?;
                let of = self.pop()?;
                self.push(of.at(&index)?)?;
            }
            Op::Unary(operator) => {
                let value = self.pop()?.unary(*operator)?;
                self.push(value)?;
            }
            Op::Binary(operator) => {
                let right = self.pop()?;
                let value = self.pop()?.binary(*operator, right)?;
                self.push(value)?;
            }
            Op::Jump(target) => return Ok(Next::Jump(*target)),
            Op::JumpUnless(target) => match self.pop()? {
                Value::Bool(true) => {}
                Value::Bool(false) => return Ok(Next::Jump(*target)),
                other => return Err(format!("a condition must be a bool, not {}", other.kind())),
            },
            Op::JumpIf(wanted, target) => match self.thread.stack.last() {
                Some(Value::Bool(value)) if value == wanted => return Ok(Next::Jump(*target)),
                Some(Value::Bool(_)) => {}
                _ => return Err("'and' and 'or' need bools".into()),
            },
            Op::Call(function, arguments) => self.call(*function, *arguments)?,
            Op::BuiltIn(built_in, arguments) => {
                let arguments = self.pop_many(*arguments)?;
                let value = (built_in.function)(&arguments)?;
                self.push(value)?;
            }
            Op::Ask { name, positional, named } => return self.ask(name, *positional, named),
            Op::Run(function) => return Ok(Next::Hand(Event::Starts(*function))),
            Op::Kill => return Ok(Next::Hand(Event::Kills(self.pop_handle()?))),
            Op::Join => return Ok(Next::Hand(Event::Joins(self.pop_handle()?))),
            Op::EnterCritical => self.thread.critical = true,
            Op::ExitCritical => self.thread.critical = false,
            Op::Sync => return Ok(Next::Hand(Event::Waits)),
            Op::Sleep => {
                let seconds = self.pop()?;
                let seconds = seconds.as_f64().ok_or("'sleep' needs a number of seconds")?;
                return Ok(Next::Hand(Event::Sleeps(seconds)));
            }
            Op::Pop => {
                self.pop()?;
            }
            Op::Return => {
                let result = self.pop()?;
                self.thread.frames.pop();
                if self.thread.frames.is_empty() {
                    return Ok(Next::Hand(Event::Ended));
                }
                self.push(result)?;
            }
            Op::Halt => return Ok(Next::Hand(Event::Halts)),
        }
        Ok(Next::Step)
    }

    fn ask(&mut self, name: &str, positional: usize, named: &[String]) -> Result<Next, String> {
        let count = positional + named.len();
        let base = self.thread.stack.len().checked_sub(count).ok_or(CORRUPT)?;
        let (by_position, by_name) =
            self.thread.stack.get(base..).unwrap_or(&[]).split_at(positional);
        let args = Args { positional: by_position, names: named, named: by_name };
        match self.host.call(self.thread.id, name, args) {
            Call::Done(value) => {
                self.thread.stack.truncate(base);
                self.push(value)?;
                Ok(Next::Step)
            }
            Call::Pending => Ok(Next::Again),
            Call::Unknown => Err(format!("there is no function '{name}'")),
            Call::Failed(message) => Err(format!("{name}: {message}")),
        }
    }

    fn call(&mut self, function: usize, arguments: usize) -> Result<(), String> {
        if self.thread.frames.len() >= limits::CALL_DEPTH {
            return Err("functions call one another too deeply".into());
        }
        let code = self.program.functions.get(function).ok_or(CORRUPT)?;
        let mut locals: Vec<Option<Value>> =
            self.pop_many(arguments)?.into_iter().map(Some).collect();
        locals.resize(code.locals.len(), None);
        self.spend(locals.len());
        self.thread.frames.push(Frame { function, step: 0, locals });
        Ok(())
    }

    fn store(&mut self, variable: Variable, indices: usize) -> Result<(), String> {
        let value = self.pop()?;
        let size = value.size();
        self.spend(size);
        if indices == 0 {
            *self.variable(variable)? = Some(value);
            return Ok(());
        }
        let indices = self.pop_many(indices)?;
        let Some(mut target) = self.variable(variable)?.take() else {
            return Err(format!("'{}' has no value yet", self.name(variable)));
        };
        target.put(&indices, value)?;
        // Only what is put in can make a value too large; numbers cannot.
        let target = if size > 1 { target.bounded()? } else { target };
        *self.variable(variable)? = Some(target);
        Ok(())
    }

    fn variable(&mut self, variable: Variable) -> Result<&mut Option<Value>, String> {
        let slot = match variable {
            Variable::Global(slot) => self.globals.get_mut(slot),
            Variable::Local(slot) => {
                self.thread.frames.last_mut().and_then(|frame| frame.locals.get_mut(slot))
            }
        };
        slot.ok_or_else(|| CORRUPT.into())
    }

    fn name(&self, variable: Variable) -> &str {
        let name = match variable {
            Variable::Global(slot) => self.program.globals.get(slot),
            Variable::Local(slot) => {
                let function = self.thread.frames.last().map_or(0, |frame| frame.function);
                self.program.functions.get(function).and_then(|code| code.locals.get(slot))
            }
        };
        name.map_or("", String::as_str)
    }

    fn push(&mut self, value: Value) -> Result<(), String> {
        if self.thread.stack.len() >= limits::STACK {
            return Err("an expression has too many values under way".into());
        }
        self.spend(value.size());
        self.thread.stack.push(value);
        Ok(())
    }

    /// Large values take as long as several instructions.
    fn spend(&mut self, size: usize) {
        self.memory.write(size);
        self.thread.fuel = self.thread.fuel.saturating_sub(size / 16);
    }

    fn pop(&mut self) -> Result<Value, String> {
        self.thread.stack.pop().ok_or_else(|| CORRUPT.into())
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Value>, String> {
        let base = self.thread.stack.len().checked_sub(count).ok_or(CORRUPT)?;
        Ok(self.thread.stack.split_off(base))
    }

    fn pop_handle(&mut self) -> Result<i32, String> {
        match self.pop()? {
            Value::Int(handle) => Ok(handle),
            other => Err(format!("a thread's handle is needed, not {}", other.kind())),
        }
    }
}

/// A program whose instructions do not fit together; the compiler makes none.
const CORRUPT: &str = "the program is damaged";
