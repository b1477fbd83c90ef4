use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use super::run::open_or_create;
use super::{Experiment, LabError, MakeCell, Run, UntilRaised, read_run};
use crate::cell::{Detail, Snapshot, Watch};
use crate::config::Scene;
use crate::input::ConfigError;
use crate::learn::Recipe;
use crate::report::{ExperimentResult, FailedRun, MethodResult, RunResult};
use crate::store::{Durability, RunInfo, TrialStore};
use crate::task::TrialKey;

/// Many runs: every method with every seed, seed by seed, several at once.
pub struct Sweep<'a> {
    pub experiment: &'a Experiment,
    pub folder: &'a Path,
    pub jobs: usize,
    /// Makes a cell for a scene; called once a run and once more for the demonstration.
    pub cells: &'a MakeCell<'a>,
    /// Written into every run: who made it.
    pub backend: String,
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
    Trial {
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
    Trial(usize),
    Ended(usize, Ended),
    Aborted(LabError),
}

/// How a run ended: with its results, or with the reason why its method failed.
type Ended = Result<RunResult, String>;

impl Sweep<'_> {
    /// Runs what is not complete yet. A method that fails ends its own run, which is noted and
    /// returned with the results. On an interruption or any other error, the other runs stop at
    /// their next trial, and everything so far is kept.
    pub fn run(&self, tell: &mut dyn FnMut(Event<'_>)) -> Result<ExperimentResult, LabError> {
        let runs: Vec<(u64, &Recipe)> = self
            .experiment
            .seeds()
            .flat_map(|seed| self.experiment.methods.iter().map(move |m| (seed, m)))
            .collect();
        let mut done: Vec<Option<Ended>> = vec![None; runs.len()];
        let (next, abort) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (sender, receiver) = channel();
        let mut failure = None;
        let named = |at: usize| (runs[at].0, runs[at].1.card().name.as_str());
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.clamp(1, runs.len()) {
                let (sender, runs, next, abort) = (sender.clone(), &runs, &next, &abort);
                scope.spawn(move || self.work(runs, next, abort, &sender));
            }
            drop(sender);
            for message in receiver {
                match message {
                    Message::Started(at) => {
                        let (seed, method) = named(at);
                        tell(Event::Started { method, seed });
                    }
                    Message::Trial(at) => {
                        let (seed, method) = named(at);
                        tell(Event::Trial { method, seed });
                    }
                    Message::Ended(at, ended) => {
                        let (seed, method) = named(at);
                        tell(match &ended {
                            Ok(result) => Event::Finished { method, seed, result },
                            Err(reason) => Event::Failed { method, seed, reason },
                        });
                        done[at] = Some(ended);
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
        next: &AtomicUsize,
        abort: &AtomicBool,
        sender: &Sender<Message>,
    ) {
        // A send fails only if the receiver is gone, and then nobody is left to tell.
        let send = |message| drop(sender.send(message));
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((seed, recipe)) = runs.get(at).copied() else { return };
            if abort.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed) {
                return send(Message::Aborted(LabError::Interrupted));
            }
            send(Message::Started(at));
            match self.one(recipe, seed, abort, &mut || send(Message::Trial(at))) {
                Ok(ended) => send(Message::Ended(at, ended)),
                Err(error) => return send(Message::Aborted(error)),
            }
        }
    }

    fn one(
        &self,
        recipe: &Recipe,
        seed: u64,
        abort: &AtomicBool,
        trial: &mut dyn FnMut(),
    ) -> Result<Ended, LabError> {
        let method = &recipe.card().name;
        let path = run_path(self.folder, method, seed);
        let info = RunInfo {
            experiment: self.experiment.to_toml(),
            method: method.clone(),
            seed,
            backend: self.backend.clone(),
            version: crate::VERSION.to_owned(),
            commit: crate::COMMIT.to_owned(),
        };
        let store = open_or_create(&path, &info, self.durability)?;
        if !store.is_complete()? {
            store.note_failure(None)?;
            let made = self.make(recipe, seed, store, abort, trial);
            if let Err(LabError::Learn { source, .. }) = made {
                let reason = source.to_string();
                TrialStore::open(&path, self.durability)?.note_failure(Some(&reason))?;
                return Ok(Err(reason));
            }
            made?;
        }
        Ok(Ok(read_run(self.experiment, &TrialStore::read(&path)?)?))
    }

    /// Makes what a run lacks.
    fn make(
        &self,
        recipe: &Recipe,
        seed: u64,
        store: TrialStore,
        abort: &AtomicBool,
        trial: &mut dyn FnMut(),
    ) -> Result<(), LabError> {
        let watch = |scene: &str| -> Box<dyn Watch + '_> {
            let stops = [UntilRaised(self.stop), UntilRaised(abort)];
            Box::new(Watched { stops, own: (self.watch)(scene) })
        };
        let scene = &self.experiment.scene;
        let cell = (self.cells)(scene)?.ok_or_else(|| self.absent(scene))?;
        let mut looks_on = watch(scene);
        let mut run = Run::new(self.experiment, recipe, seed, cell, store, looks_on.as_mut())?;
        run.go_on(self.cells, &watch, &mut |_| trial())
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

fn is_complete(run: &Option<Ended>) -> bool {
    matches!(run, Some(Ok(_)))
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

/// Where a run is kept in its experiment's folder.
pub fn run_path(folder: &Path, method: &str, seed: u64) -> PathBuf {
    folder.join(method).join(format!("{seed}.sqlite"))
}

/// Reads a folder's complete seeds and failed runs again, as a sweep would have told them.
pub fn read_results(folder: &Path, experiment: &Experiment) -> Result<ExperimentResult, LabError> {
    let mut done = Vec::new();
    for seed in experiment.seeds() {
        for method in experiment.names() {
            let path = run_path(folder, method, seed);
            let store = if path.is_file() { Some(TrialStore::read(&path)?) } else { None };
            done.push(match store {
                Some(store) if store.is_complete()? => Some(Ok(read_run(experiment, &store)?)),
                Some(store) => store.failed()?.map(Err),
                None => None,
            });
        }
    }
    Ok(assemble(experiment, &done))
}

/// The name of a built-in experiment as it stands; of any other, its file in the same folder.
fn command(experiment: &Experiment) -> String {
    let built_in = Experiment::open(&experiment.name, &[]);
    if built_in.is_ok_and(|built_in| built_in.to_toml() == experiment.to_toml()) {
        return format!("rmrl compare {}", experiment.name);
    }
    "rmrl compare experiment.toml (the file beside this report)".to_owned()
}

/// All of them, if runs of several programs lie in one folder.
fn listed(mut names: Vec<&str>) -> String {
    names.dedup();
    names.join(" and ")
}

/// The results of the complete seeds. `done` is seed by seed, method by method.
fn assemble(experiment: &Experiment, done: &[Option<Ended>]) -> ExperimentResult {
    let count = experiment.methods.len();
    let complete: Vec<Vec<&RunResult>> = done
        .chunks(count)
        .filter(|seed| seed.iter().all(is_complete))
        .map(|seed| seed.iter().flatten().flatten().collect())
        .collect();
    let named = experiment.seeds().flat_map(|seed| experiment.names().map(move |m| (seed, m)));
    let failed = done.iter().zip(named).filter_map(|(run, (seed, method))| match run {
        Some(Err(why)) => Some(FailedRun { method: method.to_owned(), seed, reason: why.clone() }),
        _ => None,
    });
    let mut programs: Vec<(&str, &str)> =
        complete.iter().flatten().map(|run| (run.version.as_str(), run.commit.as_str())).collect();
    programs.sort_unstable();
    programs.dedup();
    let (versions, commits): (Vec<_>, Vec<_>) = programs.into_iter().unzip();
    let of_method = |(at, recipe): (usize, &Recipe)| MethodResult {
        card: recipe.card().clone(),
        settings: recipe.pairs(),
        runs: complete.iter().map(|seed| seed[at].clone()).collect(),
    };
    ExperimentResult {
        name: experiment.name.clone(),
        command: command(experiment),
        version: listed(versions),
        commit: listed(commits),
        task: experiment.task.clone(),
        trials: experiment.trials,
        evaluate_every: experiment.evaluation.every,
        evaluation_trials: experiment.evaluation.trials,
        seeds: experiment.seeds().collect(),
        contrasts: experiment.contrasts.clone(),
        methods: experiment.methods.iter().enumerate().map(of_method).collect(),
        failed: failed.collect(),
    }
}
