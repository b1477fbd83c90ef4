use crate::learn::replay::Replayed;
use crate::learn::{
    Card, Common, Entry, LearnError, Loss, Network, Objective, Role, Round, Shared,
};
use crate::settings;
use crate::task::{ContextSignal, Draw};

pub fn entry() -> Entry {
    Entry::learner::<Awr>()
}

settings! {
    pub struct AwrSettings {
        ..common: Common = Common { explore_prob: 0.5, explore_sigma_bins: 2.0, ..Common::smoothed() };
        ..replayed: Replayed = Replayed::default();
        /// Advantage that makes a trial count e times as much.
        temperature: f64 = 0.1, in 1e-3..=100.0, tune log(0.03..=1.0);
        /// Most that a trial may count.
        most_weight: f64 = 20.0, in 1.0..=1e6, tune log(5.0..=100.0);
    }
}

/// Advantage-weighted regression (Peng et al., arXiv 1910.00177): every trial is imitated, the better the
/// more.
///
/// `L = -mean(min(exp((R - V) / temperature), most_weight) log pi(a))` on trials replayed uniformly. An
/// episode is one step: the return is the reward, and V the mean reward of all trials of the scene
/// instance so far, which is what a value network would be fitted to.
#[derive(Debug)]
pub struct Awr {
    settings: AwrSettings,
}

impl Awr {
    fn weights(&self, round: &Round<'_>, places: &[usize]) -> Vec<f32> {
        let AwrSettings { temperature, most_weight, .. } = self.settings;
        let advantages = round.groups.advantages(round.history, places, usize::MAX);
        let weight = |advantage| libm::exp(advantage / temperature).min(most_weight) as f32;
        advantages.into_iter().map(weight).collect()
    }
}

impl Objective for Awr {
    const NAME: &'static str = "awr";
    type Settings = AwrSettings;

    fn card(_: &AwrSettings) -> Card {
        let summary = "imitates every trial, the better the more, replayed, smoothed (after Peng et al. 2019)";
        let context = ContextSignal::SceneId;
        Card { role: Role::Rival, context, ..Card::learner(Self::NAME, summary) }
    }

    fn shared(settings: &AwrSettings) -> Shared {
        Shared::new(settings.common)
    }

    fn new(settings: AwrSettings) -> Self {
        Self { settings }
    }

    fn minibatches(&mut self, round: &Round<'_>, draw: &mut Draw) -> Vec<Vec<usize>> {
        self.settings.replayed.of(0..round.history.len(), draw)
    }

    fn loss(
        &self,
        network: &Network,
        round: &Round<'_>,
        places: &[usize],
    ) -> Result<Loss, LearnError> {
        let trials = round.trials(places);
        let actions = trials.iter().map(|trial| trial.decision.correction);
        Ok(network.imitation(&trials, actions, self.weights(round, places))?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples::{self, trial};

    #[test]
    fn a_trial_counts_by_the_exponential_of_its_advantage_up_to_a_limit() {
        let history: Vec<_> =
            [(0, -1.0), (0, -1.2), (1, -1.0), (1, -5.0)].map(|(s, r)| trial(s, r)).into();
        let settings = AwrSettings { temperature: 0.1, most_weight: 20.0, ..Default::default() };
        let round = samples::round(&history, 0..4);
        let weights = Awr::new(settings).weights(&round, &[0, 1, 2, 3]);
        for (weight, is) in
            weights.iter().zip([std::f32::consts::E, 1.0 / std::f32::consts::E, 20.0, 0.0])
        {
            assert!((weight - is).abs() < 1e-4, "{weights:?}");
        }
    }
}
