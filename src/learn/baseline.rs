use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Experience;
use crate::task::ContextSignal;

/// What reward is to be expected, so that an advantage says how much better a trial went.
/// A running mean that turns into an exponential one.
#[derive(Clone, Debug)]
pub struct Baseline {
    kind: BaselineKind,
    rate: f64,
    overall: Mean,
    scenes: BTreeMap<usize, Mean>,
    seen: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaselineKind {
    None,
    /// One for all trials.
    Mean,
    /// One for each scene instance; that of all trials until an instance comes back.
    Scene,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Mean {
    value: f64,
    count: u64,
}

impl BaselineKind {
    /// What a method must be shown for it.
    pub fn context(self) -> ContextSignal {
        match self {
            Self::Scene => ContextSignal::SceneId,
            Self::None | Self::Mean => ContextSignal::None,
        }
    }
}

impl Baseline {
    /// `rate` is the weight of a new reward once a mean has settled.
    pub fn new(kind: BaselineKind, rate: f64) -> Self {
        Self { kind, rate, overall: Mean::default(), scenes: BTreeMap::new(), seen: 0 }
    }

    /// The baseline after this history.
    pub fn rebuild(kind: BaselineKind, rate: f64, history: &[Experience]) -> Self {
        let mut baseline = Self::new(kind, rate);
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
        let overall = self.overall;
        self.overall.observe(reward, self.rate);
        let expected = match (self.kind, trial.instance) {
            (BaselineKind::None, _) => 0.0,
            (BaselineKind::Scene, Some(instance)) => {
                let scene = self.scenes.entry(instance).or_default();
                let before = if scene.count == 0 { overall } else { *scene };
                scene.observe(reward, self.rate);
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
    use crate::learn::identity::trial;

    #[test]
    fn a_trial_is_compared_with_earlier_ones_of_its_scene() {
        let history = [trial(0, -4.0), trial(1, -1.0), trial(0, -3.0), trial(1, -2.0)];
        let mut baseline = Baseline::new(BaselineKind::Scene, 0.0);
        assert_eq!(baseline.advantages(&history[..2], 2), [0.0, 3.0]);
        assert_eq!(baseline.advantages(&history, 2), [1.0, -1.0]);
    }

    #[test]
    fn batches_or_all_at_once_make_no_difference() {
        let history: Vec<_> = (0..40).map(|i| trial(i % 3, -((i * 7 % 11) as f64))).collect();
        let mut grown = Baseline::new(BaselineKind::Scene, 0.1);
        for end in [7, 20, 40] {
            grown.advantages(&history[..end], 0);
        }
        let rebuilt = Baseline::rebuild(BaselineKind::Scene, 0.1, &history);
        assert_eq!((grown.overall, grown.scenes), (rebuilt.overall, rebuilt.scenes));
    }

    #[test]
    fn standardised_advantages_have_mean_zero() {
        let mut advantages = [1.0, 2.0, 6.0];
        standardise(&mut advantages);
        assert!(advantages.iter().sum::<f32>().abs() < 1e-6);
    }
}
