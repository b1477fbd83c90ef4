use roxmltree::{Document, Node};

use crate::input::{Check, ConfigError};

/// Attributes that place something.
const PLACE: [&str; 6] = ["pos", "quat", "euler", "axisangle", "xyaxes", "zaxis"];

/// What a scene takes from its MJCF: within which element, which one, with which attributes, and
/// whether with those of [`PLACE`]. Anything else would be believed to count, and be ignored.
const TAKEN: [(&str, &str, &[&str], bool); 8] = [
    ("", "mujoco", &["model"], false),
    ("mujoco", "compiler", &["angle", "eulerseq"], false),
    ("mujoco", "worldbody", &[], false),
    ("worldbody", "geom", &["name", "type", "size", "rgba", "group", "material"], true),
    ("worldbody", "site", &["name", "type", "size", "rgba", "group", "material"], true),
    ("worldbody", "body", &["name"], true),
    ("body", "freejoint", &["name"], false),
    ("body", "geom", &["name", "type", "size", "rgba", "group", "material", "mass"], true),
];

/// Only for the eye; nothing of it is read, and nothing of it changes what happens.
const LOOKS: [&str; 6] = ["asset", "visual", "statistic", "light", "camera", "custom"];

/// Refuses what the MJCF says and a scene does not take from it.
pub(super) fn check(check: Check<'_>, xml: &str) -> Result<(), ConfigError> {
    let document = Document::parse(xml)
        .map_err(|error| check.error("mjcf", error, "must be MJCF that MuJoCo can open"))?;
    walk(check, document.root_element(), "")
}

fn walk(check: Check<'_>, node: Node<'_, '_>, within: &str) -> Result<(), ConfigError> {
    let element = node.tag_name().name();
    if LOOKS.contains(&element) {
        return Ok(());
    }
    let name = node.attribute("name").or(node.attribute("model"));
    let called = name.map_or(element.to_owned(), |name| format!("{element} {name}"));
    let taken = TAKEN.iter().find(|(parent, child, ..)| *parent == within && *child == element);
    let Some((_, _, own, placed)) = taken else {
        let here =
            TAKEN.iter().filter(|(parent, ..)| *parent == within).map(|(_, child, ..)| *child);
        let valid = format!(
            "is not taken from MJCF: in {} there may be {}; friction, speeds and limits stand in the \
             scene's and the robot's TOML",
            if within.is_empty() { "the file" } else { within },
            here.chain(LOOKS).collect::<Vec<_>>().join(", "),
        );
        return Err(check.error("element", called, valid));
    };
    let known: Vec<&str> =
        own.iter().chain(placed.then_some(&PLACE).into_iter().flatten()).copied().collect();
    for attribute in node.attributes() {
        let valid = format!(
            "is not taken from MJCF: {element} may have {}; friction and contact stand in the \
             scene's TOML",
            if known.is_empty() { "no attributes".to_owned() } else { known.join(", ") },
        );
        let key = format!("{called} {}", attribute.name());
        check.that(known.contains(&attribute.name()), &key, attribute.value(), valid)?;
    }
    node.children().filter(Node::is_element).try_for_each(|child| walk(check, child, element))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OPEN: &str = include_str!("../../scenes/open.xml");
    const FILE: Check<'static> = Check { file: "lab/open.xml" };

    #[test]
    fn what_would_be_ignored_is_named_with_what_is_valid() {
        for (from, to, said) in [
            (
                "<worldbody>",
                "<option gravity=\"0 0 -1\"/><worldbody>",
                &["option", "worldbody"][..],
            ),
            (
                "size=\"0.6",
                "friction=\"9 9 9\" size=\"0.6",
                &["geom table friction", "9 9 9", "rgba"],
            ),
            ("mass=\"0.1\"", "mass=\"0.1\" solref=\"1 1\"", &["geom plate solref", "mass"]),
            ("<freejoint/>", "<freejoint/><inertial mass=\"1\"/>", &["inertial", "freejoint"]),
            ("<site name=\"view\"", "<site nam=\"view\"", &["site nam = view", "name"]),
            ("<worldbody>", "<default><geom friction=\"1\"/></default><worldbody>", &["default"]),
        ] {
            let error = check(FILE, &OPEN.replacen(from, to, 1)).unwrap_err().to_string();
            for part in said.iter().chain(&["lab/open.xml"]) {
                assert!(error.contains(part), "{to}: '{part}' is missing in: {error}");
            }
        }
    }

    #[test]
    fn what_is_only_for_the_eye_may_stay() {
        let lit = OPEN.replacen("<worldbody>", "<visual/><worldbody><light pos=\"0 0 3\"/>", 1);
        check(FILE, &lit).unwrap();
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[<>/a-z=\" ]{0,80}") {
            let _ = check(FILE, &text);
        }
    }
}
