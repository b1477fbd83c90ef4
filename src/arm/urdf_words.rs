use std::f64::consts::TAU;

use roxmltree::{Document, Node};

use super::UrdfError;

/// Children of `<robot>` that are read. Others (transmissions, `<gazebo>`, `<ros2_control>`) say nothing of
/// where an arm reaches and what it is made of.
const READ: [&str; 2] = ["link", "joint"];

/// Within which element, which one, with which attributes. Anything else inside a link's collisions and a joint
/// would be believed to count, and be ignored.
const TAKEN: [(&str, &str, &[&str]); 21] = [
    ("link", "inertial", &[]),
    ("link", "visual", &["name"]),
    ("link", "collision", &["name", "group"]),
    ("link", "contact", &[]),
    ("collision", "origin", &["xyz", "rpy"]),
    ("collision", "geometry", &[]),
    ("geometry", "box", &["size"]),
    ("geometry", "cylinder", &["radius", "length"]),
    ("geometry", "capsule", &["radius", "length"]),
    ("geometry", "sphere", &["radius"]),
    ("geometry", "mesh", &["filename", "scale"]),
    ("joint", "origin", &["xyz", "rpy"]),
    ("joint", "parent", &["link"]),
    ("joint", "child", &["link"]),
    ("joint", "axis", &["xyz"]),
    (
        "joint",
        "limit",
        &["lower", "upper", "effort", "velocity", "acceleration", "deceleration", "jerk"],
    ),
    ("joint", "dynamics", &["damping", "friction"]),
    ("joint", "calibration", &["rising", "falling", "reference_position"]),
    (
        "joint",
        "safety_controller",
        &["soft_lower_limit", "soft_upper_limit", "k_position", "k_velocity"],
    ),
    ("robot", "link", &["name", "type"]),
    ("robot", "joint", &["name", "type"]),
];

/// Nothing inside these is read: what an arm weighs and looks like, how a simulator's contacts are.
const UNREAD: [&str; 6] =
    ["inertial", "visual", "contact", "dynamics", "calibration", "safety_controller"];

/// How many numbers an attribute holds, and from where to where each may be. Metres, rad, s, N.
const NUMBERS: [(&str, usize, f64, f64); 12] = [
    ("xyz", 3, -10.0, 10.0),
    ("rpy", 3, -TAU - 1e-3, TAU + 1e-3),
    ("size", 3, 1e-4, 5.0),
    ("radius", 1, 1e-4, 2.0),
    ("length", 1, 1e-4, 5.0),
    ("lower", 1, -2.0 * TAU - 1e-3, 2.0 * TAU + 1e-3),
    ("upper", 1, -2.0 * TAU - 1e-3, 2.0 * TAU + 1e-3),
    ("effort", 1, 0.0, 1e6),
    ("velocity", 1, 1e-3, 100.0),
    ("acceleration", 1, 1e-3, 1e6),
    ("deceleration", 1, 1e-3, 1e6),
    ("jerk", 1, 1e-3, 1e9),
];

/// Checks every word and number of the joints and of the links' collision shapes, the one place where this is
/// done: what is read from the file after this is a number, and in range.
pub(super) fn check(xml: &str) -> Result<(), UrdfError> {
    let document = Document::parse(xml).map_err(|error| {
        UrdfError::new("file", error, "must be URDF: xacro has to be run first")
    })?;
    let robot = document.root_element();
    let named = robot.tag_name().name();
    if named != "robot" {
        return Err(UrdfError::new("element", named, "must be <robot>"));
    }
    if robot.tag_name().namespace().is_some() {
        return Err(UrdfError::new("robot", "in an XML namespace", NO_NAMESPACE));
    }
    let read = |node: &Node<'_, '_>| node.is_element() && READ.contains(&node.tag_name().name());
    robot.children().filter(read).try_for_each(|node| {
        let name = node.attribute("name").unwrap_or_default();
        walk(node, "robot", &format!("{} '{name}'", node.tag_name().name()))
    })
}

/// Who reads the file after this goes by names alone: what stands in a namespace would be read unchecked.
const NO_NAMESPACE: &str =
    "must stand in no XML namespace, attributes neither: it would be read all the same";

fn walk(node: Node<'_, '_>, within: &str, called: &str) -> Result<(), UrdfError> {
    let element = node.tag_name().name();
    let named = node.attributes().find(|attribute| attribute.namespace().is_some());
    if node.tag_name().namespace().is_some() || named.is_some() {
        return Err(UrdfError::new(called, "in an XML namespace", NO_NAMESPACE));
    }
    let taken = TAKEN.iter().find(|(parent, child, _)| *parent == within && *child == element);
    let Some((_, _, known)) = taken else {
        let here =
            TAKEN.iter().filter(|(parent, ..)| *parent == within).map(|(_, child, _)| *child);
        let valid =
            format!("is not read here; there may be {}", here.collect::<Vec<_>>().join(", "));
        return Err(UrdfError::new(called, "", valid));
    };
    if UNREAD.contains(&element) {
        return Ok(());
    }
    // How large a mesh is drawn and how far a fixed joint may turn is not read.
    let is_fixed = node.parent().is_some_and(|joint| joint.attribute("type") == Some("fixed"));
    if element == "mesh" || element == "limit" && is_fixed {
        return Ok(());
    }
    for attribute in node.attributes() {
        let (name, value) = (attribute.name(), attribute.value());
        let key = format!("{called} {name}");
        if !known.contains(&name) {
            let valid = format!("is not read here; there may be {}", known.join(", "));
            return Err(UrdfError::new(key, value, valid));
        }
        numbers(&key, name, value)?;
    }
    let mut seen: Vec<&str> = Vec::new();
    for child in node.children().filter(Node::is_element) {
        let name = child.tag_name().name();
        let many = ["link", "joint", "collision", "visual"].contains(&name);
        if seen.contains(&name) && !many || element == "geometry" && !seen.is_empty() {
            let valid = "must stand alone: of two only one would be read";
            return Err(UrdfError::new(format!("{called} {name}"), "", valid));
        }
        seen.push(name);
        let nth = seen.iter().filter(|other| **other == name).count();
        let nth = if many { format!(" {nth}") } else { String::new() };
        walk(child, element, &format!("{called} {name}{nth}"))?;
    }
    let valid = "must hold one of box, cylinder, capsule, sphere, mesh";
    match (element, seen.is_empty()) {
        ("geometry", true) => Err(UrdfError::new(called, "", valid)),
        _ => Ok(()),
    }
}

/// As many numbers as this attribute holds, each in its range; an attribute of words is none of these.
fn numbers(key: &str, attribute: &str, value: &str) -> Result<(), UrdfError> {
    let Some((_, count, low, high)) = NUMBERS.iter().find(|(name, ..)| *name == attribute) else {
        return Ok(());
    };
    let parsed = value.split_whitespace().map(|word| word.parse::<f64>().ok());
    let parsed: Option<Vec<f64>> = parsed.collect();
    // Not a number is in no range.
    let good = parsed
        .is_some_and(|all| all.len() == *count && all.iter().all(|x| (*low..=*high).contains(x)));
    let how_many = if *count == 1 { "a number".to_owned() } else { format!("{count} numbers") };
    let valid = format!("must be {how_many} from {low} to {high} (metres, rad, s)");
    if good { Ok(()) } else { Err(UrdfError::new(key, value, valid)) }
}
