//! Trials of a stored run, one after the other.

mod chapter;
mod model;
mod policy;

pub use chapter::Chapter;
pub use model::{Peer, Replay, Simulated};
pub use policy::Policies;
