//! What a real cell sees with: cameras, or a program of the user's that answers.

mod answers;
mod at;
mod cameras;

pub use answers::HttpEyes;
pub use at::At;
pub use cameras::{CameraEyes, Glance};
