use crate::learn::{Card, Decision, Entry, LearnError, NoSettings, Rule, View};
use crate::task::{ActionGrid, Correction};

pub fn entry() -> Entry {
    Entry::rule::<NoCorrection>()
}

/// Never corrects: what the task costs if nothing is done.
#[derive(Debug)]
pub struct NoCorrection;

impl Rule for NoCorrection {
    const NAME: &'static str = "no-correction";
    type Settings = NoSettings;

    fn card(_: &NoSettings) -> Card {
        Card::reference(Self::NAME, "picks at the nominal pose, whatever it sees")
    }

    fn new(_: NoSettings, _: ActionGrid) -> Self {
        Self
    }

    fn decide(&self, _: &View<'_>) -> Result<Decision, LearnError> {
        Ok(Decision::at(Correction::IDENTITY))
    }
}
