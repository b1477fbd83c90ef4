use plotters::prelude::*;

use super::palette::{Look, looks};
use super::{Area, DrawError, TITLE_HEIGHT, UNITS, WIDTH, axis, legend, text};
use crate::report::metrics::PRECISE;
use crate::report::{ExperimentResult, Metric, ReportError, Shown, shown_in};

/// Pixels.
const PANEL_HEIGHT: u32 = 300;

/// Panels beside each other.
const COLUMNS: usize = 2;

/// Performance profiles as SVG (Dolan & More 2002, as rliable draws them): the share of runs whose
/// value, in-scene at the last checkpoint, is at most that on the x axis. A panel a metric.
pub fn performance_profile(result: &ExperimentResult) -> Result<String, ReportError> {
    let looks = looks(result.methods.iter().map(|m| &m.card));
    let metrics = shown_in(Shown::Curves);
    let rows = metrics.len().div_ceil(COLUMNS);
    let panels_height = rows as u32 * PANEL_HEIGHT;
    let height = TITLE_HEIGHT + panels_height + legend::height(result.methods.len());
    super::svg((WIDTH, height), |area| {
        let (title, rest) = area.split_vertically(TITLE_HEIGHT * UNITS);
        super::title(&title, result, "share of runs, in-scene, last checkpoint")?;
        let (panels, below) = rest.split_vertically(panels_height * UNITS);
        for (cell, metric) in panels.split_evenly((rows, COLUMNS)).iter().zip(&metrics) {
            draw_panel(cell, metric, result, &looks)?;
        }
        legend::draw(&below, result, &looks)
    })
}

fn draw_panel(
    area: &Area<'_>,
    metric: &Metric,
    result: &ExperimentResult,
    looks: &[Look],
) -> Result<(), DrawError> {
    let errors: Vec<Vec<f64>> = result
        .methods
        .iter()
        .map(|m| m.final_checkpoints().map(|(_, last)| last.in_scene.value(metric)).collect())
        .collect();
    let highest = errors.iter().flatten().copied().fold(0.0, f64::max);
    let right = if highest > 0.0 { 1.05 * highest } else { 1.0 };
    let mut chart = ChartBuilder::on(area)
        .margin_left(10)
        .margin_right(44)
        .margin_top(24)
        .margin_bottom(6)
        .x_label_area_size(92)
        .y_label_area_size(120)
        .build_cartesian_2d(0.0..right, 0.0..1.04)?;
    chart
        .configure_mesh()
        .x_desc(metric.axis())
        .y_desc("share of runs (%)")
        .x_labels(8)
        .y_labels(6)
        .x_label_formatter(&|x| axis::number(*x))
        .y_label_formatter(&|y| format!("{:.0}", 100.0 * y))
        .label_style(text(34))
        .axis_desc_style(text(36))
        .bold_line_style(RGBColor(222, 222, 222))
        .light_line_style(TRANSPARENT)
        .axis_style(RGBColor(90, 90, 90).stroke_width(2))
        .set_all_tick_mark_size(8)
        .draw()?;
    // What no policy is expected to stay below, and what counts as precise.
    let floor = result.floor.and_then(|floor| floor.under(metric));
    let goal = PRECISE.iter().find(|(key, _)| *key == metric.key).map(|(_, goal)| *goal);
    for level in floor.into_iter().chain(goal).filter(|level| *level < right) {
        let faint = RGBColor(150, 150, 150).stroke_width(3);
        chart.draw_series(DashedLineSeries::new([(level, 0.0), (level, 1.04)], 4, 6, faint))?;
    }
    for (errors, look) in errors.into_iter().zip(looks) {
        let steps = staircase(errors, right);
        match *look {
            Look::Reference { dash, gap, .. } => {
                chart.draw_series(DashedLineSeries::new(steps, dash, gap, look.line()))?;
            }
            Look::Learner { colour, marker } => {
                let middle = steps.get(steps.len() / 2).copied();
                chart.draw_series(LineSeries::new(steps, look.line()))?;
                if let Some(at) = middle {
                    super::palette::draw_marker(chart.plotting_area(), marker, at, colour)?;
                }
            }
        }
    }
    Ok(())
}

/// The share of errors up to x as corners of a line from zero to `right`.
fn staircase(mut errors: Vec<f64>, right: f64) -> Vec<(f64, f64)> {
    errors.sort_by(f64::total_cmp);
    let n = errors.len() as f64;
    if errors.is_empty() {
        return Vec::new();
    }
    let steps = errors
        .iter()
        .enumerate()
        .flat_map(|(i, &error)| [(error, i as f64 / n), (error, (i + 1) as f64 / n)]);
    std::iter::once((0.0, 0.0)).chain(steps).chain([(right, 1.0)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_rises_by_one_run_at_each_error() {
        let line = staircase(vec![2.0, 1.0], 3.0);
        let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (2.0, 0.5), (2.0, 1.0), (3.0, 1.0)];
        assert_eq!(line, corners);
    }
}
