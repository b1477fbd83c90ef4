//! Typed experiment, scene and robot files, and what is said when one of them is wrong.

mod error;
mod experiment;
mod robot;
mod scene;

pub use error::{Check, ConfigError, parse_toml};
pub use experiment::{Evaluation, Experiment, Physics};
pub use robot::Robot;
pub use scene::Scene;

/// Every built-in file with its path, as `rmrl init` copies it out.
pub fn embedded_files() -> Vec<(String, &'static str)> {
    let experiments =
        experiment::EMBEDDED.iter().map(|(n, t)| (format!("experiments/{n}.toml"), *t));
    experiments.chain(scene::embedded_files()).chain(robot::embedded_files()).collect()
}
