use bevy::math::Vec3;
use std::f32::consts::{FRAC_PI_2, PI};

use super::Orbit;
use crate::viewer::convert::vec3;
use crate::viewer::plan::Preset;
use crate::viewer::scene::Cell;

/// Side of the field that the software camera sees, metres.
const FIELD: f32 = crate::sim::FIELD_MM as f32 / 1e3;

/// Where a preset looks from.
pub fn orbit_of(preset: Preset, cell: &Cell) -> Orbit {
    let scene = &cell.scene;
    let pick = vec3(&scene.world_from_pick.translation.vector);
    let place = vec3(&scene.world_from_place.translation.vector);
    let middle = (pick + place) / 2.0;
    let orbit = |target, azimuth, elevation, distance| Orbit {
        target,
        azimuth,
        elevation,
        distance,
        fov: 0.6,
    };
    let base = cell.robot.arm.as_ref().map(|arm| arm.model.world_from_base.translation);
    match (preset, base) {
        (Preset::Cell, Some(base)) => {
            let arm = vec3(&base.vector) + Vec3::new(0.0, 0.0, 0.4);
            orbit(middle.lerp(arm, 0.4), 1.0, 0.45, 2.5)
        }
        (Preset::Cell, None) => orbit(middle + Vec3::new(-0.06, 0.0, 0.02), 1.0, 0.5, 1.42),
        (Preset::Top, _) => orbit(middle + Vec3::new(-0.06, 0.0, 0.0), FRAC_PI_2, FRAC_PI_2, 1.2),
        (Preset::Side, _) => orbit(middle + Vec3::new(-0.06, 0.0, 0.05), FRAC_PI_2, 0.05, 1.3),
        (Preset::Shelf, _) => orbit(place + Vec3::new(-0.01, 0.0, 0.005), PI - 0.75, 0.5, 0.42),
        (Preset::Camera, _) => {
            let distance = 1.0;
            let view = vec3(&scene.world_from_view.translation.vector);
            let fov = 2.0 * (FIELD / 2.0 / distance).atan();
            Orbit { fov, ..orbit(view, FRAC_PI_2, FRAC_PI_2, distance) }
        }
    }
}
