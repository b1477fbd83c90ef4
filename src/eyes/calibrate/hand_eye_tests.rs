use nalgebra::{Point2, UnitQuaternion, Vector2};
use rand_distr::{Distribution, StandardNormal};

use super::*;
use crate::eyes::Board;
use crate::eyes::drawn::{draw, lens, within};
use crate::task::Draw;

struct Cell {
    mount: Mount,
    /// `world_from_camera` or `tool_from_camera`.
    camera: Isometry3<f64>,
    poses: Vec<Posed>,
}

fn pose(draw: &mut Draw, at: [f64; 3], turn: [f64; 3]) -> Isometry3<f64> {
    let mut any = |range: f64| within(draw, range);
    let (at, turn) = (at.map(&mut any), turn.map(&mut any));
    Isometry3::new(Vector3::from(at), Vector3::from(turn))
}

/// `count` poses of the arm, turned about three axes by up to `turn` (rad); corners with noise of 0.05
/// pixels, poses of the arm with 0.05 mm and 0.01 deg.
fn cell(mount: Mount, seed: u64, count: usize, turn: [f64; 3]) -> Cell {
    let mut draw = draw(40 + seed);
    let down = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI);
    let down = |z: f64| Isometry3::from_parts(Vector3::new(0.0, 0.0, z).into(), down);
    let near = pose(&mut draw, [0.05; 3], [0.15, 0.15, 2.0]);
    let board_near = pose(&mut draw, [0.02; 3], [0.2; 3]);
    // To hand: the camera looks down at a board on the tool, which is held up. In hand: the same about.
    let (camera, board) = match mount {
        Mount::EyeToHand => (near * down(0.5), board_near),
        Mount::EyeInHand => (board_near * down(0.1), near),
    };
    let mut poses = Vec::new();
    while poses.len() < count {
        let place = pose(&mut draw, [0.06, 0.05, 0.03], turn);
        let world_from_tool = match mount {
            Mount::EyeToHand => place,
            // Above the board, half a metre away.
            Mount::EyeInHand => near * Isometry3::translation(0.0, 0.0, 0.4) * place,
        };
        let camera_from_board = match mount {
            Mount::EyeToHand => camera.inverse() * world_from_tool * board,
            Mount::EyeInHand => camera.inverse() * world_from_tool.inverse() * board,
        };
        let told = world_from_tool * pose(&mut draw, [8e-5; 3], [3e-4; 3]);
        let name = format!("{:03}.png", poses.len());
        let view = View { name, corners: corners(&mut draw, &camera_from_board), blur_px: 0.8 };
        // Who takes views sees to it that half of the board is in them.
        if view.corners.len() < 70 {
            continue;
        }
        poses.push(Posed { view, world_from_tool: told });
    }
    Cell { mount, camera, poses }
}

fn corners(draw: &mut Draw, camera_from_board: &Isometry3<f64>) -> Vec<Corner> {
    let mut corners = Vec::new();
    for tag in &Board::camera().tags {
        for on in tag.corners() {
            let point = camera_from_board * (Point3::new(on.x, on.y, 0.0) / 1000.0);
            let Some(at) = lens().project(&point) else { continue };
            let mut noise = || {
                let unit: f64 = StandardNormal.sample(&mut *draw);
                0.05 * unit
            };
            let at = at + Vector2::new(noise(), noise());
            let inside = at.x > 0.0 && at.y > 0.0 && at.x < 1279.0 && at.y < 959.0;
            if inside {
                corners.push(Corner { tag: tag.id, on, at });
            }
        }
    }
    corners
}

const TURNS: [f64; 3] = [0.4, 0.4, 0.8];

#[test]
fn fifteen_poses_tell_the_mounting_to_half_a_millimetre_and_a_fifth_of_a_degree() {
    for mount in [Mount::EyeToHand, Mount::EyeInHand] {
        for seed in 0..8 {
            let cell = cell(mount, seed, 15, TURNS);
            let found = hand_eye(&lens(), cell.mount, &cell.poses).unwrap();
            let off = cell.camera.inverse() * found.camera;
            let (mm, deg) =
                (off.translation.vector.norm() * 1000.0, off.rotation.angle().to_degrees());
            assert!(mm < 0.5 && deg < 0.2, "{} {seed}: {mm} {deg} {found:?}", mount.name());
            assert!(mm < 6.0 * found.sd_mm, "{} {seed}: {mm} {}", mount.name(), found.sd_mm);
            assert!(found.residual_mm < 1.0 && found.residual_deg < 0.3, "{found:?}");
            assert_eq!(found.views, 15);
        }
    }
}

#[test]
fn too_few_poses_turns_about_one_axis_and_no_turns_are_refused() {
    let of = |count, turn| {
        let cell = cell(Mount::EyeToHand, 3, count, turn);
        hand_eye(&lens(), cell.mount, &cell.poses).unwrap_err()
    };
    assert!(matches!(of(7, TURNS), NoHandEye::TooFew { usable: 7, .. }));
    assert_eq!(of(12, [0.0, 0.0, 0.8]), NoHandEye::OneAxis);
    assert!(matches!(of(12, [0.02, 0.02, 0.02]), NoHandEye::Still { .. }));
    assert!(matches!(hand_eye(&lens(), Mount::EyeInHand, &[]), Err(NoHandEye::TooFew { .. })));
}

#[test]
fn a_blurred_view_is_left_out_and_named() {
    let mut cell = cell(Mount::EyeInHand, 1, 12, TURNS);
    cell.poses[5].view.blur_px = 4.0;
    let found = hand_eye(&lens(), cell.mount, &cell.poses).unwrap();
    assert_eq!(found.views, 11);
    assert_eq!(found.left_out[0].0, "005.png");
}

#[test]
fn views_paired_with_other_poses_and_the_other_mount_are_refused() {
    let cell = cell(Mount::EyeToHand, 2, 12, TURNS);
    let mut swapped = cell.poses.clone();
    let arms: Vec<_> = swapped.iter().map(|posed| posed.world_from_tool).collect();
    swapped
        .iter_mut()
        .enumerate()
        .for_each(|(i, posed)| posed.world_from_tool = arms[(i + 1) % 12]);
    let error = hand_eye(&lens(), cell.mount, &swapped).unwrap_err();
    assert!(matches!(error, NoHandEye::Residual { .. }), "{error}");
    let error = hand_eye(&lens(), Mount::EyeInHand, &cell.poses).unwrap_err();
    assert!(matches!(error, NoHandEye::Residual { .. }), "{error}");
    // What is no number.
    let mut broken = cell.poses.clone();
    broken[0].view.corners[0].at = Point2::new(f64::NAN, 0.0);
    let found = hand_eye(&lens(), cell.mount, &broken).unwrap();
    assert_eq!(found.left_out.len(), 1, "{found:?}");
}
