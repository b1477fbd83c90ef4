use serde::{Deserialize, Serialize};

use super::{ActionGrid, Dirt, Drift};

/// Half the width of the offsets and of the corrections: plus or minus so much.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    pub mm: f64,
    pub deg: f64,
}

/// Standard deviations of a planar error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    pub mm: f64,
    pub deg: f64,
}

/// The task of an experiment: what is drawn, how finely it can be corrected, what is uncertain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSpec {
    /// Range of offsets and of corrections.
    pub range: Range,
    /// Bins an axis of the action grid.
    pub bins: usize,
    /// Initial states that training comes back to, round robin.
    pub scene_instances: usize,
    /// Initial states kept for evaluation only.
    pub held_out_instances: usize,
    /// How far a trial's plate lies from its scene instance.
    pub jitter: Noise,
    /// Error of the executed pick about the commanded one.
    pub actuation: Noise,
    /// Error of the measured placement about the true one.
    pub measurement: Noise,
    /// Standard deviation of a pixel, in grey levels of 255.
    pub camera: f64,
    /// Largest relative change of light from trial to trial: 0.2 is plus or minus 20 %.
    pub lighting: f64,
    /// How far the cell is from what its files say.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dirt: Dirt,
    /// How that changes while the run goes on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
}

impl Noise {
    pub const NONE: Self = Self { mm: 0.0, deg: 0.0 };
}

impl TaskSpec {
    /// One scene instance, seven bins an axis, and nothing noisy, dirty or drifting: what tests
    /// and benches begin from.
    pub fn exact(range: Range) -> Self {
        Self {
            range,
            bins: 7,
            scene_instances: 1,
            held_out_instances: 1,
            jitter: Noise::NONE,
            actuation: Noise::NONE,
            measurement: Noise::NONE,
            camera: 0.0,
            lighting: 0.0,
            dirt: Dirt::default(),
            drift: Vec::new(),
        }
    }

    /// The same task where nothing is drawn: what is commanded happens, what happens is measured.
    pub fn without_noise(self) -> Self {
        Self {
            jitter: Noise::NONE,
            actuation: Noise::NONE,
            measurement: Noise::NONE,
            camera: 0.0,
            lighting: 0.0,
            ..self
        }
    }

    pub fn grid(&self) -> ActionGrid {
        ActionGrid::new(self.range, self.bins)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
