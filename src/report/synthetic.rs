//! Plausible results without any trial: eight methods whose errors fall from the no-correction
//! error to a floor of their own. For the tests of the report only.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};

use super::{
    Checkpoint, Contrast, Demonstrated, Evaluated, ExperimentResult, Floor, HarmCount, Judged,
    MethodResult, Origin, RunResult, Scores, Started,
};
use crate::learn::{Card, Role};
use crate::task::{ContextSignal, Draw, Noise, Outcome, Pose2, Range, RewardSignal, TaskSpec};

/// (name, learns, sees the truth, prior trials, floor mm, floor deg, trials to fall by 1/e)
type Recipe = (&'static str, bool, bool, u64, f64, f64, f64);

const METHODS: [Recipe; 8] = [
    ("no-correction", false, false, 0, 2.3, 1.5, 1.0),
    ("oracle", false, true, 0, 0.42, 0.31, 1.0),
    ("true-labels", true, true, 0, 0.45, 0.41, 120.0),
    ("reinforce", true, false, 0, 1.9, 1.3, 400.0),
    ("ppo", true, false, 0, 1.3, 1.25, 350.0),
    ("rm-rl-online", true, false, 0, 1.0, 0.85, 300.0),
    ("rm-rl", true, false, 0, 0.75, 0.6, 220.0),
    ("rm-rl-pretrained", true, false, 200, 0.65, 0.55, 150.0),
];

/// 8 methods, seeds 1 to `seeds`, 1,000 trials, a checkpoint every 100.
pub(super) fn experiment(seeds: u64) -> ExperimentResult {
    let seeds: Vec<u64> = (1..=seeds).collect();
    let methods = METHODS.iter().map(|recipe| method(recipe, &seeds)).collect();
    ExperimentResult {
        name: "narrow".into(),
        command: "rmrl compare narrow --seeds 20 --trials 1000".into(),
        version: "0.1.0".into(),
        commit: "0123456789abcdef".into(),
        task: TaskSpec {
            scene_instances: 50,
            held_out_instances: 50,
            jitter: Noise { mm: 0.3, deg: 0.3 },
            actuation: Noise { mm: 0.2, deg: 0.2 },
            measurement: Noise { mm: 0.2, deg: 0.2 },
            camera: 4.0,
            lighting: 0.2,
            ..TaskSpec::exact(Range { mm: 3.0, deg: 3.0 })
        },
        trials: 1000,
        evaluate_every: 100,
        evaluate_also: Vec::new(),
        evaluation_trials: 50,
        floor: Some(Floor::of(Noise { mm: 0.2, deg: 0.2 })),
        seeds,
        contrasts: [
            contrast(
                "rm-rl",
                "reinforce",
                &[("translation_mm", "53 % lower"), ("yaw_deg", "20 % lower")],
            ),
            contrast("rm-rl", "ppo", &[("yaw_deg", "20 % lower, over its own baseline")]),
            contrast("rm-rl-pretrained", "reinforce", &[("demonstration", "10/10 against 5/10")]),
        ]
        .to_vec(),
        pictures: Vec::new(),
        contrasts_sha256: "cd".into(),
        experiment_sha256: "ef".into(),
        methods,
        failed: Vec::new(),
    }
}

fn contrast(method: &str, over: &str, published: &[(&str, &str)]) -> Contrast {
    let published = published.iter().map(|(key, said)| ((*key).to_owned(), (*said).to_owned()));
    Contrast {
        method: method.into(),
        over: over.into(),
        figure: None,
        published: published.collect(),
    }
}

fn method(recipe: &Recipe, seeds: &[u64]) -> MethodResult {
    let &(name, learns, sees_truth, prior_trials, ..) = recipe;
    MethodResult {
        card: Card {
            name: name.into(),
            summary: "A synthetic stand-in | for tests.".into(),
            role: match name {
                "reinforce" | "ppo" => Role::Rival,
                "rm-rl" | "rm-rl-pretrained" => Role::Paper,
                "rm-rl-online" => Role::Competitor,
                _ => Role::Reference,
            },
            signal: RewardSignal::Scalar,
            context: if learns { ContextSignal::SceneId } else { ContextSignal::None },
            sees_truth,
            learns,
            prior_trials,
            prior_on_top: false,
            prior_given: false,
            sees_executed: false,
        },
        settings: match learns {
            true => vec![("lr".into(), "0.001".into()), ("batch".into(), "20".into())],
            false => vec![],
        },
        started: Started { begun: seeds.len(), complete: seeds.len(), failed: 0 },
        runs: seeds.iter().map(|&seed| run(recipe, seed)).collect(),
    }
}

fn run(&(name, learns, _, _, floor_mm, floor_deg, fall): &Recipe, seed: u64) -> RunResult {
    let mut draw = Draw::seed_from_u64(seed * 1000 + name.len() as u64);
    let mut spread = |width: f64| 1.0 + width * (draw.random::<f64>() - 0.5);
    let luck = spread(0.6);
    let last = if learns { 10 } else { 0 };
    let checkpoints: Vec<Checkpoint> = (0..=last)
        .map(|k| {
            let trial = 100 * k;
            let left = if learns { (-(trial as f64) / (fall * luck)).exp() } else { 0.0 };
            let mut scores = |harder: f64| {
                let mm = (floor_mm * luck * harder + (2.3 - floor_mm) * left) * spread(0.2);
                let deg = (floor_deg * luck * harder + (1.5 - floor_deg) * left) * spread(0.2);
                let rate = (1.1 - (mm + deg) / 3.0).clamp(0.0, 1.0);
                let successes = (50.0 * rate).round();
                Scores::new(50, [("translation_mm", mm), ("yaw_deg", deg), ("success", successes)])
            };
            Checkpoint {
                trial,
                robot_hours: trial as f64 * 31.0 / 3600.0,
                in_scene: scores(1.0),
                held_out: scores(1.3),
            }
        })
        .collect();
    let placed = (10.0 * (1.2 - floor_mm * luck / 2.0).clamp(0.0, 1.0)).round() as u64;
    RunResult {
        seed,
        version: "0.1.0".into(),
        commit: "0123456789ab".into(),
        labels: Vec::new(),
        contrasts_sha256: None,
        evaluated: evaluated(&checkpoints, seed),
        checkpoints,
        demonstrations: vec![Demonstrated {
            scene: "shelf".into(),
            placed,
            of: 10,
            harm: HarmCount::default(),
        }],
        harm: HarmCount::default(),
        outcomes: match learns {
            true => BTreeMap::from([("placed", 990), ("dropped", 7), ("no_grasp", 3)]),
            false => BTreeMap::new(),
        },
        origin: Origin::default(),
    }
}

/// Trials whose mean error in-scene is that of the last checkpoint, along x and yaw. The method of odd seeds
/// says a spread.
fn evaluated(checkpoints: &[Checkpoint], seed: u64) -> Vec<Evaluated> {
    let last = checkpoints.last().expect("one at least");
    let trial = |number: u64| {
        let scores = if number < 50 { &last.in_scene } else { &last.held_out };
        let [mm, deg] = ["translation_mm", "yaw_deg"].map(|key| scores.mean(key));
        let (share, side) =
            ((number % 10) as f64 / 4.5, if number.is_multiple_of(2) { 1.0 } else { -1.0 });
        let error = Pose2::new(side * share * mm, 0.0, -side * share * deg);
        let success = error.axes().iter().all(|axis| axis.abs() < 1.0);
        Evaluated {
            held_out: number >= 50,
            number: number % 50,
            offset: Pose2::new(3.0 * (number % 7) as f64 / 6.0, 0.0, -1.0),
            judged: Judged {
                error,
                outcome: Outcome::Placed,
                success,
                seated: true,
                robot_seconds: 31.0,
                peak_force_n: 5.0,
            },
            measured: Some(error),
            spread: (seed % 2 == 1).then_some([1.2 * mm, 0.1, 1.2 * deg]),
        }
    };
    (0..100).map(trial).collect()
}
