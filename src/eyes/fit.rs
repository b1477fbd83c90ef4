use nalgebra::{Cholesky, SMatrix, SVector};

use super::edge::Share;
use super::picture::Grey;
use crate::task::Pose2;

/// What four straight edges look like, fitted to a picture by Gauss-Newton.
pub(super) struct Fit {
    values: Values,
    /// What is expected of them before anything is seen.
    mean: Values,
    /// Covariance of the values.
    covariance: SMatrix<f64, N, N>,
    /// Standard deviation of a pixel from the model, grey levels.
    scale: f64,
    settled: bool,
}

/// Light of the plate and of what lies behind, of 255.
#[derive(Clone, Copy, Debug)]
pub(super) struct Light {
    pub behind: f64,
    pub plate: f64,
}

/// The values: x, y (mm), yaw (as [`ARM_MM`] turns it, mm), half sizes (mm), log of the blur (mm), light
/// behind and of the plate at each side, slopes of the light along x and y behind and on the plate (a
/// level each [`ARM_MM`]).
type Values = SVector<f64, N>;
const N: usize = 18;
const YAW: usize = 2;
const HALF: [usize; 2] = [3, 4];
const BLUR: usize = 5;
const BEHIND: usize = 6;
const PLATE: usize = 10;
const SLOPE_BEHIND: usize = 14;
const SLOPE_PLATE: usize = 16;

/// Footprint of a plate (ANSI/SLAS 1-2004), mm.
const SIZE_MM: [f64; 2] = [127.76, 85.48];
/// So far from the ends of a side its pixels count: rounded corners and notches lie within, mm.
const CORNER_MM: f64 = 10.0;
const ARM_MM: f64 = 50.0;

/// Blur of the edge on the way from a start that is off by millimetres.
const SOFT_MM: f64 = 3.0;
/// At most so many steps on the way, and as many after it.
const ROUNDS: usize = 12;
/// Longest step.
const FARTHEST_MM: f64 = 4.0;
/// A smaller step is the last one, mm.
const SETTLED_MM: f64 = 2e-3;
/// Blur of a lens that is in focus, pixels.
const LENS_PX: f64 = 0.3;

impl Light {
    /// Behind: as along the border. Plate: as most of the middle, or the brighter or darker part of it
    /// (wells may be as bright as what lies behind). Only what differs.
    pub fn guesses(grey: &Grey) -> Vec<Self> {
        let levels = |wanted: &dyn Fn(f64, f64) -> bool| {
            let wanted = grey.squares().filter(|(x, y, _)| wanted(*x, *y));
            let mut levels: Vec<f64> = wanted.map(|(.., light)| light).collect();
            levels.sort_by(f64::total_cmp);
            levels
        };
        let level = |of: &[f64], share: f64| of.get((of.len() as f64 * share) as usize).copied();
        let [half_x, half_y] = SIZE_MM.map(|size| size / 2.0);
        let border = levels(&|x, y| !grey.shows(x * INNER, y * INNER));
        let middle = levels(&|x, y| x.abs() < half_x / 2.0 && y.abs() < half_y / 2.0);
        let guess = |share| {
            let light = Self { behind: level(&border, 0.5)?, plate: level(&middle, share)? };
            ((light.plate - light.behind).abs() > LEAST_STEP).then_some(light)
        };
        [0.5, 0.8, 0.2].into_iter().filter_map(guess).collect()
    }
}

/// The border is what this factor takes out of the picture.
const INNER: f64 = 1.08;
/// Less of a step of light is no edge, grey levels.
const LEAST_STEP: f64 = 8.0;

impl Fit {
    /// From a start that may be off by millimetres: first as if the edge were soft, which is seen from
    /// farther away. `None` where the pixels do not tell all values.
    pub fn found(grey: &Grey, start: Pose2, light: Light) -> Option<Self> {
        let step = (light.plate - light.behind).abs();
        let mut mean = Values::zeros();
        for (axis, half) in HALF.into_iter().enumerate() {
            mean[half] = SIZE_MM[axis] / 2.0;
        }
        for side in 0..4 {
            (mean[BEHIND + side], mean[PLATE + side]) = (light.behind, light.plate);
        }
        mean[BLUR] = libm::log(SOFT_MM);
        let mut values = mean;
        (values[0], values[1]) = (start.x_mm, start.y_mm);
        values[YAW] = start.yaw_deg.to_radians() * ARM_MM;
        let covariance = SMatrix::zeros();
        let mut fit = Self { values, mean, covariance, scale: step, settled: false };
        fit.steps(grey, Some(step), SOFT_MM / 10.0)?;
        fit.refined(grey)
    }

    /// From a start that is off by less than a pixel of this picture.
    pub fn refined(mut self, grey: &Grey) -> Option<Self> {
        self.mean[BLUR] = libm::log(LENS_PX * grey.mm_per_px);
        self.values[BLUR] = self.mean[BLUR];
        self.steps(grey, None, SETTLED_MM)?;
        Some(self)
    }

    /// Until a step moves the outline by less than this, mm.
    fn steps(&mut self, grey: &Grey, soft: Option<f64>, least: f64) -> Option<()> {
        for _ in 0..ROUNDS {
            if self.step(grey, soft)? < least {
                break;
            }
        }
        Some(())
    }

    /// One step of Gauss-Newton; how far it moved the outline, mm. `soft`: as on the way there, with
    /// the step of light that is expected.
    fn step(&mut self, grey: &Grey, soft: Option<f64>) -> Option<f64> {
        let mut curvature = SMatrix::<f64, N, N>::zeros();
        let mut downhill = Values::zeros();
        let (mut weights, mut squares) = (0.0, 0.0);
        let edges = Edges::new(&self.values, grey.mm_per_px, soft.is_some());
        for (x, y, light) in grey.squares() {
            let Some((window, expected, slopes)) = edges.look(x, y) else { continue };
            let off = light - expected;
            // A pixel that is full says only that there was at least so much light.
            if light > FULL && off < 0.0 {
                continue;
            }
            // Cauchy's weight: what fits badly is something else.
            let far = off / (3.0 * self.scale);
            let weight = window / (1.0 + far * far);
            weights += weight;
            squares += weight * off * off;
            // The lower triangle is all that is solved with; places ascend.
            for (at, (i, a)) in slopes.iter().enumerate() {
                downhill[*i] += weight * a * off;
                for (j, b) in &slopes[..=at] {
                    curvature[(*i, *j)] += weight * a * b;
                }
            }
        }
        let variance = (squares / weights).max(LEAST_SCALE * LEAST_SCALE);
        for (i, sd) in prior_sd(soft).into_iter().enumerate() {
            let precision = variance / (sd * sd);
            curvature[(i, i)] += precision;
            downhill[i] += precision * (self.mean[i] - self.values[i]);
        }
        let curvature = Cholesky::new(curvature)?;
        let mut step = curvature.solve(&downhill);
        let moved = step.fixed_rows::<5>(0).amax();
        if moved > FARTHEST_MM {
            step *= FARTHEST_MM / moved;
        }
        self.values += step;
        let sharpest = libm::log(0.1 * LENS_PX * grey.mm_per_px);
        self.values[BLUR] = self.values[BLUR].clamp(sharpest, libm::log(SOFT_MM * 2.0));
        self.covariance = curvature.inverse() * variance;
        // On the way, what fits badly is the edge that is looked for.
        self.scale = soft.unwrap_or(variance.sqrt());
        self.settled = moved < 0.05;
        moved.is_finite().then_some(moved)
    }

    /// `view_from_plate`.
    pub fn pose(&self) -> Pose2 {
        Pose2::new(self.values[0], self.values[1], degrees(self.values[YAW]))
    }

    /// Standard deviations of x, y (mm) and yaw (deg).
    pub fn spread(&self) -> [f64; 3] {
        let sd = |at: usize| self.covariance[(at, at)].sqrt();
        [sd(0), sd(1), degrees(sd(YAW))]
    }

    /// Do all sides show a clear edge of one kind, about where a plate has its edges?
    pub fn is_plate(&self) -> bool {
        let least = LEAST_STEP.max(4.0 * self.scale);
        let step = |side: usize| self.values[PLATE + side] - self.values[BEHIND + side];
        let clear = (0..4).all(|side| step(side).abs() > least && step(side) * step(0) > 0.0);
        let off = |axis: usize| self.values[HALF[axis]] - SIZE_MM[axis] / 2.0;
        clear && self.settled && (0..2).all(|axis| off(axis).abs() < LARGEST_OFF_MM)
    }
}

/// A plate's half size is at most this far from the standard's, scale of the picture included, mm.
const LARGEST_OFF_MM: f64 = 2.0;
/// A pixel as bright as this may have had more light, grey levels.
const FULL: f64 = 254.0;
/// No picture fits better, grey levels.
const LEAST_SCALE: f64 = 0.3;

/// How far each value may be from its mean before anything is seen.
fn prior_sd(soft: Option<f64>) -> [f64; N] {
    let mut sd = [f64::INFINITY; N];
    for half in HALF {
        sd[half] = 0.5;
    }
    let (blur, level, slope) = match soft {
        // A way, not a belief.
        Some(step) => (1e-3, 0.1 * step, 0.05 * step),
        None => (0.7, 60.0, 15.0),
    };
    sd[BLUR] = blur;
    sd[BEHIND..SLOPE_BEHIND].fill(level);
    sd[SLOPE_BEHIND..].fill(slope);
    sd
}

fn degrees(arc_mm: f64) -> f64 {
    (arc_mm / ARM_MM).to_degrees()
}

/// The model at some values.
struct Edges<'v> {
    values: &'v Values,
    sin: f64,
    cos: f64,
    blur: f64,
    mm_per_px: f64,
    /// How far from an edge pixels count, mm.
    band: f64,
}

/// Weight of a pixel by its distance from the edge, its light, and how that changes with those values
/// that it depends on.
type Look = (f64, f64, [(usize, f64); 11]);

impl<'v> Edges<'v> {
    fn new(values: &'v Values, mm_per_px: f64, soft: bool) -> Self {
        let (sin, cos) = libm::sincos(values[YAW] / ARM_MM);
        let blur = libm::exp(values[BLUR]);
        // As near as the edge allows: the first wells begin 8 mm inside.
        let band = if soft { CORNER_MM } else { 2.0 * (mm_per_px + blur) }.clamp(3.0, CORNER_MM);
        Self { values, sin, cos, blur, mm_per_px, band }
    }

    /// A pixel centre (view frame, mm); `None` unless it lies near one edge.
    fn look(&self, x: f64, y: f64) -> Option<Look> {
        let v = self.values;
        let (dx, dy) = (x - v[0], y - v[1]);
        let (along, across) = (self.cos * dx + self.sin * dy, self.cos * dy - self.sin * dx);
        let (half_x, half_y) = (v[HALF[0]], v[HALF[1]]);
        // The edge's distance, its normal in the view, and what turning does to the distance.
        let (side, distance, normal, turning) = if across.abs() < half_y - CORNER_MM {
            let out = along.signum();
            let side = if out > 0.0 { 0 } else { 1 };
            (side, along.abs() - half_x, (out * self.cos, out * self.sin), out * across)
        } else if along.abs() < half_x - CORNER_MM {
            let out = across.signum();
            let side = if out > 0.0 { 2 } else { 3 };
            (side, across.abs() - half_y, (-out * self.sin, out * self.cos), -out * along)
        } else {
            return None;
        };
        if distance.abs() >= self.band {
            return None;
        }
        let share = Share::new(distance, self.blur, self.mm_per_px);
        let (arm_x, arm_y) = (x / ARM_MM, y / ARM_MM);
        let sloped =
            |level: usize, slope: usize| v[level + side] + v[slope] * arm_x + v[slope + 1] * arm_y;
        let (behind, plate) = (sloped(BEHIND, SLOPE_BEHIND), sloped(PLATE, SLOPE_PLATE));
        let (inside, outside) = (share.inside, 1.0 - share.inside);
        let by_distance = (plate - behind) * share.by_distance;
        let light = behind * outside + plate * inside;
        let slopes = [
            (0, -by_distance * normal.0),
            (1, -by_distance * normal.1),
            (YAW, by_distance * turning / ARM_MM),
            (HALF[side / 2], -by_distance),
            (BLUR, (plate - behind) * share.by_blur * self.blur),
            (BEHIND + side, outside),
            (PLATE + side, inside),
            (SLOPE_BEHIND, outside * arm_x),
            (SLOPE_BEHIND + 1, outside * arm_y),
            (SLOPE_PLATE, inside * arm_x),
            (SLOPE_PLATE + 1, inside * arm_y),
        ];
        let window = 1.0 - (distance / self.band) * (distance / self.band);
        Some((window * window, light, slopes))
    }
}
