use nalgebra::{Isometry3, Vector3};
use serde::{Deserialize, Serialize};

use super::Segment;
use crate::task::Correction;

/// The limits that no commanded motion may leave: from the robot file, checked over the whole
/// planned path before anything moves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// Lower corner of the box that the tool point stays in, world frame, mm.
    pub workspace_min_mm: [f64; 3],
    /// Upper corner of that box, mm.
    pub workspace_max_mm: [f64; 3],
    /// Largest speed of the tool, mm/s.
    pub speed_mm_s: f64,
    /// Lowest tool point of a free move with the plate in the hand, mm.
    pub carry_min_z_mm: f64,
    /// Largest force at which a move in contact may be set to stop, N.
    #[serde(default = "default_guard_n")]
    pub guard_n: f64,
    /// Largest correction on x and y, mm.
    pub correction_mm: f64,
    /// Largest correction of yaw, deg.
    pub correction_deg: f64,
}

/// Robot files did not always say.
fn default_guard_n() -> f64 {
    50.0
}

/// A motion that the envelope forbids: which, by how much, and what would be allowed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{what}: {value} is outside {allowed}")]
pub struct Forbidden {
    pub what: String,
    pub value: String,
    pub allowed: String,
}

impl Envelope {
    /// Is this correction one that the arm may be asked for?
    pub fn check_correction(&self, correction: Correction) -> Result<(), Forbidden> {
        let limits = [self.correction_mm, self.correction_mm, self.correction_deg];
        let names = [("x", "mm"), ("y", "mm"), ("yaw", "deg")];
        for ((value, limit), (axis, unit)) in correction.axes().into_iter().zip(limits).zip(names) {
            // NaN is contained in no range.
            if !(-limit..=limit).contains(&value) {
                return Err(Forbidden {
                    what: format!("correction {axis}"),
                    value: format!("{value} {unit}"),
                    allowed: format!("{} to {limit} {unit}", -limit),
                });
            }
        }
        Ok(())
    }

    /// A straight move stays in a box, which is convex, if both its ends do.
    pub(super) fn check_segment(
        &self,
        from: &Isometry3<f64>,
        segment: &Segment,
    ) -> Result<(), Forbidden> {
        for end in [from, &segment.world_from_tool] {
            self.check_inside(segment.name, &end.translation.vector)?;
        }
        let speed_mm_s = segment.speed * 1e3;
        if !(speed_mm_s > 0.0 && speed_mm_s <= self.speed_mm_s) {
            return Err(Forbidden {
                what: format!("speed of '{}'", segment.name),
                value: format!("{speed_mm_s} mm/s"),
                allowed: format!("0 to {} mm/s", self.speed_mm_s),
            });
        }
        let lowest = from.translation.z.min(segment.world_from_tool.translation.z) * 1e3;
        if segment.carrying && !segment.contact && !(self.carry_min_z_mm - 1e-6..).contains(&lowest)
        {
            return Err(Forbidden {
                what: format!("height while carrying in '{}'", segment.name),
                value: format!("{lowest:.1} mm"),
                allowed: format!("{} mm and above", self.carry_min_z_mm),
            });
        }
        Ok(())
    }

    /// Does the tool point, metres, lie in the box?
    fn check_inside(&self, name: &str, point: &Vector3<f64>) -> Result<(), Forbidden> {
        for (axis, label) in ["x", "y", "z"].into_iter().enumerate() {
            let at = point[axis] * 1e3;
            let (low, high) = (self.workspace_min_mm[axis], self.workspace_max_mm[axis]);
            if !(low..=high).contains(&at) {
                return Err(Forbidden {
                    what: format!("tool {label} in '{name}'"),
                    value: format!("{at:.1} mm"),
                    allowed: format!("{low} to {high} mm"),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::Translation3;
    use proptest::prelude::*;

    fn envelope() -> Envelope {
        Envelope {
            workspace_min_mm: [-200.0, -200.0, 0.0],
            workspace_max_mm: [800.0, 200.0, 400.0],
            speed_mm_s: 500.0,
            carry_min_z_mm: 100.0,
            guard_n: 50.0,
            correction_mm: 12.0,
            correction_deg: 12.0,
        }
    }

    fn at(x: f64, y: f64, z: f64) -> Isometry3<f64> {
        Translation3::new(x, y, z).into()
    }

    fn segment(world_from_tool: Isometry3<f64>) -> Segment {
        Segment { name: "carry", world_from_tool, speed: 0.2, contact: false, carrying: false }
    }

    #[test]
    fn a_path_is_refused_as_a_whole_if_one_move_leaves_the_box() {
        let inside = segment(at(0.1, 0.0, 0.2));
        let outside = segment(at(0.9, 0.0, 0.2));
        let refused = envelope().check(at(0.0, 0.0, 0.2), vec![inside, outside]).unwrap_err();
        assert_eq!(refused.what, "tool x in 'carry'");
    }

    #[test]
    fn a_path_that_begins_outside_is_refused() {
        assert!(envelope().check(at(0.0, 0.0, 0.5), vec![segment(at(0.0, 0.0, 0.2))]).is_err());
    }

    #[test]
    fn the_plate_is_carried_high_but_may_be_lowered_onto_its_place() {
        let low = |contact| Segment { carrying: true, contact, ..segment(at(0.0, 0.0, 0.05)) };
        assert!(envelope().check(at(0.0, 0.0, 0.2), vec![low(false)]).is_err());
        assert!(envelope().check(at(0.0, 0.0, 0.2), vec![low(true)]).is_ok());
    }

    #[test]
    fn too_fast_or_not_a_number_is_refused() {
        for speed in [0.6, 0.0, -0.1, f64::NAN] {
            let fast = Segment { speed, ..segment(at(0.0, 0.0, 0.2)) };
            assert!(envelope().check(at(0.0, 0.0, 0.2), vec![fast]).is_err(), "{speed}");
        }
        assert!(envelope().check_correction(Correction::new(f64::NAN, 0.0, 0.0)).is_err());
        assert!(envelope().check(at(f64::NAN, 0.0, 0.2), vec![]).is_ok(), "nothing moves");
    }

    proptest! {
        #[test]
        fn every_point_of_a_checked_path_lies_in_the_box(
            ends in prop::collection::vec((-0.3..0.9f64, -0.3..0.3f64, -0.1..0.5f64), 2..6),
            t in 0.0..1.0f64,
        ) {
            let start = at(ends[0].0, ends[0].1, ends[0].2);
            let path = ends[1..].iter().map(|e| segment(at(e.0, e.1, e.2))).collect();
            if let Ok(path) = envelope().check(start, path) {
                let mut from = start.translation.vector;
                for s in path.segments() {
                    let to = s.world_from_tool.translation.vector;
                    let p = (from + (to - from) * t) * 1e3;
                    for axis in 0..3 {
                        prop_assert!(p[axis] >= envelope().workspace_min_mm[axis] - 1e-6);
                        prop_assert!(p[axis] <= envelope().workspace_max_mm[axis] + 1e-6);
                    }
                    from = to;
                }
            }
        }
    }
}
