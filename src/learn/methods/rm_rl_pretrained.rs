use super::super::{Card, LearnError, Method};
use super::Recipe;
use super::rm_rl::{RmRl, RmRlSettings};
use crate::task::{ActionGrid, Streams};

/// [`RmRl`] after offline pretraining on the role models among prior trials, as in the paper's
/// shelf experiment (about 200 samples). The prior trials count.
#[derive(Debug)]
pub struct RmRlPretrained;

impl Recipe for RmRlPretrained {
    type Settings = RmRlSettings;
    const NAME: &'static str = "rm-rl-pretrained";

    fn defaults() -> RmRlSettings {
        RmRlSettings { prior_trials: 200, ..RmRlSettings::shared() }
    }

    fn describe(settings: &RmRlSettings) -> Card {
        let summary = "rm-rl after offline pretraining on prior trials, which count";
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
