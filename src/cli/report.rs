use std::path::PathBuf;

use crate::cli::Failure;
use crate::lab::{Folder, LabError, read_results};
use crate::report::{self, RESAMPLES};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  rmrl report runs/narrow")]
pub struct Args {
    /// Folder of an experiment, complete or not
    dir: PathBuf,
}

pub fn run(args: Args) -> Result<(), Failure> {
    let experiment = Folder::experiment(&args.dir).map_err(LabError::from)?;
    let results = read_results(&args.dir, &experiment)?;
    if results.failed.is_empty() && results.methods.iter().all(|m| m.runs.is_empty()) {
        let dir = args.dir.display();
        return Err(Failure::Input(format!("{dir}: no seed is complete yet in all its methods")));
    }
    report::write(&args.dir, &results, RESAMPLES)?;
    super::out::write(format_args!("{}", report::console_table(&results)))?;
    Ok(())
}
