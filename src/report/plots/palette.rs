use plotters::coord::CoordTranslate;
use plotters::drawing::DrawingArea;
use plotters::prelude::{
    Circle, Color, Cross, EmptyElement, Polygon, RGBColor, SVGBackend, ShapeStyle,
};

use super::DrawError;
use crate::learn::{Card, Role};

/// Okabe & Ito's colours for all kinds of colour vision (jfly.uni-koeln.de/color, 2008), without
/// the yellow, which is too pale for a line on white; then a brown and a violet, darker than all of them.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 158, 115),
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(213, 94, 0),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(102, 68, 34),
    RGBColor(84, 39, 136),
];
const INK: RGBColor = RGBColor(40, 40, 40);

/// Shapes beside the colours, for print in grey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    TriangleUp,
    Diamond,
    TriangleDown,
    Cross,
}

const MARKERS: [Marker; 6] = [
    Marker::Circle,
    Marker::Square,
    Marker::TriangleUp,
    Marker::Diamond,
    Marker::TriangleDown,
    Marker::Cross,
];

/// How a method is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) enum Look {
    /// A competitor, a rival, the paper's: solid line, band, marker, every seed faintly.
    Learner { colour: RGBColor, marker: Marker },
    /// Something to measure against: dashed, `dash` and `gap` in drawing units.
    Reference { colour: RGBColor, dash: i32, gap: i32 },
}

/// The looks of the methods, in their order: the cards' roles decide.
pub(super) fn looks<'a>(cards: impl IntoIterator<Item = &'a Card>) -> Vec<Look> {
    const DASHES: [(i32, i32); 4] = [(28, 14), (5, 9), (14, 8), (40, 10)];
    let (mut learners, mut references) = (0, 0);
    let look = |card: &Card| {
        if card.role != Role::Reference {
            let at = learners % COLOURS.len();
            let turned = learners + learners / COLOURS.len();
            learners += 1;
            Look::Learner { colour: COLOURS[at], marker: MARKERS[turned % MARKERS.len()] }
        } else {
            let (dash, gap) = DASHES[references % DASHES.len()];
            references += 1;
            Look::Reference { colour: INK, dash, gap }
        }
    };
    cards.into_iter().map(look).collect()
}

impl Look {
    pub(super) fn colour(self) -> RGBColor {
        match self {
            Self::Learner { colour, .. } | Self::Reference { colour, .. } => colour,
        }
    }

    pub(super) fn line(self) -> ShapeStyle {
        match self {
            Self::Learner { colour, .. } => colour.stroke_width(5),
            Self::Reference { colour, .. } => colour.stroke_width(3),
        }
    }
}

/// Draws a marker about 16 drawing units across, at a point in the coordinates of the area.
pub(super) fn draw_marker<'a, CT>(
    area: &DrawingArea<SVGBackend<'a>, CT>,
    shape: Marker,
    at: CT::From,
    colour: RGBColor,
) -> Result<(), DrawError>
where
    CT: CoordTranslate,
    CT::From: Clone,
{
    let fill = colour.filled();
    let corners: &[(i32, i32)] = match shape {
        Marker::Circle => {
            return area.draw(&(EmptyElement::at(at) + Circle::new((0, 0), 8, fill)));
        }
        Marker::Cross => {
            let stroke = colour.stroke_width(4);
            return area.draw(&(EmptyElement::at(at) + Cross::new((0, 0), 7, stroke)));
        }
        Marker::Square => &[(-7, -7), (7, -7), (7, 7), (-7, 7)],
        Marker::Diamond => &[(0, -10), (10, 0), (0, 10), (-10, 0)],
        Marker::TriangleUp => &[(0, -10), (9, 7), (-9, 7)],
        Marker::TriangleDown => &[(0, 10), (9, -7), (-9, -7)],
    };
    area.draw(&(EmptyElement::at(at) + Polygon::new(corners.to_vec(), fill)))
}
