//! Typed experiment, scene and robot files, and what is said when one of them is wrong.

mod error;
mod mjcf;
mod robot;
mod scene;

pub use error::{Check, ConfigError, parse_toml};
pub use mjcf::StaticBox;
pub use robot::{Grasp, GripperSpec, Robot, RobotKind, Speeds};
pub use scene::{Heights, Plate, Scene, SeatLimits};
