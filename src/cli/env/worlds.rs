//! Many worlds in step, each on a thread of its own.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use serde::Deserialize;
use serde_json::{Value, json};

use super::answers::Request;
use super::world::World;
use crate::input::ConfigError;
use crate::lab::Experiment;
use crate::task::RewardSignal;

/// Worlds that share the trials of a seed: world i of N meets i, i + N, …, so that together they meet what
/// one alone meets, each with the same outcome.
pub struct Worlds(Vec<Worker>);

struct Worker {
    questions: Option<Sender<Request>>,
    answers: Receiver<Result<Value, String>>,
    thread: Option<JoinHandle<()>>,
}

/// A line: the same for all worlds, or one request a world, in their order.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Each(Vec<Request>),
    All(Request),
}

impl Worlds {
    pub fn new(
        experiment: &Experiment,
        seed: u64,
        signal: RewardSignal,
        number: u64,
    ) -> Result<Self, ConfigError> {
        let start = |at| Worker::start(experiment.clone(), seed, signal, [at, number]);
        (0..number).map(start).collect::<Result<_, _>>().map(Self)
    }

    /// To `describe` one answer, to anything else one a world: an answer or `{"error": why}`.
    pub fn answer(&mut self, line: &str) -> Result<Value, String> {
        let worlds = self.0.len();
        let line: Line = serde_json::from_str(line).map_err(|_| {
            format!(
                "not understood; valid: {{\"op\":\"describe\"}}, a request for all worlds such as {{\"op\":\"prepare\"}}, \
                 or an array of {worlds} requests, one a world, such as \
                 {{\"op\":\"attempt\",\"correction\":[x_mm,y_mm,yaw_deg]}}"
            )
        })?;
        let requests = match line {
            Line::All(Request::Describe) => {
                let mut told = self.ask(vec![Request::Describe]).swap_remove(0);
                told["envs"] = json!(worlds);
                return Ok(told);
            }
            Line::All(request) => vec![request; worlds],
            Line::Each(requests) if requests.len() == worlds => requests,
            Line::Each(requests) => {
                return Err(format!("{} requests: must be {worlds}, one a world", requests.len()));
            }
        };
        Ok(Value::Array(self.ask(requests)))
    }

    /// All work at once; answers come in the worlds' order.
    fn ask(&mut self, requests: Vec<Request>) -> Vec<Value> {
        let asked = requests.into_iter().zip(&self.0).map(|(request, worker)| {
            drop(worker.questions.as_ref().map(|questions| questions.send(request)));
            worker
        });
        let gone = |_| Err("this world has failed: start again".to_owned());
        let answer = |worker: &Worker| worker.answers.recv().unwrap_or_else(gone);
        let workers: Vec<_> = asked.collect();
        workers.into_iter().map(|w| answer(w).unwrap_or_else(|e| json!({ "error": e }))).collect()
    }
}

impl Worker {
    fn start(
        experiment: Experiment,
        seed: u64,
        signal: RewardSignal,
        share: [u64; 2],
    ) -> Result<Self, ConfigError> {
        let (questions, asked) = channel::<Request>();
        let (told, answers) = channel();
        let (built, ready) = channel();
        // A world is built where it works: it need not move between threads.
        let thread = std::thread::spawn(move || {
            let mut world = match World::new(experiment, seed, signal, share) {
                Ok(world) => {
                    drop(built.send(Ok(())));
                    world
                }
                Err(error) => return drop(built.send(Err(error))),
            };
            while let Ok(request) = asked.recv() {
                if told.send(world.answer(request)).is_err() {
                    return;
                }
            }
        });
        let failed = || unreachable!("a world says whether it could be built");
        ready.recv().unwrap_or_else(|_| failed())?;
        Ok(Self { questions: Some(questions), answers, thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.questions = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SEED: u64 = 3;

    fn worlds(number: u64) -> Worlds {
        let experiment = Experiment::open("smoke", &[]).unwrap();
        Worlds::new(&experiment, SEED, RewardSignal::Signed, number).unwrap()
    }

    #[test]
    fn worlds_together_meet_what_one_meets_alone() {
        let experiment = Experiment::open("smoke", &[]).unwrap();
        let mut one = World::new(experiment, SEED, RewardSignal::Signed, [0, 1]).unwrap();
        let correction = |trial: usize| [trial as f64 / 10.0, -1.0, 0.5];
        let mut alone = Vec::new();
        for trial in 0..9 {
            let mut seen =
                one.answer(Request::Prepare { phase: None, index: None, offset: None }).unwrap();
            let told = one.answer(Request::Attempt { correction: correction(trial) }).unwrap();
            seen["told"] = told;
            alone.push(seen);
        }
        let mut three = worlds(3);
        let mut together = Vec::new();
        let mut seen = three.answer(r#"{"op":"prepare"}"#).unwrap().as_array().unwrap().clone();
        for round in 0..3 {
            let steps: Vec<_> = (0..3)
                .map(|at| json!({ "op": "step", "correction": correction(3 * round + at) }))
                .collect();
            let told = three.answer(&json!(steps).to_string()).unwrap();
            for (at, mut told) in told.as_array().unwrap().clone().into_iter().enumerate() {
                let next = told.as_object_mut().unwrap().remove("next").unwrap();
                seen[at]["told"] = told;
                together.push(std::mem::replace(&mut seen[at], next));
            }
        }
        assert_eq!(together, alone);
    }

    #[test]
    fn what_one_world_refuses_does_not_stop_the_others() {
        let mut two = worlds(2);
        two.answer(r#"{"op":"prepare"}"#).unwrap();
        let told = two
            .answer(
                r#"[{"op":"attempt","correction":[9,0,0]},{"op":"attempt","correction":[0,0,0]}]"#,
            )
            .unwrap();
        assert!(told[0]["error"].as_str().unwrap().contains("must be from -3 to 3"), "{told}");
        assert!(told[1]["reward"].is_number(), "{told}");
        let told = two.answer(r#"{"op":"attempt","correction":[0,0,0]}"#).unwrap();
        assert!(told[0]["reward"].is_number(), "{told}");
        assert!(told[1]["error"].as_str().unwrap().contains("nothing is prepared"), "{told}");
    }

    #[test]
    fn a_line_needs_a_request_for_each_world() {
        let mut two = worlds(2);
        for line in [r#"[{"op":"prepare"}]"#, "[]", r#"{"op":"fly"}"#, "17"] {
            let said = two.answer(line).unwrap_err();
            assert!(said.contains("one a world"), "{line}: {said}");
        }
        assert_eq!(two.answer(r#"{"op":"describe"}"#).unwrap()["envs"], 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_line_makes_the_worlds_panic(
            line in prop_oneof![
                "\\PC{0,60}",
                "\\[(\\{\"op\":\"(prepare|attempt|step|x)\",\"(phase|correction)\":(\"train\"|\\[1e400,0,0\\]|null)\\},?){0,3}\\]",
            ],
        ) {
            thread_local! {
                static WORLDS: std::cell::RefCell<Worlds> = std::cell::RefCell::new(worlds(2));
            }
            WORLDS.with_borrow_mut(|worlds| drop(worlds.answer(&line)));
        }
    }
}
