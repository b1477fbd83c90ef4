//! From finished runs to statistics, tables and plots. It reads results and writes files; it
//! knows no simulation, no learning and no database.

mod data;

pub use data::{Checkpoint, ExperimentResult, MethodResult, RunResult, Scores, Shelf};
