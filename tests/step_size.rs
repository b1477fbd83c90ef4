//! Steps of 2 ms with free moves skipped, against a reference of 0.25 ms with the whole motion
//! stepped. Slow: `cargo test --release --test step_size -- --ignored` measures, and
//! writes `results/trust/step_size.md` and `.csv`.

use std::fmt::Write;
use std::path::Path;

use rand::RngExt;
use rmrl::cell::{Attempt, ScriptedCell, Unwatched, Workcell};
use rmrl::config::{Robot, Scene};
use rmrl::sim::{self, PhysicsSettings, SimRig};
use rmrl::task::{Outcome, Phase, Pose2, Range, Setup, Stream, Streams, TaskSpec, TrialKey};

const TRIALS: u64 = 200;
const SEED: u64 = 9;
const RANGE: Range = Range { mm: 3.0, deg: 3.0 };

/// How the corrections of a set of trials are drawn.
#[derive(Clone, Copy, PartialEq)]
enum Draws {
    /// Offsets and corrections uniform over the narrow range, independently.
    Uniform,
    /// Corrections within 2 mm and 2 deg of the ideal one: what a learner meets on a shelf.
    Near,
}

const SETS: [(&str, Draws); 7] = [
    ("open", Draws::Uniform),
    ("shelf", Draws::Uniform),
    ("shelf", Draws::Near),
    ("shelf-tight", Draws::Uniform),
    ("shelf-tight", Draws::Near),
    ("hotel", Draws::Uniform),
    ("hotel", Draws::Near),
];

const REFERENCE: PhysicsSettings = stepped(0.25);

/// What is compared with the reference: name and settings.
const CANDIDATES: [(&str, PhysicsSettings); 6] = [
    ("0.5 ms, skipping", skipping(0.5)),
    ("1 ms, skipping", skipping(1.0)),
    ("2 ms, skipping (default)", skipping(2.0)),
    ("2 ms, every step", stepped(2.0)),
    ("4 ms, skipping", skipping(4.0)),
    ("8 ms, skipping", skipping(8.0)),
];
const DEFAULT: usize = 2;
const DEFAULT_STEPPED: usize = 3;

const fn skipping(dt_ms: f64) -> PhysicsSettings {
    PhysicsSettings { dt_ms, iterations: 4, skip_free: true }
}

const fn stepped(dt_ms: f64) -> PhysicsSettings {
    PhysicsSettings { skip_free: false, ..skipping(dt_ms) }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Seated where the hand let go.
    Seated,
    /// Seated elsewhere: guides or stop moved it.
    Guided,
    Jammed,
    Climbed,
    Other,
}

#[derive(Clone, Copy, Debug)]
struct Ending {
    class: Class,
    /// x, y in mm, yaw in deg.
    axes: [f64; 3],
}

impl Ending {
    fn of(attempt: &Attempt, expected: Pose2) -> Self {
        let axes = attempt.truth.map_or([f64::NAN; 3], |p| p.pose.axes());
        let moved = axes.iter().zip(expected.axes()).any(|(a, e)| (a - e).abs() > 0.2);
        let class = match attempt.outcome {
            Outcome::Placed if moved => Class::Guided,
            Outcome::Placed => Class::Seated,
            Outcome::Jammed => Class::Jammed,
            Outcome::Climbed => Class::Climbed,
            _ => Class::Other,
        };
        Self { class, axes }
    }

    fn placed(&self) -> bool {
        matches!(self.class, Class::Seated | Class::Guided)
    }
}

fn task() -> TaskSpec {
    TaskSpec::exact(RANGE)
}

/// `nudge_mm` moves the plate's offset on x and y.
fn trial(cell: &mut ScriptedCell<SimRig>, index: u64, draws: Draws, nudge_mm: f64) -> Ending {
    let key = TrialKey { phase: Phase::Train, index };
    let streams = Streams::new(SEED);
    let mut draw = streams.draw(Stream::Explore, key);
    let mut pose = |mm: f64, deg: f64| {
        Pose2::from_axes([mm, mm, deg].map(|half| (draw.random::<f64>() * 2.0 - 1.0) * half))
    };
    let offset = pose(RANGE.mm, RANGE.deg);
    let correction = match draws {
        Draws::Uniform => pose(RANGE.mm, RANGE.deg),
        Draws::Near => offset.compose(pose(2.0, 2.0)),
    };
    let offset = Pose2::new(offset.x_mm + nudge_mm, offset.y_mm + nudge_mm, offset.yaw_deg);
    cell.prepare(&Setup { streams, key, instance: 0, offset, made: 0 }, &mut Unwatched).unwrap();
    let attempt = cell.attempt(correction, &mut Unwatched).unwrap();
    Ending::of(&attempt, correction.inverse().compose(offset))
}

fn trials(
    (scene, draws): (&str, Draws),
    settings: PhysicsSettings,
    count: u64,
    nudge_mm: f64,
) -> Vec<Ending> {
    let (scene, robot) = (Scene::named(scene).unwrap(), Robot::named("gantry").unwrap());
    let mut cell = sim::cell(&scene, &robot, &task(), settings).unwrap();
    (0..count).map(|index| trial(&mut cell, index, draws, nudge_mm)).collect()
}

/// How a candidate differs from its reference over one set of trials.
struct Agreement {
    same_class: usize,
    of: usize,
    /// Trials seated or guided in both.
    placed: Spread,
    seated: Spread,
    guided: Spread,
    /// As pairs of classes (reference, candidate) that differ.
    confused: Vec<(Class, Class)>,
}

/// Differences between poses: median, 90th percentile, largest.
struct Spread {
    of: usize,
    /// The worse of x and y.
    mm: [f64; 3],
    deg: [f64; 3],
}

impl Agreement {
    fn between(reference: &[Ending], candidate: &[Ending]) -> Self {
        let pairs = || reference.iter().zip(candidate);
        let both =
            |class| Spread::of(pairs().filter(|(a, b)| a.class == class && b.class == class));
        let confused = pairs().filter(|(a, b)| a.class != b.class);
        Self {
            same_class: pairs().filter(|(a, b)| a.class == b.class).count(),
            of: reference.len(),
            placed: Spread::of(pairs().filter(|(a, b)| a.placed() && b.placed())),
            seated: both(Class::Seated),
            guided: both(Class::Guided),
            confused: confused.map(|(a, b)| (a.class, b.class)).collect(),
        }
    }
}

impl Spread {
    fn of<'a>(pairs: impl Iterator<Item = (&'a Ending, &'a Ending)>) -> Self {
        let apart = |(a, b): (&Ending, &Ending)| {
            let [x, y, yaw] = std::array::from_fn(|axis| (a.axes[axis] - b.axes[axis]).abs());
            (f64::max(x, y), yaw)
        };
        let (mm, deg): (Vec<f64>, Vec<f64>) = pairs.map(apart).unzip();
        Self { of: mm.len(), mm: quantiles(mm), deg: quantiles(deg) }
    }

    /// 90th percentiles and how many they are of.
    fn p90(&self) -> String {
        match self.of {
            0 => "-".to_owned(),
            n => format!("{:.3} mm / {:.3}° ({n})", self.mm[1], self.deg[1]),
        }
    }
}

/// Median, 90th percentile, largest.
fn quantiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        values.get((share * values.len().saturating_sub(1) as f64).round() as usize).copied()
    };
    [0.5, 0.9, 1.0].map(|share| at(share).unwrap_or(f64::NAN))
}

/// Skipping against stepping at the same 2 ms.
fn skipping_against_stepping(set: (&str, Draws), count: u64) -> Agreement {
    let run = |settings| trials(set, settings, count, 0.0);
    Agreement::between(&run(stepped(2.0)), &run(skipping(2.0)))
}

#[test]
fn skipped_moves_do_not_change_the_placement_on_the_open_target() {
    let agreement = skipping_against_stepping(SETS[0], 12);
    assert_eq!(agreement.same_class, agreement.of, "{:?}", agreement.confused);
    let (mm, deg) = (agreement.placed.mm[2], agreement.placed.deg[2]);
    assert!(mm < 0.1 && deg < 0.1, "{mm} mm, {deg} deg");
}

/// 799 of 800 in `results/trust/step_size.md`: a plate let go on a guide's edge can end either way.
#[test]
fn skipped_moves_seldom_change_the_class_on_a_shelf() {
    let sets = SETS[1..].iter().map(|set| skipping_against_stepping(*set, 6));
    let (same, of) = sets.fold((0, 0), |(same, of), a| (same + a.same_class, of + a.of));
    assert!(same * 10 >= of * 9, "{same} of {of}");
}

#[test]
#[ignore = "steps 1,400 whole motions at 0.25 ms: ten minutes"]
fn coarse_steps_agree_with_fine_ones() {
    let measured: Vec<Measured> = std::thread::scope(|scope| {
        let jobs = SETS.map(|set| scope.spawn(move || Measured::of(set)));
        jobs.into_iter().map(|job| job.join().unwrap()).collect()
    });

    let (mut table, mut csv) = (String::new(), CSV_HEAD.to_owned());
    let mut defaults = Vec::new();
    for ((scene, draws), Measured { reference, candidates, nudged }) in
        SETS.into_iter().zip(&measured)
    {
        let how = if draws == Draws::Near { "near" } else { "uniform" };
        write!(table, "\n## `{scene}`, {how}\n\nReference:").unwrap();
        let classes = [Class::Seated, Class::Guided, Class::Jammed, Class::Climbed, Class::Other]
            .map(|class| {
                let count = reference.iter().filter(|r| r.class == class).count();
                format!(" {count} {class:?}").to_lowercase()
            });
        table.push_str(&classes.join(","));
        table.push_str(TABLE_HEAD);
        let mut row = |name: &str, a: &Agreement| {
            table.push_str(&table_row(name, a));
            csv.push_str(&csv_row(&format!("{scene},{how},{name:?}"), a));
        };
        for ((name, _), candidate) in CANDIDATES.iter().zip(candidates) {
            row(name, &Agreement::between(reference, candidate));
        }
        let skipped = Agreement::between(&candidates[DEFAULT_STEPPED], &candidates[DEFAULT]);
        row("2 ms, skipping against every step", &skipped);
        let nudged = Agreement::between(&candidates[DEFAULT], nudged);
        row("2 ms, skipping, against itself 0.05 mm aside", &nudged);
        defaults.push((scene, how, Agreement::between(reference, &candidates[DEFAULT])));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/trust");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("step_size.md"), format!("{HEAD}{table}")).unwrap();
    std::fs::write(folder.join("step_size.csv"), csv).unwrap();

    for (scene, how, default) in &defaults {
        let (mm, deg) = (&default.placed.mm, &default.placed.deg);
        if *scene == "open" {
            assert_eq!(default.same_class, default.of, "{:?}", default.confused);
            assert!(mm[1] <= 0.1 && deg[1] <= 0.1, "p90 {mm:?} {deg:?}");
            continue;
        }
        // Measured: 95.0 and 97.5 % on `shelf`, 95.0 and 89.5 % on `shelf-tight`, 95.5 and 98.0 % in
        // the hotel. Of the seated plates' 0.104 mm at most the reference has 0.05 by itself: its
        // 80,000 substeps round.
        let least = if *scene == "shelf" { 0.95 } else { 0.85 };
        let same = default.same_class as f64 / default.of as f64;
        assert!(same >= least, "{scene}, {how}: {:?}", default.confused);
        // The hotel's way is the longest: 0.119 mm, and 0.110 by steps of 0.5 ms.
        let most_mm = if *scene == "hotel" { 0.14 } else { 0.11 };
        let seated = &default.seated;
        assert!(seated.mm[1] <= most_mm && seated.deg[1] <= 0.1, "{scene}, {how}: seated");
        // 0.1 mm is not met by guided plates, by steps of 0.5 ms neither. This much holds
        // (measured: 0.507 mm / 0.382 deg at most):
        let guided = &default.guided;
        assert!(guided.mm[1] <= 0.55 && guided.deg[1] <= 0.45, "{scene}, {how}: guided");
        assert!(mm[0] <= 0.15 && deg[0] <= 0.1, "{scene}, {how}: median {mm:?} {deg:?}");
    }
}

/// One set of trials at every setting.
struct Measured {
    reference: Vec<Ending>,
    candidates: Vec<Vec<Ending>>,
    /// At the default, with the plate 0.05 mm aside on x and y: how sensitive the outcome is by
    /// itself.
    nudged: Vec<Ending>,
}

impl Measured {
    fn of(set: (&str, Draws)) -> Self {
        Self {
            reference: trials(set, REFERENCE, TRIALS, 0.0),
            candidates: CANDIDATES.map(|(_, settings)| trials(set, settings, TRIALS, 0.0)).to_vec(),
            nudged: trials(set, CANDIDATES[DEFAULT].1, TRIALS, 0.05),
        }
    }
}

const HEAD: &str = "# Step size

Measured by `cargo test --release --test step_size -- --ignored`, which writes this file and
`step_size.csv`. Every row compares 200 trials of fixed seeds with the same trials at 0.25 ms with
the whole motion stepped; the last two rows of a table compare skipping with stepping at the same
2 ms, and the default with itself when the plate starts 0.05 mm aside on x and y: how sensitive an
outcome is before any step size comes in.
Noise off. `uniform`: offsets and corrections uniform over ±3 mm, ±3°; `near`: the correction is
within 2 mm and 2° of the ideal one. *Guided* is seated, but more than 0.2 mm or 0.2° from where
the hand alone would have put it. mm on the worse of x and y.
";

const TABLE_HEAD: &str = ".

| steps | class agrees | placed in both: p50 | p90 | seated in both: p90 | guided in both: p90 \
| classes that differ (reference > row) |
|---|---|---|---|---|---|---|
";

const CSV_HEAD: &str = "scene,draws,settings,trials,same_class,placed,mm_p50,mm_p90,mm_max,\
deg_p50,deg_p90,deg_max,seated,seated_mm_p90,seated_deg_p90,guided,guided_mm_p90,guided_deg_p90\n";

fn table_row(name: &str, a: &Agreement) -> String {
    format!(
        "| {name} | {}/{} ({:.1} %) | {:.3} mm / {:.3}° | {} | {} | {} | {} |\n",
        a.same_class,
        a.of,
        100.0 * a.same_class as f64 / a.of as f64,
        a.placed.mm[0],
        a.placed.deg[0],
        a.placed.p90(),
        a.seated.p90(),
        a.guided.p90(),
        confusions(&a.confused),
    )
}

fn csv_row(set: &str, a: &Agreement) -> String {
    let placed: Vec<String> =
        a.placed.mm.into_iter().chain(a.placed.deg).map(|v| format!("{v:.5}")).collect();
    let one = |s: &Spread| format!("{},{:.5},{:.5}", s.of, s.mm[1], s.deg[1]);
    let placed = placed.join(",");
    let counts = format!("{},{},{}", a.of, a.same_class, a.placed.of);
    format!("{set},{counts},{placed},{},{}\n", one(&a.seated), one(&a.guided))
}

/// `seated > guided 3, jammed > climbed 1`: reference first.
fn confusions(pairs: &[(Class, Class)]) -> String {
    let mut counts = std::collections::BTreeMap::<String, u32>::new();
    for (a, b) in pairs {
        *counts.entry(format!("{a:?} > {b:?}").to_lowercase()).or_default() += 1;
    }
    let text: Vec<String> = counts.into_iter().map(|(pair, n)| format!("{pair} {n}")).collect();
    if text.is_empty() { "none".to_owned() } else { text.join(", ") }
}
