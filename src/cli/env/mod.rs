//! `rmrl env`: the task for programs in other languages, a JSON line in, a JSON line out.

mod world;
mod worlds;

use serde_json::{Value, json};

use super::{Failure, lines, lists};
use crate::lab::Experiment;
use crate::task::{Image, RewardSignal};
use world::World;
use worlds::Worlds;

#[derive(Debug, clap::Args)]
#[command(after_help = "One JSON object a line, answered by one. Example:
  {\"op\":\"describe\"}
      -> {\"range\":{\"mm\":3,\"deg\":3},\"bins\":7,\"trials\":1000,…}
  {\"op\":\"prepare\"}
      -> {\"trial\":0,\"phase\":\"train\",\"scene\":0,\"image\":base64 of 64x64 grey bytes}
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
      -> [{\"outcome\":\"placed\",\"reward\":-0.3,\"success\":true,\"next\":{\"trial\":2,…}},{…}]")]
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
}

pub fn run(args: Args) -> Result<(), Failure> {
    let experiment = Experiment::open(&args.experiment, &args.sets)?;
    let signal = match args.signal.as_str() {
        "signed" => RewardSignal::Signed,
        "unsigned" => RewardSignal::Unsigned,
        _ => RewardSignal::Scalar,
    };
    if let Some(number) = args.envs {
        let mut worlds = Worlds::new(&experiment, args.seed, signal, number)?;
        return lines::serve(|line| worlds.answer(line));
    }
    let mut world = World::new(experiment, args.seed, signal, [0, 1])?;
    lines::serve(|line| world.hear(line))
}

/// How pictures are sent, for programs that ask.
pub(super) fn picture() -> Value {
    let side = Image::SIDE;
    let mm_per_pixel = Image::FIELD_MM / side as f64;
    json!({ "width": side, "height": side, "mm_per_pixel": mm_per_pixel, "type": "uint8" })
}
