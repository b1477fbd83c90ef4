//! Typed experiment, scene and robot files, and what is said when one of them is wrong.

mod arm_spec;
mod dirt;
mod error;
mod experiment;
mod frame;
mod grasp;
mod guides;
mod mjcf;
mod mjcf_text;
mod mjcf_words;
mod named;
mod overlap;
mod plate;
mod real_spec;
mod robot;
mod scene;
mod shelf;
mod twin_spec;

pub use arm_spec::ArmSpec;
pub use error::{Check, ConfigError, parse_toml};
pub use experiment::{Evaluation, Experiment, Physics};
pub use frame::Frame;
pub use grasp::Grasp;
pub use mjcf::StaticBox;
pub use named::{Named, Source};
pub use plate::Plate;
pub use real_spec::RealSpec;
pub use robot::{Articulated, GripperSpec, Robot, RobotKind, Speeds};
pub use scene::{Heights, Scene, SeatLimits};
pub use shelf::ShelfSpec;
pub use twin_spec::{Gaps, TwinSpec};

/// Every built-in file with its path, as `rmrl init` copies it out.
pub fn embedded_files() -> Vec<(String, &'static str)> {
    let experiments =
        experiment::EMBEDDED.iter().map(|(n, t)| (format!("experiments/{n}.toml"), *t));
    let scenes = Scene::FILES.iter().map(|(n, t)| (format!("scenes/{n}"), *t));
    let robots = Robot::FILES.iter().map(|(n, t)| (format!("robots/{n}"), *t));
    experiments.chain(scenes).chain(robots).collect()
}
