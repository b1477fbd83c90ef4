use crate::learn::{
    Card, Common, Entry, LearnError, Loss, Network, Objective, Role, Round, Shared,
};
use crate::task::{ContextSignal, Draw};
use crate::{choices, settings};

pub fn entry() -> Entry {
    Entry::learner::<BestOfN>()
}

settings! {
    pub struct BestOfNSettings {
        ..common: Common = Common { explore_prob: 0.5, explore_sigma_bins: 2.0, ..Common::smoothed() };
        /// Of which trials the best is imitated.
        of: BestOf = BestOf::Scene;
        /// Of how many trials one is imitated.
        n: usize = 4, in 2..=10_000, tune log(2..=20);
        /// Gradient steps after each batch of trials, all on the same trials.
        steps: usize = 10, in 1..=10_000, tune log(2..=40);
    }
}

choices! {
    /// Of which trials the best is imitated.
    pub enum BestOf {
        /// the last n of each scene instance that the batch came to
        Scene,
        /// the batch: one in n of its trials, the best ones
        Batch,
    }
}

/// Best of n (rejection sampling; RAFT, Dong et al., arXiv 2304.06767): the best of n trials is imitated
/// under its own image, the others are thrown away. Without replay: a trial is forgotten once n later ones
/// have been made.
///
/// `L = -mean(log pi(a))` over the best of each n.
#[derive(Debug)]
pub struct BestOfN {
    settings: BestOfNSettings,
}

impl BestOfN {
    /// Places of the trials to be imitated, in order.
    fn best(&self, round: &Round<'_>) -> Vec<usize> {
        let BestOfNSettings { of, n, .. } = self.settings;
        let better = |a: &usize, b: &usize| {
            let [a, b] = [a, b].map(|place| round.history[*place].feedback.reward);
            b.total_cmp(&a)
        };
        let mut best = round.all_fresh();
        match of {
            BestOf::Batch => {
                best.sort_by(better);
                best.truncate(round.fresh.len().div_ceil(n));
            }
            BestOf::Scene => {
                let of_scene = |place: usize| {
                    let last = round.groups.last(&round.history[place], n);
                    last.iter().copied().min_by(better).unwrap_or(place)
                };
                best = best.into_iter().map(of_scene).collect();
            }
        }
        best.sort_unstable();
        best.dedup();
        best
    }
}

impl Objective for BestOfN {
    const NAME: &'static str = "best-of-n";
    type Settings = BestOfNSettings;

    fn card(settings: &BestOfNSettings) -> Card {
        let summary = "imitates the best of a scene's last n trials, no replay, smoothed (after Dong et al. 2023)";
        let context = match settings.of {
            BestOf::Scene => ContextSignal::SceneId,
            BestOf::Batch => ContextSignal::None,
        };
        Card { role: Role::Rival, context, ..Card::learner(Self::NAME, summary) }
    }

    fn shared(settings: &BestOfNSettings) -> Shared {
        Shared::new(settings.common)
    }

    fn new(settings: BestOfNSettings) -> Self {
        Self { settings }
    }

    fn minibatches(&mut self, round: &Round<'_>, _: &mut Draw) -> Vec<Vec<usize>> {
        vec![self.best(round); self.settings.steps]
    }

    fn loss(
        &self,
        network: &Network,
        round: &Round<'_>,
        places: &[usize],
    ) -> Result<Loss, LearnError> {
        let trials = round.trials(places);
        let actions = trials.iter().map(|trial| trial.decision.correction);
        Ok(network.imitation(&trials, actions, vec![1.0; trials.len()])?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples::{self, trial};

    #[test]
    fn one_trial_of_n_is_imitated_and_older_ones_are_forgotten() {
        let history: Vec<_> = [(0, -1.0), (1, -4.0), (0, -5.0), (1, -3.0), (0, -6.0), (1, -9.0)]
            .map(|(scene, reward)| trial(scene, reward))
            .into();
        let round = samples::round(&history, 3..6);
        let best =
            |of, n| BestOfN::new(BestOfNSettings { of, n, ..Default::default() }).best(&round);
        assert_eq!(best(BestOf::Scene, 2), [2, 3], "place 0 was better, but is no more");
        assert_eq!(best(BestOf::Scene, 3), [0, 3]);
        assert_eq!(best(BestOf::Batch, 2), [3, 4]);
        assert_eq!(best(BestOf::Batch, 20), [3]);
    }
}
