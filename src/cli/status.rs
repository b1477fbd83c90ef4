mod comparison;
mod files;

use std::path::{Path, PathBuf};

use serde_json::json;

use super::out::say;
use super::runs::find_run;
use crate::cli::Failure;
use crate::lab::{Experiment, Folder, HARDWARE, Schedule};
use crate::learn::Recipe;
use crate::store::TrialStore;
use comparison::Comparison;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl status runs/narrow                        a whole comparison, also while it runs
  rmrl status runs/narrow-rm-rl-1
  rmrl status runs/narrow/rm-rl/1.sqlite --json

Of a comparison: runs that are complete, running (changed within two minutes), stopped (begun, and
nobody works on them), failed and to come, and trials made of those planned. Robot time left is the
mean of the trials so far times those to come. Time left by the clock is estimated from when the run
files were made and changed, over the last ten minutes; of runs in a scratch folder the trials show once
they are moved. Nothing is written, and nobody is waited for.")]
pub struct Args {
    /// A run (its SQLite file, or a folder that holds just one), or the folder of a comparison
    run: PathBuf,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<(), Failure> {
    if let Some(experiment) = whole(&args.run) {
        let comparison = Comparison::read(&args.run, &experiment);
        return match args.json {
            true => say!("{}", comparison.json()),
            false => comparison.say(),
        };
    }
    let path = find_run(&args.run)?;
    let store = TrialStore::read(&path)?;
    let info = store.info()?;
    let file = path.display().to_string();
    let experiment = Experiment::stored(&file, &info)?;
    let backend = &info.provenance.backend;
    // What a program asks for, nobody has planned.
    let schedule = match experiment.is_requested() {
        true => None,
        false => Some(schedule(&experiment, experiment.method(&file, &info.method)?, backend)),
    };
    let phases = store.done(schedule.as_ref().map_or(0, Schedule::trials))?;
    let (made, seconds) =
        phases.iter().fold((0, 0.0), |(n, s), (_, count, time)| (n + count, s + time));
    let planned = schedule.as_ref().map(Schedule::all_trials);
    let complete = store.is_complete()?;
    let failed = store.failed()?;
    let left = planned.map(|all| if complete { 0 } else { all.saturating_sub(made) });
    let seconds_left = left.filter(|_| made > 0).map(|left| seconds / made as f64 * left as f64);
    let (last, pauses) = (store.last_outcome()?, store.pauses()?);
    if args.json {
        let phases: serde_json::Map<_, _> = phases
            .into_iter()
            .map(|(phase, trials, s)| (phase, json!({ "trials": trials, "robot_time_s": s })))
            .collect();
        let pauses: Vec<_> = pauses
            .iter()
            .map(|p| json!({ "unix_s": p.unix_s, "reason": p.reason, "resumed": p.resumed }))
            .collect();
        let mut status = json!({
            "run": path, "method": info.method, "seed": info.seed, "backend": backend,
            "complete": complete, "trials": made, "of": planned, "phases": phases,
            "last_outcome": last, "robot_time_s": seconds,
            "robot_time_left_s": seconds_left,
            "pauses": pauses,
        });
        if let Some(reason) = failed {
            status["failed"] = reason.into();
        }
        say!("{status}")?;
        return Ok(());
    }
    say!("{} seed {} on {}", info.method, info.seed, backend)?;
    let state = if complete { "complete" } else { "not complete" };
    match planned {
        Some(planned) => say!("trials       {made} of {planned}, {state}")?,
        None => say!("trials       {made}, asked for by a program (`rmrl env`) or by `rmrl gap`")?,
    }
    if let Some(reason) = failed {
        say!("failed       {reason}; --resume tries again")?;
    }
    for (phase, trials, _) in phases {
        say!("  {phase:10} {trials}")?;
    }
    say!("last outcome {}", last.as_deref().unwrap_or("none"))?;
    say!("robot time   {}", hours(seconds))?;
    say!("time left    {}", seconds_left.map_or_else(|| "unknown".to_owned(), hours))?;
    say!("pauses       {}", pauses.len())?;
    for pause in pauses {
        let end = if pause.resumed { "resumed" } else { "ended there" };
        say!("  {} UTC, {end}: {}", store.utc(pause.unix_s)?, pause.reason)?;
    }
    Ok(())
}

/// The experiment of a folder with several runs.
fn whole(folder: &Path) -> Option<Experiment> {
    let experiment = Folder::experiment(folder).ok()?;
    (experiment.methods.len() as u64 * experiment.seeds > 1).then_some(experiment)
}

/// What a run on this backend makes.
pub(super) fn schedule(experiment: &Experiment, recipe: &Recipe, backend: &str) -> Schedule {
    let mut schedule = Schedule::new(experiment, recipe.card());
    if backend == HARDWARE {
        // Other scenes do not stand on a real table.
        for (which, shown) in experiment.demonstrations.iter().enumerate() {
            if shown.scene != experiment.scene {
                schedule.leave_out(which);
            }
        }
    }
    schedule
}

fn hours(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    format!("{} h {:02} min", minutes / 60, minutes % 60)
}
