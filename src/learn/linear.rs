use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal};

use super::components::Components;
use super::free::{Linear, Looks, Reach, dithered};
use super::registrar::registrar;
use super::reward_form::{Form, RewardFit, Sample};
use super::scene_choice::SceneChoice;
use super::{
    Card, Decision, Experience, LearnError, Method, Mode, Progress, Settings, View, saved,
};
use crate::task::{ActionGrid, Draw, ImageSize, Outcome};
use crate::{choices, settings};

/// What sets one linear learner apart from another: how it finds the weights. Encoder, first trials,
/// exploration, saving and loading are the [`LinearLearner`]'s.
pub trait Fit: Send + Sized + 'static {
    /// As on the command line.
    const NAME: &'static str;
    type Settings: Settings;

    fn card(settings: &Self::Settings) -> Card;

    /// The settings that the learner itself needs, and whether images are registered.
    fn linear(settings: &Self::Settings) -> (Linear, Exploration, bool);

    fn new(settings: Self::Settings) -> Self;

    /// What is known after these trials, and what was known before.
    fn fit(
        &self,
        trials: &Trials<'_>,
        known: Option<&Known>,
        draw: &mut Draw,
    ) -> Result<(Known, Progress), LearnError>;

    /// What is tried (mm, mm, deg) where this is seen: the optimum, dithered, unless it knows better.
    fn explore(&self, known: &Known, seen: &[f64], sd: f64, draw: &mut Draw) -> [f64; 3] {
        dithered(known.fit.optimum(seen), sd, draw)
    }

    /// How far the placement measured is expected to be off, as a standard deviation an axis (mm, mm, deg),
    /// where this is seen: what a posterior of the reward's form leaves open, unless it knows better.
    fn spread(&self, known: &Known, seen: &[f64]) -> Option<[f64; 3]> {
        known.fit.spread_at(Form::Distance, seen)
    }
}

settings! {
    /// How widely a method without a grid explores: less and less, down to a floor. A change of the task
    /// does not widen it again.
    pub struct Exploration {
        /// Standard deviation of what is added to the optimum when exploring, mm and deg, at least.
        dither: f64 = 0.5, in 0.0..=10.0, tune log(0.1..=1.0);
        /// The same at the first trial, from where it falls.
        dither_first: f64 = 2.0, in 0.0..=30.0, tune log(0.1..=4.0);
        /// Trials in which it falls to half.
        dither_half_life: f64 = 150.0, in 1.0..=1e6, tune log(20.0..=300.0);
        /// Which scene instance comes next, of those that training comes back to.
        scenes: SceneChoice = SceneChoice::Given;
    }
}

choices! {
    /// What is tried, before it is dithered.
    pub enum Explore {
        /// what is best under one draw from the posterior
        Thompson,
        /// what is thought to be best
        Greedy,
    }
}

impl Explore {
    /// mm, mm, deg.
    pub fn best(self, fit: &RewardFit, seen: &[f64], draw: &mut Draw) -> [f64; 3] {
        match self {
            Self::Greedy => fit.optimum(seen),
            Self::Thompson => {
                let unit: Vec<f64> =
                    (0..3 * seen.len()).map(|_| StandardNormal.sample(draw)).collect();
                fit.drawn(seen, &unit)
            }
        }
    }
}

impl Exploration {
    /// After so many trials; mm and deg.
    pub fn sd(&self, trials: usize) -> f64 {
        let fallen = libm::exp2(-(trials as f64) / self.dither_half_life);
        (self.dither_first * fallen).max(self.dither)
    }
}

/// What has been learned.
#[derive(Clone, Debug)]
pub struct Known {
    /// The weights of the optimum, and the reward's shape.
    pub fit: RewardFit,
    /// Trials before this one are of a task that has changed since.
    pub since: usize,
    /// `fit.values` when it changed; empty if it never did.
    pub before: Vec<f64>,
}

/// All trials so far, and what was seen in them.
#[derive(Clone, Copy, Debug)]
pub struct Trials<'a> {
    pub history: &'a [Experience],
    /// 1 and the components of each trial's image.
    pub seen: &'a [Vec<f64>],
    /// How many of the last trials are new.
    pub fresh: usize,
    /// What copies of the first images tell of the weights ([`registrar`]); empty if it is not asked for.
    pub registered: &'a [f64],
    /// By how many trials one is older than the newest where it counts half as much; 0 is all alike.
    pub half_life: f64,
}

impl<'a> Trials<'a> {
    /// The same with trials that count less as they age.
    pub fn ageing(self, half_life: f64) -> Self {
        Self { half_life, ..self }
    }

    /// From this one on, as the reward's fit takes them. A trial without a placement counts nothing: its
    /// floor reward is no distance.
    pub fn samples(&self, since: usize) -> Vec<Sample<'a>> {
        let trials = self.history.iter().zip(self.seen).enumerate().skip(since);
        let sample = |(place, (trial, seen)): (usize, (&Experience, &'a Vec<f64>))| Sample {
            seen,
            action: trial.decision.correction.axes(),
            reward: trial.feedback.reward,
            weight: if trial.outcome == Outcome::Placed { self.count(place) } else { 0.0 },
        };
        trials.map(sample).collect()
    }

    /// How much the trial at this place counts by its age.
    fn count(&self, place: usize) -> f64 {
        let age = (self.history.len() - 1 - place) as f64;
        if self.half_life > 0.0 { libm::exp2(-age / self.half_life) } else { 1.0 }
    }

    /// From which trial on the task is as it is now, and what was known when it changed.
    pub fn since(
        &self,
        known: Option<&Known>,
        reward: (Form, f64),
        deviations: f64,
    ) -> (usize, Vec<f64>) {
        match known {
            None => (0, Vec::new()),
            Some(known) if self.surprise(known, reward, deviations) => {
                (self.history.len() - self.fresh, known.fit.values.clone())
            }
            Some(known) => (known.since, known.before.clone()),
        }
    }

    /// Whether the new trials went much worse than was known to be expected: the mean of what is
    /// missing of their rewards is beyond so many of its standard deviations.
    fn surprise(&self, known: &Known, (form, noise): (Form, f64), deviations: f64) -> bool {
        let first = self.history.len().saturating_sub(self.fresh);
        let mut fresh = self.samples(first);
        fresh.retain(|sample| sample.weight > 0.0);
        let off: f64 =
            fresh.iter().map(|s| s.reward - known.fit.expects(form, s.seen, s.action)).sum();
        let enough = known.since + ENOUGH <= first;
        enough && deviations > 0.0 && off < -deviations * noise * (fresh.len() as f64).sqrt()
    }
}

/// Trials after which what is expected can be relied on.
const ENOUGH: usize = 100;

/// What every linear learner has, around how it fits.
pub struct LinearLearner<F: Fit> {
    card: Card,
    exploration: Exploration,
    reach: Reach,
    linear: Linear,
    image: ImageSize,
    looks: Looks,
    /// Whether images are registered, and what that has told (3k).
    registers: bool,
    registered: Vec<f64>,
    rule: F,
    known: Option<Known>,
}

impl<F: Fit> LinearLearner<F> {
    pub fn new(card: Card, settings: F::Settings, grid: ActionGrid, image: ImageSize) -> Self {
        let (linear, exploration, registers) = F::linear(&settings);
        Self {
            card,
            exploration,
            reach: Reach::of(grid),
            linear,
            image,
            looks: Looks::new(linear),
            registers,
            registered: Vec::new(),
            rule: F::new(settings),
            known: None,
        }
    }

    fn look(&mut self, history: &[Experience]) {
        let began = !self.looks.seen.is_empty() || self.looks.is_given();
        self.looks.look(history);
        if self.registers && !began && !self.looks.seen.is_empty() {
            let first = &history[..self.linear.first_trials];
            let told = registrar(first, &self.looks, self.reach.half());
            self.registered = told.unwrap_or_default();
        }
    }

    fn decide(&self, view: &View<'_>, mode: Mode, draw: &mut Draw) -> Decision {
        let seen = self.looks.see(view.image);
        let axes = match (mode, &self.known, &seen) {
            (Mode::Explore, Some(known), Some(seen)) => {
                let sd = self.exploration.sd(self.looks.seen.len());
                self.rule.explore(known, seen, sd, draw)
            }
            (Mode::Explore, ..) => self.reach.uniform(draw),
            (Mode::Greedy, Some(known), Some(seen)) => known.fit.optimum(seen),
            (Mode::Greedy, ..) => [0.0; 3],
        };
        let spread = match (mode, &self.known, &seen) {
            (Mode::Greedy, Some(known), Some(seen)) => self.rule.spread(known, seen),
            _ => None,
        };
        Decision { spread, ..self.reach.decision(axes) }
    }
}

impl<F: Fit> Method for LinearLearner<F> {
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
        self.exploration.scenes.wish(history, turn, scenes)
    }

    fn learn(
        &mut self,
        history: &[Experience],
        fresh: usize,
        draw: &mut Draw,
    ) -> Result<Progress, LearnError> {
        self.look(history);
        if self.looks.seen.is_empty() {
            return Ok(Progress::default());
        }
        let (seen, registered) = (&self.looks.seen[..], &self.registered[..]);
        let trials = Trials { history, seen, fresh, registered, half_life: 0.0 };
        let (known, progress) = self.rule.fit(&trials, self.known.as_ref(), draw)?;
        self.known = Some(known);
        Ok(progress)
    }

    /// What is known. The rest follows from the history.
    fn save(&self) -> Result<Vec<u8>, LearnError> {
        saved::save(&self.card.name, &self.lists(&[self.since()]))
    }

    fn weights(&self) -> Result<Vec<u8>, LearnError> {
        let nothing = || LearnError::NoWeights {
            method: self.card.name.clone(),
            why: "it has not learned anything yet",
        };
        let components = self.looks.encoder().ok_or_else(nothing)?.lists();
        let known = self.known.as_ref().ok_or_else(nothing)?;
        let mut lists = self.lists(&[0.0]);
        lists.retain(|(name, _)| *name != "before");
        lists.push(("before", &known.fit.values));
        lists.push(("registered", &self.registered));
        lists.extend(components.iter().map(|(name, numbers)| (name.as_str(), &numbers[..])));
        saved::save(&self.card.name, &lists)
    }

    /// What the other one has learned is what is expected before the first trial, as after a change of the task.
    fn begin_from(&mut self, weights: &[u8]) -> Result<(), LearnError> {
        let name = &self.card.name;
        let [registered] = saved::load(name, weights, ["registered"])?;
        let find = |list: &str| saved::load(name, weights, [list]).map(|[numbers]| numbers);
        let size = (self.linear.components, self.image.pixels());
        let components = Components::of_lists(size, find)?;
        let foreign = || saved::unusable(name, "it is of other components, or of other images");
        let known = self.known_of(weights)?.ok_or_else(foreign)?;
        let told = if self.registers { 3 * self.looks.width() } else { 0 };
        let fits = registered.len() == told;
        if !fits {
            return Err(foreign());
        }
        self.looks = Looks::given(self.linear, components.ok_or_else(foreign)?);
        self.registered = registered;
        self.known = Some(Known { since: 0, ..known });
        Ok(())
    }

    fn load(&mut self, state: &[u8], history: &[Experience]) -> Result<(), LearnError> {
        self.known = self.known_of(state)?;
        self.looks = self.looks.anew();
        self.look(history);
        Ok(())
    }
}

impl<F: Fit> LinearLearner<F> {
    /// Trials before this one are of a task that has changed since.
    fn since(&self) -> f64 {
        self.known.as_ref().map_or(0.0, |known| known.since as f64)
    }

    fn lists<'a>(&'a self, since: &'a [f64]) -> Vec<(&'static str, &'a [f64])> {
        let known = self.known.as_ref();
        let fit = known.map(|known| &known.fit);
        vec![
            ("values", fit.map_or(&[][..], |fit| &fit.values)),
            ("spread", fit.map_or(&[][..], |fit| fit.spread.as_slice())),
            ("since", since),
            ("before", known.map_or(&[][..], |known| &known.before)),
        ]
    }

    /// `None` where nothing was known yet.
    fn known_of(&self, state: &[u8]) -> Result<Option<Known>, LearnError> {
        let name = &self.card.name;
        let names = ["values", "spread", "since", "before"];
        let [values, spread, since, before] = saved::load(name, state, names)?;
        let (all, side) = (3 * self.looks.width() + 4, spread.len().isqrt());
        let sized = |numbers: &[f64]| numbers.is_empty() || numbers.len() == all;
        let square = side * side == spread.len() && (side == 0 || side + 4 == all);
        if !(sized(&values) && sized(&before) && square && since.len() == 1) {
            return Err(saved::unusable(name, "it is of another number of components"));
        }
        Ok((!values.is_empty()).then(|| Known {
            fit: RewardFit {
                values,
                spread: DMatrix::from_vec(side, side, spread),
                cost: f64::NAN,
            },
            since: since[0] as usize,
            before,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples;

    fn trials<'a>(history: &'a [Experience], seen: &'a [Vec<f64>]) -> Trials<'a> {
        Trials { history, seen, fresh: 20, registered: &[], half_life: 0.0 }
    }

    #[test]
    fn a_trial_that_is_a_half_life_older_counts_half_as_much() {
        let history: Vec<_> = (0..41).map(|_| samples::trial(0, -0.14)).collect();
        let seen = vec![vec![1.0]; 41];
        let weights = |half_life| -> Vec<f64> {
            let samples = trials(&history, &seen).ageing(half_life).samples(10);
            [0, 10, 20, 30].map(|at: usize| samples[at].weight).to_vec()
        };
        assert_eq!(weights(10.0), [0.125, 0.25, 0.5, 1.0]);
        assert_eq!(weights(0.0), [1.0; 4]);
    }

    #[test]
    fn exploration_falls_to_half_in_its_half_life_and_to_its_floor() {
        let exploration = Exploration { dither_half_life: 100.0, ..Exploration::default() };
        assert_eq!([0, 100, 200, 900].map(|n| exploration.sd(n)), [2.0, 1.0, 0.5, 0.5]);
    }

    #[test]
    fn a_batch_that_goes_much_worse_than_expected_is_a_surprise_and_bad_luck_is_not() {
        let values = RewardFit::start(1, [0.0; 3], Form::Distance.shape());
        let fit = RewardFit { values, spread: DMatrix::zeros(0, 0), cost: 0.0 };
        let known = Known { fit, since: 0, before: Vec::new() };
        let seen = vec![vec![1.0]; 140];
        let surprised = |reward: f64, made: usize| {
            let history: Vec<_> = (0..made).map(|_| samples::trial(0, reward)).collect();
            let trials = trials(&history, &seen[..made]);
            trials.surprise(&known, (Form::Distance, 0.09), 6.0)
        };
        // At the optimum -0.14 is expected: w s for each of the two distances.
        assert!(surprised(-0.45, 140));
        assert!(!surprised(-0.22, 140), "within what noise does");
        assert!(!surprised(0.3, 140), "better than expected");
        assert!(!surprised(-0.45, 100), "too little is known yet");
    }

    #[test]
    fn a_trial_that_failed_is_no_surprise_and_no_sample() {
        let values = RewardFit::start(1, [0.0; 3], Form::Distance.shape());
        let fit = RewardFit { values, spread: DMatrix::zeros(0, 0), cost: 0.0 };
        let known = Known { fit, since: 0, before: Vec::new() };
        let mut history: Vec<_> = (0..140).map(|_| samples::trial(0, -0.14)).collect();
        let seen = vec![vec![1.0]; 140];
        // The floor of narrow, and the jam that earns it.
        (history[130].feedback.reward, history[130].outcome) = (-2.9, Outcome::Jammed);
        let trials = trials(&history, &seen);
        assert_eq!(trials.since(Some(&known), (Form::Distance, 0.09), 6.0).0, 0);
        let weights: Vec<f64> = trials.samples(129).iter().map(|s| s.weight).take(3).collect();
        assert_eq!(weights, [1.0, 0.0, 1.0]);
    }
}
