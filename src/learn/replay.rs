use std::ops::Range;

use rand::RngExt;

use crate::task::Draw;

/// Places in the history to learn from again: uniform, with replacement. Empty from an empty
/// range.
pub fn uniform(trials: Range<usize>, count: usize, draw: &mut Draw) -> Vec<usize> {
    if trials.is_empty() {
        return Vec::new();
    }
    (0..count).map(|_| draw.random_range(trials.clone())).collect()
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
        for place in uniform(10..30, 20_000, &mut draw(0)) {
            counts[place] += 1;
        }
        assert!(counts[..10].iter().all(|c| *c == 0));
        assert!(counts[10..].iter().all(|c| (850..1150).contains(c)), "{counts:?}");
    }

    #[test]
    fn the_same_draw_replays_the_same_trials_and_nothing_is_drawn_from_nothing() {
        assert_eq!(uniform(0..99, 8, &mut draw(3)), uniform(0..99, 8, &mut draw(3)));
        assert_ne!(uniform(0..99, 8, &mut draw(3)), uniform(0..99, 8, &mut draw(4)));
        assert!(uniform(5..5, 8, &mut draw(3)).is_empty());
    }
}
