use serde::{Deserialize, Serialize};

use super::Pose2;

/// How a trial ended. A failed task is an outcome, not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The plate was let go and lies at the target, well or badly.
    Placed,
    /// The fingers closed on nothing.
    NoGrasp,
    /// The plate left the hand on the way, or fell off the target.
    Dropped,
    /// The plate is stuck short of its seat.
    Jammed,
    /// The plate rests on a guide instead of between the guides.
    Climbed,
    /// Placed, but the measurement of the placement failed.
    MeasurementLost,
    /// The trial was cut off (power, crash, cancel) after motion may have begun.
    Interrupted,
}

impl Outcome {
    pub const ALL: [Self; 7] = [
        Self::Placed,
        Self::NoGrasp,
        Self::Dropped,
        Self::Jammed,
        Self::Climbed,
        Self::MeasurementLost,
        Self::Interrupted,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::NoGrasp => "no_grasp",
            Self::Dropped => "dropped",
            Self::Jammed => "jammed",
            Self::Climbed => "climbed",
            Self::MeasurementLost => "measurement_lost",
            Self::Interrupted => "interrupted",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.name() == name)
    }
}

/// Where the released plate lies, in the target frame: the signed error of the placement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    #[serde(flatten)]
    pub pose: Pose2,
    /// Height of the plate's bottom centre above its seat.
    pub z_mm: f64,
    /// Angle between the plate's normal and the vertical.
    pub tilt_deg: f64,
}

/// Within a millimetre on x and y, within a degree of yaw, and seated.
pub fn is_success(outcome: Outcome, placement: Option<&Placement>, seated: bool) -> bool {
    outcome == Outcome::Placed && seated && placement.is_some_and(|p| is_close(p.pose))
}

/// Less than 1 mm off on x and y, and less than 1 deg.
pub fn is_close(error: Pose2) -> bool {
    error.axes().iter().all(|axis| axis.abs() < 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x_mm: f64, y_mm: f64, yaw_deg: f64) -> Placement {
        Placement { pose: Pose2::new(x_mm, y_mm, yaw_deg), z_mm: 0.0, tilt_deg: 0.0 }
    }

    #[test]
    fn success_wants_every_axis_and_the_seat() {
        assert!(is_success(Outcome::Placed, Some(&at(0.9, -0.9, 0.9)), true));
        assert!(!is_success(Outcome::Placed, Some(&at(0.9, -0.9, 0.9)), false));
        assert!(!is_success(Outcome::Placed, Some(&at(1.1, 0.0, 0.0)), true));
        assert!(!is_success(Outcome::Placed, Some(&at(0.0, 0.0, -1.1)), true));
        assert!(!is_success(Outcome::Placed, None, true));
        assert!(!is_success(Outcome::Jammed, Some(&at(0.0, 0.0, 0.0)), true));
    }

    #[test]
    fn outcome_names_read_back_and_match_their_json() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::from_name(outcome.name()), Some(outcome));
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.name());
        }
    }
}
