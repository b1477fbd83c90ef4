use candle_core::{DType, Tensor};

use super::{LearnError, Loss, Round, heads, replay};
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

impl Clipped {
    /// Passes over the fresh trials, each in an order of its own.
    pub fn minibatches(self, round: &Round<'_>, draw: &mut Draw) -> Vec<Vec<usize>> {
        let pass = |_| replay::shuffled(round.fresh.clone(), self.minibatch, draw);
        (0..self.epochs).flat_map(pass).collect()
    }

    /// `-mean(min(r A, clip(r, 1 - c, 1 + c) A)) - entropy * H(pi)` with `r = pi(a) / pi_old(a)`.
    /// `log_probs` is (n, 3, bins); those of the actions, now and then, and the advantages are all (n), or
    /// all (n, 3) where each axis has its own.
    pub fn loss(
        self,
        log_probs: &Tensor,
        (now, then): (&Tensor, &Tensor),
        advantages: &Tensor,
    ) -> Result<Loss, LearnError> {
        let ratio = (now - then)?.exp()?;
        let gradient = clipped(&ratio, advantages, self.clip)?;
        let entropy = heads::entropy(log_probs)?.mean_all()?;
        let total = (&gradient - (&entropy * self.entropy)?)?;
        let kl = ((&ratio - 1.0)? - ratio.log()?)?.mean_all()?;
        let cut = (&ratio - 1.0)?.abs()?.gt(self.clip)?.to_dtype(DType::F32)?.mean_all()?;
        let loss = Loss::from(total).with("policy_gradient", &gradient).with("entropy", &entropy);
        Ok(loss.with("kl", &kl).with("clip_fraction", &cut))
    }
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
