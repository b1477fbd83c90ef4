use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde_json::json;

use super::{Source, Unborn};
use crate::cli::Failure;
use crate::lab::read_run;
use crate::report::{Checkpoint, RunResult, Scores, metrics};
use crate::task::Phase;

const FILE: &str = "scores.json";

type Matrix = Vec<Vec<f64>>;
/// A phase, and what a checkpoint says of it.
type Part = (Phase, fn(&Checkpoint) -> &Scores);

/// Writes the matrices that rliable and openrlbenchmark want: by phase, metric and method a list of runs,
/// each a list of values at the checkpoints. Complete runs only. Returns how many there are.
pub fn write(from: &Path, sources: &[Source], unborn: &mut Unborn) -> Result<usize, Failure> {
    let mut runs: BTreeMap<String, Vec<RunResult>> = BTreeMap::new();
    for (at, source) in sources.iter().enumerate() {
        let store = source.store()?;
        if !store.is_complete()? {
            eprintln!("{}/{}: {}: not complete, left out", at + 1, sources.len(), source.name());
            continue;
        }
        let result = read_run(&source.experiment()?, &store)?;
        let own = runs.entry(source.info.method.clone()).or_default();
        if own.first().is_some_and(|first| axis(first) != axis(&result)) {
            let name = source.name();
            eprintln!("{}/{}: {name}: has other checkpoints, left out", at + 1, sources.len());
            continue;
        }
        eprintln!("{}/{}: {}", at + 1, sources.len(), source.name());
        own.push(result);
    }
    let count = runs.values().map(Vec::len).sum();
    if count == 0 {
        let what = format!("{}: no run is complete yet: there are no scores", from.display());
        return Err(Failure::Input(what));
    }
    let phases: [Part; 2] = [(Phase::InScene, |c| &c.in_scene), (Phase::HeldOut, |c| &c.held_out)];
    let mut scores: BTreeMap<&str, BTreeMap<&str, BTreeMap<&str, Matrix>>> = BTreeMap::new();
    for (phase, of) in phases {
        for metric in metrics() {
            let values =
                |run: &RunResult| run.checkpoints.iter().map(|c| of(c).value(&metric)).collect();
            let by_method = scores.entry(phase.name()).or_default().entry(metric.key).or_default();
            for (name, all) in &runs {
                by_method.insert(name, all.iter().map(values).collect());
            }
        }
    }
    let seeds = |runs: &Vec<RunResult>| runs.iter().map(|run| run.seed).collect::<Vec<_>>();
    let by_method = |of: &dyn Fn(&Vec<RunResult>) -> serde_json::Value| {
        runs.iter().map(|(name, all)| (name.clone(), of(all))).collect::<serde_json::Map<_, _>>()
    };
    let units: BTreeMap<&str, &str> = metrics().iter().map(|m| (m.key, m.unit)).collect();
    let all = json!({
        "checkpoints": by_method(&|all| json!(all.first().map(axis))),
        "seeds": by_method(&|all| json!(seeds(all))),
        "units": units,
        "scores": scores,
    });
    let text = serde_json::to_string_pretty(&all).map_err(|error| unborn.failed(error))?;
    let written = unborn.create(FILE)?.write_all((text + "\n").as_bytes());
    written.map_err(|error| unborn.failed(error))?;
    unborn.wrote(FILE, count as u64);
    Ok(count)
}

/// Its checkpoints, by trials made before.
fn axis(run: &RunResult) -> Vec<i64> {
    run.checkpoints.iter().map(|checkpoint| checkpoint.trial).collect()
}
