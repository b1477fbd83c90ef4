use candle_core::Tensor;

use crate::learn::clipped::Clipped;
use crate::learn::{
    Advantages, Card, Common, Entry, LearnError, Loss, Network, Objective, Role, Round, Shared,
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
        ..clipped: Clipped = Clipped::default();
        /// Advantages to mean 0 and standard deviation 1 over a batch.
        standardise: bool = false;
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

/// Log-probabilities (n, 3, bins) under exploration, and of the actions taken (n).
pub(super) fn log_probs(
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
        self.settings.clipped.minibatches(round, draw)
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
        let advantages = round.advantages(places)?;
        self.settings.clipped.loss(&log_probs, (&log_prob, &old), &advantages)
    }
}
