//! `rmrl env`: the task for programs in other languages, a JSON line in, a JSON line out.

mod answers;
mod arm;
mod world;
mod worlds;

use std::path::PathBuf;

use super::backend::{Backend, Cells};
use super::cells::{Bench, TwinCells};
use super::{Failure, interrupt, lines, lists};
use crate::lab::{Change, Experiment, UntilRaised};
use crate::task::{Range, RewardSignal};
pub(super) use answers::picture;
use arm::OnArm;
use world::World;
use worlds::Worlds;

#[derive(Debug, clap::Args)]
#[command(after_help = "One JSON object a line, answered by one. Example:
  {\"op\":\"describe\"}
      -> {\"range\":{\"mm\":3,\"deg\":3},\"bins\":7,\"trials\":1000,…}
  {\"op\":\"prepare\"}
      -> {\"trial\":0,\"phase\":\"train\",\"scene\":0,\"image\":base64 of its grey bytes, 64x64 unless task.image says else}
  {\"op\":\"attempt\",\"correction\":[0.5,-1,2]}
      -> {\"outcome\":\"placed\",\"reward\":-0.4,\"success\":false}
\"prepare\" takes \"phase\" (train, in-scene, held-out) and \"index\"; without them it makes the next
training trial; \"offset\":[x_mm,y_mm,yaw_deg] puts the plate there instead of at the trial's scene
instance. A correction beyond the range is refused, and the trial waits for another. \"success\" is
as measured: within 1 mm and 1 deg on every axis. Outside training, \"attempt\" also answers \"score\": the true error and success, as
in the report, for evaluation and not for learning. \"step\" is an attempt whose answer holds, as \"next\", what
preparing the next training trial would have answered. A wrong line is answered {\"error\":…}.
With --envs N a line is one request for all worlds, or an array of N, one a world; its answer is an array
of N (to \"describe\" one object). World i meets the training trials i, i + N, … of the seed, so that all
of them meet what one alone meets:
  [{\"op\":\"step\",\"correction\":[0,0,0]},{\"op\":\"step\",\"correction\":[0.5,-1,2]}]
      -> [{\"outcome\":\"placed\",\"reward\":-0.3,\"success\":true,\"next\":{\"trial\":2,…}},{…}]
With --backend real an arm makes the training trials, one after the other, and each is in --out before
its attempt moves anything. After a stop every line is answered {\"error\":…}, and the exit code is 3; once a person
has cleared it, --resume goes on:
  rmrl env narrow --seed 1 --backend real --robot my-arm.toml")]
pub struct Args {
    #[arg(help = lists::experiments())]
    experiment: String,
    /// Seed: the same trials as in a run of this seed
    #[arg(long, value_name = "S")]
    seed: u64,
    /// How much of the measured placement is told in training
    #[arg(long, default_value = "scalar", value_parser = ["scalar", "unsigned", "signed"])]
    signal: String,
    /// Any key of the experiment; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Worlds in step, each on a thread of its own
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    envs: Option<u64>,
    /// What moves
    #[arg(long, value_enum, default_value_t, conflicts_with = "envs")]
    backend: Backend,
    /// Robot: a built-in name or a TOML file [default: the experiment's]
    #[arg(long, value_name = "FILE")]
    robot: Option<String>,
    /// Where the trials of an arm are kept [default: runs/<experiment>-env-<seed>.sqlite]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Go on with the trials of that file
    #[arg(long)]
    resume: bool,
}

pub fn run(args: Args) -> Result<(), Failure> {
    let mut changes = super::compare::set(&args.sets)?;
    changes.extend(args.robot.clone().map(|robot| Change::flag_of("--robot", "robot", robot)));
    let experiment = Experiment::with(&args.experiment, &changes)?;
    let signal = match args.signal.as_str() {
        "signed" => RewardSignal::Signed,
        "unsigned" => RewardSignal::Unsigned,
        _ => RewardSignal::Scalar,
    };
    if args.backend == Backend::Real {
        return on_the_arm(experiment, signal, args);
    }
    if args.out.is_some() || args.resume {
        return Err(Failure::Input("--out and --resume: go with --backend real".to_owned()));
    }
    if args.backend == Backend::Twin {
        let cells = TwinCells::new(&Bench::from(&experiment))?;
        let cell = cells.cell(&experiment.scene)?;
        let mut world = World::around(cell, experiment, args.seed, signal, [0, 1]);
        return lines::serve(|line| world.hear(line));
    }
    if let Some(number) = args.envs {
        let mut worlds = Worlds::new(&experiment, args.seed, signal, number)?;
        return lines::serve(|line| worlds.answer(line));
    }
    let mut world = World::new(experiment, args.seed, signal, [0, 1])?;
    lines::serve(|line| world.hear(line))
}

fn on_the_arm(experiment: Experiment, signal: RewardSignal, args: Args) -> Result<(), Failure> {
    let cells = Cells::new(&Bench::from(&experiment), Backend::Real)?;
    if let Cells::Real(cells) = &cells {
        let Range { mm, deg } = experiment.task.range;
        cells.demand_allowed("task.range", crate::task::Pose2::new(mm, mm, deg))?;
    }
    let name = format!("runs/{}-env-{}.sqlite", experiment.name, args.seed);
    let file = args.out.unwrap_or_else(|| PathBuf::from(name));
    let watch = Box::new(UntilRaised(interrupt::flag()?));
    let task = (experiment, args.seed, signal);
    let mut arm = OnArm::new(task, &cells, (&file, args.resume), watch)?;
    lines::serve(|line| arm.hear(line))?;
    arm.end()
}
