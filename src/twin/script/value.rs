//! Values of the language and its operators.

use super::ast::{Binary, Unary};
use super::limits;
use std::fmt;

/// A value of a program. Numbers carry the units that URScript gives them: m, rad, s, N.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    None,
    Bool(bool),
    Int(i32),
    Float(f64),
    Str(String),
    List(Vec<Value>),
    /// Position in m and rotation vector in rad, as `p[x, y, z, rx, ry, rz]`.
    Pose([f64; 6]),
}

impl Value {
    /// The number, be it an integer or a float.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(f64::from(*number)),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// Six numbers: a pose, or a list of six as joint positions are given.
    pub fn as_six(&self) -> Option<[f64; 6]> {
        match self {
            Self::Pose(numbers) => Some(*numbers),
            Self::List(_) => self.as_numbers()?.try_into().ok(),
            _ => None,
        }
    }

    /// A list of numbers.
    pub fn as_numbers(&self) -> Option<Vec<f64>> {
        match self {
            Self::List(list) => list.iter().map(Self::as_f64).collect(),
            _ => None,
        }
    }

    /// Name of the type, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an int",
            Self::Float(_) => "a float",
            Self::Str(_) => "a string",
            Self::List(_) => "a list",
            Self::Pose(_) => "a pose",
        }
    }

    /// Elements, nested ones included: what copying it costs.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Str(text) => 1 + text.len() / 16,
            Self::List(list) => 1 + list.iter().map(Self::size).sum::<usize>(),
            Self::Pose(_) => 2,
            _ => 1,
        }
    }

    /// The same value, if it is not too large to hold.
    pub(super) fn bounded(self) -> Result<Self, String> {
        if self.size() > limits::VALUE_SIZE || self.depth() > limits::VALUE_DEPTH {
            return Err("a string or list is too large".into());
        }
        Ok(self)
    }

    fn depth(&self) -> usize {
        match self {
            Self::List(list) => 1 + list.iter().map(Self::depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    pub(super) fn unary(self, operator: Unary) -> Result<Self, String> {
        match (operator, self) {
            (Unary::Not, Self::Bool(value)) => Ok(Self::Bool(!value)),
            (Unary::Minus, Self::Int(value)) => int(value.checked_neg()),
            (Unary::Minus, Self::Float(value)) => Ok(Self::Float(-value)),
            (Unary::Not, other) => Err(format!("'not' needs a bool, not {}", other.kind())),
            (Unary::Minus, other) => Err(format!("'-' needs a number, not {}", other.kind())),
        }
    }

    pub(super) fn binary(self, operator: Binary, right: Self) -> Result<Self, String> {
        use Binary as B;
        match operator {
            B::Equal => return Ok(Self::Bool(self.equals(&right))),
            B::Unequal => return Ok(Self::Bool(!self.equals(&right))),
            _ => {}
        }
        match (operator, self, right) {
            (B::And, Self::Bool(a), Self::Bool(b)) => Ok(Self::Bool(a && b)),
            (B::Or, Self::Bool(a), Self::Bool(b)) => Ok(Self::Bool(a || b)),
            (B::Xor, Self::Bool(a), Self::Bool(b)) => Ok(Self::Bool(a != b)),
            (B::Add, Self::Str(a), Self::Str(b)) => Self::Str(a + &b).bounded(),
            (B::Add, Self::Int(a), Self::Int(b)) => int(a.checked_add(b)),
            (B::Subtract, Self::Int(a), Self::Int(b)) => int(a.checked_sub(b)),
            (B::Multiply, Self::Int(a), Self::Int(b)) => int(a.checked_mul(b)),
            (B::Modulo, Self::Int(_), Self::Int(0)) => Err("division by zero".into()),
            (B::Modulo, Self::Int(a), Self::Int(b)) => int(a.checked_rem(b)),
            (operator, left, right) => match (left.as_f64(), right.as_f64()) {
                (Some(a), Some(b)) => numeric(operator, a, b),
                _ => Err(format!(
                    "'{}' does not apply to {} and {}",
                    operator.symbol(),
                    left.kind(),
                    right.kind()
                )),
            },
        }
    }

    /// Equal as the language sees it: an integer equals the float of the same value, and values of
    /// different types are not equal.
    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b))
            }
            _ => match (self.as_f64(), other.as_f64()) {
                (Some(a), Some(b)) => a == b,
                _ => self == other,
            },
        }
    }

    /// The element at an index.
    pub(super) fn at(&self, index: &Self) -> Result<Self, String> {
        let length = self.length().ok_or_else(|| format!("{} has no elements", self.kind()))?;
        let at = position(index, length)?;
        match self {
            Self::List(list) => list.get(at).cloned(),
            Self::Pose(numbers) => numbers.get(at).copied().map(Self::Float),
            _ => None,
        }
        .ok_or_else(|| format!("{} has no elements", self.kind()))
    }

    /// Puts a value at an index, or at indices of lists within lists.
    pub(super) fn put(&mut self, indices: &[Self], value: Self) -> Result<(), String> {
        let Some((first, rest)) = indices.split_first() else {
            *self = value;
            return Ok(());
        };
        match self {
            Self::List(list) => {
                let at = position(first, list.len())?;
                match list.get_mut(at) {
                    Some(element) => element.put(rest, value),
                    None => Ok(()),
                }
            }
            Self::Pose(numbers) if rest.is_empty() => {
                let at = position(first, numbers.len())?;
                let number = value
                    .as_f64()
                    .ok_or_else(|| format!("a pose holds numbers, not {}", value.kind()))?;
                if let Some(element) = numbers.get_mut(at) {
                    *element = number;
                }
                Ok(())
            }
            other => Err(format!("{} has no elements", other.kind())),
        }
    }

    /// Number of elements of a list or pose.
    fn length(&self) -> Option<usize> {
        match self {
            Self::List(list) => Some(list.len()),
            Self::Pose(numbers) => Some(numbers.len()),
            _ => None,
        }
    }
}

/// As `to_str` and messages show it: floats with up to six decimals.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(f, "None"),
            Self::Bool(true) => write!(f, "True"),
            Self::Bool(false) => write!(f, "False"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{}", decimals(*number)),
            Self::Str(text) => write!(f, "{text}"),
            Self::List(list) => {
                let parts: Vec<String> = list.iter().map(Self::to_string).collect();
                write!(f, "[{}]", parts.join(", "))
            }
            Self::Pose(numbers) => {
                write!(f, "p[{}]", numbers.map(decimals).join(", "))
            }
        }
    }
}

fn decimals(number: f64) -> String {
    let text = format!("{number:.6}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn position(index: &Value, length: usize) -> Result<usize, String> {
    let Value::Int(index) = index else {
        return Err(format!("an index must be an int, not {}", index.kind()));
    };
    usize::try_from(*index)
        .ok()
        .filter(|at| *at < length)
        .ok_or_else(|| format!("index {index} is outside of 0 to {}", length as i64 - 1))
}

fn int(result: Option<i32>) -> Result<Value, String> {
    result.map(Value::Int).ok_or_else(|| "an integer left the range of 32 bits".into())
}

fn numeric(operator: Binary, a: f64, b: f64) -> Result<Value, String> {
    let value = match operator {
        Binary::Add => Value::Float(a + b),
        Binary::Subtract => Value::Float(a - b),
        Binary::Multiply => Value::Float(a * b),
        Binary::Divide | Binary::Modulo if b == 0.0 => return Err("division by zero".into()),
        Binary::Divide => Value::Float(a / b),
        Binary::Modulo => Value::Float(a % b),
        Binary::Less => Value::Bool(a < b),
        Binary::LessOrEqual => Value::Bool(a <= b),
        Binary::Greater => Value::Bool(a > b),
        Binary::GreaterOrEqual => Value::Bool(a >= b),
        _ => return Err(format!("'{}' needs bools, not numbers", operator.symbol())),
    };
    Ok(value)
}
