//! Between rapier's glam in f32 and nalgebra in f64.

use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion, Vector3};
use rapier3d::math::{Pose, Rotation, Vector};

pub(super) fn pose(isometry: &Isometry3<f64>) -> Pose {
    let [x, y, z] = isometry.translation.vector.map(|v| v as f32).into();
    let q = isometry.rotation.coords.map(|v| v as f32);
    Pose::from_parts(Vector::new(x, y, z), Rotation::from_xyzw(q.x, q.y, q.z, q.w).normalize())
}

pub(super) fn isometry(pose: &Pose) -> Isometry3<f64> {
    let [x, y, z, w] = pose.rotation.to_array().map(f64::from);
    let rotation = UnitQuaternion::from_quaternion(Quaternion::new(w, x, y, z));
    Isometry3::from_parts(Translation3::from(vector(pose.translation)), rotation)
}

pub(super) fn vector(v: Vector) -> Vector3<f64> {
    Vector3::from(v.to_array().map(f64::from))
}

/// A vector, or half the sides of a box.
pub(super) fn vector_of(sides: &Vector3<f64>) -> Vector {
    let [x, y, z] = sides.map(|v| v as f32).into();
    Vector::new(x, y, z)
}
