use nalgebra::{Cholesky, DMatrix, DVector};

/// A least-squares problem: residuals of values.
pub(super) trait Residuals {
    /// Residuals, as many for all values and none of them infinite; `None` where the values make no
    /// sense.
    fn at(&self, values: &DVector<f64>) -> Option<DVector<f64>>;

    /// Step of each value that slopes are differences of.
    fn step(&self, value: usize) -> f64;

    /// Which residuals a value may change: all, unless a problem knows better.
    fn slopes(&self, values: &DVector<f64>) -> Option<DMatrix<f64>> {
        let mut columns = Vec::with_capacity(values.len());
        for value in 0..values.len() {
            let step = self.step(value);
            let moved = |by: f64| {
                let mut moved = values.clone();
                moved[value] += by;
                self.at(&moved)
            };
            columns.push((moved(step)? - moved(-step)?) / (2.0 * step));
        }
        Some(DMatrix::from_columns(&columns))
    }
}

/// Where the sum of squares is least.
#[derive(Debug)]
pub(super) struct Solved {
    pub values: DVector<f64>,
    pub residuals: DVector<f64>,
    /// Covariance of the values for residuals of standard deviation 1.
    pub covariance: DMatrix<f64>,
}

/// Levenberg and Marquardt's method (Marquardt 1963), each value damped in proportion to its curvature.
/// `None` where the start makes no sense, the residuals do not tell all values, or it does not settle.
pub(super) fn minimise(problem: &impl Residuals, start: DVector<f64>) -> Option<Solved> {
    let mut values = start;
    let mut residuals = problem.at(&values)?;
    let mut damping = 1e-3;
    for _ in 0..ROUNDS {
        let slopes = problem.slopes(&values)?;
        let curvature = slopes.tr_mul(&slopes);
        let downhill = -slopes.tr_mul(&residuals);
        let squares = residuals.norm_squared();
        // Until a step leads down, or none is left that would.
        let settled = loop {
            let mut damped = curvature.clone();
            for value in 0..values.len() {
                damped[(value, value)] *= 1.0 + damping;
            }
            let Some(damped) = Cholesky::new(damped) else {
                damping *= 10.0;
                if damping > 1e8 {
                    return None;
                }
                continue;
            };
            let step = damped.solve(&downhill);
            let small = (0..values.len()).all(|at| step[at].abs() < 1e-3 * problem.step(at));
            let moved = &values + &step;
            match problem.at(&moved) {
                Some(better) if better.norm_squared() <= squares => {
                    let gained = squares - better.norm_squared();
                    (values, residuals) = (moved, better);
                    damping = (damping / 10.0).max(1e-12);
                    break small || gained <= 1e-12 * squares;
                }
                // Differences are not finer than this.
                _ if small => break true,
                _ => damping *= 10.0,
            }
            if damping > 1e12 {
                break true;
            }
        };
        if settled {
            let slopes = problem.slopes(&values)?;
            let covariance = Cholesky::new(slopes.tr_mul(&slopes))?.inverse();
            return Some(Solved { values, residuals, covariance });
        }
    }
    None
}

const ROUNDS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley as two residuals.
    struct Valley;

    impl Residuals for Valley {
        fn at(&self, v: &DVector<f64>) -> Option<DVector<f64>> {
            let residuals = [10.0 * (v[1] - v[0] * v[0]), 1.0 - v[0]];
            residuals.iter().all(|r| r.is_finite()).then(|| DVector::from_row_slice(&residuals))
        }

        fn step(&self, _: usize) -> f64 {
            1e-5
        }
    }

    /// The mean of readings, and a value that nothing depends on.
    struct Mean(Vec<f64>, usize);

    impl Residuals for Mean {
        fn at(&self, v: &DVector<f64>) -> Option<DVector<f64>> {
            Some(DVector::from_iterator(self.0.len(), self.0.iter().map(|x| v[0] - x)))
        }

        fn step(&self, _: usize) -> f64 {
            1e-5
        }
    }

    #[test]
    fn a_bent_valley_is_followed_to_its_end() {
        let solved = minimise(&Valley, DVector::from_row_slice(&[-1.2, 1.0])).unwrap();
        assert!((solved.values - DVector::from_row_slice(&[1.0, 1.0])).norm() < 1e-6);
        assert!(solved.residuals.norm() < 1e-6);
    }

    #[test]
    fn the_covariance_of_a_mean_is_one_over_the_number_of_readings() {
        let mean = Mean(vec![1.0, 2.0, 6.0, 7.0], 1);
        let solved = minimise(&mean, DVector::zeros(mean.1)).unwrap();
        assert!((solved.values[0] - 4.0).abs() < 1e-6);
        assert!((solved.covariance[(0, 0)] - 0.25).abs() < 1e-6);
    }

    #[test]
    fn values_that_nothing_depends_on_and_a_start_without_sense_are_no_solution() {
        assert!(minimise(&Mean(vec![1.0, 2.0], 2), DVector::zeros(2)).is_none());
        assert!(minimise(&Valley, DVector::from_row_slice(&[f64::NAN, 0.0])).is_none());
    }
}
