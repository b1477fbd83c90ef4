use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::stats::{self, Count, Estimate, Interval, Resamples, Runs};
use super::{Checkpoint, ExperimentResult, MethodResult, RunResult, Scores, Shelf};

/// The figures of an experiment: what `summary.json` holds and what every table prints.
///
/// Unless said otherwise a figure is that of the last checkpoint, a mean over the evaluation
/// trials of a run, and the interquartile mean over runs. Intervals are 95 % percentile
/// bootstraps over runs, `null` where there is only one run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    pub experiment: String,
    /// Training trials a run.
    pub trials: u64,
    /// Seeds that are complete, which are those that the figures come from.
    pub seeds: usize,
    pub version: String,
    pub commit: String,
    /// In the order of the experiment. A method without a complete run is left out.
    pub methods: Ordered<MethodSummary>,
    /// By rival, then by method: every other method that learns.
    pub improvement_over: Ordered<Ordered<Improvement>>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MethodSummary {
    pub signal: &'static str,
    pub context: &'static str,
    /// In-scene, as is `yaw_deg`.
    pub translation_mm: Estimate,
    pub yaw_deg: Estimate,
    pub held_out: Errors,
    /// In-scene, pooled over runs; the interval resamples whole runs.
    pub success: Option<Success>,
    pub shelf: Option<ShelfSummary>,
    pub trials_to_1mm_1deg: TimeToReach,
    #[serde(skip)]
    pub held_out_success: Option<Success>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Errors {
    pub translation_mm: Estimate,
    pub yaw_deg: Estimate,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Success {
    pub rate: f64,
    pub ci95: [f64; 2],
}

/// The final demonstration, pooled over runs; the interval resamples whole runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ShelfSummary {
    pub placed: u64,
    pub of: u64,
    pub ci95: [f64; 2],
}

/// Physical trials until the first checkpoint whose mean errors, in-scene, are below 1 mm and
/// below 1 deg.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TimeToReach {
    /// Mean over runs, each cut off at the experiment's `trials`; not reached counts there.
    pub restricted_mean: f64,
    /// Runs that reached it by then.
    pub reached: usize,
    pub of: usize,
}

/// How much lower a method's errors are than a rival's, paired over seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Improvement {
    /// Per cent by which the interquartile mean is lower; negative where it is higher.
    pub translation_pct: Interval,
    pub yaw_pct: Interval,
    /// That a run of the method ends below a run of the rival (Mann-Whitney, ties one half) in
    /// the sum of both errors, mm + deg: the two that the reward adds with equal weight.
    pub probability: f64,
}

/// The rivals that everything is compared with.
pub const RIVALS: [&str; 2] = ["reinforce", "ppo"];

impl Summary {
    /// `rounds` bootstrap resamples: 50,000 for a report that is to be kept, fewer while seeds
    /// are still coming in.
    pub fn of(result: &ExperimentResult, rounds: usize) -> Self {
        let mut bootstrap = Bootstrap::new(rounds);
        let methods = result
            .methods
            .iter()
            .filter_map(|m| {
                Some((m.card.name.clone(), summarise(m, result.trials, &mut bootstrap)?))
            })
            .collect();
        let improvement_over = RIVALS
            .iter()
            .filter_map(|name| {
                let rival = result.methods.iter().find(|m| m.card.name == *name)?;
                let over = improvements(result, rival, &mut bootstrap);
                (!over.0.is_empty()).then_some(((*name).to_owned(), over))
            })
            .collect();
        Self {
            experiment: result.name.clone(),
            trials: result.trials,
            seeds: result.complete_seeds(),
            version: result.version.clone(),
            commit: result.commit.clone(),
            methods,
            improvement_over,
        }
    }

    /// `summary.json`: keys in a fixed order, numbers in full, a final newline.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// What a method gained over a rival, if both are there.
    pub fn improvement(&self, method: &str, rival: &str) -> Option<&Improvement> {
        self.improvement_over.get(rival)?.get(method)
    }
}

fn summarise(
    method: &MethodResult,
    horizon: u64,
    bootstrap: &mut Bootstrap,
) -> Option<MethodSummary> {
    let runs: Vec<(&RunResult, &Checkpoint)> = method.final_checkpoints().collect();
    let draws = bootstrap.of(runs.len());
    let estimate = |of: fn(&Checkpoint) -> f64| {
        Runs::new(runs.iter().map(|(_, last)| of(last)).collect()).estimate(draws)
    };
    let translation_mm = estimate(|c| c.in_scene.translation_mm)?;
    let yaw_deg = estimate(|c| c.in_scene.yaw_deg)?;
    let held_out = Errors {
        translation_mm: estimate(|c| c.held_out.translation_mm)?,
        yaw_deg: estimate(|c| c.held_out.yaw_deg)?,
    };
    let reached: Vec<Option<u64>> =
        runs.iter().map(|(run, _)| reaches_1mm_1deg(run).filter(|&t| t <= horizon)).collect();
    let trials_to_1mm_1deg = TimeToReach {
        restricted_mean: stats::restricted_mean(&reached, horizon)?,
        reached: reached.iter().flatten().count(),
        of: reached.len(),
    };
    let counts = |of: fn(&Checkpoint) -> Scores| -> Vec<Count> {
        runs.iter().map(|(_, last)| of(last)).map(|s| (s.successes, s.of)).collect()
    };
    let [in_scene, unseen] = [counts(|c| c.in_scene), counts(|c| c.held_out)];
    let shelves: Vec<Count> = runs
        .iter()
        .filter_map(|(run, _)| run.shelf)
        .map(|Shelf { placed, of }| (placed, of))
        .collect();
    Some(MethodSummary {
        signal: method.card.signal.name(),
        context: method.card.context.name(),
        translation_mm,
        yaw_deg,
        held_out,
        success: success(&in_scene, bootstrap),
        shelf: rate(&shelves, bootstrap).map(|((placed, of), ci95)| ShelfSummary {
            placed,
            of,
            ci95,
        }),
        trials_to_1mm_1deg,
        held_out_success: success(&unseen, bootstrap),
    })
}

fn success(runs: &[Count], bootstrap: &mut Bootstrap) -> Option<Success> {
    rate(runs, bootstrap).map(|((k, n), ci95)| Success { rate: k as f64 / n as f64, ci95 })
}

/// Pooled count and its interval; `None` without trials.
fn rate(runs: &[Count], bootstrap: &mut Bootstrap) -> Option<(Count, [f64; 2])> {
    let tried: Vec<Count> = runs.iter().copied().filter(|(_, of)| *of > 0).collect();
    if tried.is_empty() {
        return None;
    }
    let draws = bootstrap.of(tried.len());
    Some((stats::pooled(&tried), stats::rate_interval(&tried, draws)))
}

/// The first checkpoint, in physical trials, that is below 1 mm and 1 deg in-scene.
fn reaches_1mm_1deg(run: &RunResult) -> Option<u64> {
    run.checkpoints
        .iter()
        .find(|c| c.in_scene.translation_mm < 1.0 && c.in_scene.yaw_deg < 1.0)
        .map(|c| c.trial)
}

fn improvements(
    result: &ExperimentResult,
    rival: &MethodResult,
    bootstrap: &mut Bootstrap,
) -> Ordered<Improvement> {
    result
        .methods
        .iter()
        .filter(|m| m.card.learns && m.card.name != rival.card.name)
        .filter_map(|m| Some((m.card.name.clone(), improvement(m, rival, bootstrap)?)))
        .collect()
}

fn improvement(
    ours: &MethodResult,
    theirs: &MethodResult,
    bootstrap: &mut Bootstrap,
) -> Option<Improvement> {
    let pairs = paired(ours, theirs);
    let draws = bootstrap.of(pairs.len());
    let sides = |of: fn(&Scores) -> f64| -> (Vec<f64>, Vec<f64>) {
        pairs.iter().map(|(a, b)| (of(&a.in_scene), of(&b.in_scene))).unzip()
    };
    let lower = |of: fn(&Scores) -> f64| {
        let (a, b) = sides(of);
        stats::percent_lower(&Runs::new(a), &Runs::new(b), draws)
    };
    let (a, b) = sides(|s| s.translation_mm + s.yaw_deg);
    Some(Improvement {
        translation_pct: lower(|s| s.translation_mm)?,
        yaw_pct: lower(|s| s.yaw_deg)?,
        probability: stats::probability_lower(&a, &b),
    })
}

/// Last checkpoints of the seeds that both methods completed.
fn paired<'a>(
    ours: &'a MethodResult,
    theirs: &'a MethodResult,
) -> Vec<(&'a Checkpoint, &'a Checkpoint)> {
    let rival: BTreeMap<u64, &Checkpoint> =
        theirs.final_checkpoints().map(|(run, last)| (run.seed, last)).collect();
    ours.final_checkpoints()
        .filter_map(|(run, last)| Some((last, *rival.get(&run.seed)?)))
        .collect()
}

/// Difference of two pooled shelf rates (ours minus theirs), paired over seeds: whole seeds are
/// resampled. `None` where the two share no seed with a demonstration.
pub fn shelf_difference(
    ours: &MethodResult,
    theirs: &MethodResult,
    rounds: usize,
) -> Option<Interval> {
    let rival: BTreeMap<u64, Shelf> =
        theirs.runs.iter().filter_map(|run| Some((run.seed, run.shelf?))).collect();
    let pairs: Vec<(Shelf, Shelf)> = ours
        .runs
        .iter()
        .filter_map(|run| Some((run.shelf?, *rival.get(&run.seed)?)))
        .filter(|(a, b)| a.of > 0 && b.of > 0)
        .collect();
    let difference = |counts: &[u16]| {
        let pooled = |of: fn(&(Shelf, Shelf)) -> Shelf| {
            let (placed, tried) = pairs.iter().zip(counts).fold((0, 0), |(k, n), (pair, &c)| {
                (k + of(pair).placed * u64::from(c), n + of(pair).of * u64::from(c))
            });
            placed as f64 / tried as f64
        };
        pooled(|p| p.0) - pooled(|p| p.1)
    };
    (!pairs.is_empty()).then(|| Interval {
        value: difference(&vec![1; pairs.len()]),
        ci95: Resamples::draw(pairs.len(), rounds).interval(difference),
    })
}

/// Resamples by number of runs, drawn once each.
pub(super) struct Bootstrap {
    rounds: usize,
    by_runs: BTreeMap<usize, Resamples>,
}

impl Bootstrap {
    pub(super) fn new(rounds: usize) -> Self {
        Self { rounds, by_runs: BTreeMap::new() }
    }

    pub(super) fn of(&mut self, runs: usize) -> &Resamples {
        self.by_runs.entry(runs).or_insert_with(|| Resamples::draw(runs, self.rounds))
    }
}

/// Named values that keep their order, in memory and as a JSON object.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordered<T>(pub Vec<(String, T)>);

impl<T> Ordered<T> {
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }
}

impl<T> FromIterator<(String, T)> for Ordered<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
