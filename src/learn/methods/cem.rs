use std::collections::BTreeMap;

use rand_distr::{Distribution, StandardNormal};

use crate::learn::groups::mean_and_deviation;
use crate::learn::{
    Card, Decision, Entry, Experience, LearnError, Method, Mode, Progress, Role, View,
};
use crate::settings;
use crate::task::{ActionGrid, ContextSignal, Correction, Draw};

const NAME: &str = "cem";

pub fn entry() -> Entry {
    Entry::of(NAME, card, |card, settings, grid, _| Ok(Box::new(Cem::new(card, settings, grid))))
}

settings! {
    pub struct CemSettings {
        /// Trials of a scene instance between two updates of its Gaussian.
        population: usize = 4, in 2..=10_000, tune log(3..=10);
        /// The best of them, to which the Gaussian is fitted.
        elite: usize = 2, in 1..=10_000, tune log(1..=4);
        /// How far the Gaussian goes to that fit: 1 is all the way.
        smoothing: f64 = 0.7, in 0.0..=1.0, tune linear(0.3..=1.0);
        /// Standard deviation before the first update, as a share of half the range.
        first_deviation: f64 = 0.5, in 1e-3..=10.0, tune log(0.2..=1.0);
        /// Least standard deviation, mm and deg.
        least_deviation: f64 = 0.3, in 0.0..=10.0, tune log(0.1..=1.0);
    }
}

fn card(_: &CemSettings) -> Card {
    let summary = "a Gaussian a scene instance, fitted to its best trials; held-out: no correction (after Rubinstein 1999)";
    let context = ContextSignal::SceneId;
    Card { role: Role::Reference, context, ..Card::learner(NAME, summary) }
}

/// The cross-entropy method (Rubinstein 1999; de Boer et al. 2005), for each scene instance alone: what can
/// be learned of it without looking at an image. It generalises to nothing: an instance that it was never
/// in is not corrected.
///
/// Corrections are drawn from `N(m, s^2)`, axis by axis; after each population m and s go towards mean
/// and standard deviation of its elite.
#[derive(Debug)]
struct Cem {
    card: Card,
    settings: CemSettings,
    /// Half of the range, mm, mm, deg.
    half: [f64; 3],
    scenes: BTreeMap<usize, Scene>,
    learned: usize,
}

#[derive(Clone, Debug)]
struct Scene {
    mean: [f64; 3],
    deviation: [f64; 3],
    /// Corrections and rewards since the last update.
    population: Vec<([f64; 3], f64)>,
}

impl Cem {
    fn new(card: Card, settings: CemSettings, grid: ActionGrid) -> Self {
        let half = grid.correction([grid.bins() - 1; 3]).axes();
        Self { card, settings, half, scenes: BTreeMap::new(), learned: 0 }
    }

    fn fresh(&self) -> Scene {
        let deviation = self.half.map(|half| self.settings.first_deviation * half);
        Scene { mean: [0.0; 3], deviation, population: Vec::new() }
    }

    fn observe(&mut self, trial: &Experience) -> Result<(), LearnError> {
        let instance =
            trial.instance.ok_or_else(|| LearnError::not_shown(NAME, "scene instance"))?;
        let fresh = self.fresh();
        let settings = self.settings;
        let scene = self.scenes.entry(instance).or_insert(fresh);
        scene.population.push((trial.decision.correction.axes(), trial.feedback.reward));
        if scene.population.len() >= settings.population {
            scene.update(&settings);
        }
        Ok(())
    }
}

impl Scene {
    fn update(&mut self, settings: &CemSettings) {
        let CemSettings { elite, smoothing, least_deviation, .. } = *settings;
        self.population.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        self.population.truncate(elite);
        for axis in 0..3 {
            let (mean, deviation) =
                mean_and_deviation(self.population.iter().map(|(action, _)| action[axis]));
            self.mean[axis] += smoothing * (mean - self.mean[axis]);
            let now = self.deviation[axis];
            self.deviation[axis] = (now + smoothing * (deviation - now)).max(least_deviation);
        }
        self.population.clear();
    }
}

impl Method for Cem {
    fn card(&self) -> &Card {
        &self.card
    }

    fn act(
        &self,
        views: &[View<'_>],
        mode: Mode,
        draws: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError> {
        let fresh = self.fresh();
        let decide = |(view, draw): (&View<'_>, &mut Draw)| {
            let known = view.instance.and_then(|instance| self.scenes.get(&instance));
            let Scene { mean, deviation, .. } = known.unwrap_or(&fresh);
            let axis = |axis: usize| {
                let unit: f64 = StandardNormal.sample(draw);
                let off = if mode == Mode::Explore { deviation[axis] * unit } else { 0.0 };
                (mean[axis] + off).clamp(-self.half[axis], self.half[axis])
            };
            let correction = Correction::from_axes([0, 1, 2].map(axis));
            Decision { correction, bins: None, log_prob: None }
        };
        Ok(views.iter().zip(draws).map(decide).collect())
    }

    fn learn(
        &mut self,
        history: &[Experience],
        _: usize,
        _: &mut Draw,
    ) -> Result<Progress, LearnError> {
        for trial in &history[self.learned.min(history.len())..] {
            self.observe(trial)?;
        }
        self.learned = history.len();
        Ok(Progress::default())
    }

    /// Nothing: all of it follows from the history.
    fn save(&self) -> Result<Vec<u8>, LearnError> {
        Ok(Vec::new())
    }

    fn load(&mut self, _: &[u8], history: &[Experience]) -> Result<(), LearnError> {
        (self.scenes, self.learned) = (BTreeMap::new(), 0);
        history.iter().try_for_each(|trial| self.observe(trial))?;
        self.learned = history.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples;
    use crate::task::{Pose2, Range};

    #[test]
    fn a_scenes_gaussian_goes_to_the_best_of_its_own_trials() {
        let settings =
            CemSettings { population: 3, elite: 2, smoothing: 1.0, ..Default::default() };
        let grid = ActionGrid::new(Range { mm: 3.0, deg: 3.0 }, 7);
        let mut cem = Cem::new(card(&settings), settings, grid);
        let tried = |scene, x, reward| {
            let mut trial = samples::trial(scene, reward);
            trial.decision.correction = Pose2::new(x, 0.0, 0.0);
            trial
        };
        for (scene, x, reward) in [(4, 1.0, -0.1), (7, 0.0, 0.0), (4, -3.0, -9.0), (4, 2.0, -0.2)] {
            cem.observe(&tried(scene, x, reward)).unwrap();
        }
        let Scene { mean, deviation, population } = &cem.scenes[&4];
        assert_eq!((*mean, *deviation), ([1.5, 0.0, 0.0], [0.5, 0.3, 0.3]));
        assert!(population.is_empty());
        assert_eq!(cem.scenes[&7].population.len(), 1, "no update yet");
    }
}
