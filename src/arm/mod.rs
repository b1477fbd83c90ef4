//! What every arm shares, simulated or real: kinematics, paths, motions in time, and the safety
//! envelope they must pass.

mod body;
mod envelope;
mod inverse;
mod kinematics;
mod line;
mod model;
mod motion;
mod path;
mod planner;
mod profile;
mod trajectory;
mod urdf;

pub use body::{Body, Capsule, TooNear};
pub use envelope::{Envelope, Forbidden};
pub use inverse::Unreachable;
pub use kinematics::{Dh, DhDelta, Joints, Kinematics};
pub use line::Line;
pub use model::ArmModel;
pub use motion::Motion;
pub use path::{CheckedPath, Segment};
pub use planner::{Planner, Start};
pub use trajectory::{JointTrajectory, NoTrajectory, Pace};
pub use urdf::{UrdfArm, UrdfError};
