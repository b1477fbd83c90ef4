use bevy::color::ColorToPacked;
use bevy_egui::egui::{
    Align2, Color32, Context, FontId, LayerId, Order, Painter, Pos2, Rect, vec2,
};
use nalgebra::Point3;

use super::Desk;
use super::style::DIM;
use super::view::on_screen;
use crate::viewer::overlays::{
    self, DISTANCE_COLOR, FORCE_COLOR, MAGNIFIED, METRES_A_NEWTON, X_COLOR, Y_COLOR, YAW_COLOR,
};
use crate::viewer::scene::Ghost;

/// Words in the picture: lengths, errors, scales.
pub fn show(ctx: &Context, desk: &Desk) {
    let layer = LayerId::new(Order::Background, "words".into());
    let painter = Painter::new(ctx.clone(), layer, desk.rect.rect);
    centimetres(&painter, desk);
    if desk.overlays.distances {
        for distance in overlays::distances(&desk.cell, &desk.shown) {
            let middle = nalgebra::center(&distance.from, &distance.to);
            let text = format!("{} {:.2} mm", distance.what, distance.mm());
            label(&painter, desk, &middle, &text, color(DISTANCE_COLOR));
        }
    }
    legend(&painter, desk);
}

/// What the lines mean, at the lower left of the picture.
fn legend(painter: &Painter, desk: &Desk) {
    let mut lines = Vec::new();
    if desk.overlays.errors
        && let Some(shown) = overlays::error_shown(&desk.cell, &desk.shown)
    {
        let [x, y, yaw] = shown.error.axes();
        lines.push((format!("yaw {yaw:+.2} deg"), color(YAW_COLOR)));
        lines.push((format!("y {y:+.2} mm"), color(Y_COLOR)));
        lines.push((format!("x {x:+.2} mm"), color(X_COLOR)));
        lines.push((format!("{}, arrows {MAGNIFIED} x as long", shown.name), DIM));
    }
    if desk.overlays.contacts {
        let a_newton = METRES_A_NEWTON * 1e3;
        let count = desk.shown.0.contacts.len();
        let text = format!("{count} contacts on the plate, {a_newton} mm a newton");
        lines.push((text, color(FORCE_COLOR)));
    }
    for ghost in Ghost::ALL {
        if desk.overlays.ghosts && desk.ghosts.0[ghost as usize].is_some() {
            lines.push((ghost.name().to_owned(), color(ghost.color())));
        }
    }
    lines.push(("grid: 1 cm".to_owned(), DIM));
    let mut at = painter.clip_rect().left_bottom() + vec2(12.0, -10.0);
    for (text, color) in lines {
        let rect = boxed(painter, at, Align2::LEFT_BOTTOM, &text, 13.0, color);
        at.y = rect.top() - 3.0;
    }
}

/// Every ten centimetres of the grid's front edge.
fn centimetres(painter: &Painter, desk: &Desk) {
    for cm in (-40..=80).step_by(10) {
        let at = Point3::new(f64::from(cm) / 100.0, -0.4, 0.0);
        if let Some(at) = on_screen(desk, &at) {
            let text = format!("{cm} cm");
            painter.text(at, Align2::CENTER_TOP, text, FontId::proportional(11.5), DIM);
        }
    }
}

fn label(painter: &Painter, desk: &Desk, at: &Point3<f64>, text: &str, color: Color32) {
    if let Some(at) = on_screen(desk, at) {
        boxed(painter, at + vec2(6.0, -4.0), Align2::LEFT_BOTTOM, text, 13.0, color);
    }
}

/// Text on a dark ground, legible over anything.
fn boxed(
    painter: &Painter,
    at: Pos2,
    align: Align2,
    text: &str,
    size: f32,
    color: Color32,
) -> Rect {
    let galley = painter.layout_no_wrap(text.to_owned(), FontId::proportional(size), color);
    let rect = align.anchor_size(at, galley.size());
    painter.rect_filled(rect.expand2(vec2(4.0, 1.5)), 3.0, Color32::from_black_alpha(165));
    painter.galley(rect.min, galley, color);
    rect
}

fn color(color: bevy::color::Color) -> Color32 {
    let [r, g, b, _] = color.to_srgba().to_u8_array();
    Color32::from_rgb(r, g, b)
}
