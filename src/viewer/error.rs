use std::path::PathBuf;

use crate::cell::{CellError, DeviceError};
use crate::input::ConfigError;
use crate::lab::LabError;
use crate::learn::LearnError;
use crate::store::StoreError;

/// Why the viewer cannot show something. Each is one line; a missing thing says what to install.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    #[error("no display: {0}; or use --headless --screenshot FILE, which needs none")]
    NoDisplay(String),
    #[error("no graphics adapter: {0}")]
    NoAdapter(String),
    #[error("{}: {why}", .path.display())]
    Write { path: PathBuf, why: String },
    /// What was asked for makes no sense.
    #[error("{0}")]
    Input(String),
    /// The graphics library gave up after all checks.
    #[error("the viewer stopped: {0}")]
    Graphics(String),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Lab(Box<LabError>),
    #[error(transparent)]
    Cell(#[from] CellError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// With its exit code; it has said why itself.
    #[error("the training did not begin")]
    Training(Option<i32>),
    #[error("the training is complete already: rmrl view --run {} replays it", .0.display())]
    Complete(PathBuf),
    #[error("interrupted")]
    Interrupted,
    #[error("{what}: {source}")]
    Process { what: &'static str, source: std::io::Error },
}

impl From<LabError> for ViewError {
    fn from(error: LabError) -> Self {
        Self::Lab(Box::new(error))
    }
}
