use std::collections::BTreeMap;

use crate::report::stats::{Bootstrap, Estimate, Runs};
use crate::report::{MethodResult, Metric, Scores};

/// Which metric of which evaluation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quantity {
    pub metric: Metric,
    pub held_out: bool,
}

/// One method's values against physical trials.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// Trials and the value, for each run.
    pub runs: Vec<Vec<(f64, f64)>>,
    /// Trials, and the estimate over the runs that were evaluated there.
    pub centre: Vec<(f64, Estimate)>,
}

impl Quantity {
    fn of(self, in_scene: &Scores, held_out: &Scores) -> f64 {
        let scores = if self.held_out { held_out } else { in_scene };
        scores.value(&self.metric)
    }
}

impl Series {
    pub(super) fn of(method: &MethodResult, quantity: Quantity, bootstrap: &mut Bootstrap) -> Self {
        let mut at_trial: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        let mut runs = Vec::with_capacity(method.runs.len());
        for run in &method.runs {
            let mut line = Vec::with_capacity(run.checkpoints.len());
            for c in &run.checkpoints {
                let value = quantity.of(&c.in_scene, &c.held_out);
                at_trial.entry(c.trial).or_default().push(value);
                line.push((c.trial as f64, value));
            }
            runs.push(line);
        }
        let centre = at_trial
            .into_iter()
            .filter_map(|(trial, values)| {
                let draws = bootstrap.of(values.len());
                Some((trial as f64, Runs::new(values).estimate(draws)?))
            })
            .collect();
        Self { runs, centre }
    }

    /// The largest value shown.
    pub(super) fn highest(&self) -> f64 {
        self.runs.iter().flatten().map(|(_, value)| *value).fold(0.0, f64::max)
    }
}
