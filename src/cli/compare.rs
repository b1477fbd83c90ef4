use std::path::{Path, PathBuf};

use super::out::say;
use crate::cell::Unwatched;
use crate::cli::Failure;
use crate::cli::backend::{Backend, BackendArgs, Cells, RealCells, corners};
use crate::cli::lists;
use crate::cli::progress::Progress;
use crate::cli::status::schedule;
use crate::cli::{interrupt, network, session, start};
use crate::input::ConfigError;
use crate::lab::{
    Change, Event, Experiment, Folder, HARDWARE, LabError, MakeStart, MakeWatch, Part, State,
    Sweep, Wish, clear_scratch, missing, read_results, run_path,
};
use crate::learn::Recipe;
use crate::report::{self, ExperimentResult, FailedRun, RESAMPLES};
use crate::store::TrialStore;
use crate::task::streams::fnv1a;

/// Trials that are planned to tell how long one takes.
const TRIALS_PLANNED: usize = 8;

/// Bootstrap resamples of the reports that are written while runs go on.
const RESAMPLES_MEANWHILE: usize = 2_000;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl compare                                 narrow: 8 methods, 20 seeds, 1,000 trials each
  rmrl compare smoke
  rmrl compare wide --methods ppo,rm-rl --seeds 5 --set ppo.lr=1e-3
  rmrl compare my.toml --out runs/mine --resume
  rmrl compare narrow --seeds 30 --resume      ten seeds more in a finished folder
  rmrl compare narrow --shard 0/4 --scratch    a quarter of it, on a cluster: see docs/cluster.md
  rmrl compare my.toml --methods ppo,rm-rl --backend real --set robot=my-arm.toml")]
pub struct Args {
    #[command(flatten)]
    plan: PlanArgs,
    /// Make only the i-th of N parts, from 0 on, beside other processes in the same folder
    #[arg(long, value_name = "i/N", value_parser = Part::shard, conflicts_with = "only")]
    shard: Option<Part>,
    /// Make only this run, beside other processes in the same folder; may be repeated
    #[arg(long, value_name = "METHOD/SEED")]
    only: Vec<String>,
    #[command(flatten)]
    sweep: SweepArgs,
    #[command(flatten)]
    backend: BackendArgs,
}

/// Which experiment, and what of it is changed.
#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    #[arg(default_value = "narrow", help = lists::experiments())]
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
    /// Go on with an unfinished folder, beside other processes too; let a finished one grow by
    /// seeds, methods or trials
    #[arg(long, conflicts_with = "fresh")]
    pub resume: bool,
    /// Throw away the folder's runs and begin again
    #[arg(long)]
    pub fresh: bool,
    /// Make runs here and move them to the output folder when they are whole: for an output folder
    /// on a network disk [default without DIR: the system's folder for temporary files]
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "")]
    pub scratch: Option<PathBuf>,
}

pub fn run(args: Args) -> Result<(), Failure> {
    let experiment = args.plan.experiment()?;
    let part = match (args.shard, &args.only[..]) {
        (Some(shard), _) => shard,
        (None, []) => Part::All,
        (None, runs) => Part::only(runs).map_err(|why| Failure::Input(format!("--only: {why}")))?,
    };
    part.runs(&experiment).map_err(|why| Failure::Input(format!("--only: {why}")))?;
    let default_out = PathBuf::from("runs").join(&experiment.name);
    let starts = &|recipe: &Recipe, seed| start::of_simulation(&experiment, recipe, seed);
    let how = (&args.sweep, &args.backend, default_out);
    sweep(&experiment, &part, how, starts, &|_| Box::new(Unwatched))
}

impl PlanArgs {
    pub fn experiment(&self) -> Result<Experiment, Failure> {
        let mut changes = set(&self.sets)?;
        let methods = self.methods.clone();
        changes.extend(methods.map(|m| Change::flag_of("--methods", "methods", m)));
        changes.extend(self.seeds.map(|n| Change::flag_of("--seeds", "seeds", n)));
        changes.extend(self.trials.map(|n| Change::flag_of("--trials", "trials", n)));
        Ok(Experiment::with(&self.experiment, &changes)?)
    }
}

/// What `--set` was given.
pub fn set(sets: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Vec<Change>, ConfigError> {
    sets.into_iter().map(|set| Change::set(set.as_ref())).collect()
}

/// Carries out an experiment, or a part of it, into its folder and writes the report.
pub fn sweep(
    experiment: &Experiment,
    part: &Part,
    (args, backend, default_out): (&SweepArgs, &BackendArgs, PathBuf),
    starts: &MakeStart<'_>,
    watch: &MakeWatch<'_>,
) -> Result<(), Failure> {
    // Who makes a part expects others to have begun.
    let wish = match (args.resume || *part != Part::All, args.fresh) {
        (_, true) if *part != Part::All => {
            let why = "--fresh: does not go with a part: others may be at work in the folder";
            return Err(Failure::Input(why.to_owned()));
        }
        (_, true) => Wish::Fresh,
        (true, _) => Wish::Resume,
        _ => Wish::Ask,
    };
    backend.check()?;
    check_start(experiment, backend)?;
    let cells = Cells::new(&experiment.into(), backend.backend)?;
    let mut scenes = vec![&experiment.scene];
    scenes.extend(experiment.demonstrations.iter().map(|d| &d.scene));
    cells.check(&scenes)?;
    cells.check_methods(experiment)?;
    if let (true, Cells::Real(cells)) = (backend.dry_run, &cells) {
        return rehearse(experiment, cells);
    }
    if cells.is_real() && args.scratch.is_some() {
        let why = "--scratch: does not go with --backend real: a trial must be where it stays \
                   before the next motion";
        return Err(Failure::Input(why.to_owned()));
    }
    let out = args.out.clone().unwrap_or(default_out);
    if let (true, Some(network)) = (cells.is_real(), network::file_system(&out)) {
        let why = format!(
            "--out {}: lies on {network}, where SQLite's journal does not work; a trial on an arm must \
             be on a local disk before the next motion",
            out.display()
        );
        return Err(Failure::Input(why));
    }
    let (folder, state) = Folder::open(&out, experiment, wish).map_err(LabError::from)?;
    match &state {
        State::Finished => {
            eprintln!("{} is complete already; --fresh would begin again", out.display());
            return show(&folder, &read_results(folder.path(), experiment)?);
        }
        State::Grown(what) => eprintln!("{} grows: {what}", out.display()),
        State::New | State::Unfinished => {}
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
    let base = scratch_base(args.scratch.as_deref(), &out);
    let scratch = base.map(|base| scratch(&base, &out));
    if let (Some(scratch), State::New, Part::All) = (&scratch, &state, part) {
        // What was begun there belonged to what was thrown away.
        for (seed, recipe) in Part::All.runs(experiment).unwrap_or_default() {
            clear_scratch(scratch, &recipe.card().name, seed)?;
        }
    }
    let sweep = Sweep {
        experiment,
        folder: folder.path(),
        part,
        scratch: scratch.as_deref(),
        // There is one arm.
        jobs: if cells.is_real() { 1 } else { asked },
        alone: cells.is_real(),
        cells: &|scene| cells.cell(scene),
        starts,
        provenance: cells.provenance(&scenes)?,
        session: session::now(cells.arm()),
        durability: cells.durability(),
        stop: interrupt::flag()?,
        watch,
    };
    if let Cells::Real(arm) = &cells {
        let trials = trials_left(experiment, part, folder.path())?;
        // An arm that does not answer is told of by who wants to move it.
        match hours_a_trial(experiment, arm) {
            Ok(hours) => {
                let hours = trials as f64 * hours;
                eprintln!("{trials} trials on the arm: at least {hours:.1} hours of motion");
            }
            Err(_) => eprintln!("{trials} trials on the arm"),
        }
    }
    let mut unwritten = None;
    let mut at_work = None;
    let results = loop {
        let progress = Progress::new(experiment, part, &sweep.provenance.backend);
        let mut seeds = 0;
        let outcome = sweep.run(&mut |event| {
            if let Event::Started { method, seed } = &event {
                let run = run_path(folder.path(), method, *seed);
                // Only an arm's trials are shown one by one.
                if cells.is_real() {
                    progress.goes_on_after(made(&run, experiment.trials));
                }
                at_work = Some(run);
            }
            if let Event::Seed { results, .. } = &event {
                seeds += 1;
                // The last one is followed by the report that is kept.
                if *part != Part::All || seeds == experiment.seeds {
                    return progress.show(&event);
                }
                unwritten = report::write(folder.path(), results, RESAMPLES_MEANWHILE).err();
            }
            progress.show(&event);
        });
        progress.end();
        match outcome {
            Ok(results) => break results,
            Err(LabError::Interrupted) => {
                let out = out.display();
                let what = format!("interrupted; everything so far is in {out}, --resume goes on");
                return Err(Failure::Interrupted(what));
            }
            // From the store, as after a kill: what was cut off is known to be, and the cell looks
            // for the plate first.
            Err(error) if cells.is_real() => {
                let run = at_work.as_deref().unwrap_or(folder.path());
                backend.pauses.wait(error, run)?;
            }
            Err(error) => return Err(error.into()),
        }
    };
    if let Some(scratch) = &scratch {
        // Only if nothing of somebody else's is there.
        tidy(scratch, experiment);
    }
    if let Some(error) = unwritten {
        eprintln!("a report along the way could not be written: {error}");
    }
    // A whole sweep knows of every run; a part asks the folder.
    let lacks = match part {
        Part::All => results.failed.len(),
        _ => missing(folder.path(), experiment)?.len(),
    };
    if lacks == 0 {
        folder.finish().map_err(LabError::from)?;
    }
    match part {
        Part::All => show(&folder, &results)?,
        _ if lacks == 0 => show(&folder, &read_results(folder.path(), experiment)?)?,
        _ => {
            let all = experiment.seeds as usize * experiment.methods.len();
            let made = all - lacks;
            let out = out.display();
            say!("this part is done; {out} has {made} of {all} runs: rmrl report {out} merges")?;
        }
    }
    told(&results.failed, &out)
}

/// What begins in the simulation goes on elsewhere.
fn check_start(experiment: &Experiment, backend: &BackendArgs) -> Result<(), Failure> {
    let begins = experiment.names().find(|method| experiment.start(method).is_some());
    match begins.filter(|_| backend.backend == Backend::Sim) {
        None => Ok(()),
        Some(method) => Err(Failure::Input(format!(
            "--backend sim: {method} begins in the simulation and goes on elsewhere: say --backend twin or \
             --backend real, or name methods without a start (--methods)"
        ))),
    }
}

/// Trials with a result in a run's file; none where it has not begun.
fn made(run: &Path, trials: u64) -> u64 {
    let done = TrialStore::read(run).and_then(|store| store.done(trials));
    done.map_or(0, |phases| phases.iter().map(|(_, count, _)| count).sum())
}

/// Where folders of scratch are: as given, or because `out` lies where no journal works.
pub(super) fn scratch_base(given: Option<&Path>, out: &Path) -> Option<PathBuf> {
    if given.is_some() {
        return given.map(Path::to_owned);
    }
    let network = network::file_system(out)?;
    let base = std::env::temp_dir();
    eprintln!(
        "{} lies on {network}, where SQLite's journal does not work: runs are made in {} and moved \
         when they are whole (--scratch DIR for another place)",
        out.display(),
        base.display()
    );
    Some(base)
}

/// Where a folder's runs are made.
pub fn scratch(dir: &Path, out: &Path) -> PathBuf {
    let out = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
    let own = format!("rmrl-{:016x}", fnv1a(out.display().to_string()));
    let dir = if dir.as_os_str().is_empty() { std::env::temp_dir() } else { dir.to_owned() };
    dir.join(own)
}

/// Removes folders that are empty now.
pub fn tidy(scratch: &Path, experiment: &Experiment) {
    let of_methods = experiment.names().map(|method| scratch.join(method));
    for folder in of_methods.chain([scratch.to_owned()]) {
        // One that is not empty stays.
        drop(std::fs::remove_dir(folder));
    }
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

/// Trials of the runs that are not complete yet.
fn trials_left(experiment: &Experiment, part: &Part, folder: &Path) -> Result<u64, LabError> {
    let missing = missing(folder, experiment)?;
    let is_missing = |(seed, recipe): &(u64, &Recipe)| {
        missing.iter().any(|(method, of)| of == seed && *method == recipe.card().name)
    };
    let runs = part.runs(experiment).unwrap_or_default();
    let left = runs.iter().filter(|run| is_missing(run));
    Ok(left.map(|(_, recipe)| schedule(experiment, recipe, HARDWARE).all_trials()).sum())
}

/// Hours of motion that a trial takes as it is planned: without grips, looks and settling.
fn hours_a_trial(experiment: &Experiment, arm: &RealCells) -> Result<f64, Failure> {
    let sample = corners(experiment, experiment.first_seed).take(TRIALS_PLANNED);
    let count = TRIALS_PLANNED.min(experiment.task.scene_instances);
    let moves = arm.rehearse(sample)?;
    let seconds: f64 = moves.iter().map(|planned| planned.way / planned.speed).sum();
    Ok(seconds / count as f64 / 3600.0)
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

fn show(folder: &Folder, results: &ExperimentResult) -> Result<(), Failure> {
    let written = report::write(folder.path(), results, RESAMPLES)?;
    super::out::write(format_args!("{}", report::console_table(results, &written.summary)))?;
    say!("\nreport: {}", folder.path().join("report.html").display())?;
    Ok(())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}
