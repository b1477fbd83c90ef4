use std::ops::RangeInclusive;

use nalgebra::{Isometry3, Point3};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use super::dirt;
use crate::cell::{flatten, lift};
use crate::config::{Scene, StaticBox};
use crate::task::{Conditions, Image, ImageSize, Pose2, Quantity, Setup, Stream, TaskSpec};

/// A software camera that looks straight down on the pick place.
///
/// The image's columns run along +x of the scene's `view` site (right), its rows along -y (down):
/// a plate shifted by +x moves right, one shifted by +y moves up, +yaw turns anticlockwise. No
/// perspective. Edges are anti-aliased by their distance from the pixel's centre.
pub struct Camera {
    size: ImageSize,
    view_from_world: Isometry3<f64>,
    /// Light of the scene without the plate, 0 to 1.
    background: Box<[f32]>,
    half_x: f32,
    half_y: f32,
    /// How far it looks from where it should.
    aside: Pose2,
    /// 1 is nominal.
    exposure: f32,
    /// Standard deviation, pixels.
    blur: f32,
}

// ANSI/SLAS 1-2004 and 4-2004, mm.
pub(super) const CORNER_RADIUS: f32 = 3.18;
pub(super) const A1_COLUMN: f32 = 14.38;
pub(super) const A1_ROW: f32 = 11.24;
pub(super) const PITCH: f32 = 9.0;
/// Typical of a 96-well plate, mm.
pub(super) const WELL_RADIUS: f32 = 3.3;
/// Side of the corner that is cut off at A1, mm.
pub(super) const NOTCH: f32 = 8.0;

pub(super) const PLATE_LIGHT: f32 = 0.85;
pub(super) const WELL_LIGHT: f32 = 0.55;
/// Where no furniture is, 0 to 1.
const FLOOR_LIGHT: f32 = 0.2;

/// How the light of one trial falls: a gain, and its change across half the field.
#[derive(Clone, Copy)]
struct Light {
    gain: f32,
    along_x: f32,
    along_y: f32,
}

impl Camera {
    pub fn new(scene: &Scene, size: ImageSize) -> Self {
        Self {
            size,
            background: backdrop(scene, size),
            view_from_world: scene.world_from_view.inverse(),
            half_x: (scene.plate.size.x * 500.0) as f32,
            half_y: (scene.plate.size.y * 500.0) as f32,
            aside: Pose2::IDENTITY,
            exposure: 1.0,
            blur: 0.0,
        }
    }

    /// Looks at a trial's scene under its conditions. What lies behind the plate is that of the
    /// nominal scene: the table is grey all over.
    pub(super) fn aim(&mut self, nominal: &Scene, met: &Scene, real: &Conditions) {
        let aside = dirt::camera(real);
        if aside != self.aside {
            let world_from_view = nominal.world_from_view * lift(aside);
            self.background = backdrop(&Scene { world_from_view, ..nominal.clone() }, self.size);
            self.aside = aside;
        }
        self.view_from_world = (met.world_from_view * lift(aside)).inverse();
        self.half_x = (met.plate.size.x * 500.0) as f32;
        self.half_y = (met.plate.size.y * 500.0) as f32;
        self.exposure = 1.0 + real.get(Quantity::Exposure) as f32;
        self.blur = real.get(Quantity::BlurPx).abs() as f32;
    }

    /// The plate where it lies, with the light and the pixel noise of this trial.
    pub fn look(&self, world_from_plate: &Isometry3<f64>, setup: &Setup, task: &TaskSpec) -> Image {
        let light = Light::draw(setup, task.lighting as f32).times(self.exposure);
        let [along_x, along_y] = light.slopes(self.size);
        let mut noise = setup.streams.draw(Stream::Camera, setup.key);
        let sigma = task.camera as f32;
        let plate = flatten(&(self.view_from_world * world_from_plate));
        let (sin, cos) = libm::sincosf(plate.yaw_deg.to_radians() as f32);
        let (at_x, at_y) = (plate.x_mm as f32, plate.y_mm as f32);

        let (side, pixel) = (self.size.px, self.size.mm_per_px() as f32);
        let mut seen = vec![0.0; self.size.pixels()];
        let rows = seen.chunks_exact_mut(side).zip(self.background.chunks_exact(side));
        for ((row, (seen, behind)), along_y) in rows.enumerate().zip(&along_y) {
            let dy = -along(row, self.size) - at_y;
            let columns = seen.iter_mut().zip(behind).zip(&along_x).enumerate();
            for (column, ((seen, behind), along_x)) in columns {
                let dx = along(column, self.size) - at_x;
                let lit = self.blend(*behind, cos * dx + sin * dy, cos * dy - sin * dx, pixel);
                *seen = 255.0 * lit * (light.gain + along_x + along_y);
            }
        }
        let expose = |mut grey: f32| {
            if sigma > 0.0 {
                let unit: f32 = StandardNormal.sample(&mut noise);
                grey += sigma * unit;
            }
            // A cast saturates and takes NaN to 0.
            (grey + 0.5) as u8
        };
        if self.blur > 0.0 {
            seen = blurred(&seen, side, self.blur);
        }
        let pixels = seen.into_iter().map(expose).collect();
        Image::new(self.size, pixels).unwrap_or_else(|| unreachable!("one pixel a cell"))
    }

    /// Light at a point in the plate's frame (mm) in a pixel so large, over what lies behind. Without
    /// branches, here and below, so that several pixels are reckoned at once.
    fn blend(&self, behind: f32, x: f32, y: f32, pixel: f32) -> f32 {
        let well = coverage(self.well(x, y), pixel);
        let plate = PLATE_LIGHT + (WELL_LIGHT - PLATE_LIGHT) * well;
        behind + (plate - behind) * coverage(self.outline(x, y), pixel)
    }

    /// Signed distance from the outline, negative inside: a rectangle with round corners, one
    /// cut off at A1 (-x, +y).
    fn outline(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) =
            (x.abs() - self.half_x + CORNER_RADIUS, y.abs() - self.half_y + CORNER_RADIUS);
        let outside = (dx.max(0.0) * dx.max(0.0) + dy.max(0.0) * dy.max(0.0)).sqrt();
        let rectangle = outside + dx.max(dy).min(0.0) - CORNER_RADIUS;
        let cut = (y - x - (self.half_x + self.half_y - NOTCH)) * std::f32::consts::FRAC_1_SQRT_2;
        rectangle.max(cut)
    }

    /// Signed distance from the nearest well's rim, negative inside.
    fn well(&self, x: f32, y: f32) -> f32 {
        let from_a1 = (x + self.half_x - A1_COLUMN, self.half_y - A1_ROW - y);
        let nearest = |along: f32, last: f32| {
            along - PITCH * floor((along / PITCH + 0.5).clamp(0.0, last + 0.5))
        };
        let (dx, dy) = (nearest(from_a1.0, 11.0), nearest(from_a1.1, 7.0));
        (dx * dx + dy * dy).sqrt() - WELL_RADIUS
    }
}

impl Light {
    fn draw(setup: &Setup, spread: f32) -> Self {
        let mut draw = setup.streams.draw(Stream::Lighting, setup.key);
        let mut symmetric = || (draw.random::<f32>() * 2.0 - 1.0) * spread;
        Self { gain: 1.0 + symmetric(), along_x: symmetric() / 2.0, along_y: symmetric() / 2.0 }
    }

    fn times(self, factor: f32) -> Self {
        Self {
            gain: self.gain * factor,
            along_x: self.along_x * factor,
            along_y: self.along_y * factor,
        }
    }

    /// Its change with x over the columns of the image, and with y over the rows.
    fn slopes(&self, size: ImageSize) -> [Vec<f32>; 2] {
        let half = size.mm as f32 / 2.0;
        let share = |place| along(place, size) / half;
        [
            (0..size.px).map(|column| self.along_x * share(column)).collect(),
            (0..size.px).map(|row| self.along_y * -share(row)).collect(),
        ]
    }
}

/// The standard library's, for numbers from 0 to a million; that one is a call.
fn floor(number: f32) -> f32 {
    const WHOLE: f32 = 8_388_608.0; // from which on an f32 has no digits behind the point
    let rounded = (number + WHOLE) - WHOLE;
    if rounded > number { rounded - 1.0 } else { rounded }
}

/// How much of a pixel lies inside an edge at this signed distance.
fn coverage(distance: f32, pixel: f32) -> f32 {
    (0.5 - distance / pixel).clamp(0.0, 1.0)
}

/// How far a column's centre is to the right of the image's middle, or a row's below it, mm.
fn along(place: usize, size: ImageSize) -> f32 {
    (place as f32 - (size.px as f32 / 2.0 - 0.5)) * size.mm_per_px() as f32
}

/// Light of the scene without the plate, nine looks a pixel.
fn backdrop(scene: &Scene, size: ImageSize) -> Box<[f32]> {
    let parts: Vec<Lit> = scene.statics.iter().map(Lit::new).collect();
    let third = size.mm_per_px() as f32 / 3.0;
    let pixel = |i| {
        let (x, y) = (along(i % size.px, size), -along(i / size.px, size));
        let at = [-1.0, 0.0, 1.0];
        let samples = at.iter().flat_map(|dx| at.iter().map(move |dy| (*dx, *dy)));
        let light = |(dx, dy): (f32, f32)| {
            let (x, y) = (x + dx * third, y + dy * third);
            let point = Point3::new(f64::from(x) / 1e3, f64::from(y) / 1e3, 0.0);
            background(&parts, &(scene.world_from_view * point))
        };
        samples.map(light).sum::<f32>() / 9.0
    };
    (0..size.pixels()).map(pixel).collect()
}

/// A box of the furniture as it is seen from above, world frame, metres.
struct Lit {
    x: RangeInclusive<f64>,
    y: RangeInclusive<f64>,
    top: f64,
    light: f32,
}

impl Lit {
    fn new(part: &StaticBox) -> Self {
        let corners = part.corners();
        let span = |axis: usize| {
            let along = corners.iter().map(|c| c[axis]);
            along.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)))
        };
        let [(x0, x1), (y0, y1), (_, top)] = [span(0), span(1), span(2)];
        Self { x: x0..=x1, y: y0..=y1, top, light: part.grey as f32 }
    }
}

/// A Gaussian blur by rows, then by columns; at the edges the last pixel goes on.
fn blurred(image: &[f32], side: usize, sigma: f32) -> Vec<f32> {
    let reach = libm::ceilf(3.0 * sigma) as isize;
    let bell = |k: isize| libm::expf(-0.5 * (k as f32 / sigma) * (k as f32 / sigma));
    let weights: Vec<f32> = (-reach..=reach).map(bell).collect();
    let sum: f32 = weights.iter().sum();
    let last = side as isize - 1;
    let pass = |from: &[f32], index: &dyn Fn(isize, isize) -> usize| -> Vec<f32> {
        let mut to = vec![0.0; from.len()];
        for across in 0..=last {
            for along in 0..=last {
                let near = |k: isize| from[index(across, (along + k).clamp(0, last))];
                let light: f32 = (-reach..=reach).zip(&weights).map(|(k, w)| w * near(k)).sum();
                to[index(across, along)] = light / sum;
            }
        }
        to
    };
    let rows = pass(image, &|row, column| row as usize * side + column as usize);
    pass(&rows, &|column, row| row as usize * side + column as usize)
}

/// Light of the highest box under a point (world frame, metres), looked at from above.
fn background(parts: &[Lit], point: &Point3<f64>) -> f32 {
    let under = parts.iter().filter(|part| part.x.contains(&point.x) && part.y.contains(&point.y));
    let highest = under.max_by(|a, b| a.top.total_cmp(&b.top));
    highest.map_or(FLOOR_LIGHT, |part| part.light)
}
