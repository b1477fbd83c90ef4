use nalgebra::{DMatrix, DVector, Isometry3, Point2, Point3, Vector3};

use crate::eyes::homography::{homography, pose};
use crate::eyes::plane::{Corner, MOTION_STEPS, motion};
use crate::eyes::solve::{Residuals, minimise};
use crate::eyes::{Board, Lens, LensError, Seen};

/// One look at the board.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// For messages: the file it is from.
    pub name: String,
    pub corners: Vec<Corner>,
    /// Blur of its edges, a standard deviation in pixels: the worst tag's.
    pub blur_px: f64,
}

impl View {
    pub fn new(name: impl Into<String>, board: &Board, seen: &[Seen]) -> Self {
        let corners = crate::eyes::corners(board, seen);
        let on_board = seen.iter().filter(|tag| board.tag(tag.id).is_some());
        let blur_px = on_board.map(|tag| tag.blur_px).fold(0.0, f64::max);
        Self { name: name.into(), corners, blur_px }
    }
}

/// A lens and how well it explains the views.
#[derive(Clone, Debug, PartialEq)]
pub struct Intrinsics {
    /// `k3` is 0: two radial terms describe lenses that are no fisheyes.
    pub lens: Lens,
    /// Standard deviation of the focal lengths' mean, of what is larger of `cx` and `cy`, pixels.
    pub focal_sd_px: f64,
    pub centre_sd_px: f64,
    /// Root mean square distance of corners from where the lens puts them, pixels.
    pub residual_px: f64,
    /// Of each view that counts: name and the same for its corners alone.
    pub views: Vec<(String, f64)>,
    /// Views that do not count, and why.
    pub left_out: Vec<(String, String)>,
    /// Share of the frame that corners cover.
    pub covered: f64,
}

/// Why views tell no lens.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NoIntrinsics {
    #[error("{usable} usable views, at least {LEAST_VIEWS} are needed{}", reasons(left_out))]
    TooFew { usable: usize, left_out: Vec<(String, String)> },
    #[error(
        "all views look at the board within {deg:.1} deg of one direction: tilt it by 20 to 40 deg to all sides"
    )]
    Parallel { deg: f64 },
    #[error("the board covers {:.0} % of the frame over all views, at least {:.0} % are needed: bring it to the borders and corners", 100.0 * share, 100.0 * LEAST_COVERED)]
    Covered { share: f64 },
    #[error(
        "corners lie {px:.2} pixels (rms) from where any lens puts them, at most {MOST_RESIDUAL_PX} may be: is the board flat, and printed to scale?"
    )]
    Residual { px: f64 },
    #[error(
        "the focal length stays uncertain by {percent:.1} %: more views, more tilted, are needed"
    )]
    Uncertain { percent: f64 },
    #[error("no lens explains the views: {0}")]
    NoLens(LensError),
    #[error("no lens explains the views")]
    NoSolution,
}

fn reasons(left_out: &[(String, String)]) -> String {
    let told: Vec<String> =
        left_out.iter().take(4).map(|(name, why)| format!("{name}: {why}")).collect();
    let more = left_out.len() - told.len();
    match (told.is_empty(), more) {
        (true, _) => String::new(),
        (_, 0) => format!(" ({})", told.join("; ")),
        _ => format!(" ({}; and {more} more)", told.join("; ")),
    }
}

pub(super) const LEAST_VIEWS: usize = 8;
/// A view needs so many corners.
pub(super) const LEAST_CORNERS: usize = 16;
/// Beyond this an edge is moved or out of focus: standard deviation, pixels.
pub(super) const MOST_BLUR_PX: f64 = 1.5;
/// Between the two most different views of the board.
const LEAST_TILT_DEG: f64 = 10.0;
const LEAST_COVERED: f64 = 0.5;
const MOST_RESIDUAL_PX: f64 = 0.5;
const MOST_FOCAL_SD: f64 = 0.005;
/// Corners beyond so many standard deviations are left out.
const FAR_SDS: f64 = 5.0;

/// Focal lengths, principal point and distortion of a camera: Zhang's constraints on the focal length as
/// a start (Zhang 2000, "A flexible new technique for camera calibration"), then least squares over all
/// corners of all views.
pub fn intrinsics(width: usize, height: usize, views: &[View]) -> Result<Intrinsics, NoIntrinsics> {
    let (mut usable, mut left_out) = (Vec::new(), Vec::new());
    for view in views {
        match unusable(view) {
            Some(why) => left_out.push((view.name.clone(), why)),
            None => usable.push(view.clone()),
        }
    }
    if usable.len() < LEAST_VIEWS {
        return Err(NoIntrinsics::TooFew { usable: usable.len(), left_out });
    }
    let share = covered(width, height, &usable);
    if share < LEAST_COVERED {
        return Err(NoIntrinsics::Covered { share });
    }
    let start = start(width, height, &usable)?;
    let mut fit = Fit::new(start, &usable)?.solved()?;
    // Corners that contradict the rest: once, because a lens that fits is needed to tell.
    let bound = FAR_SDS * fit.residual_px(&usable).max(0.05);
    let all: usize = usable.iter().map(|view| view.corners.len()).sum();
    let offs = fit.offs(&usable);
    for (view, offs) in usable.iter_mut().zip(&offs) {
        let mut offs = offs.iter();
        view.corners.retain(|_| offs.next().is_some_and(|off| *off <= bound));
    }
    if usable.iter().map(|view| view.corners.len()).sum::<usize>() < all {
        if usable.iter().any(|view| view.corners.len() < LEAST_CORNERS) {
            return Err(NoIntrinsics::Residual { px: fit.residual_px(&usable) });
        }
        let Fit { lens, poses, covariance, .. } = fit;
        fit = Fit { corners: &usable, lens, poses, covariance }.solved()?;
    }
    let deg = fit.tilt_deg();
    if deg < LEAST_TILT_DEG {
        return Err(NoIntrinsics::Parallel { deg });
    }
    let residual_px = fit.residual_px(&usable);
    if residual_px > MOST_RESIDUAL_PX {
        return Err(NoIntrinsics::Residual { px: residual_px });
    }
    let lens = fit.lens;
    lens.check().map_err(NoIntrinsics::NoLens)?;
    let noise = residual_px.max(crate::eyes::plane::FLOOR_PX);
    let sd = |at: usize| fit.covariance[(at, at)].max(0.0).sqrt() * noise;
    let focal_sd_px = sd(0).max(sd(1));
    let uncertain = focal_sd_px / lens.fx;
    if uncertain > MOST_FOCAL_SD {
        return Err(NoIntrinsics::Uncertain { percent: 100.0 * uncertain });
    }
    let rms = |offs: &Vec<f64>| {
        (offs.iter().map(|off| off * off).sum::<f64>() / offs.len() as f64).sqrt()
    };
    let names = usable.iter().map(|view| view.name.clone());
    let views = names.zip(fit.offs(&usable).iter().map(rms)).collect();
    let centre_sd_px = sd(2).max(sd(3));
    Ok(Intrinsics { lens, focal_sd_px, centre_sd_px, residual_px, views, left_out, covered: share })
}

/// Why a view counts neither for a lens nor for a mounting.
pub fn unusable(view: &View) -> Option<String> {
    let corners = view.corners.len();
    if corners < LEAST_CORNERS {
        return Some(format!("{corners} corners, at least {LEAST_CORNERS} are needed"));
    }
    let px = view.blur_px;
    (px > MOST_BLUR_PX).then(|| format!("blurred by {px:.1} pixels, at most {MOST_BLUR_PX}"))
}

/// Share of the frame's cells, eight by six, in which a corner lies.
pub fn covered(width: usize, height: usize, views: &[View]) -> f64 {
    const CELLS: (usize, usize) = (8, 6);
    let mut hit = [[false; CELLS.0]; CELLS.1];
    for corner in views.iter().flat_map(|view| &view.corners) {
        let cell = |at: f64, of: usize, cells: usize| {
            ((at / of as f64 * cells as f64) as usize).min(cells - 1)
        };
        hit[cell(corner.at.y, height, CELLS.1)][cell(corner.at.x, width, CELLS.0)] = true;
    }
    let hits = hit.iter().flatten().filter(|hit| **hit).count();
    hits as f64 / (CELLS.0 * CELLS.1) as f64
}

/// A lens without distortion whose principal point is the frame's middle: each view's homography binds the
/// focal length by two equations.
fn start(width: usize, height: usize, views: &[View]) -> Result<Lens, NoIntrinsics> {
    let middle = Lens::ideal(width, height, 60.0);
    let (mut squares, mut product) = (0.0, 0.0);
    for view in views {
        let pairs: Vec<_> = view
            .corners
            .iter()
            .map(|c| (c.on / 1000.0, Point2::new(c.at.x - middle.cx, c.at.y - middle.cy)))
            .collect();
        let h = homography(&pairs).ok_or(NoIntrinsics::NoSolution)?;
        let h = h / h.norm();
        let (a, b) = (h.column(0), h.column(1));
        // Columns are at right angles and as long, where x and y count 1/f^2.
        for (flat, deep) in [
            (a[0] * b[0] + a[1] * b[1], a[2] * b[2]),
            (a[0] * a[0] + a[1] * a[1] - b[0] * b[0] - b[1] * b[1], a[2] * a[2] - b[2] * b[2]),
        ] {
            squares += flat * flat;
            product -= flat * deep;
        }
    }
    let focal = (squares / product).sqrt();
    // Parallel views bind nothing; the fit then tells how parallel they are.
    let longest = width.max(height) as f64;
    let focal =
        if focal.is_finite() { focal.clamp(0.3 * longest, 5.0 * longest) } else { middle.fx };
    Ok(Lens { fx: focal, fy: focal, ..middle })
}

/// Values of the lens that are solved for.
const LENS: usize = 8;
const LENS_STEPS: [f64; LENS] = [1e-3, 1e-3, 1e-3, 1e-3, 1e-6, 1e-6, 1e-6, 1e-6];

/// A lens and the poses of the views' boards.
struct Fit<'v> {
    corners: &'v [View],
    lens: Lens,
    /// `camera_from_board`.
    poses: Vec<Isometry3<f64>>,
    covariance: DMatrix<f64>,
}

impl<'v> Fit<'v> {
    fn new(lens: Lens, views: &'v [View]) -> Result<Self, NoIntrinsics> {
        let of = |view: &View| {
            let pairs: Vec<_> = view
                .corners
                .iter()
                .map(|corner| {
                    let ray = lens.ray(corner.at);
                    (corner.on / 1000.0, Point2::new(ray.x, ray.y))
                })
                .collect();
            pose(&homography(&pairs)?)
        };
        let poses: Option<Vec<_>> = views.iter().map(of).collect();
        let poses = poses.ok_or(NoIntrinsics::NoSolution)?;
        Ok(Self { corners: views, lens, poses, covariance: DMatrix::zeros(LENS, LENS) })
    }

    /// The same with the best values, and free of its views.
    fn solved(self) -> Result<Fit<'static>, NoIntrinsics> {
        let start = self.values();
        let solved = minimise(&self, start).ok_or(NoIntrinsics::NoSolution)?;
        let lens = self.lens_of(&solved.values);
        let poses = (0..self.poses.len()).map(|view| self.pose_of(&solved.values, view)).collect();
        let covariance = solved.covariance.view((0, 0), (LENS, LENS)).into_owned();
        Ok(Fit { corners: &[], lens, poses, covariance })
    }

    /// The lens's values, then the motion of each view's pose from where it was.
    fn values(&self) -> DVector<f64> {
        let Lens { fx, fy, cx, cy, k1, k2, p1, p2, .. } = self.lens;
        let mut values = DVector::zeros(LENS + 6 * self.poses.len());
        values.rows_mut(0, LENS).copy_from_slice(&[fx, fy, cx, cy, k1, k2, p1, p2]);
        values
    }

    fn lens_of(&self, v: &DVector<f64>) -> Lens {
        let (fx, fy, cx, cy) = (v[0], v[1], v[2], v[3]);
        Lens { fx, fy, cx, cy, k1: v[4], k2: v[5], p1: v[6], p2: v[7], ..self.lens }
    }

    fn pose_of(&self, values: &DVector<f64>, view: usize) -> Isometry3<f64> {
        self.poses[view] * motion(&values.as_slice()[LENS + 6 * view..][..6])
    }

    /// Residuals of one view.
    fn of(&self, values: &DVector<f64>, view: usize) -> Option<DVector<f64>> {
        let (lens, pose) = (self.lens_of(values), self.pose_of(values, view));
        let corners = &self.corners[view].corners;
        let mut residuals = DVector::zeros(2 * corners.len());
        for (at, corner) in corners.iter().enumerate() {
            let off = seen(&lens, &pose, corner)? - corner.at;
            (residuals[2 * at], residuals[2 * at + 1]) = (off.x, off.y);
        }
        residuals.iter().all(|r| r.is_finite()).then_some(residuals)
    }

    /// Distance of each corner of each view from where the lens puts it, pixels.
    fn offs(&self, views: &[View]) -> Vec<Vec<f64>> {
        let off = |pose: &Isometry3<f64>, corner: &Corner| {
            seen(&self.lens, pose, corner).map_or(f64::INFINITY, |at| (at - corner.at).norm())
        };
        let of = |(view, pose): (&View, &Isometry3<f64>)| {
            view.corners.iter().map(|corner| off(pose, corner)).collect()
        };
        views.iter().zip(&self.poses).map(of).collect()
    }

    fn residual_px(&self, views: &[View]) -> f64 {
        let offs = self.offs(views);
        let squares: f64 = offs.iter().flatten().map(|off| off * off).sum();
        (squares / offs.iter().map(Vec::len).sum::<usize>() as f64).sqrt()
    }

    /// Angle between the two most different normals of the board.
    fn tilt_deg(&self) -> f64 {
        let normals: Vec<_> = self.poses.iter().map(|pose| pose.rotation * Vector3::z()).collect();
        let angles = normals.iter().flat_map(|a| normals.iter().map(|b| a.angle(b)));
        angles.fold(0.0, f64::max).to_degrees()
    }
}

fn seen(lens: &Lens, pose: &Isometry3<f64>, corner: &Corner) -> Option<Point2<f64>> {
    lens.project(&(pose * (Point3::new(corner.on.x, corner.on.y, 0.0) / 1000.0)))
}

impl Residuals for Fit<'_> {
    fn at(&self, values: &DVector<f64>) -> Option<DVector<f64>> {
        let parts: Option<Vec<_>> =
            (0..self.poses.len()).map(|view| self.of(values, view)).collect();
        let all: Vec<f64> = parts?.iter().flat_map(|part| part.iter().copied()).collect();
        Some(DVector::from_vec(all))
    }

    fn step(&self, value: usize) -> f64 {
        match value {
            lens if lens < LENS => LENS_STEPS[lens],
            pose => MOTION_STEPS[(pose - LENS) % 6],
        }
    }

    /// A view's pose changes its own corners only.
    fn slopes(&self, values: &DVector<f64>) -> Option<DMatrix<f64>> {
        let rows: usize = self.corners.iter().map(|view| 2 * view.corners.len()).sum();
        let mut slopes = DMatrix::zeros(rows, values.len());
        let mut row = 0;
        for (view, of) in self.corners.iter().enumerate() {
            for value in (0..LENS).chain(LENS + 6 * view..LENS + 6 * view + 6) {
                let step = self.step(value);
                let moved = |by: f64| {
                    let mut moved = values.clone();
                    moved[value] += by;
                    self.of(&moved, view)
                };
                let slope = (moved(step)? - moved(-step)?) / (2.0 * step);
                slopes.view_mut((row, value), (slope.len(), 1)).copy_from(&slope);
            }
            row += 2 * of.corners.len();
        }
        Some(slopes)
    }
}

#[cfg(test)]
#[path = "intrinsics_tests.rs"]
mod tests;
