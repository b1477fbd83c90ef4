use candle_core::Tensor;

use crate::learn::{
    Advantages, Card, Common, Entry, LearnError, Loss, Network, Objective, Role, Round, Shared,
    heads, replay,
};
use crate::settings;
use crate::task::Draw;

pub fn entry() -> Entry {
    Entry::learner::<Reinforce>()
}

settings! {
    pub struct ReinforceSettings {
        ..common: Common = Common::smoothed();
        ..advantages: Advantages = Advantages::default();
        /// Weight of the entropy that keeps the policy exploring.
        entropy: f64 = 0.003, in 0.0..=10.0, tune log(3e-4..=0.1);
        /// Advantages to mean 0 and standard deviation 1 over a batch.
        standardise: bool = false;
        /// Most trials of the batch in one gradient step.
        minibatch: usize = 5, in 1..=10_000, tune log(2..=20);
    }
}

/// REINFORCE with a baseline (Williams, 1992): each trial of the batch is used once, then forgotten.
///
/// `L = -mean(A log pi(a)) - entropy * H(pi)` with A the reward above the baseline. With
/// `target_sigma_bins` above 0, `log pi(a)` is the mean of the log-probabilities about the action's
/// bin, weighted by a Gaussian: neighbours of a good action are pushed up too, which biases the
/// gradient and learns sooner.
#[derive(Debug)]
pub struct Reinforce {
    settings: ReinforceSettings,
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
        Self { settings }
    }

    fn minibatches(&mut self, round: &Round<'_>, _: &mut Draw) -> Vec<Vec<usize>> {
        replay::in_order(round.fresh.clone(), self.settings.minibatch)
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
        let gradient = policy_gradient(&log_prob, &round.advantages(places)?)?;
        let entropy = heads::entropy(&log_probs)?.mean_all()?;
        let total = (&gradient - (&entropy * self.settings.entropy)?)?;
        Ok(Loss::from(total).with("policy_gradient", &gradient).with("entropy", &entropy))
    }
}
