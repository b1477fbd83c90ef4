//! How a method gets there, and how alike its runs are.

use serde::Serialize;

use super::metrics::{Better, Metric, curves};
use super::stats::{Bootstrap, Estimate, Runs, mean};
use super::summary::ByMetric;
use super::{ExperimentResult, MethodResult, RunResult};

/// Trials at which the area under a learning curve is told.
const HORIZONS: [u64; 3] = [200, 300, 1000];

/// The mean of the learning curve up to so many trials: the area under it, by its width.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Area {
    pub until: u64,
    #[serde(flatten)]
    pub mean: ByMetric<Estimate>,
}

/// What single runs do, in-scene. All in the metric's unit; worse is larger for an error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Stability {
    /// The worst run at the last checkpoint.
    pub worst_seed: f64,
    /// The mean of the worst quarter of the runs there (conditional value at risk).
    pub cvar_25: f64,
    /// By how much a run gets worse from one checkpoint to the next, at most: mean over the runs.
    pub largest_drop: f64,
    /// The same of the run with the largest.
    pub worst_drop: f64,
}

/// Of each horizon that all runs reach, the areas of all error curves.
pub(super) fn areas(
    method: &MethodResult,
    result: &ExperimentResult,
    bootstrap: &mut Bootstrap,
) -> Vec<Area> {
    let mut horizons: Vec<u64> = HORIZONS.into_iter().filter(|&t| t <= result.trials).collect();
    if horizons.is_empty() {
        horizons.push(result.trials);
    }
    // Until its prior trials are over, a method is what it was at first.
    let first = (method.card.prior_trials - method.card.on_top()) as f64;
    let area = |until: u64| {
        let means = curves().into_iter().map(|metric| {
            let of_run = |run| mean_until(run, &metric, until as f64, first);
            let runs: Option<Vec<f64>> = method.runs.iter().map(of_run).collect();
            let runs = runs?;
            let draws = bootstrap.of(runs.len());
            Some((metric, Runs::new(runs).estimate(draws)?))
        });
        let mean: Option<Vec<_>> = means.collect();
        Some(Area { until, mean: ByMetric(mean?) })
    };
    horizons.into_iter().filter_map(area).collect()
}

/// `None` without runs.
pub(super) fn stability(method: &MethodResult) -> Option<ByMetric<Stability>> {
    let of = |metric: Metric| {
        let value = |run: &RunResult| Some(run.checkpoints.last()?.in_scene.value(&metric));
        let worse = |value: f64| if metric.better == Better::Lower { value } else { -value };
        let mut last: Vec<f64> = method.runs.iter().filter_map(value).collect();
        last.sort_by(|a, b| worse(*b).total_cmp(&worse(*a)));
        let worst_quarter = &last[..last.len().div_ceil(4)];
        let drop = |run: &RunResult| {
            let steps = run.checkpoints.windows(2).map(|pair| {
                let [before, after] = [&pair[0], &pair[1]].map(|c| c.in_scene.value(&metric));
                worse(after) - worse(before)
            });
            steps.fold(0.0, f64::max)
        };
        let drops: Vec<f64> = method.runs.iter().map(drop).collect();
        Some((
            metric,
            Stability {
                worst_seed: *last.first()?,
                cvar_25: mean(worst_quarter),
                largest_drop: mean(&drops),
                worst_drop: drops.iter().copied().fold(0.0, f64::max),
            },
        ))
    };
    let all: Option<Vec<_>> = curves().into_iter().map(of).collect();
    all.map(ByMetric)
}

/// Mean of the run's curve from 0 to `until` trials, straight between checkpoints but level until the one at
/// `first`, before which nothing is learned. A run with a single checkpoint stays where it is. `None`
/// where the curve does not reach that far.
fn mean_until(run: &RunResult, metric: &Metric, until: f64, first: f64) -> Option<f64> {
    let mut points: Vec<(f64, f64)> =
        run.checkpoints.iter().map(|c| (c.trial as f64, c.in_scene.value(metric))).collect();
    let learned = points.iter().position(|(trial, _)| *trial >= first && first > 0.0);
    if let Some(at) = learned.filter(|at| *at > 0) {
        points.insert(at, (points[at].0, points[at - 1].1));
    }
    if let [(_, only)] = points[..] {
        return Some(only);
    }
    let at = |trial: f64| {
        let pair = points.windows(2).find(|pair| pair[0].0 <= trial && trial <= pair[1].0)?;
        let [(t0, v0), (t1, v1)] = [pair[0], pair[1]];
        Some(if t1 > t0 { v0 + (v1 - v0) * (trial - t0) / (t1 - t0) } else { v1 })
    };
    let between = points.iter().filter(|(trial, _)| (0.0..until).contains(trial));
    let mut line: Vec<(f64, f64)> = vec![(0.0, at(0.0)?)];
    line.extend(between);
    line.push((until, at(until)?));
    let area: f64 = line.windows(2).map(|p| 0.5 * (p[0].1 + p[1].1) * (p[1].0 - p[0].0)).sum();
    Some(area / until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Checkpoint, Scores, synthetic};

    fn run(curve: &[(i64, f64)]) -> RunResult {
        let scores = |mm| Scores::new(1, [("translation_mm", mm), ("yaw_deg", mm)]);
        let checkpoint = |&(trial, mm): &(i64, f64)| Checkpoint {
            trial,
            robot_hours: 0.0,
            in_scene: scores(mm),
            held_out: scores(mm),
        };
        let run = synthetic::experiment(1).methods[0].runs[0].clone();
        RunResult { checkpoints: curve.iter().map(checkpoint).collect(), ..run }
    }

    fn mm() -> Metric {
        crate::report::metrics::metrics()[0]
    }

    #[test]
    fn the_area_is_that_of_the_line_between_the_checkpoints() {
        let falling = run(&[(0, 3.0), (100, 1.0), (200, 1.0), (300, 0.0)]);
        assert_eq!(mean_until(&falling, &mm(), 200.0, 0.0), Some(1.5));
        assert_eq!(mean_until(&falling, &mm(), 50.0, 0.0), Some(2.5));
        assert_eq!(mean_until(&falling, &mm(), 400.0, 0.0), None);
        // Prior trials until 100: level until then, whatever comes of them.
        let level = mean_until(&falling, &mm(), 200.0, 100.0).unwrap();
        assert!(level > mean_until(&falling, &mm(), 200.0, 0.0).unwrap(), "{level}");
        assert_eq!(
            mean_until(&run(&[(0, 2.0)]), &mm(), 1000.0, 0.0),
            Some(2.0),
            "it does not learn"
        );
        let before = run(&[(-100, 3.0), (100, 1.0)]);
        assert_eq!(
            mean_until(&before, &mm(), 100.0, 0.0),
            Some(1.5),
            "what came before is not charged"
        );
    }

    #[test]
    fn the_worst_run_the_worst_quarter_and_the_largest_drop_are_told() {
        let mut method = synthetic::experiment(1).methods.remove(0);
        let last = [0.5, 0.9, 0.6, 2.0, 0.7];
        method.runs = last.iter().map(|&mm| run(&[(0, 3.0), (100, 0.4), (200, mm)])).collect();
        let told = *stability(&method).unwrap().get("translation_mm").unwrap();
        assert_eq!(told.worst_seed, 2.0);
        assert_eq!(told.cvar_25, (2.0 + 0.9) / 2.0, "two of five are the worst quarter");
        assert!((told.worst_drop - 1.6).abs() < 1e-12);
        assert!((told.largest_drop - (0.1 + 0.5 + 0.2 + 1.6 + 0.3) / 5.0).abs() < 1e-12);
    }
}
