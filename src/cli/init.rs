use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::config;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  rmrl init my-lab && rmrl compare my-lab/experiments/smoke.toml
An experiment finds an edited scene or robot by its path: scene = \"my-lab/scenes/shelf.toml\"")]
pub struct Args {
    /// Folder to copy into; files that exist already are left alone
    dir: PathBuf,
}

pub fn run(args: Args) -> Result<(), Failure> {
    for (path, text) in config::embedded_files() {
        let target = args.dir.join(&path);
        if target.exists() {
            println!("kept    {}", target.display());
            continue;
        }
        write(&target, text).map_err(|e| Failure::Input(format!("{}: {e}", target.display())))?;
        println!("written {}", target.display());
    }
    Ok(())
}

fn write(target: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(target, text)
}
