use crate::store::{StoreError, TrialRow, TrialStore};
use crate::task::Phase;

/// Trials of a run that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chapter {
    /// Prior trials, then training trials: what is learned from.
    Training,
    /// Greedy evaluation after so many trials.
    InScene(u64),
    HeldOut(u64),
    /// The final demonstration, after so many trials.
    Shelf(u64),
}

impl Chapter {
    pub fn name(self) -> String {
        match self {
            Self::Training => "training".into(),
            Self::InScene(at) => format!("in-scene, after {at} trials"),
            Self::HeldOut(at) => format!("held-out, after {at} trials"),
            Self::Shelf(_) => "final demonstration".into(),
        }
    }

    /// Trials that had been made before it; `None` for training itself.
    pub fn checkpoint(self) -> Option<u64> {
        match self {
            Self::Training => None,
            Self::InScene(at) | Self::HeldOut(at) | Self::Shelf(at) => Some(at),
        }
    }

    /// Its trials that have a result, in order.
    pub fn rows(self, store: &TrialStore) -> Result<Vec<TrialRow>, StoreError> {
        let mut rows = match self {
            Self::Training => {
                let mut rows = store.trials(Phase::Prior, 0)?;
                rows.extend(store.trials(Phase::Train, 0)?);
                rows
            }
            Self::InScene(at) => store.trials(Phase::InScene, at)?,
            Self::HeldOut(at) => store.trials(Phase::HeldOut, at)?,
            Self::Shelf(at) => store.trials(Phase::Shelf, at)?,
        };
        rows.retain(|row| row.result.is_some());
        Ok(rows)
    }
}
