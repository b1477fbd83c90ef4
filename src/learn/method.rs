use std::collections::BTreeMap;

use super::Prior;
use crate::task::Image;
use serde::{Deserialize, Serialize};

use crate::task::{ContextSignal, Correction, Draw, Feedback, Outcome, Pose2, RewardSignal};

/// A way to choose corrections and to learn from their rewards. Batched and serialisable; it
/// could live in another process.
pub trait Method: Send {
    fn card(&self) -> &Card;

    /// Chooses one correction a view. `draws` has one keyed generator a view.
    fn act(
        &self,
        views: &[View<'_>],
        mode: Mode,
        draws: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError>;

    /// How likely the policy itself, without exploration, finds each bin of x, y and yaw for each
    /// view: to be looked at. `None` from a method that has no such policy.
    fn probabilities(&self, _: &[View<'_>]) -> Result<Option<Vec<BinProbabilities>>, LearnError> {
        Ok(None)
    }

    /// In which scene instance, of so many that training comes back to, it wishes to make the trial that
    /// comes so many (`turn`) after the last one that it has learned from; `history` ends with that one.
    /// `None` for the one whose turn it is. Must depend on nothing else but its state, so that a run that
    /// is resumed comes to the same. Asked only after it has learned.
    fn wishes(&self, _history: &[Experience], _turn: usize, _scenes: usize) -> Option<usize> {
        None
    }

    /// Learns after a batch. `history` is every trial so far in order, prior ones included; the
    /// last `fresh` of them are new. Where the card asks for prior trials, all of them are the first
    /// batch.
    fn learn(
        &mut self,
        history: &[Experience],
        fresh: usize,
        draw: &mut Draw,
    ) -> Result<Progress, LearnError>;

    /// Everything that must survive a restart (weights, optimiser, counters) as safetensors.
    fn save(&self) -> Result<Vec<u8>, LearnError>;

    /// What it has learned, whole: as safetensors, with all that was found in the images it learned from, so that it acts
    /// on without them. [`begin_from`](Self::begin_from) reads it.
    ///
    /// # Errors
    /// It has learned nothing yet, or what it has learned hangs on its trials.
    fn weights(&self) -> Result<Vec<u8>, LearnError> {
        Err(LearnError::NoWeights { method: self.card().name.clone(), why: HANGS })
    }

    /// Begins from what another of its kind has learned: it acts like that one, and goes on to learn from trials of its
    /// own. To be called before the first trial, and before [`load`](Self::load) after a restart. How that one's
    /// images differ from its own is for it to find out.
    fn begin_from(&mut self, _weights: &[u8]) -> Result<(), LearnError> {
        Err(LearnError::NoWeights { method: self.card().name.clone(), why: HANGS })
    }

    /// Continues where [`save`](Self::save) left off. `history` is what had been seen by then;
    /// role models and the like are rebuilt from it. Equal bits follow.
    fn load(&mut self, state: &[u8], history: &[Experience]) -> Result<(), LearnError>;
}

/// Why most methods have no weights.
const HANGS: &str = "what it has learned hangs on its trials; give it these (`--prior`)";

/// Probabilities of the bins of x, y and yaw; each sums to 1.
pub type BinProbabilities = [Vec<f32>; 3];

/// What a method is, and what it is allowed to see: printed with its results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// As on the command line.
    pub name: String,
    /// One line on what it does and where it comes from.
    pub summary: String,
    pub role: Role,
    pub signal: RewardSignal,
    pub context: ContextSignal,
    /// It is told the true offset: a reference, not a competitor, and impossible on hardware.
    pub sees_truth: bool,
    /// It changes with experience; training trials are made only for a method that learns.
    pub learns: bool,
    /// Trials gathered before training.
    pub prior_trials: u64,
    /// They come on top of a run's trials, and its x axis begins below 0; else they count among them.
    pub prior_on_top: bool,
    /// They were made elsewhere, and are there before the run's first trial.
    pub prior_given: bool,
    /// It is told what the arm's own reading says was executed, besides what was commanded.
    pub sees_executed: bool,
}

impl Card {
    /// A competitor that learns from the scalar reward and the image alone.
    pub fn learner(name: &str, summary: &str) -> Self {
        Self {
            name: name.to_owned(),
            summary: summary.to_owned(),
            role: Role::Competitor,
            signal: RewardSignal::Scalar,
            context: ContextSignal::None,
            sees_truth: false,
            learns: true,
            prior_trials: 0,
            prior_on_top: false,
            prior_given: false,
            sees_executed: false,
        }
    }

    /// The same with prior trials, as these settings have them.
    pub fn after(self, prior: Prior) -> Self {
        let Prior { prior_trials, prior_on_top, .. } = prior;
        Self { prior_trials: prior_trials as u64, prior_on_top, ..self }
    }

    /// Trials that come on top of a run's.
    pub fn on_top(&self) -> u64 {
        if self.prior_on_top { self.prior_trials } else { 0 }
    }

    /// Something to measure against, which learns nothing.
    pub fn reference(name: &str, summary: &str) -> Self {
        Self { role: Role::Reference, learns: false, ..Self::learner(name, summary) }
    }
}

/// What part a method plays in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// One of the contestants.
    Competitor,
    /// What everything else is compared with.
    Rival,
    /// Not in the contest: something to measure it against.
    Reference,
    /// The method of arXiv 2510.15189 as this project understands it.
    Paper,
}

impl Role {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Competitor => "competitor",
            Self::Rival => "rival",
            Self::Reference => "reference",
            Self::Paper => "the paper's",
        }
    }
}

/// What a method is shown before it chooses. A field it did not declare is `None`.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub image: &'a Image,
    pub instance: Option<usize>,
    pub pose: Option<Pose2>,
    /// The true offset: only for a method whose card says so.
    pub truth: Option<Pose2>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Explore,
    Greedy,
}

/// A chosen correction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    pub correction: Correction,
    /// The bins of the action grid, for a method that chooses among them.
    pub bins: Option<[usize; 3]>,
    /// Natural log of the probability of each axis's bin under the policy that chose it.
    pub log_prob: Option<[f32; 3]>,
    /// How far from the target the placement is expected to be measured: one standard deviation along x,
    /// y (mm) and yaw (deg). `None` from a method that does not say when it does not know.
    pub spread: Option<[f64; 3]>,
}

impl Decision {
    /// A correction on no grid, of a method that does not say how sure it is.
    pub fn at(correction: Correction) -> Self {
        Self { correction, bins: None, log_prob: None, spread: None }
    }
}

/// One finished trial, as far as a method may know it.
#[derive(Clone, Debug, PartialEq)]
pub struct Experience {
    /// Number in the run, prior trials first.
    pub trial: u64,
    pub image: Image,
    pub instance: Option<usize>,
    pub pose: Option<Pose2>,
    pub truth: Option<Pose2>,
    pub decision: Decision,
    /// The correction that the arm's own reading at the grip says was carried out, with that
    /// reading's error: only for a method whose card asks for it.
    pub executed: Option<Correction>,
    pub outcome: Outcome,
    pub feedback: Feedback,
}

/// The label of one trial and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Label {
    pub trial: u64,
    /// The role model: the peer whose action became the label, or came nearest to it or was the best
    /// where a label is made of several.
    pub role_model: u64,
    /// How many trials the label was made of, itself included.
    pub peers: u32,
    pub correction: Correction,
}

/// What a round of learning did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Mean loss over the round's gradient steps.
    pub loss: f64,
    /// Labels that are new or have changed.
    pub labels: Vec<Label>,
    /// Why the loss is what it is, by name: means over the round's gradient steps.
    pub diagnostics: BTreeMap<String, f64>,
}

#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    #[error("tensor operation failed: {0}")]
    Tensor(#[from] candle_core::Error),
    #[error("the saved state of method '{method}' cannot be used: {why}")]
    State { method: String, why: String },
    #[error("'{method}' has no weights to hand on or to begin from: {why}")]
    NoWeights { method: String, why: &'static str },
    #[error("'{method}' was not shown the {what} that its card asks for")]
    NotShown { method: String, what: &'static str },
    #[error("was asked for {asked} decisions and made {got}")]
    Count { asked: usize, got: usize },
    #[error("wished for scene instance {wished}: there are {scenes}, from 0 on")]
    Scene { wished: usize, scenes: usize },
    #[error("learning diverged: {0}")]
    Diverged(String),
    /// What a program that is a method did.
    #[error("{0}")]
    Outside(String),
}

impl LearnError {
    pub fn not_shown(method: &str, what: &'static str) -> Self {
        Self::NotShown { method: method.to_owned(), what }
    }
}
