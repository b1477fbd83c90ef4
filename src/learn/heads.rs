use candle_core::{D, Device, Result, Tensor};
use candle_nn::ops::{log_softmax, softmax};
use rand::RngExt;

use crate::choices;
use crate::task::Draw;

/// The Gaussian over bins, as a target and as a kernel. Rows sum to 1.
///
/// A label at a (fractional) bin position becomes `exp(-(bin - centre)^2 / 2 sigma^2)`,
/// normalised over the bins that exist. The centre is the position, except near the ends of the
/// grid: there it is moved out so that the mean stays at the position, or else a decoded mean
/// would shrink. Sigma 0 is one-hot at the nearest bin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothing {
    pub bins: usize,
    pub sigma_bins: f64,
}

impl Smoothing {
    /// Appends the target distribution of one axis, `bins` numbers.
    pub fn extend_target(self, position: f64, out: &mut Vec<f32>) {
        if self.sigma_bins <= 0.0 {
            let nearest = position.round() as usize;
            out.extend((0..self.bins).map(|bin| if bin == nearest { 1.0 } else { 0.0 }));
            return;
        }
        self.extend_gaussian(self.centre(position), out);
    }

    /// Appends a Gaussian about `centre`, cut off at the ends of the grid and normalised.
    fn extend_gaussian(self, centre: f64, out: &mut Vec<f32>) {
        let start = out.len();
        out.extend((0..self.bins).map(|bin| self.weight(bin, centre) as f32));
        let sum: f32 = out[start..].iter().sum();
        out[start..].iter_mut().for_each(|weight| *weight /= sum);
    }

    /// Where the Gaussian must be centred for its mean over the bins that exist to be at
    /// `position`: near the ends of the grid, further out. Newton's method; at most 3 sigma out.
    fn centre(self, position: f64) -> f64 {
        let (last, reach) = ((self.bins - 1) as f64, 3.0 * self.sigma_bins);
        let mut centre = position;
        if position >= reach && position <= last - reach {
            return centre;
        }
        for _ in 0..8 {
            let (mut sum, mut mean, mut square) = (0.0, 0.0, 0.0);
            for bin in 0..self.bins {
                let (weight, at) = (self.weight(bin, centre), bin as f64 - position);
                sum += weight;
                mean += weight * at;
                square += weight * at * at;
            }
            (mean, square) = (mean / sum, square / sum);
            let slope = (square - mean * mean) / self.sigma_bins.powi(2);
            centre = (centre - mean / slope.max(0.05)).clamp(-reach, last + reach);
        }
        centre
    }

    /// Relative to the nearest bin, whose weight is 1: a narrow Gaussian would vanish on all.
    fn weight(self, bin: usize, centre: f64) -> f64 {
        let nearest = centre.round().clamp(0.0, (self.bins - 1) as f64);
        let square = |at: f64| ((at - centre) / self.sigma_bins).powi(2);
        libm::exp(0.5 * (square(nearest) - square(bin as f64)))
    }

    /// Targets of many labels, (n, 3, bins). Positions are kept by the caller inside the grid.
    pub fn targets(self, positions: &[[f64; 3]]) -> Result<Tensor> {
        let mut values = Vec::with_capacity(positions.len() * 3 * self.bins);
        for position in positions.iter().flatten() {
            self.extend_target(*position, &mut values);
        }
        Tensor::from_vec(values, (positions.len(), 3, self.bins), &Device::Cpu)
    }
}

/// How a policy explores: a bin is drawn from the policy, then with probability
/// `explore_prob` moved by a Gaussian. Both together are one distribution, the policy times a
/// fixed matrix, so that probabilities of actions stay exact.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// (bins, bins): row = bin of the policy, column = bin that is tried.
    moved: Option<Tensor>,
}

/// Floor of a probability, so that its logarithm stays a number.
const LEAST: f32 = 1e-30;

impl Behaviour {
    pub fn new(bins: usize, prob: f64, sigma_bins: f64) -> Result<Self> {
        if prob <= 0.0 || sigma_bins <= 0.0 {
            return Ok(Self { moved: None });
        }
        let kernel = Smoothing { bins, sigma_bins };
        let mut matrix = Vec::with_capacity(bins * bins);
        for row in 0..bins {
            kernel.extend_gaussian(row as f64, &mut matrix);
            for (column, weight) in matrix[row * bins..].iter_mut().enumerate() {
                let stay = if column == row { 1.0 - prob } else { 0.0 };
                *weight = stay as f32 + prob as f32 * *weight;
            }
        }
        Ok(Self { moved: Some(Tensor::from_vec(matrix, (bins, bins), &Device::Cpu)?) })
    }

    /// Log-probabilities of what is tried, (n, 3, bins), from the policy's logits.
    pub fn log_probs(&self, logits: &Tensor) -> Result<Tensor> {
        match &self.moved {
            None => log_softmax(logits, D::Minus1),
            Some(moved) => {
                softmax(logits, D::Minus1)?.broadcast_matmul(moved)?.maximum(LEAST)?.log()
            }
        }
    }
}

choices! {
    /// How a distribution becomes the one action of a greedy policy.
    pub enum Decode {
        /// the likeliest bin, the middle one where none is likelier
        Argmax,
        /// the mean of the bins: finer than the grid, where targets are smooth
        Expectation,
    }
}

impl Decode {
    /// Fractional bin position from one axis's log-probabilities.
    pub fn position(self, log_probs: &[f32]) -> f64 {
        match self {
            Self::Argmax => {
                let first_best = |best: usize, (bin, value): (usize, &f32)| {
                    if *value > log_probs[best] { bin } else { best }
                };
                log_probs.iter().enumerate().fold(log_probs.len() / 2, first_best) as f64
            }
            Self::Expectation => {
                let weights = log_probs.iter().map(|l| libm::exp(f64::from(*l)));
                let (sum, mean) = weights
                    .enumerate()
                    .fold((0.0, 0.0), |(sum, mean), (bin, w)| (sum + w, mean + bin as f64 * w));
                mean / sum
            }
        }
    }
}

/// Draws a bin from log-probabilities.
pub fn sample(log_probs: &[f32], draw: &mut Draw) -> usize {
    bin_at(log_probs, draw.random())
}

/// The bin at this share (0 to 1) of all probability, bins in their order.
pub fn bin_at(log_probs: &[f32], share: f64) -> usize {
    let weights = log_probs.iter().map(|l| libm::exp(f64::from(*l)));
    let sum: f64 = weights.clone().sum();
    let mut left = share * sum;
    for (bin, weight) in weights.enumerate() {
        left -= weight;
        if left < 0.0 {
            return bin;
        }
    }
    log_probs.len() - 1
}

/// Sum over the three axes of `log pi(target)`: (n) from log-probabilities and targets, both
/// (n, 3, bins). With one-hot targets the log-probability of an action, with smooth ones minus
/// the cross-entropy.
pub fn log_prob(log_probs: &Tensor, targets: &Tensor) -> Result<Tensor> {
    (log_probs * targets)?.flatten_from(1)?.sum(1)
}

/// Entropy summed over the axes, (n), from log-probabilities (n, 3, bins).
pub fn entropy(log_probs: &Tensor) -> Result<Tensor> {
    (log_probs * log_probs.exp()?)?.flatten_from(1)?.sum(1)?.neg()
}

/// Temperatures that come into question, as rewards, and how often the interval is halved.
const COLDEST: f64 = 0.01;
const HOTTEST: f64 = 10.0;
const BISECTIONS: usize = 12;

/// At which `exp(values / temperature)` over the bins of (n, 3, bins) has this share of the entropy of
/// equally likely bins, in the mean.
pub fn temperature(values: &Tensor, share: f64) -> Result<f64> {
    let target = 3.0 * share * libm::log(values.dim(D::Minus1)? as f64);
    let (mut low, mut high) = (libm::log(COLDEST), libm::log(HOTTEST));
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (low + high);
        let soft = log_softmax(&(values / libm::exp(middle))?, D::Minus1)?;
        let has = f64::from(entropy(&soft)?.mean_all()?.to_scalar::<f32>()?);
        *(if has < target { &mut low } else { &mut high }) = middle;
    }
    Ok(libm::exp(0.5 * (low + high)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Phase, Stream, Streams, TrialKey};
    use proptest::prelude::*;

    fn row(smoothing: Smoothing, position: f64) -> Vec<f32> {
        let mut row = Vec::new();
        smoothing.extend_target(position, &mut row);
        row
    }

    proptest! {
        #[test]
        fn targets_sum_to_one(bins in 2usize..40, at in 0.0..1.0f64, sigma in 0.0..3.0f64) {
            let row = row(Smoothing { bins, sigma_bins: sigma }, at * (bins - 1) as f64);
            prop_assert_eq!(row.len(), bins);
            prop_assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            prop_assert!(row.iter().all(|w| *w >= 0.0));
        }

        #[test]
        fn the_mean_of_a_target_is_its_label(at in 0.02..0.98f64, sigma in 0.4..1.5f64) {
            let position = at * 8.0;
            let row = row(Smoothing { bins: 9, sigma_bins: sigma }, position);
            let mean: f64 = row.iter().enumerate().map(|(bin, w)| bin as f64 * f64::from(*w)).sum();
            prop_assert!((mean - position).abs() < 0.15, "{} {}", mean, position);
        }

        #[test]
        fn behaviour_is_a_distribution(bins in 2usize..30, prob in 0.0..1.0f64, sigma in 0.0..3.0f64, tilt in -3.0..3.0f32) {
            let behaviour = Behaviour::new(bins, prob, sigma).unwrap();
            let logits: Vec<f32> = (0..3 * bins).map(|i| (i as f32 * tilt).sin() * 3.0).collect();
            let logits = Tensor::from_vec(logits, (1, 3, bins), &Device::Cpu).unwrap();
            let probs = behaviour.log_probs(&logits).unwrap().exp().unwrap().to_vec3::<f32>().unwrap();
            for axis in &probs[0] {
                prop_assert!((axis.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn exploration_leaves_a_bin_at_the_end_of_the_grid_too() {
        let behaviour = Behaviour::new(7, 0.5, 1.0).unwrap();
        let sure = |bin: usize| {
            let logits: Vec<f32> = (0..21).map(|i| if i % 7 == bin { 50.0 } else { 0.0 }).collect();
            let logits = Tensor::from_vec(logits, (1, 3, 7), &Device::Cpu).unwrap();
            let probs = behaviour.log_probs(&logits).unwrap().exp().unwrap();
            1.0 - probs.to_vec3::<f32>().unwrap()[0][0][bin]
        };
        assert!(sure(0) > 0.5 * sure(3), "{} at the end, {} in the middle", sure(0), sure(3));
        assert!((sure(0) - sure(6)).abs() < 1e-6);
    }

    #[test]
    fn bins_are_drawn_as_often_as_their_log_probabilities_say() {
        let log_probs = [0.5f32, 0.3, 0.0, 0.2].map(f32::ln);
        let mut draw =
            Streams::new(4).draw(Stream::Explore, TrialKey { phase: Phase::Train, index: 0 });
        let mut counts = [0u32; 4];
        for _ in 0..20_000 {
            counts[sample(&log_probs, &mut draw)] += 1;
        }
        for (count, log_prob) in counts.iter().zip(log_probs) {
            assert!((f64::from(*count) / 20_000.0 - f64::from(log_prob.exp())).abs() < 0.015);
        }
    }

    #[test]
    fn a_smooth_distribution_is_decoded_between_bins() {
        let smooth = row(Smoothing { bins: 9, sigma_bins: 1.0 }, 4.3)
            .iter()
            .map(|p| p.ln())
            .collect::<Vec<_>>();
        assert!((Decode::Expectation.position(&smooth) - 4.3).abs() < 0.01);
        assert_eq!(Decode::Argmax.position(&smooth), 4.0);
    }

    #[test]
    fn the_log_probability_of_an_action_is_the_sum_over_its_axes() {
        let logits = Tensor::new(&[[[0f32, 1.0], [2.0, 0.0], [0.0, 0.0]]], &Device::Cpu).unwrap();
        let log_probs = Behaviour::new(2, 0.0, 0.0).unwrap().log_probs(&logits).unwrap();
        let one_hot = Smoothing { bins: 2, sigma_bins: 0.0 }.targets(&[[1.0, 0.0, 1.0]]).unwrap();
        let got = log_prob(&log_probs, &one_hot).unwrap().to_vec1::<f32>().unwrap()[0];
        let table = log_probs.to_vec3::<f32>().unwrap();
        assert!((got - (table[0][0][1] + table[0][1][0] + table[0][2][1])).abs() < 1e-6);
    }

    #[test]
    fn a_temperature_gives_the_entropy_that_was_asked_for_and_stays_within_bounds() {
        let values: Vec<f32> = (0..42).map(|i| (i as f32 * 1.7).sin()).collect();
        let values = Tensor::from_vec(values, (2, 3, 7), &Device::Cpu).unwrap();
        for share in [0.2, 0.5, 0.9] {
            let hot = temperature(&values, share).unwrap();
            let soft = log_softmax(&(&values / hot).unwrap(), D::Minus1).unwrap();
            let has = entropy(&soft).unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap();
            assert!((f64::from(has) / (3.0 * 7f64.ln()) - share).abs() < 0.01, "{has} for {share}");
        }
        // Where all is equally good, no temperature makes it certain.
        let same = temperature(&values.zeros_like().unwrap(), 0.5).unwrap();
        assert!((same / COLDEST - 1.0).abs() < 0.01, "{same}");
    }

    #[test]
    fn the_bin_at_a_share_of_all_probability_is_where_that_falls() {
        let log_probs = [0.5f32, 0.25, 0.25].map(f32::ln);
        let bins = [0.0, 0.49, 0.51, 0.74, 0.76, 1.0].map(|share| bin_at(&log_probs, share));
        assert_eq!(bins, [0, 0, 1, 1, 2, 2]);
    }
}
