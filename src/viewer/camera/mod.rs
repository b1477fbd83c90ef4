//! Where the cell is looked at from.

mod orbit;
mod preset;

pub use orbit::{MainCamera, Orbit, place_camera};
pub use preset::{Looks, look_anew};
