use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::super::baseline::{Baseline, BaselineKind, standardise};
use super::super::heads;
use super::super::learner::Learner;
use super::super::settings::{Checks, Common, Options};
use super::super::{
    BinProbabilities, Card, Decision, Experience, LearnError, Method, Mode, Progress, View,
};
use super::Recipe;
use crate::config::ConfigError;
use crate::task::{ActionGrid, Draw, RewardSignal, Streams};

/// REINFORCE with a baseline (Williams, 1992): each trial of the batch is used once, then
/// forgotten.
#[derive(Debug)]
pub struct Reinforce {
    card: Card,
    settings: ReinforceSettings,
    learner: Learner,
    baseline: Baseline,
}

/// `-mean(advantage * log pi(action))`; all (n), the result a scalar.
pub fn loss(log_prob: &Tensor, advantages: &[f32]) -> candle_core::Result<Tensor> {
    let advantages = Tensor::from_slice(advantages, advantages.len(), &Device::Cpu)?;
    (log_prob * advantages)?.mean_all()?.neg()
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ReinforceSettings {
    #[serde(flatten)]
    pub common: Common,
    pub baseline: BaselineKind,
    /// Weight of a new reward in the baseline.
    pub baseline_rate: f64,
    /// Weight of the entropy that keeps the policy exploring.
    pub entropy: f64,
    /// Advantages to mean 0 and standard deviation 1 over a batch.
    pub standardise: bool,
    /// Most trials of the batch in one gradient step.
    pub minibatch: usize,
}

impl Options for ReinforceSettings {
    fn check(&self, check: &Checks<'_>) -> Result<(), ConfigError> {
        self.common.check(check)?;
        check.within("baseline_rate", self.baseline_rate, 0.0, 1.0)?;
        check.count("minibatch", self.minibatch, 1, 10_000)?;
        check.within("entropy", self.entropy, 0.0, 10.0)
    }
}

impl Recipe for Reinforce {
    type Settings = ReinforceSettings;
    const NAME: &'static str = "reinforce";

    fn defaults() -> ReinforceSettings {
        ReinforceSettings {
            common: Common {
                lr: 1e-3,
                target_sigma_bins: 1.0,
                decode: heads::Decode::Expectation,
                ..Common::default()
            },
            baseline: BaselineKind::Scene,
            baseline_rate: 0.1,
            entropy: 0.003,
            standardise: false,
            minibatch: 5,
        }
    }

    fn describe(settings: &ReinforceSettings) -> Card {
        Card {
            name: Self::NAME,
            summary: "policy gradient with a scene baseline, each trial used once, smoothed (after Williams 1992)",
            signal: RewardSignal::Scalar,
            context: settings.baseline.context(),
            sees_truth: false,
            learns: true,
            prior_trials: 0,
        }
    }

    fn build(
        settings: ReinforceSettings,
        grid: ActionGrid,
        streams: Streams,
    ) -> Result<Box<dyn Method>, LearnError> {
        let learner = Learner::new(Self::NAME, grid, settings.common, streams)?;
        let baseline = Baseline::new(settings.baseline, settings.baseline_rate);
        Ok(Box::new(Self { card: Self::describe(&settings), settings, learner, baseline }))
    }
}

impl Method for Reinforce {
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
        fresh: usize,
        _: &mut Draw,
    ) -> Result<Progress, LearnError> {
        let mut advantages = self.baseline.advantages(history, fresh);
        if advantages.is_empty() {
            return Ok(Progress::default());
        }
        if self.settings.standardise {
            standardise(&mut advantages);
        }
        let batch: Vec<_> = history[history.len() - advantages.len()..].iter().collect();
        let size = self.settings.minibatch;
        let mut sum = 0.0;
        for (trials, advantages) in batch.chunks(size).zip(advantages.chunks(size)) {
            let actions = trials.iter().map(|trial| trial.decision.correction);
            let actions = self.learner.targets(actions)?;
            let log_probs = self.learner.behaviour_log_probs(trials)?;
            let gradient = loss(&heads::log_prob(&log_probs, &actions)?, advantages)?;
            let entropy = heads::entropy(&log_probs)?.mean_all()?;
            sum += self.learner.step(&(gradient - (entropy * self.settings.entropy)?)?)?;
        }
        Ok(Progress { loss: sum / batch.len().div_ceil(size) as f64, labels: Vec::new() })
    }

    fn save(&self) -> Result<Vec<u8>, LearnError> {
        self.learner.save(&[])
    }

    fn load(&mut self, state: &[u8], history: &[Experience]) -> Result<(), LearnError> {
        self.learner.load(state, [])?;
        let Reinforce { settings: s, .. } = self;
        self.baseline = Baseline::rebuild(s.baseline, s.baseline_rate, history);
        Ok(())
    }
}
