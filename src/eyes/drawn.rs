//! Frames for tests: each pixel is the mean of looks along rays through the lens, which no part of the
//! code under test does.

use nalgebra::{Isometry3, Matrix3, Point2, Point3, Vector3};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use super::{Board, Frame, Lens};
use crate::task::{Draw, Phase, Pose2, Stream, Streams, TrialKey};

/// What lies in front of the camera, and how it is taken.
#[derive(Clone)]
pub struct Drawn {
    pub lens: Lens,
    pub world_from_camera: Isometry3<f64>,
    /// From the lowest to the highest.
    pub sheets: Vec<Sheet>,
    pub ground: f64,
    /// Standard deviation of the lens's blur, pixels.
    pub blur_px: f64,
    /// Standard deviation of a pixel's noise, grey levels.
    pub noise: f64,
    /// Factor of all light, and its relative change from the middle to the right and lower border.
    pub gain: f64,
    pub slope: [f64; 2],
    pub seed: u64,
}

/// Something flat.
#[derive(Clone)]
pub struct Sheet {
    pub world_from_sheet: Isometry3<f64>,
    pub print: Print,
}

#[derive(Clone)]
pub enum Print {
    /// Tags on paper that reaches so far beyond them, mm.
    Board(Board, f64),
    /// Top of a bare plate with wells and a cut corner.
    Plate,
    /// A rectangle of one grey, half sizes in mm.
    Grey([f64; 2], f64),
}

pub const PAPER: f64 = 205.0;
pub const INK: f64 = 40.0;
pub const PLATE: f64 = 190.0;

impl Print {
    /// Light at a point of the sheet, mm; `None` beside it.
    fn light(&self, x: f64, y: f64) -> Option<f64> {
        match self {
            Self::Board(board, beyond) => {
                if let Some(white) = board.is_white(x, y) {
                    return Some(if white { PAPER } else { INK });
                }
                let near = |tag: &super::Tag| {
                    let half = 0.625 * tag.side_mm + beyond;
                    (x - tag.at.x_mm).abs() < half && (y - tag.at.y_mm).abs() < half
                };
                board.tags.iter().any(near).then_some(PAPER)
            }
            Self::Grey([half_x, half_y], light) => {
                (x.abs() < *half_x && y.abs() < *half_y).then_some(*light)
            }
            Self::Plate => {
                let (half_x, half_y, round) = (63.88, 42.74, 3.18);
                let (dx, dy) = (x.abs() - half_x + round, y.abs() - half_y + round);
                let cornered = dx > 0.0 && dy > 0.0 && dx * dx + dy * dy > round * round;
                if dx > round || dy > round || cornered || y - x > half_x + half_y - 8.0 {
                    return None;
                }
                let well = |at: f64, last: f64| {
                    let from_middle = at + 4.5 * last;
                    from_middle - 9.0 * (from_middle / 9.0).round().clamp(0.0, last)
                };
                let in_well = libm::hypot(well(x, 11.0), well(y, 7.0)) < 3.4;
                Some(if in_well { 0.6 * PLATE } else { PLATE })
            }
        }
    }
}

impl Drawn {
    /// A camera over the origin of the world that looks down from `height_mm`; x of the world is right.
    pub fn over(height_mm: f64) -> Isometry3<f64> {
        let down =
            nalgebra::UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI);
        Isometry3::from_parts(Vector3::new(0.0, 0.0, height_mm / 1000.0).into(), down)
    }

    pub fn new(lens: Lens, world_from_camera: Isometry3<f64>, sheets: Vec<Sheet>) -> Self {
        Self {
            lens,
            world_from_camera,
            sheets,
            ground: 90.0,
            blur_px: 0.8,
            noise: 3.0,
            gain: 1.0,
            slope: [0.0; 2],
            seed: 1,
        }
    }

    pub fn pixels(&self) -> Vec<u8> {
        let (width, height) = (self.lens.width, self.lens.height);
        // mm of a sheet from a ray of the camera, up to the third.
        let planes: Vec<(Matrix3<f64>, &Print)> = self
            .sheets
            .iter()
            .rev()
            .map(|sheet| {
                let camera_from_sheet = self.world_from_camera.inverse() * sheet.world_from_sheet;
                let columns = camera_from_sheet.to_homogeneous();
                let column = |at: usize, scale: f64| columns.fixed_view::<3, 1>(0, at) * scale;
                let ray =
                    Matrix3::from_columns(&[column(0, 1e-3), column(1, 1e-3), column(3, 1.0)]);
                (ray.try_inverse().unwrap(), &sheet.print)
            })
            .collect();
        let rays: Vec<Vector3<f64>> = (0..=height)
            .flat_map(|row| (0..=width).map(move |column| (row, column)))
            .map(|(row, column)| self.lens.ray(Point2::new(column as f64 - 0.5, row as f64 - 0.5)))
            .collect();
        let light = |ray: &Vector3<f64>| {
            let hit = planes.iter().find_map(|(sheet_from_ray, print)| {
                let on = sheet_from_ray * ray;
                print.light(on.x / on.z, on.y / on.z)
            });
            hit.unwrap_or(self.ground)
        };
        let mut sharp = Vec::with_capacity(width * height);
        for row in 0..height {
            for column in 0..width {
                let at = |r: usize, c: usize| rays[(row + r) * (width + 1) + column + c];
                let [a, b, c, d] = [at(0, 0), at(0, 1), at(1, 0), at(1, 1)];
                let mut sum = 0.0;
                for look in 0..LOOKS * LOOKS {
                    let part = |at: usize| (at as f64 + 0.5) / LOOKS as f64;
                    let (x, y) = (part(look % LOOKS), part(look / LOOKS));
                    let ray = (a * (1.0 - x) + b * x) * (1.0 - y) + (c * (1.0 - x) + d * x) * y;
                    sum += light(&ray);
                }
                let across = |at: usize, of: usize| 2.0 * at as f64 / of as f64 - 1.0;
                let slopes =
                    self.slope[0] * across(column, width) + self.slope[1] * across(row, height);
                sharp.push(sum / (LOOKS * LOOKS) as f64 * (self.gain + slopes));
            }
        }
        let blurred = blur(&sharp, width, self.blur_px);
        let mut draw = self.draw();
        let noisy = |light: &f64| {
            let unit: f64 = StandardNormal.sample(&mut draw);
            (light + self.noise * unit + 0.5).clamp(0.0, 255.0) as u8
        };
        blurred.iter().map(noisy).collect()
    }

    pub fn draw(&self) -> Draw {
        draw(self.seed)
    }
}

const LOOKS: usize = 4;

pub fn draw(seed: u64) -> Draw {
    let key = TrialKey { phase: Phase::Train, index: seed };
    Streams::new(77).draw(Stream::Camera, key)
}

fn blur(light: &[f64], width: usize, sigma: f64) -> Vec<f64> {
    if sigma <= 0.0 {
        return light.to_vec();
    }
    let reach = (3.0 * sigma).ceil() as isize;
    let kernel: Vec<f64> =
        (-reach..=reach).map(|at| libm::exp(-0.5 * (at as f64 / sigma).powi(2))).collect();
    let all: f64 = kernel.iter().sum();
    let height = light.len() / width;
    let pass = |light: &[f64], step: (isize, isize)| {
        let mut out = Vec::with_capacity(light.len());
        for row in 0..height as isize {
            for column in 0..width as isize {
                let mut sum = 0.0;
                for (weight, at) in kernel.iter().zip(-reach..) {
                    let r = (row + step.0 * at).clamp(0, height as isize - 1);
                    let c = (column + step.1 * at).clamp(0, width as isize - 1);
                    sum += weight * light[r as usize * width + c as usize];
                }
                out.push(sum / all);
            }
        }
        out
    };
    pass(&pass(light, (0, 1)), (1, 0))
}

/// A sheet that lies flat at this height (mm) and pose of the world.
pub fn flat(at: Pose2, height_mm: f64, print: Print) -> Sheet {
    let place = Vector3::new(at.x_mm, at.y_mm, height_mm) / 1000.0;
    let turn =
        nalgebra::UnitQuaternion::from_axis_angle(&Vector3::z_axis(), at.yaw_deg.to_radians());
    Sheet { world_from_sheet: Isometry3::from_parts(place.into(), turn), print }
}

/// A lens as cameras have them: 60 deg across, with some distortion.
pub fn lens() -> Lens {
    let distorted =
        Lens { k1: -0.12, k2: 0.05, p1: 0.0006, p2: -0.0004, ..Lens::ideal(1280, 960, 60.0) };
    Lens { cx: 646.0, cy: 473.0, fy: distorted.fx * 1.002, ..distorted }
}

/// The same in a quarter of the pixels.
pub fn small_lens() -> Lens {
    let Lens { fx, fy, cx, cy, .. } = lens();
    let half = |at: f64| (at + 0.5) / 2.0 - 0.5;
    Lens {
        width: 640,
        height: 480,
        fx: fx / 2.0,
        fy: fy / 2.0,
        cx: half(cx),
        cy: half(cy),
        ..lens()
    }
}

/// Where a corner of a sheet's print (mm) is seen.
pub fn seen_at(drawn: &Drawn, sheet: &Sheet, at: Point2<f64>) -> Point2<f64> {
    let on = Point3::new(at.x / 1000.0, at.y / 1000.0, 0.0);
    let in_camera = drawn.world_from_camera.inverse() * sheet.world_from_sheet * on;
    drawn.lens.project(&in_camera).unwrap()
}

/// Uniform within +-`range`.
pub fn within(draw: &mut Draw, range: f64) -> f64 {
    range * (2.0 * draw.random::<f64>() - 1.0)
}

pub fn frame<'a>(drawn: &Drawn, pixels: &'a [u8]) -> Frame<'a> {
    Frame::new(pixels, drawn.lens.width).unwrap()
}

/// What a finder would see of all boards, with noise on each corner (standard deviation along an axis,
/// pixels): for what needs corners and no pixels.
pub fn corners_of(drawn: &Drawn, noise_px: f64, seed: u64) -> Vec<super::Seen> {
    let mut draw = draw(seed ^ 0x5eed_0000);
    let mut noise = || {
        let unit: f64 = StandardNormal.sample(&mut draw);
        noise_px * unit
    };
    let mut seen = Vec::new();
    for sheet in &drawn.sheets {
        let Print::Board(board, _) = &sheet.print else { continue };
        for tag in &board.tags {
            let corners = tag.corners().map(|on| {
                let at = seen_at(drawn, sheet, on);
                Point2::new(at.x + noise(), at.y + noise())
            });
            seen.push(super::Seen { id: tag.id, corners, margin: 100.0, blur_px: 0.8 });
        }
    }
    seen
}
