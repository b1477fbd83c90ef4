use super::{CellError, Stop};
use crate::config::Unsure;

/// What a cell asks of a policy before it lets it correct: one that is less sure has declined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Doubt {
    /// Probability of a placement within a millimetre and a degree, 0 to 1.
    pub min_confidence: f64,
    pub unsure: Unsure,
}

/// Within this a placement is a success, mm an axis and deg.
const CLOSE: f64 = 1.0;

/// Probability that a placement ends within a millimetre an axis and a degree, if its errors are normal about zero
/// with these standard deviations (mm, mm, deg).
pub fn confidence(spread: [f64; 3]) -> f64 {
    // A spread of zero is certain: erf of infinity is 1.
    spread.iter().map(|sd| libm::erf(CLOSE / (sd.abs() * std::f64::consts::SQRT_2))).product()
}

impl Doubt {
    /// Does a policy that says so decline? One that does not say how sure it is never does.
    ///
    /// # Errors
    /// A person is to be asked.
    pub fn declines(&self, spread: Option<[f64; 3]>) -> Result<bool, CellError> {
        let Some(spread) = spread else { return Ok(false) };
        let sure = confidence(spread);
        // What is not a number is not sure.
        match (sure >= self.min_confidence, self.unsure) {
            (true, _) => Ok(false),
            (false, Unsure::NoCorrection) => Ok(true),
            (false, Unsure::Person) => {
                let [x, y, yaw] = spread;
                Err(CellError::NeedsPerson(Stop {
                    reason: format!(
                        "the policy declines: it expects {x:.2} mm, {y:.2} mm, {yaw:.2} deg (standard deviations), \
                         so that it is {:.0} % sure, and eyes.min_confidence asks for {:.0} %",
                        100.0 * sure,
                        100.0 * self.min_confidence
                    ),
                    advice: "look at plate, light and camera; train on, or ask for less".to_owned(),
                }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_as_sure_as_its_placements_are_likely_to_succeed() {
        assert_eq!(confidence([0.0; 3]), 1.0);
        // One standard deviation an axis: 68.27 % each.
        assert!((confidence([1.0, 1.0, 1.0]) - 0.6827f64.powi(3)).abs() < 1e-4);
        assert!((confidence([0.5, 0.0, 0.0]) - 0.9545).abs() < 1e-4);
        assert!(confidence([9.0, 0.1, 0.1]) < 0.1);
    }

    #[test]
    fn the_unsure_decline_as_the_cell_asks_and_the_silent_never_do() {
        let asks = |unsure| Doubt { min_confidence: 0.8, unsure };
        for unsure in [Unsure::Person, Unsure::NoCorrection] {
            assert!(!asks(unsure).declines(None).unwrap());
            assert!(!asks(unsure).declines(Some([0.3; 3])).unwrap());
        }
        assert!(asks(Unsure::NoCorrection).declines(Some([0.9; 3])).unwrap());
        assert!(asks(Unsure::NoCorrection).declines(Some([f64::NAN; 3])).unwrap());
        let error = asks(Unsure::Person).declines(Some([0.9; 3])).unwrap_err().to_string();
        assert!(error.contains("declines") && error.contains("80 %"), "{error}");
    }
}
