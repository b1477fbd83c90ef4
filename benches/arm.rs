//! `cargo bench --bench arm`: kinematics, and the check of a path before it is moved along.

use criterion::{Criterion, criterion_group, criterion_main};
use nalgebra::{Isometry3, Translation3, Vector3};
use rmrl::arm::{Joints, Obstacle, Segment, Start};
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

    // All that is planned in a trial, there and back, as a whole and then each part again, among furniture that the wrist
    // passes and twenty posts.
    let scene = Scene::named("open").expect("embedded");
    let post = |i: i32| Obstacle {
        name: format!("post {i}"),
        world_from_box: Isometry3::translation(0.06 * f64::from(i) - 0.6, -0.35, 0.4),
        half: Vector3::new(0.02, 0.02, 0.4),
        hand_works_here: false,
    };
    let furniture = scene.obstacles().filter(|part| part.name != "pick_riser");
    let planner = robot.planner().among(furniture.chain((0..20).map(post)));
    let plan = CellPlan::new(&scene, &robot);
    let grip = |place: Place| (place, place.world_from_place * plan.plate_from_tool);
    let (pick, target) = (grip(plan.pick), grip(plan.target));
    let ways = [(pick, target), (target, pick)]
        .map(|(from, to)| [plan.route(from, to).whole(), plan.retreat(&to.1)].concat());
    let mut check = |name: &str, planner: &rmrl::arm::Planner| {
        c.bench_function(name, |b| {
            b.iter(|| {
                for way in ways.iter().flat_map(|way| [way, way]) {
                    planner.check(Start::Joints(arm.home), way.clone()).expect("allowed");
                }
            });
        });
    };
    check("arm/plan a trial", &robot.planner());
    check("arm/plan a trial among 22 boxes", &planner);
}

criterion_group!(benches, arm);
criterion_main!(benches);
