//! What a run begins with: `train --init` and `--prior`, and what an experiment's `[simulation]` says.

use std::path::{Path, PathBuf};

use super::cells::{Bench, SimCells};
use super::interrupt;
use super::policy::trained;
use super::runs::find_run;
use super::weights;
use crate::cli::Failure;
use crate::input::sha256;
use crate::lab::{self, Experiment, Folder, Given, LabError, UntilRaised, prior_trials, run_path};
use crate::learn::Recipe;
use crate::store::{Start, TrialRow, TrialStore};
use crate::task::{Streams, TaskSpec};

/// What a run begins with besides its own trials.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct StartArgs {
    /// Begin from what was learned before: a run, or weights that `rmrl export RUN --weights` wrote; of a method with
    /// the same architecture
    #[arg(long, value_name = "RUN|WEIGHTS")]
    init: Option<PathBuf>,
    /// Learn from an older run's trials, too: prior trials, whose pictures and rewards count from the first batch on
    #[arg(long, value_name = "RUN", conflicts_with = "init")]
    prior: Option<PathBuf>,
}

impl StartArgs {
    pub fn is_empty(&self) -> bool {
        self.init.is_none() && self.prior.is_none()
    }

    /// The option that was given, for messages.
    pub fn flag(&self) -> &'static str {
        if self.init.is_some() { "--init" } else { "--prior" }
    }

    /// What is given to the one run of this experiment, and how the run is to be stored.
    pub fn read(&self, experiment: &Experiment, seed: u64) -> Result<(Start, Given), Failure> {
        let mut given = Given::default();
        let mut start = Start::default();
        let Some(recipe) = experiment.methods.first() else { return Ok((start, given)) };
        let name = &recipe.card().name;
        if experiment.start(name).is_some() {
            let why = format!("{name} begins in the simulation already, as its experiment says");
            return Err(Failure::Input(format!("{}: {why}", self.flag())));
        }
        if let Some(init) = &self.init {
            let wrong = |why: String| Failure::Input(format!("--init {}: {why}", init.display()));
            let weights = weights_of(init, experiment, recipe).map_err(wrong)?;
            // Whether they fit is known before anything is begun.
            lab::begun(&experiment.task, recipe, Streams::new(seed), Some(&weights))
                .map_err(|why| wrong(why.to_string()))?;
            given.weights = Some(sha256(&weights));
            start.weights = Some(weights);
        }
        if let Some(prior) = &self.prior {
            let path = find_run(prior)?;
            let store = TrialStore::read(&path)?;
            let (file, info) = (path.display().to_string(), store.info()?);
            let theirs = Experiment::stored(&file, &info)?;
            let cells = |scene: &str| {
                let cells = SimCells::new(&Bench::from(&theirs)).and_then(|all| all.cell(scene));
                cells.map(Some).map_err(LabError::from)
            };
            let from = (&theirs, &info, &store);
            start.prior = prior_trials(&file, from, (experiment, seed), &cells)?;
            if start.prior.is_empty() {
                let why =
                    format!("--prior {}: the run has no trials to learn from", prior.display());
                return Err(Failure::Input(why));
            }
            given.prior = start.prior.len() as u64;
            given.prior_of = Some(content(&start.prior));
        }
        Ok((start, given))
    }
}

/// SHA-256 of trials and their pictures.
fn content(prior: &[TrialRow]) -> String {
    let row = |row: &TrialRow| {
        let pixels = row.intent.image.as_ref().map(|image| sha256(image.pixels()));
        format!("{row:?} {pixels:?}\n")
    };
    sha256(prior.iter().map(row).collect::<String>())
}

/// What a run that is resumed was given when it began: whoever gave it need not be asked again.
pub fn given_before(folder: &Path, method: &str, seed: u64) -> Option<Given> {
    let given = Folder::experiment(folder).ok()?.given?;
    let store = TrialStore::read(&run_path(folder, method, seed)).ok()?;
    store.has_begun().ok()?.then_some(given)
}

/// Weights from a file of their own, or those of a run.
fn weights_of(path: &Path, experiment: &Experiment, recipe: &Recipe) -> Result<Vec<u8>, String> {
    let policy = trained(path).map_err(|why| why.to_string())?;
    weights::fits(&policy.experiment.task, &experiment.task, recipe)?;
    match weights::is_weights(path) {
        true => std::fs::read(path).map_err(|why| why.to_string()),
        false => policy.method.weights().map_err(|why| why.to_string()),
    }
}

/// What a run of an experiment begins with, as its `[simulation]` says.
pub fn of_simulation(
    experiment: &Experiment,
    recipe: &Recipe,
    seed: u64,
) -> Result<Start, LabError> {
    let Some(begins) = experiment.start(&recipe.card().name) else { return Ok(Start::default()) };
    let cell = |task: &TaskSpec| {
        let bench = Bench { task: task.clone(), ..Bench::from(experiment) };
        Ok(SimCells::new(&bench)?.cell(&experiment.scene)?)
    };
    let stop = interrupt::flag().map_err(|_| LabError::Interrupted)?;
    lab::simulated(experiment, (recipe, begins), seed, &cell, &mut UntilRaised(stop))
}
