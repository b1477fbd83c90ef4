//! From a picture to a pose. Pure: it knows what a plate looks like, and nothing of cameras, cells or
//! simulations.

mod edge;
mod fit;
mod outline;
mod picture;
mod wells;

pub use outline::{Sighting, find_plate};
pub use picture::Picture;
