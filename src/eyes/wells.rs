use nalgebra::{Cholesky, SMatrix, SVector};

use super::outline::Sighting;
use super::picture::Grey;
use crate::task::Pose2;

/// Distance of the wells of a 96-well plate (ANSI/SLAS 4-2004), mm.
const PITCH_MM: f64 = 9.0;
/// Half of the field that they fill, whole pitches, mm.
const FIELD_MM: [f64; 2] = [6.0 * PITCH_MM, 4.0 * PITCH_MM];
/// How far a plate's wells may lie beside where its outline says, as a standard deviation: well beyond
/// what a picture tells, so that place is the outline's and wells tell direction, mm.
const MOULD_MM: f64 = 0.1;
/// Wells that seem to lie farther from where the outline says are something else, mm.
const FARTHEST_MM: f64 = 1.0;
const ROUNDS: usize = 5;
/// Turns are solved for as what they do so far from the middle, mm.
const ARM_MM: f64 = 50.0;
/// A weaker pattern is none: standard deviations, and grey levels.
const CLEAR: f64 = 6.0;
const LEAST_STEP: f64 = 2.0;

/// Level, slopes along x and y, the pattern along one axis and along both, x, y, turn.
const N: usize = 8;
const PATTERN: usize = 3;
const CROSSED: usize = 4;
const POSE: usize = 5;

/// The plate again, after a look at its wells from where the outline says that it lies: least squares of the
/// two waves that a field of wells is, coarsely seen. `None` where no such pattern shows: a lid, other
/// wells, or none.
pub(super) fn with_wells(grey: &Grey, outline: Sighting) -> Option<Sighting> {
    let field: Vec<_> = grey
        .squares()
        .filter(|(x, y, _)| {
            let on = outline.pose.inverse().compose(Pose2::new(*x, *y, 0.0));
            on.x_mm.abs() < FIELD_MM[0] && on.y_mm.abs() < FIELD_MM[1]
        })
        .collect();
    let mut values = SVector::<f64, N>::zeros();
    let mut covariance = SMatrix::<f64, N, N>::zeros();
    for _ in 0..ROUNDS {
        let mut curvature = SMatrix::<f64, N, N>::zeros();
        let mut downhill = SVector::<f64, N>::zeros();
        let mut squares = 0.0;
        for (x, y, light) in &field {
            let (expected, slopes) = look(&values, outline.pose, (*x, *y));
            let off = light - expected;
            squares += off * off;
            downhill += slopes * off;
            curvature += slopes * slopes.transpose();
        }
        // Without a pattern nothing tells where it lies.
        (POSE..N).for_each(|i| curvature[(i, i)] += 1e-6);
        let curvature = Cholesky::new(curvature)?;
        values += curvature.solve(&downhill);
        covariance = curvature.inverse() * (squares / (field.len() as f64 - N as f64).max(1.0));
    }
    let sd = |at: usize| covariance[(at, at)].sqrt();
    let pattern = values[PATTERN].abs();
    let moved = values.fixed_rows::<3>(POSE);
    let clear = pattern > LEAST_STEP.max(CLEAR * sd(PATTERN)) && moved.amax() < FARTHEST_MM;
    let degrees = |arc_mm: f64| (arc_mm / ARM_MM).to_degrees();
    let wells = [sd(POSE).hypot(MOULD_MM), sd(POSE + 1).hypot(MOULD_MM), degrees(sd(POSE + 2))];
    let told = [moved[0], moved[1], degrees(moved[2])];
    let axes = outline.pose.axes();
    let both = |axis: usize| {
        let [by_outline, by_wells] = [outline.spread[axis], wells[axis]].map(|sd| 1.0 / (sd * sd));
        let share = by_wells / (by_outline + by_wells);
        (axes[axis] + share * told[axis], 1.0 / (by_outline + by_wells).sqrt())
    };
    let [x, y, yaw] = [both(0), both(1), both(2)];
    clear.then_some(Sighting { pose: Pose2::new(x.0, y.0, yaw.0), spread: [x.1, y.1, yaw.1] })
}

/// Light of a pixel (view frame, mm), and how that changes with each value.
fn look(values: &SVector<f64, N>, pose: Pose2, (x, y): (f64, f64)) -> (f64, SVector<f64, N>) {
    const WAVE: f64 = std::f64::consts::TAU / PITCH_MM;
    let yaw = pose.yaw_deg.to_radians() + values[POSE + 2] / ARM_MM;
    let (sin, cos) = libm::sincos(yaw);
    let (dx, dy) = (x - pose.x_mm - values[POSE], y - pose.y_mm - values[POSE + 1]);
    let (u, v) = (cos * dx + sin * dy, cos * dy - sin * dx);
    let (sin_u, cos_u) = libm::sincos(WAVE * u);
    let (sin_v, cos_v) = libm::sincos(WAVE * v);
    let (pattern, crossed) = (values[PATTERN], values[CROSSED]);
    let by_u = -WAVE * sin_u * (pattern + crossed * cos_v);
    let by_v = -WAVE * sin_v * (pattern + crossed * cos_u);
    let slopes = SVector::from([
        1.0,
        x / ARM_MM,
        y / ARM_MM,
        cos_u + cos_v,
        cos_u * cos_v,
        -cos * by_u + sin * by_v,
        -sin * by_u - cos * by_v,
        (v * by_u - u * by_v) / ARM_MM,
    ]);
    let light = values[0]
        + values[1] * slopes[1]
        + values[2] * slopes[2]
        + pattern * slopes[PATTERN]
        + crossed * slopes[CROSSED];
    (light, slopes)
}
