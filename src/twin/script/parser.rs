//! From words to what they say. Recursive descent; every recursion is bounded.

use super::ast::{
    Expression, ExpressionKind, Function, Parameter, Scope, Statement, StatementKind,
};
use super::lexer::{Token, TokenKind};
use super::{ScriptError, limits};

pub type Parsed<T> = Result<T, ScriptError>;

/// The program: the first `def` or `sec` of the text, with the others beside it; or, without one,
/// the statements.
pub fn parse(tokens: &[Token]) -> Parsed<Function> {
    let mut parser = Parser { tokens, at: 0 };
    let mut text = Function { name: "program".into(), line: 1, ..Function::default() };
    parser.skip_lines();
    let starts_with_def = parser.is_word("def") || parser.is_word("sec");
    while parser.peek() != &TokenKind::End {
        if starts_with_def && parser.is_word("run") {
            // `run program` after the definition, as PolyScope writes it: it runs anyway.
            while !matches!(parser.peek(), TokenKind::Newline | TokenKind::End) {
                parser.advance();
            }
        } else {
            parser.statement(&mut text, 0)?;
        }
        parser.skip_lines();
    }
    if !starts_with_def {
        return Ok(text);
    }
    if let Some(stray) = text.body.first() {
        return Err(ScriptError::new(stray.line, "a statement outside of the program's def"));
    }
    let mut program = text.inner.remove(0);
    if !program.parameters.is_empty() {
        return Err(ScriptError::new(program.line, "a program takes no parameters"));
    }
    program.inner.append(&mut text.inner);
    Ok(program)
}

pub struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Parser<'_> {
    /// Statements up to, not including, one of the words that close the block.
    fn block(
        &mut self,
        function: &mut Function,
        depth: usize,
        closing: &[&str],
    ) -> Parsed<Vec<Statement>> {
        if depth > limits::NESTING {
            return Err(self.error("blocks are nested too deeply"));
        }
        // A block's statements are collected by the function and taken out again.
        let outer = std::mem::take(&mut function.body);
        self.skip_lines();
        while !closing.iter().any(|word| self.is_word(word)) {
            if self.peek() == &TokenKind::End {
                return Err(self.error("the text ends before 'end'"));
            }
            self.statement(function, depth)?;
            self.skip_lines();
        }
        Ok(std::mem::replace(&mut function.body, outer))
    }

    fn statement(&mut self, function: &mut Function, depth: usize) -> Parsed<()> {
        let line = self.line();
        let word = match self.peek() {
            TokenKind::Word(word) => word.clone(),
            _ => String::new(),
        };
        let kind = match word.as_str() {
            "def" | "thread" | "sec" => {
                let mut inner = self.function(word == "thread", depth)?;
                inner.is_secondary = word == "sec";
                function.inner.push(inner);
                return self.end_of_statement();
            }
            "if" => self.conditional(function, depth)?,
            "while" => {
                self.advance();
                let condition = self.expression(0)?;
                self.expect(":")?;
                let body = self.block(function, depth + 1, &["end"])?;
                self.advance();
                StatementKind::While { condition, body }
            }
            "break" => self.bare(StatementKind::Break),
            "continue" => self.bare(StatementKind::Continue),
            "halt" => self.bare(StatementKind::Halt),
            "enter_critical" => self.bare(StatementKind::EnterCritical),
            "exit_critical" => self.bare(StatementKind::ExitCritical),
            "return" => {
                self.advance();
                let nothing = matches!(self.peek(), TokenKind::Newline | TokenKind::End);
                StatementKind::Return(if nothing { None } else { Some(self.expression(0)?) })
            }
            "kill" => {
                self.advance();
                StatementKind::Kill(self.expression(0)?)
            }
            "join" => {
                self.advance();
                StatementKind::Join(self.expression(0)?)
            }
            "global" | "local" => {
                self.advance();
                let scope = if word == "global" { Scope::Global } else { Scope::Local };
                let name = self.name()?;
                self.expect("=")?;
                // ur-rtde uploads values that stand on the line after, and controllers take them.
                self.skip_lines();
                let value = self.expression(0)?;
                StatementKind::Assign { scope: Some(scope), name, indices: Vec::new(), value }
            }
            _ => {
                let target = self.expression(0)?;
                if self.is_mark("=") { self.assignment(target)? } else { StatementKind::Do(target) }
            }
        };
        function.body.push(Statement { line, kind });
        self.end_of_statement()
    }

    fn function(&mut self, is_thread: bool, depth: usize) -> Parsed<Function> {
        let line = self.line();
        self.advance();
        let mut function = Function { name: self.name()?, line, is_thread, ..Function::default() };
        self.expect("(")?;
        while !self.is_mark(")") {
            if function.parameters.len() >= limits::LOCALS {
                return Err(self.error("too many parameters"));
            }
            let name = self.name()?;
            if function.parameters.iter().any(|p| p.name == name) {
                return Err(self.error(format!("two parameters are called '{name}'")));
            }
            let default = if self.take_mark("=") { Some(self.expression(0)?) } else { None };
            function.parameters.push(Parameter { name, default });
            if !self.take_mark(",") {
                break;
            }
        }
        self.expect(")")?;
        self.expect(":")?;
        if is_thread && !function.parameters.is_empty() {
            return Err(ScriptError::new(line, "a thread takes no parameters"));
        }
        function.body = self.block(&mut function, depth + 1, &["end"])?;
        self.advance();
        Ok(function)
    }

    fn conditional(&mut self, function: &mut Function, depth: usize) -> Parsed<StatementKind> {
        let mut arms = Vec::new();
        let mut otherwise = Vec::new();
        while self.is_word("if") && arms.is_empty() || self.is_word("elif") {
            self.advance();
            let condition = self.expression(0)?;
            self.expect(":")?;
            arms.push((condition, self.block(function, depth + 1, &["elif", "else", "end"])?));
        }
        if self.is_word("else") {
            self.advance();
            self.expect(":")?;
            otherwise = self.block(function, depth + 1, &["end"])?;
        }
        self.advance();
        Ok(StatementKind::If { arms, otherwise })
    }

    fn assignment(&mut self, target: Expression) -> Parsed<StatementKind> {
        let mut indices = Vec::new();
        let mut target = target;
        let name = loop {
            match target.kind {
                ExpressionKind::Name(name) => break name,
                ExpressionKind::Index(of, index) => {
                    indices.push(*index);
                    target = *of;
                }
                _ => return Err(self.error("only a variable can be assigned to")),
            }
        };
        indices.reverse();
        self.advance();
        let value = self.expression(0)?;
        Ok(StatementKind::Assign { scope: None, name, indices, value })
    }

    fn bare(&mut self, kind: StatementKind) -> StatementKind {
        self.advance();
        kind
    }

    pub(super) fn name(&mut self) -> Parsed<String> {
        match self.peek().clone() {
            TokenKind::Word(word) if !KEYWORDS.contains(&word.as_str()) => {
                self.advance();
                Ok(word)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    fn end_of_statement(&mut self) -> Parsed<()> {
        match self.peek() {
            TokenKind::Newline | TokenKind::End => Ok(()),
            // What can only begin a statement needs no line of its own.
            TokenKind::Word(word) if ["global", "local"].contains(&word.as_str()) => Ok(()),
            _ => Err(self.unexpected("the end of the line")),
        }
    }

    fn skip_lines(&mut self) {
        while self.peek() == &TokenKind::Newline {
            self.advance();
        }
    }

    pub(super) fn peek(&self) -> &TokenKind {
        self.tokens.get(self.at).map_or(&TokenKind::End, |token| &token.kind)
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), TokenKind::Word(w) if w == word)
    }

    pub(super) fn is_mark(&self, mark: &str) -> bool {
        matches!(self.peek(), TokenKind::Mark(m) if *m == mark)
    }

    /// Whether the word after the next one is this mark.
    pub(super) fn follows(&self, mark: &str) -> bool {
        matches!(self.peek(), TokenKind::Word(_))
            && self
                .tokens
                .get(self.at + 1)
                .is_some_and(|token| matches!(token.kind, TokenKind::Mark(m) if m == mark))
    }

    pub(super) fn take_mark(&mut self, mark: &str) -> bool {
        let found = self.is_mark(mark);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect(&mut self, mark: &str) -> Parsed<()> {
        if self.take_mark(mark) { Ok(()) } else { Err(self.unexpected(&format!("'{mark}'"))) }
    }

    pub(super) fn line(&self) -> u32 {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |token| token.line)
    }

    pub(super) fn unexpected(&self, wanted: &str) -> ScriptError {
        let found = match self.peek() {
            TokenKind::Word(word) => format!("'{word}'"),
            TokenKind::Mark(mark) => format!("'{mark}'"),
            TokenKind::Int(_) | TokenKind::Float(_) => "a number".into(),
            TokenKind::Str(_) => "a string".into(),
            TokenKind::Newline => "the end of the line".into(),
            TokenKind::End => "the end of the text".into(),
        };
        self.error(format!("expected {wanted}, found {found}"))
    }

    pub(super) fn error(&self, message: impl Into<String>) -> ScriptError {
        ScriptError::new(self.line(), message)
    }
}

/// Words that cannot be names.
const KEYWORDS: [&str; 26] = [
    "def",
    "thread",
    "sec",
    "end",
    "if",
    "elif",
    "else",
    "while",
    "break",
    "continue",
    "return",
    "halt",
    "global",
    "local",
    "run",
    "kill",
    "join",
    "and",
    "or",
    "not",
    "xor",
    "True",
    "False",
    "None",
    "enter_critical",
    "exit_critical",
];
