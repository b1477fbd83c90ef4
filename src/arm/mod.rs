//! What every arm shares, simulated or real: paths, motions in time, and the safety envelope
//! they must pass.

mod envelope;
mod motion;
mod path;

pub use envelope::{Envelope, Forbidden};
pub use motion::Motion;
pub use path::{CheckedPath, Segment};
