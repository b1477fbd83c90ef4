//! The simulated workcell behaves as the task says, and to the same bits each time.

use std::ops::ControlFlow;

use nalgebra::Isometry3;
use rmrl::cell::conformance::{Repeat, Tolerance, conformance, disturbed_conformance};
use rmrl::cell::{
    Attempt, IdealCell, PlateAt, ScriptedCell, Snapshot, Unwatched, Watch, Workcell, flatten,
};
use rmrl::config::{Robot, Scene};
use rmrl::eyes::{Picture, find_plate};
use rmrl::sim::{self, PhysicsSettings, SimRig};
use rmrl::task::{
    Image, ImageSize, Noise, Outcome, Phase, Pose2, Range, Setup, Streams, TaskSpec, TrialKey,
    is_success,
};

fn quiet() -> TaskSpec {
    TaskSpec::exact(Range { mm: 3.0, deg: 3.0 })
}

fn noisy() -> TaskSpec {
    let noise = Noise { mm: 0.2, deg: 0.2 };
    TaskSpec { actuation: noise, measurement: noise, camera: 4.0, lighting: 0.2, ..quiet() }
}

fn cell_with(scene: &str, task: &TaskSpec, settings: PhysicsSettings) -> ScriptedCell<SimRig> {
    let (scene, robot) = (Scene::named(scene).unwrap(), Robot::named("gantry").unwrap());
    sim::cell(&scene, &robot, task, settings).unwrap()
}

fn noisy_cell_of(robot: &str) -> ScriptedCell<SimRig> {
    let (scene, robot) = (Scene::named("open").unwrap(), Robot::named(robot).unwrap());
    sim::cell(&scene, &robot, &noisy(), PhysicsSettings::default()).unwrap()
}

fn cell(scene: &str) -> ScriptedCell<SimRig> {
    cell_with(scene, &quiet(), PhysicsSettings::default())
}

fn setup(index: u64, offset: Pose2) -> Setup {
    let key = TrialKey { phase: Phase::Train, index };
    Setup { streams: Streams::new(1), key, instance: 0, offset, made: 0 }
}

fn trial(cell: &mut dyn Workcell, index: u64, offset: Pose2, correction: Pose2) -> Attempt {
    cell.prepare(&setup(index, offset), &mut Unwatched).unwrap();
    cell.attempt(correction, &mut Unwatched).unwrap()
}

const ZERO: Pose2 = Pose2::IDENTITY;

#[test]
fn an_ideal_cell_keeps_every_promise() {
    let blank = |_: &Setup| Image::of(ImageSize::default(), |_| 0);
    let tolerance = Tolerance { mm: 1e-9, deg: 1e-9 };
    conformance(|| Box::new(IdealCell::new(quiet(), blank)), tolerance, Repeat::Exact).unwrap();
}

#[test]
fn the_simulation_keeps_every_promise() {
    let tolerance = Tolerance { mm: 0.1, deg: 0.1 };
    conformance(|| Box::new(cell("open")), tolerance, Repeat::Exact).unwrap();
}

#[test]
fn what_the_arm_really_did_explains_the_placement() {
    let blank = |_: &Setup| Image::of(ImageSize::default(), |_| 0);
    let task = TaskSpec { actuation: Noise { mm: 0.2, deg: 0.2 }, ..quiet() };
    let exact = Tolerance { mm: 1e-9, deg: 1e-9 };
    disturbed_conformance(&mut IdealCell::new(task.clone(), blank), exact).unwrap();
    let mut simulated = cell_with("open", &task, PhysicsSettings::default());
    disturbed_conformance(&mut simulated, Tolerance { mm: 0.1, deg: 0.1 }).unwrap();
}

#[test]
fn a_plate_left_far_short_of_its_place_is_not_seated_on_the_shelf() {
    let short = trial(&mut cell("shelf"), 0, Pose2::new(-7.0, 0.0, 0.0), Pose2::IDENTITY);
    assert_eq!((short.outcome, short.seated), (Outcome::Jammed, false), "{short:?}");
}

#[test]
fn a_reused_world_gives_the_bits_of_a_fresh_one() {
    let offsets =
        [Pose2::new(3.0, 1.0, 1.0), Pose2::new(-7.0, 8.0, -9.0), Pose2::new(0.5, 0.0, 4.0)];
    let correction = Pose2::new(1.0, -1.0, 2.0);
    let settings = PhysicsSettings::default();
    let mut reused = cell_with("open", &noisy(), settings);
    for (index, offset) in (0..).zip(offsets) {
        let mut fresh = cell_with("open", &noisy(), settings);
        let (a, b) = (
            trial(&mut reused, index, offset, correction),
            trial(&mut fresh, index, offset, correction),
        );
        assert_eq!(a, b, "trial {index}");
        let view = |cell: &mut ScriptedCell<SimRig>| {
            cell.prepare(&setup(index, offset), &mut Unwatched).unwrap()
        };
        assert_eq!(view(&mut reused), view(&mut fresh));
    }
}

#[test]
fn without_a_correction_the_placement_repeats_the_offset_and_is_seated() {
    let attempt = trial(&mut cell("open"), 0, Pose2::new(3.0, 1.0, 1.0), ZERO);
    let truth = attempt.truth.unwrap();
    for (got, wanted) in truth.pose.axes().into_iter().zip([3.0, 1.0, 1.0]) {
        assert!((got - wanted).abs() < 0.05, "{truth:?}");
    }
    assert!(attempt.seated && attempt.outcome == Outcome::Placed);
    assert!(truth.z_mm.abs() < 0.15, "{truth:?}");
}

#[test]
fn the_ideal_correction_places_the_plate_over_the_wide_range() {
    let mut cell = cell("open");
    for (i, offset) in
        [[10.0, 10.0, 10.0], [-10.0, 10.0, -10.0], [10.0, -10.0, -10.0], [-10.0, -10.0, 10.0]]
            .map(Pose2::from_axes)
            .into_iter()
            .enumerate()
    {
        let attempt = trial(&mut cell, i as u64, offset, offset);
        let error = attempt.truth.unwrap().pose.axes().map(f64::abs);
        assert!(error.iter().all(|e| *e < 0.1), "{offset:?}: {error:?}");
    }
}

#[test]
fn a_noisy_arm_tells_what_it_really_did() {
    let mut cell = cell_with("open", &noisy(), PhysicsSettings::default());
    let offset = Pose2::new(1.0, 2.0, -1.0);
    let attempt = trial(&mut cell, 3, offset, ZERO);
    assert_ne!(attempt.executed, attempt.commanded);
    let wanted = attempt.executed.inverse().compose(offset).axes();
    for (got, wanted) in attempt.truth.unwrap().pose.axes().into_iter().zip(wanted) {
        assert!((got - wanted).abs() < 0.05, "{attempt:?}");
    }
    assert_ne!(attempt.measured, attempt.truth);
}

/// What the arm did with a correction, as the true pose in the hand tells it, and what it reads.
fn done_and_read(cell: &mut dyn Workcell, index: u64, correction: Pose2) -> (Pose2, Pose2) {
    let offset = Pose2::new(1.0, 2.0, -1.0);
    let attempt = trial(cell, index, offset, correction);
    (offset.compose(attempt.in_hand.unwrap().inverse()), attempt.executed)
}

#[test]
fn what_an_arm_reads_at_the_grip_has_the_declared_error_and_does_not_tell_the_noise_drawn() {
    let reading = Noise { mm: 0.1, deg: 0.3 };
    let task = TaskSpec { reading, ..noisy() };
    let blank = |_: &Setup| Image::of(ImageSize::default(), |_| 0);
    let cells: [(Box<dyn Workcell>, u64); 2] = [
        (Box::new(IdealCell::new(task.clone(), blank)), 2_000),
        (Box::new(cell_with("open", &task, PhysicsSettings::default())), 200),
    ];
    for (mut cell, trials) in cells {
        let (mut squares, mut sums) = ([0.0; 3], [0.0; 3]);
        for index in 0..trials {
            let commanded = Pose2::new(0.5, 1.0, -2.0);
            let (done, read) = done_and_read(cell.as_mut(), index, commanded);
            for axis in 0..3 {
                let error = read.axes()[axis] - done.axes()[axis];
                sums[axis] += error;
                squares[axis] += error * error;
            }
            let exact = read.axes().into_iter().zip(done.axes()).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(!exact && read != commanded, "trial {index}: {read:?}");
        }
        let n = trials as f64;
        for (axis, wanted) in [reading.mm, reading.mm, reading.deg].into_iter().enumerate() {
            // Five standard errors; what slips in the hand adds a hundredth.
            let (mean, spread) = (sums[axis] / n, (squares[axis] / n).sqrt());
            let apart = 5.0 / (2.0 * n).sqrt() + 0.01;
            assert!((spread / wanted - 1.0).abs() < apart, "axis {axis}: {spread}");
            assert!(mean.abs() < wanted * 5.0 / n.sqrt() + 0.01, "axis {axis}: {mean}");
        }
    }
}

#[test]
fn without_noise_an_arm_reads_exactly_what_was_commanded() {
    let task = TaskSpec { reading: Noise::READING, ..noisy() }.without_noise();
    let correction = Pose2::new(0.5, 1.0, -2.0);
    let mut cell = cell_with("open", &task, PhysicsSettings::default());
    assert_eq!(done_and_read(&mut cell, 0, correction).1, correction);
    let blank = |_: &Setup| Image::of(ImageSize::default(), |_| 0);
    assert_eq!(done_and_read(&mut IdealCell::new(task, blank), 0, correction).1, correction);
}

#[test]
fn what_an_arm_reads_changes_nothing_of_what_it_does() {
    let trial_of = |reading| {
        let task = TaskSpec { reading, ..noisy() };
        let mut cell = cell_with("shelf", &task, PhysicsSettings::default());
        trial(&mut cell, 5, Pose2::new(1.0, 1.0, -1.0), Pose2::new(0.5, 1.0, -2.0))
    };
    let (exact, mistaken) = (trial_of(Noise::NONE), trial_of(Noise { mm: 3.0, deg: 3.0 }));
    assert_ne!(exact.executed, mistaken.executed);
    assert_eq!(Attempt { executed: exact.executed, ..mistaken }, exact);
}

#[test]
fn an_arm_misses_where_it_grips_and_neither_where_it_lets_go_nor_at_home() {
    /// Where the tool truly is when the fingers begin to close, and to open.
    #[derive(Default)]
    struct AtFingers(Vec<(&'static str, Isometry3<f64>)>);
    impl Watch for AtFingers {
        fn tick(&mut self, s: &Snapshot) -> ControlFlow<()> {
            let seen = self.0.iter().any(|(name, _)| *name == s.segment);
            if ["close", "open"].contains(&s.segment) && !seen {
                self.0.push((s.segment, s.world_from_tool));
            }
            ControlFlow::Continue(())
        }
    }
    let (offset, correction) = (Pose2::new(1.0, 2.0, -1.0), Pose2::new(0.5, 1.0, -2.0));
    for (robot, exact) in [("gantry", 1e-9), ("ur5e-pinch", 1e-6)] {
        let mut cell = noisy_cell_of(robot);
        let mut at = AtFingers::default();
        cell.prepare(&setup(3, offset), &mut Unwatched).unwrap();
        let attempt = cell.attempt(correction, &mut at).unwrap();
        let [("close", grip), ("open", release)] = at.0[..] else { panic!("{:?}", at.0) };
        let plan = cell.plan().clone();
        let tool_from_plate = plan.plate_from_tool.inverse();
        let gripped =
            flatten(&(plan.pick.world_from_place.inverse() * grip * tool_from_plate)).axes();
        let missed = gripped.into_iter().zip(correction.axes()).map(|(a, b)| (a - b).abs());
        let missed: Vec<f64> = missed.collect();
        assert!(missed.iter().all(|axis| *axis > 1e-3 && *axis < 1.0), "{robot}: {missed:?}");
        let held = Pose2::from_axes(gripped).inverse().compose(offset).axes();
        for (got, wanted) in attempt.in_hand.unwrap().axes().into_iter().zip(held) {
            assert!((got - wanted).abs() < 0.05, "{robot}: {attempt:?} {held:?}");
        }
        let seat = plan.target.world_from_place * plan.plate_from_tool;
        let at_home = cell.rig().world().world_from_tool();
        let nears = [(release, seat, exact), (at_home, plan.world_from_home, 1e-6)];
        for (at, wanted, exact) in nears {
            let off = at.inverse() * wanted;
            let (way, turn) = (off.translation.vector.norm(), off.rotation.angle());
            assert!(way < exact && turn < 1e-3, "{robot}: {way} m, {turn} rad");
        }
    }
}

#[test]
fn a_noisy_arm_that_was_cut_off_makes_the_next_trial_as_a_fresh_one() {
    struct Until(u64);
    impl Watch for Until {
        fn tick(&mut self, _: &Snapshot) -> ControlFlow<()> {
            self.0 = self.0.saturating_sub(1);
            if self.0 == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }
    let offset = Pose2::new(1.0, 2.0, -1.0);
    for robot in ["gantry", "ur5e-pinch"] {
        let fresh = trial(&mut noisy_cell_of(robot), 4, offset, ZERO);
        let mut cell = noisy_cell_of(robot);
        for ticks in [20, 60, 75, 90, 110, 130, 150] {
            cell.prepare(&setup(3, offset), &mut Unwatched).unwrap();
            if cell.attempt(ZERO, &mut Until(ticks)).is_err() {
                let found = cell.recover(&mut Unwatched).unwrap();
                assert_ne!(found, PlateAt::Hand, "{robot}, {ticks} ticks");
            }
            assert_eq!(trial(&mut cell, 4, offset, ZERO), fresh, "{robot}, {ticks} ticks");
        }
    }
}

#[test]
fn guides_centre_a_small_error_and_cannot_mend_a_large_one() {
    let mut shelf = cell("shelf");
    let small = trial(&mut shelf, 0, Pose2::new(0.0, 1.0, 1.0), ZERO);
    assert!(small.outcome == Outcome::Placed && small.seated, "{small:?}");
    let pose = small.truth.unwrap().pose;
    assert!(pose.y_mm < 0.95 && pose.yaw_deg < 0.95, "{small:?}");
    let shifted = trial(&mut shelf, 1, Pose2::new(0.0, 3.5, 0.0), ZERO);
    assert!(!shifted.seated && shifted.outcome == Outcome::Climbed, "{shifted:?}");
    let turned = trial(&mut shelf, 1, Pose2::new(0.0, 0.0, 4.0), ZERO);
    assert!(!is_success(turned.outcome, turned.truth.as_ref(), turned.seated), "{turned:?}");
}

/// The table in the README's section on the task, to the digits that it prints.
#[test]
fn what_the_readme_says_of_three_trials_is_so() {
    let at =
        |scene: &str, offset: [f64; 3]| trial(&mut cell(scene), 0, Pose2::from_axes(offset), ZERO);
    let printed = |attempt: &Attempt| {
        attempt.truth.unwrap().pose.axes().map(|axis| format!("{axis:.2}").replace("-0.00", "0.00"))
    };
    let open = at("open", [3.0, 1.0, 1.0]);
    assert_eq!(
        (printed(&open), open.outcome),
        (["3.01", "1.00", "1.00"].map(str::to_owned), Outcome::Placed)
    );
    let guided = at("shelf", [0.0, 2.0, 0.0]);
    assert_eq!(printed(&guided)[1..], ["1.15", "-0.43"], "{guided:?}");
    assert!(guided.seated && guided.outcome == Outcome::Placed, "{guided:?}");
    let climbed = at("shelf", [0.0, 3.0, 0.0]);
    assert!(!climbed.seated && climbed.outcome == Outcome::Climbed, "{climbed:?}");
}

#[test]
fn a_plate_that_the_guard_stops_on_its_seat_has_not_jammed() {
    let mut shelf = cell("shelf");
    let mut seated = 0;
    for (index, y) in (0..).zip([1.0, 1.4, 1.6, 1.8, 2.0, 2.2]) {
        let attempt = trial(&mut shelf, index, Pose2::new(0.0, y, 1.0), ZERO);
        assert!(!(attempt.seated && attempt.harm.jam), "{attempt:?}");
        seated += u32::from(attempt.seated);
    }
    assert!(seated > 0);
}

#[test]
fn a_tighter_shelf_refuses_what_a_wider_one_takes() {
    let offset = Pose2::new(0.0, 2.2, 0.0);
    assert!(trial(&mut cell("shelf"), 0, offset, ZERO).seated);
    assert!(!trial(&mut cell("shelf-tight"), 0, offset, ZERO).seated);
}

#[test]
fn skipped_moves_do_not_change_the_outcome() {
    let stepped = PhysicsSettings { skip_free: false, ..PhysicsSettings::default() };
    let (mut skips, mut steps) = (cell("open"), cell_with("open", &quiet(), stepped));
    let (offset, correction) = (Pose2::new(4.0, -3.0, 5.0), Pose2::new(-2.0, 2.0, -3.0));
    let (a, b) =
        (trial(&mut skips, 0, offset, correction), trial(&mut steps, 0, offset, correction));
    let (pa, pb) = (a.truth.unwrap().pose.axes(), b.truth.unwrap().pose.axes());
    for (a, b) in pa.into_iter().zip(pb) {
        assert!((a - b).abs() < 0.05, "{pa:?} {pb:?}");
    }
    assert!(skips.rig().steps() * 4 < steps.rig().steps(), "nothing was skipped");
    // The clock runs as if the arm had moved, but for waiting until the plate is at rest.
    assert!((a.duration.seconds - b.duration.seconds).abs() < 0.5, "{a:?} {b:?}");
}

#[test]
fn a_resting_plate_presses_with_its_weight() {
    let mut cell = cell("open");
    let attempt = trial(&mut cell, 0, ZERO, ZERO);
    assert!(attempt.harm.peak_force_n > 0.9, "{attempt:?}");
    let force = cell.rig().world().furniture_force();
    assert!((force - 0.981).abs() < 0.03, "{force} N");
}

#[test]
fn a_watcher_sees_every_part_of_the_script_in_order_and_time() {
    struct Names(Vec<&'static str>, f64);
    impl Watch for Names {
        fn tick(&mut self, s: &Snapshot) -> ControlFlow<()> {
            if self.0.last() != Some(&s.segment) {
                self.0.push(s.segment);
            }
            assert!(s.time.seconds >= self.1);
            self.1 = s.time.seconds;
            ControlFlow::Continue(())
        }
    }
    let (mut cell, mut names) = (cell("open"), Names(vec![], 0.0));
    cell.prepare(&setup(0, ZERO), &mut names).unwrap();
    cell.attempt(ZERO, &mut names).unwrap();
    let script = [
        "approach", "reach", "close", "lift", "raise", "carry", "descend", "place", "open",
        "withdraw", "home",
    ];
    assert_eq!(names.0, script);
}

/// What `src/eyes` reads from the simulator's pictures, in light and noise of `narrow` and poses of `wide`.
#[test]
fn the_plates_outline_tells_where_it_lies_to_a_tenth() {
    let task = TaskSpec { range: Range { mm: 10.0, deg: 10.0 }, camera: 3.0, ..noisy() };
    let mut cell = cell_with("open", &task, PhysicsSettings::default());
    let (mut sum, mut worst) = ([0.0; 2], [0.0f64; 2]);
    let looks: u32 = 60;
    for index in 0..looks {
        let axis = |factor: f64| 10.0 * (f64::from(index) * factor).sin();
        let offset = Pose2::new(axis(0.7), axis(1.9), axis(2.9));
        let image = cell.prepare(&setup(index.into(), offset), &mut Unwatched).unwrap().image;
        let seen = find_plate(&Picture::from(&image)).unwrap();
        let off = offset.inverse().compose(seen.pose);
        for (at, off) in [off.translation_mm(), off.yaw_deg.abs()].into_iter().enumerate() {
            sum[at] += off * off;
            worst[at] = worst[at].max(off);
        }
    }
    let typical = sum.map(|sum| (sum / f64::from(looks)).sqrt());
    println!("root mean square {typical:?}, worst {worst:?} (mm, deg)");
    assert!(typical[0] < 0.07 && typical[1] < 0.09, "{typical:?}");
    assert!(worst[0] < 0.25 && worst[1] < 0.25, "{worst:?}");
}

/// An image's size was a constant: the plate must lie alike in images of any.
#[test]
fn the_outline_lies_alike_in_images_of_any_size() {
    for image in [(32, 160.0), (128, 160.0), (80, 200.0)].map(|(px, mm)| ImageSize { px, mm }) {
        let task = TaskSpec { range: Range { mm: 10.0, deg: 10.0 }, image, ..quiet() };
        let mut cell = cell_with("open", &task, PhysicsSettings::default());
        let offset = Pose2::new(6.0, -4.0, 5.0);
        let seen = cell.prepare(&setup(0, offset), &mut Unwatched).unwrap().image;
        assert_eq!(seen.size(), image);
        let off = offset.inverse().compose(find_plate(&Picture::from(&seen)).unwrap().pose);
        let fine = 0.04 * image.mm_per_px() + 0.02;
        assert!(
            off.translation_mm() < fine && off.yaw_deg.abs() < 2.0 * fine,
            "{image:?}: {off:?}"
        );
    }
}

/// Mean column and row of the bright plate in the image.
fn centroid(offset: Pose2) -> (f64, f64) {
    let mut cell = cell("open");
    let image = cell.prepare(&setup(0, offset), &mut Unwatched).unwrap().image;
    let (mut sum, mut columns, mut rows) = (0.0, 0.0, 0.0);
    for (i, &pixel) in image.pixels().iter().enumerate() {
        let light = f64::from(pixel.saturating_sub(125));
        sum += light;
        columns += light * (i % 64) as f64;
        rows += light * (i / 64) as f64;
    }
    (columns / sum, rows / sum)
}

#[test]
fn the_camera_sees_x_to_the_right_and_y_up_at_2_5_mm_a_pixel() {
    let (column, row) = centroid(ZERO);
    let (right, _) = centroid(Pose2::new(5.0, 0.0, 0.0));
    let (_, up) = centroid(Pose2::new(0.0, 5.0, 0.0));
    assert!((right - column - 2.0).abs() < 0.2, "{}", right - column);
    assert!((row - up - 2.0).abs() < 0.2, "{}", row - up);
}

#[test]
fn camera_noise_and_light_change_from_trial_to_trial_but_not_on_a_second_look() {
    let mut cell = cell_with("open", &noisy(), PhysicsSettings::default());
    let mut look = |index| cell.prepare(&setup(index, ZERO), &mut Unwatched).unwrap().image;
    assert_eq!(look(1), look(1));
    assert_ne!(look(1), look(2));
}
