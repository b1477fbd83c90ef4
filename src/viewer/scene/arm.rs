use bevy::prelude::*;
use nalgebra::{Isometry3, Unit, UnitQuaternion, Vector3};

use super::stage::{Cell, Materials, Shown};
use crate::arm::{Capsule, Joints};
use crate::viewer::convert::transform;

/// A link of the arm: 0 the base, 1 to 6 what each joint turns.
#[derive(Component, Clone, Copy, Debug)]
pub struct Link(pub usize);

/// The arm's links as the rods that its URDF encloses them with, with a cap where a joint is.
pub fn spawn_arm(
    commands: &mut Commands,
    meshes: &mut Assets<Mesh>,
    look: &Materials,
    cell: &Cell,
    root: Entity,
) {
    let Some(arm) = &cell.robot.arm else { return };
    spawn_pedestal(commands, meshes, look, &arm.model.world_from_base, root);
    let shapes = &arm.model.body.shapes;
    for shape in shapes.iter().filter(|shape| shape.link != Capsule::HAND) {
        let way = shape.to - shape.from;
        let (length, radius) = (way.norm() as f32, shape.radius as f32);
        let up = Unit::try_new(way, 1e-9).map_or_else(UnitQuaternion::identity, |along| {
            // bevy's capsules stand along y.
            UnitQuaternion::rotation_between(&Vector3::y(), &along).unwrap_or_else(|| {
                UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI)
            })
        });
        let middle = nalgebra::center(&shape.from, &shape.to);
        let link_from_rod = Isometry3::from_parts(middle.into(), up);
        let link = commands
            .spawn((Link(shape.link), Transform::default(), Visibility::default(), ChildOf(root)))
            .id();
        // Alternating, so that one sees where a joint is.
        let look = if shape.link % 2 == 0 { &look.link } else { &look.joint };
        // Half a millimetre thinner each, for round ends that coincide would flicker.
        let radius = radius - 4e-4 * shape.link as f32;
        commands.spawn((
            Mesh3d(meshes.add(Capsule3d::new(radius, length))),
            MeshMaterial3d(look.clone()),
            transform(&link_from_rod),
            ChildOf(link),
        ));
    }
}

/// What the arm stands on, for the eye only: a base that floats in the air looks wrong.
fn spawn_pedestal(
    commands: &mut Commands,
    meshes: &mut Assets<Mesh>,
    look: &Materials,
    world_from_base: &Isometry3<f64>,
    root: Entity,
) {
    const HEIGHT: f32 = 0.3;
    let base = transform(world_from_base);
    commands.spawn((
        Mesh3d(meshes.add(Cylinder::new(0.1, HEIGHT))),
        MeshMaterial3d(look.palm.clone()),
        // bevy's cylinders stand along y.
        Transform::from_translation(base.translation - base.rotation * Vec3::Z * (HEIGHT / 2.0))
            .with_rotation(base.rotation * Quat::from_rotation_x(std::f32::consts::FRAC_PI_2)),
        ChildOf(root),
    ));
}

/// Puts the links where the joints have them. A simulation knows the tool only: its joints are
/// those that reach it, as near as can be to those before.
pub fn pose_arm(
    cell: Res<Cell>,
    shown: Res<Shown>,
    mut last: Local<Option<Joints>>,
    mut links: Query<(&Link, &mut Transform)>,
) {
    let Some(arm) = &cell.robot.arm else { return };
    let model = &arm.model;
    let near = last.unwrap_or(arm.home);
    let found = match shown.0.bodies.joints {
        Some(joints) => Some(joints),
        None => model.joints(&shown.0.bodies.tool, &near).ok(),
    };
    let Some(joints) = found else { return };
    *last = Some(joints);
    let base_from_links = model.kinematics.base_from_links(&joints);
    for (link, mut at) in &mut links {
        let base_from_link = match link.0 {
            0 => Isometry3::identity(),
            joint => base_from_links[joint - 1],
        };
        at.set_if_neq(transform(&(model.world_from_base * base_from_link)));
    }
}
