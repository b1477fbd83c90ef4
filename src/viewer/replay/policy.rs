use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Chapter;
use crate::cell::{Unwatched, Workcell};
use crate::config::{Robot, Scene};
use crate::lab::{Experiment, Schedule, Step, Trial, Trials, begun};
use crate::learn::{BinProbabilities, Experience, Method, View};
use crate::sim::{self, PhysicsSettings};
use crate::store::{TrialRow, TrialStore};
use crate::task::Stream;
use crate::viewer::ViewError;

/// What the policy thought of every trial when it was made. The store keeps only the last policy;
/// the others are found by learning once more from the stored trials, with the same draws, on a
/// thread of its own. That the last one is the stored one, to the bit, is checked.
#[derive(Clone, Debug, Default)]
pub struct Policies(Arc<Mutex<Worked>>);

/// How far that has come.
#[derive(Debug, Default)]
pub struct Worked {
    /// Trials learned from so far, and all.
    pub learned: usize,
    pub of: usize,
    /// By chapter and place in it. A method without a policy over bins has none.
    found: BTreeMap<(Chapter, usize), BinProbabilities>,
    /// Once at the end: is the last state the stored one?
    pub same: Option<bool>,
    pub failure: Option<String>,
    /// The failure, where it is nobody's input but a mistake of the program.
    pub crashed: Option<String>,
}

impl Worked {
    pub fn at(&self, chapter: Chapter, place: usize) -> Option<&BinProbabilities> {
        self.found.get(&(chapter, place))
    }

    pub fn is_done(&self) -> bool {
        self.same.is_some() || self.failure.is_some()
    }
}

impl Policies {
    /// Begins to learn again.
    pub fn begin(run: PathBuf, chapters: Vec<Chapter>) -> Self {
        let policies = Self::default();
        let shared = policies.clone();
        std::thread::spawn(move || {
            let learn = std::panic::AssertUnwindSafe(|| relearn(&run, &chapters, &shared));
            match std::panic::catch_unwind(learn) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => shared.look().failure = Some(error.to_string()),
                // It has said why on stderr; who waits must not wait for ever.
                Err(_) => {
                    let mut worked = shared.look();
                    worked.failure = Some("it panicked".into());
                    worked.crashed = worked.failure.clone();
                }
            }
        });
        policies
    }

    /// What is known by now.
    pub fn look(&self) -> MutexGuard<'_, Worked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As `lab::Run` trained, but with results read instead of made.
fn relearn(run: &Path, chapters: &[Chapter], shared: &Policies) -> Result<(), ViewError> {
    let store = TrialStore::read(run)?;
    let mut student = Student::new(&store)?;
    let rows = Chapter::Training.rows(&store)?;
    let stored = store.learner()?;
    let end = stored.as_ref().map_or(0, |(at, _)| *at as usize).min(rows.len());
    shared.look().of = end;

    let schedule = student.schedule.clone();
    let mut history: Vec<Experience> = Vec::new();
    let mut told = None;
    for step in schedule.steps() {
        let learned = history.len();
        // Between two rounds of learning: what the policy now thinks of all that it decides.
        if told != Some(learned) {
            told = Some(learned);
            shared.look().learned = learned;
            for chapter in chapters.iter().filter(|c| c.checkpoint() == Some(learned as u64)) {
                let judged = student.experiences(*chapter, &chapter.rows(&store)?, 0)?;
                student.think(*chapter, 0, &judged, shared)?;
            }
            if learned >= end {
                let rest = student.experiences(Chapter::Training, &rows[learned..], learned)?;
                student.think(Chapter::Training, learned, &rest, shared)?;
                break;
            }
        }
        let Step::Learn { fresh, key } = step else { continue };
        let batch = &rows[learned..learned + fresh as usize];
        let fresh = student.experiences(Chapter::Training, batch, learned)?;
        student.think(Chapter::Training, learned, &fresh, shared)?;
        let count = fresh.len();
        history.extend(fresh);
        let mut draw = student.trials.streams().draw(Stream::Replay, key);
        student.method.learn(&history, count, &mut draw)?;
    }
    let same = match stored {
        Some((_, state)) => student.method.save()? == state,
        None => true,
    };
    shared.look().same = Some(same);
    Ok(())
}

/// A method as it was at the beginning of a run, and what it may be shown.
struct Student {
    experiment: Experiment,
    trials: Trials,
    schedule: Schedule,
    method: Box<dyn Method>,
    robot: Robot,
}

impl Student {
    fn new(store: &TrialStore) -> Result<Self, ViewError> {
        let info = store.info()?;
        let file = store.path().display().to_string();
        let experiment = Experiment::stored(&file, &info)?;
        let trials = Trials::new(&experiment.task, info.seed);
        let recipe = experiment.method(&file, &info.method)?;
        let weights = store.initial_weights()?;
        Ok(Self {
            method: begun(&experiment.task, recipe, trials.streams(), weights.as_deref())?,
            schedule: Schedule::new(&experiment, recipe.card()),
            trials,
            robot: Robot::named(&experiment.robot)?,
            experiment,
        })
    }

    /// Stored trials as the method was told of them; simulated pictures are taken again.
    fn experiences(
        &self,
        chapter: Chapter,
        rows: &[TrialRow],
        first: usize,
    ) -> Result<Vec<Experience>, ViewError> {
        let scene = Scene::named(chapter.scene(&self.experiment))?;
        let settings = PhysicsSettings::default();
        let mut cell = sim::cell(&scene, &self.robot, &self.experiment.task, settings)?;
        let mut all = Vec::with_capacity(rows.len());
        for (place, TrialRow { intent, result }) in rows.iter().enumerate() {
            let Some(result) = result else { continue };
            let number = (first + place) as u64;
            let made = self.schedule.age(chapter.checkpoint().unwrap_or(number));
            let setup = self.trials.began(intent, made);
            let mut seen = cell.prepare(&setup, &mut Unwatched)?;
            if let Some(image) = &intent.image {
                seen.image = image.clone();
                seen.pose = intent.seen;
            }
            let trial = Trial { setup, seen, decision: intent.decision, result: result.clone() };
            all.push(self.trials.experience(self.method.card(), number, trial));
        }
        Ok(all)
    }

    /// Notes what the method as it is now thinks of these trials.
    fn think(
        &self,
        chapter: Chapter,
        first: usize,
        trials: &[Experience],
        shared: &Policies,
    ) -> Result<(), ViewError> {
        let views: Vec<View<'_>> = trials
            .iter()
            .map(|t| View { image: &t.image, instance: t.instance, pose: t.pose, truth: t.truth })
            .collect();
        if let Some(found) = self.method.probabilities(&views)? {
            let mut worked = shared.look();
            for (place, bins) in found.into_iter().enumerate() {
                worked.found.insert((chapter, first + place), bins);
            }
        }
        Ok(())
    }
}
