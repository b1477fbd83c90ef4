//! A small interpreter for URScript: what an uploaded control program does, cycle by cycle.
//!
//! Pure: no sockets and no clock. [`parse`] turns text into a [`Program`]; a [`Vm`] runs it, one
//! control cycle (2 ms of robot time) a [`Vm::tick`]. Functions that touch the arm are asked of a
//! [`Host`]; arithmetic, lists, strings, poses, threads, `sync` and `sleep` are the language's own.
//!
//! Source: *The URScript Programming Language*, e-Series, Universal Robots A/S. Where it is silent:
//! - `/` always yields a float; an integer that leaves 32 bits is an error;
//! - `and` and `or` do not evaluate their right side when the left one decides;
//! - a variable may change its type;
//! - a program whose main thread has ended takes its other threads with it.
//!
//! Everything is bounded, whatever the text: program size, nesting, recursion, threads, memory, and
//! the work of a cycle. The bounds are in [`limits`].

mod ast;
mod builtins;
mod check;
mod code;
mod compile;
mod exec;
mod expressions;
mod framing;
mod functions;
mod lexer;
mod parser;
mod pose;
mod scope;
mod value;
mod vm;

#[cfg(test)]
mod language_tests;
#[cfg(test)]
mod program_tests;
#[cfg(test)]
mod recorder;
#[cfg(test)]
mod thread_tests;

pub use check::{Checked, check};
pub use code::Program;
pub use framing::first_program;
pub use value::Value;
pub use vm::{Args, Call, Host, Status, ThreadId, Vm};

/// What stops a program: a fault of the text or of its run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    /// Line of the program text, from 1.
    pub line: u32,
    pub message: String,
}

impl ScriptError {
    fn new(line: u32, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

/// Turns program text into something that a [`Vm`] runs.
///
/// The text is one `def name(): ... end` (or `sec`), or bare statements as one sends them for a
/// single command. Other functions may stand beside the program; it is the first one.
///
/// # Errors
/// The first fault of the text with its line: syntax, a name that is assigned nowhere, too large.
pub fn parse(text: &str) -> Result<Program, ScriptError> {
    if text.len() > limits::PROGRAM_BYTES {
        let message = format!("the program is larger than {} bytes", limits::PROGRAM_BYTES);
        return Err(ScriptError::new(1, message));
    }
    compile::compile(parser::parse(&lexer::tokens(text)?)?)
}

/// The bounds that hold whatever a program says.
pub mod limits {
    /// Size of a program's text.
    pub const PROGRAM_BYTES: usize = 1 << 20;
    /// Nesting of blocks, and of brackets within an expression.
    pub const NESTING: usize = 40;
    /// Operators above one another in an expression, as `1 + 2 + 3` has two.
    pub const EXPRESSION_HEIGHT: usize = 200;
    /// Functions that wait for one another in a thread.
    pub const CALL_DEPTH: usize = 100;
    /// Values that an expression of a thread has under way.
    pub const STACK: usize = 10_000;
    /// Local variables of a function, its parameters included.
    pub const LOCALS: usize = 500;
    /// Arguments of a call, elements of a list as written.
    pub const ELEMENTS: usize = 2_000;
    /// Threads at once.
    pub const THREADS: usize = 50;
    /// Instructions that a thread may execute in one cycle; then it waits for the next.
    pub const INSTRUCTIONS_PER_CYCLE: usize = 5_000;
    /// Elements of one value, nested ones included; 16 bytes of a string count as one.
    pub const VALUE_SIZE: usize = 5_000;
    /// Lists within lists.
    pub const VALUE_DEPTH: usize = 8;
    /// Elements of all values that a program holds. What is dropped is noticed now and then only,
    /// so that up to twice as many may be held for a moment.
    pub const MEMORY: usize = 1_000_000;
}
