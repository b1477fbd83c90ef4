use nalgebra::{Cholesky, DMatrix};

use crate::learn::free::{Linear, Looks, Reach, dithered};
use crate::learn::{
    Card, Decision, Entry, Experience, LearnError, Method, Mode, Progress, View, saved,
};
use crate::settings;
use crate::task::{ActionGrid, Draw, Pose2, RewardSignal};

const NAME: &str = "self-calibration";

pub fn entry() -> Entry {
    Entry::of(NAME, card, |card, settings, grid, _| {
        Ok(Box::new(SelfCalibration::new(card, settings, grid)))
    })
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

fn card(_: &SelfCalibrationSettings) -> Card {
    let summary =
        "regresses the correction that signed errors call for, linear in image components";
    Card { signal: RewardSignal::Signed, ..Card::learner(NAME, summary) }
}

/// What an engineer with a gauge at the target would do: a plate that arrives at `e` after the
/// correction `a` would have arrived right after `a` followed by `e`. Ridge regression of that on
/// `[1, components]`; the constant's weights are the bias. No trial after the first ones explores:
/// a signed error tells as much whatever was tried.
struct SelfCalibration {
    card: Card,
    settings: SelfCalibrationSettings,
    reach: Reach,
    looks: Looks,
    /// A row for each number that is seen; x, y, yaw.
    weights: Option<DMatrix<f64>>,
}

impl SelfCalibration {
    fn new(card: Card, settings: SelfCalibrationSettings, grid: ActionGrid) -> Self {
        let looks = Looks::new(settings.linear);
        Self { card, settings, reach: Reach::of(grid), looks, weights: None }
    }

    fn decide(&self, view: &View<'_>, mode: Mode, draw: &mut Draw) -> Decision {
        let best = self.looks.see(view.image).zip(self.weights.as_ref()).map(|(seen, weights)| {
            let axis =
                |axis| seen.iter().zip(weights.column(axis).iter()).map(|(s, w)| s * w).sum();
            std::array::from_fn(axis)
        });
        self.reach.decision(match (mode, best) {
            (Mode::Explore, None) => self.reach.uniform(draw),
            (Mode::Explore, Some(best)) => dithered(best, self.settings.dither, draw),
            (Mode::Greedy, best) => best.unwrap_or_default(),
        })
    }
}

impl Method for SelfCalibration {
    fn card(&self) -> &Card {
        &self.card
    }

    fn act(
        &self,
        views: &[View<'_>],
        mode: Mode,
        draws: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError> {
        Ok(views.iter().zip(draws).map(|(view, draw)| self.decide(view, mode, draw)).collect())
    }

    fn learn(
        &mut self,
        history: &[Experience],
        _: usize,
        _: &mut Draw,
    ) -> Result<Progress, LearnError> {
        self.looks.look(history);
        let labelled: Vec<_> = self.looks.seen.iter().zip(history).filter_map(labelled).collect();
        if labelled.is_empty() {
            return Ok(Progress::default());
        }
        let (n, k) = (labelled.len(), self.looks.width());
        let seen = DMatrix::from_fn(n, k, |trial, i| labelled[trial].0[i]);
        let labels = DMatrix::from_fn(n, 3, |trial, axis| labelled[trial].1[axis]);
        let mut curvature = seen.tr_mul(&seen);
        (1..k).for_each(|i| curvature[(i, i)] += self.settings.ridge);
        let solved = Cholesky::new(curvature).map(|c| c.solve(&seen.tr_mul(&labels)));
        let weights = solved.filter(|weights| weights.iter().all(|weight| weight.is_finite()));
        let weights =
            weights.ok_or_else(|| LearnError::Diverged("no regression is a number".to_owned()))?;
        let loss = (&seen * &weights - labels).norm_squared() / n as f64;
        self.weights = Some(weights);
        Ok(Progress { loss, ..Progress::default() })
    }

    /// The weights; nothing before the first. The rest follows from the history.
    fn save(&self) -> Result<Vec<u8>, LearnError> {
        saved::save(NAME, &[("weights", self.weights.as_ref().map_or(&[][..], |w| w.as_slice()))])
    }

    fn load(&mut self, state: &[u8], history: &[Experience]) -> Result<(), LearnError> {
        let [weights] = saved::load(NAME, state, ["weights"])?;
        let k = self.looks.width();
        self.weights = match weights.len() {
            0 => None,
            n if n == 3 * k => Some(DMatrix::from_vec(k, 3, weights)),
            _ => return Err(saved::unusable(NAME, "it is of another number of components")),
        };
        self.looks = Looks::new(self.settings.linear);
        self.looks.look(history);
        Ok(())
    }
}

/// What was seen, and the correction that would have been right; nothing where the plate did not arrive.
fn labelled<'s>((seen, trial): (&'s Vec<f64>, &Experience)) -> Option<(&'s [f64], [f64; 3])> {
    let error = trial.feedback.signed.map(Pose2::from_axes)?;
    Some((seen, trial.decision.correction.compose(error).axes()))
}
