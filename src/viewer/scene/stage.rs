use bevy::prelude::*;

use super::arm::spawn_arm;
use super::ghosts::spawn_ghosts;
use super::ground::spawn_grid;
use super::hand::spawn_hand;
use super::plate::plate_mesh;
use crate::config::{Robot, Scene};
use crate::task::ImageSize;
use crate::viewer::Moment;
use crate::viewer::convert::{transform, vec3};

/// The cell that is drawn. Changing it builds the drawing anew.
#[derive(Resource, Clone, Debug)]
pub struct Cell {
    pub scene: Scene,
    pub robot: Robot,
    /// What the policy's camera sees.
    pub image: ImageSize,
}

/// A body that the physics moves.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Tool,
    UpperFinger,
    LowerFinger,
    Plate,
}

/// The moment that is drawn.
#[derive(Resource, Clone, Debug)]
pub struct Shown(pub Moment);

/// Everything that belongs to one cell.
#[derive(Component)]
pub struct StageRoot;

/// Surfaces, made once a cell.
pub struct Materials {
    pub palm: Handle<StandardMaterial>,
    pub finger: Handle<StandardMaterial>,
    pub flange: Handle<StandardMaterial>,
    pub plate: Handle<StandardMaterial>,
    pub link: Handle<StandardMaterial>,
    pub joint: Handle<StandardMaterial>,
    pub grid: Handle<StandardMaterial>,
    pub fine_grid: Handle<StandardMaterial>,
}

impl Materials {
    fn new(assets: &mut Assets<StandardMaterial>) -> Self {
        let mut solid = |color: Color, roughness: f32, metallic: f32| {
            assets.add(StandardMaterial {
                base_color: color,
                perceptual_roughness: roughness,
                metallic,
                ..default()
            })
        };
        let palm = solid(Color::srgb(0.20, 0.23, 0.28), 0.6, 0.0);
        let finger = solid(Color::srgb(0.95, 0.55, 0.16), 0.6, 0.0);
        let flange = solid(Color::srgb(0.55, 0.58, 0.62), 0.4, 0.0);
        let plate = solid(Color::srgb(0.93, 0.94, 0.96), 0.45, 0.0);
        let link = solid(Color::srgb(0.72, 0.75, 0.79), 0.5, 0.0);
        let joint = solid(Color::srgb(0.33, 0.52, 0.70), 0.5, 0.0);
        let mut line = |alpha: f32| {
            assets.add(StandardMaterial {
                base_color: Color::srgba(1.0, 1.0, 1.0, alpha),
                alpha_mode: AlphaMode::Blend,
                unlit: true,
                ..default()
            })
        };
        Self { palm, finger, flange, plate, link, joint, grid: line(0.30), fine_grid: line(0.09) }
    }
}

/// Builds the drawing of a cell, in place of the one before.
pub fn set_stage(
    mut commands: Commands,
    cell: Res<Cell>,
    old: Query<Entity, With<StageRoot>>,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<StandardMaterial>>,
) {
    for root in &old {
        commands.entity(root).despawn();
    }
    let root = commands.spawn((StageRoot, Transform::default(), Visibility::default())).id();
    let look = Materials::new(&mut materials);
    for part in &cell.scene.statics {
        // A touch darker than the camera sees it, and of a cooler hue: white is the plate's.
        let grey = part.grey as f32;
        let table = part.name == "table";
        let color = if table {
            Color::srgb(0.16, 0.18, 0.21)
        } else {
            Color::srgb(0.78 * grey, 0.92 * grey, 1.12 * grey)
        };
        let look = materials.add(StandardMaterial {
            base_color: color,
            perceptual_roughness: 0.85,
            reflectance: 0.2,
            ..default()
        });
        commands.spawn((
            Mesh3d(meshes.add(Cuboid { half_size: vec3(&part.half) })),
            MeshMaterial3d(look),
            transform(&part.world_from_box),
            ChildOf(root),
        ));
    }
    spawn_grid(&mut commands, &mut meshes, &look, root);
    spawn_hand(&mut commands, &mut meshes, &look, &cell.robot.gripper, root);
    spawn_ghosts(&mut commands, &mut meshes, &mut materials, &cell, root);
    spawn_arm(&mut commands, &mut meshes, &look, &cell, root);
    commands.spawn((
        Part::Plate,
        Mesh3d(meshes.add(plate_mesh(&cell.scene.plate.size))),
        MeshMaterial3d(look.plate.clone()),
        Transform::default(),
        ChildOf(root),
    ));
}

/// Puts every drawn body where the physics has it.
pub fn pose_bodies(shown: Res<Shown>, mut parts: Query<(&Part, &mut Transform, &mut Visibility)>) {
    let bodies = &shown.0.bodies;
    for (part, mut at, mut visible) in &mut parts {
        let pose = match part {
            Part::Tool => Some(&bodies.tool),
            Part::UpperFinger => Some(&bodies.fingers[0]),
            Part::LowerFinger => Some(&bodies.fingers[1]),
            Part::Plate => bodies.plate.as_ref(),
        };
        let wanted = if pose.is_some() { Visibility::Inherited } else { Visibility::Hidden };
        visible.set_if_neq(wanted);
        if let Some(pose) = pose {
            at.set_if_neq(transform(pose));
        }
    }
}
