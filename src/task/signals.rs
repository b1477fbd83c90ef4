use serde::{Deserialize, Serialize};

/// How much of the measured placement a method is told. Declared and printed with its results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RewardSignal {
    /// One number a trial.
    Scalar,
    /// The size of the error on each axis.
    Unsigned,
    /// The error on each axis with its sign: very nearly the answer.
    Signed,
}

/// What a method is told of the initial state, besides the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContextSignal {
    None,
    /// The number of the scene instance.
    SceneId,
    /// A measured initial pose of the plate: very nearly the answer.
    Pose,
}

impl RewardSignal {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Unsigned => "unsigned",
            Self::Signed => "signed",
        }
    }
}

impl ContextSignal {
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SceneId => "scene-id",
            Self::Pose => "pose",
        }
    }
}
