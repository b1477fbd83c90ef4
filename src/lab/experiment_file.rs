use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::variants::Variants;
use super::{Experiment, Given, Simulation, outside};
use crate::config::Physics;
use crate::input::{Check, ConfigError, anchored, lay_onto, parse_toml};
use crate::report::{Contrast, MOST_CONTRASTS};
use crate::task::TaskSpec;

/// An experiment as it is written. `extends = "narrow"` takes every key that the file does not say
/// from another experiment; paths are relative to the file that names them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Of a file that extends another: its stem, unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Unless said, made from the task's figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    pub scene: String,
    pub robot: String,
    #[serde(deserialize_with = "outside::names")]
    pub methods: Vec<String>,
    pub trials: u64,
    pub batch: u64,
    pub seeds: u64,
    #[serde(default = "one")]
    pub first_seed: u64,
    pub evaluation: Evaluation,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub demonstration: Vec<Demonstration>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contrast: Vec<Contrast>,
    /// Methods that the pictures show, where all would bury each other; the tables have all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<String>,
    pub task: TaskSpec,
    #[serde(default)]
    pub physics: Physics,
    /// Trials in the simulation that some of the variants begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulation: Option<Simulation>,
    /// What `train` was given to begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Given>,
    /// Those of the methods that are programs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outside: outside::All,
    /// Known methods with other settings, under names of their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variants: Variants,
    /// Method options that differ from their defaults, by method.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Table>,
}

/// How a policy is judged: greedily, on trials that nothing is learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Training trials between two checkpoints.
    pub every: u64,
    /// Checkpoints besides, after so many trials: where learning is fast.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<u64>,
    /// Trials a checkpoint, in-scene and as many held-out.
    pub trials: u64,
    /// Older spelling of the first demonstration's scene.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shelf_scene: Option<String>,
    /// Older spelling of its trials; 0 leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shelf_trials: Option<u64>,
}

/// What a trained policy is shown on at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demonstration {
    /// A built-in name or a TOML file.
    pub scene: String,
    /// Greedy placements.
    pub trials: u64,
}

fn one() -> u64 {
    1
}

impl File {
    /// The demonstrations, whichever way they are spelled.
    pub fn demonstrations(&self) -> Vec<Demonstration> {
        let mut all = self.demonstration.clone();
        let Evaluation { shelf_scene, shelf_trials, .. } = &self.evaluation;
        if shelf_scene.is_some() || shelf_trials.is_some() {
            if all.is_empty() {
                all.push(Demonstration { scene: "shelf".to_owned(), trials: 0 });
            }
            let first = &mut all[0];
            first.scene = shelf_scene.clone().unwrap_or_else(|| first.scene.clone());
            first.trials = shelf_trials.unwrap_or(first.trials);
            all.retain(|demonstration| demonstration.trials > 0);
        }
        all
    }

    pub fn validate(
        &self,
        check: &Check<'_>,
        demonstrations: &[Demonstration],
    ) -> Result<(), ConfigError> {
        let name = self.name.as_deref().unwrap_or_default();
        let name_ok =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        check.that(name_ok, "name", name, "must be letters, digits, '-' and '_'")?;
        check.count("trials", self.trials, 1_000_000)?;
        check.count("batch", self.batch, 10_000)?;
        check.count("seeds", self.seeds, 10_000)?;
        check.that(
            self.first_seed <= 1_000_000_000,
            "first_seed",
            self.first_seed,
            "must be at most 1000000000",
        )?;
        check.count("evaluation.every", self.evaluation.every, 1_000_000)?;
        check.that(
            self.evaluation.every.is_multiple_of(self.batch),
            "evaluation.every",
            self.evaluation.every,
            format_args!("must be a multiple of batch = {}", self.batch),
        )?;
        for at in &self.evaluation.also {
            check.that(
                *at > 0 && at.is_multiple_of(self.batch),
                "evaluation.also",
                at,
                format_args!("must be multiples of batch = {}", self.batch),
            )?;
        }
        check.count("evaluation.trials", self.evaluation.trials, 100_000)?;
        for (at, Demonstration { scene, trials }) in demonstrations.iter().enumerate() {
            check.count(&format!("demonstration.trials of {scene}"), *trials, 100_000)?;
            let once = demonstrations[..at].iter().all(|other| other.scene != *scene);
            check.that(once, "demonstration.scene", scene, "must be named once")?;
        }
        check.that(
            self.contrast.len() <= MOST_CONTRASTS,
            "contrast",
            self.contrast.len(),
            format_args!("must be at most {MOST_CONTRASTS}: each makes the others harder to show"),
        )?;
        for contrast in &self.contrast {
            if let Some((figure, known)) = contrast.unknown_figure() {
                let valid = format!("must be one of {}", known.join(", "));
                return Err(check.error("contrast.figure", format!("\"{figure}\""), valid));
            }
            if let Some((key, known)) = contrast.unknown_key() {
                let valid = format!("must be one of {}", known.join(", "));
                return Err(check.error("contrast.published", format!("\"{key}\""), valid));
            }
        }
        if let Some(simulation) = &self.simulation {
            simulation.validate(check, &self.task)?;
        }
        for (name, _) in self.variants.iter().filter(|(_, variant)| variant.start.is_some()) {
            let key = format!("variants.{name}.start");
            check.that(self.simulation.is_some(), &key, "given", "needs a section [simulation]")?;
        }
        self.physics.validate(check)
    }
}

/// Reads a built-in experiment, or a file and what it extends: where it was read from, and all its
/// keys. What it names by a path is found from that file's folder.
pub(super) fn read(name_or_path: &str) -> Result<(String, Table), ConfigError> {
    read_within(name_or_path, None, &mut Vec::new())
}

fn read_within(
    name_or_path: &str,
    folder: Option<&Path>,
    seen: &mut Vec<String>,
) -> Result<(String, Table), ConfigError> {
    let (source, folder, text) = text_of(name_or_path, folder)?;
    let check = Check { file: &source };
    check.that(!seen.contains(&source), "extends", name_or_path, "must not lead back to itself")?;
    let mut table: Table = parse_toml(&source, &text)?;
    if !table.contains_key("extends") {
        // Told with its line, which is lost later on.
        parse_toml::<File>(&source, &text)?;
    }
    if let Some(folder) = &folder {
        outside::sort_out(&mut table, folder).map_err(|why| check.error("methods", "", why))?;
        for_each_path(&mut table, |path| *path = anchored(folder, path));
    }
    let Some(base) = table.remove("extends") else { return Ok((source, table)) };
    let Value::String(base) = base else {
        return Err(check.error("extends", base, "must be a built-in experiment or a TOML file"));
    };
    seen.push(source.clone());
    let (_, mut whole) = read_within(&base, folder.as_deref(), seen)?;
    whole.remove("summary");
    let stem = Path::new(name_or_path).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    whole.insert("name".to_owned(), Value::String(stem.unwrap_or_default()));
    lay_onto(&mut whole, table);
    Ok((source, whole))
}

/// All keys, typed.
pub(super) fn typed(source: &str, table: Table) -> Result<File, ConfigError> {
    File::deserialize(table).map_err(|error| {
        let said = error.to_string().trim().replace('\n', " ");
        Check { file: source }.error("the whole, with what it extends", "", said)
    })
}

/// What is still relative was named on the command line.
pub(super) fn anchor_to_working_directory(file: &mut File) {
    let here = Path::new("");
    let paths = [&mut file.scene, &mut file.robot].into_iter();
    let shown = file.demonstration.iter_mut().map(|d| &mut d.scene);
    for path in paths.chain(shown).chain(&mut file.evaluation.shelf_scene) {
        *path = anchored(here, path);
    }
}

/// Source, the folder that its paths start from, and text.
fn text_of(
    name_or_path: &str,
    folder: Option<&Path>,
) -> Result<(String, Option<PathBuf>, String), ConfigError> {
    if let Some((name, text)) = Experiment::FILES.iter().find(|(name, _)| *name == name_or_path) {
        return Ok((format!("experiments/{name}.toml"), None, (*text).to_owned()));
    }
    let names: Vec<&str> = Experiment::FILES.iter().map(|(name, _)| *name).collect();
    let wrong = |why: String| ConfigError {
        file: name_or_path.into(),
        key: "EXPERIMENT".into(),
        value: format!("\"{name_or_path}\""),
        valid: format!("{why}; must be a TOML file or one of {}", names.join(", ")),
    };
    if Path::new(name_or_path).extension().is_none_or(|e| e != "toml") {
        return Err(wrong("no such experiment".into()));
    }
    let path = folder.map_or_else(|| name_or_path.into(), |folder| folder.join(name_or_path));
    let text = std::fs::read_to_string(&path).map_err(|e| wrong(e.to_string()))?;
    let folder = path.parent().map(Path::to_path_buf);
    Ok((path.display().to_string(), folder, text))
}

/// Every key whose value may be a path.
fn for_each_path(table: &mut Table, mut change: impl FnMut(&mut String)) {
    for key in ["scene", "robot"] {
        if let Some(Value::String(path)) = table.get_mut(key) {
            change(path);
        }
    }
    if let Some(Value::Table(evaluation)) = table.get_mut("evaluation")
        && let Some(Value::String(path)) = evaluation.get_mut("shelf_scene")
    {
        change(path);
    }
    if let Some(Value::Array(demonstrations)) = table.get_mut("demonstration") {
        for demonstration in demonstrations {
            if let Some(Value::String(path)) = demonstration.get_mut("scene") {
                change(path);
            }
        }
    }
}
