use std::collections::BTreeMap;

use super::{Advantages, BaselineKind, Experience};

/// What reward is to be expected, so that an advantage says how much better a trial went.
/// A running mean that turns into an exponential one.
#[derive(Clone, Debug)]
pub struct Baseline {
    settings: Advantages,
    overall: Mean,
    scenes: BTreeMap<usize, Mean>,
    seen: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Mean {
    value: f64,
    count: u64,
}

impl Baseline {
    pub fn new(settings: Advantages) -> Self {
        Self { settings, overall: Mean::default(), scenes: BTreeMap::new(), seen: 0 }
    }

    /// The baseline after this history.
    pub fn rebuilt(settings: Advantages, history: &[Experience]) -> Self {
        let mut baseline = Self::new(settings);
        baseline.advantages(history, history.len());
        baseline
    }

    /// Reward minus what was expected before the trial, for the last `fresh` trials.
    pub fn advantages(&mut self, history: &[Experience], fresh: usize) -> Vec<f32> {
        let unseen = &history[self.seen.min(history.len())..];
        let advantages: Vec<f32> = unseen.iter().map(|trial| self.observe(trial)).collect();
        self.seen = history.len();
        advantages[advantages.len().saturating_sub(fresh)..].to_vec()
    }

    fn observe(&mut self, trial: &Experience) -> f32 {
        let reward = trial.feedback.reward;
        let Advantages { baseline, baseline_rate: rate } = self.settings;
        let overall = self.overall;
        self.overall.observe(reward, rate);
        let expected = match (baseline, trial.instance) {
            (BaselineKind::None, _) => 0.0,
            (BaselineKind::Scene, Some(instance)) => {
                let scene = self.scenes.entry(instance).or_default();
                let before = if scene.count == 0 { overall } else { *scene };
                scene.observe(reward, rate);
                before.expected(reward)
            }
            (BaselineKind::Mean | BaselineKind::Scene, _) => overall.expected(reward),
        };
        (reward - expected) as f32
    }
}

impl Mean {
    fn observe(&mut self, reward: f64, rate: f64) {
        self.count += 1;
        self.value += (reward - self.value) * rate.max(1.0 / self.count as f64);
    }

    /// The very first trial is as good as itself: its advantage is 0.
    fn expected(self, reward: f64) -> f64 {
        if self.count == 0 { reward } else { self.value }
    }
}

/// Mean 0 and standard deviation 1 over the batch, as PPO implementations do.
pub fn standardise(advantages: &mut [f32]) {
    let n = advantages.len().max(1) as f32;
    let mean = advantages.iter().sum::<f32>() / n;
    let variance = advantages.iter().map(|a| (a - mean).powi(2)).sum::<f32>() / n;
    let scale = 1.0 / (variance.sqrt() + 1e-8);
    advantages.iter_mut().for_each(|a| *a = (*a - mean) * scale);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples::trial;

    fn scene(baseline_rate: f64) -> Advantages {
        Advantages { baseline: BaselineKind::Scene, baseline_rate }
    }

    #[test]
    fn a_trial_is_compared_with_earlier_ones_of_its_scene() {
        let history = [trial(0, -4.0), trial(1, -1.0), trial(0, -3.0), trial(1, -2.0)];
        let mut baseline = Baseline::new(scene(0.0));
        assert_eq!(baseline.advantages(&history[..2], 2), [0.0, 3.0]);
        assert_eq!(baseline.advantages(&history, 2), [1.0, -1.0]);
    }

    #[test]
    fn batches_or_all_at_once_make_no_difference() {
        let history: Vec<_> = (0..40).map(|i| trial(i % 3, -((i * 7 % 11) as f64))).collect();
        let mut grown = Baseline::new(scene(0.1));
        for end in [7, 20, 40] {
            grown.advantages(&history[..end], 0);
        }
        let rebuilt = Baseline::rebuilt(scene(0.1), &history);
        assert_eq!((grown.overall, grown.scenes), (rebuilt.overall, rebuilt.scenes));
    }

    #[test]
    fn standardised_advantages_have_mean_zero() {
        let mut advantages = [1.0, 2.0, 6.0];
        standardise(&mut advantages);
        assert!(advantages.iter().sum::<f32>().abs() < 1e-6);
    }
}
