mod compare;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::backend::{Backend, BackendArgs, Cells, corners};
use super::cells::Bench;
use super::interrupt;
use super::out::say;
use super::pause::PauseArgs;
use super::policy::{Trained, trained};
use crate::cell::{CellError, Workcell};
use crate::cli::Failure;
use crate::lab::{LabError, Occasion, Schedule, Step, Trial, Trials, UntilRaised, judge};
use crate::learn::{Method, Mode};
use crate::report::{Judged, Kind, Metric, Scores, Shown, shown_in};
use crate::store::Stored;
use crate::task::{Phase, Pose2, TrialKey};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl eval runs/narrow/rm-rl/1.sqlite
  rmrl eval runs/narrow/rm-rl/1.sqlite --scene shelf --trials 50 --json
  rmrl eval --compare runs/narrow/rm-rl/1.sqlite,runs/narrow/ppo/1.sqlite --sequential")]
pub struct Args {
    /// A run: its SQLite file, or a folder that holds just one; or weights that `rmrl export RUN --weights` wrote
    #[arg(required_unless_present = "compare", conflicts_with = "compare")]
    run: Option<PathBuf>,
    /// Which of two runs' policies is better, in pairs of trials that begin alike, held-out, in random order: nobody who
    /// watches is told which one acts
    #[arg(long, value_name = "RUN,RUN", value_delimiter = ',', num_args = 1)]
    compare: Vec<PathBuf>,
    /// Stop as soon as the pairs tell (with --compare): at any time, at most 5 % false alarms
    #[arg(long)]
    sequential: bool,
    /// Scene: a built-in name or a TOML file [default: the one it was trained on]
    #[arg(long)]
    scene: Option<String>,
    /// Greedy trials, in-scene and as many held-out; pairs, at most, with --compare
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=100_000))]
    trials: u64,
    /// Robot: a built-in name or a TOML file [default: the run's]
    #[arg(long, value_name = "FILE")]
    robot: Option<String>,
    #[command(flatten)]
    backend: BackendArgs,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<(), Failure> {
    args.backend.check()?;
    if args.sequential && args.compare.is_empty() {
        return Err(Failure::Input("--sequential: goes with --compare RUN,RUN".to_owned()));
    }
    let Some(run) = &args.run else { return compare::run(&args) };
    let policy = trained(run)?;
    let (scene, cells) = there(&args, &policy)?;
    let info = &policy.info;
    if args.backend.dry_run {
        return on_paper(&policy, &cells);
    }
    let mut rehearsal = Rehearsal::new(&args, &policy, &scene, &cells)?;
    let mut judged = [Phase::InScene, Phase::HeldOut].map(|phase| (phase, Vec::new()));
    for step in Schedule::of_evaluation(args.trials).steps() {
        let Step::Evaluate(key) = step else { continue };
        let trial = rehearsal.judge(key, &policy)?;
        judged
            .iter_mut()
            .filter(|(phase, _)| *phase == key.phase)
            .for_each(|(_, all)| all.push(trial));
    }
    let rows = judged.map(|(phase, all)| (phase, Scores::judge(&all)));
    // A run that was made elsewhere is not judged there unless somebody says so.
    let here = cells.provenance(&[])?.backend;
    let where_else = match info.provenance.backend == here {
        true => String::new(),
        false => format!(", trained on backend {}, judged on {here}", info.provenance.backend),
    };
    let what = format!("{} (seed {}) on {scene}{where_else}", info.method, info.seed);
    show(&what, &rows, args.json)
}

/// The scene that was asked for, or this policy's own, and what stands there.
fn there(args: &Args, policy: &Trained) -> Result<(String, Cells), Failure> {
    let experiment = &policy.experiment;
    let scene = args.scene.clone().unwrap_or_else(|| experiment.scene.clone());
    let robot = args.robot.clone().unwrap_or_else(|| experiment.robot.clone());
    let mut there = Bench { scene: scene.clone(), robot, ..Bench::from(experiment) };
    if args.backend.backend != Backend::Sim {
        // What was simulated stays in the simulation.
        (there.task.dirt, there.task.drift) = Default::default();
    }
    let cells = Cells::new(&there, args.backend.backend)?;
    Ok((scene, cells))
}

/// Plans every motion of an arm, and moves nothing.
fn on_paper(policy: &Trained, cells: &Cells) -> Result<(), Failure> {
    let Cells::Real(cells) = cells else { return Ok(()) };
    let moves = cells.rehearse(corners(&policy.experiment, policy.info.seed))?.len();
    say!("{moves} moves planned and checked; nothing was moved")
}

/// Trials that nothing is learned from.
struct Rehearsal<'a> {
    trials: Trials,
    /// Trials that the run has made: what drifts stays where it then was.
    made: u64,
    scene: &'a str,
    cells: &'a Cells,
    pauses: &'a PauseArgs,
    /// What a pause is told to be of; of two policies the first, so that it does not say which one acted.
    run: &'a Path,
    watch: UntilRaised<'a>,
    /// Gone after a stop, until a person agrees that it goes on.
    cell: Option<Box<dyn Workcell>>,
}

impl<'a> Rehearsal<'a> {
    /// Of the trials that evaluate this policy.
    fn new(
        args: &'a Args,
        policy: &'a Trained,
        scene: &'a str,
        cells: &'a Cells,
    ) -> Result<Self, Failure> {
        Ok(Self {
            trials: Trials::new(&policy.experiment.task, policy.info.seed),
            made: policy.experiment.trials,
            scene,
            cells,
            pauses: &args.backend.pauses,
            run: &policy.path,
            watch: UntilRaised(interrupt::flag()?),
            cell: None,
        })
    }

    fn judge(&mut self, key: TrialKey, policy: &Trained) -> Result<Judged, Failure> {
        let occasion = Occasion { key, checkpoint: self.made, made: self.made, scene: None };
        let stored = match self.trial(occasion, policy.method.as_ref()) {
            Ok(trial) => trial.result,
            Err(error) if self.cells.is_real() => {
                self.cell = None;
                self.pauses.wait(error, self.run)?;
                // What was cut off counts as what it was.
                Stored::interrupted(Pose2::IDENTITY, 0.0)
            }
            Err(error) => return Err(error.into()),
        };
        Ok(judge(self.trials.reward(), &stored))
    }

    fn trial(&mut self, occasion: Occasion, method: &dyn Method) -> Result<Trial, LabError> {
        let cell = match &mut self.cell {
            Some(cell) => cell,
            empty => {
                let none = CellError::Forbidden(format!("{} does not stand there", self.scene));
                let mut cell = self.cells.cell(self.scene)?.ok_or(LabError::Cell(none))?;
                if self.cells.is_real() {
                    cell.recover(&mut self.watch)?;
                }
                empty.insert(cell)
            }
        };
        let who = (method, Mode::Greedy);
        self.trials.make(occasion, who, cell.as_mut(), &mut self.watch, &mut ())
    }
}

fn show(what: &str, rows: &[(Phase, Scores)], as_json: bool) -> Result<(), Failure> {
    let metrics = shown_in(Shown::Eval);
    if as_json {
        let phases: serde_json::Map<_, _> = rows
            .iter()
            .map(|(phase, scores)| (phase.name().to_owned(), as_object(&metrics, scores)))
            .collect();
        return say!("{}", json!({ "run": what, "phases": phases }));
    }
    let width =
        |metric: &Metric| metric.short.len().max(if metric.kind == Kind::Mean { 8 } else { 9 });
    let mut head = " ".repeat(10);
    for metric in &metrics {
        head += &format!(" {:>1$}", metric.short, width(metric));
    }
    say!("{what}\n{head}")?;
    for (phase, scores) in rows {
        let mut line = format!("{:10}", phase.name());
        for metric in &metrics {
            let (k, of) = scores.count(metric);
            let cell = match metric.kind {
                Kind::Mean => format!("{:.*}", metric.decimals, scores.value(metric)),
                Kind::Share { .. } => format!("{k}/{of}"),
            };
            line += &format!(" {cell:>0$}", width(metric));
        }
        say!("{line}")?;
    }
    Ok(())
}

fn as_object(metrics: &[Metric], scores: &Scores) -> Value {
    let of = ("of".to_owned(), json!(scores.of));
    let values = metrics.iter().map(|metric| match metric.kind {
        Kind::Mean => (metric.key.to_owned(), json!(scores.value(metric))),
        Kind::Share { count, .. } => (count.to_owned(), json!(scores.count(metric).0)),
    });
    values.chain([of]).collect()
}
