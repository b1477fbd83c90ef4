use std::ops::Range;

use rand::RngExt;
use rand::seq::SliceRandom;

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

#[cfg(test)]
mod tests {
    use super::*;
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
}
