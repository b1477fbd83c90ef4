use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};

/// A straight way of the tool, the orientation turning along.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    from: Isometry3<f64>,
    to: Isometry3<f64>,
}

impl Line {
    pub fn new(from: Isometry3<f64>, mut to: Isometry3<f64>) -> Self {
        // Of a rotation's two quaternions the nearer one, or the tool would turn the long way.
        if from.rotation.coords.dot(&to.rotation.coords) < 0.0 {
            to.rotation = UnitQuaternion::new_unchecked(-to.rotation.into_inner());
        }
        Self { from, to }
    }

    /// `world_from_tool` where it begins.
    pub fn from(&self) -> &Isometry3<f64> {
        &self.from
    }

    /// `world_from_tool` where it ends.
    pub fn to(&self) -> &Isometry3<f64> {
        &self.to
    }

    /// `world_from_tool` at a share of the way from 0 to 1.
    pub fn along(&self, share: f64) -> Isometry3<f64> {
        if share >= 1.0 {
            return self.to;
        }
        let (from, to) = (&self.from, &self.to);
        let translation = from.translation.vector.lerp(&to.translation.vector, share);
        // Normalised interpolation needs no trigonometry, so its bits are the same everywhere.
        let rotation = from.rotation.nlerp(&to.rotation, share);
        Isometry3::from_parts(Translation3::from(translation), rotation)
    }

    /// Linear and angular velocity of the tool there, world frame, m and rad for the whole way.
    pub(super) fn velocity(&self, share: f64) -> (Vector3<f64>, Vector3<f64>) {
        let (from, to) = (self.from.rotation.into_inner(), self.to.rotation.into_inner());
        let blend = from.lerp(&to, share);
        let turning = (to - from) * blend.conjugate();
        (
            self.to.translation.vector - self.from.translation.vector,
            turning.imag() * (2.0 / blend.norm_squared()),
        )
    }

    /// Angle between begin and end, rad.
    pub fn turn(&self) -> f64 {
        let between = self.from.rotation.inverse() * self.to.rotation;
        2.0 * libm::atan2(between.imag().norm(), between.w.abs())
    }

    /// Distance between begin and end, metres.
    pub fn way(&self) -> f64 {
        (self.to.translation.vector - self.from.translation.vector).norm()
    }

    /// So short that it need not be made.
    pub fn is_there(&self) -> bool {
        self.way() < Self::THERE && self.turn() < Self::THERE_RAD
    }

    /// Metres, and rad.
    pub const THERE: f64 = 2e-5;
    const THERE_RAD: f64 = 2e-4;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned(axis_angle: Vector3<f64>) -> Isometry3<f64> {
        Isometry3::new(Vector3::new(0.1, -0.2, 0.3), axis_angle)
    }

    #[test]
    fn the_velocity_is_the_slope_of_the_way() {
        let line = Line::new(turned(Vector3::new(0.2, 0.1, -0.4)), turned(Vector3::z()));
        for share in [0.1, 0.5, 0.8] {
            let (behind, ahead) = (line.along(share - 1e-6), line.along(share + 1e-6));
            let (linear, angular) = line.velocity(share);
            let moved = (ahead.translation.vector - behind.translation.vector) / 2e-6;
            let turned = (ahead.rotation * behind.rotation.inverse()).scaled_axis() / 2e-6;
            assert!((linear - moved).norm() < 1e-8 && (angular - turned).norm() < 1e-8);
        }
    }

    #[test]
    fn the_shorter_turn_is_taken_whatever_sign_a_quaternion_has() {
        let (from, mut to) = (turned(Vector3::z() * 0.2), turned(Vector3::z() * 0.4));
        to.rotation = UnitQuaternion::new_unchecked(-to.rotation.into_inner());
        let middle = Line::new(from, to).along(0.5);
        assert!(middle.rotation.angle_to(&turned(Vector3::z() * 0.3).rotation) < 1e-9);
    }
}
