//! What a real cell sees with: cameras, or a program of the user's that answers.

mod answers;
mod cameras;
mod place;

pub use answers::HttpEyes;
pub use cameras::{CameraEyes, Glance};
pub use place::At;
