use bevy_egui::egui::{RichText, Ui};

use super::Desk;
use super::style::ACCENT;
use crate::viewer::keys::Overlay;
use crate::viewer::plan::Preset;

/// Presets and overlays.
pub fn show(ui: &mut Ui, desk: &mut Desk) {
    ui.horizontal(|ui| {
        ui.label(RichText::new("rmrl").strong().color(ACCENT));
        ui.separator();
        for (preset, wanted) in Preset::ALL.into_iter().zip(desk.looks.0) {
            if ui.selectable_label(*desk.orbit == wanted, preset.name()).clicked() {
                *desk.orbit = wanted;
            }
        }
        ui.separator();
        for (overlay, name) in [
            (Overlay::Errors, "errors"),
            (Overlay::Distances, "distances"),
            (Overlay::Contacts, "contacts"),
            (Overlay::Camera, "camera field"),
            (Overlay::Ghosts, "ghosts"),
        ] {
            let mut on = *desk.overlays.of(overlay);
            if ui.checkbox(&mut on, name).changed() {
                *desk.overlays.of(overlay) = on;
            }
        }
        ui.separator();
        if ui.selectable_label(desk.open.help, "help (H)").clicked() {
            desk.open.help ^= true;
        }
    });
}
