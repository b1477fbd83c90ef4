use std::collections::BTreeMap;

use rand_distr::{Distribution, StandardNormal};

use crate::learn::free::Reach;
use crate::learn::groups::mean_and_deviation;
use crate::learn::scene_choice::SceneChoice;
use crate::learn::scenes::scenes;
use crate::learn::{
    Card, Decision, Entry, Experience, LearnError, Method, Mode, Progress, Role, View,
};
use crate::settings;
use crate::task::{ContextSignal, Draw};

const NAME: &str = "cem";

pub fn entry() -> Entry {
    Entry::of(NAME, card, |card, settings, grid, _, _| {
        let reach = Reach::of(grid);
        Ok(Box::new(Cem { card, settings, reach, scenes: BTreeMap::new() }))
    })
}

settings! {
    pub struct CemSettings {
        /// Trials of a scene instance between two updates of its Gaussian.
        population: usize = 4, in 2..=10_000, tune log(3..=10);
        /// The best of them, to which the Gaussian is fitted.
        elite: usize = 2, in 1..=10_000, tune log(1..=4);
        /// How far the Gaussian goes to that fit: 1 is all the way.
        smoothing: f64 = 0.7, in 1e-3..=1.0, tune linear(0.3..=1.0);
        /// Standard deviation before the first update, as a share of half the range.
        first_deviation: f64 = 0.5, in 1e-3..=10.0, tune log(0.2..=1.0);
        /// Least standard deviation, mm and deg.
        least_deviation: f64 = 0.3, in 0.0..=10.0, tune log(0.1..=1.0);
        /// Which scene instance comes next, of those that training comes back to.
        scenes: SceneChoice = SceneChoice::Given;
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
    reach: Reach,
    scenes: BTreeMap<usize, Gaussian>,
}

/// Mean and standard deviation of each axis, mm, mm, deg.
type Gaussian = [[f64; 2]; 3];

impl Cem {
    fn first(&self) -> Gaussian {
        self.reach.half().map(|half| [0.0, self.settings.first_deviation * half])
    }

    /// All that it knows follows from the history.
    fn fit(&mut self, history: &[Experience]) -> Result<(), LearnError> {
        let all = scenes(history, 0);
        let all = all.ok_or_else(|| LearnError::not_shown(NAME, "scene instance"))?;
        let of = |(scene, own): (usize, Vec<usize>)| {
            let populations = own.chunks_exact(self.settings.population);
            (scene, populations.fold(self.first(), |at, own| self.updated(at, own, history)))
        };
        self.scenes = all.into_iter().map(of).collect();
        Ok(())
    }

    /// The Gaussian after one population, whose trials lie at these places.
    fn updated(&self, at: Gaussian, population: &[usize], history: &[Experience]) -> Gaussian {
        let CemSettings { elite, smoothing, least_deviation, .. } = self.settings;
        let mut tried: Vec<&Experience> = population.iter().map(|place| &history[*place]).collect();
        tried.sort_by(|a, b| b.feedback.reward.total_cmp(&a.feedback.reward));
        let elite = || tried.iter().take(elite).map(|trial| trial.decision.correction.axes());
        std::array::from_fn(|axis| {
            let (mean, deviation) = mean_and_deviation(elite().map(|action| action[axis]));
            let [was, was_wide] = at[axis];
            let wide = was_wide + smoothing * (deviation - was_wide);
            [was + smoothing * (mean - was), wide.max(least_deviation)]
        })
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
        let first = self.first();
        let decide = |(view, draw): (&View<'_>, &mut Draw)| {
            let known = view.instance.and_then(|instance| self.scenes.get(&instance));
            let axis = |[mean, deviation]: [f64; 2]| {
                let unit: f64 = StandardNormal.sample(draw);
                mean + if mode == Mode::Explore { deviation * unit } else { 0.0 }
            };
            self.reach.decision(known.unwrap_or(&first).map(axis))
        };
        Ok(views.iter().zip(draws).map(decide).collect())
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
        self.fit(history).map(|()| Progress::default())
    }

    /// Nothing: all of it follows from the history.
    fn save(&self) -> Result<Vec<u8>, LearnError> {
        Ok(Vec::new())
    }

    fn load(&mut self, _: &[u8], history: &[Experience]) -> Result<(), LearnError> {
        self.fit(history)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples;
    use crate::task::{ActionGrid, Pose2, Range};

    #[test]
    fn a_scenes_gaussian_goes_to_the_best_of_its_own_trials() {
        let settings =
            CemSettings { population: 3, elite: 2, smoothing: 1.0, ..Default::default() };
        let reach = Reach::of(ActionGrid::new(Range { mm: 3.0, deg: 3.0 }, 7));
        let mut cem = Cem { card: card(&settings), settings, reach, scenes: BTreeMap::new() };
        let tried = |(scene, x, reward)| {
            let mut trial = samples::trial(scene, reward);
            trial.decision.correction = Pose2::new(x, 0.0, 0.0);
            trial
        };
        let history = [(4, 1.0, -0.1), (7, 0.0, 0.0), (4, -3.0, -9.0), (4, 2.0, -0.2)].map(tried);
        cem.fit(&history).unwrap();
        assert_eq!(cem.scenes[&4], [[1.5, 0.5], [0.0, 0.3], [0.0, 0.3]]);
        assert_eq!(cem.scenes[&7], cem.first(), "no update yet");
    }
}
