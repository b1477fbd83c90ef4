use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Chapter;
use crate::cell::{Unwatched, Workcell};
use crate::config::{Experiment, Robot, Scene};
use crate::lab::see;
use crate::learn::{self, BinProbabilities, Experience, Method, View};
use crate::sim::{self, PhysicsSettings};
use crate::store::{TrialRow, TrialStore};
use crate::task::{Instances, Phase, Reward, Setup, Stream, Streams, TrialKey};
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

    let prior = student.method.card().prior_trials as usize;
    let batch = student.experiment.batch as usize;
    let mut history = Vec::new();
    loop {
        let learned = history.len();
        for chapter in chapters.iter().filter(|c| c.checkpoint() == Some(learned as u64)) {
            let judged = student.experiences(*chapter, &chapter.rows(&store)?, 0)?;
            student.think(*chapter, 0, &judged, shared)?;
        }
        let next = if learned < prior { prior } else { learned + batch };
        let next = next.min(rows.len());
        let fresh = student.experiences(Chapter::Training, &rows[learned..next], learned)?;
        student.think(Chapter::Training, learned, &fresh, shared)?;
        shared.look().learned = learned;
        if learned >= end || fresh.is_empty() {
            break;
        }
        history.extend(fresh);
        let key = TrialKey { phase: Phase::Train, index: learned as u64 };
        let mut draw = student.streams.draw(Stream::Replay, key);
        if learned < prior {
            student.method.pretrain(&history, &mut draw)?;
        } else {
            student.method.learn(&history, next - learned, &mut draw)?;
        }
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
    streams: Streams,
    instances: Instances,
    reward: Reward,
    method: Box<dyn Method>,
    robot: Robot,
}

impl Student {
    fn new(store: &TrialStore) -> Result<Self, ViewError> {
        let info = store.info()?;
        let file = store.path().display().to_string();
        let experiment: Experiment = crate::config::parse_toml(&file, &info.experiment)?;
        let streams = Streams::new(info.seed);
        let options = experiment.options(&experiment.name)?;
        Ok(Self {
            method: learn::build(&info.method, &options, experiment.task.grid(), streams)?,
            streams,
            instances: Instances::draw(&experiment.task, streams),
            reward: Reward::new(experiment.task.range),
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
        let scene = match chapter {
            Chapter::Shelf(_) => &self.experiment.evaluation.shelf_scene,
            _ => &self.experiment.scene,
        };
        let settings = PhysicsSettings::default();
        let mut cell =
            sim::cell(&Scene::named(scene)?, &self.robot, &self.experiment.task, settings)?;
        let mut all = Vec::with_capacity(rows.len());
        for (place, TrialRow { intent, result }) in rows.iter().enumerate() {
            let Some(result) = result else { continue };
            let made = chapter.checkpoint().unwrap_or((first + place) as u64);
            let setup = self.instances.setup(intent.key, made);
            let mut seen = cell.prepare(&setup, &mut Unwatched)?;
            if let Some(image) = &intent.image {
                seen.image = image.clone();
                seen.pose = intent.seen;
            }
            let card = self.method.card();
            let View { instance, pose, truth, .. } = see(self.method.as_ref(), &setup, &seen);
            all.push(Experience {
                trial: (first + place) as u64,
                image: seen.image,
                instance,
                pose,
                truth,
                decision: intent.decision,
                feedback: self.reward.feedback(
                    result.outcome,
                    result.measured.as_ref(),
                    card.signal,
                ),
            });
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

/// What a stored trial began with, after so many others.
pub fn setup_of(instances: &Instances, row: &TrialRow, made: u64) -> Setup {
    Setup { offset: row.intent.offset, ..instances.setup(row.intent.key, made) }
}
