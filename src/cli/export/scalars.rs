use std::collections::BTreeMap;

use crate::store::{Table, Value};

/// A value at a step, as trackers have it. Step: physical trials made by then.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    pub step: u64,
    pub tag: String,
    pub value: f64,
    /// Seconds since 1970; 0 where the step is no trial.
    pub unix_s: f64,
}

/// All that is finite, by step and tag: `train/...` as measured, `learn/...` as the learner says,
/// `eval/in_scene/...` as the report has it. The same as `rmrl.track` of the Python package tells.
pub fn scalars(trials: &Table, batches: &Table, checkpoints: &Table) -> Vec<Scalar> {
    let mut told: Vec<(u64, String, Option<f64>)> = Vec::new();
    let mut times: BTreeMap<u64, f64> = BTreeMap::new();
    let is = |row: &[Value], phase: &str| trials.at(row, "phase").text() == Some(phase);
    let done = |row: &&Vec<Value>| *trials.at(row, "outcome") != Value::Null;
    let learned =
        || trials.rows.iter().filter(|row| is(row, "prior") || is(row, "train")).filter(done);
    let before = learned().filter(|row| is(row, "prior")).count() as u64;
    for row in learned() {
        let real = |name: &str| trials.at(row, name).real();
        let number = counted(trials.at(row, "number"));
        let step = number + 1 + if is(row, "train") { before } else { 0 };
        times.insert(step, real("recorded_unix_s").unwrap_or(0.0));
        let placed = trials.at(row, "outcome").text() == Some("placed");
        let seated = trials.at(row, "seated").integer() == Some(1);
        let error = ["x_mm", "y_mm", "yaw_deg"].map(|axis| real(&format!("measured_{axis}")));
        let [x, y, yaw] = error.map(|axis| axis.filter(|_| placed));
        let close = error.iter().all(|axis| axis.is_some_and(|axis| axis.abs() < 1.0));
        told.extend([
            (step, "train/reward".to_owned(), real("reward")),
            (step, "train/translation_mm".to_owned(), x.zip(y).map(|(x, y)| x.hypot(y))),
            (step, "train/yaw_deg".to_owned(), yaw.map(f64::abs)),
            (step, "train/success".to_owned(), Some(f64::from(placed && seated && close))),
        ]);
    }
    for row in &batches.rows {
        let step = counted(batches.at(row, "at_trial"));
        for (column, value) in batches.columns.iter().zip(row) {
            if !["at_trial", "committed_unix_s"].contains(&column.name.as_str()) {
                told.push((step, format!("learn/{}", column.name), value.real()));
            }
        }
    }
    for row in &checkpoints.rows {
        let step = counted(checkpoints.at(row, "checkpoint"));
        let phase = checkpoints.at(row, "phase").text().unwrap_or_default().replace('-', "_");
        for key in ["translation_mm", "yaw_deg", "success_share"] {
            told.push((step, format!("eval/{phase}/{key}"), checkpoints.at(row, key).real()));
        }
    }
    told.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let finite = told.into_iter().filter_map(|(step, tag, value)| {
        let value = value.filter(|value| value.is_finite())?;
        Some(Scalar { step, tag, value, unix_s: times.get(&step).copied().unwrap_or(0.0) })
    });
    finite.collect()
}

fn counted(value: &Value) -> u64 {
    value.integer().and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
}
