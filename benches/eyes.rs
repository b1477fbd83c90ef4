//! What one look at a picture costs.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use nalgebra::{Isometry3, Point2, Translation3, UnitQuaternion, Vector3};
use rmrl::cell::picture;
use rmrl::eyes::{Board, Field, Finder, Frame, Lens, Limits, Picture, Sensor, find_plate};
use rmrl::task::{Phase, Pose2, Range, Setup, Streams, TaskSpec, TrialKey};

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A plate of 64 x 64 pixels, and the same of 640 x 640.
fn outline(c: &mut Criterion) {
    let task =
        TaskSpec { camera: 3.0, lighting: 0.2, ..TaskSpec::exact(Range { mm: 10.0, deg: 10.0 }) };
    let key = TrialKey { phase: Phase::Train, index: 0 };
    let offset = Pose2::new(2.0, -1.5, 2.5);
    let setup = Setup { streams: Streams::new(1), key, instance: 0, offset, made: 0 };
    let small = picture(&task, &setup);
    let side = 64;
    let pixel = |i: usize| small.pixels()[i / (10 * side) / 10 * side + i % (10 * side) / 10];
    let large: Vec<u8> = (0..100 * side * side).map(pixel).collect();
    let fine = Picture::new(&large, 10 * side, 0.25).expect("whole rows");
    c.bench_function("outline, 64 x 64", |b| {
        b.iter(|| find_plate(&Picture::from(black_box(&small))).expect("a plate"))
    });
    c.bench_function("outline, 640 x 640", |b| {
        b.iter(|| find_plate(black_box(&fine)).expect("a plate"))
    });
}

/// A lid and the board beside the target, 1280 x 960 pixels from half a metre, noise of some grey levels.
fn tags(c: &mut Criterion) {
    let lens = Lens { k1: -0.12, k2: 0.05, ..Lens::ideal(1280, 960, 60.0) };
    let down = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI);
    let camera_from_lid = Isometry3::from_parts(Translation3::new(0.004, -0.002, 0.48), down);
    let camera_from_card = Isometry3::from_parts(Translation3::new(0.0, 0.0, 0.5), down);
    let boards = [(Board::lid(), camera_from_lid), (Board::target(), camera_from_card)];
    let pixels = draw(&lens, &boards);
    let frame = Frame::new(&pixels, lens.width).expect("whole rows");
    let mut finder = Finder::new().expect("memory");
    let seen = finder.find(&frame, None, Some(&lens));
    assert_eq!(seen.len(), 10);
    let (carried, fixed) = (Board::lid(), Board::target());
    let taught = Sensor::teach(&lens, &carried, Some(&fixed), std::slice::from_ref(&seen));
    let taught = taught.expect("a pose");
    let sensor = Sensor { lens, carried, fixed: Some(fixed), taught, limits: Limits::default() };
    c.bench_function("tags, 1280 x 960, noise", |b| {
        b.iter(|| finder.find(black_box(&frame), None, Some(&lens)))
    });
    c.bench_function("reading from ten tags", |b| {
        b.iter(|| sensor.read(black_box(&seen)).expect("a reading"))
    });
    let top = sensor.top(&Isometry3::identity());
    c.bench_function("field, 64 x 64", |b| {
        b.iter(|| Field::of(black_box(&frame), &lens, &top, 64, 160.0).expect("in the frame"))
    });
}

/// Four looks a pixel; noise of standard deviation 3.
fn draw(lens: &Lens, boards: &[(Board, Isometry3<f64>)]) -> Vec<u8> {
    let eyes: Vec<_> = boards.iter().map(|(board, pose)| (board, pose.inverse())).collect();
    let light = |x: f64, y: f64| {
        let ray = lens.ray(Point2::new(x, y));
        let hit = eyes.iter().find_map(|(board, board_from_camera)| {
            let (eye, ray) =
                (board_from_camera.translation.vector, board_from_camera.rotation * ray);
            let on = (eye - ray * (eye.z / ray.z)) * 1000.0;
            board.is_white(on.x, on.y)
        });
        hit.map_or(90.0, |white| if white { 205.0 } else { 40.0 })
    };
    let mut state = 1u32;
    let mut pixels = Vec::with_capacity(lens.width * lens.height);
    for row in 0..lens.height {
        for column in 0..lens.width {
            let (x, y) = (column as f64, row as f64);
            let looks = [(-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25)];
            let sum: f64 = looks.iter().map(|(dx, dy)| light(x + dx, y + dy)).sum();
            // Twelve uniform numbers make nearly a normal one.
            let mut noise = -6.0;
            for _ in 0..12 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                noise += f64::from(state >> 8) / f64::from(1 << 24);
            }
            pixels.push((sum / 4.0 + 3.0 * noise + 0.5).clamp(0.0, 255.0) as u8);
        }
    }
    pixels
}

criterion_group!(benches, outline, tags);
criterion_main!(benches);
