use crate::lab::{Experiment, Schedule};
use crate::learn::Card;
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
    /// One of the final demonstrations, after so many trials; its trials are numbered from `first` up
    /// to (not with) `end`.
    Shown {
        which: usize,
        at: u64,
        first: u64,
        end: u64,
    },
}

impl Chapter {
    /// Those that a run of this experiment may have.
    pub fn all(experiment: &Experiment, checkpoints: &[u64], card: &Card) -> Vec<Self> {
        let schedule = Schedule::new(experiment, card);
        let judged = checkpoints.iter().flat_map(|at| [Self::InScene(*at), Self::HeldOut(*at)]);
        let shown = (0..experiment.demonstrations.len()).map(|which| {
            let numbers = schedule.demonstration(which);
            Self::Shown { which, at: schedule.trials(), first: numbers.start, end: numbers.end }
        });
        std::iter::once(Self::Training).chain(judged).chain(shown).collect()
    }

    pub fn name(self) -> String {
        match self {
            Self::Training => "training".into(),
            Self::InScene(at) => format!("in-scene, after {at} trials"),
            Self::HeldOut(at) => format!("held-out, after {at} trials"),
            Self::Shown { which: 0, .. } => "final demonstration".into(),
            Self::Shown { which, .. } => format!("final demonstration {}", which + 1),
        }
    }

    /// Trials that had been made before it; `None` for training itself.
    pub fn checkpoint(self) -> Option<u64> {
        match self {
            Self::Training => None,
            Self::InScene(at) | Self::HeldOut(at) | Self::Shown { at, .. } => Some(at),
        }
    }

    /// The scene that it takes place in.
    pub fn scene(self, experiment: &Experiment) -> &str {
        match self {
            Self::Shown { which, .. } => &experiment.demonstrations[which].scene,
            _ => &experiment.scene,
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
            Self::Shown { at, first, end, .. } => {
                let mut rows = store.trials(Phase::Shelf, at)?;
                rows.retain(|row| (first..end).contains(&row.intent.key.index));
                rows
            }
        };
        rows.retain(|row| row.result.is_some());
        Ok(rows)
    }
}
