use crate::learn::plus_bias::{BiasSettings, PlusBias, Sight};
use crate::learn::{Card, Entry};
use crate::task::{ContextSignal, Image, Pose2};

pub fn entry() -> Entry {
    let card = |settings: &BiasSettings| settings.scenes.on(DirectPose::card());
    Entry::of(DirectPose::NAME, card, |card, settings, grid, _, _| {
        Ok(Box::new(PlusBias::<DirectPose>::new(card, settings, grid)))
    })
}

/// Corrects by the measured initial pose: what every method that sees this pose has to beat. Only the
/// constant bias is learned.
struct DirectPose;

impl Sight for DirectPose {
    const NAME: &'static str = "direct-pose";

    fn card() -> Card {
        let summary = "corrects by the measured initial pose; learns a constant bias";
        Card { context: ContextSignal::Pose, ..Card::learner(Self::NAME, summary) }
    }

    fn offset(_: &Image, told: Option<Pose2>) -> Option<Pose2> {
        told
    }
}
