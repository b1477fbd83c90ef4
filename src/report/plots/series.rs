use std::collections::BTreeMap;

use super::palette::Look;
use crate::report::stats::{Bootstrap, Estimate, Runs};
use crate::report::{MethodResult, Metric, RunResult};

/// Which metric of which evaluation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quantity {
    pub metric: Metric,
    pub held_out: bool,
}

/// One method's values against physical trials, as they are drawn.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub name: String,
    pub look: Look,
    /// Trials and the value, for each run that is drawn by itself.
    pub runs: Vec<Vec<(f64, f64)>>,
    pub centre: Vec<Shown>,
}

/// The estimate over the runs that were evaluated there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub trial: f64,
    pub estimate: Estimate,
}

impl Quantity {
    /// Values of a run by trials. What lies before the end of prior trials was not measured: the policy has
    /// learned nothing by then.
    fn of(self, method: &MethodResult, run: &RunResult) -> BTreeMap<i64, f64> {
        let card = &method.card;
        let begins = (card.prior_trials - card.on_top()) as i64;
        let measured =
            run.checkpoints.iter().filter(|c| c.trial >= begins || card.prior_trials == 0);
        let value = |c: &crate::report::Checkpoint| {
            let scores = if self.held_out { &c.held_out } else { &c.in_scene };
            scores.value(&self.metric)
        };
        measured.map(|c| (c.trial, value(c))).collect()
    }
}

impl Line {
    pub fn of(
        method: &MethodResult,
        (name, look): (String, Look),
        quantity: Quantity,
        bootstrap: &mut Bootstrap,
    ) -> Self {
        let runs: Vec<_> = method.runs.iter().map(|run| quantity.of(method, run)).collect();
        let line = |run: &BTreeMap<i64, f64>| run.iter().map(|(t, v)| (*t as f64, *v)).collect();
        let drawn = match look {
            Look::Learner { .. } => runs.iter().map(line).collect(),
            Look::Reference { .. } => Vec::new(),
        };
        Self { name, look, runs: drawn, centre: centre(&runs, bootstrap) }
    }

    /// Its difference to a rival, seed by seed, at the trials at which both were evaluated.
    pub fn difference(
        method: &MethodResult,
        rival: &MethodResult,
        (name, look): (String, Look),
        quantity: Quantity,
        bootstrap: &mut Bootstrap,
    ) -> Self {
        let theirs: BTreeMap<u64, BTreeMap<i64, f64>> =
            rival.runs.iter().map(|run| (run.seed, quantity.of(rival, run))).collect();
        let differences = method.runs.iter().filter_map(|run| {
            let theirs = theirs.get(&run.seed)?;
            let own = quantity.of(method, run).into_iter();
            Some(own.filter_map(|(t, v)| Some((t, v - theirs.get(&t)?))).collect())
        });
        let differences: Vec<BTreeMap<i64, f64>> = differences.collect();
        Self { name, look, runs: Vec::new(), centre: centre(&differences, bootstrap) }
    }

    /// The lowest and the highest value of lines and bands.
    pub fn ends(&self) -> (f64, f64) {
        let all = self.centre.iter().flat_map(|shown| {
            let Estimate { iqm, ci95 } = shown.estimate;
            ci95.into_iter().flatten().chain([iqm])
        });
        all.fold((0.0, 0.0), |(low, high): (f64, f64), value| (low.min(value), high.max(value)))
    }
}

fn centre(runs: &[BTreeMap<i64, f64>], bootstrap: &mut Bootstrap) -> Vec<Shown> {
    let mut at_trial: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for (trial, value) in runs.iter().flatten() {
        at_trial.entry(*trial).or_default().push(*value);
    }
    let shown = |(trial, values): (i64, Vec<f64>)| {
        let draws = bootstrap.of(values.len());
        Some(Shown { trial: trial as f64, estimate: Runs::new(values).estimate(draws)? })
    };
    at_trial.into_iter().filter_map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{metrics, synthetic};

    fn line(name: &str, prior: u64, on_top: bool) -> Vec<f64> {
        let mut method = synthetic::experiment(3).method(name).unwrap().clone();
        (method.card.prior_trials, method.card.prior_on_top) = (prior, on_top);
        let quantity = Quantity { metric: metrics()[0], held_out: false };
        let look = super::super::palette::looks([&method.card])[0];
        let line = Line::of(&method, (String::new(), look), quantity, &mut Bootstrap::new(20));
        line.centre.iter().map(|shown| shown.trial).collect()
    }

    #[test]
    fn what_was_not_measured_yet_is_not_drawn() {
        assert_eq!(line("rm-rl", 0, false)[0], 0.0);
        assert_eq!(line("rm-rl", 200, false)[0], 200.0, "prior trials are among the first");
        assert_eq!(line("rm-rl", 200, true)[0], 0.0, "they come before the first");
    }

    #[test]
    fn a_difference_to_oneself_is_nothing_at_every_trial() {
        let result = synthetic::experiment(3);
        let method = result.method("ppo").unwrap();
        let quantity = Quantity { metric: metrics()[0], held_out: true };
        let look = super::super::palette::looks([&method.card])[0];
        let mut bootstrap = Bootstrap::new(20);
        let line =
            Line::difference(method, method, (String::new(), look), quantity, &mut bootstrap);
        assert_eq!(line.centre.len(), 11);
        assert_eq!(line.ends(), (0.0, 0.0));
    }
}
