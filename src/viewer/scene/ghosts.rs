use bevy::light::NotShadowCaster;
use bevy::prelude::*;
use nalgebra::Isometry3;

use super::plate::plate_outline;
use super::shapes::MeshBuilder;
use super::stage::Cell;
use crate::viewer::convert::transform;
use crate::viewer::overlays::Overlays;

/// A plate that is not there now.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ghost {
    /// Where it lay at the beginning.
    Was,
    /// Where it should come to lie.
    ShouldBe,
    /// Where the role model put its own.
    RoleModel,
}

/// Where ghosts stand, in the order of [`Ghost::ALL`].
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct Ghosts(pub [Option<Isometry3<f64>>; 3]);

impl Ghost {
    pub const ALL: [Self; 3] = [Self::Was, Self::ShouldBe, Self::RoleModel];

    pub fn color(self) -> Color {
        match self {
            Self::Was => Color::srgb(1.0, 0.70, 0.25),
            Self::ShouldBe => Color::srgb(0.40, 0.95, 0.50),
            Self::RoleModel => Color::srgb(0.35, 0.65, 1.0),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Was => "where it was",
            Self::ShouldBe => "where it should be",
            Self::RoleModel => "where the role model put it",
        }
    }
}

/// A translucent body for each ghost; its edges are drawn by [`outline_ghosts`].
pub fn spawn_ghosts(
    commands: &mut Commands,
    meshes: &mut Assets<Mesh>,
    materials: &mut Assets<StandardMaterial>,
    cell: &Cell,
    root: Entity,
) {
    let size = &cell.scene.plate.size;
    let outline = plate_outline(size);
    let mut body = MeshBuilder::default();
    body.wall(&outline, 0.0, size.z as f32);
    body.cap(&outline, size.z as f32, true);
    let mesh = meshes.add(body.build());
    for ghost in Ghost::ALL {
        let look = materials.add(StandardMaterial {
            base_color: ghost.color().with_alpha(0.20),
            alpha_mode: AlphaMode::Blend,
            unlit: true,
            ..default()
        });
        commands.spawn((
            ghost,
            Mesh3d(mesh.clone()),
            MeshMaterial3d(look),
            Transform::default(),
            Visibility::Hidden,
            NotShadowCaster,
            ChildOf(root),
        ));
    }
}

/// Puts the ghosts where they belong. The target's own is filled only while no plate lies there,
/// or it would veil it.
pub fn pose_ghosts(
    ghosts: Res<Ghosts>,
    overlays: Res<Overlays>,
    shown: Res<super::Shown>,
    mut drawn: Query<(&Ghost, &mut Transform, &mut Visibility)>,
) {
    for (ghost, mut at, mut visible) in &mut drawn {
        let pose = ghosts.0[*ghost as usize].filter(|_| overlays.ghosts);
        let covered = |pose: &Isometry3<f64>| {
            let plate = shown.0.bodies.plate;
            plate.is_some_and(|p| (p.translation.vector - pose.translation.vector).norm() < 0.03)
        };
        let wanted = match &pose {
            Some(pose) if !covered(pose) => Visibility::Inherited,
            _ => Visibility::Hidden,
        };
        visible.set_if_neq(wanted);
        if let Some(pose) = &pose {
            at.set_if_neq(transform(pose));
        }
    }
}

/// The upper and the lower edge of every ghost, over everything.
pub fn outline_ghosts(
    ghosts: Res<Ghosts>,
    overlays: Res<Overlays>,
    cell: Res<Cell>,
    mut gizmos: Gizmos,
) {
    if !overlays.ghosts {
        return;
    }
    let size = &cell.scene.plate.size;
    let outline = plate_outline(size);
    for (ghost, pose) in Ghost::ALL.into_iter().zip(&ghosts.0) {
        let Some(pose) = pose else { continue };
        let at = transform(pose);
        for height in [0.0, size.z as f32] {
            let points = outline.iter().chain(outline.first());
            gizmos.linestrip(points.map(|p| at * p.extend(height)), ghost.color());
        }
    }
}
