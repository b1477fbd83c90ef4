//! From finished runs to statistics, tables and plots. It reads results and writes files; it
//! knows no simulation, no learning and no database.

mod agreement;
#[cfg(test)]
mod contract_tests;
mod contrast;
mod curves;
mod data;
mod details;
mod distribution;
mod floor;
#[cfg(feature = "report")]
mod harm;
#[cfg(feature = "report")]
mod html;
mod improvement;
mod labels;
#[cfg(feature = "report")]
mod markdown;
mod metrics;
mod origin;
#[cfg(feature = "report")]
pub mod plots;
mod primary;
#[cfg(feature = "report")]
mod published;
mod replace;
mod role_models;
#[cfg(feature = "report")]
mod sections;
mod sequential;
mod significance;
mod stability;
pub mod stats;
mod summary;
#[cfg(test)]
mod synthetic;
#[cfg(feature = "report")]
pub mod table;
#[cfg(feature = "report")]
mod write;

pub use agreement::Agreement;
pub use contrast::{Contrast, Contrasted, DemonstrationGain};
pub use curves::curves_csv;
pub use data::{
    Checkpoint, Demonstrated, Evaluated, ExperimentResult, FILES, FailedRun, HarmCount,
    MethodResult, RunResult, Started,
};
pub use details::Details;
pub use distribution::{Coverage, Distribution};
pub use floor::Floor;
pub use improvement::Improvement;
pub use labels::{LabelCount, LabelQuality};
pub use metrics::{Better, Judged, Kind, Metric, Scores, Shown, add_metric, metrics, shown_in};
pub use origin::{Hardware, MadeBy, Origin, provenance_json, timing_csv};
pub use primary::{MOST_CONTRASTS, Primary};
pub(crate) use replace::{own_name, replace};
pub use role_models::{LabelError, LabelSummary, Lead, Reign, SceneLabels};
pub use sequential::{Ahead, Sequential};
pub use significance::{ALPHA, sign_flip_p};
pub use stability::{Area, Stability};
pub use summary::{
    ByMetric, Cap, DemonstrationSummary, Explored, Figure, MethodSummary, Ordered, Rate, Summary,
    TimeToReach,
};
#[cfg(feature = "report")]
pub use table::console_table;
#[cfg(feature = "report")]
pub use write::{RESAMPLES, ReportError, Written, write};
