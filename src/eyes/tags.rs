use apriltag::{Detector, Family, Image};
use nalgebra::{Point2, Vector2};

use super::{Frame, Lens, Region};

/// Finds tags of family tag36h11 in frames. One for many frames: building it takes milliseconds.
pub struct Finder {
    detector: Detector,
}

/// A tag that was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    pub id: u32,
    /// Corners of the black square, pixels; in the order of [`Tag::corners`](super::Tag::corners).
    pub corners: [Point2<f64>; 4],
    /// How clearly its cells are told apart, grey levels: the detector's decision margin.
    pub margin: f64,
    /// Blur across its most blurred side, a standard deviation in pixels: lens, focus, motion.
    pub blur_px: f64,
}

// SAFETY: the detector owns all that it points at, shares none of it, and with one thread it starts no
// other. It keeps no state of the thread that built it.
unsafe impl Send for Finder {}

/// Quads are looked for in every second row and column; cells and edges are read in all of them.
const DECIMATION: f32 = 2.0;
/// Blur of the decimated frame before quads are looked for, pixels: noise costs time, not tags.
const BLUR_PX: f32 = 0.8;
/// Fewer grey levels between its black and its white cells are no tag.
const LEAST_MARGIN: f64 = 15.0;

impl Finder {
    /// `None` where the detector's memory cannot be had.
    pub fn new() -> Option<Self> {
        // A tag with a wrong cell is no tag: others of its board stand in for it.
        let mut detector =
            Detector::builder().add_family_bits(Family::tag_36h11(), 0).build().ok()?;
        detector.set_thread_number(1);
        detector.set_decimation(DECIMATION);
        detector.set_sigma(BLUR_PX);
        detector.set_refine_edges(true);
        Some(Self { detector })
    }

    /// Tags in a frame, or in a region of it, by number. Corners are where lines through the sides' edges
    /// meet; with a lens, sides are straight as they were before its distortion.
    ///
    /// Left out: tags with a wrong cell, with little contrast, with a side that is covered or out of the
    /// frame, and numbers that are seen twice.
    pub fn find(
        &mut self,
        frame: &Frame<'_>,
        region: Option<Region>,
        lens: Option<&Lens>,
    ) -> Vec<Seen> {
        let whole = Region { left: 0, top: 0, width: frame.width(), height: frame.height() };
        let Some(region) = frame.clip(region.unwrap_or(whole)) else { return Vec::new() };
        // The detector divides frames into tiles.
        if region.width < LEAST_SIDE || region.height < LEAST_SIDE {
            return Vec::new();
        }
        let Ok(mut image) = Image::zeros_with_alignment(region.width, region.height, ALIGNED)
        else {
            return Vec::new();
        };
        let stride = image.stride();
        let rows = frame.pixels().chunks_exact(frame.width()).skip(region.top);
        for (to, from) in image.as_slice_mut().chunks_exact_mut(stride).zip(rows) {
            to[..region.width].copy_from_slice(&from[region.left..][..region.width]);
        }
        let found = self.detector.detect(&image);
        let mut seen: Vec<Seen> = found
            .iter()
            .filter_map(|tag| {
                let margin = f64::from(tag.decision_margin());
                let id = u32::try_from(tag.id()).ok()?;
                let clear = tag.hamming() == 0 && margin >= LEAST_MARGIN;
                // The detector's pixels begin at whole numbers; it begins at another corner, too.
                let (left, top) = (region.left as f64 - 0.5, region.top as f64 - 0.5);
                let corners = tag.corners().map(|[x, y]| Point2::new(x + left, y + top));
                let (corners, blur_px) = clear.then(|| refined(frame, corners, lens))??;
                Some(Seen { id, corners, margin, blur_px })
            })
            .collect();
        seen.sort_by_key(|tag| tag.id);
        let twice: Vec<u32> = seen
            .windows(2)
            .filter(|pair| pair[0].id == pair[1].id)
            .map(|pair| pair[0].id)
            .collect();
        seen.retain(|tag| !twice.contains(&tag.id));
        seen
    }
}

const LEAST_SIDE: usize = 32;
const ALIGNED: usize = 96;

/// Looks across a side, and steps on each look's way, pixels.
const LOOKS_PX: f64 = 1.5;
const STEP_PX: f64 = 0.5;
/// How much of a side next to a corner is left out: the other side's blur.
const CORNER_SHARE: f64 = 0.12;
/// Share of looks that must agree on a side, and how far they may be off its line, pixels.
const AGREE_SHARE: f64 = 0.7;
const AGREE_PX: f64 = 0.75;
/// A side seen with less contrast is no edge, grey levels.
const LEAST_STEP: f64 = 12.0;

/// The corners again, from where the light changes along all of each side; and the blur.
fn refined(
    frame: &Frame<'_>,
    corners: [Point2<f64>; 4],
    lens: Option<&Lens>,
) -> Option<([Point2<f64>; 4], f64)> {
    // From half a pixel off to where a second look finds no more.
    let (once, _) = crossings(frame, corners, lens)?;
    crossings(frame, once, lens)
}

fn crossings(
    frame: &Frame<'_>,
    corners: [Point2<f64>; 4],
    lens: Option<&Lens>,
) -> Option<([Point2<f64>; 4], f64)> {
    let mut blur_px = 0.0f64;
    let mut sides = [(Point2::origin(), Vector2::zeros()); 4];
    for (at, side) in sides.iter_mut().enumerate() {
        // Clockwise in the frame, where y is down, is anticlockwise from above: outside is on the right.
        let (points, blur) = edge(frame, corners[at], corners[(at + 1) % 4])?;
        blur_px = blur_px.max(blur);
        let straight: Vec<_> = points.iter().map(|point| straightened(*point, lens)).collect();
        *side = line(&straight)?;
    }
    let mut crossings = [Point2::origin(); 4];
    for (at, corner) in crossings.iter_mut().enumerate() {
        let ((a, along_a), (b, along_b)) = (sides[(at + 3) % 4], sides[at]);
        let sine = along_a.perp(&along_b);
        if sine.abs() < 0.2 {
            return None;
        }
        let crossing = a + along_a * ((b - a).perp(&along_b) / sine);
        *corner = match lens {
            Some(lens) => lens.project(&nalgebra::Point3::new(
                (crossing.x - lens.cx) / lens.fx,
                (crossing.y - lens.cy) / lens.fy,
                1.0,
            ))?,
            None => crossing,
        };
        if !(*corner - corners[at]).norm().le(&FARTHEST_PX) {
            return None;
        }
    }
    Some((crossings, blur_px))
}

/// A refined corner farther from the detector's own is another edge's, pixels.
const FARTHEST_PX: f64 = 4.0;

/// Where the pixel would be without distortion.
fn straightened(pixel: Point2<f64>, lens: Option<&Lens>) -> Point2<f64> {
    lens.map_or(pixel, |lens| {
        let ray = lens.ray(pixel);
        Point2::new(lens.fx * ray.x + lens.cx, lens.fy * ray.y + lens.cy)
    })
}

/// Points of the edge between two corners. Each look across it adds up the share of white along its way:
/// whatever the blur, where half of the light is reached if it is the same on both sides. And the blur.
fn edge(frame: &Frame<'_>, from: Point2<f64>, to: Point2<f64>) -> Option<(Vec<Point2<f64>>, f64)> {
    let side = to - from;
    let length = side.norm();
    let cell = length / 8.0;
    // As far as the cells on both sides of the edge reach, less the blur of their other edges.
    let reach = (0.5 * cell).clamp(1.5, 5.0);
    let steps = (2.0 * reach / STEP_PX).ceil() as usize;
    let out = Vector2::new(-side.y, side.x) / length;
    let looks = (length * (1.0 - 2.0 * CORNER_SHARE) / LOOKS_PX) as usize;
    if !(8..=2000).contains(&looks) {
        return None;
    }
    let place = |look: usize| {
        CORNER_SHARE + (1.0 - 2.0 * CORNER_SHARE) * (look as f64 + 0.5) / looks as f64
    };
    let way = |step: usize| reach * (2.0 * (step as f64 + 0.5) / steps as f64 - 1.0);
    let mut profiles = Vec::with_capacity(looks);
    for look in 0..looks {
        let middle = from + side * place(look);
        let lights: Option<Vec<f64>> =
            (0..steps).map(|step| frame.light(middle + out * way(step))).collect();
        profiles.push(lights?);
    }
    // Levels on both sides, sloped along the edge: a single look's are as noisy as its pixels.
    let ends = (steps / 6).max(1);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let dark = sloped(profiles.iter().map(|profile| mean(&profile[..ends])), &place);
    let bright = sloped(profiles.iter().map(|profile| mean(&profile[steps - ends..])), &place);
    let light = |step: usize| profiles.iter().map(|profile| profile[step]).sum::<f64>();
    let all: Vec<f64> = (0..steps).map(light).collect();
    let mut points = Vec::with_capacity(looks);
    for (look, profile) in profiles.iter().enumerate() {
        let at = place(look);
        let level = |(level, slope): (f64, f64)| level + slope * (at - 0.5);
        let (dark, bright) = (level(dark), level(bright));
        if bright - dark < LEAST_STEP {
            return None;
        }
        let white: f64 = profile.iter().map(|light| (light - dark) / (bright - dark)).sum();
        let share = white / steps as f64;
        points.push(from + side * at + out * (reach * (1.0 - 2.0 * share)));
    }
    Some((points, blur(&all, 2.0 * reach / steps as f64)))
}

/// Standard deviation of where the light of a profile changes, pixels. Pixels gather light over their width
/// and looks mix neighbours: that much a sharp edge has, too, and it is taken off.
fn blur(profile: &[f64], step: f64) -> f64 {
    let changes = || profile.windows(2).map(|pair| pair[1] - pair[0]).enumerate();
    let all: f64 = changes().map(|(_, change)| change).sum();
    let mean = changes().map(|(at, change)| at as f64 * change).sum::<f64>() / all;
    let square =
        changes().map(|(at, change)| (at as f64 - mean).powi(2) * change).sum::<f64>() / all;
    (square * step * step - SHARP_PX * SHARP_PX).max(0.0).sqrt()
}

/// Of a pixel's width (1/12) and of bilinear looks at any place between pixels (1/6).
const SHARP_PX: f64 = 0.5;

/// Level in the middle and slope of a straight line through values.
fn sloped(values: impl Iterator<Item = f64>, place: &impl Fn(usize) -> f64) -> (f64, f64) {
    let (mut all, mut sum, mut squares, mut product) = (0.0, 0.0, 0.0, 0.0);
    for (look, value) in values.enumerate() {
        let at = place(look) - 0.5;
        all += 1.0;
        sum += value;
        squares += at * at;
        product += at * value;
    }
    (sum / all, product / squares)
}

/// Middle and direction of the line that most points lie on: total least squares, without those that are
/// off.
fn line(points: &[Point2<f64>]) -> Option<(Point2<f64>, Vector2<f64>)> {
    let fit = |points: &[Point2<f64>]| {
        let sum = points.iter().fold(Vector2::zeros(), |sum, point| sum + point.coords);
        let middle = Point2::from(sum / points.len() as f64);
        let spread = points
            .iter()
            .map(|point| point - middle)
            .fold(nalgebra::Matrix2::zeros(), |spread: nalgebra::Matrix2<f64>, off| {
                spread + off * off.transpose()
            });
        let angle = 0.5 * libm::atan2(2.0 * spread[(0, 1)], spread[(0, 0)] - spread[(1, 1)]);
        let (sin, cos) = libm::sincos(angle);
        (middle, Vector2::new(cos, sin))
    };
    let first = fit(points);
    let off = |(middle, along): (Point2<f64>, Vector2<f64>), point: &Point2<f64>| {
        (point - middle).perp(&along).abs()
    };
    let mut offs: Vec<f64> = points.iter().map(|point| off(first, point)).collect();
    offs.sort_by(f64::total_cmp);
    // Three times the standard deviation that half of them tell.
    let bound = (3.0 * 1.48 * offs[offs.len() / 2]).clamp(0.1, AGREE_PX);
    let close: Vec<_> = points.iter().copied().filter(|point| off(first, point) <= bound).collect();
    (close.len() as f64 >= AGREE_SHARE * points.len() as f64).then(|| fit(&close))
}

#[cfg(test)]
#[path = "tags_tests.rs"]
mod tests;
