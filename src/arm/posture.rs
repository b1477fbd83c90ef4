/// How far a posture is from the singular ones that six-joint arms have: where the elbow or the wrist is straight, or
/// the wrist stands above the shoulder. Signs tell on which side of each it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Posture {
    /// Sine of the elbow's angle from straight.
    pub elbow: f64,
    /// Sine of the wrist's angle from straight.
    pub wrist: f64,
    /// Distance of the wrist beside the shoulder's axis, metres.
    pub shoulder: f64,
}

/// The singular posture that one is too near to.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Singular {
    #[error("the wrist is nearly straight: joint 5 at {angle_deg:.1} deg, allowed 3 deg or more")]
    Wrist { angle_deg: f64 },
    #[error("the elbow is nearly straight: joint 3 at {angle_deg:.1} deg, allowed 3 deg or more")]
    Elbow { angle_deg: f64 },
    #[error("the wrist is nearly above the shoulder: {off_mm:.1} mm beside, allowed 20 mm or more")]
    Shoulder { off_mm: f64 },
}

/// Sine of the smallest angle (3 deg) that elbow and wrist keep from being straight.
const BENT: f64 = 0.0523;
/// The wrist keeps this distance from standing above the shoulder, metres.
const BESIDE: f64 = 0.02;

impl Posture {
    /// On which side of each singular posture it is, if clear of all.
    pub fn sides(&self) -> Result<[bool; 3], Singular> {
        let clear =
            self.elbow.abs() >= BENT && self.wrist.abs() >= BENT && self.shoulder.abs() >= BESIDE;
        if !clear {
            return Err(self.flattest());
        }
        Ok([self.elbow > 0.0, self.wrist > 0.0, self.shoulder > 0.0])
    }

    /// The one it is nearest to.
    pub fn flattest(&self) -> Singular {
        let angle_deg = |sine: f64| libm::asin(sine).to_degrees();
        let shares =
            [self.elbow.abs() / BENT, self.wrist.abs() / BENT, self.shoulder.abs() / BESIDE];
        let least = shares.into_iter().fold(f64::INFINITY, f64::min);
        if shares[0] == least {
            Singular::Elbow { angle_deg: angle_deg(self.elbow) }
        } else if shares[1] == least {
            Singular::Wrist { angle_deg: angle_deg(self.wrist) }
        } else {
            Singular::Shoulder { off_mm: self.shoulder * 1e3 }
        }
    }
}
