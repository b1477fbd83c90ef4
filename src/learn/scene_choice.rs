use std::collections::BTreeMap;

use super::groups::Groups;
use super::{Card, Experience};
use crate::choices;
use crate::task::ContextSignal;

choices! {
    /// Which scene instance of the training set comes next.
    pub enum SceneChoice {
        /// each in its turn
        Given,
        /// in every other trial of a batch one of those that went worst of late, each once
        Worst,
    }
}

/// Latest trials of a scene instance by which it is judged.
const LATEST: usize = 3;

impl SceneChoice {
    /// The card of a method that may choose so: it is shown which instance is which.
    pub fn on(self, card: Card) -> Card {
        match self {
            Self::Given => card,
            Self::Worst => Card { context: card.context.max(ContextSignal::SceneId), ..card },
        }
    }

    /// For the trial so many after the last of this history, which has been learned from: one of so many
    /// instances, or `None` for the one whose turn it is.
    pub fn wish(self, history: &[Experience], turn: usize, scenes: usize) -> Option<usize> {
        if self == Self::Given || history.is_empty() {
            return None;
        }
        if (history.len() + turn).is_multiple_of(2) {
            return None;
        }
        let mut groups = Groups::default();
        groups.grow(history);
        let latest: BTreeMap<_, _> = history.iter().map(|t| (t.instance, t)).collect();
        // An instance that has not been tried is worse than any.
        let mean = |scene: usize| {
            let places = latest.get(&Some(scene)).map_or(&[][..], |t| groups.last(t, LATEST));
            let sum: f64 = places.iter().map(|place| history[*place].feedback.reward).sum();
            if places.is_empty() { f64::NEG_INFINITY } else { sum / places.len() as f64 }
        };
        let mut worst_first: Vec<(f64, usize)> = (0..scenes).map(|s| (mean(s), s)).collect();
        worst_first.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        worst_first.get(turn / 2 % scenes.max(1)).map(|(_, scene)| *scene)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples::trial;

    #[test]
    fn every_other_trial_is_in_a_scene_that_went_worst_of_late_and_the_rest_in_their_turn() {
        // Scene 0 was bad and is good now, 1 got worse, 2 was never tried, 3 is fair.
        let rewards = [(0, -9.0), (1, -0.1), (3, -1.0), (0, -0.1), (0, -0.1), (0, -0.1), (1, -5.0)];
        let history: Vec<_> = rewards.map(|(scene, reward)| trial(scene, reward)).into();
        let wishes = |choice: SceneChoice| -> Vec<Option<usize>> {
            (0..10).map(|turn| choice.wish(&history, turn, 4)).collect()
        };
        let worst = [2, 1, 3, 0, 2].into_iter().flat_map(|scene| [Some(scene), None]);
        assert_eq!(wishes(SceneChoice::Worst), worst.collect::<Vec<_>>());
        assert_eq!(wishes(SceneChoice::Given), [None; 10]);
        assert_eq!(SceneChoice::Worst.wish(&[], 1, 4), None, "nothing is known yet");
        let one_by_one = |made: usize| SceneChoice::Worst.wish(&history[..made], 0, 4);
        assert_eq!([5, 6, 7].map(one_by_one), [Some(2), None, Some(2)], "in batches of one too");
    }

    #[test]
    fn who_chooses_scenes_is_shown_them_and_says_so() {
        let context = |choice: SceneChoice| choice.on(Card::learner("a", "b")).context;
        assert_eq!(context(SceneChoice::Given), ContextSignal::None);
        assert_eq!(context(SceneChoice::Worst), ContextSignal::SceneId);
        let pose = Card { context: ContextSignal::Pose, ..Card::learner("a", "b") };
        assert_eq!(SceneChoice::Worst.on(pose).context, ContextSignal::Pose);
    }
}
