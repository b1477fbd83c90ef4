use nalgebra::{DMatrix, DVector};

use crate::learn::free::Linear;
use crate::learn::linear::{Exploration, Fit, Known, Trials};
use crate::learn::reward_form::RewardFit;
use crate::learn::scene_choice::SceneChoice;
use crate::learn::scenes::{FittedModel, factor_of, imitated};
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
        /// Which scene instance comes next, of those that training comes back to.
        scenes: SceneChoice = SceneChoice::Given;
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
        let SelfCalibrationSettings { linear, dither, scenes, .. } = *settings;
        let exploration =
            Exploration { dither, dither_first: 0.0, scenes, ..Exploration::default() };
        (linear, exploration, false)
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
        // The reward has no part in it: where its shape stands otherwise, there is what labels scatter.
        values.extend([0.0; 4]);
        let mut fit = RewardFit { values, spread: DMatrix::zeros(0, 0), cost: 0.0 };
        let off = |model: &FittedModel| -> [f64; 3] {
            let best = fit.optimum(&trials.seen[model.own[0]]);
            std::array::from_fn(|axis| (best[axis] - model.label[axis]).powi(2))
        };
        let squares =
            labels.iter().map(off).fold([0.0; 3], |sum, off| [0, 1, 2].map(|i| sum[i] + off[i]));
        let loss = squares.iter().sum::<f64>() / labels.len().max(1) as f64;
        let k = trials.seen[0].len();
        if labels.len() > k {
            let scatter =
                squares.map(|sum| 0.5 * libm::log((sum / (labels.len() - k) as f64).max(1e-12)));
            fit.values[3 * k..3 * k + 3].copy_from_slice(&scatter);
            let seen = labels.iter().map(|model| &trials.seen[model.own[0]]);
            fit.spread = left_open(seen, self.settings.ridge).unwrap_or(fit.spread);
        }
        let known = Known { fit, since: 0, before: Vec::new() };
        Ok((known, Progress { loss, ..Progress::default() }))
    }

    /// What labels scatter about the regression, and what these leave open of it.
    fn spread(&self, known: &Known, seen: &[f64]) -> Option<[f64; 3]> {
        let (k, fit) = (seen.len(), &known.fit);
        if fit.spread.nrows() != 3 * k {
            return None;
        }
        // |L' x|^2, alike on each axis: unknowns and factor are laid out axis by axis within a component.
        let along = |column: usize| -> f64 {
            seen.iter().enumerate().map(|(i, x)| x * fit.spread[(3 * i, 3 * column)]).sum()
        };
        let open: f64 = (0..k).map(|column| along(column).powi(2)).sum();
        Some(std::array::from_fn(|axis| libm::exp(fit.values[3 * k + axis]) * (1.0 + open).sqrt()))
    }
}

/// What trials in which this was seen leave open of a ridge regression on them, in units of what a label
/// scatters: the lower Cholesky factor (3k x 3k) of its covariance, axes alike and apart.
fn left_open<'a>(seen: impl Iterator<Item = &'a Vec<f64>>, ridge: f64) -> Option<DMatrix<f64>> {
    let mut rows = seen.peekable();
    let k = rows.peek()?.len();
    let mut precision = DMatrix::<f64>::identity(k, k) * ridge;
    precision[(0, 0)] = 1e-9;
    for row in rows {
        let row = DVector::from_column_slice(row);
        precision.ger(1.0, &row, &row, 1.0);
    }
    factor_of(precision)
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, StandardNormal};

    use super::*;
    use crate::learn::samples::trial;
    use crate::task::{Phase, Stream, Streams, TrialKey};

    #[test]
    fn it_expects_to_be_off_by_what_labels_scatter_and_by_more_where_it_saw_nothing() {
        let key = TrialKey { phase: Phase::Train, index: 0 };
        let mut draw = Streams::new(3).draw(Stream::Replay, key);
        let seen: Vec<Vec<f64>> =
            (0..200).map(|i| vec![1.0, (i % 21) as f64 / 10.0 - 1.0]).collect();
        let scatter = [0.3, 0.1, 0.2];
        let told = |row: &Vec<f64>| {
            let mut trial = trial(0, 0.0);
            let noise = scatter.map(|sd| -> f64 { sd * draw_from(&mut draw) });
            trial.feedback.signed = Some([row[1] + noise[0], noise[1] - row[1], noise[2]]);
            trial
        };
        let history: Vec<_> = seen.iter().map(told).collect();
        let trials =
            Trials { history: &history, seen: &seen, fresh: 20, registered: &[], half_life: 0.0 };
        let rule = SelfCalibration::new(SelfCalibrationSettings::default());
        let mut unused = Streams::new(4).draw(Stream::Replay, key);
        let (known, _) = rule.fit(&trials, None, &mut unused).unwrap();
        let at = |x: f64| rule.spread(&known, &[1.0, x]).unwrap();
        for (axis, sd) in scatter.into_iter().enumerate() {
            assert!((at(0.0)[axis] / sd - 1.0).abs() < 0.15, "{:?}", at(0.0));
            assert!(at(20.0)[axis] > 1.5 * at(0.0)[axis], "{:?}", at(20.0));
        }
    }

    fn draw_from(draw: &mut Draw) -> f64 {
        StandardNormal.sample(draw)
    }
}
