//! Robust statistics over runs, after rliable (Agarwal et al., NeurIPS 2021): interquartile
//! means, percentile bootstraps and the probability of improvement.
//!
//! A run is the unit that is resampled. All resamples come from one fixed ChaCha8 stream, so a
//! figure depends on the values and on nothing else.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};

use crate::task::Draw;

/// How often each of `n` runs was drawn, with replacement, in each of many rounds. Statistics
/// that share a draw are paired: the same seeds are in the same rounds.
#[derive(Clone, Debug)]
pub struct Resamples {
    n: usize,
    counts: Vec<u16>,
}

impl Resamples {
    const SEED: u64 = 0x726d_726c; // "rmrl"

    /// `rounds` bootstrap draws of `n` runs; the final report takes 50,000 as rliable does.
    pub fn draw(n: usize, rounds: usize) -> Self {
        let mut stream = Draw::seed_from_u64(Self::SEED ^ ((n as u64) << 32));
        let mut counts = vec![0; n * rounds];
        for round in counts.chunks_exact_mut(n.max(1)) {
            for _ in 0..n {
                round[stream.random_range(0..n)] += 1;
            }
        }
        Self { n, counts }
    }

    /// 95 % percentile interval of a statistic of the draw counts, or `None` for fewer than two
    /// runs: one run says nothing of its spread. Rounds in which the statistic is not a number
    /// are left out.
    pub fn interval(&self, mut statistic: impl FnMut(&[u16]) -> f64) -> Option<[f64; 2]> {
        if self.n < 2 {
            return None;
        }
        let mut values: Vec<f64> = self
            .counts
            .chunks_exact(self.n)
            .map(&mut statistic)
            .filter(|value| !value.is_nan())
            .collect();
        Some([percentile(&mut values, 0.025)?, percentile(&mut values, 0.975)?])
    }
}

/// Resamples by number of runs, drawn once each.
pub struct Bootstrap {
    rounds: usize,
    by_runs: BTreeMap<usize, Resamples>,
}

impl Bootstrap {
    pub fn new(rounds: usize) -> Self {
        Self { rounds, by_runs: BTreeMap::new() }
    }

    pub fn of(&mut self, runs: usize) -> &Resamples {
        self.by_runs.entry(runs).or_insert_with(|| Resamples::draw(runs, self.rounds))
    }
}

/// Values of the runs with their order found once, so that each bootstrap round is one pass.
#[derive(Clone, Debug)]
pub struct Runs {
    values: Vec<f64>,
    order: Vec<usize>,
}

impl Runs {
    pub fn new(values: Vec<f64>) -> Self {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
        Self { values, order }
    }

    /// Interquartile mean: `floor(n / 4)` of the runs are cut at each end and the rest averaged.
    /// Whole runs are cut, as `scipy.stats.trim_mean(x, 0.25)` does, which is what rliable
    /// calls; no run counts in part. `None` without runs.
    pub fn iqm(&self) -> Option<f64> {
        (!self.values.is_empty()).then(|| self.iqm_of(&vec![1; self.values.len()]))
    }

    /// Interquartile mean of a resample that holds run `i` `counts[i]` times.
    pub fn iqm_of(&self, counts: &[u16]) -> f64 {
        let n: usize = self.values.len();
        let cut = n / 4;
        let (mut skip, mut keep, mut sum) = (cut, n - 2 * cut, 0.0);
        for &run in &self.order {
            let mut here = usize::from(counts[run]);
            let skipped = here.min(skip);
            skip -= skipped;
            here = (here - skipped).min(keep);
            keep -= here;
            sum += here as f64 * self.values[run];
        }
        sum / (n - 2 * cut) as f64
    }

    pub fn estimate(&self, resamples: &Resamples) -> Option<Estimate> {
        let iqm = self.iqm()?;
        Some(Estimate { iqm, ci95: resamples.interval(|counts| self.iqm_of(counts)) })
    }
}

/// An interquartile mean over runs and its 95 % bootstrap interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Estimate {
    pub iqm: f64,
    /// `None` (JSON null) with a single run.
    pub ci95: Option<[f64; 2]>,
}

/// A figure and its 95 % bootstrap interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Interval {
    pub value: f64,
    /// `None` (JSON null) with a single run.
    pub ci95: Option<[f64; 2]>,
}

impl Interval {
    /// Of the figure with the other sign.
    pub fn negated(self) -> Self {
        Self { value: -self.value, ci95: self.ci95.map(|[low, high]| [-high, -low]) }
    }
}

/// By how many per cent `ours` is lower than `theirs`: `100 (1 - IQM(ours) / IQM(theirs))`, with
/// the runs of one seed kept together in every resample. `ours[i]` and `theirs[i]` share a seed.
pub fn percent_lower(ours: &Runs, theirs: &Runs, resamples: &Resamples) -> Option<Interval> {
    let lower = |a: f64, b: f64| 100.0 * (1.0 - a / b);
    let value = lower(ours.iqm()?, theirs.iqm()?);
    let ci95 = resamples.interval(|counts| lower(ours.iqm_of(counts), theirs.iqm_of(counts)));
    Some(Interval { value, ci95 })
}

/// Probability that a run of ours has the lower error than a run of theirs, over all pairs of
/// runs, ties counting one half: Mann-Whitney's U over the number of pairs.
pub fn probability_lower(ours: &[f64], theirs: &[f64]) -> f64 {
    let twice_wins: u32 = ours
        .iter()
        .flat_map(|a| theirs.iter().map(move |b| u32::from(a < b) + u32::from(a <= b)))
        .sum();
    f64::from(twice_wins) / (2 * ours.len() * theirs.len()) as f64
}

/// Successes of one run and its trials.
pub type Count = (u64, u64);

/// 95 % interval of a pooled success rate. The trials of one run share a policy and are not
/// independent, so whole runs are resampled (cluster bootstrap, ratio of sums). Where no run
/// differs from another, the bootstrap has no width: there, and for a single run, it is Wilson's
/// interval on the pooled trials.
pub fn rate_interval(runs: &[Count], resamples: &Resamples) -> [f64; 2] {
    let rate = |(k, n): Count| k as f64 / n as f64;
    let alike = runs.windows(2).all(|pair| rate(pair[0]) == rate(pair[1]));
    let clustered = resamples.interval(|counts| rate(drawn(runs, counts)));
    match clustered {
        Some(interval) if !alike => interval,
        _ => wilson(pooled(runs)),
    }
}

/// Successes and trials of a resample that holds run `i` `times[i]` times.
pub fn drawn(runs: &[Count], times: &[u16]) -> Count {
    runs.iter().zip(times).fold((0, 0), |(k, n), (run, &times)| {
        (k + run.0 * u64::from(times), n + run.1 * u64::from(times))
    })
}

/// All successes and all trials.
pub fn pooled(runs: &[Count]) -> Count {
    runs.iter().fold((0, 0), |(k, n), run| (k + run.0, n + run.1))
}

/// Wilson's 95 % score interval for `k` successes in `n` independent trials (Wilson 1927).
/// Without trials anything is possible: `[0, 1]`.
pub fn wilson((k, n): Count) -> [f64; 2] {
    const Z: f64 = 1.959_963_984_540_054;
    if n == 0 {
        return [0.0, 1.0];
    }
    let (k, n) = (k as f64, n as f64);
    let p = k / n;
    let centre = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    [((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0)]
}

/// Mean of the times at which something was reached, each cut off at the horizon; what was never
/// reached counts at the horizon (restricted mean survival time). `None` without runs.
pub fn restricted_mean(reached_at: &[Option<u64>], horizon: u64) -> Option<f64> {
    let cut = |at: &Option<u64>| at.map_or(horizon, |t| t.min(horizon)) as f64;
    (!reached_at.is_empty())
        .then(|| reached_at.iter().map(cut).sum::<f64>() / reached_at.len() as f64)
}

/// 0 of nothing.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Quantile of sorted values with linear interpolation (numpy's default). `None` if empty.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = q * last as f64;
    let (below, share) = (position.floor() as usize, position.fract());
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    Some(if share == 0.0 { low } else { low + share * (high - low) })
}

/// Quantile of unsorted values with linear interpolation (numpy's default). `None` if empty.
fn percentile(values: &mut [f64], q: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let position = q * last as f64;
    let below = position.floor() as usize;
    let (_, &mut low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    let share = position - below as f64;
    Some(if share == 0.0 { low } else { low + share * (high - low) })
}

#[cfg(test)]
#[path = "stats_tests.rs"]
mod tests;
