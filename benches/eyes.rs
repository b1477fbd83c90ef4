//! What one look at a picture costs.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rmrl::cell::picture;
use rmrl::eyes::{Picture, find_plate};
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

criterion_group!(benches, outline);
criterion_main!(benches);
