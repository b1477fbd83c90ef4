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
//! Faster than life a client has less real time for everything. Where a program's watchdog would
//! end it only because of that, the clock waits for the heartbeat, at most as long as the watchdog's
//! own period on the wall; then the watchdog does what it is there for.
//!
//! Where it is not a UR5e: a stop of the program by watchdog, protective or emergency stop ends an
//! uploaded program for good, it has to be sent again; the watchdog's `"stop"` only stops the program,
//! where a controller may go into a protective stop (C207A0) [m]; motions have a trapezoid of speed and no
//! blending (`r` is ignored); there is no force mode and no freedrive (a person's `joints` stands for
//! it); joint torques and temperatures are constants; only the hand can strike something, not the
//! arm's links. [`faults`] lists what can be made to go wrong.
//!
//! What it reports has its own error. Joints and the pose computed from them miss where the hand truly
//! is by what the calibration leaves over and by how the tool is mounted (`gaps.residual_*` and
//! `gaps.tool_*` of the robot file), so that a driver's reading at the grip, and with it a trial's
//! `executed`, is no more exact than a real arm's; eyes and force have noise. Only `GET /truth` tells
//! the truth, which no driver asks for.
//!
//! All of the twin's noise hangs on the seed in the robot file; which cycle a client's message
//! falls into does not, so that runs against a twin are alike but not bit-equal.

mod asked;
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
mod look;
mod modes;
mod motion;
mod outbox;
mod person;
mod pose;
mod press;
mod profile;
mod program;
mod registers;
pub mod script;
mod serve;
mod snapshot;
mod stops;
mod table;
mod terminals;
mod watchers;

pub use build::Plan;
pub use controller::Event;
pub use faults::{BadFault, Fault, FaultSpec};
pub use person::VERBS;
pub use serve::{HTTP_PORT, Places, Ports, Twin, TwinError};
