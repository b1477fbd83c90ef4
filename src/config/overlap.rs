use nalgebra::{Isometry3, Vector3};

use super::StaticBox;
use super::mjcf::corners;

impl StaticBox {
    /// How deep this part overlaps another box (`world_from_box`, half sides), metres; negative:
    /// a lower bound of their distance apart.
    pub fn overlap(&self, other: &Isometry3<f64>, other_half: &Vector3<f64>) -> f64 {
        overlap(&self.world_from_box, &self.half, other, other_half)
    }
}

/// How deep two boxes overlap, metres; negative: a lower bound of their distance apart. By the
/// separating axis theorem.
fn overlap(
    a: &Isometry3<f64>,
    a_half: &Vector3<f64>,
    b: &Isometry3<f64>,
    b_half: &Vector3<f64>,
) -> f64 {
    let axes = |pose: &Isometry3<f64>| {
        let turn = pose.rotation.to_rotation_matrix();
        [0, 1, 2].map(|i| turn.matrix().column(i).into_owned())
    };
    let (of_a, of_b) = (axes(a), axes(b));
    let edges = of_a.iter().flat_map(|u| of_b.iter().map(|v| u.cross(v)));
    let candidates = of_a.iter().chain(&of_b).copied().chain(edges);
    candidates
        .filter_map(|axis| axis.try_normalize(1e-6))
        .map(|axis| {
            let span = |pose, half| {
                let along = corners(pose, half).map(|c| c.coords.dot(&axis));
                (
                    along.iter().copied().fold(f64::INFINITY, f64::min),
                    along.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                )
            };
            let ((a_low, a_high), (b_low, b_high)) = (span(a, a_half), span(b, b_half));
            (a_high - b_low).min(b_high - a_low)
        })
        .fold(f64::INFINITY, f64::min)
}
