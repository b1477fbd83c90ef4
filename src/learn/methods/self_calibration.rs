use nalgebra::DMatrix;

use crate::learn::free::Linear;
use crate::learn::linear::{Exploration, Fit, Known, Trials};
use crate::learn::reward_form::RewardFit;
use crate::learn::scenes::{FittedModel, imitated};
use crate::learn::{Card, Entry, LearnError, Progress};
use crate::settings;
use crate::task::{Draw, Pose2, RewardSignal};

pub fn entry() -> Entry {
    Entry::linear::<SelfCalibration>()
}

settings! {
    pub struct SelfCalibrationSettings {
        ..linear: Linear = Linear::default();
        /// Standard deviation of what is added when exploring after the first trials, mm and deg.
        dither: f64 = 0.0, in 0.0..=10.0;
        /// Penalty on squared weights of the components, mm^2 and deg^2; none on the constant.
        ridge: f64 = 0.05, in 1e-9..=1e6, tune log(1e-3..=1.0);
    }
}

/// What an engineer with a gauge at the target would do: a plate that arrives at `e` after the
/// correction `a` would have arrived right after `a` followed by `e`. Ridge regression of that on
/// `[1, components]`; the constant's weights are the bias. No trial after the first ones explores:
/// a signed error tells as much whatever was tried.
pub struct SelfCalibration {
    settings: SelfCalibrationSettings,
}

impl Fit for SelfCalibration {
    const NAME: &'static str = "self-calibration";
    type Settings = SelfCalibrationSettings;

    fn card(_: &SelfCalibrationSettings) -> Card {
        let summary =
            "regresses the correction that signed errors call for, linear in image components";
        Card { signal: RewardSignal::Signed, ..Card::learner(Self::NAME, summary) }
    }

    fn linear(settings: &SelfCalibrationSettings) -> (Linear, Exploration, bool) {
        let SelfCalibrationSettings { linear, dither, .. } = *settings;
        (linear, Exploration { dither, dither_first: 0.0, ..Exploration::default() }, false)
    }

    fn new(settings: SelfCalibrationSettings) -> Self {
        Self { settings }
    }

    fn fit(
        &self,
        trials: &Trials<'_>,
        _: Option<&Known>,
        _: &mut Draw,
    ) -> Result<(Known, Progress), LearnError> {
        let right = |place: usize| {
            // Nothing where the plate did not arrive.
            let error = trials.history[place].feedback.signed.map(Pose2::from_axes)?;
            let label = trials.history[place].decision.correction.compose(error).axes();
            Some(FittedModel { own: vec![place], label, weight: 1.0 })
        };
        let labels: Vec<_> = (0..trials.history.len()).filter_map(right).collect();
        let blank = vec![0.0; 3 * trials.seen[0].len()];
        let weights = imitated(trials, &labels, (&blank, self.settings.ridge));
        let mut values =
            weights.ok_or_else(|| LearnError::Diverged("no regression is a number".to_owned()))?;
        // The reward has no part in it: its shape stays blank.
        values.extend([0.0; 4]);
        let fit = RewardFit { values, spread: DMatrix::zeros(0, 0), cost: 0.0 };
        let off = |model: &FittedModel| -> f64 {
            let best = fit.optimum(&trials.seen[model.own[0]]);
            (0..3).map(|axis| (best[axis] - model.label[axis]).powi(2)).sum()
        };
        let loss = labels.iter().map(off).sum::<f64>() / labels.len().max(1) as f64;
        let known = Known { fit, since: 0, before: Vec::new() };
        Ok((known, Progress { loss, ..Progress::default() }))
    }
}
