//! The results of an experiment from what its folder holds.

use std::path::{Path, PathBuf};

use super::folder::file_of;
use super::{Experiment, LabError, Part, SIMULATION, growth, read_run};
use crate::config::{Grasp, Robot, Scene};
use crate::input::{ConfigError, sha256};
use crate::learn::Recipe;
use crate::report::{ExperimentResult, FailedRun, Floor, MethodResult, RunResult, Started};
use crate::store::TrialStore;

/// Where a run is kept in its experiment's folder.
pub fn run_path(folder: &Path, method: &str, seed: u64) -> PathBuf {
    folder.join(method).join(format!("{seed}.sqlite"))
}

/// How a run ended: with its results, or with the reason why its method failed.
pub(super) type Ended = Result<RunResult, String>;

/// Reads a folder's complete seeds and failed runs again, as a sweep would have told them.
pub fn read_results(folder: &Path, experiment: &Experiment) -> Result<ExperimentResult, LabError> {
    let mut done = Vec::new();
    // Runs of each method that were begun and have no end yet.
    let mut cut_off = vec![0; experiment.methods.len()];
    for seed in experiment.seeds() {
        for (at, method) in experiment.names().enumerate() {
            let path = run_path(folder, method, seed);
            let store = if path.is_file() { Some(TrialStore::read(&path)?) } else { None };
            done.push(match store {
                Some(store) if is_whole(experiment, (&path, method, seed), &store)? => {
                    Some(Ok(read_run(experiment, &store)?))
                }
                Some(store) => {
                    let failed = store.failed()?.map(Err);
                    cut_off[at] += usize::from(failed.is_none());
                    failed
                }
                None => None,
            });
        }
    }
    let mut result = assemble(experiment, &done);
    for (at, method) in result.methods.iter_mut().enumerate() {
        method.started.begun += cut_off[at];
    }
    Ok(result)
}

/// The runs of an experiment that its folder lacks: method and seed.
pub fn missing(folder: &Path, experiment: &Experiment) -> Result<Vec<(String, u64)>, LabError> {
    let mut missing = Vec::new();
    for (seed, recipe) in Part::All.runs(experiment).unwrap_or_default() {
        let method = &recipe.card().name;
        let path = run_path(folder, method, seed);
        if !path.is_file()
            || !is_whole(experiment, (&path, method, seed), &TrialStore::read(&path)?)?
        {
            missing.push((method.clone(), seed));
        }
    }
    Ok(missing)
}

/// Is a run complete, also by a plan that has grown since? A run of another plan is an error: its
/// figures would stand for this one's.
fn is_whole(
    experiment: &Experiment,
    (path, method, seed): (&Path, &str, u64),
    store: &TrialStore,
) -> Result<bool, LabError> {
    let info = store.info()?;
    let file = path.display().to_string();
    let differs = |key: &str, value: String, valid: String| ConfigError {
        file: file.clone(),
        key: key.to_owned(),
        value,
        valid,
    };
    if (info.method.as_str(), info.seed) != (method, seed) {
        let value = format!("{} {}", info.method, info.seed);
        let valid = format!("must be {method} {seed}, as the file's name says");
        return Err(differs("run", value, valid).into());
    }
    match growth::of_run(&file, &info, experiment)? {
        None => Ok(store.is_complete()?),
        Some(Ok(())) => Ok(false),
        Some(Err((key, found, wanted))) => {
            let valid = format!("is of another plan than experiment.toml, which says {wanted}");
            Err(differs(&key, found, valid).into())
        }
    }
}

/// The name of a built-in experiment as it stands; of any other, its file in the same folder. And where it was made, unless
/// in simulation.
fn command(experiment: &Experiment, complete: &[Vec<&RunResult>]) -> String {
    let backend = complete.iter().flatten().map(|run| run.origin.backend.as_str()).next();
    let there = backend.filter(|backend| *backend != SIMULATION);
    let there = there.map_or_else(String::new, |backend| format!(" --backend {backend}"));
    let built_in = Experiment::open(&experiment.name, &[]);
    if built_in.is_ok_and(|built_in| built_in.to_toml() == experiment.to_toml()) {
        return format!("rmrl compare {}{there}", experiment.name);
    }
    format!("rmrl compare experiment.toml{there} (the file beside this report)")
}

/// All of them, if runs of several programs lie in one folder.
fn listed(mut names: Vec<&str>) -> String {
    names.dedup();
    names.join(" and ")
}

/// What the arm's own noise leaves of a perfect correction. It is known in simulation, where error passes
/// through one to one: nothing centres the plate in the hand or at the target.
fn floor(experiment: &Experiment, complete: &[Vec<&RunResult>]) -> Option<Floor> {
    let simulated = complete.iter().flatten().all(|run| run.origin.backend == SIMULATION);
    (simulated && passes_through(experiment)).then(|| Floor::of(experiment.task.actuation))
}

/// Whether a plate ends where its pick puts it: nothing centres it in the hand or at the target.
pub(super) fn passes_through(experiment: &Experiment) -> bool {
    let cell = Robot::named(&experiment.robot).ok().zip(Scene::named(&experiment.scene).ok());
    cell.is_some_and(|(robot, scene)| {
        robot.gripper.grasp == Grasp::EdgePinch && scene.play().is_none()
    })
}

/// The results of the complete seeds. `done` is seed by seed, method by method.
pub(super) fn assemble(experiment: &Experiment, done: &[Option<Ended>]) -> ExperimentResult {
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
    let started = |at: usize| {
        let runs = || done.iter().skip(at).step_by(count).flatten();
        let complete = runs().filter(|run| run.is_ok()).count();
        Started { begun: runs().count(), complete, failed: runs().count() - complete }
    };
    let of_method = |(at, recipe): (usize, &Recipe)| MethodResult {
        card: recipe.card().clone(),
        settings: recipe.pairs(),
        started: started(at),
        runs: complete.iter().map(|seed| seed[at].clone()).collect(),
    };
    ExperimentResult {
        name: experiment.name.clone(),
        command: command(experiment, &complete),
        version: listed(versions),
        commit: listed(commits),
        task: experiment.task.clone(),
        trials: experiment.trials,
        evaluate_every: experiment.evaluation.every,
        evaluate_also: experiment.evaluation.also.clone(),
        evaluation_trials: experiment.evaluation.trials,
        floor: floor(experiment, &complete),
        seeds: experiment.seeds().collect(),
        contrasts: experiment.contrasts.clone(),
        pictures: experiment.pictures.clone(),
        contrasts_sha256: experiment.contrasts_sha256(),
        experiment_sha256: sha256(file_of(experiment)),
        methods: experiment.methods.iter().enumerate().map(of_method).collect(),
        failed: failed.collect(),
    }
}

pub(super) fn is_complete(run: &Option<Ended>) -> bool {
    matches!(run, Some(Ok(_)))
}
