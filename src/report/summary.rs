use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::contrast::Contrasted;
use super::details::Details;
use super::improvement::Improvement;
use super::metrics::{self, Kind, Metric, PRECISE, Shown};
use super::stats::{self, Bootstrap, Count, Estimate, Runs};
use super::{
    Checkpoint, ExperimentResult, FailedRun, Floor, Hardware, MethodResult, RunResult, Scores,
    primary,
};
use crate::learn::{Card, Role};
use crate::task::Reward;

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
    /// Runs whose method failed: their seeds are not complete, for any method.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedRun>,
    pub version: String,
    pub commit: String,
    /// Where the trials were made on an arm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hardware: Option<Hardware>,
    /// In the order of the experiment. A method without a complete run is left out.
    pub methods: Ordered<MethodSummary>,
    /// By rival (as its card says), then by method: every other method that learns.
    pub improvement_over: Ordered<Ordered<Improvement>>,
    /// Those that the experiment names, as far as both methods are in the run.
    pub contrasts: Vec<Contrasted>,
    /// What the arm's own noise leaves of a perfect correction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise_floor: Option<Floor>,
    /// The error at which a trial without a placement counts: translation and yaw.
    pub cap: Cap,
    /// All methods that are not told the truth, the best first; nothing of it was named in advance.
    pub exploratory: Vec<Explored>,
    /// How many contrasts the experiment names.
    #[serde(skip)]
    pub named: usize,
    /// SHA-256 of the experiment's file and of the contrasts in it, and how many runs were begun with them.
    pub experiment_sha256: String,
    pub contrasts_sha256: String,
    pub runs_begun_with_these_contrasts: usize,
}

/// A method among all others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explored {
    pub method: String,
    /// What its errors cost, (mm + deg) / 5, mean over seeds.
    pub cost: f64,
    /// Methods that share a letter are not told apart.
    pub letters: String,
}

/// The error of a trial without a placement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cap {
    pub translation_mm: f64,
    pub yaw_deg: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MethodSummary {
    pub signal: &'static str,
    pub context: &'static str,
    pub in_scene: ByMetric<Figure>,
    pub held_out: ByMetric<Figure>,
    /// In the order of the experiment.
    pub demonstrations: Vec<DemonstrationSummary>,
    pub trials_to_1mm_1deg: TimeToReach,
    pub details: Details,
}

/// A value for each metric, in the order of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct ByMetric<T>(pub Vec<(Metric, T)>);

/// What the runs of a method come to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Figure {
    Mean(Estimate),
    /// `None` without a trial.
    Share(Option<Rate>),
}

/// Of trials, pooled over runs; the interval resamples whole runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rate {
    pub rate: f64,
    pub ci95: [f64; 2],
}

/// A final demonstration, pooled over runs; the interval resamples whole runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DemonstrationSummary {
    pub scene: String,
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

impl Summary {
    /// `rounds` bootstrap resamples: 50,000 for a report that is to be kept, fewer while seeds
    /// are still coming in.
    pub fn of(result: &ExperimentResult, rounds: usize) -> Self {
        let mut bootstrap = Bootstrap::new(rounds);
        let mut summary = |m| summarise(m, result, &mut bootstrap);
        let name = |m: &MethodResult| m.card.name.clone();
        let methods = result.methods.iter().filter_map(|m| Some((name(m), summary(m)?))).collect();
        let rivals = result.methods.iter().filter(|m| m.card.role == Role::Rival);
        let improvement_over = rivals
            .map(|rival| (name(rival), improvements(result, rival, &mut bootstrap)))
            .filter(|(_, over)| !over.0.is_empty())
            .collect();
        let primaries = primary::primaries(result, rounds);
        let contrasts = result
            .contrasts
            .iter()
            .zip(primaries)
            .filter_map(|(contrast, primary)| {
                Contrasted::of(result, contrast, primary?, &mut bootstrap)
            })
            .collect();
        let explored = primary::explored(result).into_iter();
        let cap = Reward::new(&result.task).cap();
        let named =
            |run: &&RunResult| run.contrasts_sha256.as_ref() == Some(&result.contrasts_sha256);
        Self {
            experiment: result.name.clone(),
            trials: result.trials,
            seeds: result.complete_seeds(),
            failed: result.failed.clone(),
            version: result.version.clone(),
            commit: result.commit.clone(),
            hardware: Hardware::of(result),
            methods,
            improvement_over,
            contrasts,
            noise_floor: result.floor,
            cap: Cap { translation_mm: cap.translation_mm(), yaw_deg: cap.yaw_deg },
            named: result.contrasts.len(),
            exploratory: explored
                .map(|(method, cost, letters)| Explored { method, cost, letters })
                .collect(),
            experiment_sha256: result.experiment_sha256.clone(),
            contrasts_sha256: result.contrasts_sha256.clone(),
            runs_begun_with_these_contrasts: result
                .methods
                .iter()
                .flat_map(|method| &method.runs)
                .filter(named)
                .count(),
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

impl MethodSummary {
    /// Its main demonstration: on the scene "shelf", or else the first.
    fn shelf(&self) -> Option<&DemonstrationSummary> {
        let shelf = self.demonstrations.iter().find(|shown| shown.scene == "shelf");
        shelf.or(self.demonstrations.first())
    }
}

impl Serialize for MethodSummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shelf {
            placed: u64,
            of: u64,
            ci95: [f64; 2],
        }
        let shelf = self.shelf().map(|s| Shelf { placed: s.placed, of: s.of, ci95: s.ci95 });
        let (means, shares): (Vec<&(Metric, Figure)>, Vec<_>) =
            self.in_scene.0.iter().partition(|(metric, _)| metric.is_mean());
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("signal", self.signal)?;
        map.serialize_entry("context", self.context)?;
        for (metric, figure) in means {
            map.serialize_entry(metric.key, figure)?;
        }
        map.serialize_entry("held_out", &self.held_out)?;
        for (metric, figure) in shares {
            map.serialize_entry(metric.key, figure)?;
        }
        map.serialize_entry("shelf", &shelf)?;
        map.serialize_entry("demonstrations", &self.demonstrations)?;
        map.serialize_entry("trials_to_1mm_1deg", &self.trials_to_1mm_1deg)?;
        self.details.entries(&mut map)?;
        map.end()
    }
}

fn summarise(
    method: &MethodResult,
    result: &ExperimentResult,
    bootstrap: &mut Bootstrap,
) -> Option<MethodSummary> {
    let runs: Vec<(&RunResult, &Checkpoint)> = method.final_checkpoints().collect();
    let horizon = result.trials;
    let reached: Vec<Option<u64>> =
        runs.iter().map(|(run, _)| becomes_precise(run).filter(|&t| t <= horizon)).collect();
    let trials_to_1mm_1deg = TimeToReach {
        restricted_mean: stats::restricted_mean(&reached, horizon)?,
        reached: reached.iter().flatten().count(),
        of: reached.len(),
    };
    let mut figures = |of: fn(&Checkpoint) -> &Scores| -> Option<ByMetric<Figure>> {
        let scores: Vec<&Scores> = runs.iter().map(|(_, last)| of(last)).collect();
        let shown = metrics::shown_in(Shown::Tables).into_iter();
        let figures: Option<Vec<_>> =
            shown.map(|metric| Some((metric, figure(&metric, &scores, bootstrap)?))).collect();
        Some(ByMetric(figures?))
    };
    let (in_scene, held_out) = (figures(|c| &c.in_scene)?, figures(|c| &c.held_out)?);
    let demonstrations = result.demonstrated().into_iter().filter_map(|scene| {
        let shown = method.runs.iter().filter_map(|run| run.demonstration(scene));
        let counts: Vec<Count> = shown.map(|shown| (shown.placed, shown.of)).collect();
        let ((placed, of), ci95) = rate(&counts, bootstrap)?;
        Some(DemonstrationSummary { scene: scene.to_owned(), placed, of, ci95 })
    });
    let demonstrations = demonstrations.collect();
    let details = Details::of(method, result, &in_scene, bootstrap);
    Some(MethodSummary {
        signal: told(&method.card),
        context: method.card.context.name(),
        in_scene,
        held_out,
        demonstrations,
        trials_to_1mm_1deg,
        details,
    })
}

/// The signal of a method that is told the true offset.
pub const TRUTH: &str = "truth";

/// What a method learns from: who is told the true offset needs no reward.
fn told(card: &Card) -> &'static str {
    if card.sees_truth { TRUTH } else { card.signal.name() }
}

/// `None` without runs.
fn figure(metric: &Metric, runs: &[&Scores], bootstrap: &mut Bootstrap) -> Option<Figure> {
    Some(match metric.kind {
        Kind::Mean => {
            let values = Runs::new(runs.iter().map(|scores| scores.value(metric)).collect());
            Figure::Mean(values.estimate(bootstrap.of(runs.len()))?)
        }
        Kind::Share { .. } => {
            let counts: Vec<Count> = runs.iter().map(|scores| scores.count(metric)).collect();
            let pooled = rate(&counts, bootstrap);
            Figure::Share(pooled.map(|((k, n), ci95)| Rate { rate: k as f64 / n as f64, ci95 }))
        }
    })
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
fn becomes_precise(run: &RunResult) -> Option<u64> {
    let precise = |c: &&Checkpoint| PRECISE.iter().all(|(key, goal)| c.in_scene.mean(key) < *goal);
    run.checkpoints.iter().find(precise).map(|c| c.trial.max(0) as u64)
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
        .filter_map(|m| Some((m.card.name.clone(), Improvement::of(m, rival, bootstrap)?)))
        .collect()
}

impl<T> ByMetric<T> {
    pub fn get(&self, key: &str) -> Option<&T> {
        self.0.iter().find(|(metric, _)| metric.key == key).map(|(_, value)| value)
    }
}

impl<T: Serialize> Serialize for ByMetric<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(metric, value)| (metric.key, value)))
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
