use bevy_egui::egui::{Color32, RichText, Ui};
use egui_plot::{Line, Plot, PlotPoints, VLine};

use super::style::DIM;
use crate::report::{Checkpoint, RunResult, Scores};

pub const IN_SCENE: Color32 = Color32::from_rgb(255, 160, 60);
pub const HELD_OUT: Color32 = Color32::from_rgb(110, 170, 255);

/// Error at the checkpoints, mean of the training trials batch by batch, and where we are. All
/// over the trials learned from: what a report counts besides on hardware, evaluation, is left out.
pub fn show(
    ui: &mut Ui,
    (result, made): (&RunResult, &[u64]),
    training_mm: &[f64],
    batch: u64,
    here: Option<u64>,
) {
    let line = |pick: fn(&Checkpoint) -> &Scores| -> PlotPoints<'_> {
        let at = made.iter().zip(&result.checkpoints).map(|(made, c)| (*made, pick(c)));
        // One that has just begun has no figure yet.
        let judged = at.filter(|(_, scores)| scores.of > 0);
        judged.map(|(made, scores)| [made as f64, scores.translation_mm]).collect()
    };
    let window = batch.max(1) as usize;
    let mean = |(at, errors): (usize, &[f64])| {
        [((at + 1) * window) as f64, errors.iter().sum::<f64>() / errors.len() as f64]
    };
    let training: PlotPoints<'_> = training_mm.chunks(window).enumerate().map(mean).collect();
    ui.horizontal(|ui| {
        for (name, color) in [("in-scene", IN_SCENE), ("held-out", HELD_OUT), ("training", DIM)] {
            ui.label(RichText::new(name).size(12.5).color(color));
        }
    });
    Plot::new("curve")
        .height(150.0)
        .allow_scroll(false)
        .allow_drag(false)
        .allow_zoom(false)
        .include_y(0.0)
        .y_axis_label("error, mm")
        .x_axis_label("trials")
        .show(ui, |plot| {
            plot.line(Line::new("training", training).color(DIM.gamma_multiply(0.7)).width(1.0));
            let in_scene = line(|c| &c.in_scene);
            plot.line(Line::new("in-scene", in_scene).color(IN_SCENE).width(2.0));
            let held_out = line(|c| &c.held_out);
            plot.line(Line::new("held-out", held_out).color(HELD_OUT).width(2.0));
            if let Some(here) = here {
                plot.vline(VLine::new("", here as f64).color(Color32::WHITE).width(1.0));
            }
        });
}
