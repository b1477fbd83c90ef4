use rand_distr::{Distribution, StandardNormal};

use crate::learn::free::{Linear, dithered};
use crate::learn::linear::{Exploration, Explore, Fit, Known, Trials};
use crate::learn::reward_form::{Form, RewardFit, RewardPrior};
use crate::learn::scenes::imitating_the_best;
use crate::learn::{Card, Entry, LearnError, Progress, Role};
use crate::settings;
use crate::task::Draw;

pub fn entry() -> Entry {
    Entry::linear::<BayesLinear>()
}

settings! {
    pub struct BayesLinearSettings {
        ..linear: Linear = Linear::default();
        ..exploration: Exploration = Exploration { dither: 0.4, dither_first: 0.4, ..Exploration::default() };
        /// How the reward is assumed to fall with the error.
        form: Form = Form::Distance;
        /// What is tried.
        explore: Explore = Explore::Thompson;
        /// Standard deviation of the reward's noise.
        noise: f64 = 0.09, in 1e-3..=10.0, tune log(0.03..=0.3);
        /// Prior standard deviation of the optimum's weights, mm and deg.
        prior_sd: f64 = 2.0, in 1e-3..=100.0, tune log(0.5..=8.0);
        /// Learn from copies of the first images, moved by known shifts and turns, how the optimum
        /// moves with the plate. The camera's scale must be known.
        registered: bool = false;
        /// Prior standard deviation of the weights about those that such copies, or the trials before
        /// a change of the task, have given; mm and deg.
        carried_sd: f64 = 0.3, in 1e-3..=100.0, tune log(0.05..=1.0);
        /// A batch whose rewards are worse than expected by so many standard deviations of their mean
        /// says that the task has changed: earlier trials give a prior only. 0 is never.
        surprise: f64 = 6.0, in 0.0..=1000.0;
        /// By how many trials one is older than the newest where it counts half as much; 0 is all alike.
        half_life: f64 = 0.0, in 0.0..=1e6, tune linear(0.0..=500.0);
        /// Fits from random optima besides the one that goes on.
        restarts: usize = 3, in 0..=100;
        /// Trials until which there are such fits.
        restarts_until: usize = 120, in 0..=1_000_000;
    }
}

/// Thompson sampling (Agrawal and Goyal, arXiv 1209.3352) with a reward whose form is known and whose
/// optimum is linear in a few image components: [`RewardFit`] on all trials after each batch, then
/// corrections that are best under one draw from the posterior, or simply thought to be best.
///
/// It assumes what rm-rl does not: that the reward falls with the distance from one optimum, or, with
/// `form = "quadratic"`, only that it has one, about which it is smooth.
pub struct BayesLinear {
    settings: BayesLinearSettings,
}

impl BayesLinear {
    fn starts(
        &self,
        trials: &Trials<'_>,
        made: usize,
        known: Option<&Known>,
        draw: &mut Draw,
    ) -> Vec<Vec<f64>> {
        let shape = self.settings.form.shape();
        let blank = |optimum| {
            let mut start = RewardFit::start(trials.seen[0].len(), optimum, shape);
            start.iter_mut().zip(trials.registered).skip(3).for_each(|(v, known)| *v = *known);
            start
        };
        let mut starts = vec![known.map_or_else(|| blank([0.0; 3]), |k| k.fit.values.clone())];
        let restarts =
            if made <= self.settings.restarts_until { self.settings.restarts } else { 0 };
        let mut anywhere = || blank(std::array::from_fn(|_| StandardNormal.sample(draw)));
        starts.extend((0..restarts).map(|_| anywhere()));
        if self.settings.form == Form::Bump {
            // Far from it a bump has no slope: begin where it was met.
            starts.extend(imitating_the_best(trials, made, &starts[0]));
        }
        starts
    }
}

impl Fit for BayesLinear {
    const NAME: &'static str = "bayes-linear";
    type Settings = BayesLinearSettings;

    fn card(_: &BayesLinearSettings) -> Card {
        let summary = "fits the reward's form, optimum linear in image components, Thompson sampling (after Agrawal & Goyal 2013)";
        Card { role: Role::Rival, ..Card::learner(Self::NAME, summary) }
    }

    fn linear(settings: &BayesLinearSettings) -> (Linear, Exploration, bool) {
        (settings.linear, settings.exploration, settings.registered)
    }

    fn new(settings: BayesLinearSettings) -> Self {
        Self { settings }
    }

    fn fit(
        &self,
        trials: &Trials<'_>,
        known: Option<&Known>,
        draw: &mut Draw,
    ) -> Result<(Known, Progress), LearnError> {
        let BayesLinearSettings { form, noise, prior_sd, carried_sd, surprise, .. } = self.settings;
        let (since, before) = trials.since(known, (form, noise), surprise);
        let mean = if before.is_empty() { trials.registered } else { &before };
        let mut shape = form.shape();
        for (shape, known) in shape.iter_mut().zip(before.iter().rev().take(4).rev()) {
            *shape = (*known, shape.1);
        }
        let weights = if mean.is_empty() { prior_sd } else { carried_sd };
        let prior = RewardPrior { form, noise, mean, constant: prior_sd, weights, shape };
        let samples = trials.ageing(self.settings.half_life).samples(since);
        let starts = self.starts(trials, samples.len(), known, draw);
        let fit = RewardFit::of(&starts, &samples, prior)
            .ok_or_else(|| LearnError::Diverged("no fit of the reward is a number".to_owned()))?;
        let loss = fit.cost / samples.len() as f64;
        Ok((Known { fit, since, before }, Progress { loss, ..Progress::default() }))
    }

    fn spread(&self, known: &Known, seen: &[f64]) -> Option<[f64; 3]> {
        known.fit.spread_at(self.settings.form, seen)
    }

    fn explore(&self, known: &Known, seen: &[f64], sd: f64, draw: &mut Draw) -> [f64; 3] {
        dithered(self.settings.explore.best(&known.fit, seen, draw), sd, draw)
    }
}
