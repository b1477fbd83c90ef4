//! From a picture to a pose. Pure: it knows what a plate and a board of tags look like, and nothing of
//! cameras, cells or simulations.

mod board;
pub mod calibrate;
#[cfg(test)]
pub(crate) mod drawn;
mod edge;
mod field;
mod fit;
mod frame;
pub mod gauge;
mod homography;
mod lens;
mod mask;
mod outline;
mod picture;
mod place;
mod plane;
mod sensor;
mod solve;
mod tags;
mod wells;

pub use board::{Board, CELLS, LID_MM, Pattern, Tag, pattern};
pub use field::{Field, FieldError};
pub use frame::{Frame, Region};
pub use lens::{Lens, LensError};
pub use mask::mask;
pub use outline::{Sighting, find_plate};
pub use picture::Picture;
pub use place::Place;
pub use plane::{Anywhere, Corner, Evidence, OnPlane, Poor, anywhere, corners, on_plane};
pub use sensor::{Limits, Lost, Reading, Sensor, Taught};
pub use tags::{Finder, Seen};
