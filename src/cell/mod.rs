//! The workcell: all that the lab knows of a robot, simulated or real, and the one motion
//! script that both follow.
//!
//! Two seams. [`Workcell`] is what the lab drives. [`Rig`] is all that differs between simulation
//! and hardware; [`ScriptedCell`] puts the same script on top of any rig. What only a simulation can
//! answer is [`SimTruth`], which no rig over hardware has.

pub mod conformance;
mod doubt;
mod fits;
mod hand;
mod ideal;
mod picture;
mod plan;
mod recovery;
mod rig;
mod route;
mod script;
mod workcell;

pub use doubt::{Doubt, confidence};
pub use fits::{check as check_fit, check_obstacles};
pub use hand::HandBoxes;
pub use ideal::IdealCell;
pub use picture::picture;
pub use plan::{CellPlan, Place, flatten, lift, placement};
pub use rig::{Arm, DeviceError, Eyes, Grip, Gripper, Measured, Rig, SimTruth};
pub use route::Route;
pub use script::ScriptedCell;
pub use workcell::{
    Attempt, CellError, Contact, Detail, Harm, Observation, PlateAt, RobotTime, Signals, Snapshot,
    Stop, Unwatched, Watch, Workcell,
};
