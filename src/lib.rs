//! A testbed for role-model reinforcement learning (RM-RL) of precise robot placement.
//!
//! `ARCHITECTURE.md` has the map: the way of one trial through the code, and what each part must
//! not know.

pub mod arm;
pub mod cell;
pub mod config;
pub mod learn;
pub mod report;
pub mod sim;
pub mod task;
