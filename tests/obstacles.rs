//! Links keep clear of what stands in the cell, over the whole way: shown against a dense check by another library.

use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rapier3d::math::{Pose, Vector};
use rapier3d::parry::query;
use rapier3d::parry::shape::{Cuboid, Segment as Rod};
use rmrl::arm::{ArmModel, Capsule, CheckedPath, Joints, Obstacle, Segment};
use rmrl::cell::{CellError, CellPlan, Unwatched, Workcell};
use rmrl::config::{Robot, Scene};
use rmrl::real::Site;
use rmrl::task::{Phase, Pose2, Setup, Streams, TrialKey};

/// Of a trial and the way back, on the open scene.
fn ways(robot: &Robot, scene: &Scene) -> Vec<Vec<Segment>> {
    let plan = CellPlan::new(scene, robot);
    let at = |place: rmrl::cell::Place| (place, place.world_from_place * plan.plate_from_tool);
    let (pick, target) = (at(plan.pick), at(plan.target));
    [(pick, target), (target, pick)]
        .map(|(from, to)| [plan.route(from, to).whole(), plan.retreat(&to.1)].concat())
        .into()
}

fn single(v: &Vector3<f64>) -> Vector {
    Vector::new(v.x as f32, v.y as f32, v.z as f32)
}

/// Everything of the arm that moves, with its rod at each of many moments of the way. World frame.
fn dense(arm: &ArmModel, path: &CheckedPath) -> Vec<(Capsule, [Vector3<f64>; 2])> {
    const MOMENTS: usize = 200;
    let mut all = Vec::new();
    for i in 0..path.segments().len() {
        for moment in 0..=MOMENTS {
            let joints = path.trajectory(i).unwrap().along(moment as f64 / MOMENTS as f64).0;
            all.extend(rods(arm, &joints));
        }
    }
    all
}

fn rods(arm: &ArmModel, joints: &Joints) -> Vec<(Capsule, [Vector3<f64>; 2])> {
    let (links, flange) = (arm.kinematics.base_from_links(joints), arm.kinematics.forward(joints));
    let place = |shape: &Capsule| {
        let base_from_link: Isometry3<f64> =
            if shape.link == Capsule::HAND { flange } else { links[shape.link - 1] };
        let at = |end: Point3<f64>| (arm.world_from_base * base_from_link * end).coords;
        (*shape, [at(shape.from), at(shape.to)])
    };
    arm.body.shapes.iter().filter(|shape| shape.link > 0).map(place).collect()
}

/// A trial and the way back on paper, as `--dry-run` and the doctor plan it.
fn rehearse(robot: &Robot) -> Result<(), CellError> {
    let site = Site::new(robot).unwrap();
    let arm = robot.arm.as_ref().unwrap();
    let (mut cell, _) = site.on_paper(&arm.model, arm.home);
    for offset in [Pose2::IDENTITY, Pose2::new(3.0, 3.0, 3.0), Pose2::new(-3.0, -3.0, -3.0)] {
        let key = TrialKey { phase: Phase::Train, index: 0 };
        let setup = Setup { streams: Streams::new(0), key, instance: 0, offset, made: 0 };
        cell.prepare(&setup, &mut Unwatched)?;
        cell.attempt(offset, &mut Unwatched)?;
    }
    Ok(())
}

/// Found by this check, for no simulation has links: the second wrist of a straight hand meets the pick riser. The
/// example's hand hangs lower.
#[test]
fn a_link_that_would_meet_the_furniture_is_refused_and_no_arm_may_ignore_it() {
    rehearse(&Robot::named("ur5e-example").unwrap()).unwrap();
    let text = |name: &str| Robot::FILES.iter().find(|(found, _)| *found == name).unwrap().1;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("ur5e.urdf"), text("ur5e.urdf")).unwrap();
    let file = dir.path().join("straight.toml");
    let hung = "xyz_mm = [0.0, -60.0, 170.0]";
    assert!(text("ur5e-example.toml").contains(hung));
    let straight = text("ur5e-example.toml").replace(hung, "xyz_mm = [0.0, 0.0, 170.0]");
    std::fs::write(&file, straight).unwrap();
    let robot = Robot::named(file.to_str().unwrap()).unwrap();
    let said = rehearse(&robot).unwrap_err().to_string();
    for part in ["wrist", "pick_riser", "% of the way", "10.1 mm and more"] {
        assert!(said.contains(part), "{said}");
    }
    // Only a twin, on this computer, may be told to ignore it.
    let mut robot = robot.ignoring_furniture();
    assert_eq!(Site::new(&robot).unwrap_err().key, "arm.furniture");
    robot.real.as_mut().unwrap().host = "127.0.0.1".to_owned();
    rehearse(&robot).unwrap();
}

fn nearest(rods: &[(Capsule, [Vector3<f64>; 2])], obstacle: &Obstacle) -> f64 {
    let to_box = obstacle.world_from_box.inverse();
    let cuboid = Cuboid::new(single(&obstacle.half));
    let distance = |(shape, ends): &(Capsule, [Vector3<f64>; 2])| {
        let [a, b] = ends.map(|end| single(&(to_box * Point3::from(end)).coords));
        let identity = Pose::IDENTITY;
        let apart =
            query::distance(&identity, &Rod::new(a, b), &identity, &cuboid).unwrap().distance;
        f64::from(apart) - shape.radius
    };
    rods.iter().map(distance).fold(f64::INFINITY, f64::min)
}

fn random(draw: &mut ChaCha8Rng, number: usize) -> Obstacle {
    let mut within = |low: f64, high: f64| low + (high - low) * draw.random::<f64>();
    let at = Vector3::new(within(-0.7, 0.4), within(-0.2, 0.5), within(0.05, 0.7));
    let turn = Vector3::new(within(-3.0, 3.0), within(-3.0, 3.0), within(-3.0, 3.0));
    let half = Vector3::new(within(0.01, 0.15), within(0.01, 0.15), within(0.01, 0.15));
    let world_from_box =
        Isometry3::from_parts(Translation3::from(at), UnitQuaternion::from_scaled_axis(turn));
    Obstacle { name: format!("box {number}"), world_from_box, half, hand_works_here: false }
}

#[test]
fn no_obstacle_of_two_hundred_is_missed_and_few_plans_are_refused_without_need() {
    let (robot, scene) = (Robot::named("ur5e-pinch").unwrap(), Scene::named("open").unwrap());
    let arm = &robot.arm.as_ref().unwrap().model;
    let least = arm.body.clearance;
    assert!((least - 0.01).abs() < 1e-12);
    let ways = ways(&robot, &scene);
    let free: Vec<_> = ways
        .iter()
        .map(|way| dense(arm, &robot.planner().check(robot.home(), way.clone()).unwrap()))
        .collect();
    let mut draw = ChaCha8Rng::seed_from_u64(13);
    let (mut needed, mut needless) = (0, 0);
    for number in 0..200 {
        let obstacle = random(&mut draw, number);
        let planner = robot.planner().among([obstacle.clone()]);
        for (way, rods) in ways.iter().zip(&free) {
            let distance = nearest(rods, &obstacle);
            match planner.check(robot.home(), way.clone()) {
                Ok(_) => assert!(distance >= least, "missed: {distance} m, {obstacle:?}"),
                Err(refused) => {
                    let said = refused.to_string();
                    for part in ["distance of ", &obstacle.name, "% of the way", "10.1 mm and more"]
                    {
                        assert!(said.contains(part), "{said}");
                    }
                    needed += usize::from(distance < least);
                    needless += usize::from(distance >= least);
                }
            }
        }
    }
    println!("{needed} of 400 plans refused because they must be, {needless} without need");
    assert!((100..300).contains(&needed), "boxes on both sides of the question: {needed}");
    assert!(needless < 20, "{needless} of 400 plans refused without need");
}

#[test]
fn a_post_beside_the_elbow_is_refused_with_link_obstacle_distance_and_where() {
    let text = Robot::FILES.iter().find(|(name, _)| *name == "ur5e-pinch.toml").unwrap().1;
    let dir = tempfile::tempdir().unwrap();
    let urdf = Robot::FILES.iter().find(|(name, _)| *name == "ur5e.urdf").unwrap().1;
    std::fs::write(dir.path().join("ur5e.urdf"), urdf).unwrap();
    let file = dir.path().join("mine.toml");
    let with = |obstacle: &str| {
        std::fs::write(&file, format!("{text}\n[[obstacle]]\n{obstacle}\n")).unwrap();
        Robot::named(file.to_str().unwrap())
    };
    // Between where the forearm is at home and where it is at the target.
    let post = "name = \"camera post\"\npose = { xyz_mm = [-100, 165, 450], rpy_deg = [0, 0, 20] }\n\
                size_mm = [40, 40, 900]";
    let robot = with(post).unwrap();
    let scene = Scene::named("open").unwrap();
    let said = ways(&robot, &scene)
        .into_iter()
        .find_map(|way| robot.planner().check(robot.home(), way).err())
        .expect("in the way")
        .to_string();
    for part in ["camera post", "% of the way", "mm is outside 10.1 mm and more"] {
        assert!(said.contains(part), "{said}");
    }
    for (obstacle, key) in [
        (
            "name = \"a\"\npose = { xyz_mm = [-300, 200, 500], rpy_deg = [0, 0, 0] }\nsize_mm = [900, 900, 900]",
            "home_deg",
        ),
        (
            "name = \"a\"\npose = { xyz_mm = [0, 0, nan], rpy_deg = [0, 0, 0] }\nsize_mm = [9, 9, 9]",
            "obstacle.pose of a",
        ),
        (
            "name = \"a\"\npose = { xyz_mm = [0, 0, 0], rpy_deg = [0, 0, 0] }\nsize_mm = [9, -9, 9]",
            "obstacle.size_mm of a",
        ),
        (
            "name = \" \"\npose = { xyz_mm = [0, 0, 0], rpy_deg = [0, 0, 0] }\nsize_mm = [9, 9, 9]",
            "obstacle.name",
        ),
    ] {
        let error = with(obstacle).unwrap_err();
        assert!(error.key.starts_with(key), "{error}");
    }
}

#[test]
fn what_the_hand_would_run_into_is_refused_when_scene_and_robot_are_put_together() {
    use rmrl::cell::{check_fit, check_obstacles};
    use rmrl::input::Check;
    use rmrl::task::{Range, TaskSpec};
    let (mut robot, scene) = (Robot::named("ur5e-pinch").unwrap(), Scene::named("open").unwrap());
    let wall = scene.statics[0].clone();
    robot.obstacles.push(rmrl::config::StaticBox {
        name: "wall".to_owned(),
        world_from_box: Isometry3::translation(0.17, 0.0, 0.15),
        half: Vector3::new(0.005, 0.05, 0.05),
        ..wall
    });
    let task = TaskSpec::exact(Range { mm: 3.0, deg: 3.0 });
    let plan = CellPlan::new(&scene, &robot);
    let refused = check_fit(Check { file: "e" }, &scene, &robot, &task, &plan).unwrap_err();
    assert!(refused.to_string().contains("wall"), "{refused}");
    // What fingers and plate alone would meet, below the rod that encloses the hand.
    robot.obstacles[0].world_from_box = Isometry3::translation(0.17, 0.0, 0.085);
    robot.obstacles[0].half = Vector3::new(0.005, 0.05, 0.005);
    let refused = check_fit(Check { file: "e" }, &scene, &robot, &task, &plan).unwrap_err();
    assert_eq!(refused.key, "obstacle wall", "{refused}");
    // Where the places were taught it stands in the way of the plate, and as drawn in nobody's.
    robot.obstacles[0].world_from_box = Isometry3::translation(0.49, 0.0, 0.067);
    check_fit(Check { file: "e" }, &scene, &robot, &task, &plan).unwrap();
    check_obstacles(&scene, &robot, &plan).unwrap();
    let mut taught = plan;
    taught.target.world_from_place =
        Translation3::new(0.04, 0.0, 0.0) * taught.target.world_from_place;
    let refused = check_obstacles(&scene, &robot, &taught).unwrap_err();
    assert_eq!(refused.key, "obstacle wall", "{refused}");
}
