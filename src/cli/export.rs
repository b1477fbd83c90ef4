//! `rmrl export`: a run, or all of an experiment, in the words of other programs.

mod checkpoints;
mod csv;
mod events;
mod folder;
mod leftovers;
mod lerobot;
mod parquet;
mod rliable;
mod scalars;
mod sheets;
mod source;
mod swap;
mod tensorboard;

use std::path::PathBuf;

use serde_json::json;

use super::out::say;
use super::weights;
use crate::cli::Failure;
use folder::{Unborn, Written};
use source::Source;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl export runs/narrow --to csv narrow-csv                     trials, labels, checkpoints, batches
  rmrl export runs/narrow/rm-rl/1.sqlite --to parquet one --images
  rmrl export runs/narrow --to tensorboard tb && tensorboard --logdir tb
  rmrl export runs/narrow --to rliable scores                     scores/scores.json: runs x checkpoints
  rmrl export runs/narrow/rm-rl/1.sqlite --weights rm-rl.safetensors   what it has learned, with its card
  rmrl export runs/narrow/rm-rl/1.sqlite --to lerobot plates      with pip install 'rmrl[lerobot]'

docs/data.md describes every file and column. OUT must be new, empty, or an earlier export of the same kind,
which is replaced as a whole once the new one is written.")]
pub struct Args {
    /// A run (its SQLite file, or a folder that holds just one), or the folder of an experiment
    #[arg(value_name = "RUN|DIR")]
    from: PathBuf,
    /// For whom
    #[arg(long, value_name = "FORMAT", required_unless_present = "weights")]
    to: Option<Format>,
    /// Folder to write
    #[arg(required_unless_present = "weights")]
    out: Option<PathBuf>,
    /// What the run has learned, as one file with its card: for `train --init`, `policy` and `eval`
    #[arg(long, value_name = "FILE.safetensors", conflicts_with_all = ["to", "out", "images"])]
    weights: Option<PathBuf>,
    /// The picture of each trial too, rendered again where it is not stored (parquet)
    #[arg(long)]
    images: bool,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Tables as text
    Csv,
    /// Tables as columns, for pandas, Polars, DuckDB and their like
    Parquet,
    /// Event files, one a run
    Tensorboard,
    /// A matrix of scores a method: runs x checkpoints
    Rliable,
    /// LeRobot's data set, trials as episodes of one frame: pip install 'rmrl[lerobot]'
    Lerobot,
}

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Tensorboard => "tensorboard",
            Self::Rliable => "rliable",
            Self::Lerobot => "lerobot",
        }
    }
}

pub fn run(args: Args) -> Result<(), Failure> {
    let Args { from, to, out, images, json, weights } = args;
    if let Some(file) = weights {
        let valid = "must end with .safetensors";
        return match weights::is_weights(&file) {
            true => weights::export(&from, &file, json),
            false => Err(Failure::Input(format!("--weights {}: {valid}", file.display()))),
        };
    }
    let (Some(to), Some(out)) = (to, out) else { unreachable!("clap demands both") };
    if images && to != Format::Parquet {
        let valid = "goes with --to parquet: no other format has room for pictures";
        return Err(Failure::Input(format!("--images: {valid}")));
    }
    let sources = Source::all(&from)?;
    let lerobot = if to == Format::Lerobot { Some(lerobot::Writer::start()?) } else { None };
    let mut unborn = Unborn::beside(&out, to.name())?;
    let runs = match (to, lerobot) {
        (_, Some(writer)) => writer.write(&sources, &mut unborn)?,
        (Format::Csv, _) => sheets::write::<csv::Csv>(&sources, &mut unborn, false)?,
        (Format::Parquet, _) => sheets::write::<parquet::Parquet>(&sources, &mut unborn, images)?,
        (Format::Tensorboard, _) => tensorboard::write(&sources, &mut unborn)?,
        (Format::Rliable | Format::Lerobot, _) => rliable::write(&from, &sources, &mut unborn)?,
    };
    let files = unborn.finish()?;
    if json {
        let file = |Written { file, rows }: &Written| json!({ "file": file, "rows": rows });
        let files: Vec<_> = files.iter().map(file).collect();
        return say!("{}", json!({ "to": to.name(), "out": out, "runs": runs, "files": files }));
    }
    let width = files.iter().map(|written| written.file.len()).max().unwrap_or(0);
    for Written { file, rows } in &files {
        say!("{file:width$} {rows:9} rows")?;
    }
    say!("{runs} runs in {}", out.display())
}
