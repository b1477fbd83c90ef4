use std::collections::BTreeMap;

use crate::store::{Table, Value};
use crate::task::{Outcome, Placement, Pose2, is_success};

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
        let outcome = trials.at(row, "outcome").text().and_then(Outcome::from_name);
        let seated = trials.at(row, "seated").integer() == Some(1);
        let measured = measured(trials, row);
        let success = outcome.is_some_and(|it| is_success(it, measured.as_ref(), seated));
        let error = measured.filter(|_| outcome == Some(Outcome::Placed)).map(|there| there.pose);
        told.extend([
            (step, "train/reward".to_owned(), real("reward")),
            (step, "train/translation_mm".to_owned(), error.map(Pose2::translation_mm)),
            (step, "train/yaw_deg".to_owned(), error.map(|error| error.yaw_deg.abs())),
            (step, "train/success".to_owned(), Some(f64::from(success))),
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

/// The placement as it was measured; `None` where it was not.
fn measured(trials: &Table, row: &[Value]) -> Option<Placement> {
    let real = |axis: &str| trials.at(row, &format!("measured_{axis}")).real();
    let pose = Pose2::new(real("x_mm")?, real("y_mm")?, real("yaw_deg")?);
    Some(Placement { pose, z_mm: real("z_mm")?, tilt_deg: real("tilt_deg")? })
}

fn counted(value: &Value) -> u64 {
    value.integer().and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
}
