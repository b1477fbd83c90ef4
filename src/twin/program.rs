//! The program that runs on the controller.

use super::controller::Controller;
use super::script::{self, Status, Vm};

/// An uploaded program under way.
pub struct Program {
    vm: Vm,
}

impl Program {
    pub fn parse(text: &str) -> Result<Self, String> {
        let program = script::parse(text).map_err(|e| e.to_string())?;
        Ok(Self { vm: Vm::new(program) })
    }

    pub fn name(&self) -> &str {
        self.vm.name()
    }

    /// One cycle; `true` while it goes on.
    pub fn tick(&mut self, controller: &mut Controller) -> Result<bool, String> {
        let status = self.vm.tick(controller).map_err(|e| e.to_string())?;
        Ok(status == Status::Running)
    }
}
