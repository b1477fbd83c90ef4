//! Arithmetic of poses: `p[x, y, z, rx, ry, rz]` in m and rad, rotation vector.

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};

pub fn transform([x, y, z, rx, ry, rz]: [f64; 6]) -> Isometry3<f64> {
    Isometry3::from_parts(
        Translation3::new(x, y, z),
        UnitQuaternion::from_scaled_axis(Vector3::new(rx, ry, rz)),
    )
}

pub fn six(transform: Isometry3<f64>) -> [f64; 6] {
    let at = transform.translation;
    let turn = transform.rotation.scaled_axis();
    [at.x, at.y, at.z, turn.x, turn.y, turn.z]
}

/// `pose_trans`: `from_to` as seen from `from`.
pub fn trans(from: [f64; 6], from_to: [f64; 6]) -> [f64; 6] {
    six(transform(from) * transform(from_to))
}

pub fn inverse(pose: [f64; 6]) -> [f64; 6] {
    six(transform(pose).inverse())
}

/// `pose_add`: positions added, rotations multiplied.
pub fn add(a: [f64; 6], b: [f64; 6]) -> [f64; 6] {
    let (a, b) = (transform(a), transform(b));
    six(Isometry3::from_parts(
        Translation3::from(a.translation.vector + b.translation.vector),
        a.rotation * b.rotation,
    ))
}

/// `pose_sub`: what `pose_add` adds to `from`, as the manual's name and example say; it gives no
/// formula for the order of the rotations.
pub fn subtract(to: [f64; 6], from: [f64; 6]) -> [f64; 6] {
    let (to, from) = (transform(to), transform(from));
    six(Isometry3::from_parts(
        Translation3::from(to.translation.vector - from.translation.vector),
        from.rotation.inverse() * to.rotation,
    ))
}

/// `interpolate_pose`: a straight line and the shortest turn; `alpha` may lie outside of 0 to 1.
pub fn interpolate(from: [f64; 6], to: [f64; 6], alpha: f64) -> [f64; 6] {
    let (from, to) = (transform(from), transform(to));
    let way = to.translation.vector - from.translation.vector;
    let turn = (from.rotation.inverse() * to.rotation).scaled_axis();
    six(Isometry3::from_parts(
        Translation3::from(from.translation.vector + way * alpha),
        from.rotation * UnitQuaternion::from_scaled_axis(turn * alpha),
    ))
}

/// Distance of two positions, m.
pub fn point_distance(a: [f64; 6], b: [f64; 6]) -> f64 {
    (transform(a).translation.vector - transform(b).translation.vector).norm()
}

/// `rpy2rotvec`: Rz(yaw) Ry(pitch) Rx(roll) as a rotation vector.
pub fn rotation_vector([roll, pitch, yaw]: [f64; 3]) -> [f64; 3] {
    UnitQuaternion::from_euler_angles(roll, pitch, yaw).scaled_axis().into()
}

/// `rotvec2rpy`.
pub fn roll_pitch_yaw(rotation_vector: [f64; 3]) -> [f64; 3] {
    UnitQuaternion::from_scaled_axis(Vector3::from(rotation_vector)).euler_angles().into()
}
