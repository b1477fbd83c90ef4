use std::path::{Path, PathBuf};

/// Why a run file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{}: {why}", .path.display())]
    Foreign { path: PathBuf, why: String },
    #[error(
        "{}: no room is left on its disk; every whole trial so far is kept: make room, then go on with \
         --resume", .path.display()
    )]
    Full { path: PathBuf },
    #[error("{}: {source}", .path.display())]
    Sqlite { path: PathBuf, source: rusqlite::Error },
    #[error("{}: {source}", .path.display())]
    Io { path: PathBuf, source: std::io::Error },
}

impl StoreError {
    /// The file itself is at fault, not the work with it.
    pub fn is_bad_file(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            Self::Foreign { .. } | Self::Io { .. } => true,
            Self::Full { .. } => false,
            Self::Sqlite { source, .. } => {
                let code = source.sqlite_error_code();
                // No code: a row that reads, but makes no sense.
                code.is_none_or(|code| matches!(code, DatabaseCorrupt | NotADatabase))
            }
        }
    }

    pub fn foreign(path: &Path, why: impl Into<String>) -> Self {
        Self::Foreign { path: path.into(), why: why.into() }
    }

    pub(super) fn io(path: &Path) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Io { path: path.into(), source }
    }
}

pub(super) fn at(path: &Path) -> impl Fn(rusqlite::Error) -> StoreError {
    move |source| match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => StoreError::Full { path: path.into() },
        _ => StoreError::Sqlite { path: path.into(), source },
    }
}
