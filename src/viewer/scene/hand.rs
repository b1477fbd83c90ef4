use bevy::math::{Quat, Vec3};
use bevy::prelude::*;
use nalgebra::{Isometry3, Vector3};

use super::stage::{Materials, Part};
use crate::cell::HandBoxes;
use crate::config::GripperSpec;
use crate::viewer::convert::{transform, vec3};

/// The gripper: the boxes that collide, and a flange behind them that does not.
pub fn spawn_hand(
    commands: &mut Commands,
    meshes: &mut Assets<Mesh>,
    look: &Materials,
    gripper: &GripperSpec,
    root: Entity,
) {
    let boxes = HandBoxes::new(gripper);
    let mut block =
        |commands: &mut Commands, at: &Isometry3<f64>, half: &Vector3<f64>, of, look| {
            let mesh = meshes.add(Cuboid { half_size: vec3(half) });
            commands.spawn((Mesh3d(mesh), MeshMaterial3d(look), transform(at), ChildOf(of)));
        };
    let body = |commands: &mut Commands, part| {
        commands.spawn((part, Transform::default(), Visibility::default(), ChildOf(root))).id()
    };
    let tool = body(commands, Part::Tool);
    let (palm, half) = &boxes.tool_from_palm;
    block(commands, palm, half, tool, look.palm.clone());
    for (part, (at, half)) in
        [Part::UpperFinger, Part::LowerFinger].into_iter().zip(&boxes.finger_from_box)
    {
        let finger = body(commands, part);
        block(commands, at, half, finger, look.finger.clone());
    }
    // For the eye only: what the palm hangs on.
    let behind = vec3(&palm.translation.vector) - Vec3::X * half.x as f32;
    let flange = meshes.add(Cylinder::new(0.0315, 0.045));
    commands.spawn((
        Mesh3d(flange),
        MeshMaterial3d(look.flange.clone()),
        Transform::from_translation(behind - Vec3::X * 0.0225)
            .with_rotation(Quat::from_rotation_z(std::f32::consts::FRAC_PI_2)),
        ChildOf(tool),
    ));
}
