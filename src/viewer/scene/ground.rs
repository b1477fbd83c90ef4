use bevy::asset::RenderAssetUsages;
use bevy::mesh::PrimitiveTopology;
use bevy::prelude::*;

use super::stage::Materials;

/// Lines every centimetre, stronger ones every ten, on the table (z = 0).
pub fn spawn_grid(
    commands: &mut Commands,
    meshes: &mut Assets<Mesh>,
    look: &Materials,
    root: Entity,
) {
    let (fine, strong): (Vec<i32>, Vec<i32>) = (-100..=100).partition(|cm| cm % 10 != 0);
    for (lines, look, height) in [(fine, &look.fine_grid, 2e-4), (strong, &look.grid, 4e-4)] {
        let mut positions = Vec::new();
        for at in lines {
            let at = at as f32 / 100.0;
            if (LOW.y..=HIGH.y).contains(&at) {
                positions.extend([[LOW.x, at, height], [HIGH.x, at, height]]);
            }
            if (LOW.x..=HIGH.x).contains(&at) {
                positions.extend([[at, LOW.y, height], [at, HIGH.y, height]]);
            }
        }
        let count = positions.len();
        let mesh = Mesh::new(PrimitiveTopology::LineList, RenderAssetUsages::default())
            .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, positions)
            .with_inserted_attribute(Mesh::ATTRIBUTE_NORMAL, vec![[0.0, 0.0, 1.0]; count]);
        commands.spawn((
            Mesh3d(meshes.add(mesh)),
            MeshMaterial3d(look.clone()),
            bevy::light::NotShadowCaster,
            bevy::light::NotShadowReceiver,
            ChildOf(root),
        ));
    }
}

/// Corners of the grid: the table of the built-in scenes, metres.
pub const LOW: Vec2 = Vec2::new(-0.4, -0.4);
pub const HIGH: Vec2 = Vec2::new(0.8, 0.4);
