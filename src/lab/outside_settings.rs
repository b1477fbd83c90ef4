use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::input::{Check, ConfigError};
use crate::learn::Space;

/// One setting as a program declares it: a number from `min` to `max`, one of `choices`, or true or
/// false, as its default is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Setting {
    default: Value,
    /// One sentence, with the unit.
    about: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    /// What matters is the factor between two values.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    log: bool,
    /// Whole numbers only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    integer: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    choices: Vec<String>,
}

/// By name.
pub(super) type Settings = BTreeMap<String, Setting>;

/// What an answer to hello declares.
pub(super) fn declared(
    answer: serde_json::Map<String, serde_json::Value>,
) -> Result<Settings, String> {
    let setting = |(name, said): (String, serde_json::Value)| {
        let wrong = |why: String| format!("settings.{name}: {why}");
        let plain =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        if !plain {
            return Err(wrong("a name is letters, digits, '-' and '_'".to_owned()));
        }
        let setting: Setting = serde_json::from_value(said).map_err(|e| wrong(e.to_string()))?;
        setting.check().map_err(wrong)?;
        Ok((name, setting))
    };
    answer.into_iter().map(setting).collect()
}

/// Every setting: as the user gave it, or else its default.
pub(super) fn resolve(
    check: &Check<'_>,
    method: &str,
    settings: &Settings,
    given: &Table,
) -> Result<Table, ConfigError> {
    let mut all: Table =
        settings.iter().map(|(key, setting)| (key.clone(), setting.default.clone())).collect();
    for (key, value) in given {
        let wrong = |valid: String| check.error(&format!("{method}.{key}"), value, valid);
        let Some(setting) = settings.get(key) else {
            return Err(wrong(match settings.is_empty() {
                true => format!("'{method}' has no settings"),
                false => {
                    let known: Vec<_> = settings.keys().cloned().collect();
                    format!("unknown key; valid are {}", known.join(", "))
                }
            }));
        };
        let told = setting
            .told(value)
            .ok_or_else(|| wrong(format!("must be {} ({})", setting.valid(), setting.about)))?;
        all.insert(key.clone(), told);
    }
    Ok(all)
}

/// Where `rmrl tune` draws from: the whole range of every number.
pub(super) fn spaces(settings: &Settings) -> Vec<Space> {
    let space = |(key, setting): (&String, &Setting)| {
        let Setting { min, max, log, integer, .. } = *setting;
        Some(Space { key: key.clone(), min: min?, max: max?, log, integer })
    };
    settings.iter().filter_map(space).collect()
}

impl Setting {
    /// Says what is wrong with a declaration.
    fn check(&self) -> Result<(), String> {
        let plain = !self.log && !self.integer;
        let sound = match (&self.default, self.min, self.max, &self.choices[..]) {
            (Value::Integer(_) | Value::Float(_), Some(min), Some(max), []) => {
                min < max && (!self.log || min > 0.0)
            }
            (Value::String(_), None, None, [_, ..]) | (Value::Boolean(_), None, None, []) => plain,
            _ => false,
        };
        if !sound {
            return Err(
                "must be a number with `min` and a greater `max` (both above 0 with `log`), a \
                        word with `choices`, or true or false"
                    .to_owned(),
            );
        }
        match self.told(&self.default) {
            Some(_) => Ok(()),
            None => Err(format!("the default {} must be {}", self.default, self.valid())),
        }
    }

    /// A valid value; a number as the kind of number that it is.
    fn told(&self, value: &Value) -> Option<Value> {
        match (&self.default, value) {
            (Value::Boolean(_), Value::Boolean(_)) => Some(value.clone()),
            (Value::String(_), Value::String(word)) => {
                self.choices.contains(word).then(|| value.clone())
            }
            (Value::Integer(_) | Value::Float(_), _) => {
                let number = number(value)?;
                let within = self.min? <= number && number <= self.max?;
                match (within, self.integer) {
                    (true, false) => Some(Value::Float(number)),
                    (true, true) if number.fract() == 0.0 => Some(Value::Integer(number as i64)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn valid(&self) -> String {
        let whole = if self.integer { "a whole number " } else { "" };
        match (&self.default, self.min, self.max) {
            (Value::Boolean(_), ..) => "true or false".to_owned(),
            (Value::String(_), ..) => format!("one of {}", self.choices.join(", ")),
            (_, Some(min), Some(max)) => format!("{whole}from {min} to {max}"),
            _ => String::new(),
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    match *value {
        Value::Integer(whole) => Some(whole as f64),
        Value::Float(number) => Some(number),
        _ => None,
    }
}
