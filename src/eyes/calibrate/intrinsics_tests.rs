use nalgebra::{UnitQuaternion, Vector2};
use rand_distr::{Distribution, StandardNormal};

use super::*;
use crate::eyes::Frame;
use crate::eyes::drawn::{Drawn, Print, draw, flat, lens, small_lens, within};
use crate::task::Pose2;

/// The camera board in front of a lens, `tilt` to all sides, somewhere in the frame.
fn pose_of(seed: u64, tilt: f64, spread: f64) -> Isometry3<f64> {
    let mut draw = draw(300 + seed);
    let mut any = |range| within(&mut draw, range);
    let far = 0.42 + any(0.07);
    let at = Vector3::new(spread * any(0.14), spread * any(0.1), far);
    let down = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI);
    let turn = Vector3::new(any(tilt), any(tilt), any(0.6));
    Isometry3::from_parts(at.into(), down * UnitQuaternion::from_scaled_axis(turn))
}

/// Corners within the frame, with noise of 0.05 pixels.
fn view(lens: &Lens, seed: u64, pose: &Isometry3<f64>) -> View {
    let mut draw = draw(900 + seed);
    let mut corners = Vec::new();
    for tag in &Board::camera().tags {
        let mut noise = || {
            let unit: f64 = StandardNormal.sample(&mut draw);
            0.05 * unit
        };
        let seen = tag.corners().map(|on| {
            let at = lens.project(&(pose * (Point3::new(on.x, on.y, 0.0) / 1000.0)))?;
            let inside = at.x > 2.0
                && at.y > 2.0
                && at.x < lens.width as f64 - 3.0
                && at.y < lens.height as f64 - 3.0;
            let at = at + Vector2::new(noise(), noise());
            inside.then_some(Corner { tag: tag.id, on, at })
        });
        if seen.iter().all(Option::is_some) {
            corners.extend(seen.into_iter().flatten());
        }
    }
    View { name: format!("{seed}.png"), corners, blur_px: 0.9 }
}

fn views(count: u64, tilt: f64, spread: f64) -> Vec<View> {
    (0..count).map(|seed| view(&lens(), seed, &pose_of(seed, tilt, spread))).collect()
}

/// How far the found lens puts what the true one sees, over the frame: the worst pixel, once the camera is
/// turned and the scale is as these are free in a view.
fn worst_px(found: &Lens, truth: &Lens) -> f64 {
    let mut worst = 0.0f64;
    for (x, y) in [
        (60.0, 60.0),
        (1220.0, 60.0),
        (60.0, 900.0),
        (1220.0, 900.0),
        (640.0, 480.0),
        (1220.0, 480.0),
    ] {
        let ray = truth.ray(Point2::new(x, y));
        let there = found.project(&Point3::from(ray)).unwrap();
        worst = worst.max((there - Point2::new(x, y)).norm());
    }
    worst
}

#[test]
fn twenty_views_tell_the_lens_to_a_pixel_anywhere_in_the_frame() {
    let found = intrinsics(1280, 960, &views(20, 0.55, 1.0)).unwrap();
    assert!(found.residual_px < 0.09, "{}", found.residual_px);
    assert!((found.lens.fx - lens().fx).abs() < 2.0, "{:?} {:?}", found.lens, lens());
    assert!(worst_px(&found.lens, &lens()) < 1.5, "{:?}", found);
    assert!((found.lens.fx - lens().fx).abs() < 4.0 * found.focal_sd_px, "{}", found.focal_sd_px);
    assert_eq!((found.views.len(), found.left_out.len()), (20, 0));
}

#[test]
fn a_wrong_corner_is_left_out() {
    let mut views = views(14, 0.55, 1.0);
    views[3].corners[10].at.x += 4.0;
    let found = intrinsics(1280, 960, &views).unwrap();
    assert!(found.residual_px < 0.09, "{}", found.residual_px);
}

#[test]
fn too_few_parallel_blurred_and_narrow_views_are_refused_with_the_reason() {
    let of = |views: &[View]| intrinsics(1280, 960, views).unwrap_err();
    let few = of(&views(7, 0.55, 1.0));
    assert!(few.to_string().starts_with("7 usable views, at least 8"), "{few}");
    let mut blurred = views(9, 0.55, 1.0);
    blurred[0].blur_px = 3.0;
    blurred[4].corners.truncate(12);
    let error = of(&blurred).to_string();
    assert!(
        error.contains("0.png: blurred by 3.0") && error.contains("4.png: 12 corners"),
        "{error}"
    );
    let parallel = of(&views(12, 0.03, 1.0));
    assert!(matches!(parallel, NoIntrinsics::Parallel { .. }), "{parallel}");
    let mut narrow = views(12, 0.5, 0.3);
    for view in &mut narrow {
        view.corners.retain(|corner| (corner.at - Point2::new(640.0, 480.0)).norm() < 250.0);
    }
    assert!(matches!(of(&narrow), NoIntrinsics::Covered { .. }));
    // A board printed with its rows stretched bends no lens.
    let mut stretched = views(12, 0.55, 1.0);
    for corner in stretched.iter_mut().flat_map(|view| &mut view.corners) {
        corner.on.y *= 1.0 + 0.0002 * corner.on.x;
    }
    assert!(matches!(of(&stretched), NoIntrinsics::Residual { .. }));
    assert!(matches!(of(&[]), NoIntrinsics::TooFew { usable: 0, .. }));
}

#[test]
fn views_that_are_no_numbers_are_refused_not_panicked_at() {
    let mut views = views(10, 0.55, 1.0);
    views[2].corners[0].at.x = f64::NAN;
    assert!(intrinsics(1280, 960, &views).is_err());
    for corner in views.iter_mut().flat_map(|view| &mut view.corners) {
        corner.on = Point2::origin();
    }
    assert!(intrinsics(1280, 960, &views).is_err());
}

/// From pixels on: a quarter of the frame, ten views.
#[test]
fn drawn_views_tell_the_lens() {
    let truth = small_lens();
    let mut finder = crate::eyes::Finder::new().unwrap();
    let board = Board::camera();
    let draw = |seed: u64| {
        let sheet = flat(Pose2::IDENTITY, 0.0, Print::Board(board.clone(), 4.0));
        let camera = pose_of(seed, 0.5, 1.0).inverse();
        Drawn { seed, ..Drawn::new(truth, camera, vec![sheet]) }.pixels()
    };
    let drawn: Vec<Vec<u8>> = (0..10).map(draw).collect();
    let mut views = |lens: Option<&Lens>| -> Vec<View> {
        let look = |(at, pixels): (usize, &Vec<u8>)| {
            let seen = finder.find(&Frame::new(pixels, 640).unwrap(), None, lens);
            View::new(at.to_string(), &board, &seen)
        };
        drawn.iter().enumerate().map(look).collect()
    };
    let first = intrinsics(640, 480, &views(None)).unwrap();
    // Sides are straight only once the lens is known.
    let views = views(Some(&first.lens));
    let found = intrinsics(640, 480, &views).unwrap();
    assert!(found.residual_px < 0.1 && found.residual_px <= first.residual_px + 1e-3, "{found:?}");
    assert!((found.lens.fx - truth.fx).abs() < 0.005 * truth.fx, "{:?} {truth:?}", found.lens);
}
