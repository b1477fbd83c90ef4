//! Malformed scene and robot files are refused with the file, the element and the value.

use proptest::prelude::*;
use rmrl::config::{Robot, Scene};
use rmrl::input::ConfigError;
use rmrl::sim::{self, PhysicsSettings};
use rmrl::task::{Range, TaskSpec};

fn text(files: &[(&str, &'static str)], name: &str) -> &'static str {
    files.iter().find(|(n, _)| *n == name).unwrap().1
}

fn toml() -> &'static str {
    text(Scene::FILES, "shelf.toml")
}

fn xml() -> &'static str {
    text(Scene::FILES, "shelf.xml")
}

fn robot() -> &'static str {
    text(Robot::FILES, "gantry.toml")
}

fn read(toml: &str, xml: &str) -> Result<Scene, ConfigError> {
    Scene::read("shelf.toml", toml, |_| Ok(xml.to_owned()))
}

/// The error after one replacement in the scene's MJCF.
fn with_xml(from: &str, to: &str) -> ConfigError {
    assert!(xml().contains(from), "{from}");
    read(toml(), &xml().replace(from, to)).unwrap_err()
}

fn with_toml(from: &str, to: &str) -> ConfigError {
    assert!(toml().contains(from), "{from}");
    read(&toml().replace(from, to), xml()).unwrap_err()
}

fn with_robot(from: &str, to: &str) -> ConfigError {
    assert!(robot().contains(from), "{from}");
    Robot::parse("gantry.toml", &robot().replace(from, to)).unwrap_err()
}

#[test]
fn every_embedded_scene_and_robot_is_valid() {
    for name in Scene::NAMES {
        Scene::named(name).unwrap();
    }
    for name in Robot::NAMES {
        Robot::named(name).unwrap();
    }
}

#[test]
fn an_unknown_scene_is_answered_with_the_known_ones() {
    let error = Scene::named("attic").unwrap_err();
    assert!(error.to_string().contains("open, shelf, shelf-tight"), "{error}");
    assert!(Scene::named("missing.toml").is_err());
    assert!(Robot::named("c3po").unwrap_err().to_string().contains("gantry"));
}

#[test]
fn a_scene_is_read_from_a_folder_with_its_mjcf_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in Scene::FILES {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let path = folder.path().join("shelf-tight.toml");
    let loaded = Scene::named(path.to_str().unwrap()).unwrap();
    assert_eq!(loaded, Scene::named("shelf-tight").unwrap());
}

#[test]
fn millimetres_where_metres_belong_are_refused() {
    let error = with_xml("0.06388 0.04274 0.007175", "63.88 42.74 7.175");
    assert_eq!((error.file.as_str(), error.key.as_str()), ("shelf.xml", "geom plate size"));
    assert_eq!(error.value, "63.88");
}

#[test]
fn a_plate_that_differs_from_its_preset_is_refused() {
    assert_eq!(with_xml("mass=\"0.1\"", "mass=\"0\"").key, "geom plate mass");
    assert_eq!(with_xml("mass=\"0.1\"", "mass=\"NaN\"").key, "geom plate mass");
    assert_eq!(with_xml("size=\"0.06388", "size=\"0.05388").key, "geom plate size");
    assert_eq!(with_toml("\"96-well\"", "\"97-well\"").value, "\"97-well\"");
}

#[test]
fn missing_elements_are_named() {
    assert_eq!(with_xml("site name=\"pick\"", "site name=\"pig\"").key, "site pick");
    assert_eq!(with_xml("name=\"back_stop\"", "name=\"stop\"").key, "geom back_stop");
    assert_eq!(with_xml("body name=\"plate\"", "body name=\"dish\"").value, "dish");
    assert_eq!(with_xml("<freejoint/>", "").key, "body plate");
}

#[test]
fn what_is_not_a_box_is_refused() {
    let error = with_xml("name=\"board\" type=\"box\"", "name=\"board\" type=\"cylinder\"");
    assert_eq!((error.key.as_str(), error.value.as_str()), ("geom board", "Cylinder"));
}

#[test]
fn a_plate_inside_the_furniture_or_in_the_air_is_refused() {
    let error = with_xml("name=\"pick\" pos=\"0 0 0.060\"", "name=\"pick\" pos=\"0 0 0.050\"");
    assert_eq!(error.key, "body plate pos");
    let sunk = xml().replace("pos=\"0 0 0.060\"", "pos=\"0 0 0.055\"");
    assert!(read(toml(), &sunk).unwrap_err().value.contains("overlaps geom pick_riser"));
    let high = xml().replace("pos=\"0 0 0.060\"", "pos=\"0 0 0.065\"");
    assert_eq!(read(toml(), &high).unwrap_err().value, "in the air");
}

#[test]
fn every_robot_has_its_way_free_in_every_scene() {
    let task = TaskSpec::exact(Range { mm: 3.0, deg: 3.0 });
    for (scene, robot) in Scene::NAMES.iter().flat_map(|s| Robot::NAMES.map(|r| (*s, r))) {
        let (scene, robot) = (Scene::named(scene).unwrap(), Robot::named(robot).unwrap());
        let made = sim::cell(&scene, &robot, &task, PhysicsSettings::default());
        assert_eq!(made.err(), None, "{}, {}", scene.name, robot.name);
    }
}

#[test]
fn broken_xml_is_refused() {
    assert_eq!(read(toml(), "<mujoco>").unwrap_err().key, "mjcf");
}

#[test]
fn wrong_keys_and_values_are_named() {
    assert_eq!(
        with_toml("guide_clearance_mm = 1.5", "guide_clearance_mm = nan").key,
        "guide_clearance_mm"
    );
    assert_eq!(with_toml("furniture = 0.3", "furniture = -1.0").key, "friction.furniture");
    assert_eq!(with_toml("furniture = 0.3", "furnitur = 0.3").key, "furnitur");
    assert_eq!(with_toml("height_mm = 1.0", "height_mm = 0.0").key, "seated.height_mm");
    assert_eq!(with_robot("force_n = 40.0", "force_n = nan").key, "gripper.force_n");
    assert_eq!(with_robot("free_mm_s = 400.0", "free_mm_s = 4000.0").key, "speeds.free_mm_s");
    assert_eq!(with_robot("\"gantry\"", "\"crane\"").key, "kind");
}

#[test]
fn a_gripper_too_narrow_for_the_plate_is_refused() {
    let task = TaskSpec::exact(Range { mm: 3.0, deg: 3.0 });
    let scene = Scene::named("open").unwrap();
    let narrow = robot().replace("opening_mm = 40.0", "opening_mm = 12.0");
    let narrow = Robot::parse("gantry.toml", &narrow).unwrap();
    let error = sim::cell(&scene, &narrow, &task, PhysicsSettings::default()).err().unwrap();
    assert_eq!(error.key, "gripper.opening_mm");
    let settings = PhysicsSettings { dt_ms: f64::NAN, ..PhysicsSettings::default() };
    let gantry = Robot::named("gantry").unwrap();
    assert_eq!(sim::cell(&scene, &gantry, &task, settings).err().unwrap().key, "dt_ms");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_makes_a_parser_panic(text in "\\PC{0,120}(\n\\PC{0,40}){0,4}") {
        let _ = read(&text, xml());
        let _ = read(toml(), &text);
        let _ = Robot::parse("a.toml", &text);
    }

    #[test]
    fn no_edit_of_a_valid_file_makes_a_parser_panic(
        at in any::<prop::sample::Index>(), length in 0usize..12, new in "[-0-9a-z.\"<>= eE]{0,6}",
    ) {
        let edit = |text: &str| {
            let start = at.index(text.len());
            let end = (start + length).min(text.len());
            format!("{}{new}{}", &text[..start], &text[end..])
        };
        let _ = read(&edit(toml()), xml());
        let _ = read(toml(), &edit(xml()));
        let _ = Robot::parse("gantry.toml", &edit(robot()));
    }
}
