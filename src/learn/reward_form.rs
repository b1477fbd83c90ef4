use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use crate::choices;

/// The reward as a function of the correction, with its optimum linear in what is seen:
///
/// `r = c - w1 sqrt(|a_xy - mu_xy|^2 + s^2) - w2 sqrt((a_yaw - mu_yaw)^2 + s^2)`, `mu = phi W`, or with
/// squares, `r = c - w1 |a_xy - mu_xy|^2 - w2 (a_yaw - mu_yaw)^2`, or a bump of these, `r = c + s exp(...)`:
/// its [`Form`].
///
/// W, c, log w1, log w2 and log s are the maximum a posteriori under Gaussian priors and Gaussian noise
/// of the reward, with Laplace's approximation of W's posterior. Units: mm, deg.
#[derive(Clone, Debug)]
pub struct RewardFit {
    /// W row by row (k x 3), then c, log w1, log w2, log s.
    pub values: Vec<f64>,
    /// Lower Cholesky factor of W's posterior covariance, (3k x 3k).
    pub spread: DMatrix<f64>,
    /// Minus the logarithm of the posterior, up to a constant.
    pub cost: f64,
}

/// What is assumed before the first trial.
#[derive(Clone, Copy, Debug)]
pub struct RewardPrior<'a> {
    pub form: Form,
    /// Standard deviation of the reward's noise.
    pub noise: f64,
    /// Of W, as in [`RewardFit::values`] (3k); empty for zero.
    pub mean: &'a [f64],
    /// Standard deviation of W's first row, what does not depend on what is seen; mm and deg.
    pub constant: f64,
    /// Of each other number in W; mm and deg.
    pub weights: f64,
    /// Means and standard deviations of c, log w1, log w2, log s.
    pub shape: Shape,
}

pub type Shape = [(f64, f64); 4];

choices! {
    /// How the reward falls with the error.
    pub enum Form {
        /// by the distance, rounded off near the optimum by s
        Distance,
        /// by its square: the first terms of any smooth reward (Gu et al., arXiv 1603.00748)
        Quadratic,
        /// as a Gaussian bump of height s: a reward that says only whether it was near enough
        Bump,
    }
}

impl Form {
    /// Nothing known of the weights but their size: 0.2 a mm and a deg, or as much at 2 mm and 2 deg.
    pub fn shape(self) -> Shape {
        let log_w = match self {
            Self::Distance => (libm::log(0.2), 0.3),
            Self::Quadratic => (libm::log(0.1), 0.6),
            // Half as likely at 1 mm or 1 deg.
            Self::Bump => return [(0.0, 0.03), (-0.4, 0.4), (-0.4, 0.4), (libm::log(0.9), 0.1)],
        };
        [(0.0, 0.1), log_w, log_w, (libm::log(0.35), 0.4)]
    }
}

/// One trial.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// What was seen (k).
    pub seen: &'a [f64],
    /// The correction: mm, mm, deg.
    pub action: [f64; 3],
    pub reward: f64,
    /// How much it counts: 1, or less for one that is hardly alike.
    pub weight: f64,
}

const SHAPE: usize = 4;
const STEPS: usize = 25;

impl RewardFit {
    /// Nothing known yet, with an optimum that is the same for all that is seen.
    pub fn start(k: usize, optimum: [f64; 3], shape: Shape) -> Vec<f64> {
        let mut values = vec![0.0; 3 * k];
        values[..3].copy_from_slice(&optimum);
        values.extend(shape.map(|(mean, _)| mean));
        values
    }

    /// The best of the fits from these starts by damped Gauss-Newton. `None` without a start from which
    /// there is one.
    pub fn of(starts: &[Vec<f64>], samples: &[Sample<'_>], prior: RewardPrior<'_>) -> Option<Self> {
        let fits = starts.iter().filter_map(|start| Self::from(start.clone(), samples, prior));
        fits.min_by(|a, b| a.cost.total_cmp(&b.cost))
    }

    fn from(mut values: Vec<f64>, samples: &[Sample<'_>], prior: RewardPrior<'_>) -> Option<Self> {
        let mut at = Around::of(&values, samples, prior);
        let mut damping = 1e-2;
        for _ in 0..STEPS {
            let mut damped = at.curvature.clone();
            for i in 0..values.len() {
                damped[(i, i)] *= 1.0 + damping;
            }
            let step = Cholesky::new(damped)?.solve(&at.downhill);
            let next: Vec<f64> = values.iter().zip(step.iter()).map(|(v, s)| v + s).collect();
            let there = Around::of(&next, samples, prior);
            if there.cost < at.cost {
                let done = at.cost - there.cost < 1e-4 * at.cost.max(1.0);
                (values, at, damping) = (next, there, (damping / 4.0).max(1e-6));
                if done {
                    break;
                }
            } else {
                damping *= 6.0;
                if damping > 1e6 {
                    break;
                }
            }
        }
        let weights = values.len() - SHAPE;
        let covariance = Cholesky::new(at.curvature)?.inverse();
        let of_weights = covariance.view((0, 0), (weights, weights)).into_owned();
        let spread: Cholesky<f64, Dyn> = Cholesky::new(of_weights)?;
        Some(Self { values, spread: spread.unpack(), cost: at.cost })
    }

    /// The optimum for what is seen (k).
    pub fn optimum(&self, seen: &[f64]) -> [f64; 3] {
        optimum(&self.values, seen)
    }

    /// The reward that it expects of a correction.
    pub fn expects(&self, form: Form, seen: &[f64], action: [f64; 3]) -> f64 {
        let mu = self.optimum(seen);
        let e = std::array::from_fn(|axis| action[axis] - mu[axis]);
        let shape = &self.values[self.values.len() - SHAPE..];
        let shape = [shape[0], libm::exp(shape[1]), libm::exp(shape[2]), libm::exp(shape[3])];
        form.at(e, shape).0
    }

    /// How far from the target a placement is expected to be measured that was corrected by the optimum
    /// for what is seen: one standard deviation along x, y and yaw, of what is not known of W and of the
    /// noise that the reward's rounding tells. `None` without a posterior, or without rounding.
    ///
    /// At the optimum `w1 s + w2 s` is what noise of one size, in mm as in deg, costs on average:
    /// `w1 sqrt(pi / 2) sigma + w2 sqrt(2 / pi) sigma`, the means of a Rayleigh and a half-normal distance.
    pub fn spread_at(&self, form: Form, seen: &[f64]) -> Option<[f64; 3]> {
        use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};
        if form != Form::Distance || self.spread.nrows() != 3 * seen.len() {
            return None;
        }
        let shape = &self.values[self.values.len() - SHAPE..];
        let [w1, w2, s] = [shape[1], shape[2], shape[3]].map(libm::exp);
        let noise = s * (w1 + w2) / (w1 * FRAC_PI_2.sqrt() + w2 * FRAC_2_PI.sqrt());
        Some(std::array::from_fn(|axis| {
            // |L' a|^2 with a = what is seen, on this axis.
            let along = |column: usize| -> f64 {
                let rows = seen.iter().enumerate().map(|(i, value)| (3 * i + axis, value));
                rows.map(|(row, value)| value * self.spread[(row, column)]).sum()
            };
            let variance: f64 = (0..self.spread.ncols()).map(|c| along(c).powi(2)).sum();
            (variance + noise * noise).sqrt()
        }))
    }

    /// The optimum if W is as the posterior's draw says that these unit normals (3k) make.
    pub fn drawn(&self, seen: &[f64], unit: &[f64]) -> [f64; 3] {
        let moved = (0..unit.len()).map(|row| {
            let off: f64 = (0..=row).map(|column| self.spread[(row, column)] * unit[column]).sum();
            self.values[row] + off
        });
        optimum(&moved.collect::<Vec<_>>(), seen)
    }
}

impl Form {
    /// Reward at an error e with c, w1, w2, s; how it changes as the optimum moves, and with c, log w1,
    /// log w2, log s.
    fn at(self, e: [f64; 3], [c, w1, w2, s]: [f64; 4]) -> (f64, [f64; 3], [f64; 4]) {
        match self {
            Self::Distance => {
                let d1 = (e[0] * e[0] + e[1] * e[1] + s * s).sqrt();
                let d2 = (e[2] * e[2] + s * s).sqrt();
                let along = [w1 * e[0] / d1, w1 * e[1] / d1, w2 * e[2] / d2];
                let of_shape = [1.0, -w1 * d1, -w2 * d2, -s * s * (w1 / d1 + w2 / d2)];
                (c - w1 * d1 - w2 * d2, along, of_shape)
            }
            Self::Quadratic => {
                let (d1, d2) = (e[0] * e[0] + e[1] * e[1], e[2] * e[2]);
                let along = [2.0 * w1 * e[0], 2.0 * w1 * e[1], 2.0 * w2 * e[2]];
                (c - w1 * d1 - w2 * d2, along, [1.0, -w1 * d1, -w2 * d2, 0.0])
            }
            Self::Bump => {
                let (d1, d2) = (w1 * (e[0] * e[0] + e[1] * e[1]), w2 * e[2] * e[2]);
                let bump = s * libm::exp(-d1 - d2);
                let along = [2.0 * w1 * e[0], 2.0 * w1 * e[1], 2.0 * w2 * e[2]].map(|a| a * bump);
                (c + bump, along, [1.0, -d1 * bump, -d2 * bump, bump])
            }
        }
    }
}

/// W's product with what is seen.
pub fn optimum(weights: &[f64], seen: &[f64]) -> [f64; 3] {
    let axis = |axis: usize| seen.iter().enumerate().map(|(i, s)| s * weights[3 * i + axis]).sum();
    std::array::from_fn(axis)
}

/// The posterior around some values: Gauss-Newton's view of it.
struct Around {
    cost: f64,
    curvature: DMatrix<f64>,
    downhill: DVector<f64>,
}

impl Around {
    fn of(values: &[f64], samples: &[Sample<'_>], prior: RewardPrior<'_>) -> Self {
        let n = values.len();
        let weights = n - SHAPE;
        let mut curvature = DMatrix::zeros(n, n);
        let mut downhill = DVector::zeros(n);
        let mut cost = 0.0;
        for (i, value) in values.iter().enumerate() {
            let (mean, deviation) = match i.checked_sub(weights) {
                Some(shape) => prior.shape[shape],
                None => {
                    let mean = prior.mean.get(i).copied().unwrap_or(0.0);
                    (mean, if i < 3 { prior.constant } else { prior.weights })
                }
            };
            let precision = 1.0 / (deviation * deviation);
            curvature[(i, i)] = precision;
            downhill[i] = -precision * (value - mean);
            cost += 0.5 * precision * (value - mean) * (value - mean);
        }
        let shape = &values[weights..];
        let shape = [shape[0], libm::exp(shape[1]), libm::exp(shape[2]), libm::exp(shape[3])];
        let mut slope = vec![0.0; n];
        for Sample { seen, action, reward, weight } in samples {
            let mu = optimum(values, seen);
            let e: [f64; 3] = std::array::from_fn(|axis| action[axis] - mu[axis]);
            let (told, along, of_shape) = prior.form.at(e, shape);
            for (i, value) in seen.iter().enumerate() {
                for axis in 0..3 {
                    slope[3 * i + axis] = value * along[axis];
                }
            }
            slope[weights..].copy_from_slice(&of_shape);
            let precision = weight / (prior.noise * prior.noise);
            let off = reward - told;
            cost += 0.5 * precision * off * off;
            for (i, a) in slope.iter().enumerate() {
                downhill[i] += precision * a * off;
                for (j, b) in slope[..=i].iter().enumerate() {
                    curvature[(i, j)] += precision * a * b;
                }
            }
        }
        curvature.fill_upper_triangle_with_lower_triangle();
        Self { cost, curvature, downhill }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Phase, Stream, Streams, TrialKey};
    use rand_distr::{Distribution, StandardNormal};

    /// Trials of a known form, with noise: what was seen, corrections and rewards.
    fn trials(n: u64) -> Vec<([f64; 3], [f64; 3], f64)> {
        let trial = |index| {
            let key = TrialKey { phase: Phase::Train, index };
            let mut draw = Streams::new(4).draw(Stream::Explore, key);
            let mut normal = || -> f64 { StandardNormal.sample(&mut draw) };
            let seen = [1.0, normal(), normal()];
            let best = TRUTH.map(|row: [f64; 3]| (0..3).map(|i| row[i] * seen[i]).sum::<f64>());
            let action: [f64; 3] = std::array::from_fn(|axis| best[axis] + normal());
            let e: [f64; 3] = std::array::from_fn(|axis| action[axis] - best[axis]);
            let reward = -0.2 * (e[0] * e[0] + e[1] * e[1]).sqrt() - 0.2 * e[2].abs();
            (seen, action, reward + 0.05 * normal())
        };
        (0..n).map(trial).collect()
    }

    fn samples(trials: &[([f64; 3], [f64; 3], f64)]) -> Vec<Sample<'_>> {
        trials
            .iter()
            .map(|(seen, action, reward)| Sample {
                seen,
                action: *action,
                reward: *reward,
                weight: 1.0,
            })
            .collect()
    }

    fn prior() -> RewardPrior<'static> {
        let form = Form::Distance;
        let shape = form.shape();
        RewardPrior { form, noise: 0.09, mean: &[], constant: 2.0, weights: 2.0, shape }
    }

    fn start(optimum: [f64; 3]) -> Vec<f64> {
        RewardFit::start(3, optimum, Form::Distance.shape())
    }

    /// Of x, y and yaw: constant, first and second component.
    const TRUTH: [[f64; 3]; 3] = [[0.5, 1.0, -0.5], [-0.2, 0.3, 0.8], [0.1, -1.2, 0.4]];

    #[test]
    fn the_optimum_is_found_from_rewards_alone_and_its_spread_is_honest() {
        let trials = trials(150);
        let samples = samples(&trials);
        let starts = [start([0.0; 3]), start([1.0, -1.0, 0.5])];
        let fit = RewardFit::of(&starts, &samples, prior()).unwrap();
        for (axis, row) in TRUTH.iter().enumerate() {
            for (i, truth) in row.iter().enumerate() {
                let at = 3 * i + axis;
                let spread: f64 = (0..=at).map(|j| fit.spread[(at, j)].powi(2)).sum::<f64>().sqrt();
                let off = fit.values[at] - truth;
                assert!(off.abs() < 0.15 && off.abs() < 4.0 * spread, "{off} of {spread}");
            }
        }
        let at = |seen: [f64; 3]| fit.spread_at(Form::Distance, &seen).unwrap();
        let (near, far) = (at([1.0, 0.0, 0.0]), at([1.0, 6.0, -6.0]));
        assert!((0..3).all(|axis| near[axis] < far[axis]), "{near:?} {far:?}");
        assert!((0..3).all(|axis| (0.01..0.4).contains(&near[axis])), "{near:?}");
        assert_eq!(fit.spread_at(Form::Quadratic, &[1.0, 0.0, 0.0]), None, "it has no rounding");
        assert!(fit.drawn(&[1.0, 0.0, 0.0], &[0.0; 9]) == fit.optimum(&[1.0, 0.0, 0.0]));
        assert!(fit.drawn(&[1.0, 0.0, 0.0], &[1.0; 9]) != fit.optimum(&[1.0, 0.0, 0.0]));
    }

    #[test]
    fn the_slopes_of_every_form_are_its_differences() {
        let (e, logs) = ([0.7, -0.4, 0.5], [0.1, -0.5, -0.9, -0.3f64]);
        let at = |form: Form, e: [f64; 3], l: [f64; 4]| {
            form.at(e, [l[0], libm::exp(l[1]), libm::exp(l[2]), libm::exp(l[3])])
        };
        for form in [Form::Distance, Form::Quadratic, Form::Bump] {
            let (told, along, of_shape) = at(form, e, logs);
            for axis in 0..3 {
                // As the optimum moves on, the error shrinks.
                let mut moved = e;
                moved[axis] -= 1e-6;
                let slope = (at(form, moved, logs).0 - told) / 1e-6;
                assert!((slope - along[axis]).abs() < 1e-4, "{form:?} {axis}: {slope}");
            }
            for part in 0..4 {
                let mut other = logs;
                other[part] += 1e-6;
                let slope = (at(form, e, other).0 - told) / 1e-6;
                assert!((slope - of_shape[part]).abs() < 1e-4, "{form:?} {part}: {slope}");
            }
        }
    }

    #[test]
    fn a_start_that_is_not_a_number_gives_no_fit() {
        let trials = trials(10);
        let samples = samples(&trials);
        assert!(RewardFit::of(&[start([f64::NAN; 3])], &samples, prior()).is_none());
        assert!(RewardFit::of(&[], &samples, prior()).is_none());
    }
}
