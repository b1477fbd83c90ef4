//! Methods of an experiment's own: a known method with other settings, under a name of its own. For ablations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Table;

use super::Begins;
use crate::input::{Check, ConfigError};
use crate::learn::{self, Entry};

/// A method with other settings. What it does not say, it takes from the method's settings in the same
/// experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Variant {
    /// The method that it is, by name.
    pub method: String,
    /// One line for people; the method's own, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What it begins with, of the experiment's `[simulation]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Begins>,
    /// Settings that differ from those of the method.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub settings: Table,
}

/// By name.
pub(super) type Variants = BTreeMap<String, Variant>;

impl Variant {
    pub fn validate(&self, check: &Check<'_>, name: &str) -> Result<(), ConfigError> {
        let key = format!("variants.{name}");
        let plain =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        check.that(plain, &key, name, "must be letters, digits, '-' and '_'")?;
        let free = !learn::names().iter().any(|known| known == name);
        check.that(free, &key, name, "is the name of a built-in method")?;
        learn::find(check.file, &format!("{key}.method"), &self.method).map(drop)
    }

    /// The method under this name.
    pub fn entry(&self, check: &Check<'_>, name: &str) -> Result<Entry, ConfigError> {
        let method = learn::find(check.file, &format!("variants.{name}.method"), &self.method)?;
        Ok(method.under(name, self.summary.as_deref(), None, &Table::new()))
    }

    /// All settings that are given: the method's, its own, and `said` of it by name, the last one first.
    pub fn given(&self, of_method: Option<&Table>, said: Option<&Table>) -> Table {
        let layers = [of_method, Some(&self.settings), said];
        let pairs = layers.into_iter().flatten().flat_map(Table::iter);
        pairs.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}
