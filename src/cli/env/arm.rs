//! The task on a real arm, for programs in other languages: each trial is on disk before its attempt moves
//! anything, and after a stop nothing moves until the command is given again.

use std::path::Path;

use serde_json::{Value, json};

use super::answers::{NOTHING_PREPARED, Request, describe, in_range, shown, told, understood};
use crate::cell::{Observation, Watch, Workcell};
use crate::cli::Failure;
use crate::cli::backend::Cells;
use crate::cli::requested;
use crate::lab::{Experiment, LabError, Occasion, Trials};
use crate::learn::Decision;
use crate::store::{Durability, Intent, TrialStore};
use crate::task::{Correction, Phase, RewardSignal, Setup, TrialKey};

pub struct OnArm<'a> {
    experiment: Experiment,
    trials: Trials,
    signal: RewardSignal,
    cell: Box<dyn Workcell>,
    watch: Box<dyn Watch + 'a>,
    store: TrialStore,
    next: u64,
    prepared: Option<(Setup, Observation)>,
    /// Why nothing moves any more.
    stopped: Option<LabError>,
}

impl<'a> OnArm<'a> {
    /// Connects, and lets the arm recover what lies about. `file` holds the trials; one that is there is gone
    /// on with where `resume` says so.
    pub fn new(
        (experiment, seed, signal): (Experiment, u64, RewardSignal),
        cells: &Cells,
        (file, resume): (&Path, bool),
        mut watch: Box<dyn Watch + 'a>,
    ) -> Result<Self, Failure> {
        let info = requested::info(&experiment, seed, cells)?;
        let there = match file.exists() {
            true => Some(requested::opened(file, resume, &info)?),
            false => None,
        };
        let cell = cells.cell(&experiment.scene)?;
        let mut cell = cell.ok_or_else(|| {
            Failure::Input(format!(
                "scene {:?}: does not stand on the robot's table",
                experiment.scene
            ))
        })?;
        // An arm that does not answer leaves no file.
        let create = || TrialStore::create(file, &info, Durability::Power).map_err(LabError::from);
        let store = there.map_or_else(create, Ok)?;
        let trials = Trials::new(&experiment.task, seed);
        let made = requested::settle(&store, &trials).map_err(LabError::from)?;
        cell.recover(watch.as_mut())?;
        Ok(Self {
            experiment,
            trials,
            signal,
            cell,
            watch,
            store,
            next: made,
            prepared: None,
            stopped: None,
        })
    }

    /// The answer to a line.
    pub fn hear(&mut self, line: &str) -> Result<Value, String> {
        if let Some(stopped) = &self.stopped {
            return Err(format!("{stopped}; nothing moves any more: begin again with --resume"));
        }
        match understood(line)? {
            Request::Describe => {
                let mut told = describe(&self.experiment, &self.trials, self.signal);
                told["backend"] = json!(crate::lab::HARDWARE);
                Ok(told)
            }
            Request::Prepare { phase: None, index: None, offset: None } => self.prepare(),
            Request::Prepare { .. } => {
                Err("\"phase\", \"index\" and \"offset\": must not be there with --backend \
                 real, where training trials come one after the other"
                    .to_owned())
            }
            Request::Attempt { correction } => self.attempt(Correction::from_axes(correction)),
            Request::Step { correction } => {
                let mut answer = self.attempt(Correction::from_axes(correction))?;
                // What came of the attempt is told, whatever stops what comes after it.
                answer["next"] = self.prepare().unwrap_or_else(|error| json!({ "error": error }));
                Ok(answer)
            }
        }
    }

    /// Why it stopped, if it did.
    pub fn end(self) -> Result<(), Failure> {
        self.stopped.map_or(Ok(()), |why| Err(why.into()))
    }

    fn prepare(&mut self) -> Result<Value, String> {
        let occasion = self.occasion();
        let setup = self.trials.setup(occasion);
        self.watch.begins(occasion.key, 0);
        let seen = self.cell.prepare(&setup, self.watch.as_mut());
        let seen = seen.map_err(|error| self.stop(error.into()))?;
        let answer = shown(occasion.key, &setup, &seen);
        self.prepared = Some((setup, seen));
        Ok(answer)
    }

    fn attempt(&mut self, correction: Correction) -> Result<Value, String> {
        let (setup, seen) = self.prepared.as_ref().ok_or(NOTHING_PREPARED)?;
        let correction = in_range(&self.experiment, correction)?;
        let intent = Intent {
            key: setup.key,
            checkpoint: 0,
            instance: setup.instance,
            offset: setup.offset,
            seen: seen.pose,
            decision: Decision::at(correction),
            image: Some(seen.image.clone()),
        };
        let occasion = self.occasion();
        let kept = self.store.intend(&intent).map_err(LabError::from);
        kept.map_err(|error| self.stop(error))?;
        let attempt = self.cell.attempt(correction, self.watch.as_mut());
        let attempt = attempt.map_err(|error| self.stop(error.into()))?;
        let result = self.trials.result(&attempt);
        let kept =
            crate::lab::Record::record(&mut self.store, occasion, &result, attempt.after.as_ref());
        kept.map_err(|error| self.stop(error.into()))?;
        self.prepared = None;
        self.next += 1;
        Ok(told(&self.trials, &attempt, self.signal))
    }

    fn occasion(&self) -> Occasion {
        let key = TrialKey { phase: Phase::Train, index: self.next };
        Occasion { key, checkpoint: 0, made: self.next, scene: None }
    }

    fn stop(&mut self, why: LabError) -> String {
        let said = why.to_string();
        self.prepared = None;
        self.stopped = Some(why);
        said
    }
}
