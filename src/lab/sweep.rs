use std::collections::{BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::seq::SliceRandom;

use super::collect::{Ended, assemble, is_complete};
use super::run_file::{Asked, RunFile};
use super::{
    Entry, Experiment, FolderError, LabError, MakeCell, MakeStart, Part, Run, UntilRaised, read_run,
};
use crate::cell::{Detail, Snapshot, Watch};
use crate::config::Scene;
use crate::input::ConfigError;
use crate::learn::{Card, Recipe};
use crate::report::{ExperimentResult, RunResult};
use crate::store::{Durability, Provenance, RunInfo, Session, Start, TrialStore};
use crate::task::{Phase, Stream, Streams, TrialKey};

/// Many runs: every method with every seed, seed by seed, several at once.
pub struct Sweep<'a> {
    pub experiment: &'a Experiment,
    pub folder: &'a Path,
    /// Which of its runs.
    pub part: &'a Part,
    /// Where runs are made before they are moved to the folder; `None` for the folder itself.
    pub scratch: Option<&'a Path>,
    pub jobs: usize,
    /// Makes a cell for a scene; called once a run and once more for the demonstration.
    pub cells: &'a MakeCell<'a>,
    /// What each run begins with.
    pub starts: &'a MakeStart<'a>,
    /// Written into every run, and compared when one is resumed.
    pub provenance: Provenance,
    /// Written into every run: who makes it, and where.
    pub session: Session,
    /// There is one arm: a run that another process works on is not waited for, and the methods of a
    /// seed take their turns in random order, so that what drifts does not pass for skill.
    pub alone: bool,
    pub durability: Durability,
    /// Raised from outside to stop.
    pub stop: &'a AtomicBool,
    /// Makes a watcher for a run's trials in a scene; what it sees changes nothing.
    pub watch: &'a MakeWatch<'a>,
}

/// Makes who watches trials in a scene.
pub type MakeWatch<'a> = dyn Fn(&str) -> Box<dyn Watch> + Sync + 'a;

/// What happens during a sweep, told on the caller's thread.
#[derive(Debug)]
pub enum Event<'e> {
    Started {
        method: &'e str,
        seed: u64,
    },
    /// A run has written this down.
    Wrote {
        method: &'e str,
        seed: u64,
        entry: &'e Entry,
    },
    /// Another process works on this run, which is waited for at the end.
    Elsewhere {
        method: &'e str,
        seed: u64,
    },
    Finished {
        method: &'e str,
        seed: u64,
        result: &'e RunResult,
    },
    /// A method failed, which ends its own run only.
    Failed {
        method: &'e str,
        seed: u64,
        reason: &'e str,
    },
    /// Every method has finished this seed; the results so far hold complete seeds only.
    Seed {
        seed: u64,
        results: &'e ExperimentResult,
    },
}

enum Message {
    Started(usize),
    Wrote(usize, Entry),
    Elsewhere(usize),
    Ended(usize, Box<Ended>),
    Aborted(LabError),
}

/// The same order whenever it is asked for.
fn shuffle_within_seeds(runs: &mut [usize], seed: impl Fn(usize) -> u64) {
    for block in runs.chunk_by_mut(|a, b| seed(*a) == seed(*b)) {
        let key = TrialKey { phase: Phase::Train, index: 0 };
        block.shuffle(&mut Streams::new(seed(block[0])).draw(Stream::Turns, key));
    }
}

/// How long a run that another process works on is left alone.
const ELSEWHERE: Duration = Duration::from_millis(300);

impl Sweep<'_> {
    /// Runs what is not complete yet. A method that fails ends its own run, which is noted and
    /// returned with the results. On an interruption or any other error, the other runs stop at
    /// their next trial, and everything so far is kept.
    pub fn run(&self, tell: &mut dyn FnMut(Event<'_>)) -> Result<ExperimentResult, LabError> {
        let all = Part::All.runs(self.experiment).unwrap_or_default();
        let wanted = self.part.runs(self.experiment).map_err(|why| ConfigError {
            file: self.experiment.name.clone(),
            key: "--only".to_owned(),
            value: String::new(),
            valid: why,
        })?;
        let is_wanted = |at: &usize| {
            let (seed, recipe) = all[*at];
            wanted.iter().any(|(s, r)| *s == seed && r.card().name == recipe.card().name)
        };
        let mut order: Vec<usize> = (0..all.len()).filter(is_wanted).collect();
        if self.alone {
            shuffle_within_seeds(&mut order, |at| all[at].0);
        }
        let queue: Mutex<VecDeque<usize>> = Mutex::new(order.into());
        let mut done: Vec<Option<Ended>> = vec![None; all.len()];
        let abort = AtomicBool::new(false);
        let (sender, receiver) = channel();
        let mut failure = None;
        let named = |at: usize| (all[at].0, all[at].1.card().name.as_str());
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.clamp(1, wanted.len().max(1)) {
                let (sender, runs, queue, abort) = (sender.clone(), &all, &queue, &abort);
                scope.spawn(move || self.work(runs, queue, abort, &sender));
            }
            drop(sender);
            for message in receiver {
                match message {
                    Message::Started(at) => {
                        let (seed, method) = named(at);
                        tell(Event::Started { method, seed });
                    }
                    Message::Wrote(at, entry) => {
                        let (seed, method) = named(at);
                        tell(Event::Wrote { method, seed, entry: &entry });
                    }
                    Message::Elsewhere(at) => {
                        let (seed, method) = named(at);
                        tell(Event::Elsewhere { method, seed });
                    }
                    Message::Ended(at, ended) => {
                        let (seed, method) = named(at);
                        tell(match ended.as_ref() {
                            Ok(result) => Event::Finished { method, seed, result },
                            Err(reason) => Event::Failed { method, seed, reason },
                        });
                        done[at] = Some(*ended);
                        if self.seed_is_complete(&done, at) {
                            let results = assemble(self.experiment, &done);
                            tell(Event::Seed { seed, results: &results });
                        }
                    }
                    Message::Aborted(error) => {
                        abort.store(true, Ordering::Relaxed);
                        // The first real error says more than the interruptions it causes.
                        let first =
                            failure.as_ref().is_none_or(|f| matches!(f, LabError::Interrupted));
                        if first {
                            failure = Some(error);
                        }
                    }
                }
            }
        });
        match failure {
            Some(error) => Err(error),
            None => Ok(assemble(self.experiment, &done)),
        }
    }

    fn work(
        &self,
        runs: &[(u64, &Recipe)],
        queue: &Mutex<VecDeque<usize>>,
        abort: &AtomicBool,
        sender: &Sender<Message>,
    ) {
        // A send fails only if the receiver is gone, and then nobody is left to tell.
        let send = |message| drop(sender.send(message));
        let queue = || queue.lock().unwrap_or_else(PoisonError::into_inner);
        let mut elsewhere = BTreeSet::new();
        loop {
            let Some(at) = queue().pop_front() else { return };
            if abort.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed) {
                return send(Message::Aborted(LabError::Interrupted));
            }
            let (seed, recipe) = runs[at];
            let tell = &mut |message: Option<Entry>| {
                send(message.map_or(Message::Started(at), |entry| Message::Wrote(at, entry)));
            };
            match self.one(recipe, seed, abort, tell) {
                Ok(Some(ended)) => send(Message::Ended(at, Box::new(ended))),
                Ok(None) => {
                    if elsewhere.insert(at) {
                        send(Message::Elsewhere(at));
                    }
                    queue().push_back(at);
                    std::thread::sleep(ELSEWHERE);
                }
                Err(error) => return send(Message::Aborted(error)),
            }
        }
    }

    /// `None`: another process works on it. `tell` hears that it has begun, then its entries.
    fn one(
        &self,
        recipe: &Recipe,
        seed: u64,
        abort: &AtomicBool,
        tell: &mut dyn FnMut(Option<Entry>),
    ) -> Result<Option<Ended>, LabError> {
        let method = &recipe.card().name;
        let asked = RunFile::ask((self.folder, self.scratch), (method, seed), &self.session.host)?;
        let file = match asked {
            Asked::Ours(file) => file,
            Asked::Elsewhere if self.alone => {
                let why = "another rmrl is working on this run".to_owned();
                return Err(FolderError::Refused { path: self.folder.into(), why }.into());
            }
            Asked::Elsewhere => return Ok(None),
        };
        let info = self.info(method, seed);
        tell(None);
        if let Some(store) = file.complete(&info)? {
            return Ok(Some(Ok(read_run(self.experiment, &store)?)));
        }
        let store = file.open(&info, self.durability)?;
        store.note_contrasts(&self.experiment.contrasts_sha256())?;
        store.begin_session(&self.session)?;
        store.note_failure(None)?;
        let made = self.make(recipe, seed, store, abort, &mut |entry| {
            if matches!(entry, Entry::Learned { .. }) {
                file.still_here();
            }
            tell(Some(entry));
        });
        let ended = match made {
            Err(LabError::Learn { source, .. }) => {
                let reason = source.to_string();
                let store = TrialStore::open(file.working(), self.durability)?;
                store.note_failure(Some(&reason))?;
                Some(reason)
            }
            Err(error) => {
                let handed_over = file.hand_over(self.durability);
                return Err(match (error, handed_over) {
                    (LabError::Interrupted, Err(worse)) => worse,
                    // Told is what went wrong first; what was made is where it was.
                    (error, _) => error,
                });
            }
            Ok(()) => None,
        };
        let path = file.hand_over(self.durability)?;
        match ended {
            Some(reason) => Ok(Some(Err(reason))),
            None => Ok(Some(Ok(read_run(self.experiment, &TrialStore::read(&path)?)?))),
        }
    }

    fn info(&self, method: &str, seed: u64) -> RunInfo {
        RunInfo {
            experiment: self.experiment.of_run(method, seed).to_toml(),
            method: method.to_owned(),
            seed,
            provenance: self.provenance.clone(),
            version: crate::VERSION.to_owned(),
            commit: crate::COMMIT.to_owned(),
        }
    }

    /// Makes what a run lacks.
    fn make(
        &self,
        recipe: &Recipe,
        seed: u64,
        store: TrialStore,
        abort: &AtomicBool,
        tell: &mut dyn FnMut(Entry),
    ) -> Result<(), LabError> {
        let watch = |scene: &str| -> Box<dyn Watch + '_> {
            let stops = [UntilRaised(self.stop), UntilRaised(abort)];
            Box::new(Watched { stops, own: (self.watch)(scene) })
        };
        self.begin(recipe, seed, &store)?;
        let scene = &self.experiment.scene;
        let cell = (self.cells)(scene)?.ok_or_else(|| self.absent(scene))?;
        let mut looks_on = watch(scene);
        let mut run = Run::new(self.experiment, recipe, seed, cell, store, looks_on.as_mut())?;
        run.go_on(self.cells, &watch, tell)
    }

    /// Gives a run what it is to begin with, before its first trial and once.
    fn begin(&self, recipe: &Recipe, seed: u64, store: &TrialStore) -> Result<(), LabError> {
        if !store.has_begun()? && store.newest()?.is_none() {
            let start = (self.starts)(recipe, seed)?;
            if start != Start::default() {
                store.begin_with(&start)?;
            }
        }
        // A run that lacks what its experiment says that it was given would make it itself.
        let Card { name, prior_trials, prior_given, .. } = recipe.card();
        let asked = self.experiment.given_to(name);
        let (weights, prior) = (store.initial_weights()?, store.given()?);
        let whole = (!prior_given || prior == *prior_trials) && (!asked || weights.is_some());
        match whole {
            true => Ok(()),
            false => Err(ConfigError {
                file: self.experiment.name.clone(),
                key: "given".to_owned(),
                value: format!("{name}, seed {seed}"),
                valid:
                    "must be given again what this run begins with: train with --init or --prior"
                        .to_owned(),
            }
            .into()),
        }
    }

    fn absent(&self, scene: &str) -> ConfigError {
        ConfigError {
            file: self.experiment.name.clone(),
            key: "scene".to_owned(),
            value: format!("{scene:?}"),
            valid: "must be the scene that stands on the robot's table".to_owned(),
        }
    }

    fn seed_is_complete(&self, done: &[Option<Ended>], at: usize) -> bool {
        let methods = self.experiment.methods.len();
        let first = at / methods * methods;
        done[first..first + methods].iter().all(is_complete)
    }
}

/// A run's own watcher, and what may stop it.
struct Watched<'a> {
    stops: [UntilRaised<'a>; 2],
    own: Box<dyn Watch>,
}

impl Watch for Watched<'_> {
    fn tick(&mut self, snapshot: &Snapshot) -> ControlFlow<()> {
        self.own.tick(snapshot)?;
        self.stops.iter_mut().try_for_each(|stop| stop.tick(snapshot))
    }

    fn closely(&self) -> bool {
        self.own.closely()
    }

    fn detail(&mut self, detail: &Detail) {
        self.own.detail(detail);
    }

    fn begins(&mut self, key: TrialKey, checkpoint: u64) {
        self.own.begins(key, checkpoint);
    }

    fn met(&mut self, scene: &Scene) {
        self.own.met(scene);
    }
}

#[cfg(test)]
#[path = "sweep_tests.rs"]
mod tests;
