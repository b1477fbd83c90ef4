use candle_core::{Device, Tensor};

use super::reinforce::policy_gradient;
use crate::learn::role_model::{LabelAction, LabelWeight, RoleModelOptions, RoleModels};
use crate::learn::{
    Advantages, Card, Common, Entry, Experience, Label, LearnError, Loss, Network, Objective,
    Prior, Role, Round, Shared, View,
    replay::{self, Replayed},
};
use crate::task::Draw;
use crate::{choices, settings};

pub fn entry() -> Entry {
    Entry::learner::<RmRl>()
}

settings! {
    pub struct RmRlSettings {
        ..common: Common = Common { explore_prob: 0.5, explore_sigma_bins: 2.0, ..Common::smoothed() };
        ..role_models: RoleModelOptions =
            RoleModelOptions { label_weight: LabelWeight::Advantage, ..RoleModelOptions::default() };
        ..advantages: Advantages = Advantages::default();
        ..prior: Prior = Prior::default();
        ..replayed: Replayed = Replayed::default();
        /// Imitate old trials as well as those that have just been labelled.
        replay: bool = true;
        /// Whose action the policy gradient pushes.
        pg_action: PgAction = PgAction::Executed;
        /// Weight of the policy gradient beside imitation.
        pg_weight: f64 = 0.1, in 0.0..=100.0, tune log(0.01..=1.0);
    }
}

choices! {
    /// Whose action the policy gradient pushes.
    pub enum PgAction {
        /// the trial's own
        Executed,
        /// its role model's, with the role model's reward
        RoleModel,
    }
}

/// Role-model reinforcement learning (Chen et al., arXiv 2510.15189), online and offline at once:
/// imitation of role models on replayed trials, and a policy gradient on the fresh batch.
///
/// `L = -mean(w log pi(a*)) - pg_weight * mean(A log pi(a))`: a* is the action of the best among the
/// trials that began alike, w how much that one stands out; both actions as Gaussians over bins.
#[derive(Debug)]
pub struct RmRl {
    settings: RmRlSettings,
    models: RoleModels,
    /// Places before this one have been imitated: without replay, each is once.
    imitated: usize,
}

impl RmRl {
    /// `-mean(A log pi(a))` on the fresh trials.
    fn gradient(&self, network: &Network, round: &Round<'_>) -> Result<Tensor, LearnError> {
        let trials = round.trials(&round.all_fresh());
        let mut actions: Vec<_> = trials.iter().map(|trial| trial.decision.correction).collect();
        let mut advantages = round.advantages.clone();
        let role_model = self.settings.pg_action == PgAction::RoleModel;
        for (i, place) in round.fresh.clone().enumerate().filter(|_| role_model) {
            let Some(best) = self.models.role_model(place) else { continue };
            actions[i] = round.history[best].decision.correction;
            advantages[i] += self.models.lead(place) as f32;
        }
        let (_, log_prob) = network.tried(&trials, actions.into_iter())?;
        Ok(policy_gradient(&log_prob, &Tensor::new(advantages, &Device::Cpu)?)?)
    }
}

impl Objective for RmRl {
    const NAME: &'static str = "rm-rl";
    type Settings = RmRlSettings;

    fn card(settings: &RmRlSettings) -> Card {
        let summary = "role models' actions as labels (Gaussian, weighted), replayed, + policy gradient (after Chen et al. 2025)";
        Card {
            role: Role::Paper,
            signal: settings.role_models.label.signal(),
            context: settings.role_models.context().max(settings.advantages.baseline.context()),
            sees_executed: settings.role_models.label_action == LabelAction::Executed,
            ..Card::learner(Self::NAME, summary).after(settings.prior)
        }
    }

    fn shared(settings: &RmRlSettings) -> Shared {
        let RmRlSettings { common, advantages, prior, .. } = *settings;
        Shared { advantages: Some(advantages), prior: Some(prior), ..Shared::new(common) }
    }

    fn new(settings: RmRlSettings) -> Self {
        Self { settings, models: RoleModels::new(settings.role_models), imitated: 0 }
    }

    fn refresh(&mut self, history: &[Experience]) -> Vec<Label> {
        self.imitated = self.models.labelled().end;
        self.models.refresh(history)
    }

    fn tries(&self, view: &View<'_>, draw: &mut Draw) -> Option<[f64; 3]> {
        self.models.about_label(view.instance, draw)
    }

    fn minibatches(&mut self, round: &Round<'_>, draw: &mut Draw) -> Vec<Vec<usize>> {
        let RmRlSettings { replayed, prior, replay, .. } = self.settings;
        let labelled = self.models.labelled();
        match round.pretraining {
            true if labelled.is_empty() => Vec::new(),
            true => replay::uniform(labelled, prior.pretrain_steps, replayed.minibatch, draw),
            false if replay => replayed.of(labelled, draw),
            false => vec![labelled.filter(|p| *p >= self.imitated).collect(); replayed.steps],
        }
    }

    fn loss(
        &self,
        network: &Network,
        round: &Round<'_>,
        places: &[usize],
    ) -> Result<Loss, LearnError> {
        let mut loss = Loss::zero()?;
        if !places.is_empty() {
            let untold = || LearnError::not_shown(Self::NAME, "signal that its labels are made of");
            let (labels, weights) = self.models.taught(round.history, places).ok_or_else(untold)?;
            let term = network.imitation(&round.trials(places), labels.into_iter(), weights)?;
            loss = loss.plus("imitation", &term, 1.0)?;
        }
        let weight = self.settings.pg_weight;
        if !round.pretraining && weight > 0.0 && !round.advantages.is_empty() {
            loss = loss.plus("policy_gradient", &self.gradient(network, round)?, weight)?;
        }
        Ok(loss)
    }
}
