use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::heads::Decode;
use super::policy::{Normalise, Widths};
use super::role_model::RoleModelOptions;
use crate::config::{Check, ConfigError};

/// What the user changed about each method: tables `[settings.<name>]` of an experiment, and
/// `--set`. Everything else is at its default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    overrides: BTreeMap<String, Table>,
}

impl Settings {
    /// Changes one key of one method. `file` says where it was written, for messages.
    pub fn set(
        &mut self,
        file: &str,
        method: &str,
        key: &str,
        value: Value,
    ) -> Result<(), ConfigError> {
        let mut table = self.overrides.get(method).cloned().unwrap_or_default();
        table.insert(key.to_owned(), value);
        super::methods::check(file, method, &table)?;
        self.overrides.insert(method.to_owned(), table);
        Ok(())
    }

    /// Changes all that a table `[settings.<method>]` says.
    pub fn extend(&mut self, file: &str, method: &str, table: &Table) -> Result<(), ConfigError> {
        table.iter().try_for_each(|(key, value)| self.set(file, method, key, value.clone()))
    }

    pub(super) fn of(&self, method: &str) -> Table {
        self.overrides.get(method).cloned().unwrap_or_default()
    }
}

/// The typed settings of a method, with its defaults.
pub trait Options: Clone + Serialize + DeserializeOwned {
    fn check(&self, check: &Checks<'_>) -> Result<(), ConfigError>;
}

/// Checks of one method's settings. Keys are named as in the file.
#[derive(Clone, Copy, Debug)]
pub struct Checks<'a> {
    pub file: &'a str,
    pub method: &'a str,
}

impl Checks<'_> {
    pub fn within(&self, key: &str, value: f64, low: f64, high: f64) -> Result<(), ConfigError> {
        Check { file: self.file }.within(&self.key(key), value, low, high)
    }

    pub fn count(
        &self,
        key: &str,
        value: usize,
        low: usize,
        high: usize,
    ) -> Result<(), ConfigError> {
        let valid = format_args!("must be from {low} to {high}");
        Check { file: self.file }.that((low..=high).contains(&value), &self.key(key), value, valid)
    }

    fn key(&self, key: &str) -> String {
        format!("settings.{}.{key}", self.method)
    }
}

/// Lays overrides onto defaults, key by key, so that a mistake is told with its key.
pub fn resolve<O: Options>(
    checks: Checks<'_>,
    defaults: O,
    overrides: &Table,
) -> Result<O, ConfigError> {
    let mut table = table_of(&defaults);
    let mut options = defaults;
    for (key, value) in overrides {
        let wrong =
            |valid: String| Check { file: checks.file }.error(&checks.key(key), value, valid);
        let Some(slot) = table.get_mut(key) else {
            let known: Vec<_> = table.keys().cloned().collect();
            return Err(wrong(match known.is_empty() {
                true => format!("'{}' has no settings", checks.method),
                false => format!("unknown key; valid are {}", known.join(", ")),
            }));
        };
        *slot = value.clone();
        options = table.clone().try_into().map_err(|e: toml::de::Error| {
            wrong(e.message().trim().replace('\n', " ").to_owned())
        })?;
    }
    options.check(&checks)?;
    Ok(options)
}

/// Key and value of every setting, in alphabetical order.
pub fn pairs<O: Options>(options: &O) -> Vec<(String, String)> {
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    table_of(options).into_iter().map(|(key, value)| (key, text(value))).collect()
}

pub fn table_of<O: Options>(options: &O) -> Table {
    // Settings are flat structs of numbers, booleans and unit enums, which TOML can always hold.
    Table::try_from(options).unwrap_or_default()
}

/// What every learner can be told.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Common {
    /// Adam's step size.
    pub lr: f64,
    /// Largest norm of a gradient.
    pub clip_norm: f64,
    /// Standard deviation of the Gaussian that an action becomes as a target, in bins; 0 is
    /// one-hot.
    pub target_sigma_bins: f64,
    /// Probability that exploration moves a bin drawn from the policy.
    pub explore_prob: f64,
    /// By how much, as a standard deviation in bins.
    pub explore_sigma_bins: f64,
    pub decode: Decode,
    pub normalise: Normalise,
    #[serde(flatten)]
    pub widths: Widths,
}

impl Default for Common {
    fn default() -> Self {
        Self {
            lr: 1e-3,
            clip_norm: 5.0,
            target_sigma_bins: 0.0,
            explore_prob: 0.0,
            explore_sigma_bins: 1.0,
            decode: Decode::Argmax,
            normalise: Normalise::Image,
            widths: Widths::default(),
        }
    }
}

impl Common {
    pub fn check(&self, check: &Checks<'_>) -> Result<(), ConfigError> {
        check.within("lr", self.lr, 1e-8, 1.0)?;
        check.within("clip_norm", self.clip_norm, 1e-6, 1e6)?;
        check.within("target_sigma_bins", self.target_sigma_bins, 0.0, 10.0)?;
        check.within("explore_prob", self.explore_prob, 0.0, 1.0)?;
        check.within("explore_sigma_bins", self.explore_sigma_bins, 0.0, 10.0)?;
        check.count("patch_width", self.widths.patch_width, 1, 1024)?;
        check.count("merge_width", self.widths.merge_width, 1, 1024)?;
        check.count("dense_width", self.widths.dense_width, 1, 4096)
    }
}

impl RoleModelOptions {
    pub fn check(&self, check: &Checks<'_>) -> Result<(), ConfigError> {
        check.count("window", self.window, 1, 1_000_000)?;
        check.within("radius", self.radius, 0.0, 1000.0)?;
        check.count("refresh_every", self.refresh_every, 1, 1_000_000)
    }
}
