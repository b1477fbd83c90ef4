use std::fmt::Write;

use super::ExperimentResult;
use super::metrics::{self, Kind, Metric, Scores, Shown};

/// `curves.csv`: every evaluation of every run, one line for each of the two phases. Errors are
/// means over the evaluation trials, shares are from 0 to 1.
pub fn curves_csv(result: &ExperimentResult) -> String {
    let columns = metrics::shown_in(Shown::Tables);
    let mut csv = String::from("method,seed,trial,robot_hours,phase");
    for metric in &columns {
        csv.push(',');
        csv += match metric.kind {
            Kind::Mean => metric.key,
            Kind::Share { rate, .. } => rate,
        };
    }
    csv.push('\n');
    for method in &result.methods {
        for run in &method.runs {
            for c in &run.checkpoints {
                for (phase, scores) in [("in-scene", &c.in_scene), ("held-out", &c.held_out)] {
                    let (name, hours) = (&method.card.name, c.robot_hours);
                    // Writing to a String cannot fail.
                    let _ = write!(csv, "{name},{},{},{hours},{phase}", run.seed, c.trial);
                    for metric in &columns {
                        let _ = write!(csv, ",{}", cell(scores, metric));
                    }
                    csv.push('\n');
                }
            }
        }
    }
    csv
}

/// A share of no trial is nothing.
fn cell(scores: &Scores, metric: &Metric) -> String {
    match metric.kind {
        Kind::Mean => scores.value(metric).to_string(),
        Kind::Share { .. } if scores.of == 0 => String::new(),
        Kind::Share { .. } => scores.rate(metric).to_string(),
    }
}
