mod study;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use self::study::{Study, Told};
use super::out::say;
use crate::cli::{Failure, interrupt};
use crate::config::Robot;
use crate::real::{At, Site};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl gauge --robot my-arm.toml                             a minute over the pick place
  rmrl gauge --robot my-arm.toml --camera place --looks 600  ten minutes over the target
  rmrl gauge --robot my-arm.toml --replace 20                then lifted and put back 20 times

Lay the plate where the camera looks, as [eyes] says (under its lid, or bare), and touch nothing.
One table: how well readings repeat, how they drift, how the light drifts, how many looks are
lost, against what the task needs. Nothing moves by itself. Exit code 1 if something is not as
the task needs it.")]
pub struct Args {
    /// Robot file with [eyes], calibrated and taught
    #[arg(long, value_name = "FILE")]
    robot: PathBuf,
    /// The camera; with both, the plate is laid onto the target in between
    #[arg(long, value_name = "PLACE", value_enum, default_value = "pick")]
    camera: Which,
    /// Looks without motion
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(10..=100_000))]
    looks: u64,
    /// Seconds between looks
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    every: f64,
    /// Then looks after the plate was lifted and put back, as often
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(10..=1000))]
    replace: Option<u64>,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Which {
    Pick,
    Place,
    Both,
}

/// Seconds between looks.
const EVERY_S: std::ops::RangeInclusive<f64> = 0.05..=3600.0;

pub fn run(args: &Args) -> Result<(), Failure> {
    let (low, high) = (EVERY_S.start(), EVERY_S.end());
    if !EVERY_S.contains(&args.every) {
        let every = args.every;
        return Err(Failure::Input(format!("--every = {every}: must be from {low} to {high} s")));
    }
    let file = args.robot.display().to_string();
    let site = Site::new(&Robot::named(&file)?)?;
    let eyes = site.camera_eyes().map_err(|error| Failure::Input(format!("{file}: {error}")))?;
    let eyes = eyes.ok_or_else(|| {
        let valid = "must be snapshot, mjpeg, folder or usb: a program that answers is not studied";
        Failure::Input(format!("{file}: eyes.kind = \"answers\": {valid}"))
    })?;
    let over: &[At] = match args.camera {
        Which::Pick => &[At::Pick],
        Which::Place => &[At::Target],
        Which::Both => &At::BOTH,
    };
    let stopped = interrupt::flag_saying("stopping; the table shows the looks so far")?;
    let mut study = Study::new(eyes, Duration::from_secs_f64(args.every), stopped);
    let mut found: Vec<Told> = Vec::new();
    for at in over {
        let many = (args.looks as usize, args.replace.unwrap_or(0) as usize);
        let last = found.last().is_some();
        let told = study.of(*at, many, last)?;
        let over = told.stopped;
        found.push(told);
        if over {
            break;
        }
    }
    match args.json {
        true => say!("{}", table::json(&file, &found))?,
        false => say!("{}", table::text(&found))?,
    }
    if found.iter().any(|told| told.stopped) {
        return Err(Failure::Interrupted("interrupted; the table shows the looks so far".into()));
    }
    let faults: Vec<String> = found.iter().flat_map(Told::faults).collect();
    if faults.is_empty() {
        return Ok(());
    }
    let (count, s) = (faults.len(), if faults.len() == 1 { "" } else { "s" });
    let faults = faults.join("; ");
    Err(Failure::Work(anyhow::anyhow!("the gauge study found {count} fault{s}: {faults}")))
}
