use serde::{Deserialize, Serialize};

/// A planar pose in the units people read: millimetres, and degrees anticlockwise about z.
///
/// The plate, its offset, a correction and a placement are all poses in the plane; SI and three
/// dimensions begin in `cell`. As a transform it reads `a_from_b`: `x_mm`, `y_mm` is b's origin
/// in a, `yaw_deg` the angle from a's x axis to b's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pose2 {
    pub x_mm: f64,
    pub y_mm: f64,
    pub yaw_deg: f64,
}

/// What a method adds to the nominal pick: a shift in the nominal *plate-centre* frame, so that
/// the ideal correction equals the plate's offset.
pub type Correction = Pose2;

impl Pose2 {
    pub const IDENTITY: Self = Self::new(0.0, 0.0, 0.0);

    /// Axis by axis: how an error is added to a reading.
    pub fn plus(self, error: Self) -> Self {
        let [a, b] = [self, error].map(Self::axes);
        Self::from_axes(std::array::from_fn(|axis| a[axis] + b[axis]))
    }

    pub const fn new(x_mm: f64, y_mm: f64, yaw_deg: f64) -> Self {
        Self { x_mm, y_mm, yaw_deg }
    }

    /// `a_from_c`, where `self` is `a_from_b`.
    pub fn compose(self, b_from_c: Self) -> Self {
        let (sin, cos) = libm::sincos(self.yaw_deg.to_radians());
        Self {
            x_mm: self.x_mm + cos * b_from_c.x_mm - sin * b_from_c.y_mm,
            y_mm: self.y_mm + sin * b_from_c.x_mm + cos * b_from_c.y_mm,
            yaw_deg: wrap_deg(self.yaw_deg + b_from_c.yaw_deg),
        }
    }

    /// `b_from_a`, where `self` is `a_from_b`.
    pub fn inverse(self) -> Self {
        let (sin, cos) = libm::sincos(self.yaw_deg.to_radians());
        Self {
            x_mm: -cos * self.x_mm - sin * self.y_mm,
            y_mm: sin * self.x_mm - cos * self.y_mm,
            yaw_deg: wrap_deg(-self.yaw_deg),
        }
    }

    /// Distance from the origin, mm.
    pub fn translation_mm(self) -> f64 {
        libm::hypot(self.x_mm, self.y_mm)
    }

    /// `[x mm, y mm, yaw deg]`: the order of the three action axes everywhere.
    pub const fn axes(self) -> [f64; 3] {
        [self.x_mm, self.y_mm, self.yaw_deg]
    }

    pub const fn from_axes([x_mm, y_mm, yaw_deg]: [f64; 3]) -> Self {
        Self { x_mm, y_mm, yaw_deg }
    }

    pub fn is_finite(self) -> bool {
        self.axes().iter().all(|v| v.is_finite())
    }
}

/// The same angle in (-180, 180].
fn wrap_deg(angle: f64) -> f64 {
    if (-180.0..=180.0).contains(&angle) && angle != -180.0 {
        return angle;
    }
    let turned = libm::fmod(angle, 360.0);
    match turned {
        t if t > 180.0 => t - 360.0,
        t if t <= -180.0 => t + 360.0,
        t => t,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pose() -> impl Strategy<Value = Pose2> {
        (-500.0..500.0, -500.0..500.0, -180.0..180.0).prop_map(|(x, y, t)| Pose2::new(x, y, t))
    }

    fn near(a: Pose2, b: Pose2) -> bool {
        let turn = wrap_deg(a.yaw_deg - b.yaw_deg).abs();
        (a.x_mm - b.x_mm).abs() < 1e-9 && (a.y_mm - b.y_mm).abs() < 1e-9 && turn < 1e-9
    }

    proptest! {
        #[test]
        fn a_pose_composed_with_its_inverse_is_the_identity(p in pose()) {
            prop_assert!(near(p.compose(p.inverse()), Pose2::IDENTITY));
            prop_assert!(near(p.inverse().compose(p), Pose2::IDENTITY));
        }

        #[test]
        fn composition_is_associative(a in pose(), b in pose(), c in pose()) {
            prop_assert!(near(a.compose(b).compose(c), a.compose(b.compose(c))));
        }

        #[test]
        fn wrapped_angles_stay_in_one_turn(angle in -1e4..1e4f64) {
            let wrapped = wrap_deg(angle);
            prop_assert!(wrapped > -180.0 && wrapped <= 180.0);
            let turns = (angle - wrapped) / 360.0;
            prop_assert!((turns - turns.round()).abs() < 1e-9);
        }
    }

    #[test]
    fn a_quarter_turn_takes_x_to_y() {
        let turned = Pose2::new(0.0, 0.0, 90.0).compose(Pose2::new(2.0, 0.0, 0.0));
        assert!(near(turned, Pose2::new(0.0, 2.0, 90.0)));
    }
}
