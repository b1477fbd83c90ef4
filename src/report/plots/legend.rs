use plotters::prelude::{IntoTextStyle, PathElement, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::palette::{self, Look};
use super::{Area, DrawError, UNITS, WIDTH, text};
use crate::report::ExperimentResult;
use crate::report::table::TOLD;

/// Pixels.
const ROW_HEIGHT: u32 = 30;
const COLUMNS: usize = 4;

/// One entry a method, in columns below the panels, where they cover nothing.
pub(super) fn draw(
    area: &Area<'_>,
    result: &ExperimentResult,
    looks: &[Look],
) -> Result<(), DrawError> {
    let column_width = (WIDTH * UNITS - 120) as i32 / COLUMNS as i32;
    for (i, (method, look)) in result.methods.iter().zip(looks).enumerate() {
        let x = 110 + (i % COLUMNS) as i32 * column_width;
        let y = 30 + (i / COLUMNS) as i32 * (ROW_HEIGHT * UNITS) as i32;
        let sample = [(x, y), (x + 90, y)];
        match *look {
            Look::Learner { colour, marker } => {
                area.draw(&PathElement::new(sample, look.line()))?;
                palette::draw_marker(area, marker, (x + 45, y), colour)?;
            }
            Look::Reference { dash, gap, .. } => {
                for from in (x..x + 90).step_by((dash + gap) as usize) {
                    let to = (from + dash).min(x + 90);
                    area.draw(&PathElement::new([(from, y), (to, y)], look.line()))?;
                }
            }
        }
        let told = if method.card.sees_truth { TOLD } else { "" };
        let name = format!("{}{told}", method.card.name);
        let style = text(36).into_text_style(area).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&Text::new(name, (x + 108, y), style))?;
    }
    Ok(())
}

/// Pixels that so many entries take.
pub(super) fn height(entries: usize) -> u32 {
    ROW_HEIGHT * entries.div_ceil(COLUMNS).max(1) as u32 + 16
}
