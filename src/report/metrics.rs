use std::collections::BTreeMap;
use std::sync::RwLock;

use super::stats::{Count, Interval};
use crate::task::{Outcome, Pose2};

/// One trial of a greedy policy, as it is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Error of the placement: the truth in simulation, the measurement on hardware, the cap for a
    /// trial without a placement.
    pub error: Pose2,
    pub outcome: Outcome,
    /// Placed within the task's tolerance, and seated.
    pub success: bool,
    /// Placed, and it rests where it should.
    pub seated: bool,
    /// Robot time of the trial, seconds.
    pub robot_seconds: f64,
    /// The largest force between furniture and plate, N.
    pub peak_force_n: f64,
}

/// A figure of an evaluation: how a trial counts, how runs are summarised, and where it is shown.
/// Tables, curves, files, the console and the viewer go through the list of [`metrics`].
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name in files, with its unit: `translation_mm`.
    pub key: &'static str,
    /// In words: "translation error".
    pub title: &'static str,
    /// What a narrow column says: "mm".
    pub short: &'static str,
    /// Of its values: "mm"; of a share "%".
    pub unit: &'static str,
    pub better: Better,
    pub kind: Kind,
    /// Of one trial; of a share, above 0 where the trial counts.
    pub of: fn(&Judged) -> f64,
    /// Decimals of a table.
    pub decimals: usize,
    /// What one unit costs in the reward; 0 for what the reward does not know.
    pub cost: f64,
    pub shown: Shown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Lower,
    Higher,
}

impl Better {
    /// A gain, from by how much a value is higher.
    pub(super) fn of(self, higher: Interval) -> Interval {
        match self {
            Self::Higher => higher,
            Self::Lower => higher.negated(),
        }
    }

    /// What a gain is called, and a loss.
    pub fn words(self) -> [&'static str; 2] {
        match self {
            Self::Lower => ["lower", "higher"],
            Self::Higher => ["higher", "lower"],
        }
    }
}

/// From the trials of an evaluation to one value a run, and from there to all runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The mean over the trials; over runs, the interquartile mean.
    Mean,
    /// Trials that count, of all; over runs, the pooled rate. `rate` names its column in
    /// `curves.csv`, `count` its key in `eval --json`.
    Share { rate: &'static str, count: &'static str },
}

/// Where a metric is shown; each place has what the later ones have too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// `rmrl eval` only.
    Eval,
    /// Tables, the console, `summary.json` and `curves.csv` too.
    Tables,
    /// A learning curve, a profile, a line of progress, a column of `rmrl tune`, the viewer's
    /// curve.
    Curves,
}

/// The built-in ones.
const BUILT_IN: [Metric; 4] = [
    Metric {
        key: "translation_mm",
        title: "translation error",
        short: "mm",
        unit: "mm",
        better: Better::Lower,
        kind: Kind::Mean,
        of: |trial| trial.error.translation_mm(),
        decimals: 2,
        cost: 1.0 / 5.0,
        shown: Shown::Curves,
    },
    Metric {
        key: "yaw_deg",
        title: "yaw error",
        short: "deg",
        unit: "deg",
        better: Better::Lower,
        kind: Kind::Mean,
        of: |trial| trial.error.yaw_deg.abs(),
        decimals: 2,
        cost: 1.0 / 5.0,
        shown: Shown::Curves,
    },
    Metric {
        key: "success",
        title: "success",
        short: "success",
        unit: "%",
        better: Better::Higher,
        kind: Kind::Share { rate: "success_rate", count: "successes" },
        of: |trial| f64::from(u8::from(trial.success)),
        decimals: 0,
        cost: 0.0,
        shown: Shown::Tables,
    },
    Metric {
        key: "seated",
        title: "seated",
        short: "seated",
        unit: "%",
        better: Better::Higher,
        kind: Kind::Share { rate: "seated_rate", count: "seated" },
        of: |trial| f64::from(u8::from(trial.seated)),
        decimals: 0,
        cost: 0.0,
        shown: Shown::Eval,
    },
];

/// Errors below which a policy counts as precise, in-scene: `trials_to_1mm_1deg`.
pub(super) const PRECISE: [(&str, f64); 2] = [("translation_mm", 1.0), ("yaw_deg", 1.0)];

static ADDED: RwLock<Vec<Metric>> = RwLock::new(Vec::new());

/// Adds a metric of another crate behind the built-in ones; one that was added under the same key is
/// replaced. To be called before the command line is read.
pub fn add_metric(metric: Metric) {
    let mut added = ADDED.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    added.retain(|known| known.key != metric.key);
    added.push(metric);
}

/// Every metric there is, in the order of every table.
pub fn metrics() -> Vec<Metric> {
    let added = ADDED.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    BUILT_IN.iter().chain(added.iter()).copied().collect()
}

/// Those that are shown there.
pub fn shown_in(place: Shown) -> Vec<Metric> {
    metrics().into_iter().filter(|metric| metric.shown >= place).collect()
}

/// Errors that are drawn as curves.
pub fn curves() -> Vec<Metric> {
    shown_in(Shown::Curves).into_iter().filter(Metric::is_mean).collect()
}

/// Two metrics are the same if their keys are.
impl PartialEq for Metric {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Metric {
    /// With its unit, for an axis: "translation error (mm)".
    pub fn axis(&self) -> String {
        format!("{} ({})", self.title, self.unit)
    }

    /// What `of` names, in figures of `translation_mm`: `translation_pct`.
    pub(super) fn renamed(&self, unit: &str) -> String {
        let own = format!("_{}", self.unit.to_lowercase());
        format!("{}_{unit}", self.key.strip_suffix(&own).unwrap_or(self.key))
    }

    pub(super) fn is_mean(&self) -> bool {
        self.kind == Kind::Mean
    }
}

/// The values of one evaluation, by metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// Trials that were judged.
    pub of: u64,
    /// Mean over the trials, or how many of them count.
    values: BTreeMap<&'static str, f64>,
}

impl Scores {
    /// Of what was judged; without a trial a mean is 0.
    pub fn judge(trials: &[Judged]) -> Self {
        let of = trials.len().max(1) as f64;
        let value = |metric: Metric| match metric.kind {
            Kind::Mean => trials.iter().map(metric.of).sum::<f64>() / of,
            Kind::Share { .. } => {
                trials.iter().filter(|trial| (metric.of)(trial) > 0.0).count() as f64
            }
        };
        let values = metrics().into_iter().map(|metric| (metric.key, value(metric))).collect();
        Self { of: trials.len() as u64, values }
    }

    /// As they were stored, by the keys of metrics: a mean, or how many trials count.
    pub fn new(of: u64, values: impl IntoIterator<Item = (&'static str, f64)>) -> Self {
        Self { of, values: values.into_iter().collect() }
    }

    /// In the metric's unit: the mean, or the share in per cent. Not a number where it was never
    /// judged.
    pub fn value(&self, metric: &Metric) -> f64 {
        match metric.kind {
            Kind::Mean => self.mean(metric.key),
            Kind::Share { .. } => 100.0 * self.rate(metric),
        }
    }

    /// Trials that count, and all.
    pub fn count(&self, metric: &Metric) -> Count {
        (self.mean(metric.key) as u64, self.of)
    }

    /// Of a share, from 0 to 1. Not a number without trials.
    pub fn rate(&self, metric: &Metric) -> f64 {
        let (count, of) = self.count(metric);
        count as f64 / of as f64
    }

    /// What the reward would lose by these values.
    pub fn cost(&self) -> f64 {
        let costs = metrics().into_iter().filter(|metric| metric.cost != 0.0);
        costs.map(|metric| metric.cost * self.value(&metric)).sum()
    }

    pub(super) fn mean(&self, key: &str) -> f64 {
        self.values.get(key).copied().unwrap_or(f64::NAN)
    }

    #[cfg(test)]
    pub(super) fn set(&mut self, key: &'static str, value: f64) {
        self.values.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Range, Reward, TaskSpec};

    fn judged(x_mm: f64, yaw_deg: f64, success: bool) -> Judged {
        Judged {
            error: Pose2::new(x_mm, 0.0, yaw_deg),
            outcome: Outcome::Placed,
            success,
            seated: true,
            robot_seconds: 30.0,
            peak_force_n: 6.0,
        }
    }

    fn metric(key: &str) -> Metric {
        metrics().into_iter().find(|metric| metric.key == key).unwrap()
    }

    #[test]
    fn an_error_is_a_mean_and_a_success_a_share_of_the_trials() {
        let scores = Scores::judge(&[judged(1.0, -2.0, true), judged(3.0, 0.5, false)]);
        assert_eq!(scores.value(&metric("translation_mm")), 2.0);
        assert_eq!(scores.value(&metric("yaw_deg")), 1.25);
        assert_eq!(scores.count(&metric("success")), (1, 2));
        assert_eq!(scores.value(&metric("success")), 50.0);
        assert_eq!(scores.count(&metric("seated")), (2, 2));
    }

    #[test]
    fn the_costs_are_the_rewards_own_weights() {
        let trial = judged(1.3, -2.1, false);
        let reward = Reward::new(&TaskSpec::exact(Range { mm: 3.0, deg: 3.0 })).of(trial.error);
        assert!((Scores::judge(&[trial]).cost() + reward).abs() < 1e-12);
    }

    #[test]
    fn keys_are_unique_and_carry_their_unit() {
        let mut keys: Vec<&str> = metrics().iter().map(|metric| metric.key).collect();
        keys.sort_unstable();
        assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "{keys:?}");
        assert_eq!(metric("translation_mm").renamed("pct"), "translation_pct");
        assert_eq!(metric("success").renamed("points"), "success_points");
    }
}
