use super::super::settings::{Checks, Options};
use super::super::{Card, Decision, Experience, LearnError, Method, Mode, Progress, View};
use super::Recipe;
use crate::config::ConfigError;
use crate::task::{ActionGrid, ContextSignal, Correction, Draw, RewardSignal, Streams};

/// Never corrects: what the task costs if nothing is done.
#[derive(Debug)]
pub struct NoCorrection {
    card: Card,
}

/// For a method that has nothing to set.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct NoSettings {}

impl Options for NoSettings {
    fn check(&self, _: &Checks<'_>) -> Result<(), ConfigError> {
        Ok(())
    }
}

impl Recipe for NoCorrection {
    type Settings = NoSettings;
    const NAME: &'static str = "no-correction";

    fn defaults() -> NoSettings {
        NoSettings {}
    }

    fn describe(_: &NoSettings) -> Card {
        Card {
            name: Self::NAME,
            summary: "picks at the nominal pose, whatever it sees",
            signal: RewardSignal::Scalar,
            context: ContextSignal::None,
            sees_truth: false,
            learns: false,
            prior_trials: 0,
        }
    }

    fn build(s: NoSettings, _: ActionGrid, _: Streams) -> Result<Box<dyn Method>, LearnError> {
        Ok(Box::new(Self { card: Self::describe(&s) }))
    }
}

impl Method for NoCorrection {
    fn card(&self) -> &Card {
        &self.card
    }

    fn act(
        &mut self,
        views: &[View<'_>],
        _: Mode,
        _: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError> {
        let none = Decision { correction: Correction::IDENTITY, bins: None, log_prob: None };
        Ok(vec![none; views.len()])
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
