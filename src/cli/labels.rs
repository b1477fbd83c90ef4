//! `rmrl labels`: who was whose role model in a run, and what if role models had been found otherwise.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::cells::{Bench, SimCells};
use super::out::say;
use super::runs::find_run;
use crate::cell::{Unwatched, Workcell};
use crate::cli::Failure;
use crate::lab::{
    Experiment, Labelling, Occasion, SIMULATION, Schedule, Trials, judge, relabelled, retrained,
};
use crate::learn::role_model::{Grouping, RoleModelOptions};
use crate::learn::{Method, Mode};
use crate::report::{self, LabelSummary, SceneLabels, Scores, Shown, shown_in};
use crate::store::{RunInfo, TrialStore};
use crate::task::{Phase, TrialKey};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl labels runs/narrow/rm-rl/1.sqlite                   who was role model when, and how far off
  rmrl labels runs/narrow/rm-rl/1.sqlite --radius 0.5      as if peers began within 0.5 mm and 0.5 deg
  rmrl labels runs/narrow/rm-rl/1.sqlite --per-axis --retrain --plot labels.svg

--radius and --per-axis relabel the stored trials: none is made. --retrain lets a fresh learner learn from
them with these labels, round by round as the run did, and simulates the run's evaluation trials.")]
pub struct Args {
    /// A run: its SQLite file, or a folder that holds just one
    run: PathBuf,
    /// As if peers were trials that began so near to each other: mm, a degree counting as one; for a method
    /// that compares pictures, its own unit
    #[arg(long, value_name = "R", allow_hyphen_values = true)]
    radius: Option<f64>,
    /// As if each axis were taught by the peer with the smallest error on it
    #[arg(long)]
    per_axis: bool,
    /// Only the first so many trials
    #[arg(long, value_name = "TRIAL", value_parser = clap::value_parser!(u64).range(1..))]
    at: Option<u64>,
    /// Learn from the stored trials afresh, and say how that policy does
    #[arg(long)]
    retrain: bool,
    /// Draw who was role model when, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<(), Failure> {
    if let Some(plot) = args.plot.as_ref().filter(|p| p.extension().is_none_or(|e| e != "svg")) {
        return Err(Failure::Input(format!("--plot: {}: must end in .svg", plot.display())));
    }
    let path = find_run(&args.run)?;
    let file = path.display().to_string();
    let store = TrialStore::read(&path)?;
    let info = store.info()?;
    let experiment = Experiment::stored(&file, &info)?;
    if experiment.is_requested() {
        let why = "nobody was labelled: a program asked for these trials (`rmrl env`), no method made them";
        return Err(Failure::Input(format!("{file}: {why}")));
    }
    let stored = store.labels()?;
    if stored.is_empty() {
        let method = &info.method;
        let why =
            format!("'{method}' has given no labels: only role models and their like give any");
        return Err(Failure::Input(format!("{file}: {why}")));
    }
    let labelling = Labelling::read(&experiment, &info, &store, args.at)?;
    if let Some(at) = args.at.filter(|at| *at > labelling.trials()) {
        let most = labelling.trials();
        return Err(Failure::Input(format!("--at: {at}: the run has {most} trials to learn from")));
    }
    let changed = changed(&args, &file, &experiment, &info)?;
    let as_it_was = labelling.scenes(&stored);
    let then = changed.as_ref().unwrap_or(&experiment);
    let recipe = then.method(&file, &info.method)?;
    let options = RoleModelOptions::of(recipe.settings());
    let by_pose = options.is_some_and(|options| options.grouping == Grouping::PoseRadius);
    if changed.is_some() && by_pose && !labelling.has_poses() {
        let why = "the run has trials before which nobody measured how the plate lay";
        return Err(Failure::Input(format!("--radius: {file}: {why}")));
    }
    // Only what is asked beyond the stored labels needs a cell, and with it the files of robot and scene.
    let mut cell = match changed.is_some() || args.retrain {
        true => Some(SimCells::new(&Bench::from(&experiment))?.cell(&experiment.scene)?),
        false => None,
    };
    let history = match &mut cell {
        Some(cell) => labelling.history(recipe.card(), cell.as_mut())?,
        None => Vec::new(),
    };
    let scenes = match (&changed, options) {
        (Some(_), Some(options)) => {
            labelling.scenes(&relabelled(then, recipe.card(), options, &history))
        }
        _ => as_it_was.clone(),
    };
    let policies = match cell.as_mut().filter(|_| args.retrain) {
        Some(cell) => {
            let (at, was) = evaluated(&experiment, &store, labelling.trials())?;
            let begun = (info.seed, store.initial_weights()?);
            let method = retrained(then, recipe, begun, &history[..at as usize])?;
            let trials = Trials::new(&experiment.task, info.seed);
            let age = Schedule::new(&experiment, recipe.card()).age(at);
            let now = rehearsed(&experiment, &trials, method.as_ref(), (at, age), cell.as_mut())?;
            Some((at, was, now))
        }
        None => None,
    };
    if let Some(plot) = &args.plot {
        let title = format!("{} {}, seed {}: role models", experiment.name, info.method, info.seed);
        let svg = report::plots::role_models(&title, labelling.trials(), &scenes)?;
        report::replace(plot, svg)
            .map_err(|error| Failure::Input(format!("--plot: {}: {error}", plot.display())))?;
    }
    let told = Told {
        what: (&file, &info, &experiment.name),
        trials: labelling.trials(),
        before: changed.is_some().then(|| LabelSummary::of(&as_it_was)),
        scenes: &scenes,
        policies,
    };
    if args.json { say!("{}", told.as_json()) } else { told.print() }
}

/// The experiment with other options of role models; `None` where nothing else was asked for.
fn changed(
    args: &Args,
    file: &str,
    experiment: &Experiment,
    info: &RunInfo,
) -> Result<Option<Experiment>, Failure> {
    let flag = match (args.radius, args.per_axis) {
        (None, false) => return Ok(None),
        (Some(_), _) => "--radius",
        (None, true) => "--per-axis",
    };
    let settings = experiment.method(file, &info.method)?.settings();
    if RoleModelOptions::of(settings).is_none() {
        let why = "its labels do not come from one role model a group: nothing can be regrouped";
        return Err(Failure::Input(format!("{flag}: {file}: '{}': {why}", info.method)));
    }
    if let Some(radius) = args.radius.filter(|radius| !(0.0..=1000.0).contains(radius)) {
        return Err(Failure::Input(format!("--radius: {radius}: must be from 0 to 1000")));
    }
    let mut changes = toml::Table::new();
    if let Some(radius) = args.radius {
        changes.insert("radius".to_owned(), radius.into());
        // A scene's name has no radius; a picture has one of its own.
        if settings.get("grouping").and_then(toml::Value::as_str) == Some("scene-id") {
            changes.insert("grouping".to_owned(), "pose-radius".into());
        }
    }
    if args.per_axis {
        changes.insert("label".to_owned(), "per-axis".into());
    }
    Ok(Some(experiment.with_settings(file, &info.method, changes)?))
}

/// The last checkpoint within so many trials, and how the run's own policy did there.
fn evaluated(
    experiment: &Experiment,
    store: &TrialStore,
    trials: u64,
) -> Result<(u64, [Scores; 2]), Failure> {
    let file = store.path().display();
    if store.info()?.provenance.backend != SIMULATION {
        let why = "a run on an arm, or on its twin: a policy is tried in simulation only";
        return Err(Failure::Input(format!("--retrain: {file}: {why}")));
    }
    let last = store.checkpoints()?.into_iter().rfind(|at| *at <= trials);
    let at = last.ok_or_else(|| Failure::Input(format!("--retrain: {file}: no checkpoint yet")))?;
    let reward = Trials::new(&experiment.task, 0);
    let scores = |phase| -> Result<Scores, Failure> {
        let rows = store.trials(phase, at)?;
        let results = rows.iter().filter_map(|row| row.result.as_ref());
        Ok(Scores::judge(&results.map(|r| judge(reward.reward(), r)).collect::<Vec<_>>()))
    };
    Ok((at, [scores(Phase::InScene)?, scores(Phase::HeldOut)?]))
}

/// How a policy does on the evaluation trials of a checkpoint, with the cell as old as it was then.
fn rehearsed(
    experiment: &Experiment,
    trials: &Trials,
    method: &dyn Method,
    (checkpoint, made): (u64, u64),
    cell: &mut dyn Workcell,
) -> Result<[Scores; 2], Failure> {
    let mut scores = |phase| -> Result<Scores, Failure> {
        let mut judged = Vec::new();
        for index in 0..experiment.evaluation.trials {
            let key = TrialKey { phase, index };
            let occasion = Occasion { key, checkpoint, made, scene: None };
            let who = (method, Mode::Greedy);
            let trial = trials.make(occasion, who, cell, &mut Unwatched, &mut ())?;
            judged.push(judge(trials.reward(), &trial.result));
        }
        Ok(Scores::judge(&judged))
    };
    Ok([scores(Phase::InScene)?, scores(Phase::HeldOut)?])
}

/// What is told of a run.
struct Told<'a> {
    what: (&'a str, &'a RunInfo, &'a str),
    trials: u64,
    /// As the run had it, where it is asked what if.
    before: Option<LabelSummary>,
    scenes: &'a [SceneLabels],
    /// Checkpoint, the run's own policy, the one that was trained again.
    policies: Option<(u64, [Scores; 2], [Scores; 2])>,
}

const PHASES: [Phase; 2] = [Phase::InScene, Phase::HeldOut];

impl Told<'_> {
    fn as_json(&self) -> Value {
        let (file, info, experiment) = self.what;
        let policy = |scores: &[Scores; 2]| {
            let of = |scores: &Scores| {
                let metrics = shown_in(Shown::Tables);
                let values = metrics.iter().map(|m| (m.key.to_owned(), json!(scores.value(m))));
                values.collect::<serde_json::Map<_, _>>()
            };
            PHASES
                .iter()
                .zip(scores)
                .map(|(p, s)| (p.name().to_owned(), Value::from(of(s))))
                .collect::<serde_json::Map<_, _>>()
        };
        json!({
            "run": file,
            "experiment": experiment,
            "method": info.method,
            "seed": info.seed,
            "trials": self.trials,
            "summary": LabelSummary::of(self.scenes),
            "as_it_was": self.before,
            "retrained": self.policies.as_ref().map(|(at, was, now)| json!({
                "checkpoint": at, "run": policy(was), "retrained": policy(now),
            })),
            "scenes": self.scenes,
        })
    }

    fn print(&self) -> Result<(), Failure> {
        let (_, info, experiment) = self.what;
        let title = format!("{experiment} {} seed {}", info.method, info.seed);
        say!("{title}: {} trials; peers, errors and luck as it became role model", self.trials)?;
        say!("scene trials models moved | now by trial  reward  peers      mm     deg   luck")?;
        for scene in self.scenes {
            let Some(last) = scene.reigns.last() else { continue };
            let [mm, deg] = [last.error.map(|e| e.mm), last.error.map(|e| e.deg)].map(two);
            let luck = last.lead.map(|lead| 100.0 * lead.luck / lead.reward);
            let luck = luck.map_or_else(|| "-".to_owned(), |luck| format!("{luck:.0} %"));
            say!(
                "{:5} {:6} {:6} {:5} | {:12} {:7.3} {:6} {mm:>7} {deg:>7} {luck:>6}",
                scene.instance,
                scene.trials,
                scene.reigns.len(),
                scene.changed,
                last.role_model,
                last.reward,
                last.peers
            )?;
        }
        if let Some(before) = &self.before {
            say!("as it was: {}", words(before))?;
        }
        say!("all:       {}", words(&LabelSummary::of(self.scenes)))?;
        let Some((at, was, now)) = &self.policies else { return Ok(()) };
        for (phase, (was, now)) in PHASES.iter().zip(was.iter().zip(now)) {
            let values = |scores: &Scores| {
                let metrics = shown_in(Shown::Tables);
                let one =
                    |m: &report::Metric| format!("{} {:.*}", m.short, m.decimals, scores.value(m));
                metrics.iter().map(one).collect::<Vec<_>>().join(", ")
            };
            let (was, now) = (values(was), values(now));
            say!("{} after {at} trials: run {was}; trained again {now}", phase.name())?;
        }
        Ok(())
    }
}

fn two(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
}

fn words(summary: &LabelSummary) -> String {
    let LabelSummary { scenes, successions, error, luck_share } = summary;
    let error =
        error.map_or_else(String::new, |e| format!(", label {:.2} mm {:.2} deg off", e.mm, e.deg));
    let luck = luck_share
        .map_or_else(String::new, |l| format!(", {:.0} % of the lead is luck", 100.0 * l));
    format!("{scenes} scenes, role model changed {successions} times{error}{luck}")
}
