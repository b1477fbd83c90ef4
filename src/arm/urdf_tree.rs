use std::collections::BTreeMap;

use nalgebra::{Isometry3, Quaternion, Translation3, Unit, UnitQuaternion, Vector3};
use urdf_rs::{Joint, JointType, Pose, Robot};

use super::UrdfError;

/// A URDF with its fixed joints folded in: six joints that turn, one after the other, and all that hangs on them.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub turning: [Turning<'a>; 6],
    pub links: Vec<Hanging<'a>>,
    /// The link that the first joint stands on, and the one that a tool is mounted on.
    pub foot: Isometry3<f64>,
    pub flange: Isometry3<f64>,
}

/// A joint that turns. All frames are in the root's, with every joint at zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turning<'a> {
    pub joint: &'a Joint,
    pub root_from_joint: Isometry3<f64>,
    pub axis: Unit<Vector3<f64>>,
}

/// A link, and after how many of the six joints it comes: 0 stands with the base.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hanging<'a> {
    pub link: &'a urdf_rs::Link,
    pub body: usize,
    pub root_from_link: Isometry3<f64>,
}

/// A direction is this near a unit vector.
const UNIT: f64 = 1e-3;
/// More links than this are not an arm's.
const MOST_LINKS: usize = 200;

impl<'a> Tree<'a> {
    pub fn new(robot: &'a Robot) -> Result<Self, UrdfError> {
        let by_name = names(robot)?;
        let root = root(robot)?;
        let mut turning: Vec<Turning<'a>> = Vec::new();
        let mut links: Vec<Hanging<'a>> = Vec::new();
        let mut foot = None;
        let mut open = vec![(root, 0, Isometry3::identity())];
        while let Some((name, body, root_from_link)) = open.pop() {
            let joint_of = |name| format!("link of joint '{name}'");
            let link = by_name.get(name).ok_or_else(|| {
                UrdfError::new(joint_of(name), name, "must be a link of this file")
            })?;
            links.push(Hanging { link, body, root_from_link });
            for joint in robot.joints.iter().filter(|joint| joint.parent.link == name) {
                let root_from_joint = root_from_link * isometry(&joint.origin);
                let turns = match joint.joint_type {
                    JointType::Fixed => false,
                    JointType::Revolute | JointType::Continuous => true,
                    _ => return Err(not_six(joint, "neither turns nor is fixed")),
                };
                if turns {
                    // A chain: each joint carries the next.
                    if turning.len() != body || body == 6 {
                        return Err(not_six(joint, "is one more, or beside the others"));
                    }
                    foot = foot.or(Some(root_from_link));
                    let axis = axis(joint, &root_from_joint)?;
                    turning.push(Turning { joint, root_from_joint, axis });
                }
                open.push((&joint.child.link, body + usize::from(turns), root_from_joint));
            }
        }
        let count = turning.len();
        let (Ok(turning), Some(foot)) = (turning.try_into(), foot) else {
            let valid = "must be six joints of type revolute or continuous, one after the other";
            return Err(UrdfError::new("joints that turn", count, valid));
        };
        if links.len() != robot.links.len() {
            let lost =
                robot.links.iter().find(|link| links.iter().all(|l| l.link.name != link.name));
            let named = lost.map_or("", |link| link.name.as_str());
            return Err(UrdfError::new(format!("link '{named}'"), "", "must hang on the root"));
        }
        let flange = flange(&links)?;
        Ok(Self { turning, links, foot, flange })
    }
}

/// Every link by its name; none twice, and no joint twice or without its links.
fn names(robot: &Robot) -> Result<BTreeMap<&str, &urdf_rs::Link>, UrdfError> {
    let valid = format!("must be at most {MOST_LINKS}");
    if robot.links.len() > MOST_LINKS || robot.joints.len() > MOST_LINKS {
        return Err(UrdfError::new("links", robot.links.len(), valid));
    }
    let mut by_name = BTreeMap::new();
    for link in &robot.links {
        if by_name.insert(link.name.as_str(), link).is_some() {
            return Err(UrdfError::new("link name", &link.name, "must be there once"));
        }
    }
    for (i, joint) in robot.joints.iter().enumerate() {
        let named = format!("joint '{}'", joint.name);
        if robot.joints[..i].iter().any(|other| other.name == joint.name) {
            return Err(UrdfError::new(named, "", "must be there once"));
        }
        for end in [&joint.parent.link, &joint.child.link] {
            if !by_name.contains_key(end.as_str()) {
                return Err(UrdfError::new(named, end, "must join links of this file"));
            }
        }
        if robot.joints[..i].iter().any(|other| other.child.link == joint.child.link) {
            let valid = "must be the child of one joint";
            return Err(UrdfError::new(format!("link '{}'", joint.child.link), "", valid));
        }
    }
    Ok(by_name)
}

/// The one link that is nobody's child. What is a child of one joint only and hangs on it forms no loop.
fn root(robot: &Robot) -> Result<&str, UrdfError> {
    let is_child = |name: &str| robot.joints.iter().any(|joint| joint.child.link == name);
    let roots: Vec<&str> =
        robot.links.iter().map(|link| link.name.as_str()).filter(|name| !is_child(name)).collect();
    match roots[..] {
        [root] => Ok(root),
        _ => Err(UrdfError::new("links without a parent", roots.join(", "), "must be exactly one")),
    }
}

/// `tool0`, as ROS-Industrial calls the frame that a controller's TCP is measured from (REP 199); else `flange`; else the
/// one link that ends the chain.
fn flange(links: &[Hanging<'_>]) -> Result<Isometry3<f64>, UrdfError> {
    let last: Vec<_> = links.iter().filter(|hanging| hanging.body == 6).collect();
    let named = |name: &str| last.iter().find(|hanging| hanging.link.name.ends_with(name));
    if let Some(found) = named("tool0").or_else(|| named("flange")) {
        return Ok(found.root_from_link);
    }
    match last[..] {
        [one] => Ok(one.root_from_link),
        _ => {
            let names: Vec<&str> = last.iter().map(|hanging| hanging.link.name.as_str()).collect();
            let valid = "one of them must be called tool0 or flange";
            Err(UrdfError::new("links after the last joint", names.join(", "), valid))
        }
    }
}

fn axis(joint: &Joint, root_from_joint: &Isometry3<f64>) -> Result<Unit<Vector3<f64>>, UrdfError> {
    let [x, y, z] = joint.axis.xyz.0;
    let axis = Vector3::new(x, y, z);
    if (axis.norm() - 1.0).abs() > UNIT {
        let element = format!("joint '{}' axis xyz", joint.name);
        return Err(UrdfError::new(element, format!("{x} {y} {z}"), "must be a unit vector"));
    }
    Ok(Unit::new_normalize(root_from_joint.rotation * axis))
}

fn not_six(joint: &Joint, why: &str) -> UrdfError {
    let valid = format!(
        "{why}: there must be six revolute joints one after the other, and fixed ones; what an arm carries stands \
         in the robot file (arm.tool, arm.hand_radius_mm)"
    );
    UrdfError::new(format!("joint '{}'", joint.name), "", valid)
}

/// Roll, pitch, yaw about fixed x, y and z; with libm, so that the bits are the same on every machine.
pub(super) fn isometry(pose: &Pose) -> Isometry3<f64> {
    let ([x, y, z], [roll, pitch, yaw]) = (pose.xyz.0, pose.rpy.0);
    let about = |axis: usize, angle: f64| {
        let (sin, cos) = libm::sincos(angle / 2.0);
        let mut imaginary = [0.0; 3];
        imaginary[axis] = sin;
        let [i, j, k] = imaginary;
        UnitQuaternion::new_unchecked(Quaternion::new(cos, i, j, k))
    };
    let turn = about(2, yaw) * about(1, pitch) * about(0, roll);
    Isometry3::from_parts(Translation3::new(x, y, z), turn)
}
