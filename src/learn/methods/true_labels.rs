use crate::learn::{
    Card, Common, Entry, LearnError, Loss, Network, Objective, Role, Round, Shared, replay,
};
use crate::settings;
use crate::task::Draw;

pub fn entry() -> Entry {
    Entry::learner::<TrueLabels>()
}

settings! {
    pub struct TrueLabelsSettings {
        ..common: Common = Common::smoothed();
        /// Gradient steps after each batch of trials.
        steps: usize = 10, in 1..=10_000, tune log(2..=40);
        /// Replayed trials in a gradient step.
        minibatch: usize = 64, in 1..=10_000, tune log(16..=128);
    }
}

/// Supervised on the true offset: what role models would teach if all of them were perfect.
///
/// `L = -mean(log pi(offset | image))` on trials replayed uniformly.
#[derive(Debug)]
pub struct TrueLabels {
    settings: TrueLabelsSettings,
}

impl Objective for TrueLabels {
    const NAME: &'static str = "true-labels";
    type Settings = TrueLabelsSettings;

    fn card(_: &TrueLabelsSettings) -> Card {
        let summary = "supervised on the true offset (reference, simulation only)";
        Card { role: Role::Reference, sees_truth: true, ..Card::learner(Self::NAME, summary) }
    }

    fn shared(settings: &TrueLabelsSettings) -> Shared {
        Shared::new(settings.common)
    }

    fn new(settings: TrueLabelsSettings) -> Self {
        Self { settings }
    }

    fn minibatches(&mut self, round: &Round<'_>, draw: &mut Draw) -> Vec<Vec<usize>> {
        let TrueLabelsSettings { steps, minibatch, .. } = self.settings;
        replay::uniform(0..round.history.len(), steps, minibatch, draw)
    }

    fn loss(
        &self,
        network: &Network,
        round: &Round<'_>,
        places: &[usize],
    ) -> Result<Loss, LearnError> {
        let trials = round.trials(places);
        let truth: Option<Vec<_>> = trials.iter().map(|trial| trial.truth).collect();
        let truth = truth.ok_or_else(|| LearnError::not_shown(Self::NAME, "truth"))?;
        Ok(network.imitation(&trials, truth.into_iter(), vec![1.0; trials.len()])?.into())
    }
}
