use nalgebra::Point2;

use super::step::Step;
use crate::eyes::{Board, CELLS, Pattern, Tag, pattern};
use crate::sim::camera::{
    A1_COLUMN, A1_ROW, CORNER_RADIUS, NOTCH, PITCH, PLATE_LIGHT, WELL_LIGHT, WELL_RADIUS,
};

/// What a flat face looks like. Millimetres from its middle; light from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Face {
    half: [f32; 2],
    /// Of its corners.
    radius: f32,
    /// Side of the corner that is cut off at A1 (-x, +y); 0 for none.
    notch: f32,
    ground: f32,
    print: Print,
}

#[derive(Clone, Debug, PartialEq)]
enum Print {
    Nothing,
    Wells,
    Tags(Vec<Printed>),
}

/// A tag as it lies on a face.
#[derive(Clone, Debug, PartialEq)]
struct Printed {
    x: f32,
    y: f32,
    sin: f32,
    cos: f32,
    /// Side of a cell, mm.
    cell: f32,
    pattern: &'static Pattern,
}

/// Of printed paper.
const WHITE: f32 = 0.88;
const BLACK: f32 = 0.07;
/// Of a lid between its tags.
const LID_LIGHT: f32 = 0.80;
/// Width of the paper around a tag's white border, mm.
const MARGIN: f32 = 1.0;

impl Face {
    /// The top of a 96-well plate with these sides, mm.
    pub fn plate(sides_mm: [f64; 2]) -> Self {
        let half = sides_mm.map(|side| (side / 2.0) as f32);
        Self { half, radius: CORNER_RADIUS, notch: NOTCH, ground: PLATE_LIGHT, print: Print::Wells }
    }

    /// A dummy lid with these sides, and its tags.
    pub fn lid(sides_mm: [f64; 2], board: &Board) -> Self {
        let half = sides_mm.map(|side| (side / 2.0) as f32);
        let print = Print::of(&board.tags);
        Self { half, radius: CORNER_RADIUS, notch: 0.0, ground: LID_LIGHT, print }
    }

    /// A whole board on white card.
    pub fn board(board: &Board) -> Self {
        let half = board.half_size_mm().map(|mm| mm as f32 + MARGIN);
        Self { half, radius: 0.0, notch: 0.0, ground: WHITE, print: Print::of(&board.tags) }
    }

    /// A card with one tag, in the tag's own frame.
    pub fn tag(tag: &Tag) -> Self {
        let half = [(tag.cell_mm() * CELLS as f64 / 2.0) as f32 + MARGIN; 2];
        let upright = Tag { at: crate::task::Pose2::IDENTITY, ..*tag };
        Self { half, radius: 0.0, notch: 0.0, ground: WHITE, print: Print::of(&[upright]) }
    }

    /// All of one light.
    pub fn plain(sides_mm: [f64; 2], light: f32) -> Self {
        let half = sides_mm.map(|side| (side / 2.0) as f32);
        Self { half, radius: 0.0, notch: 0.0, ground: light, print: Print::Nothing }
    }

    /// Light of its sides, which look away from lamps above.
    pub(super) fn side_light(&self) -> f32 {
        0.6 * self.ground
    }

    /// Share of a blurred point that lies on the face.
    pub(super) fn covers(&self, step: Step, x: f32, y: f32, blur: f32) -> f32 {
        if self.radius > 0.0 {
            return step.at(-self.outline(x, y) / blur);
        }
        // At a sharp corner a distance would not do.
        let along = |at: f32, half: f32| step.at((half - at.abs()) / blur);
        along(x, self.half[0]) * along(y, self.half[1])
    }

    /// Signed distance from the outline, mm, negative inside.
    fn outline(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x.abs() - self.half[0] + self.radius, y.abs() - self.half[1] + self.radius);
        let outside = (dx.max(0.0) * dx.max(0.0) + dy.max(0.0) * dy.max(0.0)).sqrt();
        let rectangle = outside + dx.max(dy).min(0.0) - self.radius;
        if self.notch == 0.0 {
            return rectangle;
        }
        let cut = y - x - (self.half[0] + self.half[1] - self.notch);
        rectangle.max(cut * std::f32::consts::FRAC_1_SQRT_2)
    }

    /// Corners of a polygon around the outline, mm; a round corner by three.
    pub(super) fn corners(&self) -> Vec<Point2<f64>> {
        let [x, y] = self.half.map(f64::from);
        let radius = f64::from(self.radius);
        // Where tangents at 0, 45 and 90 deg of a round corner meet.
        let near = radius * (1.0 - (std::f64::consts::SQRT_2 - 1.0));
        let mut corners = Vec::with_capacity(8);
        for (right, up) in [(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)] {
            let cut = if right < 0.0 && up > 0.0 { f64::from(self.notch) } else { 0.0 };
            let off = cut.max(near);
            corners.push(Point2::new(right * (x - off), up * y));
            corners.push(Point2::new(right * x, up * (y - off)));
        }
        corners
    }

    /// Light at a point, blurred by a Gaussian of this standard deviation, mm.
    pub(super) fn light(&self, step: Step, x: f32, y: f32, blur: f32) -> f32 {
        match &self.print {
            Print::Nothing => self.ground,
            Print::Wells => {
                let well = step.at(-self.well(x, y) / blur);
                self.ground + (WELL_LIGHT - self.ground) * well
            }
            Print::Tags(tags) => {
                let shown = tags.iter().find_map(|tag| tag.light(step, x, y, blur, self.ground));
                shown.unwrap_or(self.ground)
            }
        }
    }

    /// Signed distance from the nearest well's rim, negative inside.
    fn well(&self, x: f32, y: f32) -> f32 {
        let from_a1 = (x + self.half[0] - A1_COLUMN, self.half[1] - A1_ROW - y);
        let nearest = |along: f32, last: f32| {
            along - PITCH * libm::floorf((along / PITCH + 0.5).clamp(0.0, last + 0.5))
        };
        let (dx, dy) = (nearest(from_a1.0, 11.0), nearest(from_a1.1, 7.0));
        (dx * dx + dy * dy).sqrt() - WELL_RADIUS
    }
}

impl Print {
    /// A tag beyond the family is not printed.
    fn of(tags: &[Tag]) -> Self {
        let printed = |tag: &Tag| {
            let (sin, cos) = libm::sincos(tag.at.yaw_deg.to_radians());
            Some(Printed {
                x: tag.at.x_mm as f32,
                y: tag.at.y_mm as f32,
                sin: sin as f32,
                cos: cos as f32,
                cell: tag.cell_mm() as f32,
                pattern: pattern(tag.id)?,
            })
        };
        Self::Tags(tags.iter().filter_map(printed).collect())
    }
}

impl Printed {
    /// Light here and about; `None` away from the tag. At most one edge of cells along each axis is near
    /// enough to matter, since cells are much larger than the blur.
    fn light(&self, step: Step, x: f32, y: f32, blur: f32, ground: f32) -> Option<f32> {
        const HALF: f32 = CELLS as f32 / 2.0;
        let (dx, dy) = (x - self.x, y - self.y);
        let reach = HALF + 0.5;
        let column = (self.cos * dx + self.sin * dy) / self.cell;
        let row = -(self.cos * dy - self.sin * dx) / self.cell;
        if column.abs() > reach || row.abs() > reach {
            return None;
        }
        let blur = blur / self.cell;
        let along = |at: f32| {
            let at = at + HALF;
            let edge = libm::floorf(at + 0.5);
            (edge as i32, step.at((at - edge) / blur))
        };
        let ((column, right), (row, below)) = (along(column), along(row));
        let cell = |row: i32, column: i32| {
            let within = |at: i32| usize::try_from(at).ok().filter(|at| *at < CELLS);
            match (within(row), within(column)) {
                (Some(row), Some(column)) if self.pattern[row][column] => WHITE,
                (Some(_), Some(_)) => BLACK,
                _ => ground,
            }
        };
        let above = cell(row - 1, column - 1) * (1.0 - right) + cell(row - 1, column) * right;
        let under = cell(row, column - 1) * (1.0 - right) + cell(row, column) * right;
        Some(above * (1.0 - below) + under * below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_is_lit_as_its_tags_say() {
        let board = Board::lid();
        let (face, step) = (Face::lid([127.76, 85.48], &board), Step::new());
        for i in -60..=60 {
            for j in -40..=40 {
                let (x, y) = (f64::from(i) + 0.37, f64::from(j) + 0.41);
                let light = face.light(step, x as f32, y as f32, 0.01);
                let wanted = match board.is_white(x, y) {
                    Some(true) => WHITE,
                    Some(false) => BLACK,
                    None => LID_LIGHT,
                };
                assert!((light - wanted).abs() < 1e-3, "{x} {y}: {light} not {wanted}");
            }
        }
    }

    #[test]
    fn half_of_a_pixel_on_an_edge_is_of_each_side() {
        let (face, step) = (
            Face::tag(&Tag { id: 0, side_mm: 30.0, at: crate::task::Pose2::IDENTITY }),
            Step::new(),
        );
        // The outer edge of the black border.
        let light = face.light(step, 15.0, 1.0, 0.3);
        assert!((light - (WHITE + BLACK) / 2.0).abs() < 1e-3, "{light}");
    }

    #[test]
    fn the_polygon_lies_around_the_outline_and_near_it() {
        for face in [Face::plate([127.76, 85.48]), Face::plain([20.0, 30.0], 0.5)] {
            for corner in face.corners() {
                let distance = face.outline(corner.x as f32, corner.y as f32);
                assert!((-1e-3..1.0).contains(&distance), "{corner} {distance}");
            }
        }
    }
}
