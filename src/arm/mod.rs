//! What every arm shares, simulated or real: kinematics, paths, motions in time, and the safety
//! envelope they must pass.

mod body;
mod capsule;
mod envelope;
mod inverse;
mod kinematics;
mod line;
mod model;
mod motion;
mod obstacles;
mod path;
mod planner;
mod posture;
mod profile;
mod trajectory;
mod ur;
mod urdf;
mod urdf_tree;
mod urdf_words;

pub use body::{Body, TooNear};
pub use capsule::Capsule;
pub use envelope::{Envelope, Forbidden};
pub use inverse::Unreachable;
pub use kinematics::{Dh, DhDelta, Joints, Kinematics};
pub use line::Line;
pub use model::ArmModel;
pub use motion::Motion;
pub use obstacles::{NearObstacle, Obstacle};
pub use path::{CheckedPath, Segment};
pub use planner::{Planner, Start};
pub use posture::{Posture, Singular};
pub use trajectory::{JointTrajectory, NoTrajectory, Pace};
pub use urdf::{Rod, UrdfArm, UrdfError};
