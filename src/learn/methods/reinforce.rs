use candle_core::{Device, Tensor};

use crate::learn::baseline::{Baseline, standardise};
use crate::learn::{
    Advantages, Card, Common, Entry, Experience, Label, LearnError, Loss, Network, Objective, Role,
    Round, Shared, heads, replay,
};
use crate::task::Draw;
use crate::{choices, settings};

pub fn entry() -> Entry {
    Entry::learner::<Reinforce>()
}

settings! {
    pub struct ReinforceSettings {
        ..common: Common = Common::smoothed();
        ..advantages: Advantages = Advantages::default();
        /// Weight of the entropy that keeps the policy exploring.
        entropy: f64 = 0.003, in 0.0..=10.0, tune log(3e-4..=0.1);
        /// Advantages to mean 0 and standard deviation 1 over a batch, or over a minibatch of replayed ones.
        standardise: bool = false;
        /// Most trials of the batch in one gradient step.
        minibatch: usize = 5, in 1..=10_000, tune log(2..=20);
        /// Which trials each round learns from.
        replay: Replay = Replay::None;
        /// Gradient steps of a round, where trials are replayed.
        replay_steps: usize = 10, in 1..=10_000;
        /// Replayed trials in a gradient step.
        replay_minibatch: usize = 64, in 1..=10_000;
        /// Largest importance weight of a replayed trial.
        truncate: f64 = 2.0, in 1e-3..=1e6;
    }
}

choices! {
    /// Which trials each round learns from.
    pub enum Replay {
        /// the fresh batch, each trial once
        None,
        /// all so far, as if the present policy had chosen in them
        Naive,
        /// all so far, weighted by how much likelier the present policy makes their actions
        Importance,
    }
}

/// REINFORCE with a baseline (Williams, 1992): without `replay` each trial of the batch is used once, then
/// forgotten.
///
/// `L = -mean(A log pi(a)) - entropy * H(pi)` with A the reward above the baseline. With
/// `target_sigma_bins` above 0, `log pi(a)` is the mean of the log-probabilities about the action's
/// bin, weighted by a Gaussian: neighbours of a good action are pushed up too, which biases the
/// gradient and learns sooner.
///
/// With replay, old trials are drawn uniformly and keep the advantage of their time: `naive` with weight 1,
/// `importance` with `min(pi(a) / mu(a), truncate)`, mu being the policy that chose (truncated importance
/// sampling, Ionides 2008). An episode is one step, so that one ratio is all of it.
#[derive(Debug)]
pub struct Reinforce {
    settings: ReinforceSettings,
    /// What replayed trials' advantages are found by; of the whole history.
    baseline: Baseline,
    advantages: Vec<f32>,
}

/// `-mean(A log pi(a))`; both (n), the result a scalar.
pub fn policy_gradient(log_prob: &Tensor, advantages: &Tensor) -> candle_core::Result<Tensor> {
    (log_prob * advantages)?.mean_all()?.neg()
}

impl Objective for Reinforce {
    const NAME: &'static str = "reinforce";
    type Settings = ReinforceSettings;

    fn card(settings: &ReinforceSettings) -> Card {
        let summary = "policy gradient with a scene baseline, each trial used once, smoothed (after Williams 1992)";
        let context = settings.advantages.baseline.context();
        Card { role: Role::Rival, context, ..Card::learner(Self::NAME, summary) }
    }

    fn shared(settings: &ReinforceSettings) -> Shared {
        let ReinforceSettings { common, advantages, standardise, .. } = *settings;
        Shared { advantages: Some(advantages), standardise, ..Shared::new(common) }
    }

    fn new(settings: ReinforceSettings) -> Self {
        let baseline = Baseline::new(settings.advantages);
        Self { settings, baseline, advantages: Vec::new() }
    }

    fn refresh(&mut self, history: &[Experience]) -> Vec<Label> {
        if self.settings.replay != Replay::None {
            let new = history.len() - self.advantages.len();
            self.advantages.extend(self.baseline.advantages(history, new));
        }
        Vec::new()
    }

    fn minibatches(&mut self, round: &Round<'_>, draw: &mut Draw) -> Vec<Vec<usize>> {
        let ReinforceSettings { replay, minibatch, replay_steps, replay_minibatch, .. } =
            self.settings;
        match replay {
            Replay::None => replay::in_order(round.fresh.clone(), minibatch),
            Replay::Naive | Replay::Importance => {
                replay::uniform(0..round.history.len(), replay_steps, replay_minibatch, draw)
            }
        }
    }

    fn loss(
        &self,
        network: &Network,
        round: &Round<'_>,
        places: &[usize],
    ) -> Result<Loss, LearnError> {
        let trials = round.trials(places);
        let actions = trials.iter().map(|trial| trial.decision.correction);
        let (log_probs, log_prob) = network.tried(&trials, actions)?;
        let replayed = || -> Result<Tensor, LearnError> {
            let mut all: Vec<f32> = places.iter().map(|place| self.advantages[*place]).collect();
            if self.settings.standardise {
                standardise(&mut all);
            }
            Ok(Tensor::from_vec(all, places.len(), &Device::Cpu)?)
        };
        let advantages = match self.settings.replay {
            Replay::None => round.advantages(places)?,
            Replay::Naive => replayed()?,
            Replay::Importance => {
                let unmoved: Vec<_> = places.iter().map(|place| round.unmoved(*place)).collect();
                let now = network.behaviour_log_probs(&unmoved)?;
                (replayed()? * replay::importance(&now, &unmoved, self.settings.truncate)?)?
            }
        };
        let gradient = policy_gradient(&log_prob, &advantages)?;
        let entropy = heads::entropy(&log_probs)?.mean_all()?;
        let total = (&gradient - (&entropy * self.settings.entropy)?)?;
        Ok(Loss::from(total).with("policy_gradient", &gradient).with("entropy", &entropy))
    }
}
