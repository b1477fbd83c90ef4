//! Settings that methods share.

use super::Settings;
use super::critic::CriticShape;
use super::encoder::Seeing;
use super::heads::Decode;
use super::policy::{Normalise, Widths};
use super::scene_choice::SceneChoice;
use crate::choices;
use crate::settings;
use crate::task::ContextSignal;

settings! {
    /// What every learner can be told.
    pub struct Common {
        ..seeing: Seeing = Seeing::default();
        ..widths: Widths = Widths::default();
        /// Adam's step size.
        lr: f64 = 1e-3, in 1e-8..=1.0, tune log(1e-4..=1e-2);
        /// Largest norm of a gradient; a longer one is scaled down to it.
        clip_norm: f64 = 5.0, in 1e-6..=1e6;
        /// Standard deviation of the Gaussian over bins that stands for an action in the loss, in
        /// bins; 0 is one-hot, as in the equations.
        target_sigma_bins: f64 = 0.0, in 0.0..=10.0, tune linear(0.0..=1.5);
        /// Probability that exploration moves a bin drawn from the policy.
        explore_prob: f64 = 0.0, in 0.0..=1.0, tune linear(0.0..=1.0);
        /// By how much, as a standard deviation in bins.
        explore_sigma_bins: f64 = 1.0, in 0.0..=10.0, tune linear(0.5..=3.0);
        /// By how much, at most, exploration moves an action within its bin, in bins; 0.5 reaches all
        /// corrections between the bins' centres.
        dither_bins: f64 = 0.0, in 0.0..=0.5;
        /// How the greedy policy's distribution becomes one action.
        decode: Decode = Decode::Argmax;
        /// What is done to an image before the policy sees it, for `patches`; other encoders bring it to mean 0 and
        /// standard deviation 1.
        normalise: Normalise = Normalise::Image;
        /// Which scene instance comes next, of those that training comes back to.
        scenes: SceneChoice = SceneChoice::Given;
    }
}

impl Common {
    /// Gaussian targets, read back as their mean: finer than the grid.
    pub fn smoothed() -> Self {
        Self { target_sigma_bins: 1.0, decode: Decode::Expectation, ..Self::default() }
    }
}

settings! {
    /// How a trial's advantage is found: its reward minus what was to be expected.
    pub struct Advantages {
        /// What reward is to be expected.
        baseline: BaselineKind = BaselineKind::Scene;
        /// Weight of a new reward in the baseline, once that has settled.
        baseline_rate: f64 = 0.1, in 0.0..=1.0, tune log(0.02..=0.5);
    }
}

choices! {
    /// What reward is to be expected of a trial.
    pub enum BaselineKind {
        /// nothing: the advantage is the reward
        None,
        /// one running mean over all trials
        Mean,
        /// one a scene instance, that of all trials until an instance comes back
        Scene,
    }
}

impl BaselineKind {
    /// What a method must be shown for it.
    pub fn context(self) -> ContextSignal {
        match self {
            Self::Scene => ContextSignal::SceneId,
            Self::None | Self::Mean => ContextSignal::None,
        }
    }
}

settings! {
    /// Trials that are gathered, and learned from offline, before training.
    pub struct Prior {
        /// Trials gathered before training. Where they count among a run's trials, and unless set, at most
        /// half of them.
        prior_trials: usize = 0, in 0..=1_000_000;
        /// Prior trials come on top of a run's trials, before 0 on the x axis, instead of being among them.
        prior_on_top: bool = false;
        /// Who chooses in them.
        prior: PriorPolicy = PriorPolicy::Random;
        /// Gradient steps on prior trials, before training.
        pretrain_steps: usize = 100, in 0..=1_000_000;
    }
}

choices! {
    /// Who chooses in prior trials.
    pub enum PriorPolicy {
        /// every bin equally likely
        Random,
        /// the policy as it is before training
        Policy,
    }
}

/// The shared part of a method's settings, as its [`Objective`](super::Objective) hands it out.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    pub common: Common,
    /// `None` for a method that asks for no advantages.
    pub advantages: Option<Advantages>,
    /// Advantages to mean 0 and standard deviation 1 over a batch, as PPO implementations do.
    pub standardise: bool,
    /// `None` for a method that is never pretrained.
    pub prior: Option<Prior>,
    /// `None` for a method without a critic.
    pub critic: Option<CriticShape>,
}

impl Shared {
    pub fn new(common: Common) -> Self {
        Self { common, advantages: None, standardise: false, prior: None, critic: None }
    }

    /// Trials before training.
    pub fn prior_trials(&self) -> usize {
        self.prior.map_or(0, |prior| prior.prior_trials)
    }
}

/// For a method that has nothing to set.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct NoSettings {}

impl Settings for NoSettings {
    fn keys(&self) -> Vec<super::Key> {
        Vec::new()
    }
}
