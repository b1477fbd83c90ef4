use super::{Card, Decision, Experience, LearnError, Method, Mode, Progress, Settings, View};
use crate::task::{ActionGrid, Draw};

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
#[derive(Debug)]
pub(super) struct Ruled<R> {
    pub card: Card,
    pub rule: R,
}

impl<R: Rule> Method for Ruled<R> {
    fn card(&self) -> &Card {
        &self.card
    }

    fn act(
        &self,
        views: &[View<'_>],
        _: Mode,
        _: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError> {
        views.iter().map(|view| self.rule.decide(view)).collect()
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
