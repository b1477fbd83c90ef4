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

/// Proximal policy optimisation (Schulman et al., arXiv 1707.06347) for one-step episodes: many
/// clipped steps on each batch. A mean of rewards takes the place of a value network.
#[derive(Debug)]
pub struct Ppo {
    card: Card,
    settings: PpoSettings,
    learner: Learner,
    baseline: Baseline,
}

/// `-mean(min(ratio * A, clip(ratio, 1 - c, 1 + c) * A))`, ratio = pi(a) / pi_old(a); log-probs
/// and advantages (n), the result a scalar.
fn loss(
    log_prob: &Tensor,
    old_log_prob: &Tensor,
    advantages: &Tensor,
    clip: f64,
) -> candle_core::Result<Tensor> {
    let ratio = (log_prob - old_log_prob)?.exp()?;
    let clipped = ratio.clamp(1.0 - clip, 1.0 + clip)?;
    (ratio * advantages)?.minimum(&(clipped * advantages)?)?.mean_all()?.neg()
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct PpoSettings {
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
    /// Passes over each batch.
    pub epochs: usize,
    /// How far a probability may move away, relatively, before its gradient is cut.
    pub clip: f64,
}

impl Options for PpoSettings {
    fn check(&self, check: &Checks<'_>) -> Result<(), ConfigError> {
        self.common.check(check)?;
        check.within("baseline_rate", self.baseline_rate, 0.0, 1.0)?;
        check.count("minibatch", self.minibatch, 1, 10_000)?;
        check.within("entropy", self.entropy, 0.0, 10.0)?;
        check.count("epochs", self.epochs, 1, 1000)?;
        check.within("clip", self.clip, 1e-6, 1.0)
    }
}

impl Recipe for Ppo {
    type Settings = PpoSettings;
    const NAME: &'static str = "ppo";

    fn defaults() -> PpoSettings {
        PpoSettings {
            common: Common {
                lr: 3e-4,
                target_sigma_bins: 1.0,
                explore_prob: 0.5,
                explore_sigma_bins: 1.0,
                decode: heads::Decode::Expectation,
                ..Common::default()
            },
            baseline: BaselineKind::Scene,
            baseline_rate: 0.1,
            entropy: 0.01,
            standardise: false,
            minibatch: 5,
            epochs: 10,
            clip: 0.1,
        }
    }

    fn describe(settings: &PpoSettings) -> Card {
        Card {
            name: Self::NAME,
            summary: "clipped policy gradient, many steps a batch, smoothed (after Schulman et al. 2017)",
            signal: RewardSignal::Scalar,
            context: settings.baseline.context(),
            sees_truth: false,
            learns: true,
            prior_trials: 0,
        }
    }

    fn build(
        settings: PpoSettings,
        grid: ActionGrid,
        streams: Streams,
    ) -> Result<Box<dyn Method>, LearnError> {
        let learner = Learner::new(Self::NAME, grid, settings.common, streams)?;
        let baseline = Baseline::new(settings.baseline, settings.baseline_rate);
        Ok(Box::new(Self { card: Self::describe(&settings), settings, learner, baseline }))
    }
}

impl Method for Ppo {
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
        let advantages = Tensor::new(advantages, &Device::Cpu)?;
        let actions = self.learner.targets(batch.iter().map(|trial| trial.decision.correction))?;
        let old = heads::log_prob(&self.learner.behaviour_log_probs(&batch)?, &actions)?.detach();
        let PpoSettings { minibatch, epochs, clip, entropy: entropy_weight, .. } = self.settings;
        let (mut sum, mut steps) = (0.0, 0.0);
        for first in (0..epochs).flat_map(|_| (0..batch.len()).step_by(minibatch)) {
            let some = minibatch.min(batch.len() - first);
            let part = |all: &Tensor| all.narrow(0, first, some);
            let log_probs = self.learner.behaviour_log_probs(&batch[first..first + some])?;
            let log_prob = heads::log_prob(&log_probs, &part(&actions)?)?;
            let gradient = loss(&log_prob, &part(&old)?, &part(&advantages)?, clip)?;
            let entropy = heads::entropy(&log_probs)?.mean_all()?;
            sum += self.learner.step(&(gradient - (entropy * entropy_weight)?)?)?;
            steps += 1.0;
        }
        Ok(Progress { loss: sum / steps, labels: Vec::new() })
    }

    fn save(&self) -> Result<Vec<u8>, LearnError> {
        self.learner.save(&[])
    }

    fn load(&mut self, state: &[u8], history: &[Experience]) -> Result<(), LearnError> {
        self.learner.load(state, [])?;
        let Ppo { settings: s, .. } = self;
        self.baseline = Baseline::rebuild(s.baseline, s.baseline_rate, history);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_that_has_moved_past_the_clip_is_pushed_no_further() {
        let log_prob = candle_core::Var::new(&[0.5f32, 0.05, -0.5], &Device::Cpu).unwrap();
        let old = Tensor::new(&[0f32, 0.0, 0.0], &Device::Cpu).unwrap();
        let advantages = Tensor::new(&[1f32, 1.0, 1.0], &Device::Cpu).unwrap();
        let loss = loss(&log_prob, &old, &advantages, 0.2).unwrap();
        let grads = loss.backward().unwrap();
        let grad = grads.get(&log_prob).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(grad[0], 0.0);
        assert!(grad[1] < 0.0 && grad[2] < 0.0, "{grad:?}");
    }
}
