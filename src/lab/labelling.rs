use std::collections::BTreeMap;

use super::collect::passes_through;
use super::label_quality::{Scenes, has_moved, off};
use super::{Experiment, LabError, SIMULATION, Schedule, SoFar, Step, Trials, begun};
use crate::cell::{Unwatched, Workcell};
use crate::learn::role_model::{RoleModelOptions, RoleModels};
use crate::learn::{Card, Experience, Label, Method, Recipe};
use crate::report::{LabelError, Lead, Reign, SceneLabels};
use crate::store::{RunInfo, TrialRow, TrialStore};
use crate::task::{Phase, Reward, Stream};

/// What a run's trials taught each other: its trials, and the labels that were given to them.
pub struct Labelling<'a> {
    experiment: &'a Experiment,
    info: &'a RunInfo,
    /// Prior trials, then those of training, as far as they have a result.
    rows: Vec<TrialRow>,
}

impl<'a> Labelling<'a> {
    /// Of the first so many trials of a run, or of all.
    pub fn read(
        experiment: &'a Experiment,
        info: &'a RunInfo,
        store: &TrialStore,
        at: Option<u64>,
    ) -> Result<Self, LabError> {
        let mut rows = store.trials(Phase::Prior, 0)?;
        rows.extend(store.trials(Phase::Train, 0)?);
        let done = rows.iter().take_while(|row| row.result.is_some()).count();
        rows.truncate(at.map_or(done, |at| done.min(at as usize)));
        Ok(Self { experiment, info, rows })
    }

    pub fn trials(&self) -> u64 {
        self.rows.len() as u64
    }

    /// How the plate lay was measured before every trial.
    pub fn has_poses(&self) -> bool {
        self.rows.iter().all(|row| row.intent.seen.is_some())
    }

    /// Only in a clean simulated cell, where error passes through, is the offset the ideal correction.
    fn knows_truth(&self) -> bool {
        self.info.provenance.backend == SIMULATION
            && !self.experiment.task.is_dirty()
            && passes_through(self.experiment)
    }

    /// Who was role model when, scene instance by scene instance. Labels name trials by their place; each
    /// comes with the number of trials that had been made, oldest first.
    pub fn scenes(&self, labels: &[(u64, Label)]) -> Vec<SceneLabels> {
        let truth = self.knows_truth().then(|| {
            Scenes::of(&self.experiment.task, &Reward::new(&self.experiment.task), &self.rows)
        });
        let mut scenes: BTreeMap<usize, SceneLabels> = BTreeMap::new();
        let mut places: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for (place, row) in self.rows.iter().enumerate() {
            let instance = row.intent.instance;
            let blank = SceneLabels { instance, trials: 0, reigns: Vec::new(), changed: 0 };
            scenes.entry(instance).or_insert(blank).trials += 1;
            places.entry(instance).or_default().push(place as u64);
        }
        // What each trial is taught.
        let mut now: BTreeMap<u64, Label> = BTreeMap::new();
        let made = labels.iter().take_while(|(at, _)| *at <= self.trials()).count();
        for round in labels[..made].chunk_by(|a, b| a.0 == b.0) {
            let since = round[0].0;
            for (_, label) in round {
                let Some(row) = self.rows.get(label.trial as usize) else { continue };
                let before = now.insert(label.trial, *label);
                let scene = scenes.get_mut(&row.intent.instance);
                let moved = before.is_some_and(|b| has_moved(b.correction, label.correction));
                scene.into_iter().for_each(|scene| scene.changed += u64::from(moved));
            }
            for scene in scenes.values_mut() {
                let own = &places[&scene.instance];
                let Some(label) = leading(own, &now) else { continue };
                if scene.reigns.last().is_some_and(|last| last.role_model == label.role_model) {
                    continue;
                }
                let model = self.rows.get(label.role_model as usize);
                let Some(result) = model.and_then(|row| row.result.as_ref()) else { continue };
                scene.reigns.push(Reign {
                    since,
                    role_model: label.role_model,
                    reward: result.reward,
                    peers: label.peers,
                    label: label.correction.axes(),
                    error: truth.as_ref().map(|_| self.error(own, &now)),
                    lead: truth.as_ref().and_then(|truth| {
                        let (reward, earned) = truth.lead(label.role_model, since)?;
                        Some(Lead { reward, luck: reward - earned })
                    }),
                });
            }
        }
        scenes.into_values().filter(|scene| !scene.reigns.is_empty()).collect()
    }

    /// Mean over these trials that have a label.
    fn error(&self, places: &[u64], now: &BTreeMap<u64, Label>) -> LabelError {
        let labels = || places.iter().filter_map(|place| now.get(place));
        let left = |label: &Label| {
            off(self.rows[label.trial as usize].intent.offset, label.correction).axes()
        };
        let of = labels().count().max(1) as f64;
        let mean = |size: fn([f64; 3]) -> f64| labels().map(|l| size(left(l))).sum::<f64>() / of;
        LabelError { mm: mean(|[x, y, _]| x.hypot(y)), deg: mean(|[.., yaw]| yaw.abs()) }
    }

    /// The trials as a method with this card is told of them. Pictures that are not stored are rendered
    /// again in this cell, which is that of training.
    pub fn history(
        &self,
        card: &Card,
        cell: &mut dyn Workcell,
    ) -> Result<Vec<Experience>, LabError> {
        let trials = Trials::new(&self.experiment.task, self.info.seed);
        let schedule = Schedule::new(self.experiment, card);
        let mut history = Vec::with_capacity(self.rows.len());
        for (made, row) in self.rows.iter().enumerate() {
            let Some(result) = row.result.clone() else { break };
            let age = schedule.age(made as u64);
            let (setup, seen) = trials.seen_again(&row.intent, age, cell, &mut Unwatched)?;
            let decision = row.intent.decision;
            let trial = super::Trial { setup, seen, decision, result };
            history.push(trials.experience(card, made as u64, trial));
        }
        Ok(history)
    }
}

/// The label of the newest of these trials that has the role model which most of them have.
fn leading<'l>(places: &[u64], now: &'l BTreeMap<u64, Label>) -> Option<&'l Label> {
    let mut by_model: BTreeMap<u64, (u64, &Label)> = BTreeMap::new();
    for label in places.iter().filter_map(|place| now.get(place)) {
        let (count, newest) = by_model.entry(label.role_model).or_insert((0, label));
        (*count, *newest) = (*count + 1, label);
    }
    by_model.into_values().max_by_key(|(count, label)| (*count, label.trial)).map(|(_, l)| l)
}

/// The rounds of learning of a run, as far as its trials reach: how many had been made, and the round.
fn rounds(schedule: &Schedule, made: u64) -> Vec<(usize, Step)> {
    let mut so_far = SoFar::default();
    let mut rounds = Vec::new();
    loop {
        let step = schedule.next(&so_far);
        if step == Step::Done || so_far.made > made {
            return rounds;
        }
        if let Step::Learn { .. } = step {
            rounds.push((so_far.made as usize, step));
        }
        schedule.after(step, &mut so_far);
    }
}

/// The labels that these trials would have been given if role models had been found with these options,
/// round by round.
pub fn relabelled(
    experiment: &Experiment,
    card: &Card,
    options: RoleModelOptions,
    history: &[Experience],
) -> Vec<(u64, Label)> {
    let mut models = RoleModels::new(options);
    let schedule = Schedule::new(experiment, card);
    let rounds = rounds(&schedule, history.len() as u64);
    let of_round = |(made, _): (usize, Step)| {
        let labels = models.refresh(&history[..made]);
        labels.into_iter().map(move |label| (made as u64, label)).collect::<Vec<_>>()
    };
    rounds.into_iter().flat_map(of_round).collect()
}

/// A fresh learner that learned from these trials, round by round as the run did and with its draws, and has
/// tried nothing itself.
pub fn retrained(
    experiment: &Experiment,
    recipe: &Recipe,
    (seed, weights): (u64, Option<Vec<u8>>),
    history: &[Experience],
) -> Result<Box<dyn Method>, LabError> {
    let trials = Trials::new(&experiment.task, seed);
    let failed = |source| trials.failed(recipe.card(), source);
    let mut method =
        begun(&experiment.task, recipe, trials.streams(), weights.as_deref()).map_err(failed)?;
    let schedule = Schedule::new(experiment, recipe.card());
    for (made, step) in rounds(&schedule, history.len() as u64) {
        let Step::Learn { fresh, key } = step else { continue };
        let mut draw = trials.streams().draw(Stream::Replay, key);
        method.learn(&history[..made], fresh as usize, &mut draw).map_err(failed)?;
    }
    Ok(method)
}
