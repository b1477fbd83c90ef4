use nalgebra::{Cholesky, SMatrix, SVector};

use super::edge::Share;
use super::picture::Grey;
use crate::task::Pose2;

/// What four straight edges look like, fitted to a picture by Gauss-Newton.
pub(super) struct Fit {
    values: Values,
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

/// Rounds with a wide band and a soft edge, which finds its way from a start that is off by millimetres.
const SOFT_ROUNDS: usize = 4;
const SOFT_MM: f64 = 3.0;
const ROUNDS: usize = 14;
/// A smaller step is the last one, mm.
const SETTLED_MM: f64 = 2e-3;
/// Blur of a lens that is in focus, pixels.
const LENS_PX: f64 = 0.3;

impl Light {
    /// Behind: as along the border. Plate: as in the middle. `None` where they are alike.
    pub fn of(grey: &Grey) -> Option<Self> {
        let level = |wanted: &dyn Fn(f64, f64) -> bool| {
            let wanted = grey.squares().filter(|(x, y, _)| wanted(*x, *y));
            median(wanted.map(|(.., light)| light).collect())
        };
        let [half_x, half_y] = SIZE_MM.map(|size| size / 2.0);
        let light = Self {
            behind: level(&|x, y| !grey.shows(x * INNER, y * INNER))?,
            plate: level(&|x, y| x.abs() < half_x / 2.0 && y.abs() < half_y / 2.0)?,
        };
        ((light.plate - light.behind).abs() > LEAST_STEP).then_some(light)
    }
}

/// The border is what this factor takes out of the picture.
const INNER: f64 = 1.08;
/// Less of a step of light is no edge, grey levels.
const LEAST_STEP: f64 = 8.0;

impl Fit {
    /// `None` where the pixels do not tell all values.
    pub fn of(grey: &Grey, start: Pose2, light: Light) -> Option<Self> {
        let mut mean = Values::zeros();
        mean[BLUR] = libm::log(SOFT_MM);
        for (axis, half) in HALF.into_iter().enumerate() {
            mean[half] = SIZE_MM[axis] / 2.0;
        }
        for side in 0..4 {
            (mean[BEHIND + side], mean[PLATE + side]) = (light.behind, light.plate);
        }
        let mut values = mean;
        values[0] = start.x_mm;
        values[1] = start.y_mm;
        values[YAW] = start.yaw_deg.to_radians() * ARM_MM;
        let mut fit = Self {
            values,
            covariance: SMatrix::zeros(),
            scale: 0.1 * (light.plate - light.behind).abs(),
            settled: false,
        };
        for round in 0..ROUNDS {
            let soft = round < SOFT_ROUNDS;
            if round == SOFT_ROUNDS {
                mean[BLUR] = libm::log(LENS_PX * grey.mm_per_px);
                fit.values[BLUR] = mean[BLUR];
            }
            let step = fit.step(grey, &mean, soft)?;
            if !soft && step < SETTLED_MM {
                break;
            }
        }
        Some(fit)
    }

    /// One step of Gauss-Newton; how far it moved the outline, mm.
    fn step(&mut self, grey: &Grey, mean: &Values, soft: bool) -> Option<f64> {
        let mut curvature = SMatrix::<f64, N, N>::zeros();
        let mut downhill = Values::zeros();
        let (mut weights, mut squares) = (0.0, 0.0);
        let edges = Edges::new(&self.values, grey.mm_per_px, soft);
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
            for (i, a) in slopes {
                downhill[i] += weight * a * off;
                for (j, b) in slopes {
                    curvature[(i, j)] += weight * a * b;
                }
            }
        }
        let variance = (squares / weights).max(LEAST_SCALE * LEAST_SCALE);
        for (i, sd) in prior_sd(soft).into_iter().enumerate() {
            let precision = variance / (sd * sd);
            curvature[(i, i)] += precision;
            downhill[i] += precision * (mean[i] - self.values[i]);
        }
        let curvature = Cholesky::new(curvature)?;
        let step = curvature.solve(&downhill);
        self.values += step;
        let sharpest = libm::log(0.1 * LENS_PX * grey.mm_per_px);
        self.values[BLUR] = self.values[BLUR].clamp(sharpest, libm::log(SOFT_MM * 2.0));
        self.covariance = curvature.inverse() * variance;
        self.scale = variance.sqrt();
        let moved = step.fixed_rows::<5>(0).amax();
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

    /// Do three sides show an edge of one kind, about where a plate has its edges?
    pub fn is_plate(&self) -> bool {
        let least = LEAST_STEP.max(2.0 * self.scale);
        let steps = (0..4).map(|side| self.values[PLATE + side] - self.values[BEHIND + side]);
        let (bright, dark) = steps.fold((0, 0), |(bright, dark), step| {
            (bright + usize::from(step > least), dark + usize::from(step < -least))
        });
        let sized = (0..2).all(|axis| (self.values[HALF[axis]] - SIZE_MM[axis] / 2.0).abs() < 2.5);
        self.settled && sized && bright.max(dark) >= 3
    }
}

/// A pixel as bright as this may have had more light, grey levels.
const FULL: f64 = 254.0;
/// No picture fits better, grey levels.
const LEAST_SCALE: f64 = 0.3;

/// How far each value may be from its mean before anything is seen.
fn prior_sd(soft: bool) -> [f64; N] {
    let mut sd = [f64::INFINITY; N];
    // A soft edge is a way, not a belief.
    sd[BLUR] = if soft { 1e-3 } else { 0.7 };
    for half in HALF {
        sd[half] = 0.5;
    }
    sd[BEHIND..SLOPE_BEHIND].fill(60.0);
    sd[SLOPE_BEHIND..].fill(15.0);
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

/// `None` of nothing.
fn median(mut lights: Vec<f64>) -> Option<f64> {
    lights.sort_by(f64::total_cmp);
    lights.get(lights.len() / 2).copied()
}
