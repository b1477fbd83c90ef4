//! What a run may begin with: what was learned elsewhere, or trials that were made there.

use serde::{Deserialize, Serialize};

use super::{Experiment, LabError, MakeCell, Occasion, Pictures, Trials};
use crate::cell::{Watch, Workcell};
use crate::input::{Check, ConfigError};
use crate::learn::{Built, Decision, Experience, Mode, Recipe};
use crate::store::{Intent, RunInfo, Start, Stored, TrialRow, TrialStore};
use crate::task::{Dirt, Phase, Reward, Stream, Streams, TaskSpec, TrialKey};

/// The section `[simulation]`: trials in the simulation that methods with a `start` begin with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulation {
    /// How many.
    pub trials: u64,
    /// How far the cell is from what its files say, for `start = "randomised"`: drawn anew for every batch, so that a
    /// policy meets many cells.
    #[serde(default, skip_serializing_if = "is_clean")]
    pub dirt: Dirt,
}

fn is_clean(dirt: &Dirt) -> bool {
    dirt.0.is_empty()
}

/// How a variant begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Begins {
    /// With what it has learned in the simulation.
    Simulated,
    /// The same, of a simulation whose cell differs from batch to batch.
    Randomised,
    /// With the simulation's trials, which it replays beside its own.
    Replayed,
}

/// What `train --init` and `--prior` gave: stored with the run, which is resumed with the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// SHA-256 of the weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// How many prior trials.
    #[serde(default)]
    pub prior: u64,
    /// SHA-256 of these trials and their pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior_of: Option<String>,
}

/// Makes what a run begins with: asked once, before its first trial.
pub type MakeStart<'a> = dyn Fn(&Recipe, u64) -> Result<Start, LabError> + Sync + 'a;

/// Makes the simulated cell of a task.
pub type MakeSimulated<'a> = dyn Fn(&TaskSpec) -> Result<Box<dyn Workcell>, LabError> + 'a;

/// Added to a run's seed for trials that were made elsewhere: other draws, the same scene instances.
const ELSEWHERE: u64 = 1 << 40;

impl Simulation {
    pub(super) fn validate(&self, check: &Check<'_>, task: &TaskSpec) -> Result<(), ConfigError> {
        check.count("simulation.trials", self.trials, 1_000_000)?;
        let dirty = TaskSpec { dirt: self.dirt.clone(), ..task.clone() };
        crate::config::validate_task(check, &dirty).map_err(|mut error| {
            error.key = error.key.replacen("task.dirt", "simulation.dirt", 1);
            error
        })
    }
}

/// A method as it is before a run's first trial.
pub fn begun(task: &TaskSpec, recipe: &Recipe, streams: Streams, weights: Option<&[u8]>) -> Built {
    let mut method = recipe.build(task.grid(), task.image, streams)?;
    match weights {
        Some(weights) => method.begin_from(weights).map(|()| method),
        None => Ok(method),
    }
}

/// What a method learns of an experiment's `[simulation]`, or the trials that it makes there. `cell` makes the
/// simulated cell of a task.
pub fn simulated(
    experiment: &Experiment,
    (recipe, from): (&Recipe, Begins),
    seed: u64,
    cell: &MakeSimulated<'_>,
    watch: &mut dyn Watch,
) -> Result<Start, LabError> {
    let Some(simulation) = &experiment.simulation else { return Ok(Start::default()) };
    let mut task = experiment.task.clone();
    if from == Begins::Randomised {
        task.dirt = simulation.dirt.clone();
    }
    let scenes = Trials::new(&experiment.task, seed);
    let mut cell = cell(&task)?;
    let trials = scenes.elsewhere(ELSEWHERE);
    let built = experiment.in_simulation(recipe)?.build(task.grid(), task.image, trials.streams());
    let mut method = built.map_err(|source| trials.failed(recipe.card(), source))?;
    let mut history: Vec<Experience> = Vec::new();
    let mut prior = Vec::new();
    let mut learned = 0;
    for index in 0..simulation.trials {
        let key = TrialKey { phase: Phase::Train, index };
        let turn = history.len() - learned;
        let scene = trials.wish(method.as_ref(), &history[..learned], turn)?;
        let occasion = Occasion { key, checkpoint: 0, made: index, scene };
        // Another cell for each batch, where cells differ.
        let here = match from {
            Begins::Randomised => {
                scenes.elsewhere(ELSEWHERE + (1 << 20) * (1 + index / experiment.batch))
            }
            Begins::Simulated | Begins::Replayed => trials.clone(),
        };
        let trial =
            here.make(occasion, (method.as_ref(), Mode::Explore), cell.as_mut(), watch, &mut ())?;
        if from == Begins::Replayed {
            prior.push(TrialRow {
                intent: Intent {
                    key: TrialKey { phase: Phase::Prior, index },
                    checkpoint: 0,
                    instance: trial.setup.instance,
                    offset: trial.setup.offset,
                    seen: trial.seen.pose,
                    decision: trial.decision,
                    image: Some(trial.seen.image.clone()),
                },
                result: Some(elsewhere(trial.result.clone())),
            });
        }
        history.push(trials.experience(method.card(), index, trial));
        let made = history.len();
        if (made as u64).is_multiple_of(experiment.batch) || made as u64 == simulation.trials {
            let key = TrialKey { phase: Phase::Train, index: learned as u64 };
            let mut draw = trials.streams().draw(Stream::Replay, key);
            let taught = method.learn(&history, made - learned, &mut draw);
            taught.map_err(|source| trials.failed(recipe.card(), source))?;
            learned = made;
        }
    }
    let weights = match from {
        Begins::Replayed => None,
        Begins::Simulated | Begins::Randomised => {
            let weights = method.weights();
            Some(weights.map_err(|source| trials.failed(recipe.card(), source))?)
        }
    };
    Ok(Start { weights, prior })
}

/// All trials of a run as prior ones of another, with their pictures. Where both have the same scene instances, what
/// began alike stays together; elsewhere their scenes are others.
///
/// # Errors
/// Their pictures are of another size, or cannot be taken again.
pub fn prior_trials(
    file: &str,
    (experiment, info, store): (&Experiment, &RunInfo, &TrialStore),
    (own, seed): (&Experiment, u64),
    cells: &MakeCell<'_>,
) -> Result<Vec<TrialRow>, LabError> {
    let check = Check { file };
    let (theirs, ours) = (&experiment.task, &own.task);
    let size = |task: &TaskSpec| format!("{} px, {} mm", task.image.px, task.image.mm);
    let valid = format!("must be {}, as in the run that is to begin with it", size(ours));
    check.that(theirs.image == ours.image, "task.image", size(theirs), valid)?;
    let reward = Reward::new(ours);
    let grid = ours.grid();
    let same_grid = theirs.grid() == grid;
    let scenes = |task: &TaskSpec| (task.scene_instances, task.range, task.offsets, task.jitter);
    let same_scenes = info.seed == seed && scenes(theirs) == scenes(ours);
    let apart = if same_scenes { 0 } else { ours.scene_instances + ours.held_out_instances };
    let mut rows = store.trials(Phase::Prior, 0)?;
    rows.extend(store.trials(Phase::Train, 0)?);
    let mut pictures = Pictures::new(file, experiment, info, cells)?;
    let mut prior = Vec::new();
    for TrialRow { intent, result } in rows {
        let Some(result) = result else { break };
        let image = pictures.of(&intent)?;
        let unseen = || {
            check.error(
                "trial",
                intent.key.index,
                "has no picture, and its scene does not stand here",
            )
        };
        let image = Some(image.ok_or_else(unseen)?);
        let key = TrialKey { phase: Phase::Prior, index: prior.len() as u64 };
        let decision = match same_grid {
            true => intent.decision,
            false => Decision::at(intent.decision.correction),
        };
        let reward = reward.of_attempt(result.outcome, result.measured.as_ref());
        let instance = intent.instance + apart;
        let result = Some(Stored { reward, ..elsewhere(result) });
        prior
            .push(TrialRow { intent: Intent { key, image, decision, instance, ..intent }, result });
    }
    Ok(prior)
}

/// Trials that were made elsewhere cost this run's robot no time, and harmed nothing of it.
fn elsewhere(result: Stored) -> Stored {
    Stored { duration: Default::default(), harm: Default::default(), ..result }
}
