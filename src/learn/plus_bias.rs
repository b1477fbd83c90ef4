use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal};

use super::free::{Reach, dithered};
use super::reward_form::{Form, RewardFit, RewardPrior, Sample};
use super::scene_choice::SceneChoice;
use super::{Card, Decision, Experience, LearnError, Method, Mode, Progress, View, saved};
use crate::settings;
use crate::task::{ActionGrid, Draw, Image, Outcome, Pose2};

settings! {
    /// How a constant bias is learned from scalar rewards.
    pub struct BiasSettings {
        /// Standard deviation of the bias before the first trial, mm and deg.
        bias_sd: f64 = 1.0, in 1e-3..=100.0, tune log(0.3..=4.0);
        /// Standard deviation of the reward's noise.
        noise: f64 = 0.09, in 1e-3..=10.0, tune log(0.03..=0.3);
        /// Standard deviation of what is added to a posterior draw when exploring, mm and deg.
        dither: f64 = 0.4, in 0.0..=10.0, tune log(0.1..=1.0);
        /// Latest trials that the bias is fitted to: fewer follow a drift sooner.
        window: usize = 200, in 10..=1_000_000, tune log(40..=400);
        /// Which scene instance comes next, of those that training comes back to.
        scenes: SceneChoice = SceneChoice::Given;
    }
}

/// Where a plate lies, as an engineer would measure it: what [`PlusBias`] corrects by.
pub trait Sight: Send + 'static {
    /// As on the command line.
    const NAME: &'static str;

    fn card() -> Card;

    /// The plate's offset; `None` where it is not seen. `told` is the measured pose, for a card
    /// that asks for it.
    fn offset(image: &Image, told: Option<Pose2>) -> Option<Pose2>;
}

/// Corrects by a measured offset and a constant bias, which is learned from scalar rewards: the optimum
/// of [`RewardFit`] in what the correction was off the measurement. Where nothing is measured, it
/// corrects by the bias alone.
///
/// What is constant (a camera that looks aside, a gripper that is mounted askew) is all that there is to
/// learn then; Thompson sampling keeps the corrections apart that tell it.
pub struct PlusBias<S> {
    card: Card,
    settings: BiasSettings,
    reach: Reach,
    /// What was measured in each trial of the history.
    measured: Vec<Option<Pose2>>,
    fit: Option<RewardFit>,
    sight: std::marker::PhantomData<fn() -> S>,
}

/// The bias depends on nothing that is seen.
const CONSTANT: &[f64] = &[1.0];

impl<S: Sight> PlusBias<S> {
    pub fn new(card: Card, settings: BiasSettings, grid: ActionGrid) -> Self {
        let (measured, sight) = (Vec::new(), std::marker::PhantomData);
        Self { card, settings, reach: Reach::of(grid), measured, fit: None, sight }
    }

    /// Measures in the trials that are new.
    fn look(&mut self, history: &[Experience]) {
        let new = history.iter().skip(self.measured.len());
        self.measured.extend(new.map(|trial| S::offset(&trial.image, trial.pose)));
    }

    /// Mean of what is known of the bias, or a draw from it.
    fn bias(&self, mode: Mode, draw: &mut Draw) -> [f64; 3] {
        if mode == Mode::Greedy {
            return self.fit.as_ref().map_or([0.0; 3], |fit| fit.optimum(CONSTANT));
        }
        let unit: [f64; 3] = std::array::from_fn(|_| StandardNormal.sample(draw));
        let bias = match &self.fit {
            Some(fit) => fit.drawn(CONSTANT, &unit),
            None => unit.map(|unit| self.settings.bias_sd * unit),
        };
        dithered(bias, self.settings.dither, draw)
    }

    fn decide(&self, view: &View<'_>, mode: Mode, draw: &mut Draw) -> Decision {
        let bias = Pose2::from_axes(self.bias(mode, draw));
        let offset = S::offset(view.image, view.pose).unwrap_or(Pose2::IDENTITY);
        let spread = match (mode, &self.fit) {
            (Mode::Greedy, Some(fit)) => fit.spread_at(Form::Distance, CONSTANT),
            _ => None,
        };
        Decision { spread, ..self.reach.decision(offset.plus(bias).axes()) }
    }
}

impl<S: Sight> Method for PlusBias<S> {
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

    fn wishes(&self, history: &[Experience], turn: usize, scenes: usize) -> Option<usize> {
        self.settings.scenes.wish(history, turn, scenes)
    }

    fn learn(
        &mut self,
        history: &[Experience],
        _: usize,
        _: &mut Draw,
    ) -> Result<Progress, LearnError> {
        self.look(history);
        let first = history.len().saturating_sub(self.settings.window);
        let trials = history.iter().zip(&self.measured).skip(first);
        let samples: Vec<Sample<'_>> = trials.filter_map(sample).collect();
        let (form, shape) = (Form::Distance, Form::Distance.shape());
        let start = |optimum| RewardFit::start(CONSTANT.len(), optimum, shape);
        let known = self.fit.as_ref().map(|fit| fit.optimum(CONSTANT));
        let starts = [start([0.0; 3]), start(known.unwrap_or_default())];
        let BiasSettings { noise, bias_sd, .. } = self.settings;
        let (constant, weights) = (bias_sd, bias_sd);
        let prior = RewardPrior { form, noise, mean: &[], constant, weights, shape };
        let fit = RewardFit::of(&starts, &samples, prior)
            .ok_or_else(|| LearnError::Diverged("no fit of the reward is a number".to_owned()))?;
        let loss = fit.cost / samples.len().max(1) as f64;
        let [x, y, yaw] = fit.optimum(CONSTANT);
        self.fit = Some(fit);
        let told = [("bias_x_mm", x), ("bias_y_mm", y), ("bias_yaw_deg", yaw)];
        let diagnostics = told.map(|(name, value)| (name.to_owned(), value)).into();
        Ok(Progress { loss, diagnostics, ..Progress::default() })
    }

    /// The fit; what was measured follows from the history.
    fn save(&self) -> Result<Vec<u8>, LearnError> {
        let values = self.fit.as_ref().map_or(&[][..], |fit| &fit.values);
        let spread = self.fit.as_ref().map_or(&[][..], |fit| fit.spread.as_slice());
        saved::save(S::NAME, &[("values", values), ("spread", spread)])
    }

    fn load(&mut self, state: &[u8], history: &[Experience]) -> Result<(), LearnError> {
        let [values, spread] = saved::load(S::NAME, state, ["values", "spread"])?;
        self.fit = match (values.len(), spread.len()) {
            (0, 0) => None,
            (7, 9) => {
                let spread = DMatrix::from_vec(3, 3, spread);
                Some(RewardFit { values, spread, cost: f64::NAN })
            }
            _ => return Err(saved::unusable(S::NAME, "it is no constant bias")),
        };
        self.measured.clear();
        self.look(history);
        Ok(())
    }
}

/// What a trial tells of the bias; nothing where the plate was not seen or did not arrive.
fn sample((trial, measured): (&Experience, &Option<Pose2>)) -> Option<Sample<'static>> {
    let measured = measured.filter(|_| trial.outcome == Outcome::Placed)?.axes();
    let correction = trial.decision.correction.axes();
    let off = std::array::from_fn(|axis| correction[axis] - measured[axis]);
    Some(Sample { seen: CONSTANT, action: off, reward: trial.feedback.reward, weight: 1.0 })
}
