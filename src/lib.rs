//! A testbed for role-model reinforcement learning (RM-RL) of precise robot placement.
//!
//! `ARCHITECTURE.md` has the map: the way of one trial through the code, and what each part must
//! not know.

pub mod arm;
pub mod cell;
pub mod cli;
pub mod config;
pub mod input;
pub mod lab;
pub mod learn;
pub mod real;
pub mod report;
pub mod sim;
pub mod store;
pub mod task;
pub mod twin;
#[cfg(feature = "viewer")]
pub mod viewer;
pub mod wire;

/// Version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Commit it was built from, or "unknown".
pub const COMMIT: &str = env!("RMRL_COMMIT");
