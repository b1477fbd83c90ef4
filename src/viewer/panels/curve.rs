use bevy_egui::egui::{Color32, Id, RichText, Ui};
use egui_plot::{Line, Plot, PlotPoints, VLine};

use super::style::DIM;
use crate::report::{Checkpoint, Judged, Metric, RunResult, Scores, Shown, shown_in};

pub const IN_SCENE: Color32 = Color32::from_rgb(255, 160, 60);
pub const HELD_OUT: Color32 = Color32::from_rgb(110, 170, 255);

/// One metric at the checkpoints, of the training trials batch by batch, and where we are. All over
/// the trials learned from: what a report counts besides on hardware, evaluation, is left out.
pub fn show(
    ui: &mut Ui,
    (result, made): (&RunResult, &[u64]),
    training: &[Judged],
    batch: u64,
    here: Option<u64>,
) {
    let Some(metric) = chosen(ui) else { return };
    let line = |pick: fn(&Checkpoint) -> &Scores| -> PlotPoints<'_> {
        let at = made.iter().zip(&result.checkpoints).map(|(made, c)| (*made, pick(c)));
        // One that has just begun has no figure yet.
        let judged = at.filter(|(_, scores)| scores.of > 0);
        judged.map(|(made, scores)| [made as f64, scores.value(&metric)]).collect()
    };
    let window = batch.max(1) as usize;
    let mean = |(at, trials): (usize, &[Judged])| {
        [((at + 1) * window) as f64, Scores::judge(trials).value(&metric)]
    };
    let training: PlotPoints<'_> = training.chunks(window).enumerate().map(mean).collect();
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
        .y_axis_label(format!("{}, {}", metric.title, metric.unit))
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

/// The metric that was last clicked, and buttons for the others.
fn chosen(ui: &mut Ui) -> Option<Metric> {
    let (metrics, id) = (shown_in(Shown::Curves), Id::new("metric of the curve"));
    let mut key = ui.data(|data| data.get_temp(id)).unwrap_or(metrics.first()?.key);
    ui.horizontal_wrapped(|ui| {
        for metric in &metrics {
            ui.selectable_value(&mut key, metric.key, metric.title);
        }
    });
    ui.data_mut(|data| data.insert_temp(id, key));
    metrics.into_iter().find(|metric| metric.key == key)
}
