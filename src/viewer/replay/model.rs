use std::collections::BTreeMap;
use std::path::PathBuf;

use bevy::prelude::Resource;
use nalgebra::Isometry3;

use super::{Chapter, Policies};
use crate::cell::lift;
use crate::config::{Robot, Scene};
use crate::lab::{Experiment, Schedule, Trials, judge, read_run};
use crate::learn::Label;
use crate::report::{Judged, RunResult};
use crate::store::{RunInfo, Stored, TrialRow, TrialStore};
use crate::task::{Image, Pose2, Reward};
use crate::viewer::real::raised;
use crate::viewer::{Cell, Moment, Playback, Recording, ViewError};

/// A stored run and the trial of it that is looked at.
#[derive(Resource, Debug)]
pub struct Replay {
    pub path: PathBuf,
    pub info: RunInfo,
    pub experiment: Experiment,
    schedule: Schedule,
    pub result: RunResult,
    pub chapters: Vec<Chapter>,
    pub chapter: Chapter,
    pub rows: Vec<TrialRow>,
    /// Place in `rows`.
    pub place: usize,
    peers: Vec<Peer>,
    /// Trials learned from before each of the result's checkpoints.
    pub checkpoints: Vec<u64>,
    pub policies: Policies,
    pub simulated: Simulated,
    /// The picture that hardware took of the trial's end.
    pub after: Option<Image>,
    /// The training trials in order, for the curve.
    pub judged: Vec<Judged>,
    training: Vec<TrialRow>,
    /// Of each training trial, oldest first: when it was given, and what it is.
    labels: BTreeMap<u64, Vec<(u64, Label)>>,
    trials: Trials,
}

/// How the motion that is shown came about.
#[derive(Clone, Debug, PartialEq)]
pub enum Simulated {
    /// Simulated again, and it ended as stored, to the bit.
    Same,
    /// Simulated again, but it ended elsewhere: another version or an edited file.
    Differs,
    /// Made on hardware: only what was measured is shown.
    Hardware,
    /// It cannot be simulated.
    Failed(String),
}

/// A trial that shares its role model with the one looked at.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub place: usize,
    pub reward: f64,
    /// As the store's truth has it, or the measurement; a failed trial has none.
    pub error: Option<Pose2>,
    pub is_role_model: bool,
}

impl Replay {
    /// Opens a run at a trial of its training, or at the last one.
    pub fn open(path: PathBuf, trial: Option<u64>) -> Result<Self, ViewError> {
        let store = TrialStore::read(&path)?;
        let info = store.info()?;
        let file = path.display().to_string();
        let experiment = Experiment::stored(&file, &info)?;
        let result = read_run(&experiment, &store)?;
        let checkpoints = store.checkpoints()?;
        let card = experiment.method(&file, &info.method)?.card();
        let schedule = Schedule::new(&experiment, card);
        // A run that was cut off, or still grows, has intents without results.
        let mut filled = Vec::new();
        for chapter in Chapter::all(&experiment, &checkpoints, card) {
            if !chapter.rows(&store)?.is_empty() {
                filled.push(chapter);
            }
        }
        let chapters = filled;
        let rows = Chapter::Training.rows(&store)?;
        let mut labels: BTreeMap<u64, Vec<(u64, Label)>> = BTreeMap::new();
        for (at, label) in store.labels()? {
            labels.entry(label.trial).or_default().push((at, label));
        }
        let reward = Reward::new(&experiment.task);
        let judged = |row: &TrialRow| row.result.as_ref().map(|r| judge(&reward, r));
        let mut replay = Self {
            judged: rows.iter().filter_map(judged).collect(),
            training: rows.clone(),
            policies: Policies::begin(path.clone(), chapters.clone()),
            trials: Trials::new(&experiment.task, info.seed),
            simulated: Simulated::Hardware,
            after: None,
            chapter: Chapter::Training,
            place: 0,
            peers: Vec::new(),
            rows,
            checkpoints,
            chapters,
            labels,
            result,
            path,
            info,
            experiment,
            schedule,
        };
        if replay.rows.is_empty() {
            // A method that does not learn has evaluation trials only.
            let Some(chapter) = replay.chapters.first().copied() else {
                let what = format!("{}: no trial has been made yet", replay.path.display());
                return Err(ViewError::Input(what));
            };
            replay.enter(chapter)?;
        }
        let last = replay.rows.len() - 1;
        let place = match trial {
            None => last,
            Some(trial) if trial as usize <= last => trial as usize,
            Some(trial) => {
                let file = replay.path.display();
                let what = format!("{file}: --trial {trial}: must be from 0 to {last}");
                return Err(ViewError::Input(what));
            }
        };
        replay.turn_to(place);
        Ok(replay)
    }

    /// Turns to another part of the run, at its first trial. A part without trials is an error,
    /// and everything stays as it was.
    pub fn enter(&mut self, chapter: Chapter) -> Result<(), ViewError> {
        let rows = chapter.rows(&TrialStore::read(&self.path)?)?;
        if rows.is_empty() {
            let what = format!("{}: no trial yet: {}", self.path.display(), chapter.name());
            return Err(ViewError::Input(what));
        }
        self.rows = rows;
        self.chapter = chapter;
        self.turn_to(0);
        Ok(())
    }

    /// Turns to a trial of this part, or to its last one.
    pub fn turn_to(&mut self, place: usize) {
        self.place = place.min(self.rows.len() - 1);
        self.peers = self.find_peers();
    }

    pub fn row(&self) -> &TrialRow {
        &self.rows[self.place]
    }

    /// What is stored of the trial's end.
    pub fn stored(&self) -> Option<&Stored> {
        self.row().result.as_ref()
    }

    /// The cell of this chapter.
    pub fn cell(&self) -> Result<Cell, ViewError> {
        let scene = self.chapter.scene(&self.experiment);
        Ok(Cell {
            scene: Scene::named(scene)?,
            robot: Robot::named(&self.experiment.robot)?,
            image: self.experiment.task.image,
        })
    }

    /// Simulates the trial again from its stored beginning, and compares how it ended.
    pub fn simulate(&mut self, cell: &Cell, playback: &mut Playback, playing: bool) {
        if self.info.provenance.backend != crate::lab::SIMULATION {
            self.simulated = Simulated::Hardware;
            // A run without pictures is shown all the same.
            let kept = TrialStore::read(&self.path).and_then(|store| store.look_after(self.row()));
            self.after = kept.ok().flatten();
            playback.clear();
            return;
        }
        let row = self.row().clone();
        let made = self.schedule.age(self.chapter.checkpoint().unwrap_or(self.place as u64));
        let setup = self.trials.began(&row.intent, made);
        let bodies = (&cell.scene, &cell.robot);
        let experiment = &self.experiment;
        let correction = row.intent.decision.correction;
        match Recording::make(bodies, &experiment.task, experiment.physics, &setup, correction) {
            Ok(recording) => {
                let again =
                    Stored::new(&recording.attempt, row.result.as_ref().map_or(0.0, |r| r.reward));
                let same = row.result.as_ref() == Some(&again);
                self.simulated = if same { Simulated::Same } else { Simulated::Differs };
                playback.load(recording, playing);
            }
            Err(error) => {
                self.simulated = Simulated::Failed(error.to_string());
                playback.clear();
            }
        }
    }

    /// The labels that the trial was given, oldest first. Evaluation trials have none.
    pub fn labels(&self) -> &[(u64, Label)] {
        let trial = self.place as u64;
        let known = (self.chapter == Chapter::Training).then(|| self.labels.get(&trial)).flatten();
        known.map_or(&[], Vec::as_slice)
    }

    /// Its last label.
    pub fn label(&self) -> Option<&Label> {
        self.labels().last().map(|(_, label)| label)
    }

    /// What is shown where no motion is: the hand at home, the plate where it was found
    /// afterwards, or else where it lay before.
    pub fn still(&self, cell: &Cell) -> Moment {
        let mut still = Moment::at_rest(&cell.scene, &cell.robot, self.row().intent.offset);
        if let Some(found) = self.stored().and_then(|stored| stored.truth.or(stored.measured)) {
            still.bodies.plate = Some(raised(&cell.scene.world_from_place, &found));
            still.segment = "as it was found".into();
        }
        still
    }

    /// All trials whose last label comes from the same role model, best first.
    pub fn peers(&self) -> &[Peer] {
        &self.peers
    }

    fn find_peers(&self) -> Vec<Peer> {
        let Some(label) = self.label() else { return Vec::new() };
        let shares = |labels: &Vec<(u64, Label)>| {
            labels.last().is_some_and(|(_, other)| other.role_model == label.role_model)
        };
        let mut peers: Vec<Peer> = self
            .labels
            .iter()
            .filter(|(_, labels)| shares(labels))
            .filter_map(|(trial, _)| self.peer(*trial, *trial == label.role_model))
            .collect();
        if !peers.iter().any(|peer| peer.is_role_model) {
            peers.extend(self.peer(label.role_model, true));
        }
        peers.sort_by(|a, b| b.reward.total_cmp(&a.reward).then(a.place.cmp(&b.place)));
        peers
    }

    fn peer(&self, trial: u64, is_role_model: bool) -> Option<Peer> {
        let result = self.training.get(trial as usize)?.result.as_ref()?;
        let error = result.truth.or(result.measured).map(|p| p.pose);
        Some(Peer { place: trial as usize, reward: result.reward, error, is_role_model })
    }

    /// Where the plate lay, where it should come to lie, and where the role model put it.
    pub fn ghosts(&self, cell: &Cell) -> [Option<Isometry3<f64>>; 3] {
        let (pick, place) = (cell.scene.world_from_pick, cell.scene.world_from_place);
        let model = self.label().and_then(|label| self.peer(label.role_model, true));
        let put = model.and_then(|peer| peer.error).map(|pose| place * lift(pose));
        [Some(pick * lift(self.row().intent.offset)), Some(place), put]
    }

    /// All that can be known of the trial is: also what the policy thought of it.
    pub fn is_settled(&self) -> bool {
        let worked = self.policies.look();
        worked.is_done() || worked.at(self.chapter, self.place).is_some()
    }
}
