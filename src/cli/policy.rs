use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::cells::{Bench, SimCells};
use super::env::picture;
use super::lines;
use super::runs::find_run;
use super::weights;
use crate::cell::Unwatched;
use crate::cli::Failure;
use crate::lab::{Experiment, Run};
use crate::learn::{Method, Mode, View};
use crate::store::{RunInfo, TrialStore};
use crate::task::{ContextSignal, Image, Phase, Pose2, Stream, Streams, TrialKey};

#[derive(Debug, clap::Args)]
#[command(after_help = "One JSON object a line, answered by one. Example:
  {\"op\":\"describe\"}
      -> {\"method\":\"rm-rl\",\"seed\":1,\"context\":\"none\",\"range\":{\"mm\":3,\"deg\":3},…}
  {\"op\":\"act\",\"image\":base64 of its grey bytes, as large as described}
      -> {\"correction\":[x_mm,y_mm,yaw_deg]}
A method whose context is \"scene-id\" may also be told \"instance\": without it the scene is one that
it does not know. One whose context is \"pose\" also needs \"pose\":[x_mm,y_mm,yaw_deg]. A wrong line
is answered {\"error\":…}.")]
pub struct Args {
    /// A run: its SQLite file, or a folder that holds just one; or weights that `rmrl export RUN --weights` wrote
    run: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case", deny_unknown_fields)]
enum Request {
    Describe,
    Act { image: String, instance: Option<usize>, pose: Option<[f64; 3]> },
}

pub fn run(args: Args) -> Result<(), Failure> {
    let policy = trained(&args.run)?;
    if policy.method.card().sees_truth {
        let Trained { path, info, .. } = &policy;
        return Err(Failure::Input(format!(
            "{}: {} is told the true offset, which no picture shows; it has no policy",
            path.display(),
            info.method
        )));
    }
    lines::serve(|line| policy.answer(line))
}

/// What a run has learned.
pub(super) struct Trained {
    pub path: PathBuf,
    pub experiment: Experiment,
    pub info: RunInfo,
    pub method: Box<dyn Method>,
    /// Trials that it has learned from.
    pub learned: u64,
}

/// The method of a run (its file, or a folder that holds just one) with all that it has learned; or that of weights
/// which left the program.
pub(super) fn trained(run: &Path) -> Result<Trained, Failure> {
    if weights::is_weights(run) {
        return weights::policy(run);
    }
    let path = find_run(run)?;
    let store = TrialStore::read(&path)?;
    let info = store.info()?;
    let file = path.display().to_string();
    let experiment = Experiment::stored(&file, &info)?;
    let recipe = experiment.method(&file, &info.method)?;
    // Pictures that were not stored are rendered again, whatever moves now.
    let rendered = SimCells::new(&Bench::from(&experiment))?.cell(&experiment.scene)?;
    let learned = store.learner()?.map_or(0, |(trials, _)| trials);
    let run = Run::new(&experiment, recipe, info.seed, rendered, store, &mut Unwatched)?;
    let method = run.into_method();
    Ok(Trained { path, info, method, experiment, learned })
}

impl Trained {
    fn answer(&self, line: &str) -> Result<Value, String> {
        let request: Request = serde_json::from_str(line).map_err(|e| {
            format!("{e}; valid: {{\"op\":\"describe\"}}, {{\"op\":\"act\",\"image\":base64}}")
        })?;
        match request {
            Request::Describe => {
                let card = self.method.card();
                Ok(json!({
                    "method": card.name,
                    "summary": card.summary,
                    "seed": self.info.seed,
                    "experiment": self.experiment.name,
                    "context": card.context.name(),
                    "range": self.experiment.task.range,
                    "image": picture(self.experiment.task.image),
                }))
            }
            Request::Act { image, instance, pose } => {
                self.act(&image, instance, pose.map(Pose2::from_axes))
            }
        }
    }

    fn act(
        &self,
        image: &str,
        instance: Option<usize>,
        pose: Option<Pose2>,
    ) -> Result<Value, String> {
        let pixels = STANDARD.decode(image).map_err(|e| format!("image: no base64: {e}"))?;
        let got = pixels.len();
        let size = self.experiment.task.image;
        let image = Image::new(size, pixels)
            .ok_or_else(|| format!("image: {got} bytes; must be {0} x {0}", size.px))?;
        let context = self.method.card().context;
        // Scene instances that a method has not met are unknown to it as well.
        let instance = instance.filter(|_| context != ContextSignal::None);
        if context == ContextSignal::Pose && pose.is_none() {
            return Err(format!("{} also needs \"pose\"", self.info.method));
        }
        let pose = pose.filter(|_| context == ContextSignal::Pose);
        let view = View { image: &image, instance, pose, truth: None };
        // A greedy choice draws nothing.
        let key = TrialKey { phase: Phase::InScene, index: 0 };
        let draw = Streams::new(self.info.seed).draw(Stream::Explore, key);
        let decided = self.method.act(&[view], Mode::Greedy, &mut [draw]);
        match decided.map_err(|e| e.to_string())?[..] {
            [decision] => Ok(json!({ "correction": decision.correction.axes() })),
            ref all => Err(format!("{} corrections instead of one", all.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Durability, Provenance};
    use proptest::prelude::*;

    /// A run of this method that has not begun.
    fn fresh(method: &str) -> Trained {
        let methods = format!("methods=[\"{method}\"]");
        let experiment = Experiment::open("smoke", &[methods]).unwrap();
        let info = RunInfo {
            experiment: experiment.of_run(method, 1).to_toml(),
            method: method.to_owned(),
            seed: 1,
            provenance: Provenance { backend: "sim".into(), robot: None, scenes: Vec::new() },
            version: String::new(),
            commit: String::new(),
        };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1.sqlite");
        TrialStore::create(&path, &info, Durability::Process).unwrap().close().unwrap();
        trained(&path).unwrap()
    }

    fn asked(policy: &Trained, more: &str) -> Result<Value, String> {
        let image = STANDARD.encode([90; 64 * 64]);
        policy.answer(&format!(r#"{{"op":"act","image":"{image}"{more}}}"#))
    }

    #[test]
    fn a_picture_is_answered_with_a_correction_within_the_range() {
        let told = asked(&fresh("rm-rl"), "").unwrap();
        let axes = told["correction"].as_array().unwrap();
        assert!(axes.len() == 3 && axes.iter().all(|a| a.as_f64().unwrap().abs() <= 3.0), "{told}");
    }

    #[test]
    fn a_method_that_corrects_by_the_pose_needs_it() {
        let policy = fresh("direct-pose");
        assert!(asked(&policy, r#","instance":0"#).unwrap_err().contains("pose"));
        let told = asked(&policy, r#","pose":[1,-2,0.5]"#).unwrap();
        assert_eq!(told["correction"], json!([1.0, -2.0, 0.5]));
    }

    proptest! {
        #[test]
        fn no_line_makes_a_policy_panic(
            line in prop_oneof![
                "\\PC{0,60}",
                "\\{\"op\":\"(act|describe|x)\"(,\"(image|instance|pose)\":(-?[0-9]{1,25}|\"[A-Za-z0-9+/=]{0,12}\"|\\[1e400,0,0\\]|null)){0,2}\\}",
            ],
        ) {
            thread_local!(static POLICY: Trained = fresh("ppo"));
            POLICY.with(|policy| drop(policy.answer(&line)));
        }
    }
}
