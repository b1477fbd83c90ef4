use plotters::prelude::*;

use super::palette::{self, Look, looks};
use super::series::{Quantity, Series};
use super::{Area, DrawError, UNITS, WIDTH, legend, text};
use crate::report::stats::Bootstrap;
use crate::report::{ExperimentResult, ReportError, Shown, shown_in};

/// Pixels.
const PANEL_HEIGHT: u32 = 400;
/// Bands are drawn to about a pixel: more resamples than this would not be seen.
pub const MOST_BAND_ROUNDS: usize = 5_000;

/// Learning curves as SVG: a row of panels for each metric, in-scene and held-out, against physical
/// trials (and robot hours on top). Interquartile mean over runs, 95 % bootstrap band, each run
/// faintly; references dashed.
pub fn learning_curves(result: &ExperimentResult, rounds: usize) -> Result<String, ReportError> {
    let metrics = shown_in(Shown::Curves);
    let panels_height = metrics.len() as u32 * PANEL_HEIGHT;
    let height = panels_height + legend::height(result.methods.len());
    let mut bootstrap = Bootstrap::new(rounds.min(MOST_BAND_ROUNDS));
    let looks = looks(result.methods.iter().map(|m| &m.card));
    super::svg((WIDTH, height), |area| {
        let (panels, below) = area.split_vertically(panels_height * UNITS);
        let cells = panels.split_evenly((metrics.len(), 2));
        for (row, &metric) in metrics.iter().enumerate() {
            let columns = [false, true].map(|held_out| {
                let quantity = Quantity { metric, held_out };
                result
                    .methods
                    .iter()
                    .map(|m| Series::of(m, quantity, &mut bootstrap))
                    .collect::<Vec<_>>()
            });
            let highest = columns.iter().flatten().map(Series::highest).fold(0.0, f64::max);
            for (column, series) in columns.iter().enumerate() {
                let panel = Panel {
                    quantity: Quantity { metric, held_out: column == 1 },
                    is_first_row: row == 0,
                    is_last_row: row + 1 == metrics.len(),
                    trials: ends(result),
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
    is_first_row: bool,
    is_last_row: bool,
    /// The first trial shown and the last one.
    trials: (f64, f64),
    hours_per_trial: Option<f64>,
    highest: f64,
}

impl Panel {
    fn draw(&self, area: &Area<'_>, series: &[Series], looks: &[Look]) -> Result<(), DrawError> {
        let Quantity { metric, held_out } = self.quantity;
        let hours = self.hours_per_trial.filter(|_| self.is_first_row);
        let mut builder = ChartBuilder::on(area);
        builder
            .margin_left(10)
            .margin_right(44)
            .margin_top(10)
            .margin_bottom(6)
            .x_label_area_size(if self.is_last_row { 92 } else { 56 })
            .y_label_area_size(120);
        if hours.is_some() {
            builder.top_x_label_area_size(100);
        }
        let evaluated = if held_out { "held-out" } else { "in-scene" };
        builder.caption(format!("{}, {evaluated}", metric.title), text(42));
        let (first, last) = self.trials;
        let right = last * 1.01;
        let hour = hours.unwrap_or(1.0);
        let mut chart = builder
            .build_cartesian_2d(first..right, 0.0..self.highest)?
            .set_secondary_coord(first * hour..right * hour, 0.0..self.highest);
        chart
            .configure_mesh()
            .x_desc(if self.is_last_row { "physical trials" } else { "" })
            .y_desc(metric.axis())
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
                        line = vec![(first, level), (last, level)];
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

/// The first trial of the x axis, 0 or below, and the last one.
fn ends(result: &ExperimentResult) -> (f64, f64) {
    let checkpoints = || result.methods.iter().flat_map(|m| &m.runs).flat_map(|r| &r.checkpoints);
    let first = checkpoints().map(|c| c.trial).min().unwrap_or(0).min(0);
    let last = checkpoints().map(|c| c.trial).max().filter(|&trial| trial > 0);
    (first as f64, last.unwrap_or(result.trials.max(1) as i64) as f64)
}

/// Mean robot time of a trial over all runs, hours.
fn hours_per_trial(result: &ExperimentResult) -> Option<f64> {
    let (hours, trials) = result
        .methods
        .iter()
        .flat_map(|m| m.final_checkpoints().map(|(_, c)| (c, m.card.on_top() as i64)))
        .fold((0.0, 0), |(h, t), (c, on_top)| (h + c.robot_hours, t + c.trial + on_top));
    (trials > 0 && hours > 0.0).then(|| hours / trials as f64)
}
