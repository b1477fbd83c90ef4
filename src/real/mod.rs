//! The rig over the wire: an arm, a Robotiq gripper, eyes. What is one maker's own lies behind two traits,
//! [`Controller`] and [`Driver`]; `ur` has those of Universal Robots. Developed and tested against the twin's protocols;
//! nothing here knows the twin.
//!
//! Whatever is read has a time-out. Nothing is ever cleared, unlocked or retried by itself after
//! the arm was stopped: a person decides.

pub mod camera;
mod doctor;
mod driver;
mod eyes;
mod fault;
mod gripper;
mod limits;
mod link;
mod look;
mod machine;
mod planned;
mod rig;
mod since;
mod site;
mod ur;

pub use doctor::{Finding, Verdict, examine, measured_frame};
pub use driver::{ArmState, Controller, Driver, Ended, Mounted, Order, Watching};
pub use eyes::{At, CameraEyes, Glance, HttpEyes};
pub use fault::Fault;
pub use gripper::{Fingers, Pads, RealGripper, Robotiq};
pub use limits::Limits;
pub use planned::{Move, Moves, PlannedRig};
pub use rig::{RealRig, Setting};
pub use site::{RealCell, Site, SiteError};
pub use ur::{Dashboard, Program, ProgramState, Registers, Rtde, Session, State, TEMPLATE};
