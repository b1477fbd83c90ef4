//! Trials that a program or a command asked for, one by one: kept like those of a run, without a method.

use std::path::Path;

use super::backend::Cells;
use crate::cli::Failure;
use crate::lab::{Experiment, LabError, REQUESTED, Trials};
use crate::store::{Durability, RunInfo, StoreError, Stored, TrialStore};
use crate::task::{Outcome, Phase};

/// What the file of such trials says that they are.
pub fn info(experiment: &Experiment, seed: u64, cells: &Cells) -> Result<RunInfo, Failure> {
    Ok(RunInfo {
        experiment: experiment.of_run(REQUESTED, seed).to_toml(),
        method: REQUESTED.to_owned(),
        seed,
        provenance: cells.provenance(&[&experiment.scene])?,
        version: crate::VERSION.to_owned(),
        commit: crate::COMMIT.to_owned(),
    })
}

/// The file of the trials that were made, of the same experiment, seed and arm.
pub fn opened(file: &Path, resume: bool, info: &RunInfo) -> Result<TrialStore, Failure> {
    let name = file.display();
    if !resume {
        return Err(Failure::Input(format!(
            "{name}: holds trials; --resume goes on with them, --out names another file"
        )));
    }
    let there = TrialStore::read(file).and_then(|store| store.info()).map_err(LabError::from)?;
    let same = [
        ("experiment", &there.experiment, &info.experiment),
        ("method", &there.method, &info.method),
        ("seed", &there.seed.to_string(), &info.seed.to_string()),
    ];
    let differs =
        same.into_iter().find(|(_, there, asked)| there != asked).map(|(what, ..)| what.to_owned());
    let differs =
        differs.or_else(|| there.provenance.difference(&info.provenance).map(|(what, ..)| what));
    if let Some(what) = differs {
        return Err(Failure::Input(format!(
            "{name}: its trials are of another {what}; --out names another file"
        )));
    }
    Ok(TrialStore::open(file, Durability::Power).map_err(LabError::from)?)
}

/// How many trials were made; one that was cut off happened, nobody knows how, and is never made twice.
pub fn settle(store: &TrialStore, trials: &Trials) -> Result<u64, StoreError> {
    let rows = store.trials(Phase::Train, 0)?;
    for row in rows.iter().filter(|row| row.result.is_none()) {
        let floor = trials.reward().of_attempt(Outcome::Interrupted, None);
        let result = Stored::interrupted(row.intent.decision.correction, floor);
        store.record(row.intent.key, 0, &result)?;
    }
    Ok(rows.len() as u64)
}
