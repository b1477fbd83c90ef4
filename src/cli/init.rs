use std::path::{Path, PathBuf};

use super::out::say;
use crate::cli::Failure;
use crate::config::{Robot, Scene};
use crate::lab::Experiment;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  rmrl init my-lab && rmrl compare my-lab/experiments/smoke.toml
An experiment finds an edited scene or robot by its path from its own file:
scene = \"../scenes/shelf.toml\"; another experiment's keys are taken with extends = \"narrow.toml\"")]
pub struct Args {
    /// Folder to copy into; files that exist already are left alone
    dir: PathBuf,
}

pub fn run(args: Args) -> Result<(), Failure> {
    for (path, text) in embedded_files() {
        let target = args.dir.join(&path);
        if target.exists() {
            say!("kept    {}", target.display())?;
            continue;
        }
        write(&target, text).map_err(|e| Failure::Input(format!("{}: {e}", target.display())))?;
        say!("written {}", target.display())?;
    }
    Ok(())
}

/// Every built-in file with its path.
fn embedded_files() -> impl Iterator<Item = (String, &'static str)> {
    let experiments = Experiment::FILES.iter().map(|(n, t)| (format!("experiments/{n}.toml"), *t));
    let scenes = Scene::FILES.iter().map(|(n, t)| (format!("scenes/{n}"), *t));
    let robots = Robot::FILES.iter().map(|(n, t)| (format!("robots/{n}"), *t));
    experiments.chain(scenes).chain(robots)
}

fn write(target: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(target, text)
}
