use bevy_egui::egui::{Grid, RichText, Ui};

use super::Desk;
use super::style::{BAD, DIM, note, title};

const JOINTS: [&str; 6] = ["base", "shoulder", "elbow", "wrist 1", "wrist 2", "wrist 3"];

/// What the arm says of itself.
pub fn show(ui: &mut Ui, desk: &Desk) {
    let Some(arm) = &desk.real else { return };
    title(ui, &format!("Real arm at {}", arm.host));
    note(ui, "Only looked at: nothing is ever sent but the question.");
    if let Some(failure) = arm.failure() {
        ui.label(RichText::new(failure).color(BAD));
    }
    let Some(state) = arm.state() else {
        note(ui, "waiting for its first word");
        return;
    };
    title(ui, "Joints as measured");
    Grid::new("joints").num_columns(3).striped(true).show(ui, |ui| {
        for heading in ["", "deg", "deg/s"] {
            ui.label(RichText::new(heading).color(DIM));
        }
        ui.end_row();
        for (i, name) in JOINTS.into_iter().enumerate() {
            ui.label(name);
            let (at, speed) = (state.joints[i].to_degrees(), state.joint_speeds[i].to_degrees());
            ui.label(RichText::new(format!("{at:+8.2}")).monospace());
            ui.label(RichText::new(format!("{speed:+6.1}")).monospace().color(DIM));
            ui.end_row();
        }
    });
    let off_mm = arm.place_off(&desk.cell) * 1e3;
    if off_mm > 0.1 {
        note(
            ui,
            format!(
                "The plate is drawn over the taught place, the furniture where its file has it: \
                 {off_mm:.1} mm apart."
            ),
        );
    }
    title(ui, "Tool in the base frame");
    let at = state.base_from_tool.translation.vector * 1e3;
    ui.label(RichText::new(format!("{:+.1} {:+.1} {:+.1} mm", at.x, at.y, at.z)).monospace());
    ui.label(
        RichText::new(format!("{:.0} mm/s, {:.1} N", state.tool_speed * 1e3, state.tool_force))
            .monospace(),
    );
    note(
        ui,
        format!(
            "controller's clock {:.2} s, speed slider {:.0} %\nfingers are drawn open: the arm does not tell",
            state.timestamp,
            state.speed_scaling * 100.0
        ),
    );
}
