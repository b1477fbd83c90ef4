use crate::eyes::{Picture, find_plate};
use crate::learn::plus_bias::{BiasSettings, PlusBias, Sight};
use crate::learn::{Card, Entry};
use crate::task::{Image, Pose2};

pub fn entry() -> Entry {
    let card = |settings: &BiasSettings| settings.scenes.on(Outline::card());
    Entry::of(Outline::NAME, card, |card, settings, grid, _, _| {
        Ok(Box::new(PlusBias::<Outline>::new(card, settings, grid)))
    })
}

/// What an engineer would do without learning: fit the plate's outline in the picture
/// ([`find_plate`]) and correct by it. Only the constant bias is learned.
struct Outline;

impl Sight for Outline {
    const NAME: &'static str = "outline";

    fn card() -> Card {
        let summary =
            "fits the plate's outline in the picture, corrects by it; learns a constant bias";
        Card::learner(Self::NAME, summary)
    }

    fn offset(image: &Image, _: Option<Pose2>) -> Option<Pose2> {
        find_plate(&Picture::from(image)).map(|plate| plate.pose)
    }
}
