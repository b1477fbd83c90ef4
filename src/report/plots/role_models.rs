use plotters::prelude::*;

use super::{DrawError, TITLE_HEIGHT, UNITS, WIDTH, axis, text};
use crate::report::{Reign, ReportError, SceneLabels};

/// Pixels of a scene's line, and of what is not lines.
const LINE: u32 = 12;
const AROUND: u32 = 120;
/// Scenes that are drawn.
const MOST: usize = 200;
/// Errors of a label that are drawn as good, and as bad: mm and deg, the larger counts.
const FROM: f64 = 0.25;
const TO: f64 = 2.0;

/// Who was role model when, as SVG: a line a scene instance, physical trials to the right, from one role model
/// to the next. The darker, the nearer its label is to the ideal correction; grey where that is not known.
pub fn role_models(
    title: &str,
    trials: u64,
    scenes: &[SceneLabels],
) -> Result<String, ReportError> {
    let shown = &scenes[..scenes.len().min(MOST)];
    let height = TITLE_HEIGHT + AROUND + LINE * shown.len().max(4) as u32;
    super::svg((WIDTH, height), |area| {
        let (head, rest) = area.split_vertically(TITLE_HEIGHT * UNITS);
        let said = format!("{title} (dark: label within {FROM} mm or deg of ideal, pale: {TO})");
        head.draw(&Text::new(said, (130, 24), text(34)))?;
        let mut chart = ChartBuilder::on(&rest)
            .margin_right(44)
            .margin_bottom(6)
            .x_label_area_size(92)
            .y_label_area_size(120)
            .build_cartesian_2d(0.0..trials.max(1) as f64, shown.len().max(1) as f64..0.0)?;
        chart
            .configure_mesh()
            .x_desc("physical trials")
            .y_desc("scene instance")
            .x_labels(8)
            .y_labels(6)
            .x_label_formatter(&|x| axis::number(*x))
            .y_label_formatter(&|y| {
                shown.get(*y as usize).map_or_else(String::new, |scene| scene.instance.to_string())
            })
            .label_style(text(34))
            .axis_desc_style(text(36))
            .disable_mesh()
            .axis_style(RGBColor(90, 90, 90).stroke_width(2))
            .set_all_tick_mark_size(8)
            .draw()?;
        for (at, scene) in shown.iter().enumerate() {
            let ends = scene.reigns.iter().skip(1).map(|next| next.since).chain([trials]);
            for (reign, end) in scene.reigns.iter().zip(ends) {
                let (top, bottom) = (at as f64 + 0.12, at as f64 + 0.88);
                let (from, to) = (reign.since as f64, end as f64);
                let bar = Rectangle::new([(from, top), (to, bottom)], colour(reign).filled());
                let begin = PathElement::new([(from, top), (from, bottom)], BLACK.stroke_width(3));
                chart.draw_series([bar])?;
                chart.draw_series([begin])?;
            }
        }
        Ok::<(), DrawError>(())
    })
}

fn colour(reign: &Reign) -> RGBColor {
    let Some(error) = reign.error else { return RGBColor(170, 170, 170) };
    let bad = ((error.mm.max(error.deg) - FROM) / (TO - FROM)).clamp(0.0, 1.0);
    let mix = |good: f64, pale: f64| (good + bad * (pale - good)) as u8;
    RGBColor(mix(0.0, 222.0), mix(90.0, 235.0), mix(140.0, 240.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::LabelError;

    #[test]
    fn a_picture_has_a_bar_a_role_model_and_is_darker_where_the_label_is_better() {
        let reign = |since, mm| Reign {
            since,
            role_model: since,
            reward: -0.5,
            peers: 2,
            label: [0.0; 3],
            error: Some(LabelError { mm, deg: 0.0 }),
            lead: None,
        };
        let scene = SceneLabels {
            instance: 3,
            trials: 9,
            reigns: vec![reign(20, 1.5), reign(40, 0.1)],
            changed: 0,
        };
        let [pale, dark] = [0, 1].map(|at| colour(&scene.reigns[at]));
        assert!(dark.0 < pale.0 && dark.1 < pale.1);
        let svg = role_models("smoke", 80, std::slice::from_ref(&scene)).unwrap();
        let bars = |of: RGBColor| svg.contains(&format!("#{:02X}{:02X}{:02X}", of.0, of.1, of.2));
        assert!(bars(pale) && bars(dark), "{svg}");
        assert!(role_models("none", 0, &[]).is_ok());
    }
}
