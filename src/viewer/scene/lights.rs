use bevy::light::{CascadeShadowConfigBuilder, DirectionalLightShadowMap, GlobalAmbientLight};
use bevy::prelude::*;

/// One lamp with soft shadows from above left, a weaker one from the other side without.
pub fn lights(mut commands: Commands) {
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
        CascadeShadowConfigBuilder {
            // The second one is for views that hold a whole arm.
            num_cascades: 2,
            minimum_distance: 0.02,
            first_cascade_far_bound: 2.2,
            maximum_distance: 4.0,
            ..default()
        }
        .build(),
        towards(Vec3::new(-0.35, 0.45, 1.0)),
    ));
    commands.spawn((
        DirectionalLight { illuminance: 1_300.0, shadow_maps_enabled: false, ..default() },
        towards(Vec3::new(0.6, -0.9, 0.7)),
    ));
}
