use std::collections::BTreeSet;

use super::Source;
use crate::cli::Failure;
use crate::lab::judge;
use crate::report::Judged;
use crate::store::{Column, Kind, Table, TrialStore, Value};
use crate::task::{Phase, Reward};

/// A column, and what a trial counts in it.
type Mean = (&'static str, fn(&Judged) -> f64);

const MEANS: [Mean; 5] = [
    ("translation_mm", |trial| trial.error.translation_mm()),
    ("yaw_deg", |trial| trial.error.yaw_deg.abs()),
    ("success_share", |trial| f64::from(u8::from(trial.success))),
    ("placed_share", |trial| f64::from(u8::from(trial.outcome == crate::task::Outcome::Placed))),
    ("robot_time_s", |trial| trial.robot_seconds),
];

/// A row a checkpoint (trials learned from before it) and phase: means over its trials, as the report has
/// them. Without a placement a trial counts as far off as no correction at all would leave it.
pub fn checkpoints(source: &Source, store: &TrialStore, trials: &Table) -> Result<Table, Failure> {
    let reward = Reward::new(&source.experiment()?.task);
    let evaluated: BTreeSet<(u64, &str, Phase)> = trials
        .rows
        .iter()
        .filter_map(|row| {
            let phase = Phase::from_name(trials.at(row, "phase").text()?)?;
            let at = u64::try_from(trials.at(row, "checkpoint").integer()?).ok()?;
            Some((at, phase.name(), phase))
        })
        .filter(|(.., phase)| [Phase::InScene, Phase::HeldOut].contains(phase))
        .collect();
    let mut columns =
        vec![Column::new("checkpoint", Kind::Integer), Column::new("phase", Kind::Text)];
    columns.extend(MEANS.map(|(name, _)| Column::new(name, Kind::Real)));
    columns.push(Column::new("trials", Kind::Integer));
    let mut rows = Vec::new();
    for (at, name, phase) in evaluated {
        let all = store.trials(phase, at)?;
        let judged: Vec<Judged> = all
            .iter()
            .filter_map(|row| row.result.as_ref())
            .map(|result| judge(&reward, result))
            .collect();
        if judged.is_empty() {
            continue;
        }
        let mut row = vec![Value::Integer(at as i64), Value::Text(name.to_owned())];
        let mean = |of: fn(&Judged) -> f64| {
            Value::Real(judged.iter().map(of).sum::<f64>() / judged.len() as f64)
        };
        row.extend(MEANS.map(|(_, of)| mean(of)));
        row.push(Value::Integer(judged.len() as i64));
        rows.push(row);
    }
    Ok(Table { columns, rows })
}
