use serde::{Deserialize, Serialize};

use super::super::learner::Learner;
use super::super::settings::{Checks, Common, Options};
use super::super::{
    BinProbabilities, Card, Decision, Experience, LearnError, Method, Mode, Progress, View,
};
use super::super::{heads, replay};
use super::Recipe;
use crate::config::ConfigError;
use crate::task::{ActionGrid, ContextSignal, Draw, RewardSignal, Streams};

/// Supervised on the true offset: what role models would teach if all of them were perfect.
#[derive(Debug)]
pub struct TrueLabels {
    card: Card,
    settings: TrueLabelsSettings,
    learner: Learner,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct TrueLabelsSettings {
    #[serde(flatten)]
    pub common: Common,
    /// Gradient steps after each batch of trials.
    pub steps: usize,
    /// Replayed trials in a gradient step.
    pub minibatch: usize,
}

impl Options for TrueLabelsSettings {
    fn check(&self, check: &Checks<'_>) -> Result<(), ConfigError> {
        self.common.check(check)?;
        check.count("steps", self.steps, 1, 10_000)?;
        check.count("minibatch", self.minibatch, 1, 10_000)
    }
}

impl Recipe for TrueLabels {
    type Settings = TrueLabelsSettings;
    const NAME: &'static str = "true-labels";

    fn defaults() -> TrueLabelsSettings {
        let common = Common {
            target_sigma_bins: 1.0,
            decode: heads::Decode::Expectation,
            ..Common::default()
        };
        TrueLabelsSettings { common, steps: 10, minibatch: 64 }
    }

    fn describe(_: &TrueLabelsSettings) -> Card {
        Card {
            name: Self::NAME,
            summary: "supervised on the true offset (reference, simulation only)",
            signal: RewardSignal::Scalar,
            context: ContextSignal::None,
            sees_truth: true,
            learns: true,
            prior_trials: 0,
        }
    }

    fn build(
        settings: TrueLabelsSettings,
        grid: ActionGrid,
        streams: Streams,
    ) -> Result<Box<dyn Method>, LearnError> {
        let learner = Learner::new(Self::NAME, grid, settings.common, streams)?;
        Ok(Box::new(Self { card: Self::describe(&settings), settings, learner }))
    }
}

impl Method for TrueLabels {
    fn card(&self) -> &Card {
        &self.card
    }

    fn act(
        &mut self,
        views: &[View<'_>],
        mode: Mode,
        draws: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError> {
        self.learner.act(views, mode, draws)
    }

    fn probabilities(
        &self,
        views: &[View<'_>],
    ) -> Result<Option<Vec<BinProbabilities>>, LearnError> {
        self.learner.probabilities(views)
    }

    fn learn(
        &mut self,
        history: &[Experience],
        _fresh: usize,
        draw: &mut Draw,
    ) -> Result<Progress, LearnError> {
        if history.is_empty() {
            return Ok(Progress::default());
        }
        let mut sum = 0.0;
        for _ in 0..self.settings.steps {
            let places = replay::uniform(0..history.len(), self.settings.minibatch, draw);
            let trials: Vec<_> = places.into_iter().map(|place| &history[place]).collect();
            let truth = trials.iter().map(|trial| trial.truth).collect::<Option<Vec<_>>>();
            let truth = truth.ok_or(LearnError::NotShown { method: Self::NAME, what: "truth" })?;
            let targets = self.learner.targets(truth.into_iter())?;
            let log_probs = self.learner.policy_log_probs(&trials)?;
            let loss = heads::log_prob(&log_probs, &targets)?.mean_all()?.neg()?;
            sum += self.learner.step(&loss)?;
        }
        Ok(Progress { loss: sum / self.settings.steps as f64, labels: Vec::new() })
    }

    fn save(&self) -> Result<Vec<u8>, LearnError> {
        self.learner.save(&[])
    }

    fn load(&mut self, state: &[u8], _: &[Experience]) -> Result<(), LearnError> {
        self.learner.load(state, []).map(drop)
    }
}
