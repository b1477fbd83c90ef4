//! `cargo bench --bench arm`: kinematics, and the check of a path before it is moved along.

use criterion::{Criterion, criterion_group, criterion_main};
use nalgebra::{Translation3, Vector3};
use rmrl::arm::{Joints, Segment, Start};
use rmrl::config::Robot;

fn arm(c: &mut Criterion) {
    let robot = Robot::named("ur5e-pinch").expect("embedded");
    let arm = robot.arm.as_ref().expect("has joints");
    let kinematics = &arm.model.kinematics;
    let pose = kinematics.forward(&arm.home);
    let near = arm.home + Joints::repeat(0.05);
    c.bench_function("arm/forward", |b| b.iter(|| kinematics.forward(&arm.home)));
    c.bench_function("arm/inverse", |b| b.iter(|| kinematics.inverse(&pose, &near)));
    c.bench_function("arm/nearest parts", |b| b.iter(|| arm.model.body.nearest(&arm.model, &near)));

    let planner = robot.planner();
    let away = Translation3::from(Vector3::new(0.3, 0.05, 0.0)) * robot.world_from_home;
    let way = |world_from_tool| Segment {
        name: "bench",
        world_from_tool,
        speed: 0.4,
        contact: false,
        carrying: false,
    };
    let path = vec![way(away), way(robot.world_from_home)];
    c.bench_function("arm/check 600 mm of path", |b| {
        b.iter(|| planner.check(Start::Joints(arm.home), path.clone()).expect("allowed"));
    });
}

criterion_group!(benches, arm);
criterion_main!(benches);
