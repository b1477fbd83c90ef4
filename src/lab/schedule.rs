use super::Experiment;
use crate::learn::Card;
use crate::task::{Phase, TrialKey};

/// What comes next in a run: pure, so that training, resuming, replaying, progress and time left
/// cannot disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Trials to learn from, prior ones included.
    trials: u64,
    prior: u64,
    /// Those of them that come on top of the experiment's.
    on_top: u64,
    /// Prior trials that are there before the first one is made.
    given: u64,
    batch: u64,
    /// Trials between two evaluations.
    every: u64,
    /// Evaluations besides, after so many trials of the x axis.
    also: Vec<u64>,
    /// Trials of an evaluation, in-scene and as many held-out.
    evaluation: u64,
    /// Trials of each demonstration, and whether its scene stands.
    demonstrations: Vec<(u64, bool)>,
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SoFar {
    /// Trials made to learn from, prior ones included.
    pub made: u64,
    /// How many of them have been learned from.
    pub learned: u64,
    /// Trials of the evaluation that belongs to `learned`: in-scene and held-out.
    pub evaluated: [u64; 2],
    /// Trials of each demonstration.
    pub demonstrated: Vec<u64>,
}

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make a trial to learn from.
    Try(TrialKey),
    /// Learn from the last `fresh` trials. `key` chooses the draw.
    Learn {
        fresh: u64,
        key: TrialKey,
    },
    /// Make a greedy trial that nothing is learned from.
    Evaluate(TrialKey),
    /// The same in the cell of a demonstration, after training.
    Demonstrate {
        which: usize,
        key: TrialKey,
    },
    Done,
}

/// Both phases of an evaluation, in their order.
const EVALUATION: [Phase; 2] = [Phase::InScene, Phase::HeldOut];

impl Schedule {
    /// Of a method with this card.
    pub fn new(experiment: &Experiment, card: &Card) -> Self {
        Self {
            trials: experiment.trials + card.on_top(),
            prior: card.prior_trials,
            on_top: card.on_top(),
            given: if card.prior_given { card.prior_trials } else { 0 },
            ..Self::without_prior(experiment)
        }
    }

    /// Of a method without prior trials.
    pub fn without_prior(experiment: &Experiment) -> Self {
        Self {
            trials: experiment.trials,
            prior: 0,
            on_top: 0,
            given: 0,
            batch: experiment.batch,
            every: experiment.evaluation.every,
            also: experiment.evaluation.also.clone(),
            evaluation: experiment.evaluation.trials,
            demonstrations: experiment.demonstrations.iter().map(|d| (d.trials, true)).collect(),
        }
    }

    /// An evaluation alone: so many trials in-scene and as many held-out.
    pub fn of_evaluation(trials: u64) -> Self {
        Self {
            trials: 0,
            prior: 0,
            on_top: 0,
            given: 0,
            batch: 1,
            every: 1,
            also: Vec::new(),
            evaluation: trials,
            demonstrations: Vec::new(),
        }
    }

    /// Leaves out a demonstration whose scene does not stand.
    pub fn leave_out(&mut self, which: usize) {
        self.demonstrations[which].1 = false;
    }

    /// How old the cell is, in trials of the x axis, once so many have been made: what drifts goes by it,
    /// so that all methods meet the same cell at the same place of the axis.
    pub fn age(&self, made: u64) -> u64 {
        made.saturating_sub(self.on_top)
    }

    /// What comes after so much.
    pub fn next(&self, so_far: &SoFar) -> Step {
        let SoFar { made, learned, evaluated, demonstrated } = so_far;
        let next = self.trial(*made);
        if made > learned {
            let full = *made >= self.batch_end(*learned);
            let key = TrialKey { phase: Phase::Train, index: *learned };
            return if full { Step::Learn { fresh: made - learned, key } } else { Step::Try(next) };
        }
        if self.is_checkpoint(*learned) {
            for (phase, done) in EVALUATION.into_iter().zip(evaluated) {
                if *done < self.evaluation {
                    return Step::Evaluate(TrialKey { phase, index: *done });
                }
            }
        }
        if *learned < self.trials {
            return Step::Try(next);
        }
        let mut first = 0;
        for (which, (trials, stands)) in self.demonstrations.iter().enumerate() {
            let done = demonstrated.get(which).copied().unwrap_or(0);
            if *stands && done < *trials {
                let key = TrialKey { phase: Phase::Shelf, index: first + done };
                return Step::Demonstrate { which, key };
            }
            first += trials;
        }
        Step::Done
    }

    /// Where a run is once a step is done.
    pub fn after(&self, step: Step, so_far: &mut SoFar) {
        match step {
            Step::Try(_) => so_far.made += 1,
            Step::Learn { .. } => {
                so_far.learned = so_far.made;
                so_far.evaluated = [0; 2];
            }
            Step::Evaluate(key) => so_far.evaluated[usize::from(key.phase == EVALUATION[1])] += 1,
            Step::Demonstrate { which, .. } => {
                let most = so_far.demonstrated.len().max(which + 1);
                so_far.demonstrated.resize(most, 0);
                so_far.demonstrated[which] += 1;
            }
            Step::Done => {}
        }
    }

    /// Everything from the beginning to the end.
    pub fn steps(&self) -> impl Iterator<Item = Step> {
        let mut so_far = SoFar { made: self.given, ..SoFar::default() };
        std::iter::from_fn(move || {
            let step = self.next(&so_far);
            self.after(step, &mut so_far);
            (step != Step::Done).then_some(step)
        })
    }

    /// Trials to learn from, prior ones included: how many there are before a demonstration.
    pub fn trials(&self) -> u64 {
        self.trials
    }

    /// All trials that a run makes: to learn from, to evaluate, to demonstrate.
    pub fn all_trials(&self) -> u64 {
        let evaluated = 2 * self.checkpoints().count() as u64 * self.evaluation;
        self.trials - self.given + evaluated + self.of_phase(Phase::Shelf)
    }

    /// The trials of a demonstration, as numbers in their phase.
    pub fn demonstration(&self, which: usize) -> std::ops::Range<u64> {
        let first: u64 = self.demonstrations[..which].iter().map(|(trials, _)| trials).sum();
        first..first + self.demonstrations[which].0
    }

    /// How many trials of its kind a step is one of.
    pub fn of_phase(&self, phase: Phase) -> u64 {
        match phase {
            Phase::Prior => self.prior,
            Phase::Train => self.trials - self.prior,
            Phase::InScene | Phase::HeldOut => self.evaluation,
            Phase::Shelf => {
                self.demonstrations.iter().filter(|(_, stands)| *stands).map(|(n, _)| n).sum()
            }
        }
    }

    /// The trial to learn from after so many.
    pub fn trial(&self, made: u64) -> TrialKey {
        match made.checked_sub(self.prior) {
            None => TrialKey { phase: Phase::Prior, index: made },
            Some(index) => TrialKey { phase: Phase::Train, index },
        }
    }

    /// Prior trials are one batch.
    fn batch_end(&self, learned: u64) -> u64 {
        let end = (learned + self.batch).min(self.trials);
        if learned < self.prior { self.prior } else { end }
    }

    /// After how many trials learned from a run is evaluated, in order.
    pub fn checkpoints(&self) -> impl Iterator<Item = u64> {
        (0..=self.trials).filter(|learned| self.is_checkpoint(*learned))
    }

    /// Is a run evaluated once it has learned from so many trials?
    fn is_checkpoint(&self, learned: u64) -> bool {
        let due = learned.checked_sub(self.on_top).is_some_and(|n| {
            learned >= self.prior && (n.is_multiple_of(self.every) || self.also.contains(&n))
        });
        learned == 0 && self.given == 0 || learned == self.trials || due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn schedules()(batch in 1u64..12, batches in 1u64..9, rest in 0u64..12, prior in 0u64..5, extra in any::<bool>(),
                       every in 1u64..4, also in prop::collection::vec(1u64..9, 0..3), evaluation in 1u64..4, demonstrations in prop::collection::vec((0u64..4, Just(true)), 0..3))
                      -> Schedule {
            let trials = batch * batches + rest % batch;
            let prior = prior.min(batches.saturating_sub(1)) * batch;
            let on_top = if extra { prior } else { 0 };
            let also = also.into_iter().map(|at| at * batch).collect();
            Schedule { trials, prior, on_top, given: 0, batch, every: every * batch, also, evaluation, demonstrations }
        }
    }

    proptest! {
        #[test]
        fn every_trial_is_made_once_in_order_and_learned_from_before_the_end(s in schedules()) {
            let mut tried = Vec::new();
            let mut learned = 0;
            for step in s.steps() {
                match step {
                    Step::Try(key) => tried.push(key),
                    Step::Learn { fresh, key } => {
                        prop_assert_eq!(key.index, learned);
                        learned += fresh;
                        prop_assert_eq!(learned, tried.len() as u64);
                        prop_assert!(fresh <= s.batch || learned == s.prior);
                    }
                    _ => prop_assert_eq!(learned, tried.len() as u64, "nothing waits to be learned from"),
                }
            }
            prop_assert_eq!((learned, tried.len() as u64), (s.trials, s.trials));
            let prior = tried.iter().filter(|k| k.phase == Phase::Prior).count() as u64;
            prop_assert_eq!(prior, s.prior);
            for (i, key) in tried.iter().enumerate() {
                prop_assert_eq!(*key, s.trial(i as u64));
            }
        }

        #[test]
        fn it_is_evaluated_before_training_at_every_checkpoint_and_at_the_end(s in schedules()) {
            let mut learned = 0;
            let mut checkpoints = vec![];
            for step in s.steps() {
                match step {
                    Step::Learn { fresh, .. } => learned += fresh,
                    Step::Evaluate(TrialKey { phase: Phase::InScene, index: 0 }) => checkpoints.push(learned),
                    _ => {}
                }
            }
            prop_assert_eq!(checkpoints.first(), Some(&0));
            prop_assert_eq!(checkpoints.last(), Some(&s.trials));
            let named = |n: u64| n.is_multiple_of(s.every) || s.also.contains(&n);
            let due = (1..s.trials).filter(|n| *n >= s.prior && named(n - s.on_top));
            prop_assert_eq!(&checkpoints[1..checkpoints.len() - 1], &due.collect::<Vec<_>>()[..]);
        }

        #[test]
        fn the_number_of_trials_is_that_of_the_steps(s in schedules()) {
            let trials = s.steps().filter(|step| !matches!(step, Step::Learn { .. })).count() as u64;
            prop_assert_eq!(trials, s.all_trials());
        }

        #[test]
        fn a_run_cut_off_anywhere_goes_on_with_the_step_that_was_next(s in schedules(), cut in any::<prop::sample::Index>()) {
            let steps: Vec<Step> = s.steps().collect();
            let cut = cut.index(steps.len());
            let mut so_far = SoFar::default();
            steps[..cut].iter().for_each(|step| s.after(*step, &mut so_far));
            // What a store tells: counts alone.
            prop_assert_eq!(s.next(&so_far), steps[cut]);
        }

        #[test]
        fn demonstrations_are_numbered_on(s in schedules()) {
            let numbers: Vec<(usize, u64)> = s.steps().filter_map(|step| match step {
                Step::Demonstrate { which, key } => Some((which, key.index)),
                _ => None,
            }).collect();
            prop_assert_eq!(numbers.iter().map(|(_, n)| *n).collect::<Vec<_>>(), (0..numbers.len() as u64).collect::<Vec<_>>());
            prop_assert!(numbers.iter().all(|(which, n)| s.demonstration(*which).contains(n)));
        }
    }

    #[test]
    fn trials_that_were_given_are_learned_from_first_and_never_made() {
        let experiment = Experiment::open("narrow", &[]).unwrap();
        let card = Card {
            prior_trials: 30,
            prior_on_top: true,
            prior_given: true,
            ..Card::learner("m", "")
        };
        let schedule = Schedule::new(&experiment, &card);
        let steps: Vec<Step> = schedule.steps().collect();
        let key = TrialKey { phase: Phase::Train, index: 0 };
        assert_eq!(steps[0], Step::Learn { fresh: 30, key });
        let tried = steps.iter().filter(|step| matches!(step, Step::Try(_))).count() as u64;
        assert_eq!(tried, experiment.trials);
        assert!(
            steps.iter().all(|s| !matches!(s, Step::Try(TrialKey { phase: Phase::Prior, .. })))
        );
        assert_eq!(schedule.checkpoints().next(), Some(30), "0 on the x axis");
        let made = steps.iter().filter(|step| !matches!(step, Step::Learn { .. })).count() as u64;
        assert_eq!(made, schedule.all_trials());
    }

    #[test]
    fn what_drifts_is_as_old_for_a_method_with_trials_on_top_as_for_the_others() {
        let experiment = Experiment::open("narrow", &[]).unwrap();
        let card = Card { prior_trials: 200, prior_on_top: true, ..Card::learner("m", "") };
        let (on_top, plain) =
            (Schedule::new(&experiment, &card), Schedule::without_prior(&experiment));
        assert_eq!([0, 150, 200, 700].map(|made| on_top.age(made)), [0, 0, 0, 500]);
        assert_eq!(plain.age(500), 500);
        assert_eq!(on_top.age(on_top.trials()), plain.age(plain.trials()));
    }

    #[test]
    fn an_evaluation_alone_has_its_two_phases_and_no_more() {
        let steps: Vec<Step> = Schedule::of_evaluation(2).steps().collect();
        let of = |phase| (0..2).map(move |index| Step::Evaluate(TrialKey { phase, index }));
        assert_eq!(steps, EVALUATION.into_iter().flat_map(of).collect::<Vec<_>>());
    }

    #[test]
    fn a_run_reads_like_this() {
        let s = Schedule {
            trials: 3,
            prior: 0,
            on_top: 0,
            given: 0,
            batch: 2,
            every: 2,
            also: Vec::new(),
            evaluation: 1,
            demonstrations: vec![(1, true)],
        };
        let train = |index| TrialKey { phase: Phase::Train, index };
        let evaluate = EVALUATION.map(|phase| Step::Evaluate(TrialKey { phase, index: 0 }));
        let mut steps = evaluate.to_vec();
        steps.extend([
            Step::Try(train(0)),
            Step::Try(train(1)),
            Step::Learn { fresh: 2, key: train(0) },
        ]);
        steps.extend(evaluate);
        steps.extend([Step::Try(train(2)), Step::Learn { fresh: 1, key: train(2) }]);
        steps.extend(evaluate);
        steps.push(Step::Demonstrate { which: 0, key: TrialKey { phase: Phase::Shelf, index: 0 } });
        assert_eq!(s.steps().collect::<Vec<_>>(), steps);
    }
}
