use bevy::prelude::*;
use nalgebra::{Isometry3, Point3, Vector3};
use std::f32::consts::{FRAC_PI_2, PI};

use super::Orbit;
use crate::arm::Capsule;
use crate::cell::HandBoxes;
use crate::viewer::Moment;
use crate::viewer::convert::{point, vec3};
use crate::viewer::plan::Preset;
use crate::viewer::scene::Cell;

/// Vertical field of view, radians.
const FOV: f32 = 0.6;
/// Width a height of what the panels leave of 1280x720.
const ASPECT: f32 = 1.15;
/// Room around what a view must hold.
const MARGIN: f32 = 1.08;
/// Furniture nearer than this to the target is the shelf's, metres.
const NEAR: f64 = 0.13;

/// Where the presets look from in this cell, in the order of [`Preset::ALL`]: kept, for to find out
/// takes longer than a frame should.
#[derive(Resource, Clone, Debug, PartialEq)]
pub struct Looks(pub [Orbit; 5]);

impl Looks {
    pub fn of(cell: &Cell) -> Self {
        Self(Preset::ALL.map(|preset| orbit_of(preset, cell)))
    }

    /// The cell has changed. Millimetres, as dirt has them, are no reason to look from elsewhere;
    /// who looked from a preset goes on doing so.
    pub fn change(&mut self, cell: &Cell, orbit: &mut Orbit) {
        for (old, new) in self.0.iter_mut().zip(Self::of(cell).0) {
            let moved = (new.target - old.target).length() + (new.distance - old.distance).abs();
            if moved > 0.02 {
                if *orbit == *old {
                    *orbit = new;
                }
                *old = new;
            }
        }
    }
}

/// Follows the cell with the presets.
pub fn look_anew(cell: Res<Cell>, mut looks: ResMut<Looks>, mut orbit: ResMut<Orbit>) {
    looks.change(&cell, &mut orbit);
}

/// Where a preset looks from.
fn orbit_of(preset: Preset, cell: &Cell) -> Orbit {
    let scene = &cell.scene;
    match preset {
        Preset::Cell => framed(&whole(cell), 1.0, 0.45),
        Preset::Top => framed(&whole(cell), FRAC_PI_2, FRAC_PI_2),
        Preset::Side => framed(&whole(cell), FRAC_PI_2, 0.05),
        // From behind the back stop, where the hand is not in the way; under a board from the front.
        Preset::Shelf if is_roofed(cell) => framed(&shelf(cell), 0.75, 0.25),
        Preset::Shelf => framed(&shelf(cell), PI - 0.75, 0.5),
        Preset::Camera => {
            let distance = 1.0;
            let target = vec3(&scene.world_from_view.translation.vector);
            let fov = 2.0 * (cell.image.mm as f32 / 2e3 / distance).atan();
            Orbit { target, azimuth: FRAC_PI_2, elevation: FRAC_PI_2, distance, fov }
        }
    }
}

/// Corners of all that stands on the table, of plate, hand and arm before a trial.
fn whole(cell: &Cell) -> Vec<Vec3> {
    let Cell { scene, robot, .. } = cell;
    let ready = Moment::at_rest(scene, robot, crate::task::Pose2::IDENTITY).bodies;
    let mut points = plates(cell);
    for part in scene.statics.iter().filter(|part| part.name != "table") {
        points.extend(corners(&part.world_from_box, &part.half));
    }
    let hand = HandBoxes::new(&robot.gripper);
    let (palm, half) = &hand.tool_from_palm;
    points.extend(corners(&(ready.tool * palm), half));
    for (finger, (at, half)) in ready.fingers.iter().zip(&hand.finger_from_box) {
        points.extend(corners(&(finger * at), half));
    }
    let Some(arm) = &robot.arm else { return points };
    let joints = arm.model.joints(&ready.tool, &arm.home).unwrap_or(arm.home);
    let links = arm.model.kinematics.base_from_links(&joints);
    for shape in arm.model.body.shapes.iter().filter(|shape| shape.link != Capsule::HAND) {
        let base_from_link = match shape.link {
            0 => Isometry3::identity(),
            joint => links[joint - 1],
        };
        let world_from_link = arm.model.world_from_base * base_from_link;
        for end in [&shape.from, &shape.to] {
            let around = Isometry3::from(world_from_link * end);
            points.extend(corners(&around, &Vector3::repeat(shape.radius)));
        }
    }
    points
}

/// Corners of the plate at the target and of the furniture beside it.
fn shelf(cell: &Cell) -> Vec<Vec3> {
    let place = cell.scene.world_from_place.translation.vector;
    let mut points = plates(cell).split_off(8);
    for part in &cell.scene.statics {
        let to = part.world_from_box.translation.vector - place;
        if to.xy().norm() < NEAR && to.z.abs() < NEAR / 2.0 && part.half.z < NEAR / 2.0 {
            points.extend(corners(&part.world_from_box, &part.half));
        }
    }
    points
}

/// Something stands over the target.
fn is_roofed(cell: &Cell) -> bool {
    let place = &cell.scene.world_from_place;
    let top = cell.scene.plate.size.z;
    cell.scene.statics.iter().any(|part| {
        let over = part.world_from_box.inverse() * (place * Point3::new(0.0, 0.0, top));
        over.x.abs() < part.half.x && over.y.abs() < part.half.y && over.z < 0.0
    })
}

/// Corners of the plate at the pick place, then at the target.
fn plates(cell: &Cell) -> Vec<Vec3> {
    let half = cell.scene.plate.size / 2.0;
    let centre = Isometry3::translation(0.0, 0.0, half.z);
    let places = [&cell.scene.world_from_pick, &cell.scene.world_from_place];
    places.iter().flat_map(|place| corners(&(*place * centre), &half)).collect()
}

fn corners(world_from_box: &Isometry3<f64>, half: &Vector3<f64>) -> [Vec3; 8] {
    std::array::from_fn(|i| {
        let side = |axis: usize| if i >> axis & 1 == 0 { -half[axis] } else { half[axis] };
        point(&(world_from_box * Point3::new(side(0), side(1), side(2))))
    })
}

/// Looks from a direction so that all points fill the view.
fn framed(points: &[Vec3], azimuth: f32, elevation: f32) -> Orbit {
    let middle = points.iter().sum::<Vec3>() / points.len() as f32;
    let mut orbit = Orbit { target: middle, azimuth, elevation, distance: 1.0, fov: FOV };
    let turned = orbit.transform().rotation;
    let (right, up, back) = (turned * Vec3::X, turned * Vec3::Y, turned * Vec3::Z);
    let high = (FOV / 2.0).tan();
    // Each turn centres what is seen and goes as near as it can; few are enough.
    for _ in 0..4 {
        let seen = points.iter().map(|point| {
            let from = *point - orbit.target;
            let deep = orbit.distance - from.dot(back);
            (from.dot(right) / deep, from.dot(up) / deep)
        });
        let (low, top) = seen.fold((Vec3::MAX, Vec3::MIN), |(low, top), (x, y)| {
            let at = Vec3::new(x, y, 0.0);
            (low.min(at), top.max(at))
        });
        let centre = (low + top) / 2.0 * orbit.distance;
        orbit.target += right * centre.x + up * centre.y;
        let needed = points.iter().map(|point| {
            let from = *point - orbit.target;
            let (x, y) = (from.dot(right).abs() / (high * ASPECT), from.dot(up).abs() / high);
            x.max(y) * MARGIN + from.dot(back)
        });
        orbit.distance = needed.fold(0.1, f32::max);
    }
    orbit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Robot, Scene};

    #[test]
    fn a_view_of_the_whole_cell_cuts_nothing_off() {
        for (scene, robot) in [("shelf", "ur5e-pinch"), ("hotel", "ur5e-side"), ("open", "gantry")]
        {
            let cell = Cell {
                scene: Scene::named(scene).unwrap(),
                robot: Robot::named(robot).unwrap(),
                image: crate::task::ImageSize::default(),
            };
            for preset in [Preset::Cell, Preset::Top, Preset::Side] {
                let orbit = orbit_of(preset, &cell);
                let view_from_world = orbit.transform().to_matrix().inverse();
                for corner in whole(&cell) {
                    let at = view_from_world.transform_point3(corner);
                    let (x, y) = (at.x / -at.z, at.y / -at.z);
                    let high = (FOV / 2.0).tan();
                    let seen = at.z < 0.0 && x.abs() < high * ASPECT && y.abs() < high;
                    assert!(seen, "{scene}, {robot}, {preset:?}: {corner}");
                }
            }
        }
    }
}
