use nalgebra::{DVector, Isometry3, Matrix3, Point3, Vector3};

use super::intrinsics::{LEAST_VIEWS, View, unusable};
use crate::eyes::Lens;
use crate::eyes::plane::{self, Corner, FLOOR_PX, MOTION_STEPS, motion};
use crate::eyes::solve::{Residuals, minimise};

/// Who carries the camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// It stands in the cell and looks at a board in the hand.
    EyeToHand,
    /// The hand carries it, and it looks at a board that stands in the cell.
    EyeInHand,
}

impl Mount {
    pub const fn name(self) -> &'static str {
        match self {
            Self::EyeToHand => "eye-to-hand",
            Self::EyeInHand => "eye-in-hand",
        }
    }
}

/// A view of the board, and where the arm stood.
#[derive(Clone, Debug, PartialEq)]
pub struct Posed {
    pub view: View,
    /// `world_from_tool`, metres.
    pub world_from_tool: Isometry3<f64>,
}

/// Where camera and board are mounted, metres.
#[derive(Clone, Debug, PartialEq)]
pub struct HandEye {
    /// `world_from_camera` of a camera that stands in the cell, `tool_from_camera` of one in the hand.
    pub camera: Isometry3<f64>,
    /// `tool_from_board`, or `world_from_board`.
    pub board: Isometry3<f64>,
    /// Standard deviations of the camera's place (mm) and direction (deg), the largest over axes; of noise
    /// in corners and arm, as far as residuals show it.
    pub sd_mm: f64,
    pub sd_deg: f64,
    /// Root mean square distance of corners from where they should be, pixels.
    pub residual_px: f64,
    /// Root mean square of what remains between the board as each view sees it and as the arm says, in mm
    /// at the board and deg.
    pub residual_mm: f64,
    pub residual_deg: f64,
    /// Views that count.
    pub views: usize,
    pub left_out: Vec<(String, String)>,
}

/// Why views and poses tell no mounting.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NoHandEye {
    #[error("{usable} usable poses, at least {LEAST_VIEWS} are needed{}", first(left_out))]
    TooFew { usable: usize, left_out: Vec<(String, String)> },
    #[error(
        "the arm turned by at most {deg:.1} deg between poses, at least {LEAST_TURN_DEG} are needed"
    )]
    Still { deg: f64 },
    #[error("the arm turned about one axis only: turn it about two more, by 20 to 40 deg")]
    OneAxis,
    #[error(
        "views and poses contradict each other by {mm:.1} mm and {deg:.2} deg (rms): is each view paired with its own pose, and is the mount as said?"
    )]
    Residual { mm: f64, deg: f64 },
    #[error("views and poses tell no mounting")]
    NoSolution,
}

fn first(left_out: &[(String, String)]) -> String {
    left_out.first().map(|(name, why)| format!(" ({name}: {why})")).unwrap_or_default()
}

const LEAST_TURN_DEG: f64 = 15.0;
/// Turns about the second axis, as a share of those about the first.
const LEAST_SECOND: f64 = 0.2;
const MOST_RESIDUAL_MM: f64 = 5.0;
const MOST_RESIDUAL_DEG: f64 = 2.0;

/// One view: where the camera sees the board, and the arm's part of the chain.
struct Link<'v> {
    corners: &'v [Corner],
    camera_from_board: Isometry3<f64>,
    /// `world_from_tool` where the camera stands in the cell, else `tool_from_world`.
    arm: Isometry3<f64>,
}

/// Where the camera is mounted. Both mounts close the same chain: `camera_from_board` is X, then the arm, then
/// Y. Closed form for X (Park and Martin 1994, "Robot sensor calibration: solving AX = XB on the Euclidean
/// group"), then least squares in pixels over X and Y.
pub fn hand_eye(lens: &Lens, mount: Mount, poses: &[Posed]) -> Result<HandEye, NoHandEye> {
    let (mut links, mut left_out) = (Vec::new(), Vec::new());
    for Posed { view, world_from_tool } in poses {
        let seen = match unusable(view) {
            Some(why) => Err(why),
            None => plane::anywhere(lens, &view.corners).map_err(|why| why.to_string()),
        };
        match seen {
            Err(why) => left_out.push((view.name.clone(), why)),
            Ok(seen) => links.push(Link {
                corners: &view.corners,
                camera_from_board: seen.pose,
                arm: match mount {
                    Mount::EyeToHand => *world_from_tool,
                    Mount::EyeInHand => world_from_tool.inverse(),
                },
            }),
        }
    }
    if links.len() < LEAST_VIEWS {
        return Err(NoHandEye::TooFew { usable: links.len(), left_out });
    }
    turns_about_two_axes(&links)?;
    let x = closed_form(&links).ok_or(NoHandEye::NoSolution)?;
    let y =
        middle(links.iter().map(|link| link.arm.inverse() * x.inverse() * link.camera_from_board));
    let chain = Chain { lens, links: &links, x, y: y.ok_or(NoHandEye::NoSolution)? };
    let (rough_mm, rough_deg) = chain.residual();
    let wrong = |mm: f64, deg: f64| mm > MOST_RESIDUAL_MM || deg > MOST_RESIDUAL_DEG;
    let contradicted = NoHandEye::Residual { mm: rough_mm, deg: rough_deg };
    // A chain that is far off may put the board behind the camera: then no pixel tells.
    let solved = minimise(&chain, DVector::zeros(12)).ok_or(contradicted)?;
    let (x, y) = chain.of(&solved.values);
    let fine = Chain { x, y, ..chain };
    let (residual_mm, residual_deg) = fine.residual();
    if wrong(residual_mm, residual_deg) {
        return Err(NoHandEye::Residual { mm: residual_mm, deg: residual_deg });
    }
    let corners = solved.residuals.len() as f64 / 2.0;
    let residual_px = (solved.residuals.norm_squared() / corners).sqrt();
    let noise = (residual_px / std::f64::consts::SQRT_2).max(FLOOR_PX);
    // Corners of a view share the arm's error: a view counts as one reading of the pose, not as so many.
    let shared = (corners / links.len() as f64 / 3.0).sqrt().max(1.0);
    let at_camera = x.inverse();
    let sd = |from: usize| {
        let worst = (from..from + 3).map(|at| solved.covariance[(at, at)]).fold(0.0, f64::max);
        worst.sqrt() * noise * shared
    };
    Ok(HandEye {
        camera: at_camera,
        board: y,
        sd_mm: sd(0) * 1000.0,
        sd_deg: sd(3).to_degrees(),
        residual_px,
        residual_mm,
        residual_deg,
        views: links.len(),
        left_out,
    })
}

/// Motions between all pairs of poses: of the board before the camera, and of the arm.
fn motions<'l>(
    links: &'l [Link<'_>],
) -> impl Iterator<Item = (Isometry3<f64>, Isometry3<f64>)> + 'l {
    links.iter().enumerate().flat_map(move |(at, one)| {
        links[at + 1..].iter().map(move |other| {
            (
                other.camera_from_board * one.camera_from_board.inverse(),
                other.arm * one.arm.inverse(),
            )
        })
    })
}

fn turns_about_two_axes(links: &[Link<'_>]) -> Result<(), NoHandEye> {
    let turns: Vec<Vector3<f64>> =
        motions(links).map(|(_, arm)| arm.rotation.scaled_axis()).collect();
    let most = turns.iter().map(|turn| turn.norm()).fold(0.0, f64::max).to_degrees();
    if most < LEAST_TURN_DEG {
        return Err(NoHandEye::Still { deg: most });
    }
    let spread = turns.iter().fold(Matrix3::zeros(), |sum, turn| sum + turn * turn.transpose());
    let mut sizes: Vec<f64> = spread.symmetric_eigenvalues().iter().copied().collect();
    sizes.sort_by(f64::total_cmp);
    let two = (sizes[1].max(0.0) / sizes[2]).sqrt() >= LEAST_SECOND;
    two.then_some(()).ok_or(NoHandEye::OneAxis)
}

/// X of A X = X B for all motions A of the board and B of the arm.
fn closed_form(links: &[Link<'_>]) -> Option<Isometry3<f64>> {
    let aligned = motions(links).fold(Matrix3::zeros(), |sum, (a, b)| {
        sum + b.rotation.scaled_axis() * a.rotation.scaled_axis().transpose()
    });
    let svd = aligned.svd(true, true);
    let (u, v) = (svd.u?, svd.v_t?.transpose());
    let sign = (v * u.transpose()).determinant().signum();
    let turn = v * Matrix3::from_diagonal(&Vector3::new(1.0, 1.0, sign)) * u.transpose();
    let turn = nalgebra::UnitQuaternion::from_rotation_matrix(
        &nalgebra::Rotation3::from_matrix_unchecked(turn),
    );
    let (mut squares, mut product) = (Matrix3::zeros(), Vector3::zeros());
    for (a, b) in motions(links) {
        let rows = a.rotation.to_rotation_matrix().into_inner() - Matrix3::identity();
        let wanted = turn * b.translation.vector - a.translation.vector;
        squares += rows.transpose() * rows;
        product += rows.transpose() * wanted;
    }
    let at = squares.cholesky()?.solve(&product);
    Some(Isometry3::from_parts(at.into(), turn))
}

/// The mean of poses that are nearly the same.
fn middle(poses: impl Iterator<Item = Isometry3<f64>>) -> Option<Isometry3<f64>> {
    let poses: Vec<_> = poses.collect();
    let first = poses.first()?;
    let count = poses.len() as f64;
    let at = poses.iter().map(|pose| pose.translation.vector).sum::<Vector3<f64>>() / count;
    let turn = poses
        .iter()
        .map(|pose| (first.rotation.inverse() * pose.rotation).scaled_axis())
        .sum::<Vector3<f64>>()
        / count;
    let turn = first.rotation * nalgebra::UnitQuaternion::from_scaled_axis(turn);
    Some(Isometry3::from_parts(at.into(), turn))
}

struct Chain<'l> {
    lens: &'l Lens,
    links: &'l [Link<'l>],
    x: Isometry3<f64>,
    y: Isometry3<f64>,
}

impl Chain<'_> {
    /// X moved in the camera's own frame, Y in the board's.
    fn of(&self, values: &DVector<f64>) -> (Isometry3<f64>, Isometry3<f64>) {
        let values = values.as_slice();
        (motion(&values[..6]) * self.x, self.y * motion(&values[6..]))
    }

    /// Root mean square over views, mm and deg.
    fn residual(&self) -> (f64, f64) {
        let (mut mm, mut deg) = (0.0, 0.0);
        for link in self.links {
            let off = (self.x * link.arm * self.y).inverse() * link.camera_from_board;
            mm += (off.translation.vector * 1000.0).norm_squared();
            deg += off.rotation.angle().to_degrees().powi(2);
        }
        let count = self.links.len() as f64;
        ((mm / count).sqrt(), (deg / count).sqrt())
    }
}

impl Residuals for Chain<'_> {
    fn at(&self, values: &DVector<f64>) -> Option<DVector<f64>> {
        let (x, y) = self.of(values);
        let mut residuals = Vec::new();
        for link in self.links {
            let camera_from_board = x * link.arm * y;
            for corner in link.corners {
                let on = Point3::new(corner.on.x, corner.on.y, 0.0) / 1000.0;
                let off = self.lens.project(&(camera_from_board * on))? - corner.at;
                residuals.extend([off.x, off.y]);
            }
        }
        residuals.iter().all(|r| r.is_finite()).then(|| DVector::from_vec(residuals))
    }

    fn step(&self, value: usize) -> f64 {
        MOTION_STEPS[value % 6]
    }
}

#[cfg(test)]
#[path = "hand_eye_tests.rs"]
mod tests;
