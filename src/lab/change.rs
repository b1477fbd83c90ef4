use std::fmt;
use std::path::Path;

use serde::Deserialize;
use toml::{Table, Value};

use super::experiment_file::File;
use super::outside;
use crate::input::ConfigError;
use crate::learn;

/// A change of one key of an experiment, and the flag that the user typed for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    flag: &'static str,
    /// As in the file: `settings.ppo.lr`.
    path: Vec<String>,
    value: Value,
    /// As the user wrote it.
    text: String,
}

impl Change {
    /// `--set KEY=VALUE`, for instance `task.bins=9` or `ppo.lr=1e-3`.
    pub fn set(set: &str) -> Result<Self, ConfigError> {
        Self::said("--set", set)
    }

    /// The same, said with another flag.
    pub fn said(flag: &'static str, set: &str) -> Result<Self, ConfigError> {
        let wrong = |valid: &str| ConfigError {
            file: flag.into(),
            key: set.split('=').next().unwrap_or(set).into(),
            value: set.split_once('=').map_or("", |(_, v)| v).into(),
            valid: valid.into(),
        };
        let (key, value) = set
            .split_once('=')
            .ok_or_else(|| wrong("must be KEY=VALUE, for instance task.bins=9 or ppo.lr=1e-3"))?;
        let mut path: Vec<String> = key.trim().split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(wrong("the key has an empty part"));
        }
        if learn::names().contains(&path[0]) {
            path.insert(0, "settings".to_owned());
        }
        Ok(Self { flag, path, value: parse_value(value.trim()), text: set.to_owned() })
    }

    /// What a flag of its own says of a top-level key.
    pub fn flag_of(flag: &'static str, key: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        Self { flag, path: vec![key.to_owned()], text: value.to_string(), value }
    }

    pub fn key(&self) -> String {
        self.path.join(".")
    }

    pub fn flag(&self) -> &'static str {
        self.flag
    }

    pub(super) fn apply(&self, file: &File) -> Result<File, ConfigError> {
        let wrong = |valid: &str| ConfigError {
            file: self.flag.into(),
            key: self.key(),
            value: self.value.to_string(),
            valid: valid.into(),
        };
        let table = Table::try_from(file).map_err(|e| wrong(&e.to_string()))?;
        let mut path = self.path.clone();
        if file.outside.contains_key(&path[0]) || file.variants.contains_key(&path[0]) {
            path.insert(0, "settings".to_owned());
        }
        let mut table = inserted(table, &path, self.value.clone())
            .ok_or_else(|| wrong("the key goes through something that is not a table"))?;
        // On the command line paths start from the working directory.
        outside::sort_out(&mut table, Path::new(".")).map_err(|why| wrong(&why))?;
        File::deserialize(table).map_err(|e| wrong(e.message()))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.flag, self.text)
    }
}

/// A TOML value, or else the text itself: `--set scene=shelf` needs no quotes.
fn parse_value(text: &str) -> Value {
    format!("v = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| (table.len() == 1).then(|| table.remove("v")).flatten())
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

fn inserted(mut table: Table, path: &[String], value: Value) -> Option<Table> {
    let (key, rest) = path.split_first()?;
    let value = if rest.is_empty() {
        widened(table.get(key), value)
    } else {
        let inner = match table.remove(key) {
            None => Table::new(),
            Some(Value::Table(inner)) => inner,
            Some(_) => return None,
        };
        Value::Table(inserted(inner, rest, value)?)
    };
    table.insert(key.clone(), value);
    Some(table)
}

/// `--set task.range.mm=5` means 5.0 where a number with a point stood.
fn widened(old: Option<&Value>, new: Value) -> Value {
    match (old, new) {
        (Some(Value::Float(_)), Value::Integer(whole)) => Value::Float(whole as f64),
        (_, new) => new,
    }
}
