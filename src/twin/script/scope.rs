//! Which variable a name means.
//!
//! URScript's rule: `local` makes a variable the function's own, `global` everybody's; without
//! either, a name is the global variable if there is one, else the function's own. Variables of
//! the program's first level are global. A function does not see the locals of the one around it.

use super::ast::{Function, Scope, Statement, StatementKind};
use super::code::Variable;
use super::{ScriptError, limits};
use std::collections::HashMap;

/// Global variables of a program.
#[derive(Default)]
pub struct Globals {
    names: Vec<String>,
    slots: HashMap<String, usize>,
}

impl Globals {
    pub fn of(program: &Function) -> Self {
        let mut globals = Self::default();
        assignments(&program.body, &mut |_, name, _| globals.add(name));
        globals.add_declared(program);
        globals
    }

    fn add_declared(&mut self, function: &Function) {
        assignments(&function.body, &mut |scope, name, _| {
            if scope == Some(Scope::Global) {
                self.add(name);
            }
        });
        for inner in &function.inner {
            self.add_declared(inner);
        }
    }

    fn add(&mut self, name: &str) {
        if !self.slots.contains_key(name) {
            self.slots.insert(name.to_owned(), self.names.len());
            self.names.push(name.to_owned());
        }
    }

    pub fn into_names(self) -> Vec<String> {
        self.names
    }
}

/// Local variables of one function.
#[derive(Default)]
pub struct Locals {
    names: Vec<String>,
    slots: HashMap<String, usize>,
}

impl Locals {
    /// `is_program`: the first level has no locals.
    pub fn of(
        function: &Function,
        is_program: bool,
        globals: &Globals,
    ) -> Result<Self, ScriptError> {
        let mut locals = Self::default();
        if is_program {
            return Ok(locals);
        }
        for parameter in &function.parameters {
            locals.add(&parameter.name);
        }
        let mut too_many = None;
        assignments(&function.body, &mut |scope, name, line| {
            let own = match scope {
                Some(Scope::Local) => true,
                Some(Scope::Global) => false,
                None => !globals.slots.contains_key(name),
            };
            if own {
                locals.add(name);
            }
            if locals.names.len() > limits::LOCALS && too_many.is_none() {
                too_many = Some(line);
            }
        });
        match too_many {
            Some(line) => Err(ScriptError::new(line, "a function has too many variables")),
            None => Ok(locals),
        }
    }

    fn add(&mut self, name: &str) {
        if !self.slots.contains_key(name) {
            self.slots.insert(name.to_owned(), self.names.len());
            self.names.push(name.to_owned());
        }
    }

    pub fn find(&self, name: &str, scope: Option<Scope>, globals: &Globals) -> Option<Variable> {
        let global = || globals.slots.get(name).copied().map(Variable::Global);
        let local = || self.slots.get(name).copied().map(Variable::Local);
        if scope == Some(Scope::Global) { global() } else { local().or_else(global) }
    }

    pub fn into_names(self) -> Vec<String> {
        self.names
    }
}

/// Every assignment of a function's own statements: its qualifier, name and line.
fn assignments(body: &[Statement], found: &mut dyn FnMut(Option<Scope>, &str, u32)) {
    for statement in body {
        match &statement.kind {
            // Setting an element makes no variable.
            StatementKind::Assign { scope, name, indices, .. } if indices.is_empty() => {
                found(*scope, name, statement.line);
            }
            StatementKind::If { arms, otherwise } => {
                for (_, block) in arms {
                    assignments(block, found);
                }
                assignments(otherwise, found);
            }
            StatementKind::While { body, .. } => assignments(body, found),
            _ => {}
        }
    }
}
