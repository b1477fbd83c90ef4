use rand_distr::{Distribution, StandardNormal};

use crate::learn::free::{Linear, Looks, Reach};
use crate::learn::gaussian_process::{GaussianProcess, Kernel, Point};
use crate::learn::{
    Card, Decision, Entry, Experience, LearnError, Method, Mode, Progress, Role, View,
};
use crate::settings;
use crate::task::Draw;

const NAME: &str = "gp-bandit";

pub fn entry() -> Entry {
    Entry::of(NAME, card, |card, settings, grid, _| {
        let looks = Looks::new(settings.linear);
        Ok(Box::new(GpBandit { card, settings, reach: Reach::of(grid), looks, process: None }))
    })
}

settings! {
    pub struct GpBanditSettings {
        ..linear: Linear = Linear { first_trials: 40, ..Linear::default() };
        /// Trials, spread evenly over all so far, that carry the process: learning's cost grows by its
        /// square.
        inducing: usize = 150, in 5..=2000;
        /// Distance of contexts over which the reward changes, in typical sizes of the strongest components.
        context_length: f64 = 3.0, in 0.01..=1000.0, tune log(0.5..=10.0);
        /// Distance of corrections over which the reward changes, mm and deg.
        action_length: f64 = 2.0, in 0.01..=1000.0, tune log(0.5..=10.0);
        /// Standard deviation of what the reward is before the first trial.
        deviation: f64 = 0.5, in 1e-3..=100.0, tune log(0.2..=2.0);
        /// Standard deviation of the reward's noise.
        noise: f64 = 0.09, in 1e-3..=10.0, tune log(0.03..=0.3);
    }
}

fn card(_: &GpBanditSettings) -> Card {
    let summary = "Gaussian process over image components and correction, Thompson sampling (after Krause & Ong 2011)";
    Card { role: Role::Rival, ..Card::learner(NAME, summary) }
}

/// A contextual bandit whose reward is a Gaussian process over context and action with a product kernel
/// (Krause and Ong, NIPS 2011), and Thompson sampling instead of their upper bound (Chowdhury and
/// Gopalan, arXiv 1704.00445): a bound needs the variance at every candidate, a draw of the function a mean.
///
/// `r(x, a) ~ GP(level, k_x k_a)` on all trials after each batch; a correction is the best one under one
/// draw from the posterior, or under its mean. It assumes that the reward is smooth, not its form.
#[derive(Debug)]
struct GpBandit {
    card: Card,
    settings: GpBanditSettings,
    reach: Reach,
    looks: Looks,
    process: Option<GaussianProcess>,
}

impl GpBandit {
    /// All that it knows follows from the history.
    fn fit(&mut self, history: &[Experience]) -> Result<(), LearnError> {
        self.looks.look(history);
        if self.looks.seen.is_empty() {
            self.process = None;
            return Ok(());
        }
        let action = |trial: &Experience| trial.decision.correction.axes();
        let rows = self.looks.seen.iter().zip(history);
        let points: Vec<Point> = rows.map(|(row, trial)| (row.clone(), action(trial))).collect();
        let rewards: Vec<f64> = history.iter().map(|trial| trial.feedback.reward).collect();
        let GpBanditSettings { inducing, context_length, action_length, deviation, noise, .. } =
            self.settings;
        let kernel = Kernel { context_length, action_length, deviation, noise };
        let process = GaussianProcess::fit(kernel, &points, &rewards, inducing);
        let what = || LearnError::Diverged("no fit of the reward is a number".to_owned());
        self.process = Some(process.ok_or_else(what)?);
        Ok(())
    }

    fn choose(&self, view: &View<'_>, mode: Mode, draw: &mut Draw) -> [f64; 3] {
        match (&self.process, self.looks.see(view.image), mode) {
            (Some(process), Some(seen), Mode::Greedy) => {
                process.slice(&seen, None).best(self.reach.half())
            }
            (Some(process), Some(seen), Mode::Explore) => {
                let unit = (0..process.size()).map(|_| StandardNormal.sample(draw)).collect();
                process.slice(&seen, Some(unit)).best(self.reach.half())
            }
            (_, _, Mode::Greedy) => [0.0; 3],
            (_, _, Mode::Explore) => self.reach.uniform(draw),
        }
    }
}

impl Method for GpBandit {
    fn card(&self) -> &Card {
        &self.card
    }

    fn act(
        &self,
        views: &[View<'_>],
        mode: Mode,
        draws: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError> {
        let decide = |(view, draw): (&View<'_>, &mut Draw)| {
            self.reach.decision(self.choose(view, mode, draw))
        };
        Ok(views.iter().zip(draws).map(decide).collect())
    }

    fn learn(
        &mut self,
        history: &[Experience],
        _: usize,
        _: &mut Draw,
    ) -> Result<Progress, LearnError> {
        self.fit(history)?;
        let loss = self.process.as_ref().map_or(0.0, |process| process.misfit);
        Ok(Progress { loss, ..Progress::default() })
    }

    /// Nothing: all of it follows from the history.
    fn save(&self) -> Result<Vec<u8>, LearnError> {
        Ok(Vec::new())
    }

    fn load(&mut self, _: &[u8], history: &[Experience]) -> Result<(), LearnError> {
        self.looks = Looks::new(self.settings.linear);
        self.fit(history)
    }
}
