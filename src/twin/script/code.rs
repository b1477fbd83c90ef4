//! A program as the machine runs it: instructions over a stack.

use super::ast::{Binary, Unary};
use super::builtins::BuiltIn;
use super::value::Value;

/// A program that [`super::parse`] accepted.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program itself first, then every function and thread.
    pub(super) functions: Vec<Code>,
    /// Names of the global variables.
    pub(super) globals: Vec<String>,
    pub(super) is_secondary: bool,
}

impl Program {
    /// A `sec` program, which runs beside another one and takes no robot time.
    pub fn is_secondary(&self) -> bool {
        self.is_secondary
    }

    /// Name after `def`, or "program" for bare statements.
    pub fn name(&self) -> &str {
        self.functions.first().map_or("", |code| &code.name)
    }
}

#[derive(Debug, Clone, Default)]
pub struct Code {
    pub name: String,
    /// Names of the local variables, parameters first.
    pub locals: Vec<String>,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub struct Step {
    pub line: u32,
    pub op: Op,
}

/// One instruction. "Pops" and "pushes" are about the thread's stack of values.
#[derive(Debug, Clone)]
pub enum Op {
    Constant(Value),
    Load(Variable),
    /// Pops a value, and below it as many indices.
    Store(Variable, usize),
    /// Pops so many values and pushes their list.
    List(usize),
    /// Pops six numbers and pushes their pose.
    Pose,
    /// Pops an index and what it is an index of.
    Index,
    Unary(Unary),
    Binary(Binary),
    Jump(usize),
    /// Pops a bool.
    JumpUnless(usize),
    /// Jumps when the bool on top, which stays, is this one.
    JumpIf(bool, usize),
    /// Calls a function of the program with so many arguments.
    Call(usize, usize),
    /// Calls a function of the language with so many arguments.
    BuiltIn(&'static BuiltIn, usize),
    /// Calls a function of the host: so many arguments by position, then those with names.
    Ask {
        name: String,
        positional: usize,
        named: Vec<String>,
    },
    Run(usize),
    Kill,
    Join,
    EnterCritical,
    ExitCritical,
    Sync,
    Sleep,
    Pop,
    /// Pops the result.
    Return,
    Halt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    Global(usize),
    Local(usize),
}
