//! How well two ways of measuring agree: bias and limits of agreement of paired differences (Bland and Altman,
//! "Statistical methods for assessing agreement", Lancet 1986).

use super::stats::Resamples;

/// Paired differences along one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// How many pairs.
    pub n: usize,
    /// Mean difference, and its 95 % interval (bootstrap over pairs); none of fewer than two.
    pub bias: f64,
    pub interval: Option<[f64; 2]>,
    /// Standard deviation of a difference.
    pub sd: f64,
    /// Where 95 of 100 differences lie, if they are normally distributed: bias -/+ 1.96 sd.
    pub limits: [f64; 2],
}

/// Bootstrap rounds.
const ROUNDS: usize = 10_000;
/// Standard deviations to either side that hold 95 % of a normal distribution.
const LIMITS_SDS: f64 = 1.96;

impl Agreement {
    /// `None` without a pair.
    pub fn of(differences: &[f64]) -> Option<Self> {
        let n = differences.len();
        if n == 0 {
            return None;
        }
        let bias = differences.iter().sum::<f64>() / n as f64;
        let squares: f64 = differences.iter().map(|d| (d - bias) * (d - bias)).sum();
        let sd = if n > 1 { (squares / (n - 1) as f64).sqrt() } else { 0.0 };
        let mean = |counts: &[u16]| {
            let sum: f64 = counts.iter().zip(differences).map(|(c, d)| f64::from(*c) * d).sum();
            sum / n as f64
        };
        Some(Self {
            n,
            bias,
            interval: Resamples::draw(n, ROUNDS).interval(mean),
            sd,
            limits: [bias - LIMITS_SDS * sd, bias + LIMITS_SDS * sd],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bias_and_limits_are_those_of_a_textbook() {
        // Differences 1, 2, 3, 4, 5: mean 3, standard deviation sqrt(2.5).
        let told = Agreement::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert!((told.bias - 3.0).abs() < 1e-12 && (told.sd - 2.5f64.sqrt()).abs() < 1e-12);
        assert!((told.limits[0] - (3.0 - 1.96 * 2.5f64.sqrt())).abs() < 1e-12);
        let [low, high] = told.interval.unwrap();
        assert!((1.0..3.0).contains(&low) && (3.0..5.0).contains(&high), "{low} {high}");
        assert_eq!(Agreement::of(&[]), None);
        assert_eq!(Agreement::of(&[0.5]).unwrap().interval, None);
    }

    proptest! {
        #[test]
        fn a_shift_of_all_pairs_is_a_shift_of_the_bias_alone(
            pairs in prop::collection::vec(-5.0..5.0f64, 2..30), by in -9.0..9.0f64,
        ) {
            let (here, there) = (Agreement::of(&pairs).unwrap(), Agreement::of(&pairs.iter().map(|d| d + by).collect::<Vec<_>>()).unwrap());
            prop_assert!((there.bias - here.bias - by).abs() < 1e-9);
            prop_assert!((there.sd - here.sd).abs() < 1e-9);
        }
    }
}
