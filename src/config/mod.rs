//! Typed scene and robot files, and the checks of a task. Methods and experiments are above it.

mod arm_spec;
mod eyes_spec;
mod frame;
mod grasp;
mod guides;
mod mjcf;
mod mjcf_text;
mod mjcf_words;
mod named;
mod obstacle_spec;
mod overlap;
mod physics;
mod plate;
mod real_spec;
mod robot;
mod scene;
mod shelf;
mod task;
mod twin_spec;

pub use arm_spec::{ArmSpec, Furniture, RodSpec, Shapes};
pub use eyes_spec::{CameraSpec, EyesKind, EyesSpec, OutlineSpec, TaughtSpec, Unsure};
pub use frame::Frame;
pub use grasp::Grasp;
pub use mjcf::StaticBox;
pub use named::Named;
pub use obstacle_spec::ObstacleSpec;
pub use physics::Physics;
pub use plate::Plate;
pub use real_spec::RealSpec;
pub use robot::{Articulated, GripperSpec, Robot, RobotKind, Speeds};
pub use scene::{Heights, Scene, SeatLimits};
pub use shelf::ShelfSpec;
pub use task::{validate_image, validate_task};
pub use twin_spec::{Gaps, TwinSpec};
