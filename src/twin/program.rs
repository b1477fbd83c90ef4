//! The program that runs on the controller, and those beside it.

use super::controller::Controller;
use super::script::{self, Args, Call, Host, ScriptError, Status, ThreadId, Vm};

/// An uploaded program under way.
pub struct Program {
    vm: Vm,
}

/// A program that was checked when it arrived.
pub struct Arrived {
    pub program: Program,
    /// It runs beside whatever runs.
    pub is_secondary: bool,
    /// Where it will stop.
    pub stops_at: Vec<ScriptError>,
}

impl Program {
    /// Reads and checks a text.
    pub fn parse(text: &str) -> Result<Arrived, String> {
        let program = script::parse(text).map_err(|e| e.to_string())?;
        let checked = script::check(&program).map_err(|e| e.to_string())?;
        let is_secondary = program.is_secondary();
        let program = Self { vm: Vm::new(program) };
        Ok(Arrived { program, is_secondary, stops_at: checked.stops_at })
    }

    pub fn name(&self) -> &str {
        self.vm.name()
    }

    /// One cycle; `true` while it goes on.
    pub fn tick(&mut self, controller: &mut Controller) -> Result<bool, String> {
        let status = self.vm.tick(controller).map_err(|e| e.to_string())?;
        Ok(status == Status::Running)
    }

    /// The same for a secondary program.
    pub fn tick_beside(&mut self, controller: &mut Controller) -> Result<bool, String> {
        let status = self.vm.tick(&mut Beside(controller)).map_err(|e| e.to_string())?;
        Ok(status == Status::Running)
    }
}

/// What a secondary program may do: everything but move, and its end stops nobody's motion.
struct Beside<'a>(&'a mut Controller);

impl Host for Beside<'_> {
    fn call(&mut self, thread: ThreadId, name: &str, args: Args<'_>) -> Call {
        match self.0.call(thread, name, args) {
            Call::Pending => Call::Failed("takes robot time".into()),
            answer => answer,
        }
    }

    fn killed(&mut self, _: ThreadId) {}
}
