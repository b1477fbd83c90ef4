//! What is said on the wires of a UR e-Series controller and a Robotiq gripper: pure codecs, both
//! directions, no sockets. The driver and the twin share them; `tests/peers/` checks them against
//! clients that others wrote.
//!
//! Every parser takes any bytes: it returns a message or a [`WireError`], and keeps no more than
//! a stated number of bytes.

mod bytes;
pub mod dashboard;
pub mod gripper;
mod lines;
mod modes;
pub mod primary;
pub mod realtime;
pub mod robot_state;
pub mod rtde;

pub use lines::Lines;
pub use modes::{RobotMode, RuntimeState, SafetyMode};

/// Bytes that are not the protocol they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A length that no valid package can have.
    #[error("{what}: {size} bytes, where {allowed} are allowed")]
    Size { what: &'static str, size: usize, allowed: String },
    #[error("{what}: {why}")]
    Malformed { what: &'static str, why: String },
}

impl WireError {
    pub(crate) fn malformed(what: &'static str, why: impl Into<String>) -> Self {
        Self::Malformed { what, why: why.into() }
    }
}
