use super::trial::Trial;
use crate::learn::Progress;
use crate::store::Stored;
use crate::task::TrialKey;

/// What a run has written into its store, which is its journal, and the only one that lasts. Progress,
/// reports and whoever else follows a run hear the same entries in the same order, once they are on
/// disk, on a thread of their own: they can neither hold up a run nor make it fail.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A trial, with its result.
    Tried {
        key: TrialKey,
        /// Trials learned from before an evaluation; 0 for what is learned from.
        checkpoint: u64,
        result: Stored,
    },
    /// A round of learning, after so many trials.
    Learned { at_trial: u64, progress: Progress },
    /// Every trial has been made.
    Completed,
}

impl Entry {
    pub(super) fn tried(key: TrialKey, checkpoint: u64, trial: &Trial) -> Self {
        Self::Tried { key, checkpoint, result: trial.result.clone() }
    }
}
