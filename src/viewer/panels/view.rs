use bevy::prelude::*;
use bevy_egui::egui::{self, PointerButton, Pos2, Sense, Ui};
use nalgebra::Point3;

use super::Desk;
use crate::task::Pose2;
use crate::viewer::by_hand::OFFSET_REACH;
use crate::viewer::camera::MainCamera;
use crate::viewer::convert::point;

/// How far a dragged plate goes of the pointer's way (and degrees a point): a point of the screen
/// is more than a millimetre, and the whole reach would be a dozen of them.
const FINE: f64 = 0.1;

/// Where the cell is drawn between the panels, points.
#[derive(Resource, Clone, Copy, Debug, PartialEq)]
pub struct ViewRect {
    pub rect: egui::Rect,
    pub pixels_a_point: f32,
    /// The plate is being dragged.
    dragging: bool,
}

impl Default for ViewRect {
    fn default() -> Self {
        Self { rect: egui::Rect::ZERO, pixels_a_point: 1.0, dragging: false }
    }
}

/// The free middle: orbit, pan, zoom; by hand the plate can be dragged.
pub fn show(ui: &mut Ui, desk: &mut Desk) {
    let rect = ui.available_rect_before_wrap();
    let pixels_a_point = ui.pixels_per_point();
    let response = ui.allocate_rect(rect, Sense::click_and_drag());
    let dragging = desk.rect.dragging;
    desk.rect.set_if_neq(ViewRect { rect, pixels_a_point, dragging });
    if response.drag_started_by(PointerButton::Primary) {
        let on_plate = response.interact_pointer_pos().is_some_and(|p| on_plate(desk, p).is_some());
        desk.rect.dragging = on_plate && desk.by_hand.is_some();
    }
    if response.drag_stopped() {
        desk.rect.dragging = false;
    }
    let drag = response.drag_delta();
    let moved = Vec2::new(drag.x, drag.y);
    if moved != Vec2::ZERO {
        if desk.rect.dragging {
            let turning = ui.input(|i| i.modifiers.shift);
            drag_plate(desk, response.interact_pointer_pos(), moved, turning);
        } else if response.dragged_by(PointerButton::Primary) {
            desk.orbit.turn(moved);
        } else {
            desk.orbit.pan(moved, rect.height());
        }
    }
    if response.hovered() {
        let steps = ui.input(|i| i.smooth_scroll_delta.y) / 50.0;
        if steps != 0.0 {
            desk.orbit.zoom(steps);
        }
    }
}

/// Where the pointer meets the level of the plate's top, in the plate's frame, if that is on it.
fn on_plate(desk: &Desk, at: Pos2) -> Option<Point3<f64>> {
    let plate = desk.shown.0.bodies.plate?;
    let size = desk.cell.scene.plate.size;
    let hit = plate.inverse() * on_level(desk, at, plate.translation.z + size.z)?;
    (hit.x.abs() < size.x / 2.0 && hit.y.abs() < size.y / 2.0).then_some(hit)
}

/// Where the pointer meets a level, world frame.
fn on_level(desk: &Desk, at: Pos2, height: f64) -> Option<Point3<f64>> {
    let (camera, from) = *desk.camera;
    let ray = camera.viewport_to_world(from, Vec2::new(at.x, at.y)).ok()?;
    let way = (height as f32 - ray.origin.z) / ray.direction.z;
    let hit = ray.origin + ray.direction * way;
    (way > 0.0).then(|| Point3::from(hit.to_array().map(f64::from)))
}

fn drag_plate(desk: &mut Desk, at: Option<Pos2>, moved: Vec2, turning: bool) {
    let Some(at) = at else { return };
    let height = desk.cell.scene.world_from_pick.translation.z + desk.cell.scene.plate.size.z;
    let before = Pos2::new(at.x - moved.x, at.y - moved.y);
    let (Some(from), Some(to)) = (on_level(desk, before, height), on_level(desk, at, height))
    else {
        return;
    };
    let way = desk.cell.scene.world_from_pick.inverse() * (to - from) * 1e3 * FINE;
    let Some(hand) = &mut desk.by_hand else { return };
    let near = |v: f64| v.clamp(-OFFSET_REACH, OFFSET_REACH);
    let Pose2 { x_mm, y_mm, yaw_deg } = hand.offset;
    hand.offset = if turning {
        Pose2 { yaw_deg: near(yaw_deg - f64::from(moved.x) * FINE), ..hand.offset }
    } else {
        Pose2 { x_mm: near(x_mm + way.x), y_mm: near(y_mm + way.y), yaw_deg }
    };
    hand.reset(&desk.cell, &mut desk.playback, &mut desk.shown);
}

/// Gives the camera the free middle.
pub fn fit_camera(rect: Res<ViewRect>, mut camera: Single<&mut Camera, With<MainCamera>>) {
    let scale = rect.pixels_a_point;
    let low = (Vec2::new(rect.rect.min.x, rect.rect.min.y) * scale).as_uvec2();
    let size = (Vec2::new(rect.rect.width(), rect.rect.height()) * scale).as_uvec2();
    if size.x < 8 || size.y < 8 {
        return;
    }
    let wanted =
        bevy::camera::Viewport { physical_position: low, physical_size: size, ..default() };
    let same = camera.viewport.as_ref().is_some_and(|v| {
        v.physical_position == wanted.physical_position && v.physical_size == wanted.physical_size
    });
    if !same {
        camera.viewport = Some(wanted);
    }
}

/// Where a point of the world is on the screen, points.
pub fn on_screen(desk: &Desk, at: &Point3<f64>) -> Option<Pos2> {
    let (camera, from) = *desk.camera;
    let at = camera.world_to_viewport(from, point(at)).ok()?;
    Some(Pos2::new(at.x, at.y))
}
