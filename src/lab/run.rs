use super::journal::Entry;
use super::schedule::{Schedule, SoFar, Step};
use super::trial::{Occasion, Trial, Trials};
use super::{Experiment, LabError, begun};
use crate::cell::{Signals, Watch, Workcell};
use crate::input::ConfigError;
use crate::learn::{Card, Experience, LearnError, Method, Mode, Recipe};
use crate::store::{BatchEnd, Intent, Stored, TrialRow, TrialStore};
use crate::task::{Outcome, Phase, Stream, TrialKey};

/// Makes a workcell for a scene; `None` where that scene does not stand. The lab does not know
/// which backend is behind it.
pub type MakeCell<'a> = dyn Fn(&str) -> Result<Option<Box<dyn Workcell>>, LabError> + Sync + 'a;

/// Makes who looks on in a scene.
pub type LookOn<'w> = dyn Fn(&str) -> Box<dyn Watch + 'w> + 'w;

/// One method, one seed: from the first trial to the last demonstration.
pub struct Run<'a> {
    experiment: &'a Experiment,
    schedule: Schedule,
    so_far: SoFar,
    trials: Trials,
    method: Box<dyn Method>,
    /// Where training takes place.
    cell: Box<dyn Workcell>,
    store: TrialStore,
    /// Every trial that may be learned from, prior ones first.
    history: Vec<Experience>,
}

impl<'a> Run<'a> {
    /// Begins a run, or continues it where its store says that it stopped.
    pub fn new(
        experiment: &'a Experiment,
        recipe: &Recipe,
        seed: u64,
        cell: Box<dyn Workcell>,
        store: TrialStore,
        watch: &mut dyn Watch,
    ) -> Result<Self, LabError> {
        let trials = Trials::new(&experiment.task, seed);
        let card = recipe.card();
        demand_signals(card, cell.offers())?;
        let weights = store.initial_weights()?;
        let method = begun(&experiment.task, recipe, trials.streams(), weights.as_deref());
        let mut run = Self {
            experiment,
            schedule: Schedule::new(experiment, card),
            so_far: SoFar::default(),
            method: method.map_err(|source| trials.failed(card, source))?,
            trials,
            cell,
            store,
            history: Vec::new(),
        };
        run.restore(watch)?;
        Ok(run)
    }

    /// Goes on to the end. `cells` makes the cells of demonstrations, `watch` who looks on in a
    /// scene; `tell` hears what has been written down, once it is on disk.
    pub fn go_on(
        &mut self,
        cells: &MakeCell<'_>,
        watch: &LookOn<'_>,
        tell: &mut dyn FnMut(Entry),
    ) -> Result<(), LabError> {
        let mut stage = Stage { watch: watch(&self.experiment.scene), elsewhere: None };
        loop {
            let step = self.schedule.next(&self.so_far);
            let entry = match step {
                Step::Try(key) => {
                    let learned = self.so_far.learned as usize;
                    let (method, turn) = (self.method.as_ref(), self.history.len() - learned);
                    let scene = self.trials.wish(method, &self.history[..learned], turn)?;
                    let trial = self.trial(key, (0, scene), Mode::Explore, &mut stage)?;
                    let entry = Entry::tried(key, 0, &trial);
                    self.remember(trial);
                    entry
                }
                Step::Learn { fresh, key } => self.learn(fresh, key)?,
                Step::Evaluate(key) => self.judge(key, &mut stage)?,
                Step::Demonstrate { which, key } => {
                    if !stage.set_up(which, self.experiment, cells, watch)? {
                        self.schedule.leave_out(which);
                        continue;
                    }
                    self.judge(key, &mut stage)?
                }
                Step::Done => {
                    self.store.complete()?;
                    tell(Entry::Completed);
                    return Ok(());
                }
            };
            tell(entry);
            self.schedule.after(step, &mut self.so_far);
        }
    }

    /// The trained method, for an evaluation of its own.
    pub fn into_method(self) -> Box<dyn Method> {
        self.method
    }

    fn trial(
        &mut self,
        key: TrialKey,
        (checkpoint, scene): (u64, Option<usize>),
        mode: Mode,
        stage: &mut Stage<'_>,
    ) -> Result<Trial, LabError> {
        let made = self.schedule.age(self.so_far.made);
        let occasion = Occasion { key, checkpoint, made, scene };
        let cell = match &mut stage.elsewhere {
            Some((_, cell)) => cell.as_mut(),
            None => self.cell.as_mut(),
        };
        let who = (self.method.as_ref(), mode);
        self.trials.make(occasion, who, cell, stage.watch.as_mut(), &mut self.store)
    }

    /// A greedy trial, which nothing is learned from.
    fn judge(&mut self, key: TrialKey, stage: &mut Stage<'_>) -> Result<Entry, LabError> {
        let checkpoint = self.so_far.learned;
        let trial = self.trial(key, (checkpoint, None), Mode::Greedy, stage)?;
        Ok(Entry::tried(key, checkpoint, &trial))
    }

    fn remember(&mut self, trial: Trial) {
        let number = self.history.len() as u64;
        self.history.push(self.trials.experience(self.method.card(), number, trial));
    }

    fn learn(&mut self, fresh: u64, key: TrialKey) -> Result<Entry, LabError> {
        let mut draw = self.trials.streams().draw(Stream::Replay, key);
        let learned = self.method.learn(&self.history, fresh as usize, &mut draw);
        let progress = learned.map_err(|e| self.failed(e))?;
        let state = self.method.save().map_err(|e| self.failed(e))?;
        let at_trial = self.history.len() as u64;
        self.store.commit_batch(&BatchEnd { at_trial, progress: &progress, state: &state })?;
        Ok(Entry::Learned { at_trial, progress })
    }

    /// Reads back what the store holds: simulated pictures are taken again, stored ones read.
    fn restore(&mut self, watch: &mut dyn Watch) -> Result<(), LabError> {
        let mut rows = self.store.trials(Phase::Prior, 0)?;
        rows.extend(self.store.trials(Phase::Train, 0)?);
        for TrialRow { intent, result } in rows {
            let Some(result) = self.settled(&intent, result)? else { break };
            let made = self.schedule.age(self.history.len() as u64);
            let (setup, seen) = self.trials.seen_again(&intent, made, self.cell.as_mut(), watch)?;
            self.remember(Trial { setup, seen, decision: intent.decision, result });
        }
        self.so_far.made = self.history.len() as u64;
        if let Some((at_trial, state)) = self.store.learner()? {
            self.so_far.learned = at_trial.min(self.so_far.made);
            let learned = &self.history[..self.so_far.learned as usize];
            self.method
                .load(&state, learned)
                .map_err(|e| self.trials.failed(self.method.card(), e))?;
        }
        let checkpoint = self.so_far.learned;
        self.so_far.evaluated = [
            self.judged(Phase::InScene, checkpoint)?.len() as u64,
            self.judged(Phase::HeldOut, checkpoint)?.len() as u64,
        ];
        let shown = self.judged(Phase::Shelf, self.schedule.trials())?;
        let of = |which| {
            let numbers = self.schedule.demonstration(which);
            shown.iter().filter(|index| numbers.contains(index)).count() as u64
        };
        self.so_far.demonstrated = (0..self.experiment.demonstrations.len()).map(of).collect();
        Ok(())
    }

    /// Numbers of the trials of an evaluation that are over.
    fn judged(&mut self, phase: Phase, checkpoint: u64) -> Result<Vec<u64>, LabError> {
        let mut numbers = Vec::new();
        for TrialRow { intent, result } in self.store.trials(phase, checkpoint)? {
            if self.settled(&intent, result)?.is_some() {
                numbers.push(intent.key.index);
            }
        }
        Ok(numbers)
    }

    /// The result of a trial that was begun. One without a result is made again in simulation; on
    /// hardware it happened, nobody knows how, and is never made twice.
    fn settled(&self, intent: &Intent, result: Option<Stored>) -> Result<Option<Stored>, LabError> {
        if result.is_some() || self.cell.offers().truth {
            return Ok(result);
        }
        let scalar = self.trials.reward().of_attempt(Outcome::Interrupted, None);
        let result = Stored::interrupted(intent.decision.correction, scalar);
        self.store.record(intent.key, intent.checkpoint, &result)?;
        Ok(Some(result))
    }

    fn failed(&self, source: LearnError) -> LabError {
        self.trials.failed(self.method.card(), source)
    }
}

/// Where trials are made at present, and who looks on.
struct Stage<'w> {
    watch: Box<dyn Watch + 'w>,
    /// The cell of a demonstration in another scene than that of training.
    elsewhere: Option<(usize, Box<dyn Workcell>)>,
}

impl<'w> Stage<'w> {
    /// Goes to where a demonstration takes place; `false` where its scene does not stand.
    fn set_up(
        &mut self,
        which: usize,
        experiment: &Experiment,
        cells: &MakeCell<'_>,
        watch: &LookOn<'w>,
    ) -> Result<bool, LabError> {
        let scene = &experiment.demonstrations[which].scene;
        if *scene == experiment.scene {
            self.elsewhere = None;
        } else if self.elsewhere.as_ref().is_none_or(|(there, _)| *there != which) {
            let Some(cell) = cells(scene)? else { return Ok(false) };
            self.elsewhere = Some((which, cell));
        } else {
            return Ok(true);
        }
        self.watch = watch(scene);
        Ok(true)
    }
}

/// A method that needs more than the cell can tell is refused before anything moves.
pub fn demand_signals(card: &Card, offers: Signals) -> Result<(), ConfigError> {
    let lacks = |needs: String, offered: &str| ConfigError {
        file: "the workcell".into(),
        key: "methods".into(),
        value: format!("\"{}\"", card.name),
        valid: format!("needs {needs}, and this workcell offers {offered}: leave it out"),
    };
    let at_most = |finest: &str| format!("at most '{finest}'");
    if card.sees_truth && !offers.truth {
        return Err(lacks("the true offset".to_owned(), "it in simulation only"));
    }
    if card.signal > offers.reward {
        let needs = format!("the reward signal '{}'", card.signal.name());
        return Err(lacks(needs, &at_most(offers.reward.name())));
    }
    if card.context > offers.context {
        let needs = format!("the context signal '{}'", card.context.name());
        return Err(lacks(needs, &at_most(offers.context.name())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{ContextSignal, RewardSignal};

    #[test]
    fn a_method_that_needs_more_than_the_cell_offers_is_refused_and_told_what_it_offers() {
        let most =
            Signals { reward: RewardSignal::Signed, context: ContextSignal::Pose, truth: true };
        let ask = |method: &str, offers| {
            let entry = crate::learn::find("test", "method", method).unwrap();
            let recipe = entry.open("test", &toml::Table::new()).unwrap();
            demand_signals(recipe.card(), offers).map_err(|error| error.to_string())
        };
        for (method, offers, said) in [
            (
                "self-calibration",
                Signals { reward: RewardSignal::Unsigned, ..most },
                "the reward signal 'signed', and this workcell offers at most 'unsigned'",
            ),
            (
                "direct-pose",
                Signals { context: ContextSignal::SceneId, ..most },
                "the context signal 'pose', and this workcell offers at most 'scene-id'",
            ),
            (
                "oracle",
                Signals { truth: false, ..most },
                "the true offset, and this workcell offers it in simulation only",
            ),
        ] {
            let error = ask(method, offers).unwrap_err();
            assert!(error.contains(said) && error.contains(method), "{error}");
            assert_eq!(ask(method, most), Ok(()));
        }
    }
}
