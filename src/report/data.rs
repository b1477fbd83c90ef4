use std::collections::BTreeMap;

use serde::Serialize;

use super::{Contrast, Floor, Judged, LabelCount, Origin, Scores};
use crate::learn::Card;
use crate::task::{Outcome, Pose2, TaskSpec};

/// The files of a report. The summary is written last.
pub const FILES: [&str; 13] = [
    "provenance.json",
    "timing.csv",
    "curves.csv",
    "table.tex",
    "report.html",
    "report.md",
    "curves.svg",
    "profile.svg",
    "budget.svg",
    "budget.png",
    "curves.png",
    "curves.pdf",
    "summary.json",
];

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
    /// Checkpoints besides, after so many trials.
    pub evaluate_also: Vec<u64>,
    /// Evaluation trials at each checkpoint, in-scene and held-out each.
    pub evaluation_trials: u64,
    /// What the arm's own noise leaves of a perfect correction; `None` where that cannot be known.
    pub floor: Option<Floor>,
    /// Seeds asked for; a seed is in the report once all its methods are complete.
    pub seeds: Vec<u64>,
    /// Comparisons named in advance.
    pub contrasts: Vec<Contrast>,
    /// Methods that pictures show; empty for all.
    pub pictures: Vec<String>,
    /// SHA-256 of these, and of the file of the experiment in the folder of the report.
    pub contrasts_sha256: String,
    pub experiment_sha256: String,
    pub methods: Vec<MethodResult>,
    /// Runs that ended because their method failed: their seeds are in no figure.
    pub failed: Vec<FailedRun>,
}

/// A run whose method failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedRun {
    pub method: String,
    pub seed: u64,
    pub reason: String,
}

/// What became of the runs of a method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Started {
    pub begun: usize,
    pub complete: usize,
    pub failed: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MethodResult {
    pub card: Card,
    /// Settings as used, for the appendix: key and value.
    pub settings: Vec<(String, String)>,
    /// Runs that were begun, whatever became of them.
    pub started: Started,
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
    /// The trials of the last checkpoint, in-scene and held-out.
    pub evaluated: Vec<Evaluated>,
    /// The final demonstrations, in the order of the experiment; one without a trial is left out.
    pub demonstrations: Vec<Demonstrated>,
    /// What the training trials (prior ones included) may have damaged.
    pub harm: HarmCount,
    /// Its labels, by visits; none of a method without labels, nor where the truth is not known.
    pub labels: Vec<LabelCount>,
    /// SHA-256 of the contrasts that were named when it began; `None` of one that does not say.
    pub contrasts_sha256: Option<String>,
    /// How the training trials (prior ones included) ended.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Who made it, where and when.
    pub origin: Origin,
}

/// One evaluation of the greedy policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Physical trials made so far, prior ones included; on hardware evaluation too. Where prior ones come
    /// on top of a run's trials, it begins below 0 by as many.
    pub trial: i64,
    /// Robot time of those trials, hours.
    pub robot_hours: f64,
    pub in_scene: Scores,
    pub held_out: Scores,
}

/// One trial of the last checkpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluated {
    pub held_out: bool,
    /// Within its phase: the same trial for every method of a seed.
    pub number: u64,
    /// Of the plate, before the correction.
    pub offset: Pose2,
    pub judged: Judged,
    /// The placement as measured; `None` without one.
    pub measured: Option<Pose2>,
    /// How far from the target the method expected it to be measured: one standard deviation along x, y
    /// (mm) and yaw (deg).
    pub spread: Option<[f64; 3]>,
}

/// Placements of a final demonstration: seated ones, of so many.
#[derive(Clone, Debug, PartialEq)]
pub struct Demonstrated {
    pub scene: String,
    pub placed: u64,
    pub of: u64,
    /// What its trials may have damaged.
    pub harm: HarmCount,
}

/// What so many trials may have damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HarmCount {
    pub trials: u64,
    pub jams: u64,
    pub drops: u64,
    /// Trials in which the plate was touched outside the grip; `None` where that cannot be seen.
    pub plate_hits: Option<u64>,
    /// Sum over the trials of the largest force between plate and furniture, N.
    pub force_sum_n: f64,
    pub worst_force_n: f64,
}

impl HarmCount {
    pub fn add(&mut self, other: &Self) {
        self.trials += other.trials;
        self.jams += other.jams;
        self.drops += other.drops;
        self.plate_hits = match (self.plate_hits, other.plate_hits) {
            (None, hits) | (hits, None) => hits,
            (Some(a), Some(b)) => Some(a + b),
        };
        self.force_sum_n += other.force_sum_n;
        self.worst_force_n = self.worst_force_n.max(other.worst_force_n);
    }
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

    /// The same with no more methods than pictures show.
    pub fn pictured(&self) -> Self {
        let mut pictured = self.clone();
        pictured.methods.retain(|method| self.pictures.contains(&method.card.name));
        if pictured.methods.is_empty() { self.clone() } else { pictured }
    }

    /// Scenes of the demonstrations that were made, in their order.
    pub fn demonstrated(&self) -> Vec<&str> {
        let all = self.methods.iter().flat_map(|m| &m.runs).flat_map(|run| &run.demonstrations);
        all.fold(Vec::new(), |mut scenes, shown| {
            if !scenes.contains(&shown.scene.as_str()) {
                scenes.push(&shown.scene);
            }
            scenes
        })
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

impl RunResult {
    /// What it showed in a scene.
    pub fn demonstration(&self, scene: &str) -> Option<&Demonstrated> {
        self.demonstrations.iter().find(|shown| shown.scene == scene)
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
