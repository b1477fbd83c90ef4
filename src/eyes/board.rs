use std::sync::OnceLock;

use apriltag::families::{ApriltagFamily, Tag36h11};
use nalgebra::Point2;

use crate::task::Pose2;

/// Cells along a printed tag of family tag36h11: six of data, a black border and a white one around.
pub const CELLS: usize = 10;
/// Cells along the black square, whose side is a tag's size.
const BLACK_CELLS: usize = 8;

/// Which cells of a printed tag are white: rows from the top, columns from the left.
pub type Pattern = [[bool; CELLS]; CELLS];

/// A square tag on a board.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tag {
    /// Number in the family tag36h11.
    pub id: u32,
    /// Side of the black square, mm. With its white border the tag is a quarter wider.
    pub side_mm: f64,
    /// `board_from_tag`: the tag's centre, and how its x axis (right, as printed upright) is turned.
    pub at: Pose2,
}

/// Tags on a plane. Board frame: mm, z out of the printed face, x and y as they appear from above
/// (anticlockwise).
#[derive(Clone, Debug, PartialEq)]
pub struct Board {
    pub name: &'static str,
    /// Height of the printed face above the frame of what carries it, mm: above the plate's bottom for
    /// a lid, above the place's seat for what lies beside it.
    pub height_mm: f64,
    pub tags: Vec<Tag>,
}

impl Board {
    pub const NAMES: [&'static str; 4] = ["lid", "target", "pick", "camera"];

    /// Six tags on a dummy lid that lies on the plate and is as large. Board frame: the plate's.
    pub fn lid() -> Self {
        let places = grid([3, 2], [41.5, 42.0]);
        Self::of("lid", PLATE_MM + LID_MM, 0, 30.0, places)
    }

    /// Four tags beside the target, beyond the policy's field of 160 mm. Board frame: the target's.
    pub fn target() -> Self {
        Self::of("target", 0.0, 10, 30.0, beside())
    }

    /// The same beside the pick place, with other numbers. Board frame: the pick place's.
    pub fn pick() -> Self {
        Self::of("pick", 0.0, 20, 30.0, beside())
    }

    /// Thirty-five tags for the calibration of cameras; fits a sheet of A4.
    pub fn camera() -> Self {
        Self::of("camera", 0.0, 100, 28.0, grid([7, 5], [38.0, 38.0]))
    }

    /// One of [`NAMES`](Self::NAMES).
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "lid" => Some(Self::lid()),
            "target" => Some(Self::target()),
            "pick" => Some(Self::pick()),
            "camera" => Some(Self::camera()),
            _ => None,
        }
    }

    fn of(
        name: &'static str,
        height_mm: f64,
        first: u32,
        side_mm: f64,
        places: Vec<Pose2>,
    ) -> Self {
        let tags = (first..).zip(places).map(|(id, at)| Tag { id, side_mm, at }).collect();
        Self { name, height_mm, tags }
    }

    /// The tag of this number.
    pub fn tag(&self, id: u32) -> Option<&Tag> {
        self.tags.iter().find(|tag| tag.id == id)
    }

    /// Is the board white at this point (board frame, mm)? `None` beyond the tags and their borders.
    pub fn is_white(&self, x_mm: f64, y_mm: f64) -> Option<bool> {
        self.tags.iter().find_map(|tag| tag.is_white(x_mm, y_mm))
    }

    /// Half of what the tags with their white borders cover along x and y from the origin, mm.
    pub fn half_size_mm(&self) -> [f64; 2] {
        let corners = self.tags.iter().flat_map(|tag| tag.square(CELLS));
        corners.fold([0.0, 0.0], |[x, y], at| [f64::max(x, at.x.abs()), f64::max(y, at.y.abs())])
    }
}

impl Tag {
    /// Corners of the black square (board frame, mm), anticlockwise from the bottom left of the tag as
    /// printed upright.
    pub fn corners(&self) -> [Point2<f64>; 4] {
        self.square(BLACK_CELLS)
    }

    /// Corners of the middle `cells` by `cells`.
    fn square(&self, cells: usize) -> [Point2<f64>; 4] {
        let half = self.cell_mm() * cells as f64 / 2.0;
        [(-half, -half), (half, -half), (half, half), (-half, half)].map(|(x, y)| {
            let at = self.at.compose(Pose2::new(x, y, 0.0));
            Point2::new(at.x_mm, at.y_mm)
        })
    }

    /// Side of a cell, mm.
    pub fn cell_mm(&self) -> f64 {
        self.side_mm / BLACK_CELLS as f64
    }

    /// As [`Board::is_white`], for this tag alone.
    pub fn is_white(&self, x_mm: f64, y_mm: f64) -> Option<bool> {
        // Most points lie on no tag or on another.
        if (x_mm - self.at.x_mm).abs().max((y_mm - self.at.y_mm).abs()) > 0.9 * self.side_mm {
            return None;
        }
        let on = self.at.inverse().compose(Pose2::new(x_mm, y_mm, 0.0));
        let half = CELLS as f64 / 2.0;
        let cell = |mm: f64| {
            let at = mm / self.cell_mm() + half;
            (at >= 0.0 && at < CELLS as f64).then_some(at as usize)
        };
        let (row, column) = (cell(-on.y_mm)?, cell(on.x_mm)?);
        Some(pattern(self.id)?[row][column])
    }
}

/// What the tag of this number looks like; `None` beyond the family's 587.
pub fn pattern(id: u32) -> Option<&'static Pattern> {
    patterns().get(id as usize)
}

/// Height of a plate (ANSI/SLAS 2-2004), and thickness of the dummy lid, mm.
const PLATE_MM: f64 = 14.35;
pub const LID_MM: f64 = 1.5;

fn grid([columns, rows]: [usize; 2], [dx, dy]: [f64; 2]) -> Vec<Pose2> {
    let from_middle = |at: usize, of: usize| at as f64 - (of as f64 - 1.0) / 2.0;
    let row = |y: f64| {
        (0..columns).map(move |column| Pose2::new(dx * from_middle(column, columns), y, 0.0))
    };
    (0..rows).rev().flat_map(|at| row(dy * from_middle(at, rows))).collect()
}

/// Left and right of a place, so far that neither a turned plate nor the policy's field meets them.
fn beside() -> Vec<Pose2> {
    grid([2, 2], [100.0, 202.0])
}

/// All tags of the family, drawn from the detector's own table.
fn patterns() -> &'static [Pattern] {
    static PATTERNS: OnceLock<Vec<Pattern>> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        let family = Tag36h11::default().into_raw();
        // SAFETY: the library allocated the family with all its tables and keeps it: `into_raw` gives up
        // ownership, and nothing frees it after. Lengths are the family's own.
        let (codes, xs, ys, border) = unsafe {
            let family = &*family;
            let bits = family.nbits as usize;
            (
                std::slice::from_raw_parts(family.codes, family.ncodes as usize),
                std::slice::from_raw_parts(family.bit_x, bits),
                std::slice::from_raw_parts(family.bit_y, bits),
                (CELLS - family.width_at_border as usize) / 2,
            )
        };
        let white_border = |row: usize, column: usize| {
            [row, column].iter().any(|at| *at < border || *at >= CELLS - border)
        };
        let draw = |code: &u64| {
            let mut cells = [[false; CELLS]; CELLS];
            for (row, line) in cells.iter_mut().enumerate() {
                line.iter_mut().enumerate().for_each(|(c, cell)| *cell = white_border(row, c));
            }
            // The first bit is the code's highest.
            for (bit, (x, y)) in xs.iter().zip(ys).rev().enumerate() {
                if let Some(cell) = cells
                    .get_mut(*y as usize + border)
                    .and_then(|l| l.get_mut(*x as usize + border))
                {
                    *cell = code >> bit & 1 == 1;
                }
            }
            cells
        };
        codes.iter().map(draw).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boards() -> Vec<Board> {
        Board::NAMES.iter().map(|name| Board::named(name).unwrap()).collect()
    }

    #[test]
    fn the_family_has_587_tags_that_differ_in_at_least_eleven_cells_however_turned() {
        assert_eq!(patterns().len(), 587);
        assert_eq!(pattern(587), None);
        let turned = |cells: &Pattern| {
            let mut turned = *cells;
            for (row, line) in cells.iter().enumerate() {
                line.iter().enumerate().for_each(|(c, cell)| turned[c][CELLS - 1 - row] = *cell);
            }
            turned
        };
        let differing = |a: &Pattern, b: &Pattern| {
            a.iter().flatten().zip(b.iter().flatten()).filter(|(a, b)| a != b).count()
        };
        for (a, b) in [(0, 1), (3, 3), (10, 20), (100, 586), (585, 586)] {
            let mut other = *pattern(b).unwrap();
            for turn in 0..4 {
                let same = a == b && turn == 0;
                let cells = differing(pattern(a).unwrap(), &other);
                assert!(if same { cells == 0 } else { cells >= 11 }, "{a} {b}: {cells}");
                other = turned(&other);
            }
        }
    }

    #[test]
    fn a_tag_has_a_white_border_around_a_black_one() {
        for id in [0, 586] {
            let cells = pattern(id).unwrap();
            let (first, last) = (0, CELLS - 1);
            let white = |at: usize| {
                cells[first][at] && cells[last][at] && cells[at][first] && cells[at][last]
            };
            let black = |at: usize| {
                !(cells[first + 1][at]
                    || cells[last - 1][at]
                    || cells[at][first + 1]
                    || cells[at][last - 1])
            };
            assert!((0..CELLS).all(white), "{id}");
            assert!((1..CELLS - 1).all(black), "{id}");
        }
    }

    #[test]
    fn no_two_boards_share_a_tag_and_no_two_tags_overlap() {
        let mut ids: Vec<u32> =
            boards().iter().flat_map(|b| b.tags.clone()).map(|t| t.id).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
        for board in boards() {
            for (at, tag) in board.tags.iter().enumerate() {
                for other in &board.tags[at + 1..] {
                    let apart = tag.at.inverse().compose(other.at);
                    let apart = apart.x_mm.abs().max(apart.y_mm.abs());
                    assert!(apart > 1.25 * tag.side_mm, "{}: {} {}", board.name, tag.id, other.id);
                }
            }
        }
    }

    #[test]
    fn lid_tags_lie_on_the_plate_and_the_places_tags_beyond_the_field_and_any_turned_plate() {
        let [x, y] = Board::lid().half_size_mm();
        assert!(x <= 127.76 / 2.0 && y <= 85.48 / 2.0, "{x} {y}");
        for board in [Board::target(), Board::pick()] {
            let inner = board.tags.iter().map(|t| t.at.y_mm.abs() - 0.625 * t.side_mm);
            assert!(inner.fold(f64::INFINITY, f64::min) > 80.0, "{}", board.name);
        }
        let [x, y] = Board::camera().half_size_mm();
        assert!(x <= 297.0 / 2.0 - 5.0 && y <= 210.0 / 2.0 - 5.0, "{x} {y}");
    }

    #[test]
    fn corners_go_anticlockwise_from_the_bottom_left_and_turn_with_the_tag() {
        let tag = Tag { id: 3, side_mm: 20.0, at: Pose2::new(5.0, 7.0, 0.0) };
        let expected = [(-5.0, -3.0), (15.0, -3.0), (15.0, 17.0), (-5.0, 17.0)];
        assert_eq!(tag.corners(), expected.map(|(x, y)| Point2::new(x, y)));
        let turned = Tag { at: Pose2::new(5.0, 7.0, 90.0), ..tag };
        assert!((turned.corners()[0] - Point2::new(15.0, -3.0)).norm() < 1e-12);
    }

    #[test]
    fn a_board_is_white_where_its_tags_pattern_is_and_unknown_beyond() {
        let tag = Tag { id: 8, side_mm: 16.0, at: Pose2::new(100.0, 50.0, 90.0) };
        let board = Board { name: "mine", height_mm: 0.0, tags: vec![tag] };
        let cells = pattern(8).unwrap();
        for (row, line) in cells.iter().enumerate() {
            for (column, cell) in line.iter().enumerate() {
                // Upright: x right, y up. A quarter turn takes x to y.
                let (x, y) = (2.0 * (column as f64 - 4.5), -2.0 * (row as f64 - 4.5));
                assert_eq!(board.is_white(100.0 - y, 50.0 + x), Some(*cell));
            }
        }
        assert_eq!(board.is_white(110.5, 50.0), None);
    }
}
