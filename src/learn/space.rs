use std::fmt;
use std::ops::RangeInclusive;

use toml::Value;

/// The range of a numeric setting that is worth searching: `rmrl tune` draws from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    /// The setting's key, without its method.
    pub key: String,
    pub min: f64,
    pub max: f64,
    /// Every factor is equally likely, not every difference. `min` is above 0 then.
    pub log: bool,
    /// Whole numbers only, both ends included.
    pub integer: bool,
}

/// Where values are drawn evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    Linear,
    Log,
}

/// A type of number that a setting can have.
pub trait Number: Copy {
    const IS_INTEGER: bool;

    fn to_f64(self) -> f64;
}

impl Number for f64 {
    const IS_INTEGER: bool = false;

    fn to_f64(self) -> f64 {
        self
    }
}

impl Number for usize {
    const IS_INTEGER: bool = true;

    fn to_f64(self) -> f64 {
        self as f64
    }
}

impl Space {
    pub fn of<T: Number>(key: &str, range: &RangeInclusive<T>, scale: Scale) -> Self {
        Self {
            key: key.to_owned(),
            min: range.start().to_f64(),
            max: range.end().to_f64(),
            log: scale == Scale::Log,
            integer: T::IS_INTEGER,
        }
    }

    /// The value at this share of the range, from 0 to below 1. Numbers with a point are rounded to
    /// three digits: to be read, and finer than any comparison of learners can tell apart.
    pub fn at(&self, share: f64) -> Value {
        // A whole number owns the stretch up to the next one.
        let end = if self.integer { self.max + 1.0 } else { self.max };
        let value = if self.log {
            let (from, to) = (libm::log(self.min), libm::log(end));
            libm::exp(from + share * (to - from))
        } else {
            self.min + share * (end - self.min)
        };
        if self.integer {
            return Value::Integer(value.floor().clamp(self.min, self.max) as i64);
        }
        let rounded = format!("{value:.2e}").parse().unwrap_or(value);
        Value::Float(f64::clamp(rounded, self.min, self.max))
    }
}

/// As `--space` takes it: `lr=0.0001..0.01:log`.
impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, min, max, log, integer } = self;
        let text = |value: f64| match integer {
            true => value.to_string(),
            false => Value::Float(value).to_string(),
        };
        let log = if *log { ":log" } else { "" };
        write!(f, "{key}={}..{}{log}", text(*min), text(*max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn space(min: f64, max: f64, log: bool, integer: bool) -> Space {
        Space { key: "k".to_owned(), min, max, log, integer }
    }

    proptest! {
        #[test]
        fn what_is_drawn_lies_within_the_range(
            low in 1e-6..10.0f64, factor in 1.0..1e4f64, share in 0.0..1.0f64, log: bool, integer: bool
        ) {
            let (mut min, mut max) = (low, low * factor);
            if integer {
                (min, max) = (min.ceil(), max.ceil() + 1.0);
            }
            let value = space(min, max, log, integer).at(share);
            prop_assert_eq!(value.is_integer(), integer);
            let number = value.as_float().unwrap_or_else(|| value.as_integer().unwrap() as f64);
            prop_assert!((min..=max).contains(&number), "{} of {} to {}", number, min, max);
        }
    }

    #[test]
    fn whole_numbers_are_equally_likely_and_both_ends_come() {
        let dice = space(1.0, 6.0, false, true);
        let thrown: Vec<i64> =
            (0..600).map(|i| dice.at(f64::from(i) / 600.0).as_integer().unwrap()).collect();
        for face in 1..=6 {
            assert_eq!(thrown.iter().filter(|value| **value == face).count(), 100, "{face}");
        }
    }

    #[test]
    fn on_a_log_scale_the_middle_is_the_geometric_mean() {
        assert_eq!(space(1e-4, 1e-2, true, false).at(0.5), Value::Float(1e-3));
        assert_eq!(space(0.0, 1.0, false, false).at(0.5), Value::Float(0.5));
    }

    #[test]
    fn values_have_three_digits_to_read() {
        assert_eq!(space(1e-4, 1e-2, true, false).at(0.3).to_string(), "0.000398");
    }

    #[test]
    fn it_reads_as_the_command_line_takes_it() {
        assert_eq!(space(1e-4, 1e-2, true, false).to_string(), "k=0.0001..0.01:log");
        assert_eq!(space(0.0, 1.0, false, false).to_string(), "k=0.0..1.0");
        assert_eq!(space(2.0, 50.0, true, true).to_string(), "k=2..50:log");
    }
}
