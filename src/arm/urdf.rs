use nalgebra::{Point3, Vector3};
use urdf_rs::{Geometry, Joint, JointType, Robot};

use super::{Capsule, Dh, Joints, Kinematics};

/// An arm's chain, speeds and shapes as its URDF file gives them.
#[derive(Clone, Debug, PartialEq)]
pub struct UrdfArm {
    pub kinematics: Kinematics,
    /// Largest speed of each joint, rad/s.
    pub joint_speed: Joints,
    /// The bodies of base (link 0) and moving links (1 to 6).
    pub shapes: Vec<Capsule>,
}

/// What a URDF file has to say, and does not.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum UrdfError {
    #[error("{0}")]
    Xml(String),
    #[error("must hold one chain of six revolute joints and a fixed one to the flange: {0}")]
    Chain(String),
    #[error(
        "joint '{joint}' must turn about (0 0 1) and have an origin xyz = (a 0 d), rpy = (alpha 0 0)"
    )]
    Origin { joint: String },
    #[error(
        "not an arm of the UR family: its second, third and fourth axis must be parallel, and all \
         others meet at right angles"
    )]
    Family,
    #[error("collision shapes of link '{link}' must be cylinders or spheres")]
    Shape { link: String },
    #[error("limits of joint '{joint}' must be numbers, lower below upper, velocity above 0")]
    Limit { joint: String },
}

const RIGHT: f64 = std::f64::consts::FRAC_PI_2;
/// Angles of a URDF are rounded.
const ROUNDED: f64 = 1e-6;

impl UrdfArm {
    /// Reads a URDF text and reduces it to the chain from its root to its flange.
    pub fn parse(text: &str) -> Result<Self, UrdfError> {
        let robot = urdf_rs::read_from_string(text).map_err(|e| UrdfError::Xml(e.to_string()))?;
        let chain = chain(&robot)?;
        let (turning, flange) = (&chain[..6], chain[6]);
        for joint in turning {
            let limit = &joint.limit;
            let axis = joint.axis.xyz.0;
            if axis != [0.0, 0.0, 1.0] {
                return Err(UrdfError::Origin { joint: joint.name.clone() });
            }
            if !(limit.lower < limit.upper && limit.velocity > 0.0) {
                return Err(UrdfError::Limit { joint: joint.name.clone() });
            }
        }
        if row(turning[0])? != Dh::default() {
            return Err(UrdfError::Origin { joint: turning[0].name.clone() });
        }
        let mut rows = [Dh::default(); 6];
        for (i, slot) in rows.iter_mut().enumerate() {
            *slot = row(if i < 5 { turning[i + 1] } else { flange })?;
        }
        snap_to_family(&mut rows)?;
        let each = |value: fn(&Joint) -> f64| Joints::from_fn(|i, _| value(turning[i]));
        Ok(Self {
            kinematics: Kinematics::new(rows, each(|j| j.limit.lower), each(|j| j.limit.upper)),
            joint_speed: each(|j| j.limit.velocity),
            shapes: shapes(&robot, turning)?,
        })
    }
}

/// The seven joints from the root on.
fn chain(robot: &Robot) -> Result<Vec<&Joint>, UrdfError> {
    let is_child = |name: &str| robot.joints.iter().any(|j| j.child.link == name);
    let mut roots = robot.links.iter().filter(|link| !is_child(&link.name));
    let root = roots.next().ok_or_else(|| UrdfError::Chain("there is no root".to_owned()))?;
    let mut at = root.name.as_str();
    let mut found = Vec::new();
    while let Some(joint) = robot.joints.iter().find(|j| j.parent.link == at) {
        let wanted = if found.len() < 6 { JointType::Revolute } else { JointType::Fixed };
        if found.len() == 7 || joint.joint_type != wanted {
            return Err(UrdfError::Chain(format!("joint '{}' is not one of them", joint.name)));
        }
        at = &joint.child.link;
        found.push(joint);
    }
    if found.len() < 7 || robot.joints.len() != 7 {
        let (chain, all) = (found.len(), robot.joints.len());
        return Err(UrdfError::Chain(format!("{chain} joints in a row, {all} in all")));
    }
    Ok(found)
}

fn row(joint: &Joint) -> Result<Dh, UrdfError> {
    let ([a, y, d], [alpha, pitch, yaw]) = (joint.origin.xyz.0, joint.origin.rpy.0);
    let plain = y == 0.0 && pitch == 0.0 && yaw == 0.0;
    let numbers = a.is_finite() && d.is_finite() && alpha.is_finite();
    if !(plain && numbers) {
        return Err(UrdfError::Origin { joint: joint.name.clone() });
    }
    Ok(Dh { theta: 0.0, a, d, alpha })
}

/// The closed-form inverse is that of this family only; its right angles are made exact.
fn snap_to_family(rows: &mut [Dh; 6]) -> Result<(), UrdfError> {
    let angles = [RIGHT, 0.0, 0.0, RIGHT, -RIGHT, 0.0];
    for (row, alpha) in rows.iter_mut().zip(angles) {
        if (row.alpha - alpha).abs() > ROUNDED {
            return Err(UrdfError::Family);
        }
        row.alpha = alpha;
    }
    let none = [rows[0].a, rows[3].a, rows[4].a, rows[5].a, rows[1].d, rows[2].d];
    let some = [rows[1].a, rows[2].a];
    if none.into_iter().any(|v| v != 0.0) || some.into_iter().any(|v| v == 0.0) {
        return Err(UrdfError::Family);
    }
    Ok(())
}

fn shapes(robot: &Robot, turning: &[&Joint]) -> Result<Vec<Capsule>, UrdfError> {
    let mut shapes = Vec::new();
    let names =
        std::iter::once(&turning[0].parent.link).chain(turning.iter().map(|j| &j.child.link));
    for (link, name) in names.enumerate() {
        for body in robot.links.iter().filter(|l| l.name == *name).flat_map(|l| &l.collision) {
            let (radius, length) = match body.geometry {
                Geometry::Cylinder { radius, length } | Geometry::Capsule { radius, length } => {
                    (radius, length)
                }
                Geometry::Sphere { radius } => (radius, 0.0),
                _ => return Err(UrdfError::Shape { link: name.clone() }),
            };
            let centre = Point3::from(body.origin.xyz.0);
            let half = upright(body.origin.rpy.0) * (length / 2.0);
            shapes.push(Capsule { link, from: centre - half, to: centre + half, radius });
        }
    }
    Ok(shapes)
}

/// The z axis turned by roll, pitch and yaw about fixed x, y and z.
fn upright([roll, pitch, yaw]: [f64; 3]) -> Vector3<f64> {
    let (sr, cr) = libm::sincos(roll);
    let (sp, cp) = libm::sincos(pitch);
    let (sy, cy) = libm::sincos(yaw);
    Vector3::new(cy * sp * cr + sy * sr, sy * sp * cr - cy * sr, cp * cr)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UR5E: &str = include_str!("../../robots/ur5e.urdf");

    #[test]
    fn our_file_is_the_makers_table() {
        let arm = UrdfArm::parse(UR5E).unwrap();
        assert_eq!(arm.kinematics, Kinematics::ur5e());
        assert_eq!(arm.joint_speed, Joints::repeat(std::f64::consts::PI));
        assert_eq!(arm.shapes.len(), 9);
    }

    #[test]
    fn what_is_not_such_an_arm_says_why() {
        let cases = [
            ("<robot", "</robot>", "<not", "unexpected"),
            ("rpy=\"-1.5707963267948966 0 0\"", "", "rpy=\"-1.5 0 0\"", "UR family"),
            ("xyz=\"0 0 0.0997\"", "", "xyz=\"0 0.1 0.0997\"", "'wrist_3'"),
            ("type=\"fixed\"", "", "type=\"revolute\"", "'flange'"),
            ("velocity=\"3.141592653589793\"", "", "velocity=\"0\"", "'shoulder_pan'"),
            ("<sphere", "", "", ""),
        ];
        for (old, _, new, says) in cases {
            if !UR5E.contains(old) {
                continue;
            }
            let error = UrdfArm::parse(&UR5E.replacen(old, new, 1)).unwrap_err().to_string();
            assert!(says == "unexpected" || error.contains(says), "{old} -> {new}: {error}");
        }
        let boxed = UR5E.replacen(
            "<cylinder radius=\"0.075\" length=\"0.05\"/>",
            "<box size=\"1 1 1\"/>",
            1,
        );
        let error = UrdfArm::parse(&boxed).unwrap_err();
        assert_eq!(error, UrdfError::Shape { link: "base".to_owned() });
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(cut in 0..UR5E.len(), text in "\\PC{0,60}") {
            let cut = (0..=cut).rev().find(|at| UR5E.is_char_boundary(*at)).unwrap_or(0);
            let _ = UrdfArm::parse(&format!("{}{text}", &UR5E[..cut]));
            let _ = UrdfArm::parse(&text);
        }
    }
}
