use bevy_egui::egui::{Align2, Color32, FontId, Rect, Sense, Ui, Vec2, pos2, vec2};

use super::Desk;
use super::style::{ACCENT, DIM};
use crate::viewer::playback::Speed;

/// Play, step, restart, speed, and the trial's time to be dragged through.
pub fn show(ui: &mut Ui, desk: &mut Desk) {
    ui.add_space(3.0);
    ui.horizontal(|ui| {
        let there = desk.playback.recording().is_some();
        ui.add_enabled_ui(there, |ui| {
            let play = if desk.playback.playing { "pause" } else { "play" };
            if ui.button(play).on_hover_text("Space").clicked() {
                desk.playback.toggle();
            }
            if ui.button("< step").on_hover_text("Left").clicked() {
                desk.playback.step(false);
            }
            if ui.button("step >").on_hover_text("Right").clicked() {
                desk.playback.step(true);
            }
            if ui.button("restart").on_hover_text("R").clicked() {
                desk.playback.restart();
            }
            ui.separator();
        });
        for speed in Speed::ALL {
            if ui.selectable_label(desk.playback.speed == speed, speed.name()).clicked() {
                desk.playback.speed = speed;
            }
        }
        ui.separator();
        let now = format!(
            "{:.3} of {:.2} s   {}",
            desk.playback.seconds(),
            desk.playback.duration(),
            desk.shown.0.segment
        );
        ui.monospace(now);
    });
    track(ui, desk);
    ui.add_space(2.0);
}

/// The timeline with the parts of the motion script.
fn track(ui: &mut Ui, desk: &mut Desk) {
    let size = vec2(ui.available_width(), 26.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 3.0, Color32::from_rgb(34, 39, 46));
    let Some(recording) = desk.playback.recording().cloned() else {
        let font = FontId::proportional(12.5);
        painter.text(rect.center(), Align2::CENTER_CENTER, "no trial yet", font, DIM);
        return;
    };
    let duration = recording.duration().max(1e-6);
    let at = |seconds: f64| rect.left() + rect.width() * (seconds / duration) as f32;
    let segments = recording.segments();
    for (i, (start, name)) in segments.iter().enumerate() {
        let end = segments.get(i + 1).map_or(duration, |(next, _)| *next);
        let part =
            Rect::from_x_y_ranges(at(*start)..=at(end), rect.y_range()).shrink2(vec2(0.5, 0.0));
        let fill =
            if i % 2 == 0 { Color32::from_rgb(44, 51, 60) } else { Color32::from_rgb(38, 44, 52) };
        painter.rect_filled(part, 2.0, fill);
        let galley = painter.layout_no_wrap((*name).to_owned(), FontId::proportional(12.0), DIM);
        if galley.size().x + 4.0 < part.width() {
            painter.galley(part.center() - galley.size() / 2.0, galley, DIM);
        }
    }
    let now = at(desk.playback.seconds());
    painter.rect_filled(
        Rect::from_center_size(pos2(now, rect.center().y), Vec2::new(3.0, rect.height())),
        1.0,
        ACCENT,
    );
    if let Some(pointer) = response.interact_pointer_pos() {
        let share = ((pointer.x - rect.left()) / rect.width()).clamp(0.0, 1.0);
        desk.playback.playing = false;
        desk.playback.seek(f64::from(share) * duration);
    }
}
