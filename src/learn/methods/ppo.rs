use candle_core::{DType, Tensor};

use crate::learn::{
    Advantages, Card, Common, Entry, LearnError, Loss, Network, Objective, Role, Round, Shared,
    heads, replay,
};
use crate::settings;
use crate::task::Draw;

pub fn entry() -> Entry {
    Entry::learner::<Ppo>()
}

settings! {
    pub struct PpoSettings {
        ..common: Common = Common { lr: 3e-4, explore_prob: 0.5, ..Common::smoothed() };
        ..advantages: Advantages = Advantages::default();
        /// Weight of the entropy that keeps the policy exploring.
        entropy: f64 = 0.01, in 0.0..=10.0, tune log(1e-3..=0.1);
        /// Advantages to mean 0 and standard deviation 1 over a batch.
        standardise: bool = false;
        /// Most trials of the batch in one gradient step.
        minibatch: usize = 5, in 1..=10_000, tune log(2..=20);
        /// Passes over each batch.
        epochs: usize = 10, in 1..=1000, tune log(2..=30);
        /// How far a probability may move away, relatively, before its gradient is cut.
        clip: f64 = 0.1, in 1e-6..=1.0, tune log(0.03..=0.5);
    }
}

/// Proximal policy optimisation (Schulman et al., arXiv 1707.06347) for one-step episodes: many
/// clipped steps on each batch, shuffled again for each pass. A mean of rewards takes the place of a value network.
///
/// `L = -mean(min(r A, clip(r, 1 - c, 1 + c) A)) - entropy * H(pi)` with `r = pi(a) / pi_old(a)`. With
/// `target_sigma_bins` above 0, `log pi(a)` is the Gaussian mean about the action's bin that
/// [`Reinforce`](super::reinforce::Reinforce) uses, and r the ratio of its exponentials.
#[derive(Debug)]
pub struct Ppo {
    settings: PpoSettings,
    /// `log pi_old(a)` of the fresh trials, (n).
    old: Option<Tensor>,
}

/// Ratios and advantages (n), the result a scalar.
fn clipped(ratio: &Tensor, advantages: &Tensor, clip: f64) -> candle_core::Result<Tensor> {
    let clipped = ratio.clamp(1.0 - clip, 1.0 + clip)?;
    (ratio * advantages)?.minimum(&(clipped * advantages)?)?.mean_all()?.neg()
}

/// Log-probabilities (n, 3, bins) under exploration, and of the actions taken (n).
fn log_probs(
    network: &Network,
    round: &Round<'_>,
    places: &[usize],
) -> Result<(Tensor, Tensor), LearnError> {
    let trials = round.trials(places);
    network.tried(&trials, trials.iter().map(|trial| trial.decision.correction))
}

impl Objective for Ppo {
    const NAME: &'static str = "ppo";
    type Settings = PpoSettings;

    fn card(settings: &PpoSettings) -> Card {
        let summary =
            "clipped policy gradient, many steps a batch, smoothed (after Schulman et al. 2017)";
        let context = settings.advantages.baseline.context();
        Card { role: Role::Rival, context, ..Card::learner(Self::NAME, summary) }
    }

    fn shared(settings: &PpoSettings) -> Shared {
        let PpoSettings { common, advantages, standardise, .. } = *settings;
        Shared { advantages: Some(advantages), standardise, ..Shared::new(common) }
    }

    fn new(settings: PpoSettings) -> Self {
        Self { settings, old: None }
    }

    fn minibatches(&mut self, round: &Round<'_>, draw: &mut Draw) -> Vec<Vec<usize>> {
        let PpoSettings { epochs, minibatch, .. } = self.settings;
        let pass = |_| replay::shuffled(round.fresh.clone(), minibatch, draw);
        (0..epochs).flat_map(pass).collect()
    }

    fn begin(&mut self, network: &Network, round: &Round<'_>) -> Result<(), LearnError> {
        let fresh: Vec<_> = round.fresh.clone().collect();
        self.old = Some(log_probs(network, round, &fresh)?.1.detach());
        Ok(())
    }

    fn loss(
        &self,
        network: &Network,
        round: &Round<'_>,
        places: &[usize],
    ) -> Result<Loss, LearnError> {
        let (log_probs, log_prob) = log_probs(network, round, places)?;
        let old = round.of_fresh(self.old.as_ref().unwrap_or(&log_prob), places)?;
        let PpoSettings { clip, entropy: weight, .. } = self.settings;
        let ratio = (log_prob - old)?.exp()?;
        let gradient = clipped(&ratio, &round.advantages(places)?, clip)?;
        let entropy = heads::entropy(&log_probs)?.mean_all()?;
        let total = (&gradient - (&entropy * weight)?)?;
        let kl = ((&ratio - 1.0)? - ratio.log()?)?.mean_all()?;
        let cut = (&ratio - 1.0)?.abs()?.gt(clip)?.to_dtype(DType::F32)?.mean_all()?;
        let loss = Loss::from(total).with("policy_gradient", &gradient).with("entropy", &entropy);
        Ok(loss.with("kl", &kl).with("clip_fraction", &cut))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn a_probability_that_has_moved_past_the_clip_is_pushed_no_further() {
        let log_prob = candle_core::Var::new(&[0.5f32, 0.05, -0.5], &Device::Cpu).unwrap();
        let ratio = log_prob.exp().unwrap();
        let advantages = Tensor::new(&[1f32, 1.0, 1.0], &Device::Cpu).unwrap();
        let loss = clipped(&ratio, &advantages, 0.2).unwrap();
        let grads = loss.backward().unwrap();
        let grad = grads.get(&log_prob).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(grad[0], 0.0);
        assert!(grad[1] < 0.0 && grad[2] < 0.0, "{grad:?}");
    }
}
