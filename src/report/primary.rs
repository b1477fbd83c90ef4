//! Comparisons that were named in advance, tested; and all others, explored.

use std::collections::BTreeMap;

use serde::Serialize;

use super::metrics::{self, Metric};
use super::significance::{
    ALPHA, FEWEST_FOR_A_VERDICT, can_reject, detectable, holm, letters, sign_flip_p,
};
use super::stats::{Interval, Resamples, mean};
use super::{Contrast, ExperimentResult, MethodResult, RunResult, Scores};

/// Contrasts that an experiment may name: each makes the others harder to show.
pub const MOST_CONTRASTS: usize = 6;
/// Rounds of the bootstrap, at most.
const ROUNDS: usize = 5_000;

/// A contrast as a test: in-scene, last checkpoint, paired over seeds and their evaluation trials, which are
/// the same for every method. Trials lie within a seed, so that seeds are what is drawn.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Primary {
    /// What is compared: the key of a metric, or `cost`, (mm + deg) / 5: the errors as the reward by
    /// distance weighs them.
    pub figure: String,
    /// By how much the method is better, on average, with an interval over seeds.
    pub better_by: Interval,
    /// Seeds that both completed.
    pub seeds: usize,
    /// Of the randomisation test over seeds; `None` below 5 seeds.
    pub p: Option<f64>,
    /// The same among all that the experiment names (Holm).
    pub p_holm: Option<f64>,
    /// The smallest difference that so many seeds find with a power of 80 %; `None` where they cannot tell
    /// any of so many contrasts.
    pub detectable: Option<f64>,
}

/// What is compared where a contrast does not say: what the errors cost.
pub const COST: &str = "cost";

impl Primary {
    /// In words, where there are seeds enough for one.
    pub fn verdict(&self) -> Option<&'static str> {
        let p = self.p_holm?;
        self.detectable?;
        Some(match (p < ALPHA, self.better_by.value > 0.0) {
            (true, true) => "better",
            (true, false) => "worse",
            (false, _) => "not told apart",
        })
    }
}

/// Each contrast of the experiment, `None` where its methods share no seed.
pub(super) fn primaries(result: &ExperimentResult, rounds: usize) -> Vec<Option<Primary>> {
    let named = result.contrasts.len();
    let pairs: Vec<Option<Paired>> =
        result.contrasts.iter().map(|contrast| Paired::of(result, contrast)).collect();
    let enough = |pair: &&Paired| pair.differences.len() >= FEWEST_FOR_A_VERDICT;
    let p: Vec<Option<f64>> = pairs
        .iter()
        .map(|pair| pair.as_ref().filter(enough).and_then(|pair| sign_flip_p(&pair.differences)))
        .collect();
    let adjusted = holm(&p);
    let made = pairs.into_iter().zip(p).zip(adjusted).map(|((pair, p), p_holm)| {
        let pair = pair?;
        Some(Primary {
            figure: pair.figure,
            better_by: paired(&pair.differences, rounds.min(ROUNDS)),
            seeds: pair.differences.len(),
            p,
            p_holm,
            detectable: p
                .filter(|_| can_reject(pair.differences.len(), named))
                .and_then(|_| detectable(&pair.differences, named)),
        })
    });
    made.collect()
}

/// Differences of two methods, positive where the first is better.
struct Paired {
    figure: String,
    /// Of each seed.
    differences: Vec<f64>,
}

/// The mean of paired differences, and its interval over seeds.
fn paired(differences: &[f64], rounds: usize) -> Interval {
    let n = differences.len();
    let of = |times: &[u16]| {
        let sum: f64 = differences.iter().zip(times).map(|(d, times)| d * f64::from(*times)).sum();
        sum / n as f64
    };
    Interval { value: mean(differences), ci95: Resamples::draw(n, rounds).interval(of) }
}

impl Paired {
    fn of(result: &ExperimentResult, contrast: &Contrast) -> Option<Self> {
        let (ours, theirs) = (result.method(&contrast.method)?, result.method(&contrast.over)?);
        let figure = Figure::named(contrast.figure.as_deref());
        let runs = shared_seeds(ours, theirs);
        let difference = |(a, b): &(&RunResult, &RunResult)| {
            let scores = |run: &RunResult| run.checkpoints.last().map(|c| c.in_scene.clone());
            Some(figure.better(figure.of_run(&scores(a)?) - figure.of_run(&scores(b)?)))
        };
        let differences: Vec<f64> = runs.iter().filter_map(difference).collect();
        (!differences.is_empty()).then(|| Self { figure: figure.key(), differences })
    }
}

/// What is compared.
enum Figure {
    Cost,
    Of(Metric),
}

impl Figure {
    fn named(key: Option<&str>) -> Self {
        let found = metrics::metrics().into_iter().find(|metric| Some(metric.key) == key);
        found.map_or(Self::Cost, Self::Of)
    }

    fn key(&self) -> String {
        match self {
            Self::Cost => COST.to_owned(),
            Self::Of(metric) => metric.key.to_owned(),
        }
    }

    fn of_run(&self, scores: &Scores) -> f64 {
        match self {
            Self::Cost => scores.cost(),
            Self::Of(metric) => scores.value(metric),
        }
    }

    /// A gain, from by how much a value is higher.
    fn better(&self, higher: f64) -> f64 {
        match self {
            Self::Of(metric) if metric.better == metrics::Better::Higher => higher,
            _ => -higher,
        }
    }
}

fn shared_seeds<'a>(
    ours: &'a MethodResult,
    theirs: &'a MethodResult,
) -> Vec<(&'a RunResult, &'a RunResult)> {
    let rival: BTreeMap<u64, &RunResult> = theirs.runs.iter().map(|run| (run.seed, run)).collect();
    ours.runs.iter().filter_map(|run| Some((run, *rival.get(&run.seed)?))).collect()
}

/// All methods that are not told the truth, the best first: what the errors cost, and letters. Methods that
/// share a letter are not told apart by the randomisation test over seeds, Holm among all pairs; without letters
/// where so few seeds cannot tell so many apart. Empty below 5 seeds.
pub(super) fn explored(result: &ExperimentResult) -> Vec<(String, f64, String)> {
    type Runs = BTreeMap<u64, f64>;
    let costs = |method: &MethodResult| -> Runs {
        method.final_checkpoints().map(|(run, c)| (run.seed, c.in_scene.cost())).collect()
    };
    let fair = result.methods.iter().filter(|method| !method.card.sees_truth);
    let mut all: Vec<(&str, f64, Runs)> = fair
        .map(|method| (method.card.name.as_str(), costs(method)))
        .filter(|(_, runs)| runs.len() >= FEWEST_FOR_A_VERDICT)
        .map(|(name, runs)| (name, mean(&runs.values().copied().collect::<Vec<_>>()), runs))
        .collect();
    all.sort_by(|a, b| a.1.total_cmp(&b.1));
    let pairs: Vec<(usize, usize)> =
        (0..all.len()).flat_map(|a| (a + 1..all.len()).map(move |b| (a, b))).collect();
    let p: Vec<Option<f64>> = pairs
        .iter()
        .map(|&(a, b)| {
            let other = &all[b].2;
            let both: Vec<f64> =
                all[a].2.iter().filter_map(|(seed, x)| Some(x - other.get(seed)?)).collect();
            sign_flip_p(&both)
        })
        .collect();
    let told_apart = holm(&p).into_iter().zip(&pairs);
    let differ: Vec<(usize, usize)> =
        told_apart.filter(|(p, _)| p.is_some_and(|p| p < ALPHA)).map(|(_, pair)| *pair).collect();
    let seeds = all.iter().map(|(.., runs)| runs.len()).min().unwrap_or(0);
    let letters = match can_reject(seeds, pairs.len()) {
        true => letters(all.len(), &differ),
        false => vec![String::new(); all.len()],
    };
    all.into_iter()
        .zip(letters)
        .map(|((name, cost, _), own)| (name.to_owned(), cost, own))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic;

    #[test]
    fn below_five_seeds_nothing_is_tested_and_from_there_on_it_is() {
        let few = primaries(&synthetic::experiment(4), 100);
        for primary in few.iter().flatten() {
            assert_eq!((primary.p, primary.p_holm, primary.detectable), (None, None, None));
            assert_eq!(primary.verdict(), None);
        }
        let many = primaries(&synthetic::experiment(12), 100);
        let first = many[0].as_ref().unwrap();
        assert_eq!(
            (first.figure.as_str(), first.seeds, first.verdict()),
            (COST, 12, Some("better"))
        );
        assert!(first.p_holm.unwrap() > first.p.unwrap(), "three are looked at");
        // Three contrasts cannot be told apart by six seeds, however clear they are.
        let six = primaries(&synthetic::experiment(6), 100);
        let first = six[0].as_ref().unwrap();
        assert!(first.p_holm.is_some() && first.detectable.is_none() && first.verdict().is_none());
        let letters = |seeds| explored(&synthetic::experiment(seeds));
        assert!(letters(8).iter().all(|(.., own)| own.is_empty()), "15 pairs");
        assert!(letters(16).iter().all(|(.., own)| !own.is_empty()));
        assert!(explored(&synthetic::experiment(4)).is_empty());
    }

    #[test]
    fn a_contrast_may_name_the_figure_that_decides() {
        let mut result = synthetic::experiment(6);
        result.contrasts.truncate(1);
        result.contrasts[0].figure = Some("success".into());
        let told = primaries(&result, 100).remove(0).unwrap();
        assert_eq!(told.figure, "success");
        assert!(told.better_by.value > 0.0, "points of per cent more");
    }

    #[test]
    fn a_method_like_another_shares_its_letter_and_a_far_better_one_does_not() {
        let mut result = synthetic::experiment(20);
        let same = result.method("rm-rl").unwrap().runs.clone();
        result.methods.iter_mut().find(|m| m.card.name == "ppo").unwrap().runs = same;
        let told = explored(&result);
        let letters = |name: &str| told.iter().find(|(n, ..)| n == name).unwrap().2.clone();
        assert_eq!(letters("rm-rl"), letters("ppo"));
        let (best, worst) = (letters("rm-rl"), letters("no-correction"));
        assert!(!best.chars().any(|letter| worst.contains(letter)), "{best} {worst}");
        assert!(told.iter().all(|(name, ..)| name != "oracle"), "it is told the truth");
    }
}
