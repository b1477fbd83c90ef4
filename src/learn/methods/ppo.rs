use crate::learn::clipped::{Clipped, ClippedSteps, log_probs};
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
    steps: ClippedSteps,
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
        Self { steps: ClippedSteps::new(settings.clipped) }
    }

    fn minibatches(&mut self, round: &Round<'_>, draw: &mut Draw) -> Vec<Vec<usize>> {
        self.steps.minibatches(round, draw)
    }

    fn begin(&mut self, network: &Network, round: &Round<'_>) -> Result<(), LearnError> {
        self.steps.begin(&log_probs(network, round, &round.all_fresh())?.1);
        Ok(())
    }

    fn loss(
        &self,
        network: &Network,
        round: &Round<'_>,
        places: &[usize],
    ) -> Result<Loss, LearnError> {
        let (log_probs, log_prob) = log_probs(network, round, places)?;
        let advantages = round.advantages(places)?;
        self.steps.loss((round, places), (&log_probs, &log_prob), &advantages)
    }
}
