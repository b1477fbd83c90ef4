//! `rmrl gap`: how far a bench is from the simulation, in trials that begin alike and are corrected alike in both.

mod table;

use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use rand::RngExt;

use self::table::Found;
use super::backend::{Backend, BackendArgs, Cells};
use super::cells::{Bench, SimCells};
use super::out::say;
use super::progress::style;
use super::requested;
use crate::cell::{Observation, Workcell};
use crate::cli::{Failure, interrupt, lists, network};
use crate::lab::{Change, Experiment, LabError, Occasion, Trials, UntilRaised};
use crate::learn::{self, Method, Mode};
use crate::store::{Stored, TrialRow, TrialStore};
use crate::task::{Correction, Outcome, Phase, Pose2, Stream, TrialKey};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl gap --robot my-arm.toml --backend real      40 pairs on the arm, about a quarter of an hour
  rmrl gap --robot twin-medium --backend twin      what a twin hides, in seconds
  rmrl gap --robot my-arm.toml --backend real --resume --json   goes on with a file that was begun

Each trial is made on the bench and, without noise, in the simulation: the same scene instance, the same
correction. Told are the bias of the placement and its limits of agreement (95 of 100 differences lie between
them), axis by axis; where the pick place seems to stand, against where it was taught; how often both came out
alike; and what differs most. Trials on the bench are kept in a file, each before the next motion.")]
pub struct Args {
    #[arg(default_value = "transfer", help = lists::experiments())]
    experiment: String,
    /// Robot: a built-in name or a TOML file
    #[arg(long, value_name = "FILE")]
    robot: String,
    /// Pairs of trials
    #[arg(long, value_name = "N", default_value_t = 40)]
    #[arg(value_parser = clap::value_parser!(u64).range(2..=10_000))]
    trials: u64,
    /// Seed of scene instances and corrections
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// File for the bench's trials [default: runs/gap-<robot>-<seed>.sqlite]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Go on with a file that was begun
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    backend: BackendArgs,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// By how much a correction misses the plate at most, mm and deg: so that a bench that exaggerates is found out.
const MISS: f64 = 1.0;

/// A trial on the bench and the same in the simulation.
struct Pair {
    correction: Correction,
    bench: (Observation, Stored),
    simulated: (Observation, Stored),
}

pub fn run(args: Args) -> Result<(), Failure> {
    args.backend.check()?;
    if args.backend.backend == Backend::Sim {
        let valid = "must be said, real or twin: the simulation is what they are compared with";
        return Err(Failure::Input(format!("--backend: {valid}")));
    }
    let changes = [Change::flag_of("--robot", "robot", args.robot.clone())];
    let experiment = Experiment::with(&args.experiment, &changes)?;
    let mut bench = Bench::from(&experiment);
    (bench.task.dirt, bench.task.drift) = Default::default();
    let cells = Cells::new(&bench, args.backend.backend)?;
    let trials = Trials::new(&bench.task, args.seed);
    if let Cells::Real(arm) = &cells {
        let most = Pose2::new(bench.task.range.mm, bench.task.range.mm, bench.task.range.deg);
        arm.demand_allowed("task.range", most.plus(Pose2::new(MISS, MISS, MISS)))?;
        if args.backend.dry_run {
            let moves = arm.rehearse((0..args.trials).map(|index| asked(&trials, index)))?.len();
            return say!("{moves} moves planned and checked; nothing was moved");
        }
    }
    let ideal = Bench { task: bench.task.clone().without_noise(), ..bench.clone() };
    let mut simulated = SimCells::new(&ideal)?.cell(&experiment.scene)?;
    let store = bench_trials(&args, &experiment, &cells, &trials)?;
    let mut pairs = Vec::new();
    for row in store.trials(Phase::Train, 0)? {
        pairs.extend(paired(&trials, row, simulated.as_mut())?);
    }
    let found = Found::of(&pairs);
    match args.json {
        true => say!("{}", found.json(&args.robot, args.seed)),
        false => say!("{}", found.text()),
    }
}

/// The bench's trials: those that are in the file, and what is still lacking.
fn bench_trials(
    args: &Args,
    experiment: &Experiment,
    cells: &Cells,
    trials: &Trials,
) -> Result<TrialStore, Failure> {
    let info = requested::info(experiment, args.seed, cells)?;
    let stem = Path::new(&args.robot).file_stem().unwrap_or_default().to_string_lossy();
    let default = PathBuf::from(format!("runs/gap-{stem}-{}.sqlite", args.seed));
    let file = args.out.as_ref().unwrap_or(&default);
    if let (true, Some(network)) = (cells.is_real(), network::file_system(file)) {
        let valid = "where SQLite's journal does not work";
        return Err(Failure::Input(format!(
            "--out {}: lies on {network}, {valid}",
            file.display()
        )));
    }
    let there = match file.exists() {
        true => Some(requested::opened(file, args.resume, &info)?),
        false => None,
    };
    // A simulated trial that was cut off is made again; on an arm it happened.
    let counted = |store: &TrialStore| match cells.is_real() {
        true => requested::settle(store, trials).map_err(LabError::from),
        false => Ok(store.done(0)?.iter().map(|(_, made, _)| made).sum()),
    };
    let mut made = there.as_ref().map_or(Ok(0), counted)?;
    if let Some(store) = there.filter(|_| made >= args.trials) {
        // Nothing need move.
        return Ok(store);
    }
    let mut watch = UntilRaised(interrupt::flag()?);
    let connect = |watch: &mut UntilRaised<'_>| -> Result<Box<dyn Workcell>, Failure> {
        let scene = &experiment.scene;
        let none =
            || Failure::Input(format!("scene {scene:?}: does not stand on the robot's table"));
        let mut cell = cells.cell(scene)?.ok_or_else(none)?;
        if cells.is_real() {
            cell.recover(watch)?;
        }
        Ok(cell)
    };
    // An arm that does not answer leaves no file.
    let mut cell = connect(&mut watch)?;
    let mut store = match file.exists() {
        true => requested::opened(file, true, &info)?,
        false => TrialStore::create(file, &info, cells.durability())?,
    };
    let bar = ProgressBar::new(args.trials)
        .with_style(style("{bar:30.cyan/blue} pair {pos} of {len}, {eta} left"));
    while made < args.trials {
        bar.set_position(made);
        let method = learn::fixed(asked(trials, made).1);
        let who = (&method as &dyn Method, Mode::Explore);
        let tried = trials.make(occasion(made), who, cell.as_mut(), &mut watch, &mut store);
        if let Err(error) = tried {
            // Two sessions cannot have one arm.
            drop(cell);
            let file_name = file.display();
            bar.suspend(|| match error {
                LabError::Interrupted => {
                    let what =
                        format!("interrupted; {made} pairs are in {file_name}, --resume goes on");
                    Err(Failure::Interrupted(what))
                }
                error if cells.is_real() => args.backend.pauses.wait(error, file),
                error => Err(error.into()),
            })?;
            cell = connect(&mut watch)?;
        }
        made = counted(&store)?;
    }
    bar.finish_and_clear();
    Ok(store)
}

/// Which trial of the seed a pair is.
fn occasion(index: u64) -> Occasion {
    let key = TrialKey { phase: Phase::Train, index };
    Occasion { key, checkpoint: 0, made: index, scene: None }
}

/// Where its plate lies, and how it is corrected.
fn asked(trials: &Trials, index: u64) -> (Pose2, Correction) {
    let occasion = occasion(index);
    let mut draw = trials.streams().draw(Stream::Explore, occasion.key);
    let miss = Pose2::from_axes([(); 3].map(|()| draw.random_range(-MISS..=MISS)));
    let offset = trials.setup(occasion).offset;
    (offset, offset.plus(miss))
}

/// The same trial in the simulation; `None` of one that was cut off.
fn paired(
    trials: &Trials,
    row: TrialRow,
    cell: &mut dyn Workcell,
) -> Result<Option<Pair>, Failure> {
    let TrialRow { intent, result } = row;
    let result = result.filter(|result| result.outcome != Outcome::Interrupted);
    let (Some(result), Some(image)) = (result, intent.image.clone()) else { return Ok(None) };
    let setup = trials.began(&intent, intent.key.index);
    let mut watch = crate::cell::Unwatched;
    let seen = cell.prepare(&setup, &mut watch)?;
    let attempt = cell.attempt(intent.decision.correction, &mut watch)?;
    Ok(Some(Pair {
        correction: intent.decision.correction,
        bench: (Observation { image, pose: intent.seen }, result),
        simulated: (seen, trials.result(&attempt)),
    }))
}
