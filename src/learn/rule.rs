use super::{Card, Decision, Experience, LearnError, Method, Mode, Progress, Settings, View};
use crate::task::{ActionGrid, Correction, Draw};

/// A method that learns nothing: it decides by a rule.
pub trait Rule: Send + 'static {
    /// As on the command line.
    const NAME: &'static str;
    type Settings: Settings;

    fn card(settings: &Self::Settings) -> Card;
    fn new(settings: Self::Settings, grid: ActionGrid) -> Self;
    fn decide(&self, view: &View<'_>) -> Result<Decision, LearnError>;
}

/// A [`Rule`] as a method.
pub(super) struct Ruled {
    card: Card,
    decide: Box<Decide>,
}

type Decide = dyn Fn(&View<'_>) -> Result<Decision, LearnError> + Send;

impl Ruled {
    pub fn by(card: Card, rule: impl Rule) -> Self {
        Self { card, decide: Box::new(move |view| rule.decide(view)) }
    }
}

/// A method that asks for one correction, whatever it sees: for who measures a cell.
pub fn fixed(correction: Correction) -> impl Method {
    let card = Card::reference("fixed", "asks for one correction, whatever it sees");
    Ruled { card, decide: Box::new(move |_| Ok(Decision::at(correction))) }
}

impl Method for Ruled {
    fn card(&self) -> &Card {
        &self.card
    }

    fn act(
        &self,
        views: &[View<'_>],
        _: Mode,
        _: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError> {
        views.iter().map(|view| (self.decide)(view)).collect()
    }

    fn learn(&mut self, _: &[Experience], _: usize, _: &mut Draw) -> Result<Progress, LearnError> {
        Ok(Progress::default())
    }

    fn save(&self) -> Result<Vec<u8>, LearnError> {
        Ok(Vec::new())
    }

    fn load(&mut self, _: &[u8], _: &[Experience]) -> Result<(), LearnError> {
        Ok(())
    }
}
