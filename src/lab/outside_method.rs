use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::Rng;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::process::{Process, short};
use crate::learn::{
    Card, Decision, Experience, Label, LearnError, Method, Mode, Progress, SceneChoice, View,
};
use crate::task::{Correction, Draw, Image, Pose2, Range};

/// A method that is another program, one a run.
#[derive(Debug)]
pub(super) struct OutsideMethod {
    card: Card,
    scenes: SceneChoice,
    range: Range,
    process: Mutex<Process>,
    patience: Duration,
}

impl OutsideMethod {
    pub fn new(
        card: Card,
        scenes: SceneChoice,
        range: Range,
        process: Process,
        patience: Duration,
    ) -> Self {
        Self { card, scenes, range, process: Mutex::new(process), patience }
    }

    fn ask<T: DeserializeOwned>(&self, question: &Value) -> Result<T, LearnError> {
        // A panic elsewhere leaves the program as it is.
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = process.ask(question, self.patience).map_err(LearnError::Outside)?;
        answer_to(question, answer).map_err(|why| LearnError::Outside(process.with_words(why)))
    }
}

impl Method for OutsideMethod {
    fn card(&self) -> &Card {
        &self.card
    }

    fn act(
        &self,
        views: &[View<'_>],
        mode: Mode,
        draws: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError> {
        let draws: Vec<_> = draws.iter_mut().map(|d| format!("{:016x}", d.next_u64())).collect();
        let shown: Vec<_> = views
            .iter()
            .map(|view| Value::Object(seen(view.image, view.instance, view.pose)))
            .collect();
        let mode = match mode {
            Mode::Explore => "explore",
            Mode::Greedy => "greedy",
        };
        let question = json!({ "op": "act", "mode": mode, "draws": draws, "views": shown });
        let answer: Acted = self.ask(&question)?;
        decisions(&answer, views.len(), self.range).map_err(LearnError::Outside)
    }

    fn wishes(&self, history: &[Experience], turn: usize, scenes: usize) -> Option<usize> {
        self.scenes.wish(history, turn, scenes)
    }

    fn learn(
        &mut self,
        history: &[Experience],
        fresh: usize,
        _: &mut Draw,
    ) -> Result<Progress, LearnError> {
        let from = history.len().saturating_sub(fresh);
        let trials: Vec<_> = history[from..].iter().map(told).collect();
        let Learned { loss, labels, diagnostics } =
            self.ask(&json!({ "op": "learn", "trials": trials }))?;
        let label = |said: Said| {
            let (trial, model) = (history.get(said.trial), history.get(said.role_model));
            let (Some(trial), Some(model)) = (trial, model) else {
                let most = history.len();
                return Err(LearnError::Outside(format!(
                    "answered \"learn\" with a label of trial {} by {}: there are {most} trials, from 0 on",
                    said.trial, said.role_model
                )));
            };
            Ok(Label {
                trial: trial.trial,
                role_model: model.trial,
                peers: said.peers.unwrap_or(1),
                correction: model.decision.correction,
            })
        };
        let labels = labels.into_iter().map(label).collect::<Result<_, _>>()?;
        Ok(Progress { loss: loss.unwrap_or(f64::NAN), labels, diagnostics })
    }

    fn save(&self) -> Result<Vec<u8>, LearnError> {
        let Saved { state } = self.ask(&json!({ "op": "save" }))?;
        STANDARD.decode(&state).map_err(|error| {
            let why = format!("answered \"save\" with a state that is no base64 ({error})");
            LearnError::Outside(format!("{why}: {}", short(&state)))
        })
    }

    fn load(&mut self, state: &[u8], _: &[Experience]) -> Result<(), LearnError> {
        let question = json!({ "op": "load", "state": STANDARD.encode(state) });
        let Nothing {} = self.ask(&question)?;
        Ok(())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Acted {
    corrections: Vec<[f64; 3]>,
    /// How far from the target each is expected to end, where the program says so.
    #[serde(default)]
    spreads: Vec<Option<[f64; 3]>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Learned {
    loss: Option<f64>,
    #[serde(default)]
    labels: Vec<Said>,
    #[serde(default)]
    diagnostics: BTreeMap<String, f64>,
}

/// A label as the program says it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    trial: usize,
    role_model: usize,
    peers: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    state: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn answer_to<T: DeserializeOwned>(
    question: &Value,
    answer: Map<String, Value>,
) -> Result<T, String> {
    serde_json::from_value(Value::Object(answer)).map_err(|error| {
        let op = question.get("op").and_then(Value::as_str).unwrap_or("question");
        format!("answered \"{op}\" wrongly: {error}")
    })
}

/// One decision a view, each within the range.
fn decisions(answer: &Acted, asked: usize, range: Range) -> Result<Vec<Decision>, String> {
    let got = answer.corrections.len();
    if got != asked {
        return Err(format!("answered \"act\" with {got} corrections for {asked} views"));
    }
    let said = answer.spreads.len();
    if said != 0 && said != asked {
        return Err(format!("answered \"act\" with {said} spreads for {asked} views"));
    }
    let no_spread = |s: &&[f64; 3]| !s.iter().all(|axis| axis.is_finite() && *axis > 0.0);
    if let Some(spread) = answer.spreads.iter().flatten().find(no_spread) {
        let valid = "each must be above 0: mm, mm, deg";
        return Err(format!("answered \"act\" with the spread {spread:?}; {valid}"));
    }
    let within = |value: f64, half: f64| value.abs() <= half;
    let decision = |(at, axes): (usize, &[f64; 3])| match *axes {
        [x, y, yaw] if within(x, range.mm) && within(y, range.mm) && within(yaw, range.deg) => {
            let spread = answer.spreads.get(at).copied().flatten();
            Ok(Decision { spread, ..Decision::at(Correction::from_axes(*axes)) })
        }
        _ => Err(format!(
            "answered \"act\" with the correction {axes:?}, out of range: +-{} mm, +-{} mm, +-{} deg",
            range.mm, range.mm, range.deg
        )),
    };
    answer.corrections.iter().enumerate().map(decision).collect()
}

/// What is shown before a decision; only what was declared is there.
fn seen(image: &Image, instance: Option<usize>, pose: Option<Pose2>) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("image".to_owned(), STANDARD.encode(image.pixels()).into());
    shown.extend(instance.map(|n| ("instance".to_owned(), n.into())));
    shown.extend(pose.map(|pose| ("pose".to_owned(), json!(pose.axes()))));
    shown
}

/// A finished trial.
fn told(trial: &Experience) -> Value {
    let mut all = seen(&trial.image, trial.instance, trial.pose);
    all.insert("trial".to_owned(), trial.trial.into());
    all.insert("correction".to_owned(), json!(trial.decision.correction.axes()));
    all.extend(trial.executed.map(|pose| ("executed".to_owned(), json!(pose.axes()))));
    all.insert("reward".to_owned(), trial.feedback.reward.into());
    all.insert("outcome".to_owned(), trial.outcome.name().into());
    all.extend(trial.feedback.unsigned.map(|error| ("unsigned".to_owned(), json!(error))));
    all.extend(trial.feedback.signed.map(|error| ("signed".to_owned(), json!(error))));
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::process::understood;
    use proptest::prelude::*;

    const RANGE: Range = Range { mm: 3.0, deg: 3.0 };

    /// What every question makes of this line.
    fn all_of(line: &str) -> Option<Vec<Decision>> {
        let answer = understood(line.as_bytes()).ok()?;
        let question = json!({ "op": "act" });
        drop(answer_to::<Learned>(&question, answer.clone()));
        drop(answer_to::<Saved>(&question, answer.clone()));
        drop(answer_to::<Nothing>(&question, answer.clone()));
        decisions(&answer_to(&question, answer).ok()?, 1, RANGE).ok()
    }

    proptest! {
        #[test]
        fn no_answer_makes_the_parser_panic_or_pass_what_is_out_of_range(
            line in "\\{\"(corrections|labels|state|loss)\":[\\[\\]{}0-9.,e\"a-z-]{0,40}\\}"
        ) {
            for decision in all_of(&line).unwrap_or_default() {
                prop_assert!(decision.correction.axes().iter().all(|axis| axis.abs() <= 3.0));
            }
        }
    }

    #[test]
    fn a_correction_at_the_edge_of_the_range_is_taken_and_one_beyond_is_not() {
        assert!(all_of("{\"corrections\":[[3,-3.0,3]]}").is_some());
        for line in [
            "{\"corrections\":[[3.01,0,0]]}",
            "{\"corrections\":[[0,0,0],[0,0,0]]}",
            "{\"corrections\":[]}",
            "{\"corrections\":[[0,0]]}",
            "{\"corrections\":[[1e999,0,0]]}",
            "{}",
        ] {
            assert!(all_of(line).is_none(), "{line}");
        }
    }

    #[test]
    fn a_program_may_say_how_sure_it_is_and_must_say_it_of_every_correction() {
        let spread = |line: &str| all_of(line).map(|all| all[0].spread);
        let said = |spreads: &str| format!("{{\"corrections\":[[1,0,0]],\"spreads\":{spreads}}}");
        assert_eq!(spread(&said("[[0.3,0.2,0.1]]")), Some(Some([0.3, 0.2, 0.1])));
        assert_eq!(spread(&said("[null]")), Some(None));
        assert_eq!(spread("{\"corrections\":[[1,0,0]]}"), Some(None));
        for wrong in ["[[0.3,0.2,0]]", "[[0.3,-0.2,0.1]]", "[[0.3,0.2]]", "[null,null]"] {
            assert_eq!(spread(&said(wrong)), None, "{wrong}");
        }
    }
}
