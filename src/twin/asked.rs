//! One call of a program's function: its arguments, read and checked.

use super::script::{Args, Call, ThreadId, Value};

/// One call with its arguments.
pub struct Asked<'a> {
    pub thread: ThreadId,
    pub args: Args<'a>,
}

impl Asked<'_> {
    pub fn number(&self, at: usize, name: &str) -> Result<f64, String> {
        let value = self.args.get(at, name).ok_or_else(|| format!("{name} is missing"))?;
        let number = value.as_f64().filter(|n| n.is_finite());
        number.ok_or_else(|| format!("{name} must be a number, not {}", value.kind()))
    }

    pub fn number_or(&self, at: usize, name: &str, default: f64) -> Result<f64, String> {
        if self.args.get(at, name).is_none() { Ok(default) } else { self.number(at, name) }
    }

    /// An acceleration or a speed: without one above 0 no motion would ever end.
    pub fn positive_or(&self, at: usize, name: &str, default: f64) -> Result<f64, String> {
        let number = self.number_or(at, name, default)?;
        if number > 0.0 { Ok(number) } else { Err(format!("{name} must be above 0, not {number}")) }
    }

    /// How long a speed lasts, seconds; `t_min` is its older name.
    pub fn lasts_or(&self, at: usize, default: f64) -> Result<f64, String> {
        match self.args.get(usize::MAX, "t_min") {
            Some(_) => self.number(usize::MAX, "t_min"),
            None => self.number_or(at, "t", default),
        }
    }

    pub fn index(&self, at: usize, name: &str, count: usize) -> Result<usize, String> {
        let number = self.number(at, name)?;
        let whole = (number.fract() == 0.0 && number >= 0.0).then_some(number as usize);
        whole
            .filter(|index| *index < count)
            .ok_or_else(|| format!("{name} must be from 0 to {}", count - 1))
    }

    pub fn numbers<const N: usize>(&self, at: usize, name: &str) -> Result<[f64; N], String> {
        let value = self.args.get(at, name).ok_or_else(|| format!("{name} is missing"))?;
        let numbers = match value {
            Value::Pose(pose) => Some(pose.to_vec()),
            other => other.as_numbers(),
        };
        let numbers = numbers.and_then(|n| <[f64; N]>::try_from(n).ok());
        let finite = numbers.filter(|n| n.iter().all(|x| x.is_finite()));
        finite.ok_or_else(|| format!("{name} must be {N} numbers, not {}", value.kind()))
    }

    pub fn text(&self, at: usize, name: &str) -> Result<String, String> {
        match self.args.get(at, name) {
            Some(Value::Str(text)) => Ok(text.clone()),
            Some(other) => Ok(other.to_string()),
            None => Err(format!("{name} is missing")),
        }
    }

    pub fn flag(&self, at: usize, name: &str) -> Result<bool, String> {
        match self.args.get(at, name) {
            Some(Value::Bool(on)) => Ok(*on),
            Some(other) => Err(format!("{name} must be a bool, not {}", other.kind())),
            None => Err(format!("{name} is missing")),
        }
    }

    pub fn is_pose(&self, at: usize, name: &str) -> bool {
        matches!(self.args.get(at, name), Some(Value::Pose(_)))
    }
}

pub type Answer = Result<Call, String>;

pub fn owner(thread: ThreadId) -> Option<u64> {
    Some(u64::from(thread.0))
}

pub fn done(value: Value) -> Answer {
    Ok(Call::Done(value))
}

pub fn nothing() -> Answer {
    done(Value::None)
}

pub fn list(numbers: impl IntoIterator<Item = f64>) -> Value {
    Value::List(numbers.into_iter().map(Value::Float).collect())
}
