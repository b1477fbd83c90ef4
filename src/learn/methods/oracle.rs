use super::super::{Card, Decision, Experience, LearnError, Method, Mode, Progress, View};
use super::Recipe;
use super::no_correction::NoSettings;
use crate::task::{ActionGrid, ContextSignal, Draw, RewardSignal, Streams};

/// Corrects by the true offset, rounded to the grid: the floor that bins and noise leave.
#[derive(Debug)]
pub struct Oracle {
    card: Card,
    grid: ActionGrid,
}

impl Recipe for Oracle {
    type Settings = NoSettings;
    const NAME: &'static str = "oracle";

    fn defaults() -> NoSettings {
        NoSettings {}
    }

    fn describe(_: &NoSettings) -> Card {
        Card {
            name: Self::NAME,
            summary: "corrects by the true offset, rounded to the action grid (reference)",
            signal: RewardSignal::Scalar,
            context: ContextSignal::None,
            sees_truth: true,
            learns: false,
            prior_trials: 0,
        }
    }

    fn build(s: NoSettings, grid: ActionGrid, _: Streams) -> Result<Box<dyn Method>, LearnError> {
        Ok(Box::new(Self { card: Self::describe(&s), grid }))
    }
}

impl Method for Oracle {
    fn card(&self) -> &Card {
        &self.card
    }

    fn act(
        &mut self,
        views: &[View<'_>],
        _: Mode,
        _: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError> {
        let correct = |view: &View<'_>| {
            let truth =
                view.truth.ok_or(LearnError::NotShown { method: Self::NAME, what: "truth" })?;
            let bins = self.grid.nearest(truth);
            let correction = self.grid.correction(bins);
            Ok(Decision { correction, bins: Some(bins), log_prob: Some([0.0; 3]) })
        };
        views.iter().map(correct).collect()
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
