use nalgebra::Vector3;
use serde::Deserialize;

use super::StaticBox;
use super::frame::Frame;
use crate::input::{Check, ConfigError};

/// `[[obstacle]]` of a robot file: a box that stands in the cell and is no furniture of the task, as a post, a camera's
/// stand, a wall. World frame.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObstacleSpec {
    pub name: String,
    /// Where its middle is, and how it is turned.
    pub pose: Frame,
    /// Whole sides.
    pub size_mm: [f64; 3],
}

/// How light it is drawn.
const GREY: f64 = 0.5;

impl ObstacleSpec {
    /// Everything in range, and no two of one name.
    pub(super) fn boxes(check: Check<'_>, specs: &[Self]) -> Result<Vec<StaticBox>, ConfigError> {
        let solid = |(i, spec): (usize, &Self)| {
            let Self { name, pose, size_mm } = spec;
            let valid = "must be a name that no other obstacle has";
            let twice = specs[..i].iter().any(|other| other.name == *name);
            check.that(
                !(twice || name.trim().is_empty()),
                "obstacle.name",
                format!("{name:?}"),
                valid,
            )?;
            pose.check(check, &format!("obstacle.pose of {name}"), 5e3)?;
            for mm in size_mm {
                check.within(&format!("obstacle.size_mm of {name}"), *mm, 1.0, 1e4)?;
            }
            let half = Vector3::from(*size_mm) / 2e3;
            Ok(StaticBox { name: name.clone(), world_from_box: pose.isometry(), half, grey: GREY })
        };
        specs.iter().enumerate().map(solid).collect()
    }
}
