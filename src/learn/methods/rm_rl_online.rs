use super::super::settings::Common;
use super::super::{Card, LearnError, Method};
use super::Recipe;
use super::rm_rl::{RmRl, RmRlSettings};
use crate::task::{ActionGrid, Streams};

/// [`RmRl`] without replay: each batch is imitated once, with the labels it has by then.
#[derive(Debug)]
pub struct RmRlOnline;

impl Recipe for RmRlOnline {
    type Settings = RmRlSettings;
    const NAME: &'static str = "rm-rl-online";

    fn defaults() -> RmRlSettings {
        let shared = RmRlSettings::shared();
        RmRlSettings { common: Common { lr: 3e-4, ..shared.common }, replay: false, ..shared }
    }

    fn describe(settings: &RmRlSettings) -> Card {
        let summary =
            "role models' actions as labels of the fresh batch + policy gradient, no replay";
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
