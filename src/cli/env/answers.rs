//! What a client may ask, and what it is answered, whatever moves.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cell::{Attempt, Observation};
use crate::lab::{Experiment, Schedule, Trials};
use crate::task::{Correction, ImageSize, Range, RewardSignal, Setup, TrialKey, is_success};

pub const NOTHING_PREPARED: &str = "nothing is prepared: send {\"op\":\"prepare\"} first";

/// What a client may ask of a world.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    Describe,
    Prepare {
        phase: Option<String>,
        index: Option<u64>,
        offset: Option<[f64; 3]>,
    },
    Attempt {
        correction: [f64; 3],
    },
    /// An attempt, then the next training trial is prepared: one question a trial.
    Step {
        correction: [f64; 3],
    },
}

pub fn understood(line: &str) -> Result<Request, String> {
    serde_json::from_str(line).map_err(|e| {
        format!("{e}; valid: {{\"op\":\"describe\"}}, {{\"op\":\"prepare\"}}, {{\"op\":\"attempt\",\"correction\":[x_mm,y_mm,yaw_deg]}}")
    })
}

/// How pictures are sent, for programs that ask.
pub fn picture(size: ImageSize) -> Value {
    let (side, mm_per_pixel) = (size.px, size.mm_per_px());
    json!({ "width": side, "height": side, "mm_per_pixel": mm_per_pixel, "type": "uint8" })
}

pub fn describe(experiment: &Experiment, trials: &Trials, signal: RewardSignal) -> Value {
    let (grid, reward) = (experiment.task.grid(), trials.reward());
    let centres = |axis: usize| -> Vec<f64> {
        (0..grid.bins()).map(|bin| grid.correction([bin; 3]).axes()[axis]).collect()
    };
    json!({
        "experiment": experiment.name,
        "range": experiment.task.range,
        "bins": experiment.task.bins,
        "grid": { "x_mm": centres(0), "y_mm": centres(1), "yaw_deg": centres(2) },
        "image": picture(experiment.task.image),
        "scene": experiment.scene,
        "scene_instances": experiment.task.scene_instances,
        "held_out_instances": experiment.task.held_out_instances,
        "trials": experiment.trials,
        "batch": experiment.batch,
        "checkpoints": Schedule::without_prior(experiment).checkpoints().collect::<Vec<_>>(),
        "evaluation_trials": experiment.evaluation.trials,
        "signal": signal.name(),
        "reward": experiment.task.reward.formula(),
        "reward_floor": reward.floor(),
        "cap": { "x_mm": reward.cap().x_mm, "y_mm": reward.cap().y_mm, "yaw_deg": reward.cap().yaw_deg },
    })
}

/// A trial that waits for its attempt.
pub fn shown(key: TrialKey, setup: &Setup, seen: &Observation) -> Value {
    json!({
        "trial": key.index,
        "phase": key.phase.name(),
        "scene": setup.instance,
        "image": STANDARD.encode(seen.image.pixels()),
    })
}

/// What may be known of a trial with this signal.
pub fn told(trials: &Trials, attempt: &Attempt, signal: RewardSignal) -> Value {
    let told = trials.reward().feedback(attempt.outcome, attempt.measured.as_ref(), signal);
    let success = is_success(attempt.outcome, attempt.measured.as_ref(), attempt.seated);
    let mut answer =
        json!({ "outcome": attempt.outcome, "reward": told.reward, "success": success });
    if let Some(unsigned) = told.unsigned {
        answer["unsigned"] = json!(unsigned);
    }
    if let Some(signed) = told.signed {
        answer["signed"] = json!(signed);
    }
    answer
}

/// A correction, if it is one of the task's.
pub fn in_range(experiment: &Experiment, correction: Correction) -> Result<Correction, String> {
    let Range { mm, deg } = experiment.task.range;
    let rounding = 1e-9; // of clients that compute the grid's outermost bins
    let parts = ["x", "y", "yaw"].into_iter().zip(correction.axes()).zip([mm, mm, deg]);
    for ((axis, value), half) in parts {
        if value.is_nan() || value.abs() > half + rounding {
            let unit = if axis == "yaw" { "deg" } else { "mm" };
            return Err(format!(
                "correction {axis} = {value} {unit}: must be from {} to {half}; the trial still \
                 waits for its attempt",
                -half
            ));
        }
    }
    Ok(correction)
}
