use rand_distr::{Distribution, StandardNormal};

use crate::learn::free::{Linear, Looks, Reach, dithered};
use crate::learn::reward_form::{RewardFit, RewardPrior, Sample};
use crate::learn::{
    Card, Decision, Entry, Experience, LearnError, Method, Mode, Progress, View, saved,
};
use crate::settings;
use crate::task::{ActionGrid, Draw};

const NAME: &str = "bayes-linear";

pub fn entry() -> Entry {
    Entry::of(NAME, card, |card, settings, grid, _| {
        Ok(Box::new(BayesLinear::new(card, settings, grid)))
    })
}

settings! {
    pub struct BayesLinearSettings {
        ..linear: Linear = Linear::default();
        /// Standard deviation of what is added to a posterior draw when exploring, mm and deg.
        dither: f64 = 0.4, in 0.0..=10.0, tune log(0.1..=1.0);
        /// Standard deviation of the reward's noise.
        noise: f64 = 0.09, in 1e-3..=10.0, tune log(0.03..=0.3);
        /// Prior standard deviation of the optimum's weights, mm and deg.
        prior_sd: f64 = 2.0, in 1e-3..=100.0, tune log(0.5..=8.0);
        /// Fits from random optima besides the one that goes on.
        restarts: usize = 3, in 0..=100;
        /// Trials until which there are such fits.
        restarts_until: usize = 120, in 0..=1_000_000;
    }
}

fn card(_: &BayesLinearSettings) -> Card {
    Card::learner(
        NAME,
        "fits the reward's form, optimum linear in image components, Thompson sampling (after Agrawal & Goyal 2013)",
    )
}

/// Thompson sampling (Agrawal and Goyal, arXiv 1209.3352) with a reward whose form is known and whose
/// optimum is linear in a few image components: [`RewardFit`] on all trials after each batch, then
/// corrections that are best under one draw from the posterior.
///
/// It assumes what rm-rl does not: that the reward falls with the distance from one optimum.
struct BayesLinear {
    card: Card,
    settings: BayesLinearSettings,
    reach: Reach,
    looks: Looks,
    fit: Option<RewardFit>,
}

impl BayesLinear {
    fn new(card: Card, settings: BayesLinearSettings, grid: ActionGrid) -> Self {
        let looks = Looks::new(settings.linear);
        Self { card, settings, reach: Reach::of(grid), looks, fit: None }
    }

    fn starts(&self, made: usize, draw: &mut Draw) -> Vec<Vec<f64>> {
        let k = self.looks.width();
        let known = self.fit.as_ref().map(|fit| fit.values.clone());
        let mut starts = vec![known.unwrap_or_else(|| RewardFit::start(k, [0.0; 3]))];
        if made <= self.settings.restarts_until {
            for _ in 0..self.settings.restarts {
                let optimum = std::array::from_fn(|_| StandardNormal.sample(draw));
                starts.push(RewardFit::start(k, optimum));
            }
        }
        starts
    }

    fn explore(&self, seen: Option<&[f64]>, draw: &mut Draw) -> [f64; 3] {
        let (Some(fit), Some(seen)) = (&self.fit, seen) else {
            return self.reach.uniform(draw);
        };
        let unit: Vec<f64> = (0..3 * seen.len()).map(|_| StandardNormal.sample(draw)).collect();
        dithered(fit.drawn(seen, &unit), self.settings.dither, draw)
    }
}

impl Method for BayesLinear {
    fn card(&self) -> &Card {
        &self.card
    }

    fn act(
        &self,
        views: &[View<'_>],
        mode: Mode,
        draws: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError> {
        let choose = |(view, draw): (&View<'_>, &mut Draw)| {
            let seen = self.looks.see(view.image);
            let axes = match (mode, &self.fit, &seen) {
                (Mode::Explore, ..) => self.explore(seen.as_deref(), draw),
                (Mode::Greedy, Some(fit), Some(seen)) => fit.optimum(seen),
                (Mode::Greedy, ..) => [0.0; 3],
            };
            self.reach.decision(axes)
        };
        Ok(views.iter().zip(draws).map(choose).collect())
    }

    fn learn(
        &mut self,
        history: &[Experience],
        _: usize,
        draw: &mut Draw,
    ) -> Result<Progress, LearnError> {
        self.looks.look(history);
        if self.looks.seen.is_empty() {
            return Ok(Progress::default());
        }
        let sample = |(seen, trial): (&'_ Vec<f64>, &Experience)| -> (Vec<f64>, [f64; 3], f64) {
            (seen.clone(), trial.decision.correction.axes(), trial.feedback.reward)
        };
        let owned: Vec<_> = self.looks.seen.iter().zip(history).map(sample).collect();
        let samples: Vec<Sample<'_>> = owned.iter().map(|(s, a, r)| (&s[..], *a, *r)).collect();
        let BayesLinearSettings { noise, prior_sd, .. } = self.settings;
        let starts = self.starts(history.len(), draw);
        let prior = RewardPrior { noise, weights: prior_sd };
        let fit = RewardFit::of(&starts, &samples, prior)
            .ok_or_else(|| LearnError::Diverged("no fit of the reward is a number".to_owned()))?;
        let loss = fit.cost / history.len() as f64;
        self.fit = Some(fit);
        Ok(Progress { loss, ..Progress::default() })
    }

    /// The fit. The rest follows from the history.
    fn save(&self) -> Result<Vec<u8>, LearnError> {
        saved::save_fit(NAME, self.fit.as_ref())
    }

    fn load(&mut self, state: &[u8], history: &[Experience]) -> Result<(), LearnError> {
        self.fit = saved::load_fit(NAME, state, self.looks.width())?;
        self.looks = Looks::new(self.settings.linear);
        self.looks.look(history);
        Ok(())
    }
}
