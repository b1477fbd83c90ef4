use rmrl::learn::{
    Advantages, Card, Common, Entry, LearnError, Loss, Network, Objective, Round, Shared, replay,
};
use rmrl::settings;
use rmrl::task::Draw;

pub fn entry() -> Entry {
    Entry::learner::<WeightedImitation>()
}

settings! {
    pub struct WeightedImitationSettings {
        ..common: Common = Common { explore_prob: 0.5, ..Common::smoothed() };
        ..advantages: Advantages = Advantages::default();
        /// How much better a trial must be to count e times as much, in units of reward.
        temperature: f64 = 0.1, in 1e-3..=10.0;
        /// Gradient steps after each batch of trials.
        steps: usize = 10, in 1..=10_000;
    }
}

/// Imitates the fresh batch's own actions, the better ones more (after advantage-weighted regression,
/// Peng et al., arXiv 1910.00177): `L = -mean(exp(A / temperature) log pi(a))`, weights at most 20.
pub struct WeightedImitation {
    settings: WeightedImitationSettings,
}

impl Objective for WeightedImitation {
    const NAME: &'static str = "weighted-imitation";
    type Settings = WeightedImitationSettings;

    fn card(settings: &WeightedImitationSettings) -> Card {
        let context = settings.advantages.baseline.context();
        Card { context, ..Card::learner(Self::NAME, "imitates its own actions, good ones more") }
    }

    fn shared(settings: &WeightedImitationSettings) -> Shared {
        Shared { advantages: Some(settings.advantages), ..Shared::new(settings.common) }
    }

    fn new(settings: WeightedImitationSettings) -> Self {
        Self { settings }
    }

    fn minibatches(&mut self, round: &Round<'_>, _: &mut Draw) -> Vec<Vec<usize>> {
        (0..self.settings.steps)
            .flat_map(|_| replay::in_order(round.fresh.clone(), round.fresh.len().max(1)))
            .collect()
    }

    fn loss(
        &self,
        network: &Network,
        round: &Round<'_>,
        places: &[usize],
    ) -> Result<Loss, LearnError> {
        let trials = round.trials(places);
        let weight = |advantage: f32| (advantage / self.settings.temperature as f32).exp().min(20.0);
        let weights = round.advantages(places)?.to_vec1::<f32>()?.into_iter().map(weight).collect();
        let tried = trials.iter().map(|trial| trial.decision.correction);
        Ok(network.imitation(&trials, tried, weights)?.into())
    }
}
