use crate::cell::Image;
use crate::task::{ContextSignal, Correction, Draw, Feedback, Pose2, RewardSignal};

/// A way to choose corrections and to learn from their rewards. Batched and serialisable; it
/// could live in another process.
pub trait Method: Send {
    fn card(&self) -> &Card;

    /// Chooses one correction a view. `draws` has one keyed generator a view.
    fn act(
        &mut self,
        views: &[View<'_>],
        mode: Mode,
        draws: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError>;

    /// How likely the policy itself, without exploration, finds each bin of x, y and yaw for each
    /// view: to be looked at. `None` from a method that has no such policy.
    fn probabilities(&self, _: &[View<'_>]) -> Result<Option<Vec<BinProbabilities>>, LearnError> {
        Ok(None)
    }

    /// Learns from prior trials, before any of its own. Called at most once, and only when the
    /// card asks for prior trials.
    fn pretrain(&mut self, prior: &[Experience], draw: &mut Draw) -> Result<Progress, LearnError> {
        self.learn(prior, prior.len(), draw)
    }

    /// Learns after a batch. `history` is every trial so far in order, prior ones included; the
    /// last `fresh` of them are new.
    fn learn(
        &mut self,
        history: &[Experience],
        fresh: usize,
        draw: &mut Draw,
    ) -> Result<Progress, LearnError>;

    /// Everything that must survive a restart (weights, optimiser, counters) as safetensors.
    fn save(&self) -> Result<Vec<u8>, LearnError>;

    /// Continues where [`save`](Self::save) left off. `history` is what had been seen by then;
    /// role models and the like are rebuilt from it. Equal bits follow.
    fn load(&mut self, state: &[u8], history: &[Experience]) -> Result<(), LearnError>;
}

/// Probabilities of the bins of x, y and yaw; each sums to 1.
pub type BinProbabilities = [Vec<f32>; 3];

/// What a method is, and what it is allowed to see: printed with its results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// As on the command line.
    pub name: &'static str,
    /// One line on what it does and where it comes from.
    pub summary: &'static str,
    pub signal: RewardSignal,
    pub context: ContextSignal,
    /// It is told the true offset: a reference, not a competitor, and impossible on hardware.
    pub sees_truth: bool,
    /// It changes with experience; training trials are made only for a method that learns.
    pub learns: bool,
    /// Trials gathered before training, which count on the x axis.
    pub prior_trials: u64,
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
    pub feedback: Feedback,
}

/// The label of one trial and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Label {
    pub trial: u64,
    /// The peer whose action became the label: the role model.
    pub role_model: u64,
    /// How many trials it was the best of, itself included.
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
}

#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    #[error("tensor operation failed: {0}")]
    Tensor(#[from] candle_core::Error),
    #[error("the saved state of method '{method}' cannot be used: {why}")]
    State { method: &'static str, why: String },
    #[error("'{method}' was not shown the {what} that its card asks for")]
    NotShown { method: &'static str, what: &'static str },
    #[error("learning diverged: {0}")]
    Diverged(String),
}
