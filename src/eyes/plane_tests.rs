use rand_distr::{Distribution, StandardNormal};

use super::*;
use crate::eyes::drawn::{Drawn, draw, lens, within};

const NOISE_PX: f64 = 0.05;

struct Case {
    camera_from_plane: Isometry3<f64>,
    truth: Pose2,
    corners: Vec<Corner>,
}

/// Corners of a lid that lies on a plane under a camera askew, raised and tilted on request.
fn case(seed: u64, raised: &Isometry3<f64>) -> Case {
    let mut draw = draw(seed);
    let mut any = |range| within(&mut draw, range);
    let truth = Pose2::new(any(12.0), any(12.0), any(12.0));
    let tilt = Vector3::new(any(0.12), any(0.12), any(3.1));
    let world_from_camera = Drawn::over(525.0 + any(75.0)) * UnitQuaternion::from_scaled_axis(tilt);
    let camera_from_plane = world_from_camera.inverse();
    let board = Board::lid();
    let mut corners = Vec::new();
    for tag in &board.tags {
        for on in tag.corners() {
            let flat = truth.compose(Pose2::new(on.x, on.y, 0.0));
            let at = Point3::new(flat.x_mm, flat.y_mm, 0.0) / 1000.0;
            let at = lens().project(&(camera_from_plane * raised * at)).unwrap();
            let mut noise = || {
                NOISE_PX * <StandardNormal as Distribution<f64>>::sample(&StandardNormal, &mut draw)
            };
            corners.push(Corner { tag: tag.id, on, at: at + Vector2::new(noise(), noise()) });
        }
    }
    Case { camera_from_plane, truth, corners }
}

fn off(case: &Case, found: &OnPlane) -> Pose2 {
    case.truth.inverse().compose(found.pose)
}

#[test]
fn a_lid_on_its_plane_is_located_to_hundredths_as_uncertain_as_it_says() {
    let (mut scaled, mut worst) = ([0.0; 3], [0.0f64; 3]);
    for seed in 0..100 {
        let case = case(seed, &Isometry3::identity());
        let found = on_plane(&lens(), &case.camera_from_plane, &case.corners).unwrap();
        let turned = found.pose.axes();
        for (axis, (found_at, truth)) in turned.iter().zip(case.truth.axes()).enumerate() {
            let off = found_at - truth;
            scaled[axis] += (off / found.sd[axis]).powi(2) / 100.0;
            worst[axis] = worst[axis].max(off.abs());
        }
        assert_eq!((found.evidence.corners, found.evidence.left_out), (24, 0));
    }
    assert!(worst[0] < 0.03 && worst[1] < 0.03 && worst[2] < 0.03, "{worst:?}");
    // Mean square error over variance: 1 where the uncertainty is right.
    assert!(scaled.iter().all(|ratio| (0.6..1.5).contains(ratio)), "{scaled:?}");
}

#[test]
fn how_high_and_how_tilted_it_lies_is_told_with_its_uncertainty() {
    let mut scaled = [0.0; 6];
    for seed in 0..60 {
        let raised = Isometry3::new(Vector3::new(0.0, 0.0, 0.003), Vector3::new(0.04, -0.02, 0.0));
        let case = case(seed, &raised);
        let flat = Vector3::new(case.truth.x_mm, case.truth.y_mm, 0.0) / 1000.0;
        let yaw =
            UnitQuaternion::from_axis_angle(&Vector3::z_axis(), case.truth.yaw_deg.to_radians());
        let truth = case.camera_from_plane * raised * Isometry3::from_parts(flat.into(), yaw);
        let found = anywhere(&lens(), &case.corners).unwrap();
        let off = truth.inverse() * found.pose;
        assert!(off.translation.vector.norm() < 0.6e-3, "{seed}: {off}");
        let small = [off.translation.vector, off.rotation.scaled_axis()];
        for at in 0..6 {
            scaled[at] += small[at / 3][at % 3].powi(2) / found.covariance[(at, at)] / 60.0;
        }
    }
    assert!(scaled.iter().all(|ratio| (0.5..1.7).contains(ratio)), "{scaled:?}");
}

#[test]
fn a_wrong_corner_and_a_tag_that_came_off_are_left_out() {
    for seed in 0..20 {
        let mut case = case(seed, &Isometry3::identity());
        case.corners[7].at.x += 3.0;
        let found = on_plane(&lens(), &case.camera_from_plane, &case.corners).unwrap();
        assert_eq!(found.evidence.left_out, 1, "{seed}");
        assert!(off(&case, &found).translation_mm() < 0.05, "{seed}");
        // All of tag 3 as well.
        case.corners[12..16].iter_mut().for_each(|corner| corner.at.y -= 4.0);
        let found = on_plane(&lens(), &case.camera_from_plane, &case.corners).unwrap();
        assert_eq!((found.evidence.left_out, found.evidence.tags), (5, 5), "{seed}");
        assert!(off(&case, &found).translation_mm() < 0.05, "{seed}");
    }
}

#[test]
fn too_few_corners_contradictions_and_large_residuals_are_no_pose() {
    let case = case(1, &Isometry3::identity());
    let plane = &case.camera_from_plane;
    let few = on_plane(&lens(), plane, &case.corners[..4]);
    assert_eq!(few, Err(Poor::TooFew { tags: 1, corners: 4 }));
    assert_eq!(anywhere(&lens(), &[]), Err(Poor::TooFew { tags: 0, corners: 0 }));
    // A plane a hundred millimetres higher makes the board seem too small.
    let wrong = plane * Isometry3::translation(0.0, 0.0, 0.1);
    let error = on_plane(&lens(), &wrong, &case.corners).unwrap_err();
    assert!(matches!(error, Poor::Residual { .. } | Poor::Contradiction { .. }), "{error}");
    // Another board's tags under these numbers.
    let mut mixed = case.corners.clone();
    let places: Vec<_> = case.corners.iter().map(|corner| corner.at).collect();
    mixed.iter_mut().enumerate().for_each(|(i, corner)| corner.at = places[(7 * i + 3) % 24]);
    assert!(on_plane(&lens(), plane, &mixed).is_err());
    assert!(anywhere(&lens(), &mixed).is_err());
    // The camera looks away from its plane.
    let behind = plane * Isometry3::translation(0.0, 0.0, 2.0);
    assert!(on_plane(&lens(), &behind, &case.corners).is_err());
}

#[test]
fn corners_of_foreign_tags_do_not_count() {
    let seen = Seen { id: 99, corners: [Point2::origin(); 4], margin: 50.0, blur_px: 0.8 };
    assert_eq!(corners(&Board::lid(), &[seen]), []);
    assert_eq!(corners(&Board::lid(), &[Seen { id: 2, ..seen }]).len(), 4);
}
