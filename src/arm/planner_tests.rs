use nalgebra::{Point3, Quaternion, Translation3, UnitQuaternion, Vector3};
use proptest::prelude::*;

use super::*;
use crate::arm::{Body, Capsule, UrdfArm};

/// As in `robots/ur5e-pinch.toml`: behind the pick place, the hand level.
fn arm() -> ArmModel {
    let urdf = UrdfArm::parse(include_str!("../../robots/ur5e.urdf")).unwrap();
    let shapes = urdf.shapes(&[]).unwrap();
    let level = UnitQuaternion::from_quaternion(Quaternion::new(0.5, -0.5, -0.5, -0.5));
    let flange_from_tool = Isometry3::from_parts(Translation3::new(0.0, 0.0, 0.17), level);
    let palm = Point3::new(0.0, 0.0, 0.12);
    let hand = Capsule { link: Capsule::HAND, from: Point3::origin(), to: palm, radius: 0.04 };
    ArmModel {
        kinematics: urdf.kinematics,
        world_from_base: Isometry3::translation(-0.62, 0.3, 0.0),
        flange_from_tool,
        joint_speed: Joints::repeat(1.6),
        joint_acceleration: Joints::repeat(7.0),
        acceleration: 1.5,
        turn_speed: 1.6,
        body: Body {
            shapes: shapes.into_iter().chain([hand]).collect(),
            clearance: 0.01,
            floor: Some(0.0),
            obstacles: Vec::new(),
        },
    }
}

fn envelope() -> Envelope {
    Envelope {
        workspace_min_mm: [-300.0, -200.0, 20.0],
        workspace_max_mm: [600.0, 200.0, 400.0],
        speed_mm_s: 500.0,
        carry_min_z_mm: 65.0,
        guard_n: 50.0,
        correction_mm: 12.0,
        correction_deg: 12.0,
    }
}

fn planner() -> Planner {
    Planner::new(envelope(), Some(arm()))
}

fn home() -> Joints {
    Joints::from([-33.624, -99.333, -126.677, -133.99, -123.624, 0.0f64].map(f64::to_radians))
}

fn to(x: f64, y: f64, z: f64, yaw: f64) -> Segment {
    let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw);
    let world_from_tool = Isometry3::from_parts(Translation3::new(x, y, z), turn);
    Segment { name: "reach", world_from_tool, speed: 0.4, contact: false, carrying: false }
}

fn check(path: Vec<Segment>) -> Result<CheckedPath, Forbidden> {
    planner().check(Start::Joints(home()), path)
}

/// All that the envelope promises of one moment.
fn is_inside(planner: &Planner, joints: &Joints, speeds: &Joints) -> Result<(), String> {
    let arm = planner.arm().unwrap();
    let (min, max) = arm.kinematics.range();
    for i in 0..6 {
        let within = (min[i] - 1e-9..=max[i] + 1e-9).contains(&joints[i]);
        let slow = speeds[i].abs() <= arm.joint_speed[i] * (1.0 + 1e-9);
        if !(within && slow) {
            return Err(format!("joint {} at {} with {}", i + 1, joints[i], speeds[i]));
        }
    }
    let tool = arm.tool(joints).translation.vector * 1e3;
    let box_mm = [planner.envelope.workspace_min_mm, planner.envelope.workspace_max_mm];
    for axis in 0..3 {
        if !(box_mm[0][axis] - 0.01..=box_mm[1][axis] + 0.01).contains(&tool[axis]) {
            return Err(format!("tool at {tool}"));
        }
    }
    let later = arm.tool(&(joints + speeds * 1e-6)).translation.vector * 1e3;
    let speed = (later - tool).norm() / 1e-6;
    if speed > planner.envelope.speed_mm_s {
        return Err(format!("tool at {speed} mm/s"));
    }
    let (parts, distance) = arm.body.nearest(arm, joints);
    // Half of the clearance is what is kept between looks.
    if distance < arm.body.clearance / 2.0 {
        return Err(format!("{parts:?} {distance} m apart"));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_point_of_a_checked_path_is_inside(
        ends in prop::collection::vec((-0.4..0.7f64, -0.3..0.3f64, 0.0..0.5f64, -0.4..0.4f64), 1..4),
        shares in prop::array::uniform8(0.0..1.0f64),
    ) {
        let path: Vec<_> = ends.into_iter().map(|(x, y, z, yaw)| to(x, y, z, yaw)).collect();
        if let Ok(path) = check(path) {
            let planner = planner();
            let mut at = home();
            for i in 0..path.segments().len() {
                let way = path.trajectory(i).unwrap();
                prop_assert!((way.from() - at).amax() < 1e-12, "no jump between segments");
                for share in shares {
                    let (joints, speeds) = way.at(share * way.duration());
                    let inside = is_inside(&planner, &joints, &speeds);
                    prop_assert!(inside.is_ok(), "{inside:?}");
                }
                at = *way.to();
            }
        }
    }
}

#[test]
fn the_way_of_a_trial_is_accepted() {
    let way =
        vec![to(-0.114, 0.0, 0.067, 0.0), to(-0.054, 0.0, 0.067, 0.2), to(0.346, 0.0, 0.15, 0.0)];
    let path = check(way).unwrap();
    assert_eq!(path.segments().len(), 3);
    assert!(path.trajectory(2).is_some() && path.trajectory(3).is_none());
}

#[test]
fn what_the_arm_cannot_do_names_the_segment_and_the_reason() {
    let wide = Envelope { workspace_max_mm: [2e3, 2e3, 2e3], ..envelope() };
    let planner = Planner::new(wide, Some(arm()));
    let far = planner.check(Start::Joints(home()), vec![to(0.7, 0.0, 0.2, 0.0)]).unwrap_err();
    let said = far.to_string();
    assert!(said.contains("reach in 'reach'") && said.contains("700.0, 0.0, 200.0 mm"), "{said}");
    assert!(said.contains("elbow") || said.contains("out of reach"), "{said}");
}

#[test]
fn a_low_hand_is_too_near_the_floor() {
    let error = check(vec![to(-0.1, 0.0, 0.045, 0.0)]).unwrap_err();
    assert!(error.what.contains("floor in 'reach'"), "{error}");
    assert_eq!(error.allowed, "10.0 mm and more");
}

#[test]
fn the_arm_is_kept_off_itself() {
    let mut folded = home();
    folded[2] = -2.9;
    let open = Envelope { workspace_min_mm: [-2e3; 3], workspace_max_mm: [2e3; 3], ..envelope() };
    let planner = Planner::new(open, Some(arm()));
    let up = Translation3::new(0.0, 0.0, 0.001) * arm().tool(&folded);
    let way = vec![Segment { world_from_tool: up, ..to(0.0, 0.0, 0.0, 0.0) }];
    let error = planner.check(Start::Joints(folded), way).unwrap_err();
    assert!(error.what.starts_with("distance of"), "{error}");
}

#[test]
fn joint_limits_hold_along_the_way_and_at_the_end() {
    let mut narrow = arm();
    let (min, max) = (home().add_scalar(-0.15), home().add_scalar(0.15));
    narrow.kinematics = narrow.kinematics.with_range(min, max);
    let planner = Planner::new(envelope(), Some(narrow));
    let far = vec![to(0.0, 0.0, 0.2, 0.0)];
    let error = planner.check(Start::Joints(home()), far).unwrap_err().to_string();
    assert!(error.contains("joint"), "{error}");
}

#[test]
fn a_path_begins_with_what_its_robot_has() {
    let tool = arm().tool(&home());
    assert!(planner().check(Start::Tool(tool), vec![]).is_err());
    let gantry = Planner::new(envelope(), None);
    assert!(gantry.check(Start::Joints(home()), vec![]).is_err());
    assert!(gantry.check(Start::Tool(tool), vec![to(0.0, 0.0, 0.2, 0.0)]).is_ok());
}
