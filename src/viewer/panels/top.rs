use bevy_egui::egui::{RichText, Ui};

use super::Desk;
use super::style::ACCENT;
use crate::viewer::camera::orbit_of;
use crate::viewer::keys::Overlay;
use crate::viewer::plan::Preset;

/// Presets and overlays.
pub fn show(ui: &mut Ui, desk: &mut Desk) {
    ui.horizontal(|ui| {
        ui.label(RichText::new("rmrl").strong().color(ACCENT));
        ui.separator();
        for (preset, name) in [
            (Preset::Cell, "cell"),
            (Preset::Top, "top"),
            (Preset::Side, "side"),
            (Preset::Shelf, "shelf"),
            (Preset::Camera, "camera"),
        ] {
            let wanted = orbit_of(preset, &desk.cell);
            if ui.selectable_label(*desk.orbit == wanted, name).clicked() {
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
