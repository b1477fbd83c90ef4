use std::collections::BTreeMap;

use toml::Value;

use super::change::Change;
use super::experiment_file::{self, Evaluation, File};
use super::variants::Variants;
use super::{Begins, Given, Simulation, outside};
use crate::config::{Physics, validate_task};
use crate::input::{Check, ConfigError, Content, Source};
use crate::learn::{self, Card, Entry, Recipe};
use crate::report::Contrast;
use crate::store::RunInfo;
use crate::task::TaskSpec;

pub use super::experiment_file::Demonstration;

/// The name of trials that a program asked for one by one (`rmrl env`): no method made them.
pub const REQUESTED: &str = "env";

/// An experiment: the task, who competes, how long, and how it is judged. Checked, and typed to the
/// end: its methods are ready to be built.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// Names the output folder: letters, digits, `-` and `_`.
    pub name: String,
    /// One line for people.
    pub summary: String,
    /// Scene that methods train on: a built-in name or a TOML file.
    pub scene: String,
    /// Robot: a built-in name or a TOML file.
    pub robot: String,
    /// Methods in the order of the report.
    pub methods: Vec<Recipe>,
    /// Physical trials a run, prior trials included.
    pub trials: u64,
    /// Trials between two rounds of learning.
    pub batch: u64,
    /// How many seeds.
    pub seeds: u64,
    /// The first of them; tuning uses seeds from 1001 on.
    pub first_seed: u64,
    /// How policies are judged on the way.
    pub evaluation: Evaluation,
    /// How they are shown at the end.
    pub demonstrations: Vec<Demonstration>,
    /// Comparisons named in advance.
    pub contrasts: Vec<Contrast>,
    /// Those of its methods that pictures show; empty for all.
    pub pictures: Vec<String>,
    pub task: TaskSpec,
    pub physics: Physics,
    /// Trials in the simulation that some of its methods begin with.
    pub simulation: Option<Simulation>,
    /// What its run was given to begin with.
    pub given: Option<Given>,
    /// Where all that was read from.
    pub source: Source,
    /// As in the file, where it says one.
    said_summary: Option<String>,
    /// Those of its methods that are programs.
    pub(super) outside: outside::All,
    /// Those of its methods that are known ones with other settings.
    variants: Variants,
}

impl Experiment {
    /// The experiments that are built into the binary: name and text.
    pub const FILES: [(&'static str, &'static str); 17] = [
        ("narrow", include_str!("../../experiments/narrow.toml")),
        ("wide", include_str!("../../experiments/wide.toml")),
        ("smoke", include_str!("../../experiments/smoke.toml")),
        ("randomised", include_str!("../../experiments/randomised.toml")),
        ("drift", include_str!("../../experiments/drift.toml")),
        ("success", include_str!("../../experiments/success.toml")),
        ("tight", include_str!("../../experiments/tight.toml")),
        ("shelf-direct", include_str!("../../experiments/shelf-direct.toml")),
        ("side-grip", include_str!("../../experiments/side-grip.toml")),
        ("study-narrow", include_str!("../../experiments/study-narrow.toml")),
        ("study-success", include_str!("../../experiments/study-success.toml")),
        ("study-wide", include_str!("../../experiments/study-wide.toml")),
        ("study-shelf", include_str!("../../experiments/study-shelf.toml")),
        ("study-drift", include_str!("../../experiments/study-drift.toml")),
        ("study-tight", include_str!("../../experiments/study-tight.toml")),
        ("study-ablations", include_str!("../../experiments/study-ablations.toml")),
        ("transfer", include_str!("../../experiments/transfer.toml")),
    ];

    /// Reads a built-in experiment by name, or a TOML file by its path, applies `KEY=VALUE` changes
    /// (`task.bins=9`, `ppo.lr=1e-3`) in order, and checks the whole.
    ///
    /// # Errors
    /// Names file, key, value and what is valid.
    pub fn open(name_or_path: &str, sets: &[String]) -> Result<Self, ConfigError> {
        let changes: Result<Vec<_>, _> = sets.iter().map(|set| Change::set(set)).collect();
        Self::with(name_or_path, &changes?)
    }

    /// As [`open`](Self::open), with changes that came from flags of the command line.
    pub fn with(name_or_path: &str, changes: &[Change]) -> Result<Self, ConfigError> {
        let (source, table) = experiment_file::read(name_or_path)?;
        let mut file = experiment_file::typed(&source, table)?;
        // Which methods there are decides what a key of theirs means.
        let (methods, others): (Vec<_>, Vec<_>) =
            changes.iter().partition(|change| change.key() == "methods");
        for change in methods.into_iter().chain(others) {
            file = change.apply(&file)?;
        }
        // What is asked anew is what is run now.
        file.outside.values_mut().for_each(|outside| outside.answered = None);
        file.outside.retain(|name, _| file.methods.contains(name));
        experiment_file::anchor_to_working_directory(&mut file);
        let told = match changes {
            [] => source,
            _ => {
                let all: Vec<_> = changes.iter().map(Change::to_string).collect();
                format!("{source} with {}", all.join(", "))
            }
        };
        Self::checked(&told, file, Whence::User).map_err(|mut error| {
            // The user's own words come first.
            if let Some(change) = changes.iter().rfind(|change| change.key() == error.key) {
                error.file = change.flag().to_owned();
            }
            error
        })
    }

    /// What [`to_toml`](Self::to_toml) wrote.
    pub fn parse(source: &str, text: &str) -> Result<Self, ConfigError> {
        Self::checked(source, crate::input::parse_toml(source, text)?, Whence::Stored)
    }

    /// What is stored in the file of a run, or of trials that a program asked for: these have no method.
    pub fn stored(file: &str, info: &RunInfo) -> Result<Self, ConfigError> {
        let whence = if info.method == REQUESTED { Whence::Requests } else { Whence::Stored };
        Self::checked(file, crate::input::parse_toml(file, &info.experiment)?, whence)
    }

    /// Its trials were asked for by a program: nothing is planned, and no method learns.
    pub fn is_requested(&self) -> bool {
        self.methods.is_empty()
    }

    /// The same with other settings of one of its methods; `source` says who asks, for messages.
    ///
    /// # Errors
    /// Names a key that it does not have, or a value out of bounds.
    pub fn with_settings(
        &self,
        source: &str,
        method: &str,
        changes: toml::Table,
    ) -> Result<Self, ConfigError> {
        let mut text: toml::Table = crate::input::parse_toml(source, &self.to_toml())?;
        let settings = text.get_mut("settings").and_then(|all| all.get_mut(method));
        if let Some(own) = settings.and_then(Value::as_table_mut) {
            own.extend(changes);
        }
        Self::parse(source, &text.to_string())
    }

    /// The seeds of the experiment in order.
    pub fn seeds(&self) -> impl Iterator<Item = u64> + use<> {
        self.first_seed..self.first_seed + self.seeds
    }

    /// Names of its methods, in the order of the report.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.methods.iter().map(|recipe| recipe.card().name.as_str())
    }

    /// One of its methods, by name. `source` says who asks, for messages.
    pub fn method(&self, source: &str, name: &str) -> Result<&Recipe, ConfigError> {
        self.methods.iter().find(|recipe| recipe.card().name == name).ok_or_else(|| {
            let names: Vec<_> = self.names().collect();
            let valid = match self.is_requested() {
                true => "a program asked for these trials (`rmrl env`): they have no method".into(),
                false => format!("must be one of {}", names.join(", ")),
            };
            Check { file: source }.error("method", format_args!("\"{name}\""), valid)
        })
    }

    /// What one of its methods begins with, of the simulation.
    pub fn start(&self, method: &str) -> Option<Begins> {
        self.variants.get(method).and_then(|variant| variant.start)
    }

    /// One of its methods begins with weights.
    pub(super) fn given_to(&self, method: &str) -> bool {
        let given = self.given.as_ref().is_some_and(|given| given.weights.is_some());
        given || matches!(self.start(method), Some(Begins::Simulated | Begins::Randomised))
    }

    /// One of its variants as it is taught in the simulation: without prior trials.
    pub(super) fn in_simulation(&self, recipe: &Recipe) -> Result<Recipe, ConfigError> {
        let (name, file) = (&recipe.card().name, self.source.or("experiment"));
        let check = Check { file };
        let Some(variant) = self.variants.get(name) else { return Ok(recipe.clone()) };
        let mut settings = recipe.settings().clone();
        if settings.contains_key(PRIOR) {
            settings.insert(PRIOR.to_owned(), Value::Integer(0));
            settings.insert(ON_TOP.to_owned(), Value::Boolean(false));
        }
        variant.entry(&check, name)?.open(file, &settings)
    }

    /// As far as it concerns one run: what is stored with it, and what it must be resumed with.
    pub fn of_run(&self, method: &str, seed: u64) -> Self {
        let mut run = self.clone();
        run.methods.retain(|recipe| recipe.card().name == method);
        run.outside.retain(|name, _| name == method);
        run.variants.retain(|name, _| name == method);
        run.contrasts.clear();
        run.pictures.clear();
        Self { first_seed: seed, seeds: 1, ..run }
    }

    /// SHA-256 of the comparisons that it names.
    pub fn contrasts_sha256(&self) -> String {
        let said = |c: &Contrast| serde_json::to_string(c).expect("a contrast is plain data");
        Content::of(self.contrasts.iter().map(said)).to_string()
    }

    /// All that a figure depends on, as text: without its name and summary.
    pub(super) fn figures(&self) -> String {
        Self { name: "run".to_owned(), said_summary: None, ..self.clone() }.to_toml()
    }

    /// As TOML text: every key, options of its methods too, so that two experiments are equal if
    /// their texts are, and what is stored depends on no default.
    pub fn to_toml(&self) -> String {
        let settings = |recipe: &Recipe| (recipe.card().name.clone(), recipe.settings().clone());
        let file = File {
            name: Some(self.name.clone()),
            summary: self.said_summary.clone(),
            scene: self.scene.clone(),
            robot: self.robot.clone(),
            methods: self.names().map(str::to_owned).collect(),
            trials: self.trials,
            batch: self.batch,
            seeds: self.seeds,
            first_seed: self.first_seed,
            evaluation: self.evaluation.clone(),
            demonstration: self.demonstrations.clone(),
            contrast: self.contrasts.clone(),
            pictures: self.pictures.clone(),
            task: self.task.clone(),
            physics: self.physics,
            simulation: self.simulation.clone(),
            given: self.given.clone(),
            outside: self.outside.clone(),
            variants: self.variants.clone(),
            settings: self
                .methods
                .iter()
                .filter(|recipe| !self.outside.contains_key(&recipe.card().name))
                .map(settings)
                .collect(),
        };
        toml::to_string(&file).expect("an experiment is plain data")
    }

    fn checked(source: &str, mut file: File, whence: Whence) -> Result<Self, ConfigError> {
        let check = Check { file: source };
        let some = whence == Whence::Requests || !file.methods.is_empty();
        check.that(some, "methods", "[]", "must name at least one method")?;
        let demonstrations = file.demonstrations();
        file.validate(&check, &demonstrations)?;
        validate_task(&check, &file.task)?;
        ready_outside(&check, &mut file, whence == Whence::User)?;
        for (name, variant) in &file.variants {
            variant.validate(&check, name)?;
        }
        let methods = recipes(&check, &file)?;
        let known =
            |name: &&String| file.methods.contains(*name) || file.variants.contains_key(*name);
        for name in file.pictures.iter().filter(|name| !known(name)) {
            learn::find(source, "pictures", name)?;
        }
        // Those that take part, whose settings are whole by now.
        file.variants.retain(|name, _| file.methods.contains(name));
        file.variants.values_mut().for_each(|variant| variant.settings.clear());
        let evaluation = Evaluation { shelf_scene: None, shelf_trials: None, ..file.evaluation };
        let (offsets, bins) = (file.task.offsets(), file.task.bins);
        let derived = format!(
            "offsets of +-{} mm and +-{} deg, {bins} bins an axis, trained on {}",
            offsets.mm, offsets.deg, file.scene
        );
        Ok(Self {
            name: file.name.unwrap_or_default(),
            summary: file.summary.clone().unwrap_or(derived),
            said_summary: file.summary,
            outside: file.outside,
            variants: file.variants,
            scene: file.scene,
            robot: file.robot,
            methods,
            trials: file.trials,
            batch: file.batch,
            seeds: file.seeds,
            first_seed: file.first_seed,
            evaluation,
            demonstrations,
            contrasts: file.contrast,
            pictures: file.pictures,
            task: file.task,
            physics: file.physics,
            simulation: file.simulation,
            given: file.given,
            source: Source::of(source),
        })
    }
}

/// Who says what an experiment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whence {
    /// A user: programs among the methods are started to say what they are.
    User,
    /// What is stored with a run or a folder.
    Stored,
    /// What is stored with trials that a program asked for.
    Requests,
}

/// Checks the programs among the methods, gives them their options, and asks what they are.
fn ready_outside(check: &Check<'_>, file: &mut File, ask: bool) -> Result<(), ConfigError> {
    let told = told(file);
    for (name, outside) in &mut file.outside {
        outside.options.extend(file.settings.remove(name).unwrap_or_default());
        outside.validate(check, name)?;
        if ask {
            outside.ask(check, name, told, file.first_seed)?;
        }
    }
    Ok(())
}

fn told(file: &File) -> outside::Told {
    let TaskSpec { range, bins, image, .. } = file.task;
    outside::Told { range, bins, image, batch: file.batch, trials: file.trials }
}

/// The methods of an experiment with their settings.
fn recipes(check: &Check<'_>, file: &File) -> Result<Vec<Recipe>, ConfigError> {
    for method in file.settings.keys().filter(|name| !file.variants.contains_key(*name)) {
        learn::find(check.file, "settings", method)?;
    }
    let of = |name: &String| {
        if let Some(outside) = file.outside.get(name) {
            let recipe = outside.recipe(check, name, told(file))?;
            let key = format!("prior_trials of {name}");
            prior_fits(check, file, &key, recipe.card())?;
            return Ok(match &file.given {
                Some(Given { prior: prior @ 1.., .. }) => recipe.given_prior(*prior),
                _ => recipe,
            });
        }
        let said = file.settings.get(name);
        let (entry, given) = match file.variants.get(name) {
            Some(variant) => {
                let of_method = file.settings.get(&variant.method);
                (variant.entry(check, name)?, variant.given(of_method, said))
            }
            None => (known(check, file, name)?, said.cloned().unwrap_or_default()),
        };
        let start = file.variants.get(name).and_then(|variant| variant.start);
        let replayed = match (start, &file.simulation, &file.given) {
            (Some(Begins::Replayed), Some(Simulation { trials, .. }), _) => *trials,
            (.., Some(Given { prior, .. })) => *prior,
            _ => 0,
        };
        if replayed > 0 {
            return with_prior(check, &entry, given, replayed);
        }
        let recipe = entry.open(check.file, &given)?;
        let most = file.trials / 2 / file.batch * file.batch;
        let among = recipe.card().prior_trials - recipe.card().on_top();
        if among > most && !given.contains_key(PRIOR) {
            let mut given = given.clone();
            given.insert(PRIOR.to_owned(), Value::Integer(most as i64));
            return entry.open(check.file, &given);
        }
        let key = format!("settings.{name}.{PRIOR}");
        prior_fits(check, file, &key, recipe.card())?;
        Ok(recipe)
    };
    let all: BTreeMap<&String, usize> = file.methods.iter().zip(0..).collect();
    check.that(
        all.len() == file.methods.len(),
        "methods",
        file.methods.join(","),
        "must name each method once",
    )?;
    file.methods.iter().map(of).collect()
}

/// A method that is given prior trials: a round of learning of its own, where it has one for them.
fn with_prior(
    check: &Check<'_>,
    entry: &Entry,
    mut given: toml::Table,
    prior: u64,
) -> Result<Recipe, ConfigError> {
    let recipe = entry.open(check.file, &given)?;
    if !recipe.settings().contains_key(PRIOR) {
        return Ok(recipe.given_prior(prior));
    }
    given.insert(PRIOR.to_owned(), Value::Integer(prior as i64));
    given.insert(ON_TOP.to_owned(), Value::Boolean(true));
    Ok(entry.open(check.file, &given)?.given_prior(prior))
}

/// A method that is built in, or from another crate.
fn known(check: &Check<'_>, file: &File, name: &str) -> Result<Entry, ConfigError> {
    learn::find(check.file, "methods", name).map_err(|mut error| {
        error.valid.extend(file.variants.keys().map(|own| format!(", {own}")));
        error
    })
}

fn prior_fits(check: &Check<'_>, file: &File, key: &str, card: &Card) -> Result<(), ConfigError> {
    let prior = card.prior_trials;
    let valid = format_args!("must be fewer than trials = {}", file.trials);
    check.that(prior - card.on_top() < file.trials, key, prior, valid)?;
    let valid = format_args!("must be a multiple of batch = {}", file.batch);
    check.that(prior.is_multiple_of(file.batch), key, prior, valid)
}

/// The key of every method that learns from prior trials.
const PRIOR: &str = "prior_trials";
/// That they come on top.
const ON_TOP: &str = "prior_on_top";

#[cfg(test)]
#[path = "experiment_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "dirt_tests.rs"]
mod dirt_tests;
