use std::collections::BTreeMap;

use super::{Contrast, HarmCount};
use crate::learn::Card;
use crate::task::{Outcome, TaskSpec};

/// What a report is made of. In simulation, errors are the truth; on hardware, the measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentResult {
    pub name: String,
    /// A command line that makes it again.
    pub command: String,
    pub version: String,
    /// Commit of the source, or "unknown".
    pub commit: String,
    pub task: TaskSpec,
    /// Physical trials a run, prior ones included.
    pub trials: u64,
    /// Trials between two evaluations.
    pub evaluate_every: u64,
    /// Evaluation trials at each checkpoint, in-scene and held-out each.
    pub evaluation_trials: u64,
    /// Seeds asked for; a seed is in the report once all its methods are complete.
    pub seeds: Vec<u64>,
    /// Comparisons named in advance.
    pub contrasts: Vec<Contrast>,
    pub methods: Vec<MethodResult>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MethodResult {
    pub card: Card,
    /// Settings as used, for the appendix: key and value.
    pub settings: Vec<(String, String)>,
    /// One a complete seed, in the order of seeds: paired across methods.
    pub runs: Vec<RunResult>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RunResult {
    pub seed: u64,
    /// Version and commit of the program that made it.
    pub version: String,
    pub commit: String,
    /// In order of `trial`; the first is before any learning.
    pub checkpoints: Vec<Checkpoint>,
    /// The final demonstration.
    pub shelf: Option<Shelf>,
    /// What the training trials (prior ones included) may have damaged.
    pub harm: HarmCount,
    /// The same of the final demonstration.
    pub shelf_harm: HarmCount,
    /// How the training trials (prior ones included) ended.
    pub outcomes: BTreeMap<&'static str, u64>,
}

/// One evaluation of the greedy policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checkpoint {
    /// Physical trials made so far, prior ones included; on hardware evaluation too.
    pub trial: u64,
    /// Robot time of those trials, hours.
    pub robot_hours: f64,
    pub in_scene: Scores,
    pub held_out: Scores,
}

/// Means over the evaluation trials; a trial without a placement counts at the cap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    pub translation_mm: f64,
    pub yaw_deg: f64,
    /// Successes and trials.
    pub successes: u64,
    pub of: u64,
}

/// Placements on the shelf: seated ones, of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shelf {
    pub placed: u64,
    pub of: u64,
}

impl ExperimentResult {
    /// Seeds that every method has completed.
    pub fn complete_seeds(&self) -> usize {
        let done = |seed: &u64| {
            !self.methods.is_empty()
                && self.methods.iter().all(|m| m.runs.iter().any(|run| run.seed == *seed))
        };
        self.seeds.iter().filter(|seed| done(seed)).count()
    }

    pub fn method(&self, name: &str) -> Option<&MethodResult> {
        self.methods.iter().find(|m| m.card.name == name)
    }
}

impl MethodResult {
    /// Each run with its last evaluation; a run without one has no figures.
    pub fn final_checkpoints(&self) -> impl Iterator<Item = (&RunResult, &Checkpoint)> {
        self.runs.iter().filter_map(|run| Some((run, run.checkpoints.last()?)))
    }
}

impl Outcome {
    /// Counts by name, for [`RunResult::outcomes`].
    pub fn tally(outcomes: impl IntoIterator<Item = Outcome>) -> BTreeMap<&'static str, u64> {
        outcomes.into_iter().fold(BTreeMap::new(), |mut counts, outcome| {
            *counts.entry(outcome.name()).or_default() += 1;
            counts
        })
    }
}
