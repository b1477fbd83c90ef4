//! One world of the task, which answers a client's questions.

use serde_json::{Value, json};

use super::answers::{NOTHING_PREPARED, Request, describe, in_range, shown, told, understood};
use crate::cell::{Unwatched, Workcell};
use crate::cli::cells::{Bench, SimCells};
use crate::input::ConfigError;
use crate::lab::{Experiment, Occasion, Schedule, Trials, judge};
use crate::task::{Correction, Phase, Pose2, Range, RewardSignal, TrialKey};

/// A simulated cell and its trials.
pub struct World {
    experiment: Experiment,
    trials: Trials,
    schedule: Schedule,
    cell: Box<dyn Workcell>,
    signal: RewardSignal,
    /// Number of the next training trial.
    next: u64,
    /// How far it is to the one after: as many as worlds share the seed's trials.
    stride: u64,
    prepared: Option<TrialKey>,
}

impl World {
    /// World `first` of `worlds` that share the trials of a seed: it meets `first`, `first + worlds`, ….
    pub fn new(
        experiment: Experiment,
        seed: u64,
        signal: RewardSignal,
        share: [u64; 2],
    ) -> Result<Self, ConfigError> {
        let cell = SimCells::new(&Bench::from(&experiment))?.cell(&experiment.scene)?;
        Ok(Self::around(cell, experiment, seed, signal, share))
    }

    /// The same in this cell.
    pub fn around(
        cell: Box<dyn Workcell>,
        experiment: Experiment,
        seed: u64,
        signal: RewardSignal,
        [first, worlds]: [u64; 2],
    ) -> Self {
        Self {
            trials: Trials::new(&experiment.task, seed),
            schedule: Schedule::without_prior(&experiment),
            cell,
            signal,
            next: first,
            stride: worlds,
            prepared: None,
            experiment,
        }
    }

    /// The answer to a line.
    pub fn hear(&mut self, line: &str) -> Result<Value, String> {
        self.answer(understood(line)?)
    }

    /// The answer, or why there is none: the world is then as it was.
    pub fn answer(&mut self, request: Request) -> Result<Value, String> {
        match request {
            Request::Describe => Ok(describe(&self.experiment, &self.trials, self.signal)),
            Request::Prepare { phase, index, offset } => {
                self.prepare(phase.as_deref(), index, offset.map(Pose2::from_axes))
            }
            Request::Attempt { correction } => self.attempt(Correction::from_axes(correction)),
            Request::Step { correction } => {
                let mut answer = self.attempt(Correction::from_axes(correction))?;
                answer["next"] = self.prepare(None, None, None)?;
                Ok(answer)
            }
        }
    }

    fn prepare(
        &mut self,
        phase: Option<&str>,
        index: Option<u64>,
        offset: Option<Pose2>,
    ) -> Result<Value, String> {
        let name = phase.unwrap_or("train");
        let known = [Phase::Train, Phase::InScene, Phase::HeldOut];
        let phase = known
            .into_iter()
            .find(|p| p.name() == name)
            .ok_or_else(|| format!("phase \"{name}\": must be one of train, in-scene, held-out"))?;
        let key = match (phase, index) {
            (Phase::Train, None) => self.schedule.trial(self.next),
            (phase, index) => TrialKey { phase, index: index.unwrap_or(0) },
        };
        // What drifts is as old as the training trial that is asked for, whichever came before it.
        let made = if phase == Phase::Train { key.index } else { self.next };
        let occasion = Occasion { key, checkpoint: 0, made, scene: None };
        let mut setup = self.trials.setup(occasion);
        if let Some(offset) = offset {
            setup.offset = self.in_reach(offset)?;
        }
        let seen = self.cell.prepare(&setup, &mut Unwatched).map_err(|e| e.to_string())?;
        self.prepared = Some(key);
        Ok(shown(key, &setup, &seen))
    }

    /// An offset that a client asks for, if the plate would still lie on the pick place.
    fn in_reach(&self, offset: Pose2) -> Result<Pose2, String> {
        let Range { mm, deg } = self.experiment.task.range;
        let reach = 2.0 * mm.max(deg);
        let inside = offset.axes().iter().all(|axis| axis.abs() <= reach);
        inside.then_some(offset).ok_or_else(|| {
            format!("offset {:?}: each part must be from {} to {reach}", offset.axes(), -reach)
        })
    }

    fn attempt(&mut self, correction: Correction) -> Result<Value, String> {
        let key = self.prepared.ok_or(NOTHING_PREPARED)?;
        let correction = in_range(&self.experiment, correction)?;
        let attempt = self.cell.attempt(correction, &mut Unwatched).map_err(|e| e.to_string())?;
        self.prepared = None;
        let mut answer = told(&self.trials, &attempt, self.signal);
        if key.phase == Phase::Train {
            self.next = key.index.saturating_add(self.stride);
        } else {
            let judged = judge(self.trials.reward(), &self.trials.result(&attempt));
            answer["score"] = json!({
                "translation_mm": judged.error.translation_mm(),
                "yaw_deg": judged.error.yaw_deg.abs(),
                "success": judged.success,
            });
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn world() -> World {
        let experiment = Experiment::open("smoke", &[]).unwrap();
        World::new(experiment, 1, RewardSignal::Scalar, [0, 1]).unwrap()
    }

    #[test]
    fn finer_signals_are_told_only_if_declared() {
        for (signal, keys) in [
            (RewardSignal::Scalar, [false, false]),
            (RewardSignal::Unsigned, [true, false]),
            (RewardSignal::Signed, [true, true]),
        ] {
            let experiment = Experiment::open("smoke", &[]).unwrap();
            let mut world = World::new(experiment, 1, signal, [0, 1]).unwrap();
            world.hear(r#"{"op":"prepare"}"#).unwrap();
            let told = world.hear(r#"{"op":"attempt","correction":[0,0,0]}"#).unwrap();
            let got = ["unsigned", "signed"].map(|key| told.get(key).is_some());
            assert_eq!(got, keys, "{signal:?}");
            assert!(told.get("score").is_none(), "no truth in training");
        }
    }

    #[test]
    fn a_correction_out_of_range_is_refused_and_the_trial_waits_for_another() {
        let mut world = world();
        world.hear(r#"{"op":"prepare"}"#).unwrap();
        for far in ["[9,0,0]", "[0,-3.001,0]", "[0,0,3.5]"] {
            let said =
                world.hear(&format!(r#"{{"op":"attempt","correction":{far}}}"#)).unwrap_err();
            assert!(said.contains("must be from -3 to 3"), "{far}: {said}");
        }
        let edge =
            world.hear(r#"{"op":"attempt","correction":[3.0000000000000004,-3,3]}"#).unwrap();
        assert!(edge["reward"].is_number(), "{edge}");
    }

    #[test]
    fn a_training_trial_is_the_same_whichever_trials_came_before_it() {
        let drift = "task.drift=[{ key = \"fixture_x_mm\", at = 3, to = 2.0 }]".to_owned();
        let quiet = "task.measurement={ mm = 0.0, deg = 0.0 }".to_owned();
        let experiment = || Experiment::open("smoke", &[drift.clone(), quiet.clone()]).unwrap();
        let world = || World::new(experiment(), 1, RewardSignal::Signed, [0, 1]).unwrap();
        let attempt = |world: &mut World, index: u64| {
            world.hear(&format!(r#"{{"op":"prepare","phase":"train","index":{index}}}"#)).unwrap();
            world.hear(r#"{"op":"attempt","correction":[0,0,0]}"#).unwrap()
        };
        let mut one = world();
        let in_turn: Vec<_> = (0..6).map(|index| attempt(&mut one, index)).collect();
        for first in 0..2 {
            let mut of_two = world();
            for index in (first..6).step_by(2) {
                assert_eq!(attempt(&mut of_two, index), in_turn[index as usize], "{index}");
            }
        }
    }

    #[test]
    fn a_client_can_ask_for_all_that_an_environment_declares() {
        let told = world().hear(r#"{"op":"describe"}"#).unwrap();
        assert_eq!(
            told["image"],
            json!({ "width": 64, "height": 64, "mm_per_pixel": 2.5, "type": "uint8" })
        );
        assert_eq!(told["grid"]["yaw_deg"], json!([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]));
        assert_eq!(told["cap"], json!({ "x_mm": 3.0, "y_mm": 3.0, "yaw_deg": 3.0 }));
        assert!(told["reward_floor"].as_f64().unwrap() < -2.0, "{told}");
        let checkpoints = told["checkpoints"].as_array().unwrap();
        assert_eq!(checkpoints.last(), Some(&told["trials"]));
        assert!(told["batch"].as_u64().unwrap() > 0);
    }

    #[test]
    fn an_offset_that_is_asked_for_replaces_the_instances() {
        let quiet = ["actuation", "measurement"]
            .map(|noise| format!("task.{noise}={{ mm = 0.0, deg = 0.0 }}"));
        let experiment = Experiment::open("smoke", &quiet).unwrap();
        let mut world = World::new(experiment, 1, RewardSignal::Signed, [0, 1]).unwrap();
        world.hear(r#"{"op":"prepare","offset":[1.5,-1,2]}"#).unwrap();
        let told = world.hear(r#"{"op":"attempt","correction":[0.5,0,0]}"#).unwrap();
        for (axis, wanted) in [1.0, -1.0, 2.0].into_iter().enumerate() {
            let got = told["signed"][axis].as_f64().unwrap();
            assert!((got - wanted).abs() < 0.1, "{told}");
        }
        let far = world.hear(r#"{"op":"prepare","offset":[60,0,0]}"#).unwrap_err();
        assert!(far.contains("must be from"), "{far}");
    }

    proptest! {
        #[test]
        fn no_line_makes_the_world_panic(
            line in prop_oneof![
                "\\PC{0,60}",
                "\\{\"op\":\"(prepare|attempt|describe|x)\"(,\"(phase|index|correction)\":(-?[0-9]{1,25}|\"train\"|\\[1e400,0,0\\]|null))?\\}",
            ],
        ) {
            thread_local! {
                static WORLD: std::cell::RefCell<World> = std::cell::RefCell::new(world());
            }
            WORLD.with_borrow_mut(|world| drop(world.hear(&line)));
        }
    }
}
