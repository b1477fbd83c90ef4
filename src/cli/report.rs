use std::path::PathBuf;

use crate::cli::Failure;
use crate::lab::{Folder, LabError, missing, read_results};
use crate::report::{self, RESAMPLES};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  rmrl report runs/narrow        also merges what several processes made, and says what is missing")]
pub struct Args {
    /// Folder of an experiment, complete or not
    dir: PathBuf,
}

/// Missing runs that are named.
const MOST_NAMED: usize = 12;

pub fn run(args: Args) -> Result<(), Failure> {
    let experiment = Folder::experiment(&args.dir).map_err(LabError::from)?;
    let results = read_results(&args.dir, &experiment)?;
    let missing = missing(&args.dir, &experiment)?;
    if !missing.is_empty() {
        let all = experiment.seeds as usize * experiment.methods.len();
        let few = missing.iter().take(MOST_NAMED).map(|(method, seed)| format!("{method}/{seed}"));
        let more = if missing.len() > MOST_NAMED { ", ..." } else { "" };
        let few = few.collect::<Vec<_>>().join(", ");
        eprintln!("{} of {all} runs are missing or not complete: {few}{more}", missing.len());
    }
    if results.failed.is_empty() && results.methods.iter().all(|m| m.runs.is_empty()) {
        let dir = args.dir.display();
        return Err(Failure::Input(format!("{dir}: no seed is complete yet in all its methods")));
    }
    let written = report::write(&args.dir, &results, RESAMPLES)?;
    super::out::write(format_args!("{}", report::console_table(&results, &written.summary)))?;
    Ok(())
}
