use bevy::light::{
    CascadeShadowConfig, CascadeShadowConfigBuilder, DirectionalLightShadowMap, GlobalAmbientLight,
};
use bevy::prelude::*;

use crate::viewer::camera::Orbit;

/// One lamp with soft shadows from above left, a weaker one from the other side without.
pub fn lights(mut commands: Commands, orbit: Res<Orbit>) {
    commands.insert_resource(DirectionalLightShadowMap { size: 2048 });
    commands.insert_resource(GlobalAmbientLight { brightness: 900.0, ..default() });
    let towards = |from: Vec3| Transform::from_translation(from).looking_at(Vec3::ZERO, Vec3::Z);
    commands.spawn((
        DirectionalLight {
            illuminance: 5_200.0,
            shadow_maps_enabled: true,
            // The scene is a metre wide and its parts millimetres high: bevy's biases are for rooms.
            shadow_depth_bias: 2e-3,
            shadow_normal_bias: 1.2,
            ..default()
        },
        cascades(orbit.distance),
        towards(Vec3::new(-0.35, 0.45, 1.0)),
    ));
    commands.spawn((
        DirectionalLight { illuminance: 1_300.0, shadow_maps_enabled: false, ..default() },
        towards(Vec3::new(0.6, -0.9, 0.7)),
    ));
}

/// The shadow map for a view from this far: one, as small as what is looked at, so that its texels
/// do not show. What lies far behind casts none.
fn cascades(distance: f32) -> CascadeShadowConfig {
    CascadeShadowConfigBuilder {
        num_cascades: 1,
        minimum_distance: 0.3 * distance,
        maximum_distance: 1.25 * distance + 0.3,
        ..default()
    }
    .build()
}

/// Follows the camera with the shadow map.
pub fn fit_shadows(orbit: Res<Orbit>, mut lamps: Query<&mut CascadeShadowConfig>) {
    // Those of the lamp without shadows are never used.
    for mut config in &mut lamps {
        *config = cascades(orbit.distance);
    }
}
