use rand_distr::{Distribution, StandardNormal};

use crate::learn::free::{Linear, Looks, Reach};
use crate::learn::gaussian_process::{GaussianProcess, Kernel, Point};
use crate::learn::scene_choice::SceneChoice;
use crate::learn::{
    Card, Decision, Entry, Experience, LearnError, Method, Mode, Progress, Role, View,
};
use crate::settings;
use crate::task::Draw;

const NAME: &str = "gp-bandit";

pub fn entry() -> Entry {
    Entry::of(NAME, card, |card, settings, grid, _, _| {
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
        /// Which scene instance comes next, of those that training comes back to.
        scenes: SceneChoice = SceneChoice::Given;
    }
}

fn card(settings: &GpBanditSettings) -> Card {
    let summary = "Gaussian process over image components and correction, Thompson sampling (after Krause & Ong 2011)";
    settings.scenes.on(Card { role: Role::Rival, ..Card::learner(NAME, summary) })
}

/// Draws from the posterior whose optima say how sure it is of its own: not what the arm adds, of which a
/// reward without a form tells nothing.
const DRAWS: usize = 16;

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

    fn decide(&self, view: &View<'_>, mode: Mode, draw: &mut Draw) -> Decision {
        let (Some(process), Some(seen)) = (&self.process, self.looks.see(view.image)) else {
            return self.reach.decision(match mode {
                Mode::Greedy => [0.0; 3],
                Mode::Explore => self.reach.uniform(draw),
            });
        };
        let mut drawn = || {
            let unit = (0..process.size()).map(|_| StandardNormal.sample(draw)).collect();
            process.slice(&seen, Some(unit)).best(self.reach.half())
        };
        if mode == Mode::Explore {
            return self.reach.decision(drawn());
        }
        let best = process.slice(&seen, None).best(self.reach.half());
        let bests: Vec<[f64; 3]> = (0..DRAWS).map(|_| drawn()).collect();
        let square =
            |axis: usize| bests.iter().map(|b| (b[axis] - best[axis]).powi(2)).sum::<f64>();
        let spread = std::array::from_fn(|axis| (square(axis) / DRAWS as f64).sqrt());
        Decision { spread: Some(spread), ..self.reach.decision(best) }
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
        Ok(views.iter().zip(draws).map(|(view, draw)| self.decide(view, mode, draw)).collect())
    }

    fn wishes(&self, history: &[Experience], turn: usize, scenes: usize) -> Option<usize> {
        self.settings.scenes.wish(history, turn, scenes)
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
