use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::{Check, ConfigError, Source, dirt, parse_toml};
use crate::learn::{self, Settings};
use crate::task::TaskSpec;

/// An experiment file: the task, who competes, how long, and how it is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Names the output folder: letters, digits, `-` and `_`.
    pub name: String,
    /// One line for `--help` and the report.
    pub summary: String,
    /// Scene that methods train on: an embedded name or a TOML file.
    pub scene: String,
    /// Robot: an embedded name or a TOML file.
    pub robot: String,
    /// Methods in the order of the report.
    pub methods: Vec<String>,
    /// Physical trials a run, prior trials included.
    pub trials: u64,
    /// Trials between two rounds of learning.
    pub batch: u64,
    /// How many seeds.
    pub seeds: u64,
    /// The first of them; tuning uses seeds from 1001 on.
    #[serde(default = "one")]
    pub first_seed: u64,
    pub evaluation: Evaluation,
    pub task: TaskSpec,
    #[serde(default)]
    pub physics: Physics,
    /// Method options that differ from their defaults, by method.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Table>,
    /// Where all that was read from.
    #[serde(skip)]
    pub source: Source,
}

/// How a policy is judged: greedily, on trials that nothing is learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Training trials between two checkpoints.
    pub every: u64,
    /// Trials a checkpoint, in-scene and as many held-out.
    pub trials: u64,
    /// Scene of the final demonstration.
    pub shelf_scene: String,
    /// Placements of the final demonstration; 0 leaves it out.
    pub shelf_trials: u64,
}

/// Step size and solver effort of the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Physics {
    /// Length of a step, ms.
    pub dt_ms: f64,
    /// Solver iterations a step.
    pub iterations: usize,
}

impl Default for Physics {
    fn default() -> Self {
        Self { dt_ms: 2.0, iterations: 4 }
    }
}

fn one() -> u64 {
    1
}

/// The experiments that are built into the binary: name and text.
pub const EMBEDDED: [(&str, &str); 5] = [
    ("narrow", include_str!("../../experiments/narrow.toml")),
    ("wide", include_str!("../../experiments/wide.toml")),
    ("smoke", include_str!("../../experiments/smoke.toml")),
    ("randomised", include_str!("../../experiments/randomised.toml")),
    ("drift", include_str!("../../experiments/drift.toml")),
];

impl Experiment {
    /// Reads an embedded experiment by name, or a TOML file by its path, applies `--set`
    /// options (`task.bins=9`, `ppo.lr=1e-3`) in order, and validates the whole.
    pub fn open(name_or_path: &str, sets: &[String]) -> Result<Self, ConfigError> {
        let (file, text) = read(name_or_path)?;
        let mut experiment: Self = parse_toml(&file, &text)?;
        experiment.validate(&file)?;
        for set in sets {
            experiment = experiment.with(set)?;
        }
        let file = if sets.is_empty() { file } else { format!("{file} with --set") };
        experiment.validate(&file)?;
        experiment.settings = experiment.resolved_settings()?;
        experiment.source = Source::of(&file);
        Ok(experiment)
    }

    /// Every option of every method that takes part, defaults too: what is stored says all.
    fn resolved_settings(&self) -> Result<BTreeMap<String, Table>, ConfigError> {
        let options = self.options(&self.name)?;
        let of = |name: &String| Ok((name.clone(), learn::resolved_settings(name, &options)?));
        self.methods.iter().map(of).collect()
    }

    /// The seeds of the experiment in order.
    pub fn seeds(&self) -> impl Iterator<Item = u64> + use<> {
        self.first_seed..self.first_seed + self.seeds
    }

    /// The options that the file and `--set` give to methods.
    ///
    /// # Errors
    /// For an unknown option or a value out of range; none after [`open`](Self::open).
    pub fn options(&self, file: &str) -> Result<Settings, ConfigError> {
        let mut options = Settings::default();
        for (method, table) in &self.settings {
            options.extend(file, method, table)?;
        }
        Ok(options)
    }

    /// As TOML text: every key, so that two experiments are equal if their texts are.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("an experiment is plain data")
    }

    fn with(&self, set: &str) -> Result<Self, ConfigError> {
        let wrong = |valid: &str| ConfigError {
            file: "--set".into(),
            key: set.split('=').next().unwrap_or(set).into(),
            value: set.split_once('=').map_or("", |(_, v)| v).into(),
            valid: valid.into(),
        };
        let (key, value) = set
            .split_once('=')
            .ok_or_else(|| wrong("must be KEY=VALUE, for instance task.bins=9 or ppo.lr=1e-3"))?;
        let mut path: Vec<&str> = key.trim().split('.').collect();
        if path.iter().any(|part| part.is_empty()) {
            return Err(wrong("the key has an empty part"));
        }
        if learn::names().contains(&path[0]) {
            path.insert(0, "settings");
        }
        let table = Table::try_from(self).map_err(|e| wrong(&e.to_string()))?;
        let table = inserted(table, &path, parse_value(value.trim()))
            .ok_or_else(|| wrong("the key goes through something that is not a table"))?;
        Self::deserialize(table).map_err(|e| wrong(e.message()))
    }

    fn validate(&self, file: &str) -> Result<(), ConfigError> {
        let check = Check { file };
        let name_ok = !self.name.is_empty()
            && self.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        check.that(name_ok, "name", &self.name, "must be letters, digits, '-' and '_'")?;
        check.that(!self.methods.is_empty(), "methods", "[]", "must name at least one method")?;
        for (at, method) in self.methods.iter().enumerate() {
            known_method(&check, "methods", method)?;
            check.that(
                !self.methods[..at].contains(method),
                "methods",
                method,
                "must name each method once",
            )?;
        }
        count(&check, "trials", self.trials, 1_000_000)?;
        count(&check, "batch", self.batch, 10_000)?;
        count(&check, "seeds", self.seeds, 10_000)?;
        check.that(
            self.first_seed <= 1_000_000_000,
            "first_seed",
            self.first_seed,
            "must be at most 1000000000",
        )?;
        count(&check, "evaluation.every", self.evaluation.every, 1_000_000)?;
        check.that(
            self.evaluation.every.is_multiple_of(self.batch),
            "evaluation.every",
            self.evaluation.every,
            format_args!("must be a multiple of batch = {}", self.batch),
        )?;
        count(&check, "evaluation.trials", self.evaluation.trials, 100_000)?;
        check.that(
            self.evaluation.shelf_trials <= 100_000,
            "evaluation.shelf_trials",
            self.evaluation.shelf_trials,
            "must be at most 100000",
        )?;
        check.within("physics.dt_ms", self.physics.dt_ms, 0.05, 8.0)?;
        count(&check, "physics.iterations", self.physics.iterations as u64, 64)?;
        validate_task(&check, &self.task)?;
        for method in self.settings.keys() {
            known_method(&check, "settings", method)?;
        }
        let options = self.options(file)?;
        for method in &self.methods {
            let prior = learn::card(method, &options)?.prior_trials;
            let valid = format_args!("must be fewer than trials = {}", self.trials);
            let key = format!("settings.{method}.prior_trials");
            check.that(prior < self.trials, &key, prior, valid)?;
            let valid = format_args!("must be a multiple of batch = {}", self.batch);
            check.that(prior.is_multiple_of(self.batch), &key, prior, valid)?;
        }
        Ok(())
    }
}

fn validate_task(check: &Check<'_>, task: &TaskSpec) -> Result<(), ConfigError> {
    check.within("task.range.mm", task.range.mm, 0.1, 20.0)?;
    check.within("task.range.deg", task.range.deg, 0.1, 20.0)?;
    check.that((2..=201).contains(&task.bins), "task.bins", task.bins, "must be from 2 to 201")?;
    count(check, "task.scene_instances", task.scene_instances as u64, 100_000)?;
    count(check, "task.held_out_instances", task.held_out_instances as u64, 100_000)?;
    for (key, noise) in [
        ("task.jitter", task.jitter),
        ("task.actuation", task.actuation),
        ("task.measurement", task.measurement),
    ] {
        check.within(&format!("{key}.mm"), noise.mm, 0.0, 5.0)?;
        check.within(&format!("{key}.deg"), noise.deg, 0.0, 5.0)?;
    }
    check.within("task.camera", task.camera, 0.0, 128.0)?;
    check.within("task.lighting", task.lighting, 0.0, 0.9)?;
    dirt::validate(check, task)
}

fn count(check: &Check<'_>, key: &str, value: u64, most: u64) -> Result<(), ConfigError> {
    check.that((1..=most).contains(&value), key, value, format_args!("must be from 1 to {most}"))
}

fn known_method(check: &Check<'_>, key: &str, name: &str) -> Result<(), ConfigError> {
    let known = learn::names();
    check.that(
        known.contains(&name),
        key,
        format_args!("\"{name}\""),
        format_args!("must be one of {}", known.join(", ")),
    )
}

fn read(name_or_path: &str) -> Result<(String, String), ConfigError> {
    if let Some((name, text)) = EMBEDDED.iter().find(|(name, _)| *name == name_or_path) {
        return Ok((format!("experiments/{name}.toml"), (*text).to_owned()));
    }
    let names: Vec<&str> = EMBEDDED.iter().map(|(name, _)| *name).collect();
    let wrong = |why: String| ConfigError {
        file: name_or_path.into(),
        key: "EXPERIMENT".into(),
        value: format!("\"{name_or_path}\""),
        valid: format!("{why}; must be a TOML file or one of {}", names.join(", ")),
    };
    if Path::new(name_or_path).extension().is_none_or(|e| e != "toml") {
        return Err(wrong("no such experiment".into()));
    }
    let text = std::fs::read_to_string(name_or_path).map_err(|e| wrong(e.to_string()))?;
    Ok((name_or_path.to_owned(), text))
}

/// A TOML value, or else the text itself: `--set scene=shelf` needs no quotes.
fn parse_value(text: &str) -> Value {
    format!("v = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| (table.len() == 1).then(|| table.remove("v")).flatten())
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

fn inserted(mut table: Table, path: &[&str], value: Value) -> Option<Table> {
    let (key, rest) = path.split_first()?;
    let value = if rest.is_empty() {
        widened(table.get(*key), value)
    } else {
        let inner = match table.remove(*key) {
            None => Table::new(),
            Some(Value::Table(inner)) => inner,
            Some(_) => return None,
        };
        Value::Table(inserted(inner, rest, value)?)
    };
    table.insert((*key).to_owned(), value);
    Some(table)
}

/// `--set task.range.mm=5` means 5.0 where a number with a point stood.
fn widened(old: Option<&Value>, new: Value) -> Value {
    match (old, new) {
        (Some(Value::Float(_)), Value::Integer(whole)) => Value::Float(whole as f64),
        (_, new) => new,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(text: &str) -> Result<Experiment, ConfigError> {
        Experiment::open("narrow", &[text.to_owned()])
    }

    #[test]
    fn every_embedded_experiment_is_valid_and_carries_its_name() {
        for (name, _) in EMBEDDED {
            assert_eq!(Experiment::open(name, &[]).unwrap().name, name);
        }
    }

    #[test]
    fn an_experiment_survives_being_written_and_read() {
        let experiment = set("ppo.lr=0.002").unwrap();
        let text = experiment.to_toml();
        assert_eq!(parse_toml::<Experiment>("written", &text).unwrap(), experiment);
    }

    #[test]
    fn set_reaches_task_keys_and_method_options() {
        assert_eq!(set("task.bins=9").unwrap().task.bins, 9);
        assert_eq!(set("task.range.mm=5").unwrap().task.range.mm, 5.0);
        assert_eq!(set("scene=shelf").unwrap().scene, "shelf");
        let lr = set("ppo.lr=1e-4").unwrap().settings["ppo"]["lr"].as_float();
        assert_eq!(lr, Some(1e-4));
    }

    #[test]
    fn bad_settings_name_key_value_and_what_is_valid() {
        for (bad, key, valid) in [
            ("task.bims=9", "task.bims", "bins"),
            ("task.bins=1", "task.bins", "2 to 201"),
            ("task.bins=lots", "task.bins", "usize"),
            ("trials=0", "trials", "from 1"),
            ("trials=-3", "trials", "-3"),
            ("task.range.mm=nan", "task.range.mm", "from 0.1"),
            ("evaluation.every=30", "evaluation.every", "multiple of batch"),
            ("methods=[\"ppoo\"]", "methods", "rm-rl"),
            ("trials", "trials", "KEY=VALUE"),
            ("trials.x=1", "trials.x", "not a table"),
        ] {
            let error = set(bad).unwrap_err();
            assert_eq!(error.key, key, "{bad}: {error}");
            assert!(error.to_string().contains(valid), "{bad}: {error}");
        }
    }

    #[test]
    fn an_unknown_experiment_is_answered_with_the_known_ones() {
        let error = Experiment::open("narow", &[]).unwrap_err();
        assert!(error.to_string().contains("narrow, wide, smoke"), "{error}");
    }

    proptest! {
        #[test]
        fn no_set_option_makes_the_parser_panic(text in "\\PC{0,30}(=\\PC{0,20})?") {
            let _ = set(&text);
        }

        #[test]
        fn no_mangled_file_makes_the_parser_panic(at in any::<prop::sample::Index>(), with in "\\PC{0,8}") {
            let text = EMBEDDED[0].1;
            let cuts: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
            let cut = cuts[at.index(cuts.len())];
            let mangled = format!("{}{with}{}", &text[..cut], &text[(cut + 1).min(text.len())..]);
            let _ = parse_toml::<Experiment>("mangled", &mangled).map(|e| e.validate("mangled"));
        }
    }
}
