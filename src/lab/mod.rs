//! The laboratory: one run (one method, one seed), and many of them at once.
//!
//! It knows workcells and methods by their traits only, never which backend moves or how a
//! method learns. It holds no clock: time comes from the robot.

mod change;
mod collect;
#[cfg(test)]
mod contract;
mod experiment;
mod experiment_file;
mod folder;
mod growth;
mod journal;
mod label_quality;
mod labelling;
mod outside;
mod outside_method;
mod outside_settings;
mod part;
mod pictures;
mod process;
mod results;
mod run;
mod run_file;
mod schedule;
mod start;
mod sweep;
mod trial;
pub mod tune;
mod variants;

pub use change::Change;
pub use collect::{missing, read_results, run_path};
pub use experiment::{Demonstration, Experiment, REQUESTED};
pub use experiment_file::Evaluation;
pub use folder::{Folder, FolderError, State, Wish};
pub use journal::Entry;
pub use labelling::{Labelling, relabelled, retrained};
pub use outside::method_name;
pub use part::Part;
pub use pictures::Pictures;
pub use results::{HARDWARE, SIMULATION, TWIN, judge, read_run};
pub use run::{LookOn, MakeCell, Run, demand_signals};
pub use run_file::clear_scratch;
pub use schedule::{Schedule, SoFar, Step};
pub use start::{
    Begins, Given, MakeSimulated, MakeStart, Simulation, begun, prior_trials, simulated,
};
pub use sweep::{Event, MakeWatch, Sweep};
pub use trial::{Occasion, Record, Trial, Trials, see};

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cell::{CellError, Snapshot, Watch};
use crate::input::ConfigError;
use crate::learn::LearnError;
use crate::store::StoreError;

/// Why a run could not go on. All trials so far are on disk.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Cell(CellError),
    #[error("{method}, seed {seed}: {source}")]
    Learn { method: String, seed: u64, source: LearnError },
    #[error("interrupted")]
    Interrupted,
}

impl From<CellError> for LabError {
    fn from(error: CellError) -> Self {
        match error {
            CellError::Cancelled => Self::Interrupted,
            other => Self::Cell(other),
        }
    }
}

/// A [`Watch`] that cancels when a flag is raised, for instance by Ctrl-C.
#[derive(Clone, Copy, Debug)]
pub struct UntilRaised<'a>(pub &'a AtomicBool);

impl Watch for UntilRaised<'_> {
    fn tick(&mut self, _: &Snapshot) -> ControlFlow<()> {
        if self.0.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}
