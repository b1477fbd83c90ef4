use crate::learn::{Card, Decision, Entry, LearnError, NoSettings, Rule, View};
use crate::task::ActionGrid;

pub fn entry() -> Entry {
    Entry::rule::<Oracle>()
}

/// Corrects by the true offset, rounded to the grid: the floor that bins and noise leave.
#[derive(Debug)]
pub struct Oracle {
    grid: ActionGrid,
}

impl Rule for Oracle {
    const NAME: &'static str = "oracle";
    type Settings = NoSettings;

    fn card(_: &NoSettings) -> Card {
        let summary = "corrects by the true offset, rounded to the action grid (reference)";
        Card { sees_truth: true, ..Card::reference(Self::NAME, summary) }
    }

    fn new(_: NoSettings, grid: ActionGrid) -> Self {
        Self { grid }
    }

    fn decide(&self, view: &View<'_>) -> Result<Decision, LearnError> {
        let truth = view.truth.ok_or_else(|| LearnError::not_shown(Self::NAME, "truth"))?;
        let bins = self.grid.nearest(truth);
        let correction = self.grid.correction(bins);
        Ok(Decision { bins: Some(bins), log_prob: Some([0.0; 3]), ..Decision::at(correction) })
    }
}
