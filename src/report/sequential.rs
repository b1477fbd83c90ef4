//! Which of two is better, decided as soon as the pairs seen so far tell, however often one looks.

use super::significance::ALPHA;

/// A test by betting that the paired differences of two policies are as likely to be positive as negative.
///
/// Under "no difference" the two trials of a pair may be exchanged, so that a difference x and -x are equally likely. Then a
/// bet that pays 1 + b x for every |x| <= 1 gains nothing in the mean, for any stake b from -1 to 1, and neither does the mean
/// of the wealth of many such gamblers: by Ville's inequality it exceeds 1 / alpha at any time with a probability of at most
/// alpha. Differences are brought to [-1, 1] by a scale that is known before each (twice the median of the sizes so far), so
/// that a single lost plate does not decide. Betting: Waudby-Smith and Ramdas, "Estimating means of bounded random variables
/// by betting" (2024); on continuous scores of robots: "Beyond Binary Success" (arXiv 2603.13616).
#[derive(Clone, Debug)]
pub struct Sequential {
    /// Of the gamblers for one side, by their stakes, then of those for the other.
    wealth: [[f64; STAKES.len()]; 2],
    /// How large the differences were, ascending.
    sizes: Vec<f64>,
    sum: f64,
    first_scale: f64,
}

/// Who came out ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// Differences are mostly positive.
    Positive,
    Negative,
}

const STAKES: [f64; 8] = [0.06, 0.12, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9];

impl Sequential {
    /// `first_scale` is a size that differences may have, for the first of them: any will do.
    pub fn new(first_scale: f64) -> Self {
        Self { wealth: [[1.0; STAKES.len()]; 2], sizes: Vec::new(), sum: 0.0, first_scale }
    }

    /// The next pair's difference.
    pub fn observe(&mut self, difference: f64) {
        let x = match self.scale() {
            scale if scale > 0.0 => (difference / scale).clamp(-1.0, 1.0),
            // All were equal so far.
            _ => difference.partial_cmp(&0.0).map_or(0.0, |order| f64::from(order as i8)),
        };
        for (side, sign) in self.wealth.iter_mut().zip([1.0, -1.0]) {
            side.iter_mut()
                .zip(STAKES)
                .for_each(|(wealth, stake)| *wealth *= 1.0 + sign * stake * x);
        }
        let size = difference.abs();
        let place = self.sizes.partition_point(|other| *other < size);
        self.sizes.insert(place, size);
        self.sum += difference;
    }

    /// Pairs seen.
    pub fn pairs(&self) -> usize {
        self.sizes.len()
    }

    /// Mean difference, 0 without any. One that a test has just decided on is too large on average.
    pub fn mean(&self) -> f64 {
        self.sum / self.pairs().max(1) as f64
    }

    /// Against "no difference": 1 says nothing, 20 decides at 5 %.
    pub fn evidence(&self) -> f64 {
        self.wealth.iter().flatten().sum::<f64>() / (2 * STAKES.len()) as f64
    }

    /// Decided, and for which side; `None` as long as it may be chance.
    pub fn decided(&self) -> Option<Ahead> {
        let [positive, negative] = self.wealth.map(|side| side.iter().sum::<f64>());
        let ahead = if positive > negative { Ahead::Positive } else { Ahead::Negative };
        (self.evidence() >= 1.0 / ALPHA).then_some(ahead)
    }

    fn scale(&self) -> f64 {
        match self.sizes.as_slice() {
            [] => self.first_scale,
            sizes => 2.0 * sizes[sizes.len() / 2],
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_distr::{Distribution, StandardNormal};

    use super::*;
    use crate::task::Draw;

    /// The error of a trial: mostly some tenths, now and then a lost plate at the cap.
    fn error(draw: &mut Draw, mean: f64) -> f64 {
        let unit: f64 = StandardNormal.sample(draw);
        if draw.random::<f64>() < 0.03 { 1.45 } else { (mean + 0.06 * unit).abs() }
    }

    /// Pairs until it was decided, with the verdict; `None` after so many.
    fn contest(seed: u64, means: [f64; 2], most: usize) -> Option<(usize, Ahead)> {
        let mut draw = Draw::seed_from_u64(seed);
        let mut test = Sequential::new(0.3);
        (0..most).find_map(|_| {
            let [a, b] = means.map(|mean| error(&mut draw, mean));
            test.observe(b - a);
            test.decided().map(|ahead| (test.pairs(), ahead))
        })
    }

    #[test]
    fn of_2000_contests_of_equals_at_most_one_in_twenty_is_decided() {
        let decided = (0..2000).filter(|seed| contest(*seed, [0.15, 0.15], 200).is_some()).count();
        assert!(decided <= 100, "{decided}");
    }

    #[test]
    fn a_difference_is_found_sooner_than_by_50_pairs() {
        let found: Vec<_> = (0..400).filter_map(|seed| contest(seed, [0.1, 0.17], 50)).collect();
        assert!(found.iter().all(|(_, ahead)| *ahead == Ahead::Positive));
        let pairs = found.iter().map(|(pairs, _)| pairs).sum::<usize>() as f64 / found.len() as f64;
        assert!(found.len() > 360 && pairs < 30.0, "{} of 400 after {pairs}", found.len());
    }

    #[test]
    fn equal_policies_are_never_told_apart_and_one_lost_plate_decides_nothing() {
        let mut test = Sequential::new(0.3);
        (0..100).for_each(|_| test.observe(0.0));
        assert_eq!((test.evidence(), test.decided()), (1.0, None));
        test.observe(1e3);
        assert!(test.evidence() < 2.0);
    }
}
