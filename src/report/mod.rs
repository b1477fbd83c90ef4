//! From finished runs to statistics, tables and plots. It reads results and writes files; it
//! knows no simulation, no learning and no database.

#[cfg(test)]
mod contract_tests;
mod contrast;
mod curves;
mod data;
mod harm;
mod html;
mod improvement;
mod markdown;
mod metrics;
pub mod plots;
mod published;
pub mod stats;
mod summary;
#[cfg(test)]
mod synthetic;
pub mod table;
mod write;

pub use contrast::{Contrast, Contrasted, DemonstrationGain};
pub use curves::curves_csv;
pub use data::{Checkpoint, Demonstrated, ExperimentResult, MethodResult, RunResult};
pub use harm::HarmCount;
pub use improvement::Improvement;
pub use metrics::{Better, Judged, Kind, Metric, Scores, Shown, add_metric, metrics, shown_in};
pub use summary::{
    ByMetric, DemonstrationSummary, Figure, MethodSummary, Ordered, Rate, Summary, TimeToReach,
};
pub use write::{FILES, RESAMPLES, ReportError, Written, console_table, write};
