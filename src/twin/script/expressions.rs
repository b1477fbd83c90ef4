//! Expressions: the half of the parser that knows operators.

use super::ast::{Binary, Expression, ExpressionKind, Unary};
use super::lexer::TokenKind;
use super::parser::{Parsed, Parser};
use super::{ScriptError, Value, limits};

impl Parser<'_> {
    pub(super) fn expression(&mut self, depth: usize) -> Parsed<Expression> {
        self.binary(1, depth)
    }

    /// Operators that bind at least as tightly as `least`, from left to right.
    fn binary(&mut self, least: u8, depth: usize) -> Parsed<Expression> {
        let mut left = self.unary(depth)?;
        while let Some(operator) = self.operator().filter(|o| o.precedence() >= least) {
            let line = self.line();
            self.advance();
            let right = self.binary(operator.precedence() + 1, depth)?;
            let height = left.height.max(right.height);
            let kind = ExpressionKind::Binary(operator, Box::new(left), Box::new(right));
            left = self.node(line, height, kind)?;
        }
        Ok(left)
    }

    fn unary(&mut self, depth: usize) -> Parsed<Expression> {
        if depth > limits::NESTING {
            return Err(self.error("an expression is nested too deeply"));
        }
        let line = self.line();
        let (operator, operand) = if self.is_word("not") {
            self.advance();
            // `not a == b` is `not (a == b)`.
            (Unary::Not, self.binary(Binary::Equal.precedence(), depth + 1)?)
        } else if self.take_mark("-") {
            (Unary::Minus, self.unary(depth + 1)?)
        } else if self.take_mark("+") {
            return self.unary(depth + 1);
        } else {
            return self.postfix(depth);
        };
        let height = operand.height;
        self.node(line, height, ExpressionKind::Unary(operator, Box::new(operand)))
    }

    /// A value with the indices that follow it.
    fn postfix(&mut self, depth: usize) -> Parsed<Expression> {
        let mut value = self.primary(depth)?;
        while self.is_mark("[") {
            let line = self.line();
            self.advance();
            for index in self.list("]", depth)? {
                let height = value.height.max(index.height);
                let kind = ExpressionKind::Index(Box::new(value), Box::new(index));
                value = self.node(line, height, kind)?;
            }
        }
        Ok(value)
    }

    fn primary(&mut self, depth: usize) -> Parsed<Expression> {
        let line = self.line();
        let kind = match self.peek().clone() {
            TokenKind::Int(value) => self.constant(Value::Int(value)),
            TokenKind::Float(value) => self.constant(Value::Float(value)),
            TokenKind::Str(value) => self.constant(Value::Str(value)),
            TokenKind::Mark("(") => {
                self.advance();
                let inside = self.expression(depth + 1)?;
                self.expect(")")?;
                return Ok(inside);
            }
            TokenKind::Mark("[") => {
                self.advance();
                ExpressionKind::List(self.list("]", depth)?)
            }
            TokenKind::Word(word) => match word.as_str() {
                "True" => self.constant(Value::Bool(true)),
                "False" => self.constant(Value::Bool(false)),
                "None" => self.constant(Value::None),
                "run" => {
                    self.advance();
                    let name = self.name()?;
                    self.expect("(")?;
                    self.expect(")")?;
                    ExpressionKind::Run(name)
                }
                "p" if self.follows("[") => return self.pose(line, depth),
                _ => {
                    let name = self.name()?;
                    if self.take_mark("(") {
                        self.call(name, depth)?
                    } else {
                        ExpressionKind::Name(name)
                    }
                }
            },
            _ => return Err(self.unexpected("an expression")),
        };
        let height = match &kind {
            ExpressionKind::List(elements) => highest(elements.iter()),
            ExpressionKind::Call { positional, named, .. } => {
                highest(positional.iter().chain(named.iter().map(|(_, value)| value)))
            }
            _ => 0,
        };
        self.node(line, height, kind)
    }

    /// `p[x, y, z, rx, ry, rz]`, or an element of a variable that is called `p`.
    fn pose(&mut self, line: u32, depth: usize) -> Parsed<Expression> {
        self.advance();
        self.advance();
        let mut elements = self.list("]", depth)?;
        let height = highest(elements.iter());
        if elements.len() == 6 {
            return self.node(line, height, ExpressionKind::Pose(elements));
        }
        match elements.pop() {
            Some(index) if elements.is_empty() => {
                let variable = self.node(line, 0, ExpressionKind::Name("p".into()))?;
                let kind = ExpressionKind::Index(Box::new(variable), Box::new(index));
                self.node(line, height, kind)
            }
            _ => Err(ScriptError::new(line, "a pose has six elements")),
        }
    }

    fn call(&mut self, name: String, depth: usize) -> Parsed<ExpressionKind> {
        let (mut positional, mut named) = (Vec::new(), Vec::new());
        while !self.is_mark(")") {
            if positional.len() + named.len() >= limits::ELEMENTS {
                return Err(self.error("too many arguments"));
            }
            if self.follows("=") {
                let parameter = self.name()?;
                self.advance();
                if named.iter().any(|(given, _)| *given == parameter) {
                    return Err(self.error(format!("'{parameter}' is given twice")));
                }
                named.push((parameter, self.expression(depth + 1)?));
            } else if named.is_empty() {
                positional.push(self.expression(depth + 1)?);
            } else {
                return Err(self.error("an argument without a name after one with a name"));
            }
            if !self.take_mark(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(ExpressionKind::Call { name, positional, named })
    }

    /// Elements and the bracket that closes them.
    fn list(&mut self, closing: &str, depth: usize) -> Parsed<Vec<Expression>> {
        let mut elements = Vec::new();
        while !self.is_mark(closing) {
            if elements.len() >= limits::ELEMENTS {
                return Err(self.error("a list is too long"));
            }
            elements.push(self.expression(depth + 1)?);
            if !self.take_mark(",") {
                break;
            }
        }
        self.expect(closing)?;
        Ok(elements)
    }

    fn constant(&mut self, value: Value) -> ExpressionKind {
        self.advance();
        ExpressionKind::Constant(value)
    }

    fn node(&self, line: u32, below: usize, kind: ExpressionKind) -> Parsed<Expression> {
        if below >= limits::EXPRESSION_HEIGHT {
            return Err(ScriptError::new(line, "an expression has too many operators"));
        }
        Ok(Expression { line, height: below + 1, kind })
    }

    fn operator(&self) -> Option<Binary> {
        let operator = match self.peek() {
            TokenKind::Word(word) => match word.as_str() {
                "or" => Binary::Or,
                "xor" => Binary::Xor,
                "and" => Binary::And,
                _ => return None,
            },
            TokenKind::Mark(mark) => match *mark {
                "==" => Binary::Equal,
                "!=" => Binary::Unequal,
                "<" => Binary::Less,
                "<=" => Binary::LessOrEqual,
                ">" => Binary::Greater,
                ">=" => Binary::GreaterOrEqual,
                "+" => Binary::Add,
                "-" => Binary::Subtract,
                "*" => Binary::Multiply,
                "/" => Binary::Divide,
                "%" => Binary::Modulo,
                _ => return None,
            },
            _ => return None,
        };
        Some(operator)
    }
}

fn highest<'a>(expressions: impl Iterator<Item = &'a Expression>) -> usize {
    expressions.map(|e| e.height).max().unwrap_or(0)
}
