use std::collections::BTreeMap;

use super::Experience;

/// The trials of each scene instance: what a trial is compared with. Where no instance is told, all are
/// one group.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    /// Places in the history, in order.
    members: BTreeMap<Option<usize>, Vec<usize>>,
    seen: usize,
}

impl Groups {
    /// Takes in the trials that are new.
    pub fn grow(&mut self, history: &[Experience]) {
        for (place, trial) in history.iter().enumerate().skip(self.seen) {
            self.members.entry(trial.instance).or_default().push(place);
        }
        self.seen = history.len();
    }

    /// Places of all trials in this one's group, itself included.
    pub fn of(&self, trial: &Experience) -> &[usize] {
        self.members.get(&trial.instance).map_or(&[], Vec::as_slice)
    }

    /// The last `most` places of this one's group.
    pub fn last(&self, trial: &Experience, most: usize) -> &[usize] {
        let all = self.of(trial);
        &all[all.len().saturating_sub(most)..]
    }

    /// How far each of these trials' rewards is above the mean of the last `most` of its group.
    pub fn advantages(&self, history: &[Experience], places: &[usize], most: usize) -> Vec<f64> {
        let reward = |place: &usize| history[*place].feedback.reward;
        let above = |place: &usize| {
            let peers = self.last(&history[*place], most);
            reward(place) - mean_and_deviation(peers.iter().map(reward)).0
        };
        places.iter().map(above).collect()
    }
}

/// Mean and standard deviation (of the numbers themselves, not an estimate of another's).
pub fn mean_and_deviation(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = values.clone().count().max(1) as f64;
    let mean = values.clone().sum::<f64>() / n;
    let variance = values.map(|value| (value - mean) * (value - mean)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples::trial;

    #[test]
    fn a_trial_is_compared_with_the_last_ones_of_its_scene_alone() {
        let history: Vec<_> = [(0, -9.0), (1, -1.0), (0, -4.0), (1, -3.0), (0, -2.0)]
            .map(|(s, r)| trial(s, r))
            .into();
        let mut groups = Groups::default();
        groups.grow(&history[..2]);
        groups.grow(&history);
        assert_eq!(groups.of(&history[0]), [0, 2, 4]);
        assert_eq!(groups.last(&history[0], 2), [2, 4]);
        assert_eq!(groups.advantages(&history, &[4, 3, 0], 2), [1.0, -1.0, -6.0]);
    }

    #[test]
    fn the_deviation_of_equal_numbers_is_nothing_and_of_none_too() {
        assert_eq!(mean_and_deviation([2.0, 2.0].into_iter()), (2.0, 0.0));
        assert_eq!(mean_and_deviation([1.0, 3.0].into_iter()), (2.0, 1.0));
        assert_eq!(mean_and_deviation(std::iter::empty()), (0.0, 0.0));
    }
}
