//! A host for tests that keeps what it was asked.

use super::{Args, Call, Host, Status, ThreadId, Value, Vm, parse};
use std::collections::HashMap;

#[derive(Default)]
pub struct Recorder {
    pub cycle: usize,
    /// Finished calls: cycle, thread, what was called with which arguments.
    pub calls: Vec<(usize, ThreadId, String)>,
    pub killed: Vec<ThreadId>,
    /// Values of the last `result(...)`.
    pub results: Vec<Value>,
    /// What functions return; with how many cycles they take.
    pub returns: HashMap<&'static str, (Value, usize)>,
    pub registers: HashMap<(&'static str, i32), Value>,
    under_way: HashMap<ThreadId, usize>,
}

impl Recorder {
    pub fn with(returns: &[(&'static str, Value, usize)]) -> Self {
        let returns = returns.iter().map(|(n, v, cycles)| (*n, (v.clone(), *cycles))).collect();
        Self { returns, ..Self::default() }
    }

    /// Runs a program to its end, or for so many cycles.
    pub fn run(&mut self, text: &str, cycles: usize) -> Result<Status, super::ScriptError> {
        let mut vm = Vm::new(parse(text)?);
        for _ in 0..cycles {
            self.cycle += 1;
            if vm.tick(self)? == Status::Finished {
                return Ok(Status::Finished);
            }
        }
        Ok(Status::Running)
    }

    pub fn names(&self) -> Vec<&str> {
        self.calls.iter().map(|(_, _, call)| call.as_str()).collect()
    }

    pub fn int(&self, register: i32) -> i32 {
        match self.registers.get(&("out", register)) {
            Some(Value::Int(value)) => *value,
            other => panic!("output register {register} holds {other:?}"),
        }
    }
}

impl Host for Recorder {
    fn call(&mut self, thread: ThreadId, name: &str, args: Args<'_>) -> Call {
        let index = |at| match args.positional.get(at) {
            Some(Value::Int(index)) => *index,
            other => panic!("{name} of {other:?}"),
        };
        match name {
            "result" => {
                self.results = args.positional.to_vec();
                return Call::Done(Value::None);
            }
            "read_input_integer_register" => {
                let value = self.registers.get(&("int", index(0)));
                return Call::Done(value.cloned().unwrap_or(Value::Int(0)));
            }
            "read_input_float_register" => {
                let value = self.registers.get(&("float", index(0)));
                return Call::Done(value.cloned().unwrap_or(Value::Float(0.0)));
            }
            "write_output_integer_register" => {
                self.registers.insert(("out", index(0)), args.positional[1].clone());
                return Call::Done(Value::None);
            }
            _ => {}
        }
        let Some((value, cycles)) = self.returns.get(name).cloned() else { return Call::Unknown };
        let waited = self.under_way.entry(thread).or_default();
        if *waited < cycles {
            *waited += 1;
            return Call::Pending;
        }
        self.under_way.remove(&thread);
        let mut given: Vec<String> = args.positional.iter().map(Value::to_string).collect();
        given.extend(args.named().map(|(name, value)| format!("{name}={value}")));
        self.calls.push((self.cycle, thread, format!("{name}({})", given.join(", "))));
        Call::Done(value)
    }

    fn killed(&mut self, thread: ThreadId) {
        self.under_way.remove(&thread);
        self.killed.push(thread);
    }
}
