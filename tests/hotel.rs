//! Geometry that the scene's TOML describes: plates by preset, a hotel of several levels.

use std::ops::ControlFlow;

use proptest::prelude::*;
use rmrl::cell::conformance::{Repeat, Tolerance, conformance};
use rmrl::cell::{Attempt, ScriptedCell, Snapshot, Unwatched, Watch, Workcell};
use rmrl::config::{Plate, Robot, Scene};
use rmrl::input::ConfigError;
use rmrl::sim::{self, PhysicsSettings, SimRig};
use rmrl::task::{Outcome, Phase, Pose2, Range, Setup, Streams, TaskSpec, TrialKey};

fn hotel() -> &'static str {
    Scene::FILES.iter().find(|(name, _)| *name == "hotel.toml").unwrap().1
}

fn read(toml: &str) -> Result<Scene, ConfigError> {
    Scene::read("hotel.toml", toml, |_| Err("asked for an MJCF file".to_owned()))
}

/// The hotel after some replacements.
fn with(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(hotel().to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

fn cell(scene: &Scene, robot: &str) -> Result<ScriptedCell<SimRig>, ConfigError> {
    let task = TaskSpec::exact(Range { mm: 3.0, deg: 3.0 });
    sim::cell(scene, &Robot::named(robot).unwrap(), &task, PhysicsSettings::default())
}

fn trial(cell: &mut dyn Workcell, offset: Pose2, watch: &mut dyn Watch) -> Attempt {
    let key = TrialKey { phase: Phase::Train, index: 0 };
    let setup = Setup { streams: Streams::new(1), key, instance: 0, offset, made: 0 };
    cell.prepare(&setup, &mut Unwatched).unwrap();
    cell.attempt(Pose2::IDENTITY, watch).unwrap()
}

#[test]
fn every_level_takes_a_plate_that_slides_in_under_the_board_above() {
    for level in 1..=4 {
        for robot in ["gantry", "gantry-side"] {
            let scene = read(&with(&[("level = 2 ", &format!("level = {level} "))])).unwrap();
            let mut cell = cell(&scene, robot).unwrap();
            let attempt = trial(&mut cell, Pose2::new(-0.5, 0.8, 0.5), &mut Unwatched);
            let placed = attempt.outcome == Outcome::Placed && attempt.seated;
            assert!(placed, "level {level}, {robot}: {attempt:?}");
            assert_eq!(attempt.harm.plate_hit, Some(false));
            let height = cell.rig().world().world_from_plate().translation.z * 1e3;
            let wanted = 70.0 + 50.0 * f64::from(level - 1);
            assert!((height - wanted).abs() < 0.5, "level {level}: {height} mm");
        }
    }
}

#[test]
fn the_walls_of_a_wide_plate_s_shelf_stand_clear_of_its_guides() {
    let wide =
        "plate = { length_mm = 127.76, width_mm = 140.0, height_mm = 14.35, mass_g = 100.0 } ";
    let scene = read(&with(&[("plate = \"96-well\" ", wide)])).unwrap();
    let named = |prefix: &'static str| {
        scene.statics.iter().filter(move |part| part.name.starts_with(prefix))
    };
    assert_eq!(named("wall").count(), 2);
    for wall in named("wall") {
        for guide in named("guide") {
            let depth = wall.overlap(&guide.world_from_box, &guide.half);
            assert!(depth < 0.0, "{} and {}: {depth} m", wall.name, guide.name);
        }
    }
}

#[test]
fn the_plate_goes_in_along_x_and_comes_from_above_where_nothing_is_above() {
    struct Names(Vec<&'static str>);
    impl Watch for Names {
        fn tick(&mut self, s: &Snapshot) -> ControlFlow<()> {
            if self.0.last() != Some(&s.segment) {
                self.0.push(s.segment);
            }
            ControlFlow::Continue(())
        }
    }
    let script = |toml: &str| {
        let mut names = Names(vec![]);
        trial(&mut cell(&read(toml).unwrap(), "gantry").unwrap(), Pose2::IDENTITY, &mut names);
        names.0
    };
    let carried = |names: &[&'static str]| {
        let at = |name| names.iter().position(|n| *n == name);
        (at("descend"), at("insert"), at("place"))
    };
    let names = script(hotel());
    let (descend, insert, place) = carried(&names);
    assert!(descend < insert && insert < place && insert.is_some(), "{names:?}");
    let open = with(&[("board_above_mm = 45.0", ""), ("level = 2 ", "level = 4 ")]);
    assert_eq!(carried(&script(&open)).1, None);
}

#[test]
fn a_cut_off_trial_in_the_hotel_is_recovered() {
    struct Until(&'static str, u32);
    impl Watch for Until {
        fn tick(&mut self, s: &Snapshot) -> ControlFlow<()> {
            self.1 += u32::from(s.segment == self.0);
            if self.1 > 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }
    let scene = read(hotel()).unwrap();
    for segment in ["insert", "place"] {
        let mut cell = cell(&scene, "gantry").unwrap();
        let key = TrialKey { phase: Phase::Train, index: 0 };
        let offset = Pose2::IDENTITY;
        let setup = Setup { streams: Streams::new(1), key, instance: 0, offset, made: 0 };
        cell.prepare(&setup, &mut Unwatched).unwrap();
        assert!(cell.attempt(Pose2::IDENTITY, &mut Until(segment, 0)).is_err(), "{segment}");
        let found = cell.recover(&mut Unwatched).unwrap();
        assert_eq!(found, rmrl::cell::PlateAt::Pick, "cut off in {segment}");
    }
}

#[test]
fn a_hotel_with_much_play_keeps_every_promise_of_a_cell() {
    // With 12 mm of play the guides are out of the way of every pose that the suite asks for.
    let wide = with(&[
        ("clearance_mm = 1.5 ", "clearance_mm = 12.0 "),
        ("depth_mm = 110.0", "depth_mm = 120.0"),
        ("short_mm = 5.0", "short_mm = 50.0"),
    ]);
    let scene = read(&wide).unwrap();
    let make = || -> Box<dyn Workcell> { Box::new(cell(&scene, "gantry").unwrap()) };
    conformance(make, Tolerance { mm: 0.1, deg: 0.1 }, Repeat::Exact).unwrap();
}

#[test]
fn each_preset_is_a_plate_that_can_be_placed_or_is_refused_for_its_size() {
    for preset in Plate::presets() {
        let scene = read(&with(&[
            ("\"96-well\" ", &format!("\"{preset}\" ")),
            ("level_pitch_mm = 50.0", "level_pitch_mm = 75.0"),
            ("board_above_mm = 45.0", "board_above_mm = 70.0"),
        ]))
        .unwrap();
        match cell(&scene, "gantry") {
            Ok(mut cell) => {
                let attempt = trial(&mut cell, Pose2::IDENTITY, &mut Unwatched);
                assert!(attempt.seated, "{preset}: {attempt:?}");
            }
            Err(error) => {
                assert_eq!((preset, error.key.as_str()), ("deep-well", "gripper.opening_mm"));
                assert!(error.valid.contains("44"), "{error}");
            }
        }
        let mut side = cell(&scene, "gantry-side").unwrap();
        let attempt = trial(&mut side, Pose2::IDENTITY, &mut Unwatched);
        assert!(attempt.seated, "{preset} by its sides: {attempt:?}");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_key_and_value() {
    for (from, to, key, value) in [
        ("level = 2 ", "level = 9 ", "shelf.level", "9"),
        ("level_pitch_mm = 50.0", "level_pitch_mm = 30.0", "shelf.level_pitch_mm", "30"),
        ("level_pitch_mm = 50.0", "", "shelf.level_pitch_mm", "missing"),
        ("board_above_mm = 45.0", "board_above_mm = 20.0", "shelf.board_above_mm", "20"),
        ("depth_mm = 110.0", "depth_mm = 60.0", "shelf.depth_mm", "60"),
        ("depth_mm = 110.0", "depth_mm = nan", "shelf.depth_mm", "NaN"),
        ("clearance_mm = 1.5 ", "clearance_mm = -1.5 ", "shelf.clearance_mm", "-1.5"),
        ("place_contact_mm = 14.0", "place_contact_mm = 8.0", "heights.place_contact_mm", "8"),
        ("\"96-well\" ", "\"6-well\" ", "plate", "\"6-well\""),
        ("\"96-well\" ", "96 ", "plate", "96"),
        (
            "\"96-well\" ",
            "{ length_mm = 127.76, width_mm = 85.48, height_mm = 14.35, mass_g = 0.0 } ",
            "plate.mass_g",
            "0",
        ),
        (
            "\"96-well\" ",
            "{ length_mm = 127760.0, width_mm = 85.48, height_mm = 14.35, mass_g = 100.0 } ",
            "plate.length_mm",
            "127760",
        ),
        (
            "\"96-well\" ",
            "{ length_mm = 0.12776, width_mm = 85.48, height_mm = 14.35, mass_g = 100.0 } ",
            "plate.length_mm",
            "0.12776",
        ),
        ("[shelf]", "mjcf = \"shelf.xml\"\n[shelf]", "mjcf", "shelf.xml"),
    ] {
        let error = read(&with(&[(from, to)])).unwrap_err();
        assert_eq!((error.key.as_str(), error.value.as_str()), (key, value), "{to}: {error}");
        assert!(error.file.starts_with("hotel.toml"), "{error}");
    }
}

#[test]
fn geometry_written_as_mjcf_reads_back_the_same() {
    for name in Scene::NAMES {
        let scene = Scene::named(name).unwrap();
        let toml = Scene::FILES.iter().find(|(n, _)| *n == "open.toml").unwrap().1;
        // Above the guides, which the open target does not have.
        let toml = toml.replace("place_contact_mm = 3.0", "place_contact_mm = 14.0");
        let mut again = Scene::read(name, &toml, |_| Ok(scene.to_mjcf())).unwrap();
        assert_eq!(again.statics.len(), scene.statics.len());
        for (a, b) in again.statics.iter().zip(&scene.statics) {
            assert_eq!((&a.name, a.half), (&b.name, b.half));
            let apart = a.world_from_box.translation.vector - b.world_from_box.translation.vector;
            assert!(apart.norm() < 1e-12 && (a.grey - b.grey).abs() < 1e-6, "{}", a.name);
            assert!(a.world_from_box.rotation.angle_to(&b.world_from_box.rotation) < 1e-6);
        }
        again.statics.clone_from(&scene.statics);
        assert_eq!(again.world_from_place, scene.world_from_place);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_edit_of_the_file_makes_the_parser_panic(
        at in any::<prop::sample::Index>(), length in 0usize..12, new in "[-0-9a-z.\"<>={} eE]{0,6}",
    ) {
        let text = hotel();
        let start = at.index(text.len());
        let end = (start + length).min(text.len());
        let _ = read(&format!("{}{new}{}", &text[..start], &text[end..]));
    }

    #[test]
    fn a_shelf_that_is_accepted_holds_the_plate_in_the_play_it_says(
        clearance in 0.1..15.0f64, depth in 90.0..140.0f64, pitch in 20.0..90.0f64, levels in 1u32..5,
    ) {
        let text = with(&[
            ("clearance_mm = 1.5 ", &format!("clearance_mm = {clearance} ")),
            ("depth_mm = 110.0", &format!("depth_mm = {depth:?}")),
            ("level_pitch_mm = 50.0", &format!("level_pitch_mm = {pitch:?}")),
            ("levels = 4", &format!("levels = {levels}")),
            ("level = 2 ", &format!("level = {levels} ")),
        ]);
        if let Ok(scene) = read(&text) {
            prop_assert!((scene.play().unwrap() * 1e3 - clearance).abs() < 1e-6);
        }
    }
}
