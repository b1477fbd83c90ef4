//! Reality's dirt does what its key says, and nothing of it reaches a learner.

use std::ops::ControlFlow;

use rmrl::cell::{Attempt, ScriptedCell, Snapshot, Unwatched, Watch, Workcell};
use rmrl::config::{Robot, Scene};
use rmrl::lab::Experiment;
use rmrl::sim::{self, PhysicsSettings, SimRig};
use rmrl::task::{
    Dirt, Drift, Image, Outcome, Phase, Pose2, Quantity, Range, Setup, Streams, TaskSpec, TrialKey,
};

const ZERO: Pose2 = Pose2::IDENTITY;

/// A cell without noise in which these quantities deviate by so much from the first trial on.
fn task(deviations: &[(Quantity, f64)]) -> TaskSpec {
    let drift = |&(key, to): &(Quantity, f64)| Drift { key, at: 0, to, over: 0 };
    TaskSpec {
        drift: deviations.iter().map(drift).collect(),
        ..TaskSpec::exact(Range { mm: 3.0, deg: 3.0 })
    }
}

fn cell_of(scene: &str, task: &TaskSpec) -> ScriptedCell<SimRig> {
    let (scene, robot) = (Scene::named(scene).unwrap(), Robot::named("gantry").unwrap());
    sim::cell(&scene, &robot, task, PhysicsSettings::default()).unwrap()
}

fn cell(scene: &str, deviations: &[(Quantity, f64)]) -> ScriptedCell<SimRig> {
    cell_of(scene, &task(deviations))
}

fn setup(index: u64, offset: Pose2, made: u64) -> Setup {
    let key = TrialKey { phase: Phase::Train, index };
    Setup { streams: Streams::new(1), key, instance: 0, offset, made }
}

fn trial(cell: &mut dyn Workcell, offset: Pose2) -> (Image, Attempt) {
    let seen = cell.prepare(&setup(0, offset, 0), &mut Unwatched).unwrap();
    (seen.image, cell.attempt(ZERO, &mut Unwatched).unwrap())
}

fn placed(deviations: &[(Quantity, f64)], offset: Pose2) -> [f64; 3] {
    trial(&mut cell("open", deviations), offset).1.truth.unwrap().pose.axes()
}

fn near(got: [f64; 3], wanted: [f64; 3], tolerance: f64) {
    let close = got.iter().zip(wanted).all(|(a, b)| (a - b).abs() <= tolerance);
    assert!(close, "{got:?} instead of {wanted:?}");
}

#[test]
fn a_bumped_fixture_shifts_the_placement_and_not_the_picture() {
    let bumped = [(Quantity::FixtureXMm, 2.0), (Quantity::FixtureYawDeg, 1.0)];
    let (seen, attempt) = trial(&mut cell("open", &bumped), ZERO);
    near(attempt.truth.unwrap().pose.axes(), [2.0, 0.0, 1.0], 0.1);
    assert_eq!(seen, trial(&mut cell("open", &[]), ZERO).0);
}

#[test]
fn a_base_that_is_off_cancels_but_for_what_its_rotation_makes_of_the_way() {
    near(placed(&[(Quantity::BaseXMm, 2.0), (Quantity::BaseYMm, -2.0)], ZERO), [0.0; 3], 0.1);
    // 400 mm between pick and target, seen at half a degree.
    let shift = 400.0 * 0.5f64.to_radians().sin();
    near(placed(&[(Quantity::BaseYawDeg, 0.5)], ZERO), [0.0, shift, 0.0], 0.15);
}

#[test]
fn the_sign_of_a_base_error_shows_in_the_hand() {
    let (_, attempt) = trial(&mut cell("open", &[(Quantity::BaseYMm, 2.0)]), ZERO);
    near(attempt.in_hand.unwrap().axes(), [0.0, -2.0, 0.0], 0.1);
}

#[test]
fn a_camera_that_is_off_shows_a_shift_that_is_not_there() {
    let (seen, attempt) = trial(&mut cell("open", &[(Quantity::CameraXMm, 5.0)]), ZERO);
    near(attempt.truth.unwrap().pose.axes(), [0.0; 3], 0.1);
    let (shifted, _) = trial(&mut cell("open", &[]), Pose2::new(-5.0, 0.0, 0.0));
    // The plate itself, away from the riser's edges behind it.
    let at =
        |image: &Image, row: usize, column: usize| i32::from(image.pixels()[row * 64 + column]);
    for (row, column) in [(20, 6), (32, 55), (32, 56), (40, 30)] {
        let (a, b) = (at(&seen, row, column), at(&shifted, row, column));
        assert!((a - b).abs() <= 2, "{row} {column}: {a} {b}");
    }
}

#[test]
fn exposure_dims_and_blur_smooths_the_picture() {
    let picture = |deviations: &[(Quantity, f64)]| trial(&mut cell("open", deviations), ZERO).0;
    let sum = |image: &Image| image.pixels().iter().map(|p| u64::from(*p)).sum::<u64>() as f64;
    let steps = |image: &Image| {
        let rows = image.pixels().chunks(64);
        rows.flat_map(|row| row.windows(2)).map(|w| u64::from(w[0].abs_diff(w[1]))).sum::<u64>()
    };
    let (plain, dim) = (picture(&[]), picture(&[(Quantity::Exposure, -0.5)]));
    assert!((sum(&dim) / sum(&plain) - 0.5).abs() < 0.01);
    let soft = picture(&[(Quantity::BlurPx, 1.5)]);
    assert!((sum(&soft) / sum(&plain) - 1.0).abs() < 0.01);
    assert!(steps(&soft) * 2 < steps(&plain), "{} {}", steps(&soft), steps(&plain));
}

#[test]
fn a_heavier_plate_weighs_more() {
    let mut cell = cell("open", &[(Quantity::PlateMassG, 100.0)]);
    trial(&mut cell, ZERO);
    let force = cell.rig().world().furniture_force();
    assert!((force - 1.962).abs() < 0.06, "{force} N");
}

#[test]
fn a_wider_plate_and_a_narrower_nest_refuse_what_the_nominal_ones_take() {
    let offset = Pose2::new(0.0, 2.2, 0.0);
    assert!(trial(&mut cell("shelf", &[]), offset).1.seated);
    assert!(!trial(&mut cell("shelf", &[(Quantity::GuideClearanceMm, -1.0)]), offset).1.seated);
    let offset = Pose2::new(0.0, 2.8, 0.0);
    let wide = trial(&mut cell("shelf", &[(Quantity::GuideClearanceMm, 2.0)]), offset).1;
    assert!(wide.seated, "{wide:?}");
    let play = [(Quantity::GuideClearanceMm, 2.0), (Quantity::PlateWidthMm, 1.0)];
    let wider = trial(&mut cell("shelf", &play), Pose2::new(0.0, 3.3, 0.0)).1.truth.unwrap();
    assert!(wider.pose.y_mm < 3.05, "the guide stands 3 mm off: {wider:?}");
}

#[test]
fn fingers_without_force_lose_the_plate() {
    let (_, attempt) = trial(&mut cell("open", &[(Quantity::GripperForceN, -39.0)]), ZERO);
    let failed = matches!(attempt.outcome, Outcome::Dropped | Outcome::NoGrasp);
    assert!(failed || !attempt.seated, "{attempt:?}");
}

#[test]
fn friction_of_pads_and_furniture_reaches_the_physics() {
    // Between guides the plate is pushed aside: in the hand, and over the board.
    let offset = Pose2::new(0.0, 1.8, 1.0);
    let of = |deviations: &[(Quantity, f64)]| {
        trial(&mut cell("shelf", deviations), offset).1.truth.unwrap().pose
    };
    let plain = of(&[]);
    for quantity in [Quantity::PadFriction, Quantity::FurnitureFriction] {
        assert_ne!(of(&[(quantity, -0.3)]), plain, "{quantity:?}");
    }
}

#[test]
fn an_arm_that_tracks_badly_leaves_its_line_half_way_and_comes_back() {
    #[derive(Default)]
    struct Lift(Vec<f64>);
    impl Watch for Lift {
        fn tick(&mut self, s: &Snapshot) -> ControlFlow<()> {
            if s.segment == "place" {
                self.0.push(s.world_from_tool.translation.y * 1e3);
            }
            ControlFlow::Continue(())
        }
    }
    let mut cell = cell("open", &[(Quantity::TrackingYMm, 2.0)]);
    let mut lift = Lift::default();
    cell.prepare(&setup(0, ZERO, 0), &mut Unwatched).unwrap();
    cell.attempt(ZERO, &mut lift).unwrap();
    let most = lift.0.iter().copied().fold(0.0, f64::max);
    assert!(most > 0.5 && most < 2.01, "{:?}", lift.0);
    near(cell.rig().world().world_from_plate().translation.vector.into(), [0.4, 0.0, 0.06], 2e-4);
}

#[test]
fn a_move_that_has_not_settled_shifts_the_grip_more_than_the_release() {
    for robot in ["gantry", "ur5e-pinch"] {
        let settling = [(Quantity::SettlingXMm, 0.5), (Quantity::SettlingYMm, -1.0)];
        let (scene, robot) = (Scene::named("open").unwrap(), Robot::named(robot).unwrap());
        // What a fast move leaves at the grip, less what a slow one leaves at the target.
        let share = 1.0 - robot.speeds.contact_mm_s / robot.speeds.free_mm_s;
        let settings = PhysicsSettings::default();
        let mut cell = sim::cell(&scene, &robot, &task(&settling), settings).unwrap();
        let (_, attempt) = trial(&mut cell, ZERO);
        near(attempt.truth.unwrap().pose.axes(), [-0.5 * share, share, 0.0], 0.05);
        // The arm knows where it was: encoders show it.
        near(attempt.executed.axes(), [0.5, -1.0, 0.0], 0.02);
    }
}

/// Mean distance from the target of 12 plates that nobody corrects, mm, with this dirt alone.
fn scatter(dirt: &[(Quantity, f64)]) -> f64 {
    let dirt = Dirt(dirt.iter().copied().collect());
    let mut cell = cell_of("open", &TaskSpec { dirt, ..task(&[]) });
    let mut placed = |seed: u64| {
        let key = TrialKey { phase: Phase::Train, index: seed };
        let setup = Setup { streams: Streams::new(seed), key, instance: 0, offset: ZERO, made: 0 };
        cell.prepare(&setup, &mut Unwatched).unwrap();
        cell.attempt(ZERO, &mut Unwatched).unwrap().truth.unwrap().pose.translation_mm()
    };
    (0..12).map(&mut placed).sum::<f64>() / 12.0
}

/// What the comments of `experiments/randomised.toml` say of the open target.
#[test]
fn the_dirt_of_the_randomised_experiment_moves_plates_on_the_open_target() {
    let dirt = Experiment::open("randomised", &[]).unwrap().task.dirt.0;
    let of = |prefixes: &[&str]| -> Vec<(Quantity, f64)> {
        let named = |q: &Quantity| prefixes.iter().any(|p| q.name().starts_with(p));
        dirt.iter().filter(|(q, _)| named(q)).map(|(q, half)| (*q, *half)).collect()
    };
    let clean = scatter(&[]);
    assert!(clean < 0.03, "{clean} mm");
    for acts in [&["fixture_x", "fixture_y"][..], &["settling"], &["base_yaw"]] {
        let moved = scatter(&of(acts));
        assert!(moved > 0.1, "{acts:?}: {moved} mm");
    }
    let stays = ["plate", "guide", "furniture", "pad", "gripper", "tracking", "base_x", "base_y_"];
    let moved = scatter(&of(&stays));
    assert!(moved < 0.08, "{moved} mm");
}

#[test]
fn what_drifts_goes_by_the_trials_made_and_not_by_the_trial_itself() {
    let drift = vec![Drift { key: Quantity::FixtureYMm, at: 500, to: 2.0, over: 0 }];
    let mut cell = cell_of("open", &TaskSpec { drift, ..task(&[]) });
    let mut at = |made| {
        cell.prepare(&setup(7, ZERO, made), &mut Unwatched).unwrap();
        cell.attempt(ZERO, &mut Unwatched).unwrap().truth.unwrap().pose.y_mm
    };
    let (before, after, again) = (at(499), at(500), at(499));
    assert!(before.abs() < 0.05 && (after - 2.0).abs() < 0.05, "{before} {after}");
    assert_eq!(before, again, "nothing of the bump is left");
}

#[test]
fn a_draw_that_would_leave_no_plate_or_no_shelf_is_refused() {
    let refused = |scene: &str, quantity, half| {
        let dirt = Dirt([(quantity, half)].into());
        let (scene, robot) = (Scene::named(scene).unwrap(), Robot::named("gantry").unwrap());
        let task = TaskSpec { dirt, ..task(&[]) };
        sim::cell(&scene, &robot, &task, PhysicsSettings::default()).err().map(|e| e.to_string())
    };
    let said = refused("open", Quantity::PlateMassG, 99.0).unwrap();
    assert!(said.contains("task.dirt.plate_mass_g") && said.contains("100"), "{said}");
    assert!(refused("shelf-tight", Quantity::GuideClearanceMm, 0.6).is_some());
    assert!(refused("shelf-tight", Quantity::PlateWidthMm, 1.0).is_some());
    assert!(refused("open", Quantity::GuideClearanceMm, 0.6).is_none(), "open has no guides");
    assert!(refused("open", Quantity::GripperForceN, 40.0).is_some());
}

#[test]
fn a_plate_that_outgrows_the_gripper_is_refused() {
    let mut robot = Robot::named("gantry-side").unwrap();
    robot.gripper.opening_mm = 86.0;
    let refused = |width_mm| {
        let dirt = Dirt([(Quantity::PlateWidthMm, width_mm)].into());
        let (scene, task) = (Scene::named("open").unwrap(), TaskSpec { dirt, ..task(&[]) });
        sim::cell(&scene, &robot, &task, PhysicsSettings::default()).err().map(|e| e.to_string())
    };
    assert_eq!(refused(0.25), None);
    let said = refused(0.6).unwrap();
    assert!(said.contains("task.dirt.plate_width_mm") && said.contains("86 mm"), "{said}");
}

#[test]
fn a_fixture_that_no_geom_stands_for_cannot_be_bumped() {
    let mut scene = Scene::named("open").unwrap();
    let riser = scene.statics.iter_mut().find(|part| part.name == "pick_riser").unwrap();
    riser.name = "riser".to_owned();
    let robot = Robot::named("gantry").unwrap();
    let task = task(&[(Quantity::FixtureYMm, -1.0)]);
    let error = sim::cell(&scene, &robot, &task, PhysicsSettings::default()).err().unwrap();
    assert_eq!(error.key, "task.dirt.fixture_y_mm (with task.drift)");
    assert!(error.to_string().contains("begins with pick"), "{error}");
}

#[test]
fn a_hand_that_strikes_the_plate_is_told_as_harm() {
    let mut cell = cell("open", &[]);
    let hit = |cell: &mut dyn Workcell, offset| trial(cell, offset).1.harm.plate_hit;
    assert_eq!(hit(&mut cell, ZERO), Some(false));
    // 45 mm nearer than nominal: the palm is in the way.
    assert_eq!(hit(&mut cell, Pose2::new(-45.0, 0.0, 0.0)), Some(true));
    assert_eq!(hit(&mut cell, ZERO), Some(false));
}

#[test]
fn jams_and_drops_are_told_as_harm() {
    let (_, jam) = trial(&mut cell("shelf", &[]), Pose2::new(-7.0, 0.0, 0.0));
    assert_eq!((jam.outcome, jam.harm.jam, jam.harm.drop), (Outcome::Jammed, true, false));
    let (_, well) = trial(&mut cell("open", &[]), ZERO);
    assert_eq!((well.harm.jam, well.harm.drop), (false, false), "{well:?}");
}

#[test]
fn what_a_learner_is_shown_tells_nothing_of_the_dirt() {
    let shown = |deviations: &[(Quantity, f64)]| {
        cell("open", deviations)
            .prepare(&setup(0, Pose2::new(1.0, -2.0, 1.5), 0), &mut Unwatched)
            .unwrap()
    };
    let clean = shown(&[]);
    for (quantity, deviation) in [
        (Quantity::PlateMassG, 40.0),
        (Quantity::FurnitureFriction, 0.1),
        (Quantity::PadFriction, -0.2),
        (Quantity::GuideClearanceMm, 0.4),
        (Quantity::GripperForceN, 8.0),
        (Quantity::TrackingYMm, 1.0),
        (Quantity::SettlingXMm, 1.0),
        (Quantity::BaseXMm, 2.0),
        (Quantity::BaseYawDeg, 0.5),
        (Quantity::FixtureYMm, 2.0),
        (Quantity::FixtureYawDeg, 2.0),
    ] {
        let dirty = shown(&[(quantity, deviation)]);
        let pixels = dirty.image.pixels().iter().zip(clean.image.pixels());
        assert!(pixels.into_iter().all(|(a, b)| a.abs_diff(*b) <= 1), "{quantity:?}");
        near(dirty.pose.unwrap().axes(), clean.pose.unwrap().axes(), 1e-6);
    }
}
