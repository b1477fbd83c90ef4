use nalgebra::Vector3;

use super::{Scene, StaticBox};
use crate::input::{Check, ConfigError};

/// The guides beside the target and the stop behind it, by the beginning of their names, and
/// which way each stands from the plate in the target's frame.
const GROUPS: [(&str, Vector3<f64>); 3] = [
    ("guide_left", Vector3::new(0.0, 1.0, 0.0)),
    ("guide_right", Vector3::new(0.0, -1.0, 0.0)),
    ("back_stop", Vector3::new(1.0, 0.0, 0.0)),
];

impl Scene {
    /// Moves guides and back stop so that a plate at the target has this play (metres) on each
    /// side.
    pub(super) fn set_clearance(
        &mut self,
        check: Check<'_>,
        clearance: f64,
    ) -> Result<(), ConfigError> {
        for (prefix, outward) in GROUPS {
            let play = self.play_at(prefix, &outward).ok_or_else(|| {
                let valid = "must be there for guide_clearance_mm to move it";
                check.error(&format!("geom {prefix}"), "missing", valid)
            })?;
            self.push_out(prefix, &outward, clearance - play);
        }
        Ok(())
    }

    /// The smallest play (metres) of a plate between guides and back stop; `None` without any.
    pub fn play(&self) -> Option<f64> {
        let plays = GROUPS.iter().filter_map(|(name, outward)| self.play_at(name, outward));
        plays.min_by(f64::total_cmp)
    }

    /// Guides and stop beside a plate at the target, with the height of their tops above its seat,
    /// metres.
    pub(super) fn beside_the_seat(&self) -> impl Iterator<Item = (&StaticBox, f64)> {
        let place_from_world = self.world_from_place.inverse();
        let guides = self
            .statics
            .iter()
            .filter(|part| GROUPS.iter().any(|(prefix, _)| part.name.starts_with(prefix)));
        guides.filter_map(move |part| {
            let heights = part.corners().map(|at| (place_from_world * at).z);
            let low = heights.iter().copied().fold(f64::INFINITY, f64::min);
            let top = heights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            // Those of other levels are none of this plate's.
            (low < self.plate.size.z && top > 0.0).then_some((part, top))
        })
    }

    /// Moves guides and back stop away from the plate by this much, metres.
    pub fn widen_guides(&mut self, by: f64) {
        if by != 0.0 {
            for (prefix, outward) in GROUPS {
                self.push_out(prefix, &outward, by);
            }
        }
    }

    /// Distance of the plate's side from the face of the part of this name.
    fn play_at(&self, name: &str, outward: &Vector3<f64>) -> Option<f64> {
        let place_from_world = self.world_from_place.inverse();
        let main = self.statics.iter().find(|part| part.name == name)?;
        let corners = main.corners();
        let along = corners.iter().map(|at| (place_from_world * at).coords.dot(outward));
        let side = (self.plate.size / 2.0).dot(&outward.abs());
        Some(along.fold(f64::INFINITY, f64::min) - side)
    }

    fn push_out(&mut self, prefix: &str, outward: &Vector3<f64>, by: f64) {
        let shift = self.world_from_place.rotation * (outward * by);
        for part in self.statics.iter_mut().filter(|part| part.name.starts_with(prefix)) {
            part.world_from_box.translation.vector += shift;
        }
    }
}
