use std::collections::BTreeMap;

use crate::report::stats::{Estimate, Runs};
use crate::report::summary::Bootstrap;
use crate::report::{MethodResult, Scores};

/// Which error of which evaluation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quantity {
    pub held_out: bool,
    pub yaw: bool,
}

/// One method's error against physical trials.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// Trials and the error, for each run.
    pub runs: Vec<Vec<(f64, f64)>>,
    /// Trials, and the estimate over the runs that were evaluated there.
    pub centre: Vec<(f64, Estimate)>,
}

impl Quantity {
    fn of(self, in_scene: &Scores, held_out: &Scores) -> f64 {
        let scores = if self.held_out { held_out } else { in_scene };
        if self.yaw { scores.yaw_deg } else { scores.translation_mm }
    }
}

impl Series {
    pub(super) fn of(method: &MethodResult, quantity: Quantity, bootstrap: &mut Bootstrap) -> Self {
        let mut at_trial: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        let mut runs = Vec::with_capacity(method.runs.len());
        for run in &method.runs {
            let mut line = Vec::with_capacity(run.checkpoints.len());
            for c in &run.checkpoints {
                let error = quantity.of(&c.in_scene, &c.held_out);
                at_trial.entry(c.trial).or_default().push(error);
                line.push((c.trial as f64, error));
            }
            runs.push(line);
        }
        let centre = at_trial
            .into_iter()
            .filter_map(|(trial, errors)| {
                let draws = bootstrap.of(errors.len());
                Some((trial as f64, Runs::new(errors).estimate(draws)?))
            })
            .collect();
        Self { runs, centre }
    }

    /// The largest error shown.
    pub(super) fn highest(&self) -> f64 {
        self.runs.iter().flatten().map(|(_, error)| *error).fold(0.0, f64::max)
    }
}
