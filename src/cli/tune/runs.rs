use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use super::folder::Folder;
use super::plan::Plan;
use super::progress::Progress;
use super::record::Record;
use super::{All, Key};
use crate::cell::Unwatched;
use crate::cli::Failure;
use crate::cli::cells::SimCells;
use crate::cli::compare::{scratch, tidy};
use crate::cli::session;
use crate::lab::{self, Entry, Event, Experiment, LabError, Part, Schedule, Sweep, Wish, read_run};
use crate::report::RunResult;
use crate::store::{Durability, Provenance, Start, TrialStore};
use crate::task::Phase;

/// How a run ended, and what it cost.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its figures, or why its method failed.
    pub result: Result<RunResult, String>,
    /// Trials that could be learned from, prior ones included.
    pub trials: u64,
    /// Trials of evaluations.
    pub evaluation: u64,
    /// Robot time of them all.
    pub robot_s: f64,
}

/// Makes runs of a tune.
pub struct Runs<'a> {
    pub plan: &'a Plan,
    pub folder: &'a Folder,
    /// Where runs are made before they are moved to the folder.
    pub scratch: Option<&'a Path>,
    pub cells: &'a SimCells,
    pub provenance: Provenance,
    pub stop: &'a AtomicBool,
}

enum Message {
    Trial,
    Ended(Key, Box<Made>),
    Aborted(LabError),
}

impl Runs<'_> {
    /// Makes those that are not there yet, several at once; how many that were comes with them. One
    /// whose method failed has ended: it would fail again.
    pub fn make(
        &self,
        runs: &[Key],
        jobs: usize,
        progress: &mut Progress,
    ) -> Result<(All, usize), Failure> {
        let mut ended = All::new();
        for key in runs {
            if let Some(made) = self.look(*key)? {
                progress.found();
                ended.insert(*key, made);
            }
        }
        let to_make: Vec<Key> =
            runs.iter().filter(|key| !ended.contains_key(key)).copied().collect();
        let (next, abort) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (sender, receiver) = channel();
        let mut failure = None;
        std::thread::scope(|scope| {
            for _ in 0..jobs.clamp(1, to_make.len().max(1)) {
                let (sender, to_make, next, abort) = (sender.clone(), &to_make, &next, &abort);
                scope.spawn(move || {
                    // A send fails only if the receiver is gone, and then nobody is left to tell.
                    let send = |message| drop(sender.send(message));
                    while let Some(key) = to_make.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if abort.load(Ordering::Relaxed) {
                            return;
                        }
                        match self.one(*key, &mut || send(Message::Trial)) {
                            Ok(made) => send(Message::Ended(*key, Box::new(made))),
                            Err(error) => return send(Message::Aborted(error)),
                        }
                    }
                });
            }
            drop(sender);
            for message in receiver {
                match message {
                    Message::Trial => progress.trial(),
                    Message::Ended(key, made) => {
                        progress.ended(key, &made);
                        ended.insert(key, *made);
                    }
                    Message::Aborted(error) => {
                        abort.store(true, Ordering::Relaxed);
                        // The first real error says more than the interruptions it causes.
                        if failure.as_ref().is_none_or(|f| matches!(f, LabError::Interrupted)) {
                            failure = Some(error);
                        }
                    }
                }
            }
        });
        if let Some(dir) = self.scratch {
            for (setting, _) in &to_make {
                let scratch = scratch(dir, &self.folder.setting(*setting));
                tidy(&scratch, self.plan.experiment());
            }
        }
        match failure {
            None => Ok((ended, to_make.len())),
            Some(LabError::Interrupted) => {
                progress.end();
                Err(Failure::Interrupted(
                    "interrupted; everything so far is kept, and the same command goes on".into(),
                ))
            }
            Some(error) => Err(error.into()),
        }
    }

    /// Puts what a rung needs into the record, also what other shards made; how many runs are missing.
    pub fn gather(
        &self,
        all: &[Key],
        made: &All,
        record: &mut Record<'_>,
    ) -> Result<usize, Failure> {
        let mut missing = 0;
        for key in all {
            let found = match made.get(key) {
                Some(made) => Some(made.clone()),
                None => self.look(*key)?,
            };
            match found {
                Some(made) => record.add(*key, made),
                None => missing += 1,
            }
        }
        Ok(missing)
    }

    fn one(&self, key: Key, trial: &mut dyn FnMut()) -> Result<Made, LabError> {
        let (setting, seed) = key;
        let experiment = &self.plan.candidates[setting].experiment;
        let out = self.folder.setting(setting);
        // An experiment like any other: `rmrl report` and `status` read it.
        let (folder, _) = lab::Folder::open(&out, experiment, Wish::Resume)?;
        let scratch = self.scratch.map(|dir| scratch(dir, &out));
        let sweep = Sweep {
            experiment,
            folder: folder.path(),
            part: &Part::Only(vec![(self.plan.method.clone(), seed)]),
            scratch: scratch.as_deref(),
            jobs: 1,
            alone: false,
            cells: &|scene| Ok(Some(self.cells.cell(scene)?)),
            starts: &|_, _| Ok(Start::default()),
            provenance: self.provenance.clone(),
            session: session::now(None),
            durability: Durability::Process,
            stop: self.stop,
            watch: &|_| Box::new(Unwatched),
        };
        sweep.run(&mut |event| {
            if let Event::Wrote { entry: Entry::Tried { .. }, .. } = event {
                trial();
            }
        })?;
        // Where it ended, it says so.
        self.look(key)?.ok_or(LabError::Interrupted)
    }

    /// A run that has ended.
    fn look(&self, (setting, seed): Key) -> Result<Option<Made>, LabError> {
        let path = self.folder.run(setting, &self.plan.method, seed);
        read(&path, &self.plan.candidates[setting].experiment)
    }
}

fn read(path: &Path, experiment: &Experiment) -> Result<Option<Made>, LabError> {
    if !path.is_file() {
        return Ok(None);
    }
    let store = TrialStore::read(path)?;
    let result = match store.failed()? {
        Some(reason) => Err(reason),
        None if store.is_complete()? => Ok(read_run(experiment, &store)?),
        None => return Ok(None),
    };
    let schedule = Schedule::new(experiment, experiment.methods[0].card());
    let done = store.done(schedule.trials())?;
    let learned = [Phase::Prior.name(), Phase::Train.name()];
    let count = |is_learned: bool| {
        let of = done.iter().filter(|(phase, ..)| learned.contains(&phase.as_str()) == is_learned);
        of.map(|(_, trials, _)| trials).sum()
    };
    let robot_s = done.iter().map(|(.., seconds)| seconds).sum();
    Ok(Some(Made { result, trials: count(true), evaluation: count(false), robot_s }))
}
