use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use proptest::prelude::*;

use super::*;
use crate::arm::{Body, Kinematics};

fn arm() -> ArmModel {
    ArmModel {
        kinematics: Kinematics::ur5e(),
        world_from_base: Isometry3::new(Vector3::new(-0.3, 0.4, 0.05), Vector3::z()),
        flange_from_tool: Isometry3::new(Vector3::new(0.0, 0.02, 0.17), Vector3::x()),
        joint_speed: Joints::repeat(2.0),
        joint_acceleration: Joints::repeat(5.0),
        acceleration: 1.2,
        turn_speed: 1.5,
        body: Body::default(),
    }
}

const PACE: Pace = Pace { speed: 0.4, acceleration: 1.2, turn_speed: 1.5 };

/// Elbow up, bent everywhere.
fn ready() -> Joints {
    Joints::new(0.4, -1.5, 1.8, -1.9, -1.4, 0.3)
}

fn moved(way: [f64; 3], turn: [f64; 3]) -> Isometry3<f64> {
    let at = arm().tool(&ready());
    let turn = UnitQuaternion::from_scaled_axis(Vector3::from(turn));
    Isometry3::from_parts(
        Translation3::from(at.translation.vector + Vector3::from(way)),
        turn * at.rotation,
    )
}

proptest! {
    #[test]
    fn a_line_stays_straight_and_within_every_limit(
        way in prop::array::uniform3(-0.15..0.15f64),
        turn in prop::array::uniform3(-0.3..0.3f64),
        share in 0.0..1.0f64,
    ) {
        let (arm, to) = (arm(), moved(way, turn));
        let Ok(trajectory) = JointTrajectory::line(&arm, &ready(), &to, PACE) else {
            return Ok(());
        };
        let seconds = share * trajectory.duration();
        let (joints, speeds) = trajectory.at(seconds);
        let line = Line::new(arm.tool(&ready()), to);
        let at = arm.tool(&joints).translation.vector;
        let length = line.way();
        let from = line.from().translation.vector;
        let along = (at - from).dot(&(line.to().translation.vector - from)) / length;
        let on_line = line.along(along / length).translation.vector;
        prop_assert!((at - on_line).norm() < 3e-5, "{} m off", (at - on_line).norm());

        let later = trajectory.at(seconds + 1e-4);
        for i in 0..6 {
            prop_assert!(speeds[i].abs() <= arm.joint_speed[i] * (1.0 + 1e-9));
            let gained = (later.1[i] - speeds[i]).abs() / 1e-4;
            prop_assert!(gained <= arm.joint_acceleration[i] * (1.0 + 1e-3), "{gained}");
        }
        let moved = (arm.tool(&later.0).translation.vector - at).norm() / 1e-4;
        prop_assert!(moved <= PACE.speed * (1.0 + 1e-3), "{moved} m/s");
    }

    #[test]
    fn the_posture_measures_what_makes_the_jacobian_singular(
        q in prop::array::uniform6(-3.0..3.0f64),
    ) {
        let (arm, q) = (arm(), Joints::from(q));
        let posture = arm.kinematics.posture(&q);
        let product = 0.425 * 0.3922 * posture.elbow * posture.wrist * posture.shoulder;
        let determinant = arm.kinematics.jacobian(&q).determinant();
        prop_assert!((determinant.abs() - product.abs()).abs() < 1e-12);
    }
}

#[test]
fn out_of_reach_is_refused() {
    let far = JointTrajectory::line(&arm(), &ready(), &moved([1.5, 0.0, 0.0], [0.0; 3]), PACE);
    let refused = far.unwrap_err();
    assert!(
        matches!(
            refused,
            NoTrajectory::Singular(Singular::Elbow { .. }) | NoTrajectory::Unreachable(_)
        ),
        "{refused}"
    );
}

#[test]
fn a_line_through_the_straight_wrist_is_refused() {
    let arm = arm();
    let mut from = ready();
    from[4] = -0.3;
    let mut through = from;
    through[4] = 0.3;
    let to = arm.tool(&through);
    let refused = JointTrajectory::line(&arm, &from, &to, PACE).unwrap_err();
    assert!(matches!(refused, NoTrajectory::Singular(Singular::Wrist { .. })), "{refused}");
}

#[test]
fn a_line_to_the_other_branch_is_refused_and_not_jumped() {
    let arm = arm();
    let to = moved([0.1, 0.0, 0.0], [0.0; 3]);
    let trajectory = JointTrajectory::line(&arm, &ready(), &to, PACE).unwrap();
    // Ends on its own branch though another reaches the same pose.
    assert!((trajectory.to() - ready()).amax() < 1.0);
    let narrow = ArmModel {
        kinematics: arm.kinematics.with_range(ready().add_scalar(-0.02), ready().add_scalar(0.02)),
        ..arm
    };
    let refused = JointTrajectory::line(&narrow, &ready(), &to, PACE).unwrap_err();
    assert!(
        matches!(refused, NoTrajectory::Unreachable(Unreachable::JointLimit { .. })),
        "{refused}"
    );
}

#[test]
fn standing_still_takes_next_to_no_time() {
    let here = arm().tool(&ready());
    let trajectory = JointTrajectory::line(&arm(), &ready(), &here, PACE).unwrap();
    assert!(trajectory.duration() < 0.1, "{}", trajectory.duration());
}

#[test]
fn a_pace_of_nothing_is_refused() {
    let to = moved([0.1, 0.0, 0.0], [0.0; 3]);
    for speed in [0.0, -0.1, f64::NAN] {
        let pace = Pace { speed, ..PACE };
        assert!(JointTrajectory::line(&arm(), &ready(), &to, pace).is_err(), "{speed}");
    }
}
