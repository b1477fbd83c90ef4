use nalgebra::{Isometry3, Translation3, UnitQuaternion};
use serde::Deserialize;

use crate::input::{Check, ConfigError};

/// A pose in a file: millimetres, and degrees about the fixed x, then y, then z axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    pub xyz_mm: [f64; 3],
    pub rpy_deg: [f64; 3],
}

impl Frame {
    pub fn isometry(&self) -> Isometry3<f64> {
        let [x, y, z] = self.xyz_mm.map(|mm| mm / 1e3);
        let [roll, pitch, yaw] = self.rpy_deg.map(f64::to_radians);
        let rotation = UnitQuaternion::from_euler_angles(roll, pitch, yaw);
        Isometry3::from_parts(Translation3::new(x, y, z), rotation)
    }

    /// The same pose, rounded to a micrometre and a ten-thousandth of a degree.
    pub fn from_isometry(pose: &Isometry3<f64>) -> Self {
        let t = pose.translation.vector;
        let (roll, pitch, yaw) = pose.rotation.euler_angles();
        let round = |value: f64, steps: f64| (value * steps).round() / steps;
        Self {
            xyz_mm: [t.x, t.y, t.z].map(|m| round(m * 1e3, 1e3)),
            rpy_deg: [roll, pitch, yaw].map(|rad| round(rad.to_degrees(), 1e4)),
        }
    }

    /// Finite, and within `reach_mm` of the origin on each axis.
    pub fn check(&self, check: Check<'_>, key: &str, reach_mm: f64) -> Result<(), ConfigError> {
        for mm in self.xyz_mm {
            check.within(&format!("{key}.xyz_mm"), mm, -reach_mm, reach_mm)?;
        }
        for deg in self.rpy_deg {
            check.within(&format!("{key}.rpy_deg"), deg, -360.0, 360.0)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_pose_survives_the_file(
            xyz_mm in prop::array::uniform3(-900.0..900.0f64),
            rpy_deg in prop::array::uniform3(-179.0..179.0f64),
        ) {
            let pose = Frame { xyz_mm, rpy_deg }.isometry();
            let again = Frame::from_isometry(&pose).isometry();
            prop_assert!((pose.translation.vector - again.translation.vector).norm() < 2e-6);
            prop_assert!(pose.rotation.angle_to(&again.rotation) < 1e-5);
        }
    }
}
