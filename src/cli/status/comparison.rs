use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::files::{Files, is_held, pace};
use super::{hours, schedule};
use crate::cli::Failure;
use crate::cli::out::say;
use crate::lab::{Experiment, run_path};
use crate::learn::Recipe;
use crate::store::{StoreError, TrialStore};

/// How far a comparison is: read from its run files alone, so that it never writes, never waits, and
/// works while others run.
pub struct Comparison {
    name: String,
    folder: PathBuf,
    runs: Vec<Run>,
}

/// One method, one seed.
struct Run {
    method: String,
    seed: u64,
    state: State,
    trials: u64,
    of: u64,
    robot_s: f64,
    /// What its files say of when it was made.
    files: Option<Files>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Complete,
    Running,
    /// Begun, but nobody works on it.
    Stopped,
    /// Why its method failed.
    Failed(String),
    ToCome,
    /// Why its file cannot be read.
    Unreadable(String),
}

impl State {
    const NAMES: [&'static str; 6] =
        ["complete", "running", "stopped", "failed", "to come", "unreadable"];

    fn name(&self) -> &'static str {
        let at = match self {
            Self::Complete => 0,
            Self::Running => 1,
            Self::Stopped => 2,
            Self::Failed(_) => 3,
            Self::ToCome => 4,
            Self::Unreadable(_) => 5,
        };
        Self::NAMES[at]
    }

    /// More trials are to be expected of it.
    fn goes_on(&self) -> bool {
        matches!(self, Self::Running | Self::Stopped | Self::ToCome)
    }
}

impl Comparison {
    pub fn read(folder: &Path, experiment: &Experiment) -> Self {
        let of_seed = |seed| experiment.methods.iter().map(move |recipe| (recipe, seed));
        let runs = experiment.seeds().flat_map(of_seed);
        let runs = runs.map(|(recipe, seed)| Run::read(folder, experiment, recipe, seed)).collect();
        Self { name: experiment.name.clone(), folder: folder.to_owned(), runs }
    }

    /// Trials made, and planned.
    fn trials<'a>(runs: impl Iterator<Item = &'a Run>) -> (u64, u64) {
        runs.fold((0, 0), |(made, of), run| (made + run.trials, of + run.of))
    }

    fn count<'a>(runs: impl Iterator<Item = &'a Run>) -> BTreeMap<&'static str, usize> {
        let none = State::NAMES.map(|name| (name, 0)).into();
        runs.fold(none, |mut all: BTreeMap<_, _>, run| {
            *all.entry(run.state.name()).or_default() += 1;
            all
        })
    }

    /// Trials that are still to be made.
    fn left(&self) -> u64 {
        let to_come = self.runs.iter().filter(|run| run.state.goes_on());
        to_come.map(|run| run.of.saturating_sub(run.trials)).sum()
    }

    fn robot_s(&self) -> f64 {
        self.runs.iter().map(|run| run.robot_s).sum()
    }

    /// Robot time left, at the mean of the trials so far.
    fn robot_s_left(&self) -> Option<f64> {
        let (made, _) = Self::trials(self.runs.iter());
        (made > 0).then(|| self.robot_s() / made as f64 * self.left() as f64)
    }

    /// Time left by the clock on the wall, if it goes on as in the last minutes.
    fn seconds_left(&self) -> Option<f64> {
        self.runs.iter().find(|run| run.state == State::Running)?;
        let made = self.runs.iter().filter_map(|run| Some((run.files?, run.trials)));
        pace(&made.collect::<Vec<_>>()).map(|pace| self.left() as f64 / pace)
    }

    /// Methods in the order of the experiment, each with its runs.
    fn methods(&self) -> Vec<(&str, Vec<&Run>)> {
        let mut all: Vec<(&str, Vec<&Run>)> = Vec::new();
        for run in &self.runs {
            match all.iter_mut().find(|(method, _)| *method == run.method) {
                Some((_, runs)) => runs.push(run),
                None => all.push((&run.method, vec![run])),
            }
        }
        all
    }

    pub fn json(&self) -> Value {
        let counted = |runs: &[&Run]| {
            let counts = Self::count(runs.iter().copied());
            let (trials, of) = Self::trials(runs.iter().copied());
            let mut all = json!({ "trials": trials, "of": of });
            for (name, count) in counts {
                all[name.replace(' ', "_")] = count.into();
            }
            all
        };
        let methods = self.methods().into_iter().map(|(method, runs)| {
            let mut line = counted(&runs);
            line["method"] = method.into();
            line
        });
        let run = |run: &Run| {
            let mut line = json!({
                "method": run.method, "seed": run.seed, "state": run.state.name(),
                "trials": run.trials, "of": run.of,
            });
            if let State::Failed(why) | State::Unreadable(why) = &run.state {
                line["reason"] = why.as_str().into();
            }
            line
        };
        let mut whole = counted(&self.runs.iter().collect::<Vec<_>>());
        whole["experiment"] = self.name.as_str().into();
        whole["folder"] = self.folder.display().to_string().into();
        whole["methods"] = methods.collect();
        whole["runs"] = self.runs.iter().map(run).collect();
        whole["robot_time_s"] = self.robot_s().into();
        whole["robot_time_left_s"] = self.robot_s_left().into();
        whole["time_left_s"] = self.seconds_left().map(f64::round).into();
        whole
    }

    pub fn say(&self) -> Result<(), Failure> {
        let is_readable = !self.runs.iter().any(|run| matches!(run.state, State::Unreadable(_)));
        let names = &State::NAMES[..if is_readable { 5 } else { 6 }];
        let head: Vec<_> = names.iter().map(|name| format!("{name:>10}")).collect();
        say!("{:20}{}  trials", self.name, head.concat())?;
        let line = |name: &str, runs: &[&Run]| {
            let counts = Self::count(runs.iter().copied());
            let counts: Vec<_> = names.iter().map(|name| format!("{:>10}", counts[name])).collect();
            let (made, of) = Self::trials(runs.iter().copied());
            let share = 100.0 * made as f64 / of.max(1) as f64;
            say!("{name:20}{}  {made} of {of} ({share:.0} %)", counts.concat())
        };
        for (method, runs) in self.methods() {
            line(method, &runs)?;
        }
        line("all", &self.runs.iter().collect::<Vec<_>>())?;
        say!("robot time   {}", hours(self.robot_s()))?;
        say!("robot left   {}", self.robot_s_left().map_or("unknown".into(), hours))?;
        let nobody = match self.left() {
            0 => "none",
            _ => "unknown: nobody works on it, or too shortly",
        };
        let left = self.seconds_left();
        say!(
            "time left    {}",
            left.map_or(nobody.into(), |s| hours(s) + ", at the pace of the last ten minutes")
        )?;
        for run in &self.runs {
            let Run { method, seed, trials, of, .. } = run;
            match &run.state {
                State::Running => {
                    say!("running      {method} seed {seed}: {trials} of {of} trials")?
                }
                State::Failed(why) => {
                    say!("failed       {method} seed {seed}: {why}; --resume tries again")?;
                }
                State::Unreadable(why) => say!("unreadable   {method} seed {seed}: {why}")?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl Run {
    fn read(folder: &Path, experiment: &Experiment, recipe: &Recipe, seed: u64) -> Self {
        let method = recipe.card().name.clone();
        let path = run_path(folder, &method, seed);
        let of = schedule(experiment, recipe, "").all_trials();
        let mut run =
            Self { method, seed, state: State::ToCome, trials: 0, of, robot_s: 0.0, files: None };
        // Before the store is read: what changes meanwhile is told next time.
        run.files = Files::of(&path);
        if run.files.is_none() {
            // In a scratch folder.
            if is_held(&path) == Some(true) {
                run.state = State::Running;
            }
            return run;
        }
        if let Err(error) = run.fill(&path, experiment, recipe) {
            // A file that has just been moved or thrown away.
            if path.is_file() {
                run.state = State::Unreadable(error.to_string());
            }
        }
        run
    }

    fn fill(
        &mut self,
        path: &Path,
        experiment: &Experiment,
        recipe: &Recipe,
    ) -> Result<(), StoreError> {
        let store = TrialStore::read(path)?;
        let schedule = schedule(experiment, recipe, &store.info()?.provenance.backend);
        self.of = schedule.all_trials();
        for (_, trials, seconds) in store.done(schedule.trials())? {
            self.trials += trials;
            self.robot_s += seconds;
        }
        let is_running = self.files.is_some_and(|files| files.is_being_made());
        self.state = match store.failed()? {
            // One of fewer trials than the plan has by now goes on.
            _ if store.is_complete()? && self.trials >= self.of => State::Complete,
            Some(reason) => State::Failed(reason),
            None if is_running => State::Running,
            None => State::Stopped,
        };
        Ok(())
    }
}
