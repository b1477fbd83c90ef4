//! `cargo bench --bench arm`: kinematics, and the check of a path before it is moved along.

use criterion::{Criterion, criterion_group, criterion_main};
use nalgebra::{Translation3, Vector3};
use rmrl::arm::{Joints, Segment, Start};
use rmrl::cell::{CellPlan, Place};
use rmrl::config::{Robot, Scene};

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

    // All that is planned in a trial: there and back, as a whole and then each part again.
    for name in ["open", "shelf", "hotel"] {
        let scene = Scene::named(name).expect("embedded");
        let planner = robot.planner().among(scene.obstacles());
        let plan = CellPlan::new(&scene, &robot);
        let grip = |place: Place| (place, place.world_from_place * plan.plate_from_tool);
        let (pick, target) = (grip(plan.pick), grip(plan.target));
        let ways = [(pick, target), (target, pick)]
            .map(|(from, to)| [plan.route(from, to).whole(), plan.retreat(&to.1)].concat());
        c.bench_function(&format!("arm/plan a trial on {name}"), |b| {
            b.iter(|| {
                for way in ways.iter().flat_map(|way| [way, way]) {
                    planner.check(Start::Joints(arm.home), way.clone()).expect("allowed");
                }
            });
        });
    }
}

criterion_group!(benches, arm);
criterion_main!(benches);
