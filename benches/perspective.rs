//! A frame of a camera in perspective: 1280 x 960 with furniture, tags, a lid, blur and noise.

use std::f64::consts::PI;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use nalgebra::{Isometry3, Translation3, UnitQuaternion};
use rmrl::config::Scene;
use rmrl::eyes::{Board, Lens};
use rmrl::sim::perspective::{Block, Face, Shot, Slab, View};
use rmrl::task::{Phase, Stream, Streams, TrialKey};

fn frame(criterion: &mut Criterion) {
    let scene = Scene::named("open").unwrap();
    let lens = Lens { k1: -0.1, k2: 0.02, ..Lens::ideal(1280, 960, 56.0) };
    let down = UnitQuaternion::from_euler_angles(PI, 0.0, 0.0);
    let camera = Isometry3::from_parts(Translation3::new(0.0, 0.0, 0.405), down);
    let block = |part: &rmrl::config::StaticBox| Block {
        world_from_block: part.world_from_box,
        half: part.half,
        light: part.grey as f32,
    };
    let blocks: Vec<Block> = scene.statics.iter().map(block).collect();
    criterion.bench_function("perspective: what never moves", |bencher| {
        bencher.iter(|| View::new(black_box(lens), &camera, &blocks, &[], 0.6));
    });
    let view = View::new(lens, &camera, &blocks, &[], 0.6);
    let lid = Slab {
        world_from_face: Isometry3::translation(0.004, -0.002, 0.0759),
        face: Face::lid([127.76, 85.48], &Board::lid()),
        thickness: 0.0159,
    };
    let shot = Shot { gain: 230.0, slope: [0.05, -0.03], vignette: 0.1, noise: 3.0 };
    criterion.bench_function("perspective: a frame", |bencher| {
        let mut draw =
            Streams::new(1).draw(Stream::Camera, TrialKey { phase: Phase::Train, index: 0 });
        bencher.iter(|| view.shoot(black_box(std::slice::from_ref(&lid)), &shot, &mut draw));
    });
}

criterion_group!(benches, frame);
criterion_main!(benches);
