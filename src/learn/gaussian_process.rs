use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

/// A Gaussian process over contexts and corrections, by a few inducing trials: the subset of regressors
/// (Quinonero-Candela & Rasmussen, JMLR 2005), so that a fit of n trials costs n m^2 and a mean m.
///
/// `k = s^2 exp(-|x - x'|^2 / 2 lx^2) exp(-|a - a'|^2 / 2 la^2)`. Units of a: mm and deg.
#[derive(Clone, Debug)]
pub struct GaussianProcess {
    kernel: Kernel,
    inducing: Vec<Point>,
    /// Lower Cholesky factor of the inducing trials' own covariance.
    own: DMatrix<f64>,
    /// Posterior of the m regressors: mean, and lower Cholesky factor of its precision.
    mean: DVector<f64>,
    precision: DMatrix<f64>,
    /// Mean square of what it leaves of the rewards.
    pub misfit: f64,
}

/// Length scales and standard deviations.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    pub context_length: f64,
    /// mm and deg.
    pub action_length: f64,
    /// Of the function, in units of reward.
    pub deviation: f64,
    /// Of the reward about the function.
    pub noise: f64,
}

/// What was seen, and the correction.
pub type Point = (Vec<f64>, [f64; 3]);

/// A function of the correction for one context, as weights of the inducing trials.
#[derive(Clone, Debug)]
pub struct Slice<'a> {
    process: &'a GaussianProcess,
    weights: Vec<f64>,
}

impl Kernel {
    fn of_contexts(&self, a: &[f64], b: &[f64]) -> f64 {
        let square: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
        libm::exp(-0.5 * square / (self.context_length * self.context_length))
    }

    fn of_axis(&self, a: f64, b: f64) -> f64 {
        libm::exp(-0.5 * ((a - b) / self.action_length).powi(2))
    }

    fn of(&self, (x, a): &Point, (y, b): &Point) -> f64 {
        let square: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
        let of_actions = libm::exp(-0.5 * square / (self.action_length * self.action_length));
        self.deviation * self.deviation * self.of_contexts(x, y) * of_actions
    }
}

impl GaussianProcess {
    /// Fitted to trials and their rewards, of which `inducing`, spread evenly, carry the process. `None`
    /// if the numbers do not allow it.
    pub fn fit(kernel: Kernel, points: &[Point], rewards: &[f64], inducing: usize) -> Option<Self> {
        let (n, m) = (points.len(), inducing.min(points.len()));
        let level = rewards.iter().sum::<f64>() / n as f64;
        let inducing: Vec<Point> = (0..m).map(|i| points[i * n / m].clone()).collect();
        let jitter = 1e-6 * kernel.deviation * kernel.deviation;
        let own = DMatrix::from_fn(m, m, |i, j| {
            kernel.of(&inducing[i], &inducing[j]) + if i == j { jitter } else { 0.0 }
        });
        let own = Cholesky::new(own)?.unpack();
        let cross = DMatrix::from_fn(m, n, |i, j| kernel.of(&inducing[i], &points[j]));
        let regressors = own.solve_lower_triangular(&cross)?;
        let scale = 1.0 / (kernel.noise * kernel.noise);
        let mut precision = &regressors * regressors.transpose() * scale;
        for i in 0..m {
            precision[(i, i)] += 1.0;
        }
        let above = DVector::from_iterator(n, rewards.iter().map(|reward| reward - level));
        let pull = &regressors * &above * scale;
        let precision: Cholesky<f64, Dyn> = Cholesky::new(precision)?;
        let mean = precision.solve(&pull);
        let misfit = (regressors.tr_mul(&mean) - above).norm_squared() / n as f64;
        let precision = precision.unpack();
        misfit.is_finite().then_some(Self { kernel, inducing, own, mean, precision, misfit })
    }

    /// How many unit normals a draw needs.
    pub fn size(&self) -> usize {
        self.inducing.len()
    }

    /// For what is seen: the mean, or the draw from the posterior that these unit normals make.
    pub fn slice(&self, seen: &[f64], unit: Option<Vec<f64>>) -> Slice<'_> {
        let mut regression = self.mean.clone();
        if let Some(unit) = unit {
            // Precision L L^T: what L^-T makes of unit normals has its inverse as covariance.
            let off = self.precision.tr_solve_lower_triangular(&DVector::from_vec(unit));
            regression += off.unwrap_or_else(|| DVector::zeros(self.size()));
        }
        let weights = self.own.tr_solve_lower_triangular(&regression).unwrap_or(regression);
        let square = self.kernel.deviation * self.kernel.deviation;
        let weight = |((x, _), w): (&Point, &f64)| w * square * self.kernel.of_contexts(seen, x);
        let weights = self.inducing.iter().zip(weights.iter()).map(weight).collect();
        Slice { process: self, weights }
    }
}

/// Candidates an axis, each time that one is looked for.
const SIDE: usize = 7;
/// Times that the search draws closer about the best candidate.
const LEVELS: usize = 3;

impl Slice<'_> {
    /// The best correction within +-`half`, by grids that draw closer.
    pub fn best(&self, half: [f64; 3]) -> [f64; 3] {
        let (mut centre, mut reach) = ([0.0; 3], half);
        for _ in 0..LEVELS {
            let at = |axis: usize, i: usize| {
                let share = 2.0 * i as f64 / (SIDE - 1) as f64 - 1.0;
                (centre[axis] + share * reach[axis]).clamp(-half[axis], half[axis])
            };
            let best = self.best_of(&at);
            centre = std::array::from_fn(|axis| at(axis, best[axis]));
            reach = reach.map(|reach| 2.0 * reach / SIDE as f64);
        }
        centre
    }

    /// The best of the grid whose coordinates are `at(axis, i)`. The kernel is a product over the axes: each
    /// axis's factors are computed once.
    fn best_of(&self, at: &impl Fn(usize, usize) -> f64) -> [usize; 3] {
        let GaussianProcess { kernel, inducing, .. } = self.process;
        let factors = |axis: usize| -> Vec<Vec<f64>> {
            let of =
                |here: f64| inducing.iter().map(|(_, a)| kernel.of_axis(here, a[axis])).collect();
            (0..SIDE).map(|i| of(at(axis, i))).collect()
        };
        let [of_x, of_y, of_yaw] = [0, 1, 2].map(factors);
        let (mut best, mut highest) = ([SIDE / 2; 3], f64::NEG_INFINITY);
        for (x, of_x) in of_x.iter().enumerate() {
            for (y, of_y) in of_y.iter().enumerate() {
                let both = of_x.iter().zip(of_y).zip(&self.weights).map(|((x, y), w)| x * y * w);
                let both: Vec<f64> = both.collect();
                for (yaw, of_yaw) in of_yaw.iter().enumerate() {
                    let value: f64 = both.iter().zip(of_yaw).map(|(b, f)| b * f).sum();
                    if value > highest {
                        (best, highest) = ([x, y, yaw], value);
                    }
                }
            }
        }
        best
    }

    /// The function at a correction, above the mean of all rewards.
    #[cfg(test)]
    fn at(&self, action: [f64; 3]) -> f64 {
        let GaussianProcess { kernel, inducing, .. } = self.process;
        let of = |((_, a), w): (&Point, &f64)| {
            w * (0..3).map(|axis| kernel.of_axis(action[axis], a[axis])).product::<f64>()
        };
        inducing.iter().zip(&self.weights).map(of).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KERNEL: Kernel =
        Kernel { context_length: 2.0, action_length: 2.0, deviation: 0.5, noise: 0.05 };

    /// A reward whose optimum is where the context says.
    fn trials(n: usize) -> (Vec<Point>, Vec<f64>) {
        let of = |i: usize| {
            let x = ((i * 7) % 11) as f64 / 5.5 - 1.0;
            // Without a common period, so that axes and context do not move together.
            let a = [i * 5 % 13, i * 7 % 17, i * 4 % 19];
            let a = [0, 1, 2].map(|k| 6.0 * a[k] as f64 / [12.0, 16.0, 18.0][k] - 3.0);
            let off = (a[0] - x).powi(2) + (a[1] + x).powi(2) + a[2] * a[2];
            ((vec![1.0, x], a), -0.05 * off)
        };
        (0..n).map(of).unzip()
    }

    #[test]
    fn it_finds_the_optimum_that_moves_with_the_context() {
        let (points, rewards) = trials(400);
        let process = GaussianProcess::fit(KERNEL, &points, &rewards, 150).unwrap();
        for x in [-0.8, 0.0, 0.8] {
            let best = process.slice(&[1.0, x], None).best([3.0; 3]);
            for (axis, is) in best.into_iter().zip([x, -x, 0.0]) {
                assert!((axis - is).abs() < 0.4, "{best:?} at {x}");
            }
        }
    }

    #[test]
    fn with_all_trials_inducing_it_is_the_process_itself() {
        let (points, rewards) = trials(30);
        let process = GaussianProcess::fit(KERNEL, &points, &rewards, 30).unwrap();
        let noisy = DMatrix::from_fn(30, 30, |i, j| {
            KERNEL.of(&points[i], &points[j]) + if i == j { 0.05 * 0.05 } else { 0.0 }
        });
        let level = rewards.iter().sum::<f64>() / 30.0;
        let above = DVector::from_iterator(30, rewards.iter().map(|reward| reward - level));
        let weights = Cholesky::new(noisy).unwrap().solve(&above);
        let asked: Point = (vec![1.0, 0.3], [0.5, -1.0, 0.25]);
        let exact: f64 =
            points.iter().zip(weights.iter()).map(|(p, w)| w * KERNEL.of(p, &asked)).sum();
        let ours = process.slice(&asked.0, None).at(asked.1);
        assert!((ours - exact).abs() < 2e-3, "{ours} {exact}");
    }

    #[test]
    fn draws_spread_about_the_mean_and_less_with_more_trials() {
        let spread = |n: usize| {
            let (points, rewards) = trials(n);
            let process = GaussianProcess::fit(KERNEL, &points, &rewards, 20).unwrap();
            let mean = process.slice(&[1.0, 0.0], None).at([0.0; 3]);
            let drawn = |k: usize| {
                let unit = (0..process.size()).map(|i| if i % 9 == k { 3.0 } else { 0.0 });
                process.slice(&[1.0, 0.0], Some(unit.collect())).at([0.0; 3]) - mean
            };
            (0..9).map(|k| drawn(k).powi(2)).sum::<f64>()
        };
        assert!(spread(20) > 0.0 && spread(200) < spread(20));
    }

    #[test]
    fn a_reward_that_is_not_a_number_gives_no_fit() {
        let (points, mut rewards) = trials(20);
        rewards[3] = f64::NAN;
        assert!(GaussianProcess::fit(KERNEL, &points, &rewards, 10).is_none());
    }
}
