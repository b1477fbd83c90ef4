use crate::cell::CellError;
use crate::input::ConfigError;
use crate::lab::LabError;
use crate::report::ReportError;
use crate::store::StoreError;

/// Why a command did not do what was asked, and the exit code that says so.
#[derive(Debug)]
pub enum Failure {
    /// 1: the work failed.
    Work(anyhow::Error),
    /// 2: the user's input was wrong; nothing was changed.
    Input(String),
    /// 3: stopped for safety.
    Safety(String),
    /// 130: interrupted; everything so far is kept.
    Interrupted(String),
    /// 141, as a signal would end it: nobody reads standard output any more (`rmrl ... | head`).
    ReaderGone,
}

impl Failure {
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Work(_) => 1,
            Self::Input(_) => 2,
            Self::Safety(_) => 3,
            Self::Interrupted(_) => 130,
            Self::ReaderGone => 141,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // Our errors tell their causes themselves.
            Self::Work(error) => write!(f, "{error}"),
            Self::Input(what) | Self::Safety(what) | Self::Interrupted(what) => f.write_str(what),
            Self::ReaderGone => Ok(()),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<CellError> for Failure {
    fn from(error: CellError) -> Self {
        match error {
            CellError::NeedsPerson(_) => Self::Safety(error.to_string()),
            CellError::Cancelled => Self::Interrupted("interrupted".into()),
            CellError::Forbidden(_) => Self::Input(error.to_string()),
            CellError::Device(_) => Self::Work(error.into()),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        if error.is_bad_file() { Self::Input(error.to_string()) } else { Self::Work(error.into()) }
    }
}

impl From<LabError> for Failure {
    fn from(error: LabError) -> Self {
        match error {
            LabError::Config(error) => error.into(),
            LabError::Store(error) => error.into(),
            LabError::Cell(error) => error.into(),
            LabError::Folder(error) => Self::Input(error.to_string()),
            LabError::Interrupted => Self::Interrupted("interrupted".into()),
            LabError::Learn { .. } => Self::Work(error.into()),
        }
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Write { .. } => Self::Input(error.to_string()),
            other => Self::Work(other.into()),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Work(error)
    }
}
