use std::path::Path;

use super::LabError;
use crate::cell::{Observation, Watch, Workcell};
use crate::config::{ConfigError, Experiment};
use crate::learn::{self, Decision, Experience, LearnError, Method, Mode, View};
use crate::store::{BatchEnd, Durability, Intent, RunInfo, Stored, TrialRow, TrialStore};
use crate::task::{Instances, Outcome, Phase, Reward, Setup, Stream, Streams, TrialKey};

/// Makes a workcell for a scene; `None` where that scene does not stand. The lab does not know
/// which backend is behind it.
pub type MakeCell<'a> = dyn Fn(&str) -> Result<Option<Box<dyn Workcell>>, LabError> + Sync + 'a;

/// One method, one seed: the training loop and its evaluations.
pub struct Run<'a> {
    experiment: &'a Experiment,
    streams: Streams,
    instances: Instances,
    reward: Reward,
    method: Box<dyn Method>,
    cell: Box<dyn Workcell>,
    store: TrialStore,
    /// Every trial that may be learned from, prior ones first.
    history: Vec<Experience>,
    /// How many of them have been learned from.
    learned: usize,
}

impl<'a> Run<'a> {
    /// Begins a run, or continues it where its store says that it stopped.
    pub fn new(
        experiment: &'a Experiment,
        method: &str,
        seed: u64,
        cell: Box<dyn Workcell>,
        store: TrialStore,
        watch: &mut dyn Watch,
    ) -> Result<Self, LabError> {
        let streams = Streams::new(seed);
        let options = experiment.options(&experiment.name)?;
        let method = learn::build(method, &options, experiment.task.grid(), streams)?;
        demand_signals(method.as_ref(), cell.as_ref())?;
        let mut run = Self {
            experiment,
            streams,
            instances: Instances::draw(&experiment.task, streams),
            reward: Reward::new(experiment.task.range),
            method,
            cell,
            store,
            history: Vec::new(),
            learned: 0,
        };
        run.restore(watch)?;
        Ok(run)
    }

    /// Trains to the end: trials in batches, learning after each, evaluation at checkpoints.
    /// `tell` hears the phase of each trial once it is on disk.
    pub fn train(
        &mut self,
        watch: &mut dyn Watch,
        tell: &mut dyn FnMut(Phase),
    ) -> Result<(), LabError> {
        loop {
            if self.is_checkpoint() {
                self.evaluate(Phase::InScene, watch, tell)?;
                self.evaluate(Phase::HeldOut, watch, tell)?;
            }
            if self.learned == self.total() {
                return Ok(());
            }
            let batch_end = self.batch_end();
            while self.history.len() < batch_end {
                let key = self.next_key();
                let experience = self.trial(key, 0, Mode::Explore, watch)?;
                self.history.push(experience);
                tell(key.phase);
            }
            self.learn()?;
        }
    }

    /// The final demonstration: greedy placements in the cell of another scene.
    pub fn demonstrate(
        &mut self,
        cell: Box<dyn Workcell>,
        watch: &mut dyn Watch,
        tell: &mut dyn FnMut(Phase),
    ) -> Result<(), LabError> {
        self.cell = cell;
        self.demonstrate_here(watch, tell)
    }

    /// The final demonstration where training took place on the demonstration's scene.
    pub fn demonstrate_here(
        &mut self,
        watch: &mut dyn Watch,
        tell: &mut dyn FnMut(Phase),
    ) -> Result<(), LabError> {
        self.evaluate(Phase::Shelf, watch, tell)
    }

    /// Notes that nothing is left to do.
    pub fn complete(&self) -> Result<(), LabError> {
        Ok(self.store.complete()?)
    }

    /// The trained method, for an evaluation of its own.
    pub fn into_method(self) -> Box<dyn Method> {
        self.method
    }

    fn total(&self) -> usize {
        self.experiment.trials as usize
    }

    fn prior(&self) -> usize {
        self.method.card().prior_trials as usize
    }

    fn is_checkpoint(&self) -> bool {
        is_checkpoint(self.experiment, self.prior() as u64, self.learned as u64)
    }

    fn batch_end(&self) -> usize {
        let end = self.learned + self.experiment.batch as usize;
        if self.learned < self.prior() { self.prior() } else { end.min(self.total()) }
    }

    fn next_key(&self) -> TrialKey {
        let (made, prior) = (self.history.len(), self.prior());
        if made < prior {
            TrialKey { phase: Phase::Prior, index: made as u64 }
        } else {
            TrialKey { phase: Phase::Train, index: (made - prior) as u64 }
        }
    }

    fn trial(
        &mut self,
        key: TrialKey,
        checkpoint: u64,
        mode: Mode,
        watch: &mut dyn Watch,
    ) -> Result<Experience, LabError> {
        let setup = self.instances.setup(key, self.history.len() as u64);
        watch.begins(key, checkpoint);
        let seen = self.cell.prepare(&setup, watch)?;
        let view = self.view(&setup, &seen);
        let draw = self.streams.draw(Stream::Explore, key);
        let decision = self.method.act(&[view], mode, &mut [draw]).map_err(|e| self.failed(e))?[0];
        self.store.intend(&Intent {
            key,
            checkpoint,
            instance: setup.instance,
            offset: setup.offset,
            seen: seen.pose,
            decision,
            image: (!self.cell.offers().truth).then(|| seen.image.clone()),
        })?;
        let attempt = self.cell.attempt(decision.correction, watch)?;
        let scalar = self.reward.of_attempt(attempt.outcome, attempt.measured.as_ref());
        let result = Stored::new(&attempt, scalar);
        self.store.record(key, checkpoint, &result)?;
        if let Some(image) = &attempt.after {
            self.store.picture_after(key, checkpoint, image)?;
        }
        Ok(self.experience(setup, seen, decision, &result))
    }

    fn learn(&mut self) -> Result<(), LabError> {
        let fresh = self.history.len() - self.learned;
        let key = TrialKey { phase: Phase::Train, index: self.learned as u64 };
        let mut draw = self.streams.draw(Stream::Replay, key);
        let progress = if self.learned < self.prior() {
            self.method.pretrain(&self.history, &mut draw)
        } else {
            self.method.learn(&self.history, fresh, &mut draw)
        };
        let progress = progress.map_err(|e| self.failed(e))?;
        let state = self.method.save().map_err(|e| self.failed(e))?;
        self.learned = self.history.len();
        let at_trial = self.learned as u64;
        self.store.commit_batch(&BatchEnd { at_trial, progress: &progress, state: &state })?;
        Ok(())
    }

    fn evaluate(
        &mut self,
        phase: Phase,
        watch: &mut dyn Watch,
        tell: &mut dyn FnMut(Phase),
    ) -> Result<(), LabError> {
        let evaluation = &self.experiment.evaluation;
        let count = if phase == Phase::Shelf { evaluation.shelf_trials } else { evaluation.trials };
        let checkpoint = self.learned as u64;
        let mut done = 0;
        for TrialRow { intent, result } in self.store.trials(phase, checkpoint)? {
            done += u64::from(self.settled(&intent, result)?.is_some());
        }
        for index in done..count {
            self.trial(TrialKey { phase, index }, checkpoint, Mode::Greedy, watch)?;
            tell(phase);
        }
        Ok(())
    }

    /// Reads back what the store holds: simulated pictures are taken again, stored ones read.
    fn restore(&mut self, watch: &mut dyn Watch) -> Result<(), LabError> {
        let mut rows = self.store.trials(Phase::Prior, 0)?;
        rows.extend(self.store.trials(Phase::Train, 0)?);
        for TrialRow { intent, result } in rows {
            let Some(result) = self.settled(&intent, result)? else { break };
            let setup = self.instances.setup(intent.key, self.history.len() as u64);
            let seen = match intent.image {
                Some(image) => Observation { image, pose: intent.seen },
                None => self.cell.prepare(&setup, watch)?,
            };
            let experience = self.experience(setup, seen, intent.decision, &result);
            self.history.push(experience);
        }
        if let Some((at_trial, state)) = self.store.learner()? {
            self.learned = (at_trial as usize).min(self.history.len());
            let (learned, method) = (&self.history[..self.learned], &mut self.method);
            method.load(&state, learned).map_err(|e| self.failed(e))?;
        }
        Ok(())
    }

    /// The result of a trial that was begun. One without a result is made again in simulation; on
    /// hardware it happened, nobody knows how, and is never made twice.
    fn settled(&self, intent: &Intent, result: Option<Stored>) -> Result<Option<Stored>, LabError> {
        if result.is_some() || self.cell.offers().truth {
            return Ok(result);
        }
        let scalar = self.reward.of_attempt(Outcome::Interrupted, None);
        let result = Stored::interrupted(intent.decision.correction, scalar);
        self.store.record(intent.key, intent.checkpoint, &result)?;
        Ok(Some(result))
    }

    fn view<'v>(&self, setup: &Setup, seen: &'v Observation) -> View<'v> {
        see(self.method.as_ref(), setup, seen)
    }

    fn experience(
        &self,
        setup: Setup,
        seen: Observation,
        decision: Decision,
        result: &Stored,
    ) -> Experience {
        let card = self.method.card();
        let View { instance, pose, truth, .. } = self.view(&setup, &seen);
        Experience {
            trial: self.history.len() as u64,
            image: seen.image,
            instance,
            pose,
            truth,
            decision,
            feedback: self.reward.feedback(result.outcome, result.measured.as_ref(), card.signal),
        }
    }

    fn failed(&self, source: LearnError) -> LabError {
        let method = self.method.card().name.to_owned();
        LabError::Learn { method, seed: self.streams.seed(), source }
    }
}

/// Shows a method what its card declares, and nothing else.
pub fn see<'v>(method: &dyn Method, setup: &Setup, seen: &'v Observation) -> View<'v> {
    use crate::task::ContextSignal::{None as Nothing, Pose, SceneId};
    let card = method.card();
    View {
        image: &seen.image,
        instance: match card.context {
            Nothing => None,
            SceneId | Pose => Some(setup.instance),
        },
        pose: if card.context == Pose { seen.pose } else { None },
        truth: card.sees_truth.then_some(setup.offset),
    }
}

/// A method that needs more than the cell can tell is refused before anything moves.
fn demand_signals(method: &dyn Method, cell: &dyn Workcell) -> Result<(), ConfigError> {
    let (card, offers) = (method.card(), cell.offers());
    let lacks = |what: &str| ConfigError {
        file: "the workcell".into(),
        key: "methods".into(),
        value: format!("\"{}\"", card.name),
        valid: format!("needs {what}, which this workcell cannot give"),
    };
    if card.sees_truth && !offers.truth {
        return Err(lacks("the true offset (simulation only)"));
    }
    if card.signal > offers.reward {
        return Err(lacks(&format!("the reward signal '{}'", card.signal.name())));
    }
    if card.context > offers.context {
        return Err(lacks(&format!("the context signal '{}'", card.context.name())));
    }
    Ok(())
}

/// Opens the store of a run to continue it, or creates it. A store of another run is refused.
pub(super) fn open_or_create(
    path: &Path,
    info: &RunInfo,
    durability: Durability,
) -> Result<TrialStore, LabError> {
    if !path.exists() {
        return Ok(TrialStore::create(path, info, durability)?);
    }
    let store = TrialStore::open(path, durability)?;
    let found = store.info()?;
    for (key, found, wanted) in [
        ("experiment", &found.experiment, &info.experiment),
        ("method", &found.method, &info.method),
        ("seed", &found.seed.to_string(), &info.seed.to_string()),
        ("backend", &found.backend, &info.backend),
        ("version", &found.version, &info.version),
    ] {
        if found != wanted {
            return Err(ConfigError {
                file: path.display().to_string(),
                key: key.to_owned(),
                value: found.clone(),
                valid: format!("this run would resume with {wanted}; use --fresh or another --out"),
            }
            .into());
        }
    }
    Ok(store)
}

/// Is it evaluated once it has learned from so many trials?
fn is_checkpoint(experiment: &Experiment, prior: u64, learned: u64) -> bool {
    let due = learned >= prior && learned.is_multiple_of(experiment.evaluation.every);
    learned == 0 || learned == experiment.trials || due
}

/// All trials of a run of a method that begins with so many prior ones: training, evaluation at
/// its checkpoints, and the final demonstration where its scene stands.
pub fn planned_trials(experiment: &Experiment, prior: u64, demonstrates: bool) -> u64 {
    let evaluation = &experiment.evaluation;
    let learned = (0..=experiment.trials).filter(|n| is_checkpoint(experiment, prior, *n));
    let shelf = if demonstrates { evaluation.shelf_trials } else { 0 };
    experiment.trials + 2 * learned.count() as u64 * evaluation.trials + shelf
}
