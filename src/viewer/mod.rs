//! The viewer: what the trainer does, drawn. Behind the feature `viewer`; nothing else knows it.
//!
//! The project's own Rapier world moves, bevy only draws: every mode ends in a [`Moment`] (the
//! pose of every body at one time), and [`scene`] copies it into the drawn bodies. By hand and
//! replay play a [`Recording`], which is a whole simulated trial; live draws the newest moment of a
//! training in a process of its own; the real arm's moments come over its read-only port.
//!
//! World coordinates are the project's: metres, z up.

mod adapter;
mod app;
mod by_hand;
mod camera;
mod convert;
mod error;
pub mod headless;
mod keys;
pub mod live;
mod moment;
mod overlays;
mod pace;
mod panels;
mod plan;
mod playback;
mod real;
mod recording;
mod replay;
mod scene;

pub use app::{Target, build};
pub use error::ViewError;
pub use moment::{Bodies, Moment};
pub use plan::{Out, Plan, Preset, Show, Size, Training};
pub use playback::Playback;
pub use real::RealArm;
pub use recording::Recording;
pub use replay::{Chapter, Replay, Simulated};
pub use scene::{Cell, Link, Part, Shown};

/// Opens a window and shows it until it is closed, or makes pictures without one.
pub fn run(plan: Plan) -> Result<(), ViewError> {
    headless::check(&plan.out)?;
    adapter::check(&plan)?;
    app::run(plan)
}
