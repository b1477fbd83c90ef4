use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::{self, Axis};
use super::palette::{self, Look};
use super::series::{Line, Shown};
use super::{Area, DrawError, UNITS, text};

/// Drawing units to the right of a panel, for names at the ends of lines: at least, and for each letter of the longest.
const NAMES: u32 = 300;
const LETTER: u32 = 17;
/// Between two names, drawing units.
const NAME_HEIGHT: i32 = 32;
const INK: RGBColor = RGBColor(90, 90, 90);

/// Lines of one figure against trials.
pub(super) struct Panel {
    pub title: String,
    pub y_title: String,
    pub x: Axis,
    pub has_x_title: bool,
    /// Hours a trial, for a second axis at the top.
    pub hours_per_trial: Option<f64>,
    pub y: (f64, f64),
    /// Lines right across, with their names.
    pub levels: Vec<(f64, String)>,
}

impl Panel {
    /// Pixels that names of so many lines need.
    pub fn height(names: usize) -> u32 {
        (names as u32 * NAME_HEIGHT as u32 / UNITS + 110).max(400)
    }

    pub fn draw(&self, area: &Area<'_>, lines: &[Line]) -> Result<(), DrawError> {
        let longest = lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
        let mut builder = ChartBuilder::on(area);
        builder
            .margin_left(10)
            .margin_right(NAMES.max(36 + LETTER * longest as u32))
            .margin_top(10)
            .margin_bottom(6)
            .x_label_area_size(if self.has_x_title { 92 } else { 56 })
            .y_label_area_size(120)
            .caption(&self.title, text(40));
        if self.hours_per_trial.is_some() {
            builder.top_x_label_area_size(92);
        }
        let (low, high) = self.y;
        let mut chart = builder.build_cartesian_2d(self.x.range(), low..high)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(0)
            .y_desc(&self.y_title)
            .y_labels(8)
            .y_label_formatter(&|y| axis::number(*y))
            .label_style(text(34))
            .axis_desc_style(text(36))
            .bold_line_style(RGBColor(222, 222, 222))
            .light_line_style(TRANSPARENT)
            .axis_style(INK.stroke_width(2))
            .set_all_tick_mark_size(8)
            .draw()?;
        let plot = chart.plotting_area().clone();
        let (dx, dy) = area.get_base_pixel();
        let place = |x: f64, y: f64| {
            let (x, y) = plot.map_coordinate(&(x, y));
            (x - dx, y - dy)
        };
        self.draw_x(area, &place)?;
        let inside = |(trial, value): (f64, f64)| (self.x.at(trial), value.clamp(low, high));
        for (level, _) in &self.levels {
            let ends = [self.x.from, self.x.to].map(|trial| inside((trial, *level)));
            let faint = RGBColor(150, 150, 150).stroke_width(3);
            chart.draw_series(DashedLineSeries::new(ends, 4, 6, faint))?;
        }
        for Line { look, runs, .. } in lines {
            for run in runs {
                let seen = run.iter().copied().filter(|(trial, _)| self.x.holds(*trial));
                let faint = look.colour().mix(0.10).stroke_width(1);
                chart.draw_series(LineSeries::new(seen.map(inside), faint))?;
            }
        }
        let seen = |line: &Line| -> Vec<Shown> {
            line.centre.iter().copied().filter(|shown| self.x.holds(shown.trial)).collect()
        };
        for line in lines.iter().filter(|line| matches!(line.look, Look::Learner { .. })) {
            let seen = seen(line);
            let end = |which: usize| {
                let of = move |s: &Shown| Some((s.trial, s.estimate.ci95?[which]));
                seen.iter().filter_map(of).map(inside).collect::<Vec<_>>()
            };
            let edge = end(0).into_iter().chain(end(1).into_iter().rev()).collect::<Vec<_>>();
            let fill = line.look.colour().mix(0.16).filled();
            chart.draw_series([Polygon::new(edge, fill)])?;
        }
        let mut names = Names::default();
        for (level, name) in &self.levels {
            names.add(place(inside((self.x.to, *level)).0, *level), name, INK);
        }
        for line in lines {
            let mut points: Vec<_> =
                seen(line).into_iter().map(|s| inside((s.trial, s.estimate.iqm))).collect();
            if let ([(_, level)], true) = (&points[..], line.centre.len() == 1) {
                points = [self.x.from, self.x.to].map(|trial| (self.x.at(trial), *level)).to_vec();
            } else if let (Some(only), true) = (line.centre.first(), line.centre.len() == 1) {
                let level = only.estimate.iqm;
                points = [self.x.from, self.x.to].map(|trial| inside((trial, level))).to_vec();
            }
            if let Some(&(x, y)) = points.last() {
                names.add(place(x, y), &line.name, line.look.colour());
            }
            match line.look {
                Look::Reference { dash, gap, .. } => {
                    chart.draw_series(DashedLineSeries::new(
                        points,
                        dash,
                        gap,
                        line.look.line(),
                    ))?;
                }
                Look::Learner { colour, marker } => {
                    chart.draw_series(LineSeries::new(points.iter().copied(), line.look.line()))?;
                    for at in points {
                        palette::draw_marker(chart.plotting_area(), marker, at, colour)?;
                    }
                }
            }
        }
        let (right, bottom) = place(self.x.range().end, low);
        names.draw(area, right, (place(0.0, high).1, bottom))
    }

    /// Ticks, numbers and titles of the x axes.
    fn draw_x(
        &self,
        area: &Area<'_>,
        place: &dyn Fn(f64, f64) -> (i32, i32),
    ) -> Result<(), DrawError> {
        let (low, high) = self.y;
        let tick = |trial: f64, y: f64, away: i32, said: String| -> Result<(), DrawError> {
            let (x, y) = place(self.x.at(trial), y);
            area.draw(&PathElement::new([(x, y), (x, y + 8 * away)], INK.stroke_width(2)))?;
            let at = if away > 0 { VPos::Top } else { VPos::Bottom };
            let style = text(34).into_text_style(area).pos(Pos::new(HPos::Center, at));
            area.draw(&Text::new(said, (x, y + 14 * away), style))
        };
        for trial in self.x.ticks() {
            tick(trial, low, 1, axis::number(trial))?;
        }
        if let Some(hour) = self.hours_per_trial {
            for hours in axis::ticks(self.x.from * hour, self.x.to * hour, 5) {
                tick(hours / hour, high, -1, axis::number(hours))?;
            }
        }
        let title = |said: &str, y: i32, at: VPos| {
            let (left, right) =
                (place(self.x.range().start, low).0, place(self.x.range().end, low).0);
            let style = text(36).into_text_style(area).pos(Pos::new(HPos::Center, at));
            area.draw(&Text::new(said.to_owned(), ((left + right) / 2, y), style))
        };
        if self.has_x_title {
            title("physical trials", place(0.0, low).1 + 52, VPos::Top)?;
        }
        if self.hours_per_trial.is_some() {
            title("robot hours", place(0.0, high).1 - 50, VPos::Bottom)?;
        }
        Ok(())
    }
}

/// Names at the ends of lines.
#[derive(Default)]
struct Names(Vec<((i32, i32), String, RGBColor)>);

impl Names {
    fn add(&mut self, end: (i32, i32), name: &str, colour: RGBColor) {
        self.0.push((end, name.to_owned(), colour));
    }

    /// Beside the plot, each as near to its line's end as the others let it.
    fn draw(mut self, area: &Area<'_>, right: i32, within: (i32, i32)) -> Result<(), DrawError> {
        self.0.sort_by_key(|((_, y), ..)| *y);
        let ends: Vec<i32> = self.0.iter().map(|((_, y), ..)| *y).collect();
        for (((x, y), name, colour), at) in self.0.into_iter().zip(spread(&ends, within)) {
            let lead = [(x + 8, y), (right + 10, y), (right + 30, at)];
            area.draw(&PathElement::new(lead, colour.mix(0.5).stroke_width(1)))?;
            let style = text(32).into_text_style(area).color(&colour);
            let style = style.pos(Pos::new(HPos::Left, VPos::Center));
            area.draw(&Text::new(name, (right + 36, at), style))?;
        }
        Ok(())
    }
}

/// Heights in the same order, a name's height apart, as near as that allows.
fn spread(wanted: &[i32], (top, bottom): (i32, i32)) -> Vec<i32> {
    let mut heights = wanted.to_vec();
    for i in 1..heights.len() {
        heights[i] = heights[i].max(heights[i - 1] + NAME_HEIGHT);
    }
    let mut lowest = bottom;
    for height in heights.iter_mut().rev() {
        *height = (*height).min(lowest);
        lowest = *height - NAME_HEIGHT;
    }
    // Too many for the room: they go on below.
    let above = heights.first().map_or(0, |first| (top - first).max(0));
    heights.into_iter().map(|height| height + above).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_order_and_their_distance() {
        let heights = spread(&[100, 101, 102, 400], (0, 410));
        assert_eq!(heights, [100, 132, 164, 400]);
        let low = spread(&[395, 398, 400], (0, 400));
        assert_eq!(low, [336, 368, 400]);
        assert_eq!(spread(&[5, 5, 5], (0, 40)), [0, 32, 64], "no room for all");
    }
}
