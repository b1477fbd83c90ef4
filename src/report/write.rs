use std::path::{Path, PathBuf};

use super::plots::{Figure, by_budget, learning_curves, performance_profile};
use super::replace::replace;
use super::{
    ExperimentResult, FILES, Summary, curves, html, markdown, provenance_json, table, timing_csv,
};

/// Bootstrap rounds of a report that is to be kept, as in rliable. While seeds are still coming in
/// 2,000 will do.
pub const RESAMPLES: usize = 50_000;

/// The files of a report and its figures.
#[derive(Clone, Debug)]
pub struct Written {
    pub files: Vec<PathBuf>,
    pub summary: Summary,
}

#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("cannot write the report file {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("the summary cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the figure cannot be drawn: {0}")]
    Figure(String),
}

/// Writes all files of a report into `dir`, which must exist. Each file is replaced as a whole,
/// and the summary last: a reader never meets half a file. Equal results give equal bytes.
///
/// `resamples` is the number of bootstrap rounds: [`RESAMPLES`] for a report that is to be kept.
pub fn write(
    dir: &Path,
    result: &ExperimentResult,
    resamples: usize,
) -> Result<Written, ReportError> {
    let summary = Summary::of(result, resamples);
    let pictured = result.pictured();
    let figure = Figure::from_svg(learning_curves(&pictured, resamples)?)?;
    let profile = performance_profile(&pictured)?;
    let budget = Figure::from_svg(by_budget(&pictured, resamples)?)?;
    let report = markdown::report(result, &summary, resamples);
    let drawings = [
        ("curves.svg", figure.svg.as_str()),
        ("profile.svg", profile.as_str()),
        ("budget.svg", budget.svg.as_str()),
    ];
    let contents: [Vec<u8>; FILES.len()] = [
        provenance_json(result)?.into(),
        timing_csv(result).into(),
        curves::curves_csv(result).into(),
        table::table_tex(result, &summary).into(),
        html::page(&result.name, &report, &drawings).into(),
        report.into(),
        figure.svg.into(),
        profile.into(),
        budget.svg.into(),
        budget.png,
        figure.png,
        figure.pdf,
        summary.to_json()?.into(),
    ];
    let mut files = Vec::with_capacity(contents.len());
    for (name, bytes) in FILES.into_iter().zip(contents) {
        let path = dir.join(name);
        replace(&path, &bytes)
            .map_err(|source| ReportError::Write { path: path.clone(), source })?;
        files.push(path);
    }
    Ok(Written { files, summary })
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
