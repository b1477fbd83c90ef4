use candle_core::{DType, Tensor};

use super::{LearnError, Loss, Network, Round, heads, replay};
use crate::settings;
use crate::task::Draw;

settings! {
    /// Many clipped steps on each batch (Schulman et al., arXiv 1707.06347).
    pub struct Clipped {
        /// Weight of the entropy that keeps the policy exploring.
        entropy: f64 = 0.01, in 0.0..=10.0, tune log(1e-3..=0.1);
        /// Most trials of the batch in one gradient step.
        minibatch: usize = 5, in 1..=10_000, tune log(2..=20);
        /// Passes over each batch.
        epochs: usize = 10, in 1..=1000, tune log(2..=30);
        /// How far a probability may move away, relatively, before its gradient is cut.
        clip: f64 = 0.1, in 1e-6..=1.0, tune log(0.03..=0.5);
    }
}

/// The clipped steps of a round: their settings, and what the policy was that made the batch.
#[derive(Debug)]
pub struct ClippedSteps {
    settings: Clipped,
    /// Log-probabilities of the fresh trials' actions before the first step.
    before: Option<Tensor>,
}

impl ClippedSteps {
    pub fn new(settings: Clipped) -> Self {
        Self { settings, before: None }
    }

    /// Passes over the fresh trials, each in an order of its own.
    pub fn minibatches(&self, round: &Round<'_>, draw: &mut Draw) -> Vec<Vec<usize>> {
        let pass = |_| replay::shuffled(round.fresh.clone(), self.settings.minibatch, draw);
        (0..self.settings.epochs).flat_map(pass).collect()
    }

    /// Before the first step: log-probabilities of all fresh trials' actions, a row a trial.
    pub fn begin(&mut self, log_prob: &Tensor) {
        self.before = Some(log_prob.detach());
    }

    /// `-mean(min(r A, clip(r, 1 - c, 1 + c) A)) - entropy * H(pi)` with `r = pi(a) / pi_old(a)`, on these
    /// places, which are fresh. `log_probs` is (n, 3, bins); those of the actions and the advantages are
    /// both (n), or both (n, 3) where each axis has its own.
    pub fn loss(
        &self,
        (round, places): (&Round<'_>, &[usize]),
        (log_probs, now): (&Tensor, &Tensor),
        advantages: &Tensor,
    ) -> Result<Loss, LearnError> {
        let Clipped { clip, entropy: weight, .. } = self.settings;
        let before = round.of_fresh(self.before.as_ref().unwrap_or(now), places)?;
        let ratio = (now - before)?.exp()?;
        let gradient = clipped(&ratio, advantages, clip)?;
        let entropy = heads::entropy(log_probs)?.mean_all()?;
        let total = (&gradient - (&entropy * weight)?)?;
        let kl = ((&ratio - 1.0)? - ratio.log()?)?.mean_all()?;
        let cut = (&ratio - 1.0)?.abs()?.gt(clip)?.to_dtype(DType::F32)?.mean_all()?;
        let loss = Loss::from(total).with("policy_gradient", &gradient).with("entropy", &entropy);
        Ok(loss.with("kl", &kl).with("clip_fraction", &cut))
    }
}

/// Log-probabilities (n, 3, bins) under exploration, and of the actions taken (n).
pub fn log_probs(
    network: &Network,
    round: &Round<'_>,
    places: &[usize],
) -> Result<(Tensor, Tensor), LearnError> {
    let trials = round.trials(places);
    network.tried(&trials, trials.iter().map(|trial| trial.decision.correction))
}

/// Ratios and advantages of one shape, the result a scalar.
fn clipped(ratio: &Tensor, advantages: &Tensor, clip: f64) -> candle_core::Result<Tensor> {
    let clipped = ratio.clamp(1.0 - clip, 1.0 + clip)?;
    (ratio * advantages)?.minimum(&(clipped * advantages)?)?.mean_all()?.neg()
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
