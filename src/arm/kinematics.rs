use nalgebra::{Isometry3, Matrix6, Quaternion, Translation3, UnitQuaternion, Vector3, Vector6};
use serde::{Deserialize, Serialize};

use super::inverse::Inverse;

/// Angles of the six joints, base first, rad; also their speeds (rad/s) and the like.
pub type Joints = Vector6<f64>;

/// One row of a Denavit-Hartenberg table (classic convention): after turning by the joint's angle
/// plus `theta` about z, `d` along z, `a` along x, `alpha` about x. Metres and rad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dh {
    pub theta: f64,
    pub a: f64,
    pub d: f64,
    pub alpha: f64,
}

/// What an arm's own calibration adds to the nominal row of a joint. Metres and rad.
pub type DhDelta = Dh;

/// A six-joint arm: where its flange is at which angles, and back. The nominal table has its family's closed-form
/// inverse; a calibrated one is refined from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Kinematics {
    pub(super) family: &'static dyn Inverse,
    pub(super) nominal: [Dh; 6],
    links: [Link; 6],
    pub(super) min: Joints,
    pub(super) max: Joints,
}

/// A joint's turning, then the rigid way to the next joint.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Link {
    theta: f64,
    joint_from_next: Isometry3<f64>,
}

impl Kinematics {
    pub(super) fn new(
        family: &'static dyn Inverse,
        nominal: [Dh; 6],
        min: Joints,
        max: Joints,
    ) -> Self {
        Self { family, nominal, links: nominal.map(Link::new), min, max }
    }

    /// The same arm as it was built: its own calibration, added row by row.
    pub fn with_deltas(&self, deltas: &[DhDelta; 6]) -> Self {
        let built = std::array::from_fn(|i| {
            let (row, delta) = (self.nominal[i], deltas[i]);
            Link::new(Dh {
                theta: row.theta + delta.theta,
                a: row.a + delta.a,
                d: row.d + delta.d,
                alpha: row.alpha + delta.alpha,
            })
        });
        Self { links: built, ..self.clone() }
    }

    /// The same arm as its table has it, without a calibration of its own.
    pub fn uncalibrated(&self) -> Self {
        Self::new(self.family, self.nominal, self.min, self.max)
    }

    /// The nominal table, base first.
    pub fn rows(&self) -> &[Dh; 6] {
        &self.nominal
    }

    /// The same arm within narrower joint limits, rad.
    pub fn with_range(&self, min: Joints, max: Joints) -> Self {
        Self { min, max, ..self.clone() }
    }

    /// Smallest and largest angle of each joint, rad.
    pub fn range(&self) -> (&Joints, &Joints) {
        (&self.min, &self.max)
    }

    /// `base_from_flange` at these joints.
    pub fn forward(&self, joints: &Joints) -> Isometry3<f64> {
        self.base_from_links(joints)[5] * self.links[5].joint_from_next
    }

    /// `base_from_link` of the six moving links: each frame lies on its joint, z along the axis,
    /// and turns with it.
    pub fn base_from_links(&self, joints: &Joints) -> [Isometry3<f64>; 6] {
        let mut base_from_joint = Isometry3::identity();
        std::array::from_fn(|i| {
            let link = &self.links[i];
            let base_from_link = base_from_joint * about_z(joints[i] + link.theta);
            base_from_joint = base_from_link * link.joint_from_next;
            base_from_link
        })
    }

    /// Columns are the flange's linear (m/s) over angular (rad/s) velocity in the base frame for
    /// one rad/s of each joint.
    pub fn jacobian(&self, joints: &Joints) -> Matrix6<f64> {
        let links = self.base_from_links(joints);
        let flange = (links[5] * self.links[5].joint_from_next).translation.vector;
        let mut jacobian = Matrix6::zeros();
        for (i, link) in links.iter().enumerate() {
            let axis = link.rotation * Vector3::z();
            let linear = axis.cross(&(flange - link.translation.vector));
            jacobian.fixed_view_mut::<3, 1>(0, i).copy_from(&linear);
            jacobian.fixed_view_mut::<3, 1>(3, i).copy_from(&axis);
        }
        jacobian
    }
}

impl Link {
    fn new(row: Dh) -> Self {
        let along =
            Isometry3::from_parts(Translation3::new(row.a, 0.0, row.d), UnitQuaternion::identity());
        Self { theta: row.theta, joint_from_next: along * about_x(row.alpha) }
    }
}

// libm, so that the bits are the same on every machine.
fn about_z(angle: f64) -> UnitQuaternion<f64> {
    let (sin, cos) = libm::sincos(angle / 2.0);
    UnitQuaternion::new_unchecked(Quaternion::new(cos, 0.0, 0.0, sin))
}

fn about_x(angle: f64) -> UnitQuaternion<f64> {
    let (sin, cos) = libm::sincos(angle / 2.0);
    UnitQuaternion::new_unchecked(Quaternion::new(cos, sin, 0.0, 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ur5e_stretched_out_lies_where_its_table_adds_up() {
        let at = Kinematics::ur5e().forward(&Joints::zeros());
        let wanted = Vector3::new(-0.425 - 0.3922, -0.1333 - 0.0996, 0.1625 - 0.0997);
        assert!((at.translation.vector - wanted).norm() < 1e-15, "{at}");
    }

    proptest! {
        #[test]
        fn the_jacobian_is_the_slope_of_the_forward_kinematics(
            joints in prop::array::uniform6(-3.0..3.0f64),
            joint in 0usize..6,
        ) {
            let (kinematics, joints) = (Kinematics::ur5e(), Joints::from(joints));
            let (step, mut ahead, mut behind) = (1e-6, joints, joints);
            ahead[joint] += step;
            behind[joint] -= step;
            let (ahead, behind) = (kinematics.forward(&ahead), kinematics.forward(&behind));
            let linear = (ahead.translation.vector - behind.translation.vector) / (2.0 * step);
            let turned = ahead.rotation * behind.rotation.inverse();
            let angular = turned.scaled_axis() / (2.0 * step);
            let column = kinematics.jacobian(&joints).column(joint).into_owned();
            prop_assert!((linear - column.fixed_rows::<3>(0)).norm() < 1e-8);
            prop_assert!((angular - column.fixed_rows::<3>(3)).norm() < 1e-8);
        }
    }
}
