use nalgebra::{Isometry3, Point3, Vector3};
use urdf_rs::{Geometry, Joint, JointType};

use super::inverse::{FAMILIES, Inverse};
use super::urdf_tree::{Hanging, Tree, isometry};
use super::{Capsule, Dh, Joints, Kinematics, urdf_words};

/// An arm's chain, speeds and links as its URDF file gives them. Fixed joints are folded into the links that they
/// hold: a world link, `base_link_inertia`, `ft_frame`, `tool0` (the form of ROS-Industrial's descriptions after
/// xacro). Where the arm stands is the robot file's to say, not the URDF's world link's.
#[derive(Clone, Debug, PartialEq)]
pub struct UrdfArm {
    pub kinematics: Kinematics,
    /// Largest speed of each joint, rad/s.
    pub joint_speed: Joints,
    links: Vec<Link>,
}

/// A rod that a robot file gives a link in place of a mesh. Metres, in the link's own frame in the URDF.
#[derive(Clone, Debug, PartialEq)]
pub struct Rod {
    pub link: String,
    pub from: Point3<f64>,
    pub to: Point3<f64>,
    pub radius: f64,
}

/// What a URDF file says that is wrong or cannot be read: which element, its value, what is valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{element} = {value}: {valid}")]
pub struct UrdfError {
    pub element: String,
    pub value: String,
    pub valid: String,
}

/// A link and what it is made of.
#[derive(Clone, Debug, PartialEq)]
struct Link {
    name: String,
    /// As in [`Capsule::link`].
    body: usize,
    /// From the frame that [`Kinematics::base_from_links`] gives this body.
    body_from_link: Isometry3<f64>,
    shapes: Vec<Capsule>,
    has_mesh: bool,
}

/// A joint that turns on for ever counts as one of so many rad.
const CONTINUOUS: f64 = std::f64::consts::TAU;
const BODIES: usize = 7;

impl UrdfError {
    pub(super) fn new(
        element: impl Into<String>,
        value: impl std::fmt::Display,
        valid: impl Into<String>,
    ) -> Self {
        Self { element: element.into(), value: value.to_string(), valid: valid.into() }
    }
}

impl UrdfArm {
    /// Reads a URDF text, checks every number of its joints and collision shapes, and reduces it to the chain
    /// from base to flange.
    pub fn parse(text: &str) -> Result<Self, UrdfError> {
        urdf_words::check(text)?;
        let robot = urdf_rs::read_from_string(text)
            .map_err(|error| UrdfError::new("file", error, "must be URDF"))?;
        let tree = Tree::new(&robot)?;
        let limits = tree.turning.map(|turning| limits(turning.joint));
        let [mut low, mut high, mut speed] = [Joints::zeros(); 3];
        for (i, limit) in limits.into_iter().enumerate() {
            (low[i], high[i], speed[i]) = limit?;
        }
        let (family, (root_from_base, table)) = family(&tree)?;
        let kinematics = Kinematics::new(family, table, low, high);
        let at_zero = kinematics.base_from_links(&Joints::zeros());
        let link = |hanging: &Hanging<'_>| {
            let base_from_body = match hanging.body {
                0 => Isometry3::identity(),
                body => at_zero[body - 1],
            };
            let root_from_body = root_from_base * base_from_body;
            Link::new(hanging, root_from_body.inverse() * hanging.root_from_link)
        };
        let links = tree.links.iter().map(link).collect();
        Ok(Self { kinematics, joint_speed: speed, links })
    }

    /// What base (0) and moving links (1 to 6) are made of: the file's cylinders, capsules, spheres and boxes, and
    /// these rods. A part without any shape is refused: nothing would keep clear of it.
    pub fn shapes(&self, rods: &[Rod]) -> Result<Vec<Capsule>, UrdfError> {
        let mut shapes = Vec::new();
        for link in &self.links {
            let own = rods.iter().filter(|rod| rod.link == link.name);
            let own: Vec<Capsule> = own.map(|rod| link.rod(rod)).collect();
            if link.has_mesh && own.is_empty() {
                let valid = "is a mesh, which is not read: give the link one [[arm.rod]] or more that enclose it \
                     (link, from_mm, to_mm, radius_mm), or a cylinder, sphere or box in the URDF";
                return Err(UrdfError::new(
                    format!("link '{}' collision", link.name),
                    "mesh",
                    valid,
                ));
            }
            shapes.extend(link.shapes.iter().copied().chain(own));
        }
        let is_known = |rod: &&Rod| self.links.iter().any(|link| link.name == rod.link);
        if let Some(rod) = rods.iter().find(|rod| !is_known(rod)) {
            let names: Vec<&str> = self.links.iter().map(|link| link.name.as_str()).collect();
            let valid = format!("must be one of {}", names.join(", "));
            return Err(UrdfError::new("arm.rod.link", &rod.link, valid));
        }
        let bare = (0..BODIES).find(|body| shapes.iter().all(|shape| shape.link != *body));
        match bare.and_then(|body| self.links.iter().find(|link| link.body == body)) {
            Some(link) => {
                let valid = "has no collision shape, so that nothing would keep clear of it: give it one in the \
                     URDF or as [[arm.rod]], or set arm.shapes = \"none\" to plan without any";
                Err(UrdfError::new(format!("link '{}'", link.name), "", valid))
            }
            None => Ok(shapes),
        }
    }
}

/// `root_from_base` and the table of an arm.
type Table = (Isometry3<f64>, [Dh; 6]);

/// The first family whose arm this is, with `root_from_base` and its table; or why it is not one of the last.
fn family(tree: &Tree<'_>) -> Result<(&'static dyn Inverse, Table), UrdfError> {
    let mut found = FAMILIES.iter().map(|family| family.table(tree).map(|table| (*family, table)));
    let first = found.next().unwrap_or_else(|| Err(UrdfError::new("family", "", "none is known")));
    found.fold(first, Result::or)
}

/// Smallest and largest angle, rad, and largest speed, rad/s.
fn limits(joint: &Joint) -> Result<(f64, f64, f64), UrdfError> {
    let limit = &joint.limit;
    let (low, high) = match joint.joint_type {
        JointType::Continuous => (-CONTINUOUS, CONTINUOUS),
        _ => (limit.lower, limit.upper),
    };
    let element = |which| format!("joint '{}' limit {which}", joint.name);
    // Also if one is missing: then it is not finite.
    if !(low.is_finite() && high.is_finite() && low < high) {
        let valid = format!("must be below upper, {high}");
        return Err(UrdfError::new(element("lower"), low, valid));
    }
    if !(limit.velocity.is_finite() && limit.velocity > 0.0) {
        return Err(UrdfError::new(
            element("velocity"),
            limit.velocity,
            "must be a number above 0",
        ));
    }
    Ok((low, high, limit.velocity))
}

impl Link {
    fn new(hanging: &Hanging<'_>, body_from_link: Isometry3<f64>) -> Self {
        let mut link = Self {
            name: hanging.link.name.clone(),
            body: hanging.body,
            body_from_link,
            shapes: Vec::new(),
            has_mesh: false,
        };
        for collision in &hanging.link.collision {
            let (half, radius) = match collision.geometry {
                Geometry::Cylinder { radius, length } | Geometry::Capsule { radius, length } => {
                    (Vector3::z() * (length / 2.0), radius)
                }
                Geometry::Sphere { radius } => (Vector3::zeros(), radius),
                Geometry::Box { size } => around(size.0),
                Geometry::Mesh { .. } => {
                    link.has_mesh = true;
                    continue;
                }
            };
            let at = body_from_link * isometry(&collision.origin);
            let [from, to] = [-half, half].map(|half| at * Point3::from(half));
            link.shapes.push(Capsule { link: link.body, from, to, radius });
        }
        link
    }

    fn rod(&self, rod: &Rod) -> Capsule {
        let [from, to] = [rod.from, rod.to].map(|end| self.body_from_link * end);
        Capsule { link: self.body, from, to, radius: rod.radius }
    }
}

/// Half the rod along a box's longest side that encloses it, and its radius.
fn around(size: [f64; 3]) -> (Vector3<f64>, f64) {
    let longest = (0..3).max_by(|a, b| size[*a].total_cmp(&size[*b])).unwrap_or(0);
    let mut half = Vector3::from(size) / 2.0;
    let along = std::mem::take(&mut half[longest]);
    let mut axis = Vector3::zeros();
    axis[longest] = along;
    (axis, half.norm())
}

#[cfg(test)]
#[path = "urdf_tests.rs"]
mod tests;
