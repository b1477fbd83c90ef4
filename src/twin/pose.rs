//! Poses as the controller writes them: position in metres, then a rotation vector in radians.

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};

/// `x, y, z, rx, ry, rz` as a transform.
pub fn isometry(pose: &[f64; 6]) -> Isometry3<f64> {
    let [x, y, z, rx, ry, rz] = *pose;
    let rotation = UnitQuaternion::from_scaled_axis(Vector3::new(rx, ry, rz));
    Isometry3::from_parts(Translation3::new(x, y, z), rotation)
}

/// A transform as `x, y, z, rx, ry, rz`.
pub fn vector(pose: &Isometry3<f64>) -> [f64; 6] {
    let at = pose.translation.vector;
    let turn = pose.rotation.scaled_axis();
    [at.x, at.y, at.z, turn.x, turn.y, turn.z]
}
