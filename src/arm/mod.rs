//! What every arm shares, simulated or real: paths, and the safety envelope they must pass.

mod envelope;
mod path;

pub use envelope::{Envelope, Forbidden};
pub use path::{CheckedPath, Segment};
