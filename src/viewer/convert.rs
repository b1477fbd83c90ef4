//! Between the project's poses and bevy's, which are both metres with z up here. Through arrays:
//! bevy's glam is another version than rapier's.

use bevy::math::{Quat, Vec3};
use bevy::transform::components::Transform;
use nalgebra::{Isometry3, Point3, Vector3};

pub fn transform(pose: &Isometry3<f64>) -> Transform {
    let q = pose.rotation.coords.map(|v| v as f32);
    Transform {
        translation: vec3(&pose.translation.vector),
        rotation: Quat::from_xyzw(q.x, q.y, q.z, q.w).normalize(),
        scale: Vec3::ONE,
    }
}

pub fn vec3(v: &Vector3<f64>) -> Vec3 {
    Vec3::from_array(v.map(|v| v as f32).into())
}

pub fn point(p: &Point3<f64>) -> Vec3 {
    vec3(&p.coords)
}
