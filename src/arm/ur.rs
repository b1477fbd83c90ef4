//! Universal Robots: three parallel axes between shoulder and wrist, all others at right angles.

use std::f64::consts::{FRAC_PI_2, PI};

use nalgebra::{Isometry3, Matrix3, Point3, Rotation3, UnitQuaternion, Vector3};

use super::inverse::Inverse;
use super::urdf_tree::Tree;
use super::{Dh, Joints, Kinematics, Posture, Unreachable, UrdfError};

/// The family of UR3 to UR30, CB and e-Series.
#[derive(Debug)]
pub(super) struct Ur;

pub(super) const UR: Ur = Ur;

const RIGHT: f64 = FRAC_PI_2;
/// Below this sine of joint 5, joints 4 and 6 turn about one axis.
const WRIST_SINGULAR: f64 = 1e-9;
/// Numbers of a URDF are rounded: metres and rad.
const ROUNDED: f64 = 1e-6;
/// Lengths of a table are told in whole nanometres, so that a URDF gives the very numbers that its maker printed.
const NANO: f64 = 1e9;

/// UR's own table for the UR5e (universal-robots.com, "DH parameters for calculations of
/// kinematics and dynamics").
const UR5E: [Dh; 6] = [
    Dh { theta: 0.0, a: 0.0, d: 0.1625, alpha: RIGHT },
    Dh { theta: 0.0, a: -0.425, d: 0.0, alpha: 0.0 },
    Dh { theta: 0.0, a: -0.3922, d: 0.0, alpha: 0.0 },
    Dh { theta: 0.0, a: 0.0, d: 0.1333, alpha: RIGHT },
    Dh { theta: 0.0, a: 0.0, d: 0.0997, alpha: -RIGHT },
    Dh { theta: 0.0, a: 0.0, d: 0.0996, alpha: 0.0 },
];

impl Kinematics {
    /// The nominal UR5e: joints within +-360 deg, the elbow within +-180 deg.
    pub fn ur5e() -> Self {
        let mut max = Joints::repeat(4.0 * RIGHT);
        max[2] = 2.0 * RIGHT;
        Self::new(&UR, UR5E, -max, max)
    }
}

impl Inverse for Ur {
    fn name(&self) -> &'static str {
        "Universal Robots"
    }

    /// From where the axes lie with every joint at zero: that is all that kinematics depend on, however the file has its
    /// frames. z of the base is the first axis, and y against the second.
    fn table(&self, tree: &Tree<'_>) -> Result<(Isometry3<f64>, [Dh; 6]), UrdfError> {
        let (z, y) = (tree.turning[0].axis.into_inner(), -tree.turning[1].axis.into_inner());
        let named = |joint: usize| format!("joint '{}'", tree.turning[joint].joint.name);
        let wrong = |element: String, value: String, wanted: &str| {
            let valid = format!(
                "{wanted}: not an arm of Universal Robots, whose second, third and fourth axis are parallel, and all \
                 others meet at right angles; a description with the arm's own calibration is not one either (rmrl \
                 reads that from the controller)"
            );
            UrdfError::new(element, value, valid)
        };
        if z.dot(&y).abs() > ROUNDED {
            let value = format!("{:.4} deg from the first axis", z.angle(&-y).to_degrees());
            return Err(wrong(named(1), value, "must turn at a right angle to the first"));
        }
        let turn = Matrix3::from_columns(&[y.cross(&z), y, z]);
        let turn = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(turn));
        let first = tree.turning[0].root_from_joint.translation.vector;
        let origin = first + z * (tree.foot.translation.vector - first).dot(&z);
        let root_from_base = Isometry3::from_parts(origin.into(), turn);
        let to_base = root_from_base.inverse();
        let at = |joint: usize| {
            to_base * Point3::from(tree.turning[joint].root_from_joint.translation.vector)
        };
        let flange = to_base * tree.flange;
        let nano = |metres: f64| (metres * NANO).round() / NANO;

        let d1 = nano(at(1).z);
        let a2 = nano(at(2).x);
        let a3 = nano(at(3).x - a2);
        let d4 = nano(-at(4).y);
        let d5 = nano(d1 - at(5).z);
        let d6 = nano(-flange.translation.y - d4);
        let rows = [
            (0.0, d1, RIGHT),
            (a2, 0.0, 0.0),
            (a3, 0.0, 0.0),
            (0.0, d4, RIGHT),
            (0.0, d5, -RIGHT),
            (0.0, d6, 0.0),
        ];
        let table = rows.map(|(a, d, alpha)| Dh { theta: 0.0, a, d, alpha });

        let own = Kinematics::new(&UR, table, Joints::zeros(), Joints::zeros());
        let links = own.base_from_links(&Joints::zeros());
        for (joint, link) in links.iter().enumerate() {
            let (wanted, axis) = (link.rotation * Vector3::z(), to_base * tree.turning[joint].axis);
            if (wanted - axis.into_inner()).norm() > ROUNDED {
                let value = format!("axis {:.4} {:.4} {:.4} in the base", axis.x, axis.y, axis.z);
                let wanted = format!("must be {:.0} {:.0} {:.0}", wanted.x, wanted.y, wanted.z);
                return Err(wrong(named(joint), value, &wanted));
            }
            let beside = wanted.cross(&(at(joint) - Point3::from(link.translation.vector))).norm();
            if beside > ROUNDED {
                let value = format!("{:.3} mm beside", beside * 1e3);
                return Err(wrong(
                    named(joint),
                    value,
                    "must lie in one plane with the axes before",
                ));
            }
        }
        let off = own.forward(&Joints::zeros()).inverse() * flange;
        if off.translation.vector.norm() > ROUNDED || 2.0 * off.rotation.imag().norm() > ROUNDED {
            let (mm, deg) =
                (off.translation.vector.norm() * 1e3, off.rotation.angle().to_degrees());
            let value = format!("{mm:.3} mm and {deg:.2} deg off");
            return Err(wrong(
                "tool0 or flange".to_owned(),
                value,
                "must lie on the last axis, z along it",
            ));
        }
        if a2 == 0.0 || a3 == 0.0 {
            let value = format!("links of {a2} and {a3} m");
            return Err(wrong(named(2), value, "must have a length on both sides"));
        }
        Ok((root_from_base, table))
    }

    /// Up to eight. Where the wrist is straight, joint 6 stays as in `near`.
    fn branches(
        &self,
        table: &[Dh; 6],
        base_from_flange: &Isometry3<f64>,
        near: &Joints,
    ) -> Result<Vec<Joints>, Unreachable> {
        let [row1, row2, row3, row4, row5, row6] = table;
        let wrist = base_from_flange * Point3::new(0.0, 0.0, -row6.d);
        let from_axis = libm::hypot(wrist.x, wrist.y);
        if from_axis < row4.d.abs() {
            let (distance_mm, least_mm) = (from_axis * 1e3, row4.d.abs() * 1e3);
            return Err(Unreachable::Base { distance_mm, least_mm });
        }
        let flange_from_base = base_from_flange.rotation.inverse();
        let (towards, aside) =
            (libm::atan2(wrist.y, wrist.x), libm::asin((row4.d / from_axis).clamp(-1.0, 1.0)));
        let mut found = Vec::with_capacity(8);
        let mut failure = None;
        for q1 in [towards + aside, towards + PI - aside] {
            let (sin1, cos1) = libm::sincos(q1);
            // The common direction of axes 2, 3 and 4, seen from the flange.
            let axis = flange_from_base * Vector3::new(sin1, -cos1, 0.0);
            let bent = libm::hypot(axis.x, axis.y);
            for side in [1.0, -1.0] {
                let q5 = libm::atan2(side * bent, axis.z);
                let q6 = if bent < WRIST_SINGULAR {
                    near[5]
                } else {
                    libm::atan2(-side * axis.y, side * axis.x)
                };
                // What remains is a planar arm in the plane across those axes.
                let plane =
                    plane_of(base_from_flange, (sin1, cos1), row1.d, row5.d, row6.d, q5, q6);
                let (x, y, heading) = plane;
                let reach2 = x * x + y * y;
                let cos3 = (reach2 - row2.a * row2.a - row3.a * row3.a) / (2.0 * row2.a * row3.a);
                if !(-1.0 - 1e-12..=1.0 + 1e-12).contains(&cos3) {
                    failure = Some(Unreachable::Distance {
                        needed_mm: reach2.sqrt() * 1e3,
                        least_mm: (row2.a.abs() - row3.a.abs()).abs() * 1e3,
                        most_mm: (row2.a.abs() + row3.a.abs()) * 1e3,
                    });
                    continue;
                }
                let cos3 = cos3.clamp(-1.0, 1.0);
                for sin3 in [(1.0 - cos3 * cos3).sqrt(), -(1.0 - cos3 * cos3).sqrt()] {
                    let q3 = libm::atan2(sin3, cos3);
                    let elbow = libm::atan2(row3.a * sin3, row2.a + row3.a * cos3);
                    let q2 = libm::atan2(y, x) - elbow;
                    let q4 = heading - q2 - q3;
                    found.push(Joints::new(q1, q2, q3, q4, q5, q6));
                }
            }
        }
        match failure {
            Some(failure) if found.is_empty() => Err(failure),
            _ => Ok(found),
        }
    }

    fn posture(&self, rows: &[Dh; 6], joints: &Joints) -> Posture {
        let (elbow, wrist) = (libm::sin(joints[2]), libm::sin(joints[4]));
        let (sum2, sum3) = (joints[1], joints[1] + joints[2]);
        let shoulder = rows[1].a * libm::cos(sum2)
            + rows[2].a * libm::cos(sum3)
            + rows[4].d * libm::sin(sum3 + joints[3]);
        Posture { elbow, wrist, shoulder }
    }
}

/// Position of joint 4's axis from joint 2's in the plane across both, and the angle that joints
/// 2, 3 and 4 turn together.
fn plane_of(
    base_from_flange: &Isometry3<f64>,
    (sin1, cos1): (f64, f64),
    d1: f64,
    d5: f64,
    d6: f64,
    q5: f64,
    q6: f64,
) -> (f64, f64, f64) {
    let (sin5, cos5) = libm::sincos(q5);
    let (sin6, cos6) = libm::sincos(q6);
    // Joint 5's axis and the x axis of the frame it turns, seen from the flange; alpha 5 is -90 deg.
    let axis5 = Vector3::new(-sin6, -cos6, 0.0);
    let x4 = Vector3::new(cos5 * cos6, -cos5 * sin6, -sin5);
    let elbow = base_from_flange * Point3::from(axis5 * -d5 - Vector3::z() * d6);
    let x4 = base_from_flange.rotation * x4;
    // The plane's own axes in the base frame: outwards along the turned base, and up.
    let (x, y) = (cos1 * elbow.x + sin1 * elbow.y, elbow.z - d1);
    (x, y, libm::atan2(x4.z, cos1 * x4.x + sin1 * x4.y))
}
