use std::f64::consts::TAU;

use nalgebra::{Isometry3, Vector6};

use super::urdf_tree::Tree;
use super::{Dh, Joints, Kinematics, Posture, UrdfError};

/// A family of six-joint arms: all in which families differ on paper. Another family is a file with this trait and
/// its line in [`FAMILIES`]; whoever plans, checks and moves knows [`Kinematics`] only.
pub(super) trait Inverse: std::fmt::Debug + Send + Sync {
    /// As in `Universal Robots`; no two families have the same.
    fn name(&self) -> &'static str;

    /// The nominal Denavit-Hartenberg table of a chain, and `root_from_base` of the frame that it begins in: the one in
    /// which this family's controllers tell poses. An error says what makes it another family's.
    fn table(&self, tree: &Tree<'_>) -> Result<(Isometry3<f64>, [Dh; 6]), UrdfError>;

    /// Every posture of this nominal table that brings the flange to `base_from_flange`, in any turn of its joints; a
    /// joint that may have any angle has that of `near`. Never empty.
    fn branches(
        &self,
        table: &[Dh; 6],
        base_from_flange: &Isometry3<f64>,
        near: &Joints,
    ) -> Result<Vec<Joints>, Unreachable>;

    /// How far these joints are from the family's singular postures.
    fn posture(&self, table: &[Dh; 6], joints: &Joints) -> Posture;
}

/// Every family that is known.
pub(super) const FAMILIES: [&dyn Inverse; 1] = [&super::ur::UR];

impl PartialEq for dyn Inverse {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

/// Why no joint angles bring the flange to a pose.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Unreachable {
    #[error(
        "out of reach: from shoulder to wrist it is {needed_mm:.0} mm, and upper arm and forearm \
         span {least_mm:.0} to {most_mm:.0} mm"
    )]
    Distance { needed_mm: f64, least_mm: f64, most_mm: f64 },
    #[error(
        "too near the axis of the base: {distance_mm:.0} mm, where the wrist's own offset needs \
         {least_mm:.0} mm"
    )]
    Base { distance_mm: f64, least_mm: f64 },
    #[error("joint {joint} would turn to {angle_deg:.1} deg, allowed {min_deg:.1} to {max_deg:.1}")]
    JointLimit { joint: usize, angle_deg: f64, min_deg: f64, max_deg: f64 },
    #[error("the arm's calibrated chain does not close near a singular posture")]
    Singular,
    #[error("the pose asked for is not a number")]
    NotANumber,
}

/// A solution is this near the pose asked for, in metres and rad.
const CLOSED: f64 = 1e-11;
/// As near as rounding allows when [`CLOSED`] is not reached: calibration tables hold lengths of
/// many metres that cancel.
const NEARLY_CLOSED: f64 = 1e-9;
/// Newton's method squares its error; more steps than this mean that it wanders.
const REFINEMENTS: usize = 12;
/// How often a step is halved at the most.
const HALVINGS: i32 = 6;

impl Kinematics {
    /// Joints that bring the flange to `base_from_flange`: of all branches and turns within the
    /// joint limits the one nearest to `near`. A calibrated arm is solved from its nominal table,
    /// so that the last millimetres of its reach count as out of reach.
    pub fn inverse(
        &self,
        base_from_flange: &Isometry3<f64>,
        near: &Joints,
    ) -> Result<Joints, Unreachable> {
        let mut branches = self.branches(base_from_flange, near)?;
        branches.sort_by(|a, b| distance(a, near).total_cmp(&distance(b, near)));
        let mut failure = Unreachable::Singular;
        for branch in branches {
            match self.refine(base_from_flange, branch).and_then(|q| self.turned_near(q, near)) {
                Ok(joints) => return Ok(joints),
                // The nearest branch's reason says most.
                Err(error) if failure == Unreachable::Singular => failure = error,
                Err(_) => {}
            }
        }
        Err(failure)
    }

    /// As [`inverse`](Self::inverse), but on the one branch that `near` is on: the next point of a
    /// way, which must not jump to another.
    pub(super) fn inverse_on_branch(
        &self,
        base_from_flange: &Isometry3<f64>,
        near: &Joints,
    ) -> Result<Joints, Unreachable> {
        let branches = self.branches(base_from_flange, near)?;
        let nearer = |a: &Joints, b: &Joints| distance(a, near).total_cmp(&distance(b, near));
        let nearest = branches.into_iter().min_by(nearer).ok_or(Unreachable::Singular)?;
        let joints = self.refine(base_from_flange, nearest)?;
        let beyond =
            |i: &usize| !(self.min[*i] - CLOSED..=self.max[*i] + CLOSED).contains(&joints[*i]);
        match (0..6).find(beyond) {
            Some(i) => Err(self.limit(i, joints[i])),
            None => Ok(joints),
        }
    }

    fn limit(&self, i: usize, angle: f64) -> Unreachable {
        Unreachable::JointLimit {
            joint: i + 1,
            angle_deg: angle.to_degrees(),
            min_deg: self.min[i].to_degrees(),
            max_deg: self.max[i].to_degrees(),
        }
    }

    /// The family's closed form on the nominal table, each branch turned near `near` but not yet held against the
    /// limits.
    pub(super) fn branches(
        &self,
        base_from_flange: &Isometry3<f64>,
        near: &Joints,
    ) -> Result<Vec<Joints>, Unreachable> {
        let numbers = base_from_flange.translation.vector.iter();
        if !numbers.chain(base_from_flange.rotation.coords.iter()).all(|v| v.is_finite()) {
            return Err(Unreachable::NotANumber);
        }
        let mut found = self.family.branches(&self.nominal, base_from_flange, near)?;
        for joints in &mut found {
            *joints = joints.zip_map(near, nearest_turn);
        }
        Ok(found)
    }

    pub(super) fn posture(&self, joints: &Joints) -> Posture {
        self.family.posture(&self.nominal, joints)
    }

    /// Newton's method on the chain as built. A step that leads away is halved: where the elbow is nearly
    /// straight, the nominal arm's solution lies too far off for a whole one.
    fn refine(
        &self,
        base_from_flange: &Isometry3<f64>,
        mut joints: Joints,
    ) -> Result<Joints, Unreachable> {
        let mut error = missing(base_from_flange, &self.forward(&joints));
        for _ in 0..REFINEMENTS {
            if error.norm() < CLOSED {
                return Ok(joints);
            }
            let step = self.jacobian(&joints).lu().solve(&error).ok_or(Unreachable::Singular)?;
            let shorter = |halvings: i32| {
                let next = joints + step * 0.5f64.powi(halvings);
                (next, missing(base_from_flange, &self.forward(&next)))
            };
            let mut steps = (0..=HALVINGS).map(shorter);
            let Some(nearer) = steps.find(|(_, left)| left.norm() < error.norm()) else { break };
            (joints, error) = nearer;
        }
        if error.norm() < NEARLY_CLOSED { Ok(joints) } else { Err(Unreachable::Singular) }
    }

    /// Whole turns bring each joint as near to `near` as its limits allow.
    fn turned_near(&self, mut joints: Joints, near: &Joints) -> Result<Joints, Unreachable> {
        for i in 0..6 {
            let (min, max) = (self.min[i] - CLOSED, self.max[i] + CLOSED);
            let mut angle = nearest_turn(joints[i], near[i]);
            while angle > max {
                angle -= TAU;
            }
            while angle < min {
                angle += TAU;
            }
            if angle > max {
                return Err(self.limit(i, nearest_turn(angle, 0.0)));
            }
            joints[i] = angle;
        }
        Ok(joints)
    }
}

/// What is missing from `at` to `wanted` in the base frame: metres over rad.
fn missing(wanted: &Isometry3<f64>, at: &Isometry3<f64>) -> Vector6<f64> {
    let way = wanted.translation.vector - at.translation.vector;
    let turn = wanted.rotation * at.rotation.inverse();
    let turn = 2.0 * turn.imag() * turn.w.signum();
    Vector6::new(way.x, way.y, way.z, turn.x, turn.y, turn.z)
}

fn nearest_turn(angle: f64, near: f64) -> f64 {
    angle + TAU * ((near - angle) / TAU).round()
}

fn distance(joints: &Joints, near: &Joints) -> f64 {
    (joints - near).norm_squared()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;
    use crate::arm::DhDelta;
    use nalgebra::Point3;
    use proptest::prelude::*;

    fn joints(most: f64) -> impl Strategy<Value = Joints> {
        prop::array::uniform6(-most..most).prop_map(Joints::from)
    }

    /// Calibrations are below a millimetre and a milliradian or so.
    fn deltas() -> impl Strategy<Value = [DhDelta; 6]> {
        let small = || -1e-3..1e-3f64;
        let row = (small(), small(), small(), small());
        prop::array::uniform6(row.prop_map(|(theta, a, d, alpha)| DhDelta { theta, a, d, alpha }))
    }

    fn apart(a: &Isometry3<f64>, b: &Isometry3<f64>) -> f64 {
        missing(a, b).amax()
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 2000,
            max_global_rejects: 20_000,
            ..ProptestConfig::default()
        })]

        #[test]
        fn a_solution_reaches_the_pose_asked_for(q in joints(PI), near in joints(PI)) {
            let kinematics = Kinematics::ur5e();
            let pose = kinematics.forward(&q);
            let found = kinematics.inverse(&pose, &near).unwrap();
            prop_assert!(apart(&kinematics.forward(&found), &pose) < 1e-9);
        }

        #[test]
        fn every_branch_reaches_the_pose_and_they_differ(q in joints(PI)) {
            let kinematics = Kinematics::ur5e();
            prop_assume!(kinematics.jacobian(&q).determinant().abs() > 1e-4);
            let pose = kinematics.forward(&q);
            let branches = kinematics.branches(&pose, &q).unwrap();
            prop_assert!(branches.len() >= 2 && branches.len().is_multiple_of(2));
            for (i, branch) in branches.iter().enumerate() {
                prop_assert!(apart(&kinematics.forward(branch), &pose) < 1e-6, "{branch}");
                for other in &branches[..i] {
                    prop_assert!((other - branch).amax() > 1e-9);
                }
            }
        }

        #[test]
        fn the_branch_of_the_seed_is_found_again(
            q in joints(TAU), off in prop::array::uniform6(-1e-3..1e-3f64),
        ) {
            let mut q = q;
            q[2] /= 2.0;
            // Where two branches meet, either may be the nearer one.
            prop_assume!(q[2].sin().abs() > 0.05 && q[4].sin().abs() > 0.05);
            let kinematics = Kinematics::ur5e();
            prop_assume!(kinematics.jacobian(&q).determinant().abs() > 1e-3);
            let found = kinematics.inverse(&kinematics.forward(&q), &(q + Joints::from(off)));
            prop_assert!((found.unwrap() - q).amax() < 1e-7);
        }

        #[test]
        fn a_calibrated_arm_is_solved_as_it_was_built(q in joints(PI), deltas in deltas()) {
            // Nearer to a singular posture, the nominal arm that the solution
            // starts from cannot follow.
            let nominal = Kinematics::ur5e();
            prop_assume!(q[2].sin().abs() > 0.25 && q[4].sin().abs() > 0.2);
            let pose = nominal.forward(&q);
            let wrist = pose * Point3::new(0.0, 0.0, -0.0996);
            prop_assume!(libm::hypot(wrist.x, wrist.y) > 0.17);
            let kinematics = nominal.with_deltas(&deltas);
            let pose = kinematics.forward(&q);
            let found = kinematics.inverse(&pose, &q).unwrap();
            prop_assert!(apart(&kinematics.forward(&found), &pose) < 1e-9);
            prop_assert!((found - q).amax() < 1e-6);
        }

        #[test]
        fn solutions_keep_to_the_joint_limits(q in joints(PI), near in joints(10.0)) {
            let (min, max) = (Joints::repeat(-2.0), Joints::repeat(2.5));
            let kinematics = Kinematics::ur5e().with_range(min, max);
            if let Ok(found) = kinematics.inverse(&kinematics.forward(&q), &near) {
                prop_assert!((0..6).all(|i| (-2.0 - 1e-9..=2.5 + 1e-9).contains(&found[i])));
            }
        }
    }

    #[test]
    fn a_turn_more_or_less_is_chosen_by_the_seed() {
        let kinematics = Kinematics::ur5e();
        let q = Joints::new(0.3, -1.2, 1.4, -0.5, 1.1, 0.2);
        let turned = q + Joints::new(-TAU, 0.0, 0.0, 0.0, 0.0, TAU);
        let found = kinematics.inverse(&kinematics.forward(&q), &turned).unwrap();
        assert!((found - turned).amax() < 1e-9 || found[5] <= TAU, "{found}");
        assert!((found[0] - turned[0]).abs() < 1e-9, "{found}");
    }

    #[test]
    fn what_cannot_be_reached_says_why() {
        let (kinematics, near) = (Kinematics::ur5e(), Joints::zeros());
        let at = |x, y, z| Isometry3::translation(x, y, z);
        let far = kinematics.inverse(&at(1.2, 0.0, 0.3), &near).unwrap_err();
        assert!(matches!(far, Unreachable::Distance { .. }), "{far}");
        let inside = kinematics.inverse(&at(0.05, 0.0, 0.5), &near).unwrap_err();
        assert!(matches!(inside, Unreachable::Base { .. }), "{inside}");
        let nan = kinematics.inverse(&at(f64::NAN, 0.0, 0.5), &near).unwrap_err();
        assert_eq!(nan, Unreachable::NotANumber);
        let narrow = kinematics.with_range(Joints::repeat(-0.01), Joints::repeat(0.01));
        let limit = narrow.inverse(&at(0.4, 0.2, 0.4), &near).unwrap_err();
        assert!(matches!(limit, Unreachable::JointLimit { .. }), "{limit}");
    }

    #[test]
    fn a_straight_wrist_keeps_the_seeds_last_joint() {
        let kinematics = Kinematics::ur5e();
        let q = Joints::new(0.3, -1.2, 1.4, -0.5, 0.0, 0.7);
        let pose = kinematics.forward(&q);
        let found = kinematics.inverse(&pose, &q).unwrap();
        assert!(apart(&kinematics.forward(&found), &pose) < 1e-9);
        assert!((found - q).amax() < 1e-6, "{found}");
    }
}
