use super::reinforce::policy_gradient;
use crate::learn::replay::Replayed;
use crate::learn::{
    Advantages, Card, Common, Entry, LearnError, Loss, Network, Objective, Role, Round, Shared,
    heads,
};
use crate::settings;
use crate::task::{ContextSignal, Draw};

pub fn entry() -> Entry {
    Entry::learner::<Sil>()
}

settings! {
    pub struct SilSettings {
        ..common: Common = Common { explore_prob: 0.5, explore_sigma_bins: 2.0, ..Common::smoothed() };
        ..advantages: Advantages = Advantages::default();
        ..replayed: Replayed = Replayed::default();
        /// Trials of a scene instance, the latest, whose mean reward a trial must beat to be imitated.
        group: usize = 8, in 1..=1_000_000, tune log(2..=40);
        /// Weight of the policy gradient beside imitation.
        pg_weight: f64 = 0.1, in 0.0..=100.0, tune log(0.01..=1.0);
        /// Weight of the entropy that keeps the policy exploring.
        entropy: f64 = 0.003, in 0.0..=10.0, tune log(3e-4..=0.1);
    }
}

/// Self-imitation (Oh et al., arXiv 1806.05635): old trials that went better than is expected now are
/// imitated, beside a policy gradient on the fresh batch.
///
/// `L = -mean(max(R - V, 0) log pi(a)) + pg_weight * (-mean(A log pi(a)) - entropy * H(pi))`. An episode is
/// one step: the return is the reward, and V the mean reward of the last trials of the scene instance.
/// Trials are replayed uniformly: priorities would count the same `max(R - V, 0)` again.
#[derive(Debug)]
pub struct Sil {
    settings: SilSettings,
}

impl Objective for Sil {
    const NAME: &'static str = "sil";
    type Settings = SilSettings;

    fn card(_: &SilSettings) -> Card {
        let summary = "imitates trials better than the scene's last ones, + policy gradient, smoothed (after Oh et al. 2018)";
        let context = ContextSignal::SceneId;
        Card { role: Role::Rival, context, ..Card::learner(Self::NAME, summary) }
    }

    fn shared(settings: &SilSettings) -> Shared {
        Shared { advantages: Some(settings.advantages), ..Shared::new(settings.common) }
    }

    fn new(settings: SilSettings) -> Self {
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
        let SilSettings { group, pg_weight, entropy: weight, .. } = self.settings;
        let trials = round.trials(places);
        let actions = trials.iter().map(|trial| trial.decision.correction);
        let above = round.groups.advantages(round.history, places, group);
        let above = above.into_iter().map(|advantage| advantage.max(0.0) as f32).collect();
        let imitation = network.imitation(&trials, actions, above)?;

        let fresh = round.all_fresh();
        let trials = round.trials(&fresh);
        let actions = trials.iter().map(|trial| trial.decision.correction);
        let (log_probs, log_prob) = network.tried(&trials, actions)?;
        let gradient = policy_gradient(&log_prob, &round.advantages(&fresh)?)?;
        let entropy = heads::entropy(&log_probs)?.mean_all()?;
        let on_policy = ((&gradient - (&entropy * weight)?)? * pg_weight)?;
        let loss = Loss::from((&imitation + on_policy)?).with("imitation", &imitation);
        Ok(loss.with("policy_gradient", &gradient).with("entropy", &entropy))
    }
}
