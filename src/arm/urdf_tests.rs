use nalgebra::{Translation3, Unit, UnitQuaternion};
use proptest::prelude::*;

use super::*;

const UR5E: &str = include_str!("../../robots/ur5e.urdf");

/// The makers' tables (universal-robots.com, "DH parameters for calculations of kinematics and dynamics"):
/// d1, a2, a3, d4, d5, d6 in metres.
const MAKERS: [(&str, [f64; 6]); 4] = [
    ("ur3e", [0.15185, -0.24355, -0.2132, 0.13105, 0.08535, 0.0921]),
    ("ur5e", [0.1625, -0.425, -0.3922, 0.1333, 0.0997, 0.0996]),
    ("ur10e", [0.1807, -0.6127, -0.57155, 0.17415, 0.11985, 0.11655]),
    ("ur20", [0.2363, -0.8620, -0.7287, 0.2010, 0.1593, 0.1543]),
];

/// A description in the form of the makers' own after xacro: a world link, a base that looks the other way, fixed
/// joints to `ft_frame` and `tool0`, angles of 16 digits and what they leave over, meshes.
fn published([d1, a2, a3, d4, d5, d6]: [f64; 6]) -> String {
    let pi = std::f64::consts::PI;
    let half = pi / 2.0;
    let mesh = |name: &str| {
        format!(
            "<link name='{name}'><visual><geometry><mesh filename='package://x/{name}.dae'/></geometry></visual>\
             <collision><origin xyz='0 0 0.1' rpy='0 0 {pi}'/><geometry><mesh filename='{name}.stl'/></geometry>\
             </collision><inertial><mass value='1'/><inertia ixx='1' ixy='0' ixz='0' iyy='1' iyz='0' izz='1'/>\
             </inertial></link>"
        )
    };
    let fixed = |name: &str, from: &str, to: &str, rpy: &str| {
        format!(
            "<joint name='{name}' type='fixed'><origin xyz='0 0 0' rpy='{rpy}'/><parent link='{from}'/>\
             <child link='{to}'/></joint><link name='{to}'/>"
        )
    };
    let turning = |name: &str, from: &str, to: &str, xyz: String, rpy: String| {
        let (kind, range) = match name {
            "wrist_3_joint" => ("continuous", String::new()),
            _ => ("revolute", format!("lower='{}' upper='{}'", -2.0 * pi, 2.0 * pi)),
        };
        format!(
            "<joint name='{name}' type='{kind}'><parent link='{from}'/><child link='{to}'/><origin rpy='{rpy}' \
             xyz='{xyz}'/><axis xyz='0 0 1'/><limit {range} effort='150' velocity='{pi}'/><dynamics damping='0' \
             friction='0'/></joint>{}",
            mesh(to)
        )
    };
    let (left5, left6) = (-2.04e-11 * d5, 2.0e-11 * d6);
    [
        "<robot name='arm'><link name='world'/>".to_owned(),
        fixed("base_joint", "world", "base_link", "0 0 0"),
        fixed("base_link-base", "base_link", "base", &format!("0 0 {pi}")),
        format!(
            "<joint name='inertia' type='fixed'><parent link='base_link'/><child link='base_link_inertia'/>\
             <origin rpy='0 0 {pi}' xyz='0 0 0'/></joint>{}",
            mesh("base_link_inertia")
        ),
        turning("shoulder_pan_joint", "base_link_inertia", "shoulder_link", format!("0 0 {d1}"), "0 0 0".into()),
        turning("shoulder_lift_joint", "shoulder_link", "upper_arm_link", "0 0 0".into(), format!("{half} 0 0")),
        turning("elbow_joint", "upper_arm_link", "forearm_link", format!("{a2} 0 0"), "0 0 0".into()),
        turning("wrist_1_joint", "forearm_link", "wrist_1_link", format!("{a3} 0 {d4}"), "0 0 0".into()),
        turning("wrist_2_joint", "wrist_1_link", "wrist_2_link", format!("0 {} {left5}", -d5), format!("{half} 0 0")),
        turning(
            "wrist_3_joint",
            "wrist_2_link",
            "wrist_3_link",
            format!("0 {d6} {left6}"),
            format!("1.570796326589793 {pi} {pi}"),
        ),
        fixed("ft", "wrist_3_link", "ft_frame", &format!("{pi} 0 0")),
        fixed("wrist_3-flange", "wrist_3_link", "flange", &format!("0 {} {}", -half, -half)),
        fixed("flange-tool0", "flange", "tool0", &format!("{half} 0 {half}")),
        "<transmission name='t'/><gazebo reference='world'/></robot>".to_owned(),
    ]
    .concat()
}

/// Rods for each of these links.
fn rods() -> Vec<Rod> {
    let links = [
        "base_link_inertia",
        "shoulder_link",
        "upper_arm_link",
        "forearm_link",
        "wrist_1_link",
        "wrist_2_link",
        "wrist_3_link",
    ];
    let rod = |link: &str| Rod {
        link: link.to_owned(),
        from: Point3::origin(),
        to: Point3::new(0.0, 0.0, 0.1),
        radius: 0.05,
    };
    links.map(rod).into()
}

#[test]
fn our_file_is_the_makers_table() {
    let arm = UrdfArm::parse(UR5E).unwrap();
    assert_eq!(arm.kinematics, Kinematics::ur5e());
    assert_eq!(arm.joint_speed, Joints::repeat(std::f64::consts::PI));
    let shapes = arm.shapes(&[]).unwrap();
    assert_eq!(shapes.len(), 9);
    // Each link's frame lies where a body's does.
    let upper_arm = shapes.iter().find(|shape| shape.link == 2).unwrap();
    let (from, to) = (Point3::new(-0.425, 0.0, 0.138), Point3::new(0.0, 0.0, 0.138));
    let ends = [upper_arm.from, upper_arm.to];
    assert!(
        ends.iter().all(|end| (end - from).norm() < 1e-12 || (end - to).norm() < 1e-12),
        "{ends:?}"
    );
}

#[test]
fn descriptions_as_the_maker_publishes_them_give_the_makers_tables() {
    for (name, [d1, a2, a3, d4, d5, d6]) in MAKERS {
        let arm = UrdfArm::parse(&published([d1, a2, a3, d4, d5, d6])).unwrap();
        let rows = arm.kinematics.rows();
        let lengths = [rows[0].d, rows[1].a, rows[2].a, rows[3].d, rows[4].d, rows[5].d];
        assert_eq!(lengths, [d1, a2, a3, d4, d5, d6], "{name}");
        assert_eq!(arm.kinematics.range().1[5], std::f64::consts::TAU, "a continuous joint");
    }
}

#[test]
fn meshes_are_refused_with_the_key_that_is_wanted_and_read_with_it() {
    let arm = UrdfArm::parse(&published(MAKERS[2].1)).unwrap();
    let refused = arm.shapes(&[]).unwrap_err().to_string();
    for part in ["'base_link_inertia'", "mesh", "[[arm.rod]]"] {
        assert!(refused.contains(part), "{refused}");
    }
    let shapes = arm.shapes(&rods()).unwrap();
    // The wrist's frame of the URDF lies where the next body's does: d5 farther.
    let wrist = shapes.iter().find(|shape| shape.link == 5).unwrap();
    let d5 = MAKERS[2].1[4];
    let (near, far) = (wrist.from.coords.norm(), wrist.to.coords.norm());
    assert!((near - d5).abs() < 1e-9 && (far - d5 - 0.1).abs() < 1e-9, "{wrist:?}");
    let mut unknown = rods();
    unknown[0].link = "base".to_owned() + "_link_inertial";
    let refused = arm.shapes(&unknown).unwrap_err();
    assert!(refused.element.contains("link") && !refused.valid.is_empty(), "{refused}");
}

#[test]
fn a_part_without_a_shape_is_refused_because_nothing_would_keep_clear_of_it() {
    let start = UR5E.find("<link name=\"wrist_2\">").unwrap();
    let end = start + UR5E[start..].find("</link>").unwrap();
    let bare = format!("{}<link name=\"wrist_2\">{}", &UR5E[..start], &UR5E[end..]);
    let refused = UrdfArm::parse(&bare).unwrap().shapes(&[]).unwrap_err().to_string();
    assert!(
        refused.contains("'wrist_2'") && refused.contains("arm.shapes = \"none\""),
        "{refused}"
    );
}

#[test]
fn what_is_wrong_names_element_value_and_what_is_valid() {
    let cylinder = "<cylinder radius=\"0.075\" length=\"0.05\"/>";
    let shape = |with: &str| (cylinder, with.to_owned());
    let cases = [
        ("<robot", "<not".to_owned(), vec!["file"]),
        (
            "rpy=\"-1.5707963267948966 0 0\"",
            "rpy=\"-1.5 0 0\"".to_owned(),
            vec!["'wrist_3'", "Universal Robots"],
        ),
        ("xyz=\"0 0 0.0997\"", "xyz=\"0.1 0 0.0997\"".to_owned(), vec!["100.000 mm beside"]),
        ("type=\"fixed\"", "type=\"revolute\"".to_owned(), vec!["'flange'", "one more"]),
        ("type=\"fixed\"", "type=\"prismatic\"".to_owned(), vec!["'flange'", "neither turns"]),
        (
            "velocity=\"3.141592653589793\"",
            "velocity=\"0\"".to_owned(),
            vec!["'shoulder_pan' limit velocity = 0", "from 0.001"],
        ),
        (
            "lower=\"-6.283185307179586\"",
            "lower=\"7\"".to_owned(),
            vec!["'shoulder_pan'", "below upper"],
        ),
        (
            "<axis xyz=\"0 0 1\"/>",
            "<axis xyz=\"0 0 0\"/>".to_owned(),
            vec!["'shoulder_pan' axis", "unit"],
        ),
        ("<axis xyz=\"0 0 1\"/>", "<axis xyz=\"0 0 nan\"/>".to_owned(), vec!["axis xyz = 0 0 nan"]),
        ("<axis xyz=\"0 0 1\"/>", "<axis xyz=\"0 0 -1\"/>".to_owned(), vec!["Universal Robots"]),
        ("xyz=\"0 0 0.025\"", "xyz=\"0 0 x 0.025\"".to_owned(), vec!["3 numbers", "0 0 x 0.025"]),
        ("xyz=\"0 0 0.025\"", "xzy=\"0 0 0.025\"".to_owned(), vec!["xzy", "xyz, rpy"]),
        (
            "<collision>",
            "<colision></colision><collision>".to_owned(),
            vec!["'base' colision", "collision"],
        ),
        ("name=\"wrist_1\"", "name=\"wrist_2\"".to_owned(), vec!["wrist_2"]),
    ];
    let shapes = ["-1", "0", "nan", "inf", "75", ""]
        .map(|radius| shape(&format!("<cylinder radius=\"{radius}\" length=\"0.05\"/>")));
    let more =
        shapes.into_iter().map(|(old, new)| (old, new, vec!["link 'base'", "cylinder radius"]));
    let lengths = ["-0.05", "0", "NaN"]
        .map(|length| (cylinder, format!("<cylinder radius=\"0.1\" length=\"{length}\"/>")));
    let lengths =
        lengths.into_iter().map(|(old, new)| (old, new, vec!["'base'", "cylinder length"]));
    let boxes = [
        (cylinder, "<box size=\"0.1 -0.1 0.1\"/>".to_owned(), vec!["box size = 0.1 -0.1 0.1"]),
        (cylinder, "<sphere radius=\"-inf\"/>".to_owned(), vec!["sphere radius = -inf"]),
        (cylinder, format!("{cylinder}{cylinder}"), vec!["must stand alone"]),
        (cylinder, String::new(), vec!["must hold one of"]),
        (cylinder, "<cone radius=\"0.1\"/>".to_owned(), vec!["cone", "cylinder"]),
    ];
    // What reads the file goes by names alone, whatever namespace they stand in.
    let space = "xmlns:x=\"urn:x\"";
    let namespaces = [
        ("<robot", "<robot xmlns=\"urn:x\"".to_owned(), vec!["robot", "namespace"]),
        (
            cylinder,
            format!("<x:cylinder {space} radius=\"-1\" length=\"0.05\"/>"),
            vec!["cylinder", "namespace"],
        ),
        (
            cylinder,
            format!("<cylinder {space} x:radius=\"-1\" radius=\"0.1\" length=\"0.05\"/>"),
            vec!["cylinder", "namespace"],
        ),
    ];
    let all = cases.into_iter().chain(more).chain(lengths).chain(boxes).chain(namespaces);
    for (old, new, says) in all {
        assert!(UR5E.contains(old), "{old}");
        let error = UrdfArm::parse(&UR5E.replacen(old, &new, 1)).unwrap_err().to_string();
        for part in says {
            assert!(error.contains(part), "{new}: '{part}' is missing in: {error}");
        }
    }
}

#[test]
fn a_limit_that_is_missing_is_zero_where_urdf_says_so_and_refused_where_it_is_none() {
    let without = |version: &str| {
        let text = UR5E.replacen("<robot", &format!("<robot version=\"{version}\""), 1);
        UrdfArm::parse(&text.replacen("lower=\"-6.283185307179586\"", "", 1))
    };
    assert_eq!(without("1.0").unwrap().kinematics.range().0[0], 0.0);
    // There it has none, and the parser makes it infinite.
    assert!(without("1.2").unwrap_err().to_string().contains("limit lower"));
}

#[test]
fn a_box_is_enclosed_by_its_rod() {
    let boxed = UR5E.replacen(
        "<cylinder radius=\"0.075\" length=\"0.05\"/>",
        "<box size=\"0.1 0.3 0.05\"/>",
        1,
    );
    let shapes = UrdfArm::parse(&boxed).unwrap().shapes(&[]).unwrap();
    let rod = shapes.iter().find(|shape| shape.link == 0).unwrap();
    assert!((rod.from.y.abs() - 0.15).abs() < 1e-12 && rod.radius > 0.0559, "{rod:?}");
}

/// `root_from_tool0`, straight from the file's text: nothing of ours but the numbers' order.
fn by_hand(text: &str, joints: &Joints) -> Isometry3<f64> {
    let robot = urdf_rs::read_from_string(text).unwrap();
    let mut at = "tool0";
    let mut to_tool = Isometry3::identity();
    while let Some(joint) = robot.joints.iter().find(|joint| joint.child.link == at) {
        let [roll, pitch, yaw] = joint.origin.rpy.0;
        let turn = UnitQuaternion::from_euler_angles(roll, pitch, yaw);
        let origin = Isometry3::from_parts(Translation3::from(joint.origin.xyz.0), turn);
        let names = ["shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3"];
        let angle = names.iter().position(|name| joint.name == format!("{name}_joint"));
        let axis = Unit::new_normalize(Vector3::from(joint.axis.xyz.0));
        let turned = angle.map(|i| UnitQuaternion::from_axis_angle(&axis, joints[i]));
        to_tool = origin * turned.unwrap_or_default() * to_tool;
        at = &joint.parent.link;
    }
    to_tool
}

proptest! {
    #[test]
    fn a_published_description_and_ours_put_the_flange_at_the_same_place(
        joints in prop::array::uniform6(-3.0..3.0f64), which in 0..MAKERS.len(),
    ) {
        let (text, joints) = (published(MAKERS[which].1), Joints::from(joints));
        let own = UrdfArm::parse(&text).unwrap().kinematics.forward(&joints);
        // The controller's base looks the other way than ROS's base_link (REP 103).
        let half = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), std::f64::consts::PI);
        let off = own.inverse() * half * by_hand(&text, &joints);
        prop_assert!(off.translation.vector.norm() < 1e-8 && off.rotation.angle() < 1e-7, "{off}");
    }

    #[test]
    fn no_text_makes_the_parser_panic(cut in 0..UR5E.len(), text in "\\PC{0,60}") {
        let cut = (0..=cut).rev().find(|at| UR5E.is_char_boundary(*at)).unwrap_or(0);
        let _ = UrdfArm::parse(&format!("{}{text}", &UR5E[..cut]));
        let _ = UrdfArm::parse(&text);
    }

    /// Any number of the file, replaced by any other: refused, or every shape is solid and finite.
    #[test]
    fn no_number_makes_a_shape_that_is_not_solid(
        which in 0..120usize,
        number in prop_oneof![
            Just(f64::NAN), Just(f64::INFINITY), Just(-1.0), Just(0.0), Just(-0.0), Just(1e300), -1.0..1.0f64,
        ],
    ) {
        let ours = shaped();
        for text in [UR5E, &ours] {
            let digits = |c: char| c.is_ascii_digit();
            let starts: Vec<usize> = text
                .match_indices(|c: char| digits(c) || c == '-')
                .map(|(at, _)| at)
                .filter(|at| text[..*at].ends_with([' ', '"', '\'']))
                .collect();
            let at = starts[which % starts.len()];
            let end = at + text[at..].find([' ', '"', '\'']).unwrap();
            let edited = format!("{}{number}{}", &text[..at], &text[end..]);
            let Ok(shapes) = UrdfArm::parse(&edited).and_then(|arm| arm.shapes(&[])) else { continue };
            for Capsule { from, to, radius, .. } in shapes {
                prop_assert!(radius > 0.0 && radius < 5.0, "{radius}");
                prop_assert!(from.iter().chain(to.iter()).all(|x| x.abs() < 100.0));
            }
        }
    }
}

/// The published form with a sphere for every mesh.
fn shaped() -> String {
    let mut text = published(MAKERS[1].1);
    while let Some(at) = text.find("<mesh filename='") {
        let end = at + text[at..].find("/>").unwrap() + 2;
        text.replace_range(at..end, "<sphere radius='0.06'/>");
    }
    text
}
