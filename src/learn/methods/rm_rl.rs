use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::super::baseline::{Baseline, BaselineKind};
use super::super::learner::{Learner, explore};
use super::super::role_model::{Grouping, LabelWeight, RoleModelOptions, RoleModels};
use super::super::settings::{Checks, Common, Options};
use super::super::{
    BinProbabilities, Card, Decision, Experience, LearnError, Method, Mode, Progress, View,
};
use super::super::{heads, replay};
use super::{Recipe, reinforce};
use crate::config::ConfigError;
use crate::task::{ActionGrid, ContextSignal, Draw, RewardSignal, Streams};

/// Role-model reinforcement learning (Chen et al., arXiv 2510.15189), online and offline at once:
/// imitation of role models on replayed trials, and a policy gradient on the fresh batch.
#[derive(Debug)]
pub struct RmRl {
    card: Card,
    settings: RmRlSettings,
    learner: Learner,
    models: RoleModels,
    baseline: Baseline,
    pretrained: bool,
}

/// `-mean(weight * log pi(label))`: cross-entropy to the role models' actions. Log-probabilities
/// and labels are (n, 3, bins), weights (n).
fn imitation(log_probs: &Tensor, labels: &Tensor, weights: &[f32]) -> candle_core::Result<Tensor> {
    let weights = Tensor::from_slice(weights, weights.len(), &Device::Cpu)?;
    (heads::log_prob(log_probs, labels)? * weights)?.mean_all()?.neg()
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RmRlSettings {
    #[serde(flatten)]
    pub common: Common,
    #[serde(flatten)]
    pub role_models: RoleModelOptions,
    /// Imitate old trials as well as the fresh batch.
    pub replay: bool,
    /// Gradient steps after each batch of trials.
    pub steps: usize,
    /// Replayed trials in a gradient step.
    pub minibatch: usize,
    /// Whose action the policy gradient pushes.
    pub pg_action: PgAction,
    /// Weight of the policy gradient beside imitation.
    pub pg_weight: f64,
    pub baseline: BaselineKind,
    /// Weight of a new reward in the baseline.
    pub baseline_rate: f64,
    /// Trials gathered before training.
    pub prior_trials: usize,
    /// Who chooses in them.
    pub prior: Prior,
    /// Gradient steps on prior trials, before training.
    pub pretrain_steps: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PgAction {
    /// The trial's own.
    Executed,
    /// Its role model's, with the role model's reward.
    RoleModel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prior {
    /// Every bin equally likely.
    Random,
    /// The policy as it is before training.
    Policy,
}

impl RmRlSettings {
    /// What the three variants share.
    pub fn shared() -> Self {
        Self {
            common: Common {
                lr: 1e-3,
                target_sigma_bins: 1.0,
                explore_prob: 0.5,
                explore_sigma_bins: 2.0,
                decode: heads::Decode::Expectation,
                ..Common::default()
            },
            role_models: RoleModelOptions {
                label_weight: LabelWeight::Advantage,
                ..RoleModelOptions::default()
            },
            replay: true,
            steps: 10,
            minibatch: 64,
            pg_action: PgAction::Executed,
            pg_weight: 0.1,
            baseline: BaselineKind::Scene,
            baseline_rate: 0.1,
            prior_trials: 0,
            prior: Prior::Random,
            pretrain_steps: 100,
        }
    }
}

impl Options for RmRlSettings {
    fn check(&self, check: &Checks<'_>) -> Result<(), ConfigError> {
        self.common.check(check)?;
        self.role_models.check(check)?;
        check.count("steps", self.steps, 1, 10_000)?;
        check.count("minibatch", self.minibatch, 1, 10_000)?;
        check.within("pg_weight", self.pg_weight, 0.0, 100.0)?;
        check.within("baseline_rate", self.baseline_rate, 0.0, 1.0)?;
        check.count("prior_trials", self.prior_trials, 0, 1_000_000)?;
        check.count("pretrain_steps", self.pretrain_steps, 0, 1_000_000)
    }
}

impl Recipe for RmRl {
    type Settings = RmRlSettings;
    const NAME: &'static str = "rm-rl";

    fn defaults() -> RmRlSettings {
        RmRlSettings::shared()
    }

    fn describe(settings: &RmRlSettings) -> Card {
        let summary = "role models' actions as labels (Gaussian, weighted), replayed, + policy gradient (after Chen et al. 2025)";
        RmRl::card_of(Self::NAME, summary, settings)
    }

    fn build(
        settings: RmRlSettings,
        grid: ActionGrid,
        streams: Streams,
    ) -> Result<Box<dyn Method>, LearnError> {
        Ok(Box::new(RmRl::new(Self::describe(&settings), settings, grid, streams)?))
    }
}

impl RmRl {
    pub fn new(
        card: Card,
        settings: RmRlSettings,
        grid: ActionGrid,
        streams: Streams,
    ) -> Result<Self, LearnError> {
        Ok(Self {
            learner: Learner::new(card.name, grid, settings.common, streams)?,
            models: RoleModels::new(settings.role_models),
            baseline: Baseline::new(settings.baseline, settings.baseline_rate),
            pretrained: settings.prior_trials == 0,
            card,
            settings,
        })
    }

    pub fn card_of(name: &'static str, summary: &'static str, settings: &RmRlSettings) -> Card {
        let grouping = match settings.role_models.grouping {
            Grouping::SceneId => ContextSignal::SceneId,
            Grouping::ImageEmbedding => ContextSignal::None,
            Grouping::PoseRadius => ContextSignal::Pose,
        };
        Card {
            name,
            summary,
            signal: RewardSignal::Scalar,
            context: grouping.max(settings.baseline.context()),
            sees_truth: false,
            learns: true,
            prior_trials: settings.prior_trials as u64,
        }
    }

    /// Imitation on these places of the history.
    fn imitate(&self, history: &[Experience], places: &[usize]) -> Result<Tensor, LearnError> {
        let trials: Vec<_> = places.iter().map(|place| &history[*place]).collect();
        let labels = places.iter().filter_map(|place| self.models.label(history, *place));
        let labels = self.learner.targets(labels.map(|label| label.correction))?;
        let weights: Vec<_> = places.iter().map(|place| self.models.weight(*place)).collect();
        Ok(imitation(&self.learner.policy_log_probs(&trials)?, &labels, &weights)?)
    }

    /// Policy gradient on the last trials of the history, one for each advantage.
    fn gradient(&self, history: &[Experience], advantages: &[f32]) -> Result<Tensor, LearnError> {
        let first = history.len() - advantages.len();
        let batch: Vec<_> = history[first..].iter().collect();
        let log_probs = self.learner.behaviour_log_probs(&batch)?;
        let mut actions: Vec<_> = batch.iter().map(|trial| trial.decision.correction).collect();
        let mut advantages = advantages.to_vec();
        if self.settings.pg_action == PgAction::RoleModel {
            for (i, place) in (first..history.len()).enumerate() {
                let Some(label) = self.models.label(history, place) else { continue };
                actions[i] = label.correction;
                advantages[i] += self.models.lead(place) as f32;
            }
        }
        let actions = self.learner.targets(actions.into_iter())?;
        Ok(reinforce::loss(&heads::log_prob(&log_probs, &actions)?, &advantages)?)
    }
}

impl Method for RmRl {
    fn card(&self) -> &Card {
        &self.card
    }

    fn act(
        &mut self,
        views: &[View<'_>],
        mode: Mode,
        draws: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError> {
        if mode == Mode::Explore && !self.pretrained && self.settings.prior == Prior::Random {
            let bins = self.learner.grid().bins();
            let uniform = vec![vec![-(bins as f32).ln(); bins]; 3];
            return Ok(draws
                .iter_mut()
                .map(|d| explore(self.learner.grid(), &uniform, d))
                .collect());
        }
        self.learner.act(views, mode, draws)
    }

    fn probabilities(
        &self,
        views: &[View<'_>],
    ) -> Result<Option<Vec<BinProbabilities>>, LearnError> {
        self.learner.probabilities(views)
    }

    fn pretrain(&mut self, prior: &[Experience], draw: &mut Draw) -> Result<Progress, LearnError> {
        self.pretrained = true;
        self.baseline.advantages(prior, 0);
        let labels = self.models.refresh(prior);
        let mut sum = 0.0;
        for _ in 0..self.settings.pretrain_steps {
            let places = replay::uniform(self.models.labelled(), self.settings.minibatch, draw);
            if places.is_empty() {
                break;
            }
            let loss = self.imitate(prior, &places)?;
            sum += self.learner.step(&loss)?;
        }
        Ok(Progress { loss: sum / self.settings.pretrain_steps.max(1) as f64, labels })
    }

    fn learn(
        &mut self,
        history: &[Experience],
        fresh: usize,
        draw: &mut Draw,
    ) -> Result<Progress, LearnError> {
        self.pretrained = true;
        let labels = self.models.refresh(history);
        let advantages = self.baseline.advantages(history, fresh);
        let labelled = self.models.labelled();
        let online: Vec<_> = (history.len() - advantages.len()..labelled.end).collect();
        let mut sum = 0.0;
        for _ in 0..self.settings.steps {
            let places = match self.settings.replay {
                true => replay::uniform(labelled.clone(), self.settings.minibatch, draw),
                false => online.clone(),
            };
            let mut loss = Tensor::new(0f32, &Device::Cpu)?;
            if !places.is_empty() {
                loss = (loss + self.imitate(history, &places)?)?;
            }
            if self.settings.pg_weight > 0.0 && !advantages.is_empty() {
                let gradient = self.gradient(history, &advantages)?;
                loss = (loss + (gradient * self.settings.pg_weight)?)?;
            }
            sum += self.learner.step(&loss)?;
        }
        Ok(Progress { loss: sum / self.settings.steps as f64, labels })
    }

    fn save(&self) -> Result<Vec<u8>, LearnError> {
        self.learner.save(&[("pretrained", u64::from(self.pretrained))])
    }

    fn load(&mut self, state: &[u8], history: &[Experience]) -> Result<(), LearnError> {
        let [pretrained] = self.learner.load(state, ["pretrained"])?;
        self.pretrained = pretrained != 0;
        self.models = RoleModels::rebuild(self.settings.role_models, history);
        self.baseline =
            Baseline::rebuild(self.settings.baseline, self.settings.baseline_rate, history);
        Ok(())
    }
}
