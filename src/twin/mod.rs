//! The twin: an arm controller that speaks the real protocols, with the Rapier world behind it.
//!
//! The driver is developed and tested against what a [`Twin`] serves and nothing else:
//!
//! | service | standard port | what it speaks |
//! |---|---|---|
//! | RTDE | 30004 | versions 1 and 2, every documented output field, inputs, 500 Hz of robot time |
//! | dashboard | 29999 | one line asks, one line answers |
//! | script | 30001-30003 | takes programs and single lines; 30001 and 30002 tell the calibration |
//! | gripper | 63352 | Robotiq's `SET` and `GET` |
//! | eyes and control | 63380 | HTTP, see `serve/http.rs` |
//!
//! Inside there is one thread of control: a controller with a clock of its own in cycles of
//! 2 ms, run at `speed` times life. Every connection has threads of its own that hand it jobs
//! (`link.rs`); nothing that a client does or leaves undone can hold it up.
//!
//! All of the twin's noise hangs on the seed in the robot file; which cycle a client's message
//! falls into does not, so that runs against a twin are alike but not bit-equal.

mod body;
mod build;
mod clients;
mod controller;
mod dashboard;
mod drive;
mod eyes;
pub mod faults;
mod gripper;
mod host;
mod inputs;
mod link;
mod modes;
mod motion;
mod pose;
mod profile;
mod program;
mod registers;
pub mod script;
mod serve;
mod snapshot;
mod table;

pub use build::Plan;
pub use controller::Event;
pub use faults::{BadFault, Fault, FaultSpec};
pub use serve::{Places, Ports, Twin, TwinError};
