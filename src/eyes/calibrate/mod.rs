//! What a camera's lens is, and where the camera is mounted, from views of a board.

mod hand_eye;
mod intrinsics;

pub use hand_eye::{HandEye, Mount, NoHandEye, Posed, hand_eye};
pub use intrinsics::{Intrinsics, NoIntrinsics, View, covered, intrinsics, unusable};
