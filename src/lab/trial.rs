use super::LabError;
use crate::cell::{Attempt, Observation, Watch, Workcell};
use crate::learn::{Card, Decision, Experience, LearnError, Method, Mode, View};
use crate::store::{Intent, StoreError, Stored, TrialStore};
use crate::task::{Image, Instances, Pose2, Reward, Setup, Stream, Streams, TaskSpec, TrialKey};

/// Makes trials of a task with one seed's draws: the one place where a trial is made, for training,
/// evaluation, demonstrations, clients in other languages and tests.
#[derive(Clone, Debug)]
pub struct Trials {
    streams: Streams,
    instances: Instances,
    reward: Reward,
}

/// Which trial, and when in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occasion {
    pub key: TrialKey,
    /// Trials learned from before an evaluation; 0 for what is learned from.
    pub checkpoint: u64,
    /// Physical trials made before, for what drifts.
    pub made: u64,
    /// The training instance that the method chose; `None` for the one whose turn it is.
    pub scene: Option<usize>,
}

/// A trial that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    pub setup: Setup,
    pub seen: Observation,
    pub decision: Decision,
    pub result: Stored,
}

/// Where trials are written down: each before it moves anything, and again once it is over.
pub trait Record {
    fn intend(&mut self, intent: Intent) -> Result<(), StoreError>;

    fn record(
        &mut self,
        occasion: Occasion,
        result: &Stored,
        after: Option<&Image>,
    ) -> Result<(), StoreError>;
}

impl Trials {
    pub fn new(task: &TaskSpec, seed: u64) -> Self {
        let streams = Streams::new(seed);
        Self { streams, instances: Instances::draw(task, streams), reward: Reward::new(task) }
    }

    /// Trials of the same scene instances that were made elsewhere: with other draws.
    pub fn elsewhere(&self, by: u64) -> Self {
        let streams = Streams::new(self.streams.seed().wrapping_add(by));
        Self { streams, instances: self.instances.drawing(streams), reward: self.reward }
    }

    pub fn streams(&self) -> Streams {
        self.streams
    }

    pub fn reward(&self) -> &Reward {
        &self.reward
    }

    /// How a trial begins: the scene instance's pose plus jitter.
    pub fn setup(&self, occasion: Occasion) -> Setup {
        let Occasion { key, made, scene, .. } = occasion;
        match scene {
            Some(scene) => self.instances.chosen(scene, key, made),
            None => self.instances.setup(key, made),
        }
    }

    /// How a trial that was written down began, after so many others.
    pub fn began(&self, intent: &Intent, made: u64) -> Setup {
        let (instance, offset) = (intent.instance, intent.offset);
        Setup { instance, offset, ..self.instances.setup(intent.key, made) }
    }

    /// What was seen at the beginning of a trial that was written down: a stored picture is read, a simulated
    /// one taken again.
    pub fn seen_again(
        &self,
        intent: &Intent,
        made: u64,
        cell: &mut dyn Workcell,
        watch: &mut dyn Watch,
    ) -> Result<(Setup, Observation), LabError> {
        let setup = self.began(intent, made);
        let seen = match &intent.image {
            Some(image) => Observation { image: image.clone(), pose: intent.seen },
            None => cell.prepare(&setup, watch)?,
        };
        Ok((setup, seen))
    }

    /// The instance in which the method wishes to make the trial that comes so many after this history,
    /// which it has learned from.
    pub fn wish(
        &self,
        method: &dyn Method,
        history: &[Experience],
        turn: usize,
    ) -> Result<Option<usize>, LabError> {
        let scenes = self.instances.trained();
        let wished = if history.is_empty() { None } else { method.wishes(history, turn, scenes) };
        match wished {
            Some(wished) if wished >= scenes => {
                Err(self.failed(method.card(), LearnError::Scene { wished, scenes }))
            }
            wished => Ok(wished),
        }
    }

    /// Makes one trial: look, let the method choose, write down what is to be tried, try it, write
    /// down what came of it.
    pub fn make(
        &self,
        occasion: Occasion,
        (method, mode): (&dyn Method, Mode),
        cell: &mut dyn Workcell,
        watch: &mut dyn Watch,
        record: &mut dyn Record,
    ) -> Result<Trial, LabError> {
        let setup = self.setup(occasion);
        watch.begins(occasion.key, occasion.checkpoint);
        let seen = cell.prepare(&setup, watch)?;
        let mut decision = self.decide(method, mode, &setup, &seen)?;
        if let Some(doubt) = cell.doubt().filter(|_| mode == Mode::Greedy)
            && doubt.declines(decision.spread)?
        {
            // Its spread stays and says why.
            decision = Decision { spread: decision.spread, ..Decision::at(Pose2::IDENTITY) };
        }
        record.intend(Intent {
            key: occasion.key,
            checkpoint: occasion.checkpoint,
            instance: setup.instance,
            offset: setup.offset,
            seen: seen.pose,
            decision,
            image: cell.keeps_pictures().then(|| seen.image.clone()),
        })?;
        let attempt = cell.attempt(decision.correction, watch)?;
        let result = self.result(&attempt);
        record.record(occasion, &result, attempt.after.as_ref())?;
        Ok(Trial { setup, seen, decision, result })
    }

    /// What is kept of an attempt, with its scalar reward.
    pub fn result(&self, attempt: &Attempt) -> Stored {
        let scalar = self.reward.of_attempt(attempt.outcome, attempt.measured.as_ref());
        Stored::new(attempt, scalar)
    }

    /// A finished trial as a method with this card is told of it.
    pub fn experience(&self, card: &Card, number: u64, trial: Trial) -> Experience {
        let Trial { setup, seen, decision, result } = trial;
        let View { instance, pose, truth, .. } = see(card, &setup, &seen);
        Experience {
            trial: number,
            image: seen.image,
            instance,
            pose,
            truth,
            decision,
            outcome: result.outcome,
            executed: card.sees_executed.then_some(result.executed),
            feedback: self.reward.feedback(result.outcome, result.measured.as_ref(), card.signal),
        }
    }

    fn decide(
        &self,
        method: &dyn Method,
        mode: Mode,
        setup: &Setup,
        seen: &Observation,
    ) -> Result<Decision, LabError> {
        let card = method.card();
        let draw = self.streams.draw(Stream::Explore, setup.key);
        let decided = method.act(&[see(card, setup, seen)], mode, &mut [draw]);
        let one = decided.and_then(|all| match all[..] {
            [decision] => Ok(decision),
            _ => Err(LearnError::Count { asked: 1, got: all.len() }),
        });
        one.map_err(|source| self.failed(card, source))
    }

    /// A method's failure, with the run it happened in.
    pub fn failed(&self, card: &Card, source: LearnError) -> LabError {
        LabError::Learn { method: card.name.clone(), seed: self.streams.seed(), source }
    }
}

/// Shows a method what its card declares, and nothing else.
pub fn see<'v>(card: &Card, setup: &Setup, seen: &'v Observation) -> View<'v> {
    use crate::task::ContextSignal::{None as Nothing, Pose, SceneId};
    let truth: Option<Pose2> = card.sees_truth.then_some(setup.offset);
    View {
        image: &seen.image,
        instance: match card.context {
            Nothing => None,
            SceneId | Pose => Some(setup.instance),
        },
        pose: if card.context == Pose { seen.pose } else { None },
        truth,
    }
}

impl Record for TrialStore {
    fn intend(&mut self, intent: Intent) -> Result<(), StoreError> {
        Self::intend(self, &intent)
    }

    fn record(
        &mut self,
        Occasion { key, checkpoint, .. }: Occasion,
        result: &Stored,
        after: Option<&Image>,
    ) -> Result<(), StoreError> {
        Self::record(self, key, checkpoint, result)?;
        match after {
            Some(image) => self.picture_after(key, checkpoint, image),
            None => Ok(()),
        }
    }
}

/// Trials that nobody keeps.
impl Record for () {
    fn intend(&mut self, _: Intent) -> Result<(), StoreError> {
        Ok(())
    }

    fn record(&mut self, _: Occasion, _: &Stored, _: Option<&Image>) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::{IdealCell, Unwatched, picture};
    use crate::learn::{LearnError, Progress};
    use crate::task::{Correction, Draw, Phase, Range};

    /// Answers with so many decisions, whatever it is asked, and wishes for the instance of that number.
    struct Talkative(Card, usize);

    impl Method for Talkative {
        fn card(&self) -> &Card {
            &self.0
        }

        fn act(
            &self,
            _: &[View<'_>],
            _: Mode,
            _: &mut [Draw],
        ) -> Result<Vec<Decision>, LearnError> {
            let none = Decision::at(Correction::IDENTITY);
            Ok(vec![none; self.1])
        }

        fn wishes(&self, _: &[Experience], _: usize, _: usize) -> Option<usize> {
            Some(self.1)
        }

        fn learn(
            &mut self,
            _: &[Experience],
            _: usize,
            _: &mut Draw,
        ) -> Result<Progress, LearnError> {
            Ok(Progress::default())
        }

        fn save(&self) -> Result<Vec<u8>, LearnError> {
            Ok(Vec::new())
        }

        fn load(&mut self, _: &[u8], _: &[Experience]) -> Result<(), LearnError> {
            Ok(())
        }
    }

    #[test]
    fn a_method_that_answers_with_another_number_of_decisions_is_told_so() {
        let task = TaskSpec::exact(Range { mm: 3.0, deg: 3.0 });
        let trials = Trials::new(&task, 1);
        let mut cell = IdealCell::new(task.clone(), |setup| picture(&task, setup));
        let key = TrialKey { phase: Phase::Train, index: 0 };
        let occasion = Occasion { key, checkpoint: 0, made: 0, scene: None };
        let mut make = |count| {
            let method = Talkative(Card::reference("talkative", "for this test"), count);
            let who = (&method as &dyn Method, Mode::Greedy);
            trials.make(occasion, who, &mut cell, &mut Unwatched, &mut ())
        };
        assert!(make(1).is_ok());
        for count in [0, 2] {
            let said = make(count).unwrap_err().to_string();
            assert!(said.contains(&format!("asked for 1 decisions and made {count}")), "{said}");
        }
    }

    #[test]
    fn a_method_that_wishes_for_a_scene_that_does_not_exist_is_told_how_many_there_are() {
        let task = TaskSpec { scene_instances: 3, ..TaskSpec::exact(Range { mm: 3.0, deg: 3.0 }) };
        let trials = Trials::new(&task, 1);
        let mut cell = IdealCell::new(task.clone(), |setup| picture(&task, setup));
        let key = TrialKey { phase: Phase::Train, index: 0 };
        let wisher = |wished| Talkative(Card::reference("wisher", "for this test"), wished);
        let occasion = Occasion { key, checkpoint: 0, made: 0, scene: Some(2) };
        let one = wisher(1);
        let who = (&one as &dyn Method, Mode::Greedy);
        let trial = trials.make(occasion, who, &mut cell, &mut Unwatched, &mut ()).unwrap();
        assert_eq!(trial.setup.instance, 2, "it is made where it was wished for");
        let history = [trials.experience(&one.0, 0, trial)];
        assert_eq!(trials.wish(&one, &history, 0).unwrap(), Some(1));
        assert_eq!(
            trials.wish(&wisher(9), &[], 0).unwrap(),
            None,
            "it has learned from nothing yet"
        );
        let LabError::Learn { source, .. } = trials.wish(&wisher(3), &history, 0).unwrap_err()
        else {
            panic!("another error")
        };
        assert_eq!(source.to_string(), "wished for scene instance 3: there are 3, from 0 on");
    }
}
