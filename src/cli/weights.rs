//! `rmrl export RUN --weights FILE`: what a run has learned as one file, which acts wherever rmrl does.
//!
//! Safetensors. The tensors are the method's own; the header says what they are of: method and its settings, what it
//! was shown and rewarded by, task, plate, camera, and whence it comes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::out::say;
use super::policy::{Trained, trained};
use crate::cli::Failure;
use crate::config::Scene;
use crate::lab::{Experiment, begun};
use crate::learn::Recipe;
use crate::report;
use crate::store::{Provenance, RunInfo};
use crate::task::{ImageSize, Range, RewardForm, Streams, TaskSpec};

/// What weights are of: the header's key `rmrl`, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub struct WeightsCard {
    pub method: String,
    pub summary: String,
    /// What it was shown and what it was rewarded by.
    pub context: String,
    pub signal: String,
    pub reward: RewardForm,
    /// Corrections reach so far, mm and deg.
    pub range: Range,
    pub bins: usize,
    /// Pictures that it acts on: grey, square, the pick place from straight above.
    pub image: ImageSize,
    pub plate: PlateCard,
    /// What made the trials that it learned from: `sim`, `twin` or `real`; robot and scenes by content.
    pub made_by: Provenance,
    pub trials: u64,
    pub seed: u64,
    /// All of the experiment, as TOML: task, method, settings.
    pub experiment: String,
    pub version: String,
    pub commit: String,
}

/// Nominal plate: mm and g.
#[derive(Debug, Serialize, Deserialize)]
pub struct PlateCard {
    pub size_mm: [f64; 3],
    pub mass_g: f64,
}

/// The header's key.
const KEY: &str = "rmrl";

/// Writes what a run has learned.
pub fn export(run: &Path, to: &Path, as_json: bool) -> Result<(), Failure> {
    let policy = trained(run)?;
    let at = |why: String| Failure::Input(format!("{}: {why}", policy.path.display()));
    let weights = policy.method.weights().map_err(|why| at(why.to_string()))?;
    let card = card(&policy)?;
    let text = serde_json::to_string(&card).map_err(anyhow::Error::from)?;
    let about = HashMap::from([(KEY.to_owned(), text)]);
    let tensors = SafeTensors::deserialize(&weights).map_err(|why| at(why.to_string()))?;
    let bytes =
        safetensors::serialize(tensors.tensors(), Some(about)).map_err(anyhow::Error::from)?;
    let refused =
        |error: std::io::Error| Failure::Input(format!("--weights {}: {error}", to.display()));
    report::replace(to, &bytes).map_err(refused)?;
    let (names, bytes) = (tensors.names().len(), bytes.len());
    if as_json {
        return say!(
            "{}",
            json!({ "weights": to, "tensors": names, "bytes": bytes, "card": card })
        );
    }
    let WeightsCard { method, trials, seed, made_by, .. } = card;
    say!(
        "{method} after {trials} trials ({}, seed {seed}): {names} tensors, {bytes} bytes in {}",
        made_by.backend,
        to.display()
    )
}

fn card(policy: &Trained) -> Result<WeightsCard, Failure> {
    let Trained { experiment, info, method, path, learned } = policy;
    let scene = Scene::named(&experiment.scene)?;
    let file = path.display().to_string();
    let card = experiment.method(&file, &info.method)?.card();
    Ok(WeightsCard {
        method: card.name.clone(),
        summary: card.summary.clone(),
        context: method.card().context.name().to_owned(),
        signal: method.card().signal.name().to_owned(),
        reward: experiment.task.reward,
        range: experiment.task.range,
        bins: experiment.task.bins,
        image: experiment.task.image,
        plate: PlateCard {
            size_mm: (scene.plate.size * 1e3).into(),
            mass_g: scene.plate.mass_kg * 1e3,
        },
        made_by: info.provenance.clone(),
        trials: *learned,
        seed: info.seed,
        experiment: info.experiment.clone(),
        version: crate::VERSION.to_owned(),
        commit: crate::COMMIT.to_owned(),
    })
}

/// Is this a file of weights, by its name?
pub fn is_weights(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "safetensors")
}

/// What the header says.
fn card_of(bytes: &[u8]) -> Result<WeightsCard, String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|why| why.to_string())?;
    let text = header.metadata().as_ref().and_then(|about| about.get(KEY));
    let text = text.ok_or("not written by `rmrl export RUN --weights`: its header has no card")?;
    serde_json::from_str(text).map_err(|why| format!("its card cannot be read: {why}"))
}

/// What was learned on the one task means the same on the other.
pub fn fits(theirs: &TaskSpec, ours: &TaskSpec, recipe: &Recipe) -> Result<(), String> {
    let name = &recipe.card().name;
    let size = |task: &TaskSpec| format!("{} px, {} mm", task.image.px, task.image.mm);
    if theirs.image != ours.image {
        let (theirs, ours) = (size(theirs), size(ours));
        return Err(format!("acts on pictures of {theirs}, and {name} gets {ours}"));
    }
    // A network says bins, whatever they stand for; a linear fit says millimetres.
    let grid = |task: &TaskSpec| {
        let Range { mm, deg } = task.range;
        format!("{} bins over +-{mm} mm, +-{deg} deg", task.bins)
    };
    if recipe.settings().contains_key("encoder") && theirs.grid() != ours.grid() {
        return Err(format!("chooses among {}, and {name} among {}", grid(theirs), grid(ours)));
    }
    Ok(())
}

/// The policy that these weights are of.
pub(super) fn policy(path: &Path) -> Result<Trained, Failure> {
    let at = |why: String| Failure::Input(format!("{}: {why}", path.display()));
    let bytes = std::fs::read(path).map_err(|why| at(why.to_string()))?;
    let card = card_of(&bytes).map_err(at)?;
    let info = RunInfo {
        experiment: card.experiment,
        method: card.method,
        seed: card.seed,
        provenance: card.made_by,
        version: card.version,
        commit: card.commit,
    };
    let file = path.display().to_string();
    let experiment = Experiment::stored(&file, &info)?;
    let recipe = experiment.method(&file, &info.method)?;
    let method = begun(&experiment.task, recipe, Streams::new(info.seed), Some(&bytes))
        .map_err(|why| at(why.to_string()))?;
    Ok(Trained { path: PathBuf::from(path), experiment, info, method, learned: card.trials })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_make_a_header_panic(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                "\\{\"__metadata__\":\\{\"rmrl\":\"[^\\\\\"]{0,40}\"\\}\\}".prop_map(|text| {
                    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
                }),
            ],
        ) {
            prop_assert!(card_of(&bytes).is_err());
        }
    }
}
