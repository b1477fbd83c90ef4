use std::path::PathBuf;

use super::compare::{SweepArgs, set, sweep};
use crate::cell::Unwatched;
use crate::cli::Failure;
use crate::cli::backend::BackendArgs;
use crate::cli::lists;
use crate::cli::start::{self, StartArgs};
use crate::lab::{Change, Experiment, Part, method_name};
use crate::learn::{self, Recipe, Recommended};
use crate::store::Start;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl train narrow --method rm-rl --seed 1
  rmrl train narrow --method rm-rl --seed 1 --backend real --robot my-arm.toml --dry-run
  rmrl train narrow --method rm-rl --seed 1 --init runs/sim --backend real --robot my-arm.toml --out runs/tuned
  rmrl train narrow --method rm-rl --seed 1 --prior runs/sim --backend real --robot my-arm.toml --out runs/both
  rmrl train wide --method ppo --seed 3 --trials 5000 --set ppo.lr=1e-3 --out runs/mine")]
pub struct Args {
    #[arg(help = lists::experiments())]
    experiment: String,
    /// The method; left out, the best ones for this experiment are named
    #[arg(long, value_name = "M")]
    method: Option<String>,
    /// The seed
    #[arg(long, value_name = "S")]
    seed: u64,
    /// Physical trials
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    trials: Option<i64>,
    /// Robot: a built-in name or a TOML file [default: the experiment's]
    #[arg(long, value_name = "FILE")]
    robot: Option<String>,
    /// Any key of the experiment, or option of the method; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    #[command(flatten)]
    start: StartArgs,
    #[command(flatten)]
    backend: BackendArgs,
    #[command(flatten)]
    sweep: SweepArgs,
}

pub fn run(args: Args) -> Result<(), Failure> {
    let mut changes = set(&args.sets)?;
    changes.extend(args.trials.map(|n| Change::flag_of("--trials", "trials", n)));
    changes.extend(args.robot.map(|robot| Change::flag_of("--robot", "robot", robot)));
    let Some(method) = &args.method else {
        return Err(recommended(&Experiment::with(&args.experiment, &changes)?));
    };
    let (experiment, folder) = plan(&args.experiment, method, args.seed, changes.clone())?;
    let out = args.sweep.out.as_ref().unwrap_or(&folder);
    let before = start::given_before(out, method, args.seed).filter(|_| args.sweep.resume);
    if args.start.is_empty() && before.is_none() {
        let starts = &|recipe: &Recipe, seed| start::of_simulation(&experiment, recipe, seed);
        let how = (&args.sweep, &args.backend, folder);
        return sweep(&experiment, &Part::All, how, starts, &|_| Box::new(Unwatched));
    }
    let (begins, given) = match before {
        Some(given) => (Start::default(), given),
        None => args.start.read(&experiment, args.seed)?,
    };
    let given = toml::Value::try_from(given).map_err(anyhow::Error::from)?;
    changes.push(Change::flag_of(args.start.flag(), "given", given));
    let (experiment, folder) = plan(&args.experiment, method, args.seed, changes)?;
    let how = (&args.sweep, &args.backend, folder);
    sweep(&experiment, &Part::All, how, &|_, _| Ok(begins.clone()), &|_| Box::new(Unwatched))
}

/// What to say to somebody who has not chosen a method.
fn recommended(experiment: &Experiment) -> Failure {
    let Experiment { name, trials, task, .. } = experiment;
    let Recommended { best, role_model } = learn::recommended(task.reward, *trials);
    let also =
        if best == role_model { String::new() } else { format!(", of role models {role_model}") };
    Failure::Input(format!(
        "--method: must be said; for {trials} trials of {name} {best} placed best in our studies{also} \
         (`rmrl methods` lists all)"
    ))
}

/// The experiment of one method and one seed, and the folder it is kept in unless told otherwise.
pub(super) fn plan(
    experiment: &str,
    method: &str,
    seed: u64,
    mut changes: Vec<Change>,
) -> Result<(Experiment, PathBuf), Failure> {
    changes.push(Change::flag_of("--method", "methods", vec![method]));
    // A larger one is refused as such.
    let first = i64::try_from(seed).unwrap_or(i64::MAX);
    changes.push(Change::flag_of("--seed", "first_seed", first));
    changes.push(Change::flag_of("--seed", "seeds", 1));
    let experiment = Experiment::with(experiment, &changes)?;
    let name = format!("{}-{}-{seed}", experiment.name, method_name(method));
    Ok((experiment, PathBuf::from("runs").join(name)))
}
