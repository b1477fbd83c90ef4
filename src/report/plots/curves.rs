use plotters::prelude::*;

use super::palette::{self, Look, looks};
use super::series::{Quantity, Series};
use super::{Area, DrawError, UNITS, WIDTH, legend, text};
use crate::report::summary::Bootstrap;
use crate::report::{ExperimentResult, ReportError};

/// Pixels.
const PANEL_HEIGHT: u32 = 400;
/// Bands are drawn to about a pixel: more resamples than this would not be seen.
pub const MOST_BAND_ROUNDS: usize = 5_000;

/// Learning curves as SVG: translation and yaw error, in-scene and held-out, against physical
/// trials (and robot hours on top). Interquartile mean over runs, 95 % bootstrap band, each run
/// faintly; references dashed.
pub fn learning_curves(result: &ExperimentResult, rounds: usize) -> Result<String, ReportError> {
    let height = 2 * PANEL_HEIGHT + legend::height(result.methods.len());
    let mut bootstrap = Bootstrap::new(rounds.min(MOST_BAND_ROUNDS));
    let looks = looks(result.methods.iter().map(|m| &m.card));
    super::svg((WIDTH, height), |area| {
        let (panels, below) = area.split_vertically(2 * PANEL_HEIGHT * UNITS);
        let cells = panels.split_evenly((2, 2));
        for (row, yaw) in [false, true].into_iter().enumerate() {
            let columns = [false, true].map(|held_out| {
                let quantity = Quantity { held_out, yaw };
                result
                    .methods
                    .iter()
                    .map(|m| Series::of(m, quantity, &mut bootstrap))
                    .collect::<Vec<_>>()
            });
            let highest = columns.iter().flatten().map(Series::highest).fold(0.0, f64::max);
            for (column, series) in columns.iter().enumerate() {
                let panel = Panel {
                    quantity: Quantity { held_out: column == 1, yaw },
                    trials: last_trial(result),
                    hours_per_trial: hours_per_trial(result),
                    highest: if highest > 0.0 { highest * 1.05 } else { 1.0 },
                };
                panel.draw(&cells[2 * row + column], series, &looks)?;
            }
        }
        legend::draw(&below, result, &looks)
    })
}

struct Panel {
    quantity: Quantity,
    trials: f64,
    hours_per_trial: Option<f64>,
    highest: f64,
}

impl Panel {
    fn draw(&self, area: &Area<'_>, series: &[Series], looks: &[Look]) -> Result<(), DrawError> {
        let Quantity { held_out, yaw } = self.quantity;
        let top_row = !yaw;
        let hours = self.hours_per_trial.filter(|_| top_row);
        let mut builder = ChartBuilder::on(area);
        builder
            .margin_left(10)
            .margin_right(44)
            .margin_top(10)
            .margin_bottom(6)
            .x_label_area_size(if top_row { 56 } else { 92 })
            .y_label_area_size(120);
        if hours.is_some() {
            builder.top_x_label_area_size(100);
        }
        let evaluated = if held_out { "held-out" } else { "in-scene" };
        let error = if yaw { "yaw error" } else { "translation error" };
        builder.caption(format!("{error}, {evaluated}"), text(42));
        let right = self.trials * 1.01;
        let mut chart = builder
            .build_cartesian_2d(0.0..right, 0.0..self.highest)?
            .set_secondary_coord(0.0..right * hours.unwrap_or(1.0), 0.0..self.highest);
        chart
            .configure_mesh()
            .x_desc(if top_row { "" } else { "physical trials" })
            .y_desc(if yaw { "yaw error (deg)" } else { "translation error (mm)" })
            .x_labels(8)
            .y_labels(8)
            .x_label_formatter(&|x| format!("{x:.0}"))
            .y_label_formatter(&|y| format!("{y}"))
            .label_style(text(34))
            .axis_desc_style(text(36))
            .bold_line_style(RGBColor(222, 222, 222))
            .light_line_style(TRANSPARENT)
            .axis_style(RGBColor(90, 90, 90).stroke_width(2))
            .set_all_tick_mark_size(8)
            .draw()?;
        if hours.is_some() {
            chart
                .configure_secondary_axes()
                .x_desc("robot hours")
                .x_labels(8)
                .x_label_formatter(&|h| format!("{}", (h * 1e6).round() / 1e6))
                .label_style(text(34))
                .axis_desc_style(text(36))
                .axis_style(RGBColor(90, 90, 90).stroke_width(2))
                .set_all_tick_mark_size(8)
                .draw()?;
        }
        for (series, look) in series.iter().zip(looks) {
            if let Look::Learner { colour, .. } = *look {
                for run in &series.runs {
                    let faint = colour.mix(0.16).stroke_width(2);
                    chart.draw_series(LineSeries::new(run.iter().copied(), faint))?;
                }
            }
        }
        for (series, look) in series.iter().zip(looks) {
            if let Look::Learner { colour, .. } = *look {
                chart.draw_series([Polygon::new(band(series), colour.mix(0.22).filled())])?;
            }
        }
        for (series, look) in series.iter().zip(looks) {
            let mut line: Vec<(f64, f64)> =
                series.centre.iter().map(|(t, e)| (*t, e.iqm)).collect();
            match *look {
                Look::Reference { dash, gap, .. } => {
                    if let [(_, level)] = line[..] {
                        line = vec![(0.0, level), (self.trials, level)];
                    }
                    chart.draw_series(DashedLineSeries::new(line, dash, gap, look.line()))?;
                }
                Look::Learner { colour, marker } => {
                    chart.draw_series(LineSeries::new(line.iter().copied(), look.line()))?;
                    for at in line {
                        palette::draw_marker(chart.plotting_area(), marker, at, colour)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Outline of the intervals: the lower ends forth, the upper ends back.
fn band(series: &Series) -> Vec<(f64, f64)> {
    let ends = |which: usize| {
        series.centre.iter().filter_map(move |(trial, e)| Some((*trial, e.ci95?[which])))
    };
    let upper: Vec<_> = ends(1).collect();
    ends(0).chain(upper.into_iter().rev()).collect()
}

fn last_trial(result: &ExperimentResult) -> f64 {
    let last =
        result.methods.iter().flat_map(|m| m.final_checkpoints()).map(|(_, c)| c.trial).max();
    last.filter(|&trial| trial > 0).unwrap_or(result.trials.max(1)) as f64
}

/// Mean robot time of a trial over all runs, hours.
fn hours_per_trial(result: &ExperimentResult) -> Option<f64> {
    let (hours, trials) = result
        .methods
        .iter()
        .flat_map(|m| m.final_checkpoints())
        .fold((0.0, 0), |(h, t), (_, c)| (h + c.robot_hours, t + c.trial));
    (trials > 0 && hours > 0.0).then(|| hours / trials as f64)
}
