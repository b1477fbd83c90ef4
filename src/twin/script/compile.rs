//! Binds names and lays statements out as instructions.

use super::ast::{
    Binary, Expression, ExpressionKind, Function, Scope, Statement, StatementKind, Unary,
};
use super::code::{Code, Op, Program, Step};
use super::scope::{Globals, Locals};
use super::{ScriptError, Value, builtins};
use std::collections::HashMap;

type Compiled<T> = Result<T, ScriptError>;

pub fn compile(program: Function) -> Compiled<Program> {
    let globals = Globals::of(&program);
    let mut functions = Vec::new();
    let mut signatures = vec![&program];
    collect(&program, &mut signatures);
    let index: HashMap<*const Function, usize> =
        signatures.iter().enumerate().map(|(i, f)| (std::ptr::from_ref(*f), i)).collect();
    functions.resize_with(signatures.len(), Code::default);
    let mut compiler =
        Compiler { globals: &globals, signatures: &signatures, index, functions, visible: vec![] };
    compiler.function(&program, true)?;
    let functions = compiler.functions;
    let is_secondary = program.is_secondary;
    Ok(Program { functions, globals: globals.into_names(), is_secondary })
}

fn collect<'a>(function: &'a Function, all: &mut Vec<&'a Function>) {
    for inner in &function.inner {
        all.push(inner);
        collect(inner, all);
    }
}

struct Compiler<'a> {
    globals: &'a Globals,
    /// Every function; its place is its number.
    signatures: &'a [&'a Function],
    index: HashMap<*const Function, usize>,
    functions: Vec<Code>,
    /// Names of functions, the innermost scope last.
    visible: Vec<HashMap<&'a str, usize>>,
}

impl<'a> Compiler<'a> {
    fn function(&mut self, function: &'a Function, is_program: bool) -> Compiled<()> {
        let mut names = HashMap::new();
        for inner in &function.inner {
            let number = self.number(inner);
            if names.insert(inner.name.as_str(), number).is_some() {
                let message = format!("'{}' is defined twice", inner.name);
                return Err(ScriptError::new(inner.line, message));
            }
        }
        self.visible.push(names);
        let locals = Locals::of(function, is_program, self.globals)?;
        let mut body =
            Body { compiler: self, locals, steps: Vec::new(), loops: Vec::new(), line: 1 };
        body.block(&function.body)?;
        body.push(Op::Constant(Value::None));
        body.push(Op::Return);
        let code = Code {
            name: function.name.clone(),
            steps: body.steps,
            locals: body.locals.into_names(),
        };
        let number = self.number(function);
        if let Some(place) = self.functions.get_mut(number) {
            *place = code;
        }
        for inner in &function.inner {
            self.function(inner, false)?;
        }
        self.visible.pop();
        Ok(())
    }

    fn number(&self, function: &Function) -> usize {
        self.index.get(&std::ptr::from_ref(function)).copied().unwrap_or(0)
    }

    fn find(&self, name: &str) -> Option<(usize, &'a Function)> {
        let number = self.visible.iter().rev().find_map(|names| names.get(name).copied())?;
        Some((number, self.signatures.get(number)?))
    }
}

/// The body of one function on its way to instructions.
struct Body<'c, 'a> {
    compiler: &'c Compiler<'a>,
    locals: Locals,
    steps: Vec<Step>,
    loops: Vec<Loop>,
    line: u32,
}

struct Loop {
    start: usize,
    /// Jumps to the loop's end, to be filled in.
    breaks: Vec<usize>,
}

impl<'a> Body<'_, 'a> {
    fn block(&mut self, statements: &[Statement]) -> Compiled<()> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> Compiled<()> {
        self.line = statement.line;
        match &statement.kind {
            StatementKind::Assign { scope, name, indices, value } => {
                for index in indices {
                    self.expression(index)?;
                }
                self.expression(value)?;
                self.line = statement.line;
                let is_terminal = name == "digital_out" && indices.len() == 1;
                if is_terminal && self.locals.find(name, None, self.compiler.globals).is_none() {
                    // As programs wrote it before there were functions, and urx still does.
                    let name = "set_digital_out".to_owned();
                    self.push(Op::Ask { name, positional: 2, named: Vec::new() });
                    self.push(Op::Pop);
                } else {
                    self.store(*scope, name, indices.len())?;
                }
            }
            StatementKind::Do(expression) => {
                self.expression(expression)?;
                self.push(Op::Pop);
            }
            StatementKind::If { arms, otherwise } => {
                let mut ends = Vec::new();
                for (condition, block) in arms {
                    self.expression(condition)?;
                    let skip = self.push(Op::JumpUnless(0));
                    self.block(block)?;
                    ends.push(self.push(Op::Jump(0)));
                    self.land(skip);
                }
                self.block(otherwise)?;
                for end in ends {
                    self.land(end);
                }
            }
            StatementKind::While { condition, body } => {
                let start = self.steps.len();
                self.expression(condition)?;
                let leave = self.push(Op::JumpUnless(0));
                self.loops.push(Loop { start, breaks: vec![leave] });
                self.block(body)?;
                self.push(Op::Jump(start));
                for jump in self.loops.pop().map(|l| l.breaks).unwrap_or_default() {
                    self.land(jump);
                }
            }
            StatementKind::Break => {
                let jump = self.push(Op::Jump(0));
                match self.loops.last_mut() {
                    Some(innermost) => innermost.breaks.push(jump),
                    None => return Err(self.error("'break' outside of a loop")),
                }
            }
            StatementKind::Continue => match self.loops.last() {
                Some(innermost) => {
                    let start = innermost.start;
                    self.push(Op::Jump(start));
                }
                None => return Err(self.error("'continue' outside of a loop")),
            },
            StatementKind::Return(value) => {
                match value {
                    Some(value) => self.expression(value)?,
                    None => {
                        self.push(Op::Constant(Value::None));
                    }
                }
                self.push(Op::Return);
            }
            StatementKind::Halt => {
                self.push(Op::Halt);
            }
            StatementKind::EnterCritical => {
                self.push(Op::EnterCritical);
            }
            StatementKind::ExitCritical => {
                self.push(Op::ExitCritical);
            }
            StatementKind::Kill(thread) => {
                self.expression(thread)?;
                self.push(Op::Kill);
            }
            StatementKind::Join(thread) => {
                self.expression(thread)?;
                self.push(Op::Join);
            }
        }
        Ok(())
    }

    fn store(&mut self, scope: Option<Scope>, name: &str, indices: usize) -> Compiled<()> {
        match self.locals.find(name, scope, self.compiler.globals) {
            Some(variable) => {
                self.push(Op::Store(variable, indices));
                Ok(())
            }
            None => Err(self.error(format!("the variable '{name}' has no value"))),
        }
    }

    fn expression(&mut self, expression: &Expression) -> Compiled<()> {
        self.line = expression.line;
        match &expression.kind {
            ExpressionKind::Constant(value) => {
                self.push(Op::Constant(value.clone()));
            }
            ExpressionKind::Name(name) => {
                match self.locals.find(name, None, self.compiler.globals) {
                    Some(variable) => self.push(Op::Load(variable)),
                    None if name == "MATH_PI" => {
                        self.push(Op::Constant(Value::Float(std::f64::consts::PI)))
                    }
                    None => {
                        return Err(self.error(format!("the variable '{name}' has no value")));
                    }
                };
            }
            ExpressionKind::List(elements) => {
                self.all(elements)?;
                self.push(Op::List(elements.len()));
            }
            ExpressionKind::Pose(elements) => {
                self.all(elements)?;
                self.push(Op::Pose);
            }
            ExpressionKind::Index(of, index) => {
                self.expression(of)?;
                self.expression(index)?;
                self.push(Op::Index);
            }
            ExpressionKind::Unary(operator, operand) => {
                self.expression(operand)?;
                self.push(Op::Unary(*operator));
            }
            ExpressionKind::Binary(operator, left, right) => {
                self.expression(left)?;
                let decided = match operator {
                    Binary::And => Some(self.push(Op::JumpIf(false, 0))),
                    Binary::Or => Some(self.push(Op::JumpIf(true, 0))),
                    _ => None,
                };
                self.expression(right)?;
                self.line = expression.line;
                self.push(Op::Binary(*operator));
                if let Some(jump) = decided {
                    self.land(jump);
                }
            }
            ExpressionKind::Call { name, positional, named } => {
                self.call(expression.line, name, positional, named)?;
            }
            ExpressionKind::Run(name) => match self.compiler.find(name) {
                Some((number, function)) if function.is_thread => {
                    self.push(Op::Run(number));
                }
                Some(_) => return Err(self.error(format!("'{name}' is not a thread"))),
                None => return Err(self.error(format!("there is no thread '{name}'"))),
            },
        }
        Ok(())
    }

    fn call(
        &mut self,
        line: u32,
        name: &str,
        positional: &[Expression],
        named: &[(String, Expression)],
    ) -> Compiled<()> {
        let count = positional.len() + named.len();
        if let Some((number, function)) = self.compiler.find(name) {
            if function.is_thread {
                return Err(self.error(format!("'{name}' is a thread: start it with 'run'")));
            }
            let parameters: Vec<(&str, Option<&Expression>)> =
                function.parameters.iter().map(|p| (p.name.as_str(), p.default.as_ref())).collect();
            self.arguments(name, &parameters, positional, named)?;
            self.line = line;
            self.push(Op::Call(number, parameters.len()));
        } else if let Some(built_in) = builtins::find(name) {
            let parameters: Vec<(&str, Option<&Expression>)> =
                built_in.parameters.iter().map(|p| (*p, None)).collect();
            self.arguments(name, &parameters, positional, named)?;
            self.line = line;
            self.push(Op::BuiltIn(built_in, parameters.len()));
        } else if name == "sync" && count == 0 {
            self.push(Op::Sync);
            self.push(Op::Constant(Value::None));
        } else if name == "sleep" && count == 1 {
            self.all(positional.iter().chain(named.iter().map(|(_, seconds)| seconds)))?;
            self.line = line;
            self.push(Op::Sleep);
            self.push(Op::Constant(Value::None));
        } else {
            self.all(positional.iter().chain(named.iter().map(|(_, value)| value)))?;
            self.line = line;
            let named = named.iter().map(|(name, _)| name.clone()).collect();
            self.push(Op::Ask { name: name.to_owned(), positional: positional.len(), named });
        }
        Ok(())
    }

    /// Values for the parameters of a function, in their order.
    fn arguments(
        &mut self,
        function: &str,
        parameters: &[(&str, Option<&Expression>)],
        positional: &[Expression],
        named: &[(String, Expression)],
    ) -> Compiled<()> {
        if positional.len() > parameters.len() {
            let message = format!("'{function}' takes {} arguments", parameters.len());
            return Err(self.error(message));
        }
        let by_position = parameters.get(..positional.len()).unwrap_or(parameters);
        for (name, _) in named {
            let is_parameter = parameters.iter().any(|(parameter, _)| parameter == name);
            if !is_parameter || by_position.iter().any(|(parameter, _)| parameter == name) {
                return Err(self.error(format!("'{function}' takes no further '{name}'")));
            }
        }
        self.all(positional)?;
        for (parameter, default) in parameters.iter().skip(positional.len()) {
            match named.iter().find(|(name, _)| name == parameter) {
                Some((_, value)) => self.expression(value)?,
                None => match default {
                    Some(default) if is_constant(default) => self.expression(default)?,
                    Some(_) => return Err(self.error("a default value must be a constant")),
                    None => {
                        return Err(self.error(format!("'{function}' needs '{parameter}'")));
                    }
                },
            }
        }
        Ok(())
    }

    fn all<'e>(&mut self, expressions: impl IntoIterator<Item = &'e Expression>) -> Compiled<()> {
        expressions.into_iter().try_for_each(|expression| self.expression(expression))
    }

    /// Adds an instruction and says where it stands.
    fn push(&mut self, op: Op) -> usize {
        self.steps.push(Step { line: self.line, op });
        self.steps.len() - 1
    }

    /// Lets a jump lead to the next instruction.
    fn land(&mut self, jump: usize) {
        let here = self.steps.len();
        if let Some(step) = self.steps.get_mut(jump) {
            match &mut step.op {
                Op::Jump(target) | Op::JumpUnless(target) | Op::JumpIf(_, target) => *target = here,
                _ => {}
            }
        }
    }

    fn error(&self, message: impl Into<String>) -> ScriptError {
        ScriptError::new(self.line, message)
    }
}

fn is_constant(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Constant(_) => true,
        ExpressionKind::List(elements) | ExpressionKind::Pose(elements) => {
            elements.iter().all(is_constant)
        }
        ExpressionKind::Unary(Unary::Minus, operand) => is_constant(operand),
        _ => false,
    }
}
