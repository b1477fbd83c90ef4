use nalgebra::{Isometry3, Point2, Point3, Translation3, UnitQuaternion, Vector3};

use super::{Block, Face, Shot, Slab, View};
use crate::eyes::{Board, Lens};
use crate::task::{Draw, Phase, Stream, Streams, TrialKey};

const SHOT: Shot = Shot { gain: 230.0, slope: [0.0; 2], vignette: 0.0, noise: 0.0 };
const PLATE_MM: [f64; 2] = [127.76, 85.48];

fn lens() -> Lens {
    let distortion =
        Lens { k1: -0.12, k2: 0.03, p1: 5e-4, p2: -7e-4, ..Lens::ideal(640, 480, 56.0) };
    Lens { cx: 325.0, cy: 236.0, ..distortion }
}

/// Straight down from 330 mm above the table's middle, somewhat tilted.
fn world_from_camera() -> Isometry3<f64> {
    let down = UnitQuaternion::from_euler_angles(std::f64::consts::PI - 0.03, 0.02, 0.1);
    Isometry3::from_parts(Translation3::new(0.01, -0.008, 0.33), down)
}

fn table() -> Block {
    let half = Vector3::new(0.6, 0.4, 0.01);
    Block { world_from_block: Isometry3::translation(0.0, 0.0, -0.01), half, light: 0.2 }
}

fn draw(index: u64) -> Draw {
    Streams::new(4).draw(Stream::Camera, TrialKey { phase: Phase::Train, index })
}

fn view(blocks: &[Block], slabs: &[Slab]) -> View {
    View::new(lens(), &world_from_camera(), blocks, slabs, 0.6)
}

fn shoot(blocks: &[Block], slabs: &[Slab]) -> Vec<u8> {
    view(blocks, &[]).shoot(slabs, &SHOT, &mut draw(0))
}

fn slab(face: Face, [x, y, z]: [f64; 3], yaw: f64, thickness: f64) -> Slab {
    let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw);
    let world_from_face = Isometry3::from_parts(Translation3::new(x, y, z), turn);
    Slab { world_from_face, face, thickness }
}

/// Middle of what is lighter than the table, pixels.
fn middle(pixels: &[u8]) -> Point2<f64> {
    let dark = 0.2 * 230.0;
    let lit = pixels.iter().enumerate().map(|(i, light)| (i, f64::from(*light) - dark));
    let lit = lit.filter(|(_, light)| *light > 1.0);
    let (sum, x, y) = lit.fold((0.0, 0.0, 0.0), |(sum, x, y), (i, light)| {
        (sum + light, x + light * (i % 640) as f64, y + light * (i / 640) as f64)
    });
    Point2::new(x / sum, y / sum)
}

/// Centroid of a face's projected outline, by the shoelace formula.
fn projected(slab: &Slab, half: [f64; 2]) -> Point2<f64> {
    let to_camera = world_from_camera().inverse() * slab.world_from_face;
    let corners = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)];
    let outline: Vec<Point2<f64>> = (0..400)
        .map(|i| {
            let (from, to) = (corners[i / 100], corners[(i / 100 + 1) % 4]);
            let share = (i % 100) as f64 / 100.0;
            let x = (from.0 + share * (to.0 - from.0)) * half[0] / 1e3;
            let y = (from.1 + share * (to.1 - from.1)) * half[1] / 1e3;
            lens().project(&(to_camera * Point3::new(x, y, 0.0))).unwrap()
        })
        .collect();
    let (mut area, mut x, mut y) = (0.0, 0.0, 0.0);
    for (a, b) in outline.iter().zip(outline.iter().cycle().skip(1)) {
        let cross = a.x * b.y - b.x * a.y;
        area += cross / 2.0;
        x += (a.x + b.x) * cross / 6.0;
        y += (a.y + b.y) * cross / 6.0;
    }
    Point2::new(x / area, y / area)
}

#[test]
fn a_card_is_seen_where_the_lens_projects_it() {
    for (x, y, z, yaw) in
        [(0.0, 0.0, 0.0, 0.0), (-0.07, 0.05, 0.04, 0.4), (0.08, -0.06, 0.01, -1.0)]
    {
        let card = slab(Face::plain([40.0, 24.0], 0.9), [x, y, z], yaw, 1e-4);
        let seen = middle(&shoot(&[table()], std::slice::from_ref(&card)));
        let off = (seen - projected(&card, [20.0, 12.0])).norm();
        assert!(off < 0.04, "{off} pixels at {x} {y} {z}");
    }
}

/// Two ways of drawing: rays that meet boxes, and faces with soft edges.
#[test]
fn a_block_looks_like_a_slab_of_its_size() {
    let half = Vector3::new(0.04, 0.025, 0.03);
    let block =
        Block { world_from_block: Isometry3::translation(0.02, 0.01, 0.03), half, light: 0.8 };
    let by_rays = view(&[table(), block], &[]).shoot(&[], &SHOT, &mut draw(0));
    let top = slab(Face::plain([80.0, 50.0], 0.8), [0.02, 0.01, 0.06], 0.0, 0.06);
    let by_face = shoot(&[table()], &[top]);
    let off = by_rays.iter().zip(&by_face).map(|(a, b)| a.abs_diff(*b)).max();
    // Of 138 levels between block and table: a twentieth of a pixel.
    assert!(off <= Some(12), "{off:?} levels");
}

#[test]
fn what_stands_over_a_plate_hides_it_and_what_it_stands_on_does_not() {
    let plate = slab(Face::plate(PLATE_MM), [0.0, 0.0, 0.074], 0.1, 0.01435);
    let riser = Block {
        world_from_block: Isometry3::translation(0.0, 0.0, 0.03),
        half: Vector3::new(0.035, 0.04, 0.03),
        light: 0.45,
    };
    let roof = Block {
        world_from_block: Isometry3::translation(0.0, 0.0, 0.12),
        half: Vector3::new(0.1, 0.1, 0.005),
        light: 0.5,
    };
    let bright = |pixels: &[u8]| pixels.iter().filter(|light| **light > 160).count();
    let open = shoot(&[table(), riser], std::slice::from_ref(&plate));
    assert!(bright(&open) > 20_000, "{}", bright(&open));
    assert_eq!(bright(&shoot(&[table(), riser, roof], &[plate])), 0);
}

#[test]
fn a_lean_shows_a_side() {
    let mut plate = slab(Face::plain(PLATE_MM, 0.9), [0.0, 0.0, 0.05], 0.0, 0.04);
    let grey = |pixels: &[u8]| pixels.iter().filter(|light| (110..135).contains(*light)).count();
    let level = grey(&shoot(&[table()], std::slice::from_ref(&plate)));
    plate.world_from_face.rotation = UnitQuaternion::from_euler_angles(0.5, 0.0, 0.0);
    let leaning = grey(&shoot(&[table()], &[plate]));
    assert!(leaning > level + 5_000, "{level} {leaning}");
}

#[test]
fn frames_hang_on_their_draw_only_and_saturate() {
    let plate = slab(Face::lid(PLATE_MM, &Board::lid()), [0.0, 0.0, 0.08], 0.0, 0.0158);
    let view = view(&[table()], &[]);
    let noisy = Shot { noise: 3.0, slope: [0.1, -0.05], vignette: 0.1, ..SHOT };
    let shoot =
        |shot: Shot, index| view.shoot(std::slice::from_ref(&plate), &shot, &mut draw(index));
    assert_eq!(shoot(noisy, 1), shoot(noisy, 1));
    let (one, other) = (shoot(noisy, 1), shoot(noisy, 2));
    let pairs = one.iter().zip(&other).filter(|(a, _)| (10..245).contains(*a));
    let squares = pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    let (count, sum) = squares.fold((0.0, 0.0), |(n, sum), square| (n + 1.0, sum + square));
    let sigma = (sum / count / 2.0f64).sqrt();
    assert!((sigma - 3.0).abs() < 0.1, "{sigma}");
    let burnt = shoot(Shot { gain: 2e3, ..SHOT }, 1);
    assert!(burnt.iter().filter(|light| **light == 255).count() > 200_000);
    assert!(shoot(Shot { gain: 0.0, ..SHOT }, 1).iter().all(|light| *light == 0));
}

#[test]
fn what_lies_behind_or_across_the_camera_is_left_out() {
    for z in [0.33, 0.5] {
        let card = slab(Face::plain([40.0, 24.0], 0.9), [0.0, 0.0, z], 0.0, 1e-4);
        assert_eq!(shoot(&[table()], &[card]), shoot(&[table()], &[]), "{z}");
    }
}
