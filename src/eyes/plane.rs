use nalgebra::{
    DMatrix, DVector, Isometry3, Matrix6, Point2, Point3, UnitQuaternion, Vector2, Vector3,
};

use super::homography::{homography, pose};
use super::solve::{Residuals, Solved, minimise};
use super::{Board, Lens, Seen};
use crate::task::Pose2;

/// A corner of a board's tag, and where it is seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Corner {
    pub tag: u32,
    /// Board frame, mm.
    pub on: Point2<f64>,
    /// Pixels.
    pub at: Point2<f64>,
}

/// How well a pose explains the corners.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Tags with a corner that counts, such corners, and corners that were left out.
    pub tags: usize,
    pub corners: usize,
    pub left_out: usize,
    /// Root mean square distance of the corners that count from where the pose puts them, pixels.
    pub residual_px: f64,
}

/// Pose of a board on a known plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnPlane {
    /// `plane_from_board`.
    pub pose: Pose2,
    /// Standard deviations of x, y (mm) and yaw (deg).
    pub sd: [f64; 3],
    pub evidence: Evidence,
}

/// Pose of a board anywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Anywhere {
    /// `camera_from_board`, metres.
    pub pose: Isometry3<f64>,
    /// Of small motions of the board in its own frame: translation (metres), rotation vector (radians).
    pub covariance: Matrix6<f64>,
    pub evidence: Evidence,
}

/// Why corners tell no pose.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Poor {
    #[error(
        "{corners} usable corners of {tags} tags, at least {LEAST_CORNERS} of {LEAST_TAGS} are needed"
    )]
    TooFew { tags: usize, corners: usize },
    #[error("{left_out} of {of} corners contradict the others")]
    Contradiction { left_out: usize, of: usize },
    #[error(
        "corners lie {px:.2} pixels from where the pose puts them, at most {MOST_RESIDUAL_PX} may be"
    )]
    Residual { px: f64 },
    #[error("no pose of the board explains its corners")]
    NoPose,
}

const LEAST_TAGS: usize = 2;
const LEAST_CORNERS: usize = 8;
/// At most so much of all corners may be left out.
const MOST_LEFT_OUT: f64 = 1.0 / 3.0;
const MOST_RESIDUAL_PX: f64 = 0.4;
/// Noise of a corner that no good fit argues away, pixels: print, paper and lens are not perfect.
pub(super) const FLOOR_PX: f64 = 0.05;
/// A corner is left out beyond so many standard deviations, and never within so many pixels.
const FAR_SDS: f64 = 5.0;
const NEAR_PX: f64 = 0.3;

/// The corners of a board among the tags that were seen.
pub fn corners(board: &Board, seen: &[Seen]) -> Vec<Corner> {
    let of = |seen: &Seen| {
        let (tag, corners) = (seen.id, seen.corners);
        let on = board.tag(tag)?.corners();
        Some(on.into_iter().zip(corners).map(move |(on, at)| Corner { tag, on, at }))
    };
    seen.iter().filter_map(of).flatten().collect()
}

/// Where a board lies on a plane that is known (`camera_from_plane`, metres; the plane is its x and y):
/// least squares in pixels over all corners at once. Corners that contradict the others are left out.
///
/// On a plane nearly parallel to the image this is the well-posed part of a board's pose; what a single
/// tag tells of its tilt is not (Collins and Bartoli 2014, "Infinitesimal plane-based pose estimation").
pub fn on_plane(
    lens: &Lens,
    camera_from_plane: &Isometry3<f64>,
    corners: &[Corner],
) -> Result<OnPlane, Poor> {
    enough(corners)?;
    let flat = camera_from_plane.inverse();
    let eye = flat.translation.vector;
    // Where each corner's ray meets the plane, mm.
    let met = |corner: &Corner| {
        let ray = flat.rotation * lens.ray(corner.at);
        let far = -eye.z / ray.z;
        let ahead = far > 0.0 && far.is_finite();
        ahead.then(|| (corner.on, Point2::from((eye.xy() + ray.xy() * far) * 1000.0)))
    };
    let met: Option<Vec<_>> = corners.iter().map(met).collect();
    let start = laid(&met.ok_or(Poor::NoPose)?);
    let start = DVector::from_row_slice(&[start.x_mm, start.y_mm, start.yaw_deg]);
    let pixel = |values: &DVector<f64>, corner: &Corner| {
        let at = Pose2::new(values[0], values[1], values[2]).compose(Pose2::new(
            corner.on.x,
            corner.on.y,
            0.0,
        ));
        let on = Point3::new(at.x_mm, at.y_mm, 0.0) / 1000.0;
        lens.project(&(camera_from_plane * on))
    };
    let fit = robust(corners, start, &[1e-4; 3], &pixel)?;
    let [x, y, yaw] = [0, 1, 2].map(|at| fit.solved.values[at]);
    let sd = [0, 1, 2].map(|at| fit.solved.covariance[(at, at)].sqrt() * fit.noise_px);
    Ok(OnPlane { pose: Pose2::new(x, y, yaw), sd, evidence: fit.evidence })
}

/// Where a board is, without any knowledge of a plane: how high it lies and how tilted.
pub fn anywhere(lens: &Lens, corners: &[Corner]) -> Result<Anywhere, Poor> {
    enough(corners)?;
    let pairs: Vec<_> = corners
        .iter()
        .map(|corner| {
            let ray = lens.ray(corner.at);
            (corner.on / 1000.0, Point2::new(ray.x, ray.y))
        })
        .collect();
    let start = homography(&pairs).and_then(|h| pose(&h)).ok_or(Poor::NoPose)?;
    // Seen from afar, a plane and its mirror image about the line of sight look much the same.
    let both = [start, mirrored(&start)].map(|start| anywhere_from(lens, corners, &start));
    let best = |a: Anywhere, b: Anywhere| {
        let worse = |of: &Anywhere| (of.evidence.left_out, of.evidence.residual_px);
        if worse(&b) < worse(&a) { b } else { a }
    };
    match both {
        [Ok(a), Ok(b)] => Ok(best(a, b)),
        [Ok(one), _] | [_, Ok(one)] => Ok(one),
        [Err(poor), _] => Err(poor),
    }
}

fn anywhere_from(
    lens: &Lens,
    corners: &[Corner],
    start: &Isometry3<f64>,
) -> Result<Anywhere, Poor> {
    let pixel = |values: &DVector<f64>, corner: &Corner| {
        let on = Point3::new(corner.on.x, corner.on.y, 0.0) / 1000.0;
        lens.project(&(start * motion(values.as_slice()) * on))
    };
    let fit = robust(corners, DVector::zeros(6), &MOTION_STEPS, &pixel)?;
    let pose = start * motion(fit.solved.values.as_slice());
    let covariance = fit.solved.covariance.fixed_view::<6, 6>(0, 0) * fit.noise_px.powi(2);
    Ok(Anywhere { pose, covariance, evidence: fit.evidence })
}

/// The pose with the plane tilted the other way about the line of sight to its origin.
fn mirrored(pose: &Isometry3<f64>) -> Isometry3<f64> {
    let sight = pose.translation.vector.normalize();
    let normal = pose.rotation * Vector3::z();
    let normal = if normal.dot(&sight) > 0.0 { -normal } else { normal };
    let between = UnitQuaternion::rotation_between(&normal, &-sight);
    match between {
        // Twice as far as to the line of sight.
        Some(turn) => Isometry3::from_parts(pose.translation, turn * turn * pose.rotation),
        None => *pose,
    }
}

/// A small motion: translation in metres, rotation vector in radians.
pub(super) fn motion(values: &[f64]) -> Isometry3<f64> {
    Isometry3::new(
        Vector3::new(values[0], values[1], values[2]),
        Vector3::new(values[3], values[4], values[5]),
    )
}

/// Steps of a motion's values: a thousandth of a pixel or so.
pub(super) const MOTION_STEPS: [f64; 6] = [1e-6, 1e-6, 1e-6, 1e-6, 1e-6, 1e-6];

/// The rigid pose that lays first points on second ones, least squares (Umeyama 1991).
fn laid(pairs: &[(Point2<f64>, Point2<f64>)]) -> Pose2 {
    let count = pairs.len() as f64;
    let (mut from, mut to) = (Vector2::zeros(), Vector2::zeros());
    for (a, b) in pairs {
        from += a.coords / count;
        to += b.coords / count;
    }
    let (mut sine, mut cosine) = (0.0, 0.0);
    for (a, b) in pairs {
        let (a, b) = (a.coords - from, b.coords - to);
        sine += a.perp(&b);
        cosine += a.dot(&b);
    }
    let yaw = libm::atan2(sine, cosine);
    let (sin, cos) = libm::sincos(yaw);
    Pose2::new(
        to.x - cos * from.x + sin * from.y,
        to.y - sin * from.x - cos * from.y,
        yaw.to_degrees(),
    )
}

fn enough(corners: &[Corner]) -> Result<(), Poor> {
    let tags = tags_of(corners);
    match tags >= LEAST_TAGS && corners.len() >= LEAST_CORNERS {
        true => Ok(()),
        false => Err(Poor::TooFew { tags, corners: corners.len() }),
    }
}

fn tags_of(corners: &[Corner]) -> usize {
    let mut tags: Vec<u32> = corners.iter().map(|corner| corner.tag).collect();
    tags.sort_unstable();
    tags.dedup();
    tags.len()
}

/// A fit that corners which contradict the others had no part in.
pub(super) struct Robust {
    pub solved: Solved,
    pub noise_px: f64,
    pub evidence: Evidence,
}

/// Where values put a corner, pixels; `None` where that is not seen.
pub(super) type Places<'a> = dyn Fn(&DVector<f64>, &Corner) -> Option<Point2<f64>> + 'a;

/// First all corners count, the less the farther they are off (Huber 1964); then those that are far off
/// are left out and the others count the same.
pub(super) fn robust(
    corners: &[Corner],
    start: DVector<f64>,
    steps: &[f64],
    pixel: &Places<'_>,
) -> Result<Robust, Poor> {
    let mut values = start;
    let mut weights = vec![1.0; corners.len()];
    for _ in 0..4 {
        let problem = Weighted { corners, weights: &weights, steps, pixel };
        values = minimise(&problem, values).ok_or(Poor::NoPose)?.values;
        let offs = offs(corners, &values, pixel).ok_or(Poor::NoPose)?;
        let sd = spread(&offs);
        weights = offs.iter().map(|off| (2.0 * sd / off).min(1.0).sqrt()).collect();
    }
    let all = offs(corners, &values, pixel).ok_or(Poor::NoPose)?;
    let bound = (FAR_SDS * spread(&all)).max(NEAR_PX);
    let kept: Vec<Corner> =
        corners.iter().zip(&all).filter(|(_, off)| **off <= bound).map(|(c, _)| *c).collect();
    let left_out = corners.len() - kept.len();
    if left_out as f64 > MOST_LEFT_OUT * corners.len() as f64 {
        return Err(Poor::Contradiction { left_out, of: corners.len() });
    }
    enough(&kept)?;
    weights = vec![1.0; kept.len()];
    let problem = Weighted { corners: &kept, weights: &weights, steps, pixel };
    let solved = minimise(&problem, values).ok_or(Poor::NoPose)?;
    let squares = solved.residuals.norm_squared();
    let residual_px = (squares / kept.len() as f64).sqrt();
    if residual_px > MOST_RESIDUAL_PX {
        return Err(Poor::Residual { px: residual_px });
    }
    let free = (2 * kept.len()).saturating_sub(steps.len()).max(1);
    let noise_px = (squares / free as f64).sqrt().max(FLOOR_PX);
    let (tags, corners) = (tags_of(&kept), kept.len());
    let evidence = Evidence { tags, corners, left_out, residual_px };
    Ok(Robust { solved, noise_px, evidence })
}

/// Distance of each corner from where the values put it, pixels.
fn offs(corners: &[Corner], values: &DVector<f64>, pixel: &Places<'_>) -> Option<Vec<f64>> {
    corners.iter().map(|corner| Some((pixel(values, corner)? - corner.at).norm())).collect()
}

/// Standard deviation along an axis that half of the distances tell.
fn spread(offs: &[f64]) -> f64 {
    let mut sorted = offs.to_vec();
    sorted.sort_by(f64::total_cmp);
    (sorted[sorted.len() / 2] / 1.177).max(FLOOR_PX)
}

struct Weighted<'a> {
    corners: &'a [Corner],
    weights: &'a [f64],
    steps: &'a [f64],
    pixel: &'a Places<'a>,
}

impl Residuals for Weighted<'_> {
    fn at(&self, values: &DVector<f64>) -> Option<DVector<f64>> {
        let mut residuals = DVector::zeros(2 * self.corners.len());
        for (at, (corner, weight)) in self.corners.iter().zip(self.weights).enumerate() {
            let off = ((self.pixel)(values, corner)? - corner.at) * *weight;
            (residuals[2 * at], residuals[2 * at + 1]) = (off.x, off.y);
        }
        residuals.iter().all(|r| r.is_finite()).then_some(residuals)
    }

    fn step(&self, value: usize) -> f64 {
        self.steps[value]
    }
}

/// How much a pose on a plane changes with small motions of the camera (`camera_now_from_camera_before`):
/// columns as of [`motion`], rows x, y (mm), yaw (deg).
pub(super) fn by_camera(
    lens: &Lens,
    camera_from_plane: &Isometry3<f64>,
    corners: &[Corner],
) -> Option<DMatrix<f64>> {
    let step = 1e-4;
    let at = |which: usize, by: f64| {
        let mut values = [0.0; 6];
        values[which] = by;
        let moved = on_plane(lens, &(motion(&values) * camera_from_plane), corners).ok()?;
        Some(DVector::from_row_slice(&moved.pose.axes()))
    };
    let columns: Option<Vec<_>> =
        (0..6).map(|which| Some((at(which, step)? - at(which, -step)?) / (2.0 * step))).collect();
    Some(DMatrix::from_columns(&columns?))
}

#[cfg(test)]
#[path = "plane_tests.rs"]
mod tests;
