//! What a program's text says, before names are bound.

use super::Value;

/// `def`, `thread` or `sec`, or the program itself.
#[derive(Debug, Default)]
pub struct Function {
    pub name: String,
    pub line: u32,
    pub is_thread: bool,
    /// `sec`: it runs beside a program.
    pub is_secondary: bool,
    pub parameters: Vec<Parameter>,
    pub body: Vec<Statement>,
    /// Functions and threads that are defined within.
    pub inner: Vec<Function>,
}

#[derive(Debug)]
pub struct Parameter {
    pub name: String,
    pub default: Option<Expression>,
}

#[derive(Debug)]
pub struct Statement {
    pub line: u32,
    pub kind: StatementKind,
}

#[derive(Debug)]
pub enum StatementKind {
    /// `scope name[indices] = value`.
    Assign {
        scope: Option<Scope>,
        name: String,
        indices: Vec<Expression>,
        value: Expression,
    },
    /// An expression for its effect.
    Do(Expression),
    If {
        arms: Vec<(Expression, Vec<Statement>)>,
        otherwise: Vec<Statement>,
    },
    While {
        condition: Expression,
        body: Vec<Statement>,
    },
    Break,
    Continue,
    Return(Option<Expression>),
    Halt,
    EnterCritical,
    ExitCritical,
    Kill(Expression),
    Join(Expression),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Global,
    Local,
}

#[derive(Debug)]
pub struct Expression {
    pub line: u32,
    /// Longest way down to a leaf: bounded, so that walking the tree is.
    pub height: usize,
    pub kind: ExpressionKind,
}

#[derive(Debug)]
pub enum ExpressionKind {
    Constant(Value),
    Name(String),
    List(Vec<Expression>),
    /// Always six.
    Pose(Vec<Expression>),
    Index(Box<Expression>, Box<Expression>),
    Unary(Unary, Box<Expression>),
    Binary(Binary, Box<Expression>, Box<Expression>),
    Call {
        name: String,
        positional: Vec<Expression>,
        named: Vec<(String, Expression)>,
    },
    /// `run name()`: starts a thread.
    Run(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    Not,
    Minus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    Or,
    Xor,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Binary {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::Xor => "xor",
            Self::And => "and",
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
        }
    }

    /// Binds more tightly the higher it is. `not` stands between `and` and the comparisons.
    pub fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::Xor => 2,
            Self::And => 3,
            Self::Equal
            | Self::Unequal
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual => 5,
            Self::Add | Self::Subtract => 6,
            Self::Multiply | Self::Divide | Self::Modulo => 7,
        }
    }
}
