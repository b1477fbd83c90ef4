use super::Experience;
use super::belief::Belief;
use super::role_model::{LabelAction, RoleModelOptions};
use crate::choices;
use crate::task::{Correction, Pose2, RewardSignal};

choices! {
    /// What the peers of a role model are taught.
    pub enum LabelRule {
        /// the role model's action
        Best,
        /// the mean of all peers' actions, each weighted by how likely it is the best under the reward's noise
        Elite,
        /// on each axis the action of the peer with the smallest error there
        PerAxis,
        /// the mean of what each peer's signed error says would have been right
        Hindsight,
    }
}

impl LabelRule {
    /// What a method must be told for it.
    pub fn signal(self) -> RewardSignal {
        match self {
            Self::Best | Self::Elite => RewardSignal::Scalar,
            Self::PerAxis => RewardSignal::Unsigned,
            Self::Hindsight => RewardSignal::Signed,
        }
    }
}

/// What these peers are taught: `best` is their role model. `None` where something that is needed for
/// it was not told.
pub fn label(
    options: &RoleModelOptions,
    history: &[Experience],
    peers: &[usize],
    best: usize,
) -> Option<Correction> {
    let action = |place: usize| {
        let trial = history.get(place)?;
        match options.label_action {
            LabelAction::Commanded => Some(trial.decision.correction),
            LabelAction::Executed => trial.executed,
        }
    };
    let ages = Belief::of(peers, &[], (0.0, options.label_half_life));
    match options.label {
        LabelRule::Best => action(best),
        LabelRule::Elite => {
            let rewards: Vec<f64> = peers.iter().map(|p| history[*p].feedback.reward).collect();
            // Rewards that are drawn together by k differ k times as much, with the root of k of the noise.
            let kept = Belief::asked(options, peers, &rewards).map_or(1.0, |belief| belief.kept);
            let weights = being_best(&rewards, options.reward_noise / kept.sqrt().max(1e-3));
            let actions = peers.iter().map(|place| action(*place)).collect::<Option<Vec<_>>>()?;
            let weights =
                peers.iter().zip(weights).map(|(peer, weight)| ages.count(*peer) * weight);
            Some(mean(actions.into_iter().zip(weights)))
        }
        LabelRule::PerAxis => {
            let errors: Option<Vec<_>> =
                peers.iter().map(|place| history[*place].feedback.unsigned).collect();
            let errors = errors?;
            let best = |axis: usize| {
                let of_axis: Vec<f64> = errors.iter().map(|errors| errors[axis]).collect();
                let read = Belief::of(peers, &of_axis, (0.0, options.label_half_life));
                let error = |at: usize| read.figure(peers[at], of_axis[at]);
                let by_error = |a: &usize, b: &usize| error(*a).total_cmp(&error(*b));
                Some(action(peers[(0..peers.len()).min_by(by_error)?])?.axes()[axis])
            };
            Some(Correction::from_axes([best(0)?, best(1)?, best(2)?]))
        }
        LabelRule::Hindsight => {
            let right = |place: &usize| {
                let error = history[*place].feedback.signed.map(Pose2::from_axes)?;
                // A trial that failed has no error to learn from.
                Some((action(*place)?.compose(error), ages.count(*place)))
            };
            let all: Vec<_> = peers.iter().filter_map(right).collect();
            if all.is_empty() { action(best) } else { Some(mean(all.into_iter())) }
        }
    }
}

/// Weighted, axis by axis. Where weights are too small to be told from 0, all weigh the same.
fn mean(actions: impl Iterator<Item = (Correction, f64)>) -> Correction {
    let (mut sum, mut all) = ([0.0; 3], 0.0);
    let actions: Vec<_> = actions.collect();
    let alike = !actions.iter().any(|(_, weight)| *weight > f64::MIN_POSITIVE);
    for (action, weight) in actions {
        let weight = if alike { 1.0 } else { weight };
        all += weight;
        sum.iter_mut().zip(action.axes()).for_each(|(sum, axis)| *sum += weight * axis);
    }
    Correction::from_axes(sum.map(|sum| sum / all))
}

/// Points at which densities are summed, over four standard deviations both ways of the best.
const POINTS: usize = 33;

/// How likely each is the best if rewards have normal noise of this standard deviation: the integral of
/// its density times everybody else's distribution. Sums to 1.
fn being_best(rewards: &[f64], noise: f64) -> Vec<f64> {
    let top = rewards.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let below = |z: f64| (0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)).max(1e-12);
    let mut likely = vec![0.0; rewards.len()];
    for point in 0..POINTS {
        let at = top + noise * (8.0 * point as f64 / (POINTS - 1) as f64 - 4.0);
        let z = |reward: &f64| (at - reward) / noise;
        let all: f64 = rewards.iter().map(|reward| libm::log(below(z(reward)))).sum();
        for (likely, reward) in likely.iter_mut().zip(rewards) {
            let z = z(reward);
            *likely += libm::exp(all - 0.5 * z * z) / below(z);
        }
    }
    let sum: f64 = likely.iter().sum();
    likely.into_iter().map(|one| one / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples;

    fn history() -> Vec<Experience> {
        let trial = |(at, (reward, signed)): (usize, &(f64, [f64; 3]))| {
            let mut trial = samples::trial(0, *reward);
            trial.decision.correction = Correction::new(at as f64, -(at as f64), 0.0);
            trial.feedback.signed = Some(*signed);
            trial.feedback.unsigned = Some(signed.map(f64::abs));
            trial
        };
        let told = [(-0.5, [2.0, 0.1, 0.0]), (-0.3, [1.0, -1.0, 0.5]), (-0.9, [0.2, 3.0, 0.0])];
        told.iter().enumerate().map(trial).collect()
    }

    fn taught(label: LabelRule, reward_noise: f64) -> [f64; 3] {
        let options = RoleModelOptions { label, reward_noise, ..RoleModelOptions::default() };
        super::label(&options, &history(), &[0, 1, 2], 1).unwrap().axes()
    }

    #[test]
    fn elites_are_the_best_without_noise_and_everybody_with_much() {
        assert!((taught(LabelRule::Elite, 0.01)[0] - 1.0).abs() < 1e-6);
        assert!((taught(LabelRule::Elite, 100.0)[0] - 1.0).abs() < 0.02);
        let likely = being_best(&[-0.5, -0.3, -0.9], 0.2);
        assert!((likely.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        // Two of them: the difference has a deviation of 0.2 times the root of 2.
        let pair = being_best(&[0.0, -0.2], 0.2);
        assert!((pair[0] - 0.7602).abs() < 0.002, "{pair:?}");
        assert!(likely[1] > likely[0] && likely[0] > likely[2]);
    }

    #[test]
    fn each_axis_has_its_own_role_model() {
        assert_eq!(taught(LabelRule::PerAxis, 0.1), [2.0, 0.0, 0.0]);
        assert_eq!(taught(LabelRule::Best, 0.1), [1.0, -1.0, 0.0]);
    }

    #[test]
    fn elites_are_more_where_shrinkage_leaves_less_of_what_sets_them_apart() {
        let weight_of_best = |shrink| {
            let options = RoleModelOptions {
                label: LabelRule::Elite,
                reward_noise: 0.2,
                shrink,
                ..RoleModelOptions::default()
            };
            // Only the best lies at 1: what is taught tells its weight.
            let mut history = history();
            history[2].decision.correction = Correction::IDENTITY;
            super::label(&options, &history, &[0, 1, 2], 1).unwrap().x_mm
        };
        assert!(weight_of_best(true) < 0.9 * weight_of_best(false));
    }

    #[test]
    fn an_old_peer_counts_less_in_every_label_of_many() {
        let taught = |label, label_half_life| {
            let options = RoleModelOptions {
                label,
                label_half_life,
                reward_noise: 100.0,
                ..RoleModelOptions::default()
            };
            super::label(&options, &history(), &[0, 1, 2], 1).unwrap().axes()
        };
        // Three trials: 1/4, 1/2 and 1 of them count.
        let mean = |of: [f64; 3]| (0.25 * of[0] + 0.5 * of[1] + of[2]) / 1.75;
        assert!((taught(LabelRule::Elite, 1.0)[0] - mean([0.0, 1.0, 2.0])).abs() < 0.02);
        let right = taught(LabelRule::Hindsight, 1.0)[0];
        assert!((right - mean([2.0, 2.0, 2.2])).abs() < 1e-9, "{right}");
        // On y the first has the smallest error, but not by much more than its age takes from it.
        assert_eq!(taught(LabelRule::PerAxis, 0.0)[1], 0.0);
        assert_eq!(taught(LabelRule::PerAxis, 0.5)[1], -1.0);
    }

    #[test]
    fn hindsight_teaches_what_errors_say_would_have_been_right() {
        let right = taught(LabelRule::Hindsight, 0.1);
        assert!((right[0] - (2.0 + 2.0 + 2.2) / 3.0).abs() < 1e-9, "{right:?}");
        assert!((right[1] - (0.1 - 2.0 + 1.0) / 3.0).abs() < 1e-9, "{right:?}");
    }

    #[test]
    fn what_was_not_told_teaches_nothing() {
        let options = RoleModelOptions { label: LabelRule::PerAxis, ..RoleModelOptions::default() };
        let mut history = history();
        history[1].feedback.unsigned = None;
        assert_eq!(super::label(&options, &history, &[0, 1, 2], 1), None);
    }
}
