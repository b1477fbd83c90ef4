//! The problem itself: poses, the action grid, scene instances, keyed random draws, outcome and
//! reward. Pure: it knows no physics, no files and no clock.

mod dirt;
mod grid;
mod image;
mod instances;
mod outcome;
mod pose;
mod reward;
mod signals;
mod spec;
pub mod streams;

pub use dirt::{Conditions, Dirt, Drift, Quantity, Scope};
pub use grid::ActionGrid;
pub use image::{Image, ImageSize};
pub(crate) use instances::planar_noise;
pub use instances::{Instances, Setup};
pub use outcome::{Outcome, Placement, is_close, is_success};
pub use pose::{Correction, Pose2};
pub use reward::{Feedback, Reward, RewardForm};
pub use signals::{ContextSignal, RewardSignal};
pub use spec::{Noise, Range, TaskSpec};
pub use streams::{Draw, Phase, Stream, Streams, TrialKey};
