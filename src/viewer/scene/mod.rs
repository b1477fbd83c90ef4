//! What is drawn of a cell: bodies that the physics moves, furniture that stands, ground, light.

mod arm;
mod ghosts;
mod ground;
mod hand;
mod lights;
mod plate;
mod shapes;
mod stage;

pub use arm::{Link, pose_arm};
pub use ghosts::{Ghost, Ghosts, outline_ghosts, pose_ghosts};
pub use lights::{fit_shadows, lights};
pub use stage::{Cell, Part, Shown, pose_bodies, set_stage};
