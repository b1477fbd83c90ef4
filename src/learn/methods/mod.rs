//! The methods that are compared, one file each, and their registry.

#[cfg(test)]
mod contract;
mod no_correction;
mod oracle;
mod ppo;
mod reinforce;
mod rm_rl;
mod rm_rl_online;
mod rm_rl_pretrained;
mod true_labels;

use toml::Table;

use super::settings::{Checks, Options, Settings, pairs, resolve, table_of};
use super::{Card, LearnError, Method};
use crate::config::ConfigError;
use crate::task::{ActionGrid, Streams};

/// A method as the registry knows it.
trait Recipe {
    type Settings: Options;
    const NAME: &'static str;

    fn defaults() -> Self::Settings;
    fn describe(settings: &Self::Settings) -> Card;
    fn build(
        settings: Self::Settings,
        grid: ActionGrid,
        streams: Streams,
    ) -> Result<Box<dyn Method>, LearnError>;
}

type Pairs = Vec<(String, String)>;
type Built = Result<Box<dyn Method>, ConfigError>;

struct Entry {
    name: &'static str,
    check: fn(&str, &Table) -> Result<(), ConfigError>,
    table: fn(&Table) -> Result<Table, ConfigError>,
    card: fn(&Table) -> Result<Card, ConfigError>,
    pairs: fn(&Table) -> Result<Pairs, ConfigError>,
    build: fn(&Table, ActionGrid, Streams) -> Built,
}

const ENTRIES: [Entry; 8] = [
    entry::<no_correction::NoCorrection>(),
    entry::<oracle::Oracle>(),
    entry::<true_labels::TrueLabels>(),
    entry::<reinforce::Reinforce>(),
    entry::<ppo::Ppo>(),
    entry::<rm_rl_online::RmRlOnline>(),
    entry::<rm_rl::RmRl>(),
    entry::<rm_rl_pretrained::RmRlPretrained>(),
];

const NAMES: [&str; ENTRIES.len()] = {
    let mut names = [""; ENTRIES.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = ENTRIES[i].name;
        i += 1;
    }
    names
};

/// All methods, references first.
pub fn names() -> &'static [&'static str] {
    &NAMES
}

/// What a method is and may see, with these settings.
pub fn card(name: &str, settings: &Settings) -> Result<Card, ConfigError> {
    (find("", name)?.card)(&settings.of(name))
}

/// Every setting of a method with its resolved value.
pub fn settings_as_pairs(name: &str, settings: &Settings) -> Result<Pairs, ConfigError> {
    (find("", name)?.pairs)(&settings.of(name))
}

/// The same as a table: an experiment file that holds it depends on no default.
pub fn resolved_settings(name: &str, settings: &Settings) -> Result<Table, ConfigError> {
    (find("", name)?.table)(&settings.of(name))
}

/// A method ready to act.
pub fn build(
    name: &str,
    settings: &Settings,
    grid: ActionGrid,
    streams: Streams,
) -> Result<Box<dyn Method>, ConfigError> {
    (find("", name)?.build)(&settings.of(name), grid, streams)
}

/// Whether a method can be set so.
pub(super) fn check(file: &str, name: &str, table: &Table) -> Result<(), ConfigError> {
    (find(file, name)?.check)(file, table)
}

fn find(file: &str, name: &str) -> Result<&'static Entry, ConfigError> {
    ENTRIES.iter().find(|entry| entry.name == name).ok_or_else(|| ConfigError {
        file: if file.is_empty() { "methods" } else { file }.to_owned(),
        key: "method".to_owned(),
        value: name.to_owned(),
        valid: format!("must be one of {}", NAMES.join(", ")),
    })
}

const fn entry<R: Recipe>() -> Entry {
    Entry {
        name: R::NAME,
        check: |file, table| resolved::<R>(file, table).map(drop),
        table: |table| Ok(table_of(&resolved::<R>("", table)?)),
        card: |table| Ok(R::describe(&resolved::<R>("", table)?)),
        pairs: |table| Ok(pairs(&resolved::<R>("", table)?)),
        build: |table, grid, streams| {
            R::build(resolved::<R>("", table)?, grid, streams).map_err(|error| ConfigError {
                file: "methods".to_owned(),
                key: R::NAME.to_owned(),
                value: table.to_string(),
                valid: format!("cannot be built: {error}"),
            })
        },
    }
}

fn resolved<R: Recipe>(file: &str, table: &Table) -> Result<R::Settings, ConfigError> {
    resolve(Checks { file, method: R::NAME }, R::defaults(), table)
}
