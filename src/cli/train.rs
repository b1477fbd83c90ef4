use std::path::PathBuf;

use super::compare::{SweepArgs, sweep};
use crate::cell::Unwatched;
use crate::cli::Failure;
use crate::cli::backend::BackendArgs;
use crate::config::Experiment;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl train narrow --method rm-rl --seed 1
  rmrl train narrow --method rm-rl --seed 1 --backend real --robot my-arm.toml --dry-run
  rmrl train wide --method ppo --seed 3 --trials 5000 --set ppo.lr=1e-3 --out runs/mine")]
pub struct Args {
    /// Built-in experiment (narrow, wide, randomised, drift, smoke) or a TOML file
    experiment: String,
    /// The method
    #[arg(long, value_name = "M")]
    method: String,
    /// The seed
    #[arg(long, value_name = "S")]
    seed: u64,
    /// Physical trials
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    trials: Option<String>,
    /// Robot: a built-in name or a TOML file [default: the experiment's]
    #[arg(long, value_name = "FILE")]
    robot: Option<String>,
    /// Any key of the experiment, or option of the method; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    #[command(flatten)]
    backend: BackendArgs,
    #[command(flatten)]
    sweep: SweepArgs,
}

pub fn run(args: Args) -> Result<(), Failure> {
    let mut sets = args.sets;
    sets.extend(args.trials.map(|n| format!("trials={n}")));
    sets.extend(args.robot.map(|robot| format!("robot={robot:?}")));
    let (experiment, folder) = plan(&args.experiment, &args.method, args.seed, sets)?;
    sweep(&experiment, &args.sweep, &args.backend, folder, &|_| Box::new(Unwatched))
}

/// The experiment of one method and one seed, and the folder it is kept in unless told otherwise.
pub(super) fn plan(
    experiment: &str,
    method: &str,
    seed: u64,
    mut sets: Vec<String>,
) -> Result<(Experiment, PathBuf), Failure> {
    sets.push(format!("methods=[{method:?}]"));
    sets.push(format!("first_seed={seed}"));
    sets.push("seeds=1".into());
    let experiment = Experiment::open(experiment, &sets)?;
    let name = format!("{}-{method}-{seed}", experiment.name);
    Ok((experiment, PathBuf::from("runs").join(name)))
}
