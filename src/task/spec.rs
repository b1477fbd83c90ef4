use serde::{Deserialize, Serialize};

use super::{ActionGrid, Dirt, Drift, ImageSize, RewardForm};

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
    /// Range of corrections, and of offsets unless they are said.
    pub range: Range,
    /// Range of offsets: less than corrections reach, where the cell may be off by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offsets: Option<Range>,
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
    /// Error of the arm's own reading of the pick about the executed one: a trial's `executed` has
    /// it, so that a simulated arm does not tell the noise it drew. [`Noise::READING`] unless given.
    #[serde(default = "reading", deserialize_with = "given", skip_serializing_if = "is_reading")]
    pub reading: Noise,
    /// Error of the measured placement about the true one.
    pub measurement: Noise,
    /// Standard deviation of a pixel, in grey levels of 255.
    pub camera: f64,
    /// Largest relative change of light from trial to trial: 0.2 is plus or minus 20 %.
    pub lighting: f64,
    /// How large an image is, and what it shows.
    #[serde(default, skip_serializing_if = "is_default")]
    pub image: ImageSize,
    /// What the scalar reward says of a placement.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reward: RewardForm,
    /// How far the cell is from what its files say.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dirt: Dirt,
    /// How that changes while the run goes on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
}

impl Noise {
    pub const NONE: Self = Self { mm: 0.0, deg: 0.0 };
    /// Of an arm's own reading: half the usual actuation noise.
    pub const READING: Self = Self { mm: 0.1, deg: 0.1 };
}

impl TaskSpec {
    /// One scene instance, seven bins an axis, and nothing noisy, dirty or drifting: what tests
    /// and benches begin from.
    pub fn exact(range: Range) -> Self {
        Self {
            range,
            offsets: None,
            bins: 7,
            scene_instances: 1,
            held_out_instances: 1,
            jitter: Noise::NONE,
            actuation: Noise::NONE,
            reading: Noise::NONE,
            measurement: Noise::NONE,
            camera: 0.0,
            lighting: 0.0,
            image: ImageSize::default(),
            reward: RewardForm::default(),
            dirt: Dirt::default(),
            drift: Vec::new(),
        }
    }

    /// The same task where nothing is drawn: what is commanded happens, what happens is measured.
    pub fn without_noise(self) -> Self {
        Self {
            jitter: Noise::NONE,
            actuation: Noise::NONE,
            reading: Noise::NONE,
            measurement: Noise::NONE,
            camera: 0.0,
            lighting: 0.0,
            ..self
        }
    }

    /// How far from nominal plates are laid.
    pub fn offsets(&self) -> &Range {
        self.offsets.as_ref().unwrap_or(&self.range)
    }

    pub fn grid(&self) -> ActionGrid {
        ActionGrid::new(self.range, self.bins)
    }
}

fn reading() -> Noise {
    Noise::READING
}

/// A part that is not given is the default's: where that is not stored, `--set task.reading.mm=0.2`
/// finds no table to change.
fn given<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Noise, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Given {
        mm: Option<f64>,
        deg: Option<f64>,
    }
    let Given { mm, deg } = Given::deserialize(from)?;
    let Noise { mm: usual_mm, deg: usual_deg } = Noise::READING;
    Ok(Noise { mm: mm.unwrap_or(usual_mm), deg: deg.unwrap_or(usual_deg) })
}

fn is_reading(noise: &Noise) -> bool {
    *noise == Noise::READING
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &str = "range = { mm = 3.0, deg = 3.0 }\nbins = 7\nscene_instances = 1\n\
        held_out_instances = 1\njitter = { mm = 0.3, deg = 0.3 }\n\
        actuation = { mm = 0.2, deg = 0.2 }\nmeasurement = { mm = 0.2, deg = 0.2 }\n\
        camera = 3.0\nlighting = 0.2\n";

    #[test]
    fn a_task_stored_before_arms_read_themselves_gets_the_default_and_is_stored_as_it_was() {
        let task: TaskSpec = toml::from_str(STORED).unwrap();
        assert_eq!(task.reading, Noise::READING);
        assert!(!toml::to_string(&task).unwrap().contains("reading"));
    }

    #[test]
    fn a_reading_error_that_is_not_the_default_is_stored() {
        for reading in [Noise::NONE, Noise { mm: 0.1, deg: 0.3 }] {
            let task = TaskSpec { reading, ..toml::from_str(STORED).unwrap() };
            let again: TaskSpec = toml::from_str(&toml::to_string(&task).unwrap()).unwrap();
            assert_eq!(again, task);
        }
    }

    #[test]
    fn of_a_reading_error_one_part_may_be_given_alone() {
        let task: TaskSpec = toml::from_str(&format!("{STORED}reading.mm = 0.4\n")).unwrap();
        assert_eq!(task.reading, Noise { mm: 0.4, deg: Noise::READING.deg });
    }

    #[test]
    fn without_noise_an_arm_reads_itself_exactly() {
        let task: TaskSpec = toml::from_str(STORED).unwrap();
        assert_eq!(task.without_noise().reading, Noise::NONE);
    }
}
