use std::path::PathBuf;

use super::compare::{SweepArgs, sweep};
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
    sets.push(format!("methods=[{:?}]", args.method));
    sets.push(format!("first_seed={}", args.seed));
    sets.push("seeds=1".into());
    sets.extend(args.trials.map(|n| format!("trials={n}")));
    sets.extend(args.robot.map(|robot| format!("robot={robot:?}")));
    let experiment = Experiment::open(&args.experiment, &sets)?;
    let name = format!("{}-{}-{}", experiment.name, args.method, args.seed);
    sweep(&experiment, &args.sweep, &args.backend, PathBuf::from("runs").join(name))
}
