use std::path::{Path, PathBuf};

use super::out::say;
use crate::cell::Unwatched;
use crate::cli::Failure;
use crate::cli::backend::{BackendArgs, Cells, RealCells, corners};
use crate::cli::interrupt;
use crate::cli::progress::Progress;
use crate::input::ConfigError;
use crate::lab::{
    Change, Event, Experiment, Folder, LabError, MakeWatch, State, Sweep, Wish, read_results,
    run_path,
};
use crate::report::{self, FailedRun, RESAMPLES};

/// Bootstrap resamples of the reports that are written while runs go on.
const RESAMPLES_MEANWHILE: usize = 2_000;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl compare                                 narrow: 8 methods, 20 seeds, 1,000 trials each
  rmrl compare smoke
  rmrl compare wide --methods ppo,rm-rl --seeds 5 --set ppo.lr=1e-3
  rmrl compare my.toml --out runs/mine --resume")]
pub struct Args {
    /// Built-in experiment (narrow, wide, randomised, drift, smoke) or a TOML file
    #[arg(default_value = "narrow")]
    experiment: String,
    /// Only these methods
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    methods: Option<Vec<String>>,
    /// Number of seeds
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seeds: Option<i64>,
    /// Physical trials a run
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    trials: Option<i64>,
    /// Any key of the experiment, or option of a method; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    #[command(flatten)]
    sweep: SweepArgs,
}

/// How a sweep is carried out; nothing here changes its results.
#[derive(Debug, clap::Args)]
pub struct SweepArgs {
    /// Runs at the same time [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub jobs: Option<u64>,
    /// Output folder [default: runs/<experiment>]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on with an unfinished folder
    #[arg(long, conflicts_with = "fresh")]
    pub resume: bool,
    /// Throw away the folder's runs and begin again
    #[arg(long)]
    pub fresh: bool,
}

pub fn run(args: Args) -> Result<(), Failure> {
    let mut changes = set(&args.sets)?;
    changes.extend(args.methods.map(|m| Change::flag_of("--methods", "methods", m)));
    changes.extend(args.seeds.map(|n| Change::flag_of("--seeds", "seeds", n)));
    changes.extend(args.trials.map(|n| Change::flag_of("--trials", "trials", n)));
    let experiment = Experiment::with(&args.experiment, &changes)?;
    let default_out = PathBuf::from("runs").join(&experiment.name);
    let backend = BackendArgs::default();
    sweep(&experiment, &args.sweep, &backend, default_out, &|_| Box::new(Unwatched))
}

/// What `--set` was given.
pub fn set(sets: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Vec<Change>, ConfigError> {
    sets.into_iter().map(|set| Change::set(set.as_ref())).collect()
}

/// Carries out an experiment into its folder and writes the report.
pub fn sweep(
    experiment: &Experiment,
    args: &SweepArgs,
    backend: &BackendArgs,
    default_out: PathBuf,
    watch: &MakeWatch<'_>,
) -> Result<(), Failure> {
    let wish = match (args.resume, args.fresh) {
        (true, _) => Wish::Resume,
        (_, true) => Wish::Fresh,
        _ => Wish::Ask,
    };
    backend.check()?;
    let cells = Cells::new(&experiment.into(), backend.backend)?;
    let mut scenes = vec![&experiment.scene];
    scenes.extend(experiment.demonstrations.iter().map(|d| &d.scene));
    cells.check(&scenes)?;
    if let (true, Cells::Real(cells)) = (backend.dry_run, &cells) {
        return rehearse(experiment, cells);
    }
    let out = args.out.clone().unwrap_or(default_out);
    let (folder, state) = Folder::open(&out, experiment, wish).map_err(LabError::from)?;
    if state == State::Finished {
        eprintln!("{} is complete already; --fresh would begin again", out.display());
        return show(&folder, experiment);
    }
    eprintln!("{}: {}", experiment.name, experiment.summary);
    if experiment.trials < experiment.batch {
        eprintln!(
            "trials = {} is less than a batch of {}: role models are found in whole batches, so that \
             nothing may be learned; a smaller batch (--set batch=N) would change that",
            experiment.trials, experiment.batch
        );
    }
    let asked = args.jobs.map_or_else(cores, |n| n as usize);
    let sweep = Sweep {
        experiment,
        folder: folder.path(),
        // There is one arm.
        jobs: if cells.is_real() { 1 } else { asked },
        cells: &|scene| cells.cell(scene),
        backend: cells.describe(&scenes)?,
        durability: cells.durability(),
        stop: interrupt::flag()?,
        watch,
    };
    let mut unwritten = None;
    let failed = loop {
        let progress = Progress::new(experiment);
        let outcome = sweep.run(&mut |event| {
            if let Event::Seed { results, .. } = &event {
                unwritten = report::write(folder.path(), results, RESAMPLES_MEANWHILE).err();
            }
            progress.show(&event);
        });
        progress.end();
        match outcome {
            Ok(results) => break results.failed,
            Err(LabError::Interrupted) => {
                let out = out.display();
                let what = format!("interrupted; everything so far is in {out}, --resume goes on");
                return Err(Failure::Interrupted(what));
            }
            // From the store, as after a kill: what was cut off is known to be, and the cell looks
            // for the plate first.
            Err(error) if cells.is_real() => {
                backend.pauses.wait(error, &newest_run(folder.path(), experiment))?;
            }
            Err(error) => return Err(error.into()),
        }
    };
    if failed.is_empty() {
        folder.finish().map_err(LabError::from)?;
    }
    if let Some(error) = unwritten {
        eprintln!("a report along the way could not be written: {error}");
    }
    show(&folder, experiment)?;
    told(&failed, &out)
}

/// The end of a sweep: it did not do what was asked if a run failed.
fn told(failed: &[FailedRun], out: &Path) -> Result<(), Failure> {
    if failed.is_empty() {
        return Ok(());
    }
    let all: Vec<String> = failed
        .iter()
        .map(|FailedRun { method, seed, reason }| format!("\n  {method} seed {seed}: {reason}"))
        .collect();
    Err(Failure::Work(anyhow::anyhow!(
        "{} failed; the report leaves out {}, --resume tries again what is in {}:{}",
        match failed.len() {
            1 => "1 run".to_owned(),
            n => format!("{n} runs"),
        },
        if failed.len() == 1 { "its seed" } else { "their seeds" },
        out.display(),
        all.concat()
    )))
}

/// The run that was in the arm's hands: the last one begun.
fn newest_run(folder: &Path, experiment: &Experiment) -> PathBuf {
    let of_seed = |seed| experiment.names().map(move |method| run_path(folder, method, seed));
    let begun = experiment.seeds().flat_map(of_seed).filter(|path| path.is_file());
    begun.last().unwrap_or_else(|| folder.to_owned())
}

/// `--dry-run`: everything that training may ask of the arm, on paper.
fn rehearse(experiment: &Experiment, cells: &RealCells) -> Result<(), Failure> {
    let mut count = 0;
    let trials = corners(experiment, experiment.first_seed).inspect(|_| count += 1);
    let moves = cells.rehearse(trials)?.len();
    say!("{count} trials planned at the corners of the range: {moves} moves, all within the")?;
    say!("envelope and the arm's reach; nothing was moved")?;
    Ok(())
}

fn show(folder: &Folder, experiment: &Experiment) -> Result<(), Failure> {
    let results = read_results(folder.path(), experiment)?;
    report::write(folder.path(), &results, RESAMPLES)?;
    super::out::write(format_args!("{}", report::console_table(&results)))?;
    say!("\nreport: {}", folder.path().join("report.html").display())?;
    Ok(())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}
