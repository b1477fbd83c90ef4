//! How good labels are, by the truth that no method sees: their error, how much of a role model's lead is
//! luck, how often they change.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};

use crate::learn::Label;
use crate::report::LabelCount;
use crate::store::TrialRow;
use crate::task::{Draw, Outcome, Placement, Pose2, Reward, TaskSpec};

/// Draws of the noise by which an expected reward is computed, the same for every trial.
const DRAWS: usize = 200;
/// A label that moved by less, mm or deg, has not changed.
const MOVED: f64 = 0.05;

/// The labels of a simulated run, by visits. `rows` are its prior trials, then those of training; labels
/// name their places there, oldest first.
pub(super) fn label_counts(
    task: &TaskSpec,
    reward: &Reward,
    rows: &[TrialRow],
    labels: &[(u64, Label)],
) -> Vec<LabelCount> {
    if labels.is_empty() {
        return Vec::new();
    }
    let scenes = Scenes::of(task, reward, rows);
    let mut counts: BTreeMap<u64, LabelCount> = BTreeMap::new();
    // What each trial was taught last.
    let mut labelled: BTreeMap<u64, Pose2> = BTreeMap::new();
    for round in labels.chunk_by(|a, b| a.0 == b.0) {
        let made = round[0].0;
        let of = |trial: u64| scenes.visits(trial, made);
        for trial in labelled.keys() {
            counts.entry(of(*trial)).or_default().stood += 1;
        }
        for (_, label) in round {
            let count = counts.entry(of(label.trial)).or_default();
            let before = labelled.get(&label.trial);
            let moved = |before: &Pose2| has_moved(*before, label.correction);
            count.changed += u64::from(before.is_some_and(moved));
            let Some(row) = rows.get(label.trial as usize) else { continue };
            let [x, y, yaw] = off(row.intent.offset, label.correction).axes();
            count.given += 1;
            count.mm += x.hypot(y);
            count.deg += yaw.abs();
            if let Some((lead, earned)) = scenes.lead(label.role_model, made) {
                count.lead += lead;
                count.earned += earned;
            }
        }
        labelled.extend(round.iter().map(|(_, label)| (label.trial, label.correction)));
    }
    let visits = |(visits, count)| LabelCount { visits, ..count };
    counts.into_iter().map(visits).collect()
}

/// Whether a label is another one.
pub(super) fn has_moved(before: Pose2, now: Pose2) -> bool {
    off(before, now).axes().iter().any(|axis| axis.abs() > MOVED)
}

/// What a correction leaves of an offset.
pub(super) fn off(offset: Pose2, correction: Pose2) -> Pose2 {
    let [a, b] = [offset.axes(), correction.axes()];
    Pose2::from_axes(std::array::from_fn(|axis| a[axis] - b[axis]))
}

/// The trials of each scene instance by their places.
pub(super) struct Scenes {
    places: BTreeMap<usize, Vec<u64>>,
    /// Of each trial: its instance, its reward, and what its correction earns on average.
    trials: Vec<(usize, f64, f64)>,
}

impl Scenes {
    pub fn of(task: &TaskSpec, reward: &Reward, rows: &[TrialRow]) -> Self {
        let mut draw = Draw::seed_from_u64(0x6c61_6265);
        let sd =
            [(task.actuation.mm, task.measurement.mm), (task.actuation.deg, task.measurement.deg)]
                .map(|(a, b): (f64, f64)| a.hypot(b));
        let mut noise = |sd: f64| -> f64 {
            let unit: f64 = StandardNormal.sample(&mut draw);
            sd * unit
        };
        let noises: Vec<Pose2> =
            (0..DRAWS).map(|_| Pose2::new(noise(sd[0]), noise(sd[0]), noise(sd[1]))).collect();
        let mut places: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        let trial = |(place, row): (usize, &TrialRow)| {
            let instance = row.intent.instance;
            places.entry(instance).or_default().push(place as u64);
            let Some(result) = &row.result else { return (instance, f64::NAN, f64::NAN) };
            if result.outcome != Outcome::Placed {
                return (instance, result.reward, result.reward);
            }
            let left = off(row.intent.offset, row.intent.decision.correction);
            let of_noise = |noise: &Pose2| {
                let [a, b] = [left.axes(), noise.axes()];
                let pose = Pose2::from_axes(std::array::from_fn(|axis| a[axis] + b[axis]));
                let placement = Placement { pose, z_mm: 0.0, tilt_deg: 0.0 };
                reward.of_attempt(Outcome::Placed, Some(&placement))
            };
            let expected = noises.iter().map(of_noise).sum::<f64>() / DRAWS as f64;
            (instance, result.reward, expected)
        };
        let trials = rows.iter().enumerate().map(trial).collect();
        Self { places, trials }
    }

    /// Places of the trials of a trial's scene that had been made.
    fn peers(&self, trial: u64, made: u64) -> &[u64] {
        let own = self.trials.get(trial as usize).and_then(|own| self.places.get(&own.0));
        own.map_or(&[], |places| &places[..places.partition_point(|place| *place < made)])
    }

    fn visits(&self, trial: u64, made: u64) -> u64 {
        self.peers(trial, made).len() as u64
    }

    /// By how much a trial's reward is above the mean of the others of its scene, and by how much it is
    /// expected to be. `None` for one that leads nobody.
    pub fn lead(&self, model: u64, made: u64) -> Option<(f64, f64)> {
        let others = self.peers(model, made).iter().filter(|place| **place != model);
        let others: Vec<&(usize, f64, f64)> =
            others.map(|place| &self.trials[*place as usize]).filter(|t| !t.1.is_nan()).collect();
        let (_, seen, expected) = *self.trials.get(model as usize)?;
        let n = others.len() as f64;
        let mean =
            |of: fn(&(usize, f64, f64)) -> f64| others.iter().map(|t| of(t)).sum::<f64>() / n;
        let lead = seen - mean(|t| t.1);
        (lead > 0.0).then(|| (lead, expected - mean(|t| t.2)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::{Harm, RobotTime};
    use crate::learn::Decision;
    use crate::store::{Intent, Stored};
    use crate::task::{Noise, Phase, Range, TrialKey};

    const RANGE: Range = Range { mm: 3.0, deg: 3.0 };

    /// A trial whose correction leaves so much of x, and what it was measured to leave.
    fn row(place: u64, instance: usize, left_mm: f64, measured_mm: f64) -> TrialRow {
        let placement =
            Placement { pose: Pose2::new(measured_mm, 0.0, 0.0), z_mm: 0.0, tilt_deg: 0.0 };
        let correction = Pose2::new(1.0 - left_mm, 0.0, 0.0);
        TrialRow {
            intent: Intent {
                key: TrialKey { phase: Phase::Train, index: place },
                checkpoint: 0,
                instance,
                offset: Pose2::new(1.0, 0.0, 0.0),
                seen: None,
                decision: Decision::at(correction),
                image: None,
            },
            result: Some(Stored {
                executed: correction,
                in_hand: None,
                outcome: Outcome::Placed,
                seated: true,
                measured: Some(placement),
                truth: Some(placement),
                reward: Reward::new(&TaskSpec::exact(RANGE)).of(placement.pose),
                duration: RobotTime::default(),
                harm: Harm::default(),
            }),
        }
    }

    fn label(trial: u64, role_model: u64, x_mm: f64) -> Label {
        Label { trial, role_model, peers: 2, correction: Pose2::new(x_mm, 0.0, 0.5) }
    }

    fn counts(noise_mm: f64, rows: &[TrialRow], labels: &[(u64, Label)]) -> Vec<LabelCount> {
        let noise = Noise { mm: noise_mm, deg: 0.0 };
        let task = TaskSpec { measurement: noise, ..TaskSpec::exact(RANGE) };
        label_counts(&task, &Reward::new(&task), rows, labels)
    }

    #[test]
    fn a_labels_error_is_its_distance_from_the_offset() {
        let rows = [row(0, 7, 2.0, 2.0), row(1, 7, 1.0, 1.0)];
        let told = counts(0.0, &rows, &[(2, label(0, 1, 0.25))]);
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].visits, told[0].given), (2, 1));
        assert_eq!((told[0].mm, told[0].deg), (0.75, 0.5));
    }

    #[test]
    fn a_lead_without_noise_is_earned_and_one_among_equals_is_luck() {
        let earned =
            counts(0.0, &[row(0, 7, 2.0, 2.0), row(1, 7, 1.0, 1.0)], &[(2, label(0, 1, 0.0))]);
        assert!((earned[0].lead - 0.2).abs() < 1e-12 && (earned[0].earned - 0.2).abs() < 1e-12);
        let lucky =
            counts(0.3, &[row(0, 7, 2.0, 2.2), row(1, 7, 2.0, 1.5)], &[(2, label(0, 1, 0.0))]);
        assert!(lucky[0].lead > 0.1 && lucky[0].earned.abs() < 1e-12, "{:?}", lucky[0]);
    }

    #[test]
    fn a_label_that_is_given_again_has_changed() {
        let rows: Vec<TrialRow> = (0..4).map(|place| row(place, 7, 1.0, 1.0)).collect();
        let (first, again) = ([label(0, 1, 0.0), label(1, 1, 0.0)], label(1, 1, 0.01));
        let labels = [(2, first[0]), (2, first[1]), (4, label(0, 3, 0.5)), (4, again)];
        let told = counts(0.0, &rows, &labels);
        let [first, second] = told[..] else { panic!("{told:?}") };
        assert_eq!((first.visits, first.stood, first.changed), (2, 0, 0));
        assert_eq!((second.visits, second.stood, second.changed), (4, 2, 1));
    }
}
