//! The twin: an arm controller that speaks the real protocols, with the Rapier world behind it.
//!
//! The driver is developed and tested against what a [`Twin`] serves and nothing else:
//!
//! | service | standard port | what it speaks |
//! |---|---|---|
//! | RTDE | 30004 | versions 1 and 2, every documented output field, inputs, 500 Hz of robot time |
//! | dashboard | 29999 | one line asks, one line answers |
//! | primary, secondary | 30001, 30002 | take programs and single lines; tell version, calibration and configuration once, then ten robot states a second of robot time |
//! | real-time | 30003 | takes programs; a packet of 1220 bytes (software 5.10) in each cycle |
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
//! What it stops, as a controller does: a program that calls what is not there, with arguments that do
//! not fit, or what nobody plays here is refused when it arrives, with its line, and changes nothing (what
//! ur-rtde's one large program only may ask for, `force_mode` and the like, is told then, and stops the
//! program where it gets there). A motion that cannot end (no speed, no acceleration, more than an hour) or a
//! goal beyond a joint's 360 deg is a program error; a joint that runs into its range, a jump of more than 180
//! deg/s, more force than `twin.force_limit_n` for 10 ms is a protective stop, which only a person unlocks.
//! `sec` programs run beside the main one and may not take robot time.
//!
//! Where it is not a UR5e: a stop of the program by watchdog, protective or emergency stop ends an
//! uploaded program for good, it has to be sent again; the watchdog's `"stop"` only stops the program,
//! where a controller may go into a protective stop (C207A0) [m]; motions have a trapezoid of speed and no
//! blending (`r` is ignored, `movep` is `movel`); there is no force mode and no freedrive (a person's
//! `jog` and `joints` stand for it); joint torques, currents and temperatures are constants; only the hand
//! can strike something, not the arm's links; force comes from the fingers and a held plate. [`Fault`]
//! lists what can be made to go wrong, [`VERBS`] what a person can do.
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
mod cameras;
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
mod rig;
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
pub use rig::TwinRig;
pub use serve::{HTTP_PORT, Places, Ports, Twin, TwinError};
