use std::ops::Range;

use candle_core::{Device, Tensor};
use rand::RngExt;
use rand::seq::SliceRandom;

use super::Seen;
use crate::settings;
use crate::task::Draw;

settings! {
    /// How much a method replays.
    pub struct Replayed {
        /// Gradient steps after each batch of trials.
        steps: usize = 10, in 1..=10_000, tune log(2..=40);
        /// Replayed trials in a gradient step.
        minibatch: usize = 64, in 1..=10_000, tune log(16..=128);
    }
}

impl Replayed {
    /// Of these trials: [`uniform`].
    pub fn of(self, trials: Range<usize>, draw: &mut Draw) -> Vec<Vec<usize>> {
        uniform(trials, self.steps, self.minibatch, draw)
    }
}

/// These places in order, so many at a time.
pub fn in_order(trials: Range<usize>, size: usize) -> Vec<Vec<usize>> {
    trials.collect::<Vec<_>>().chunks(size).map(<[usize]>::to_vec).collect()
}

/// These places in an order of their own, so many at a time.
pub fn shuffled(trials: Range<usize>, size: usize, draw: &mut Draw) -> Vec<Vec<usize>> {
    let mut places: Vec<usize> = trials.collect();
    places.shuffle(draw);
    places.chunks(size).map(<[usize]>::to_vec).collect()
}

/// Places in the history to learn from again: uniform, with replacement. Empty from an empty
/// range. So many times, for as many gradient steps.
pub fn uniform(
    trials: Range<usize>,
    steps: usize,
    count: usize,
    draw: &mut Draw,
) -> Vec<Vec<usize>> {
    let mut some = || match trials.is_empty() {
        true => Vec::new(),
        false => (0..count).map(|_| draw.random_range(trials.clone())).collect(),
    };
    (0..steps).map(|_| some()).collect()
}

/// How much likelier these actions are now than when they were chosen, at most `most`: (n) from
/// log-probabilities under exploration (n, 3, bins). No gradient comes from here.
pub fn importance(
    log_probs: &Tensor,
    trials: &[Seen<'_>],
    most: f64,
) -> candle_core::Result<Tensor> {
    let now = log_probs.detach().to_vec3::<f32>()?;
    let weight = |(heads, trial): (&Vec<Vec<f32>>, &Seen<'_>)| {
        let (Some(bins), Some(then)) = (trial.decision.bins, trial.decision.log_prob) else {
            return 1.0;
        };
        let moved: f32 = (0..3).map(|axis| heads[axis][bins[axis]] - then[axis]).sum();
        libm::exp(f64::from(moved)).min(most) as f32
    };
    let weights: Vec<f32> = now.iter().zip(trials).map(weight).collect();
    Tensor::from_vec(weights, trials.len(), &Device::Cpu)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{Decision, Experience, samples};
    use crate::task::{Phase, Stream, Streams, TrialKey};

    fn draw(index: u64) -> Draw {
        Streams::new(1).draw(Stream::Replay, TrialKey { phase: Phase::Train, index })
    }

    #[test]
    fn every_trial_of_the_range_is_replayed_about_equally_often() {
        let mut counts = [0; 30];
        for place in uniform(10..30, 10, 2_000, &mut draw(0)).concat() {
            counts[place] += 1;
        }
        assert!(counts[..10].iter().all(|c| *c == 0));
        assert!(counts[10..].iter().all(|c| (850..1150).contains(c)), "{counts:?}");
    }

    #[test]
    fn minibatches_hold_every_place_once_in_order_or_shuffled() {
        let in_order = in_order(3..13, 4);
        assert_eq!(in_order, [vec![3, 4, 5, 6], vec![7, 8, 9, 10], vec![11, 12]]);
        let mut draw = draw(0);
        let [first, second] = [(); 2].map(|()| shuffled(3..13, 4, &mut draw));
        assert_ne!(first, second, "each pass has an order of its own");
        let mut places = second.concat();
        places.sort_unstable();
        assert_eq!(places, in_order.concat());
    }

    #[test]
    fn the_same_draw_replays_the_same_trials_and_nothing_is_drawn_from_nothing() {
        assert_eq!(uniform(0..99, 2, 8, &mut draw(3)), uniform(0..99, 2, 8, &mut draw(3)));
        assert_ne!(uniform(0..99, 2, 8, &mut draw(3)), uniform(0..99, 2, 8, &mut draw(4)));
        assert_eq!(uniform(5..5, 2, 8, &mut draw(3)), [[0usize; 0]; 2]);
    }

    #[test]
    fn an_old_trial_counts_by_how_much_likelier_its_action_has_become_and_no_more_than_so_much() {
        let chosen = |log_prob| Experience {
            decision: Decision {
                bins: Some([0, 1, 1]),
                log_prob: Some(log_prob),
                ..samples::trial(0, 0.0).decision
            },
            ..samples::trial(0, 0.0)
        };
        let half = 0.5f32.ln();
        let now = Tensor::new(&[[[half, half]; 3]; 3], &Device::Cpu).unwrap();
        let trials = [[half; 3], [0.25f32.ln(), half, half], [-9.0; 3]].map(chosen);
        let unmoved = |trial| Seen { trial, place: 0, copy: 0 };
        let weights = importance(&now, &trials.each_ref().map(unmoved), 3.0)
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        for (weight, is) in weights.iter().zip([1.0, 2.0, 3.0]) {
            assert!((weight - is).abs() < 1e-5, "{weights:?}");
        }
    }
}
