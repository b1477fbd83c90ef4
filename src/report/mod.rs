//! From finished runs to statistics, tables and plots. It reads results and writes files; it
//! knows no simulation, no learning and no database.

mod contrast;
mod curves;
mod data;
mod harm;
mod html;
mod markdown;
mod paper;
pub mod plots;
pub mod stats;
mod summary;
#[cfg(test)]
mod synthetic;
pub mod table;
mod write;

pub use contrast::Contrast;
pub use curves::curves_csv;
pub use data::{Checkpoint, ExperimentResult, MethodResult, RunResult, Scores, Shelf};
pub use harm::HarmCount;
pub use summary::{
    Errors, Improvement, MethodSummary, Ordered, RIVALS, ShelfSummary, Success, Summary,
    TimeToReach,
};
pub use write::{FILES, RESAMPLES, ReportError, Written, console_table, write};
