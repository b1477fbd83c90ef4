use bevy_egui::egui::{Align2, Context, Grid, RichText, Window};

use super::style::ACCENT;
use crate::viewer::keys::LINES;

/// Every key, on top of everything.
pub fn show(ctx: &Context, open: &mut bool) {
    Window::new("Keys and mouse")
        .open(open)
        .collapsible(false)
        .resizable(false)
        .anchor(Align2::CENTER_CENTER, [0.0, 0.0])
        .show(ctx, |ui| {
            for (group, lines) in LINES {
                ui.label(RichText::new(*group).strong().color(ACCENT));
                Grid::new(*group).num_columns(2).min_col_width(150.0).show(ui, |ui| {
                    for line in *lines {
                        ui.label(RichText::new(line.names).monospace());
                        ui.label(line.does);
                        ui.end_row();
                    }
                });
                ui.add_space(4.0);
            }
        });
}
