use nalgebra::{DMatrix, Isometry3, Matrix3, Point2, Rotation3, UnitQuaternion, Vector3};

/// The projective map that takes each first point to its second: direct linear transformation with
/// normalised points (Hartley 1997, "In defense of the eight-point algorithm"). `None` for fewer than
/// four pairs, or where they lie on a line.
pub(super) fn homography(pairs: &[(Point2<f64>, Point2<f64>)]) -> Option<Matrix3<f64>> {
    if pairs.len() < 4 {
        return None;
    }
    let from = normaliser(pairs.iter().map(|pair| pair.0))?;
    let to = normaliser(pairs.iter().map(|pair| pair.1))?;
    let mut rows = DMatrix::zeros(2 * pairs.len(), 9);
    for (at, (a, b)) in pairs.iter().enumerate() {
        let (a, b) = (from.transform_point(a), to.transform_point(b));
        let a = [a.x, a.y, 1.0];
        for (column, a) in a.into_iter().enumerate() {
            rows[(2 * at, column)] = a;
            rows[(2 * at, column + 6)] = -b.x * a;
            rows[(2 * at + 1, column + 3)] = a;
            rows[(2 * at + 1, column + 6)] = -b.y * a;
        }
    }
    let eigen = rows.tr_mul(&rows).symmetric_eigen();
    let mut order: Vec<usize> = (0..9).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*a].total_cmp(&eigen.eigenvalues[*b]));
    // A second direction as free as the first: the points do not tell.
    if eigen.eigenvalues[order[1]] < 1e-9 * eigen.eigenvalues[order[8]] {
        return None;
    }
    let h = eigen.eigenvectors.column(order[0]);
    let h = Matrix3::new(h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], h[8]);
    let h = to.try_inverse()? * h * from;
    h.iter().all(|x| x.is_finite()).then_some(h)
}

/// Moves points' middle to the origin, and scales their mean distance from it to a square's diagonal.
fn normaliser(points: impl Iterator<Item = Point2<f64>> + Clone) -> Option<Matrix3<f64>> {
    let count = points.clone().count() as f64;
    let middle = points.clone().fold(nalgebra::Vector2::zeros(), |sum, p| sum + p.coords) / count;
    let far = points.fold(0.0, |sum, point| sum + (point.coords - middle).norm()) / count;
    let scale = std::f64::consts::SQRT_2 / far;
    let usable = scale.is_finite() && scale > 0.0;
    usable.then(|| {
        Matrix3::new(scale, 0.0, -scale * middle.x, 0.0, scale, -scale * middle.y, 0.0, 0.0, 1.0)
    })
}

/// Pose of a plane in front of a camera, `camera_from_plane`, from the map of its points to directions
/// (x/z, y/z); lengths as the plane's.
pub(super) fn pose(directions_from_plane: &Matrix3<f64>) -> Option<Isometry3<f64>> {
    let h = directions_from_plane;
    let scale = 2.0 / (h.column(0).norm() + h.column(1).norm());
    // What is seen lies ahead.
    let scale = if h[(2, 2)] < 0.0 { -scale } else { scale };
    let [x, y, t] = [0, 1, 2].map(|column| Vector3::from(h.column(column)) * scale);
    let rough = Matrix3::from_columns(&[x, y, x.cross(&y)]);
    let svd = rough.svd(true, true);
    let turn = svd.u? * svd.v_t?;
    let fine = turn.determinant() > 0.0 && turn.iter().chain(t.iter()).all(|v| v.is_finite());
    fine.then(|| {
        let turn = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(turn));
        Isometry3::from_parts(t.into(), turn)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_plane_seen_without_noise_gives_its_pose(
            tilt in prop::array::uniform3(-0.6..0.6f64), at in prop::array::uniform2(-0.1..0.1f64),
            far in 0.3..0.8f64,
        ) {
            let turn = UnitQuaternion::from_scaled_axis(Vector3::from(tilt));
            let down = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI);
            let truth = Isometry3::from_parts(Vector3::new(at[0], at[1], far).into(), down * turn);
            let pairs: Vec<_> = (0..20)
                .map(|i| Point2::new(f64::from(i % 5) * 0.02 - 0.04, f64::from(i / 5) * 0.02 - 0.03))
                .map(|on| {
                    let seen = truth * nalgebra::Point3::new(on.x, on.y, 0.0);
                    (on, Point2::new(seen.x / seen.z, seen.y / seen.z))
                })
                .collect();
            let found = pose(&homography(&pairs).unwrap()).unwrap();
            let off = truth.inverse() * found;
            prop_assert!(off.translation.vector.norm() < 1e-6, "{}", off);
            prop_assert!(off.rotation.angle() < 1e-5, "{}", off);
        }
    }

    #[test]
    fn points_on_a_line_and_too_few_points_tell_no_map() {
        let pair = |x: f64, y: f64| (Point2::new(x, y), Point2::new(2.0 * x, y));
        assert!(homography(&[pair(0.0, 0.0), pair(1.0, 0.0), pair(0.0, 1.0)]).is_none());
        let line: Vec<_> = (0..8).map(|i| pair(f64::from(i), 2.0 * f64::from(i))).collect();
        assert!(homography(&line).is_none());
        assert!(homography(&vec![pair(1.0, 1.0); 8]).is_none());
    }
}
