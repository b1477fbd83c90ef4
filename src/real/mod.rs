//! The rig over the wire: a UR e-Series arm, a Robotiq gripper, eyes. Developed and tested against
//! the twin's protocols; nothing here knows the twin.
//!
//! Whatever is read has a time-out. Nothing is ever cleared, unlocked or retried by itself after
//! the arm was stopped: a person decides.

mod calibration;
mod dashboard;
mod doctor;
mod eyes;
mod fault;
mod gripper;
mod limits;
mod link;
mod machine;
mod planned;
mod program;
mod rig;
mod rtde;
mod session;
mod site;
mod state;

pub use dashboard::Dashboard;
pub use doctor::{Finding, Verdict, examine, measured_frame};
pub use eyes::HttpEyes;
pub use fault::Fault;
pub use gripper::{Fingers, Pads, RealGripper, Robotiq};
pub use limits::Limits;
pub use planned::{Move, Moves, PlannedRig};
pub use program::{Program, TEMPLATE};
pub use rig::{RealRig, Setting};
pub use rtde::{Registers, Rtde};
pub use session::{Ended, Order, Session};
pub use site::{RealCell, Site, SiteError};
pub use state::{ProgramState, State};
