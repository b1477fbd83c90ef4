use nalgebra::{Isometry3, Matrix6, Point3, Vector3};

use super::plane::{self, Anywhere, Corner, Evidence, MOTION_STEPS, Poor, motion};
use super::{Board, Field, FieldError, Frame, LID_MM, Lens, Seen, find_plate, mask};
use crate::task::{Placement, Pose2};

/// Where a plate lies at a place, from what one camera sees there: always relative to how it lay when the
/// place was taught, seen by the same camera. What is unknown of how the camera is mounted is then the
/// same in both, and cancels.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    pub lens: Lens,
    /// The board on the plate.
    pub carried: Board,
    /// The board beside the place: it tells how the camera has moved since.
    pub fixed: Option<Board>,
    pub taught: Taught,
    pub limits: Limits,
}

/// What the camera saw when the plate lay perfectly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Taught {
    /// `camera_from_carried`, metres: the board on the plate, z out of its printed face.
    pub carried: Isometry3<f64>,
    /// `camera_from_fixed`, metres; needed where the sensor has such a board.
    pub fixed: Option<Isometry3<f64>>,
    /// Where a bare plate's outline lay in the field; needed to read bare plates.
    pub outline: Option<Pose2>,
}

/// Beyond which a reading is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// What a camera's motion may shift at the place.
    pub camera_mm: f64,
    pub camera_deg: f64,
    /// A plate farther off was never put there by this task.
    pub reach_mm: f64,
    pub reach_deg: f64,
    /// Standard deviations of a reading.
    pub sd_mm: f64,
    pub sd_deg: f64,
    /// Between tags and outline.
    pub disagree_mm: f64,
    pub disagree_deg: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            camera_mm: 3.0,
            camera_deg: 1.0,
            reach_mm: 40.0,
            reach_deg: 45.0,
            sd_mm: 0.2,
            sd_deg: 0.2,
            disagree_mm: 1.0,
            disagree_deg: 1.0,
        }
    }
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Relative to the taught placement, in its frame.
    pub placement: Placement,
    /// Standard deviation of x and of y, the larger, mm; of yaw, deg.
    pub sd_mm: f64,
    pub sd_deg: f64,
    /// Tags that count; none for an outline.
    pub tags: usize,
    /// Root mean square of what the pose leaves unexplained, pixels.
    pub residual_px: f64,
    /// How far the camera has moved since it was taught, as seen at the place, mm.
    pub camera_mm: f64,
}

/// Why nothing was read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Lost {
    #[error("no tag of the board `{board}` is seen")]
    NotSeen { board: &'static str },
    #[error("board `{board}`: {why}")]
    Poor { board: &'static str, why: Poor },
    #[error(
        "the camera moved: the place seems {mm:.1} mm and {deg:.2} deg from where it was taught; fix the camera and teach again"
    )]
    CameraMoved { mm: f64, deg: f64 },
    #[error("not taught: {what}")]
    NotTaught { what: &'static str },
    #[error("implausible: {x_mm:.1} mm, {y_mm:.1} mm, {yaw_deg:.1} deg from the taught placement")]
    Implausible { x_mm: f64, y_mm: f64, yaw_deg: f64 },
    #[error("uncertain by {sd_mm:.2} mm and {sd_deg:.2} deg (standard deviations)")]
    Uncertain { sd_mm: f64, sd_deg: f64 },
    #[error("no plate's outline is seen")]
    NoOutline,
    #[error(transparent)]
    Field(#[from] FieldError),
    #[error("tags and outline disagree by {mm:.2} mm and {deg:.2} deg")]
    Disagree { mm: f64, deg: f64 },
}

/// How the camera has moved since it was taught.
struct Moved {
    /// `camera_now_from_camera_taught`, metres.
    now_from_taught: Isometry3<f64>,
    /// Of small motions before it, as of [`motion`].
    covariance: Matrix6<f64>,
    mm: f64,
}

/// How much a camera that nobody touched moves, before anything is seen: metres, radians.
const CALM: [f64; 6] = [1e-3, 1e-3, 1e-3, 3.5e-3, 3.5e-3, 3.5e-3];
/// A plate that lies higher than this, or more tilted, and significantly so, is not on the plane.
const RAISED_MM: f64 = 0.5;
const RAISED_DEG: f64 = 0.7;
const SIGNIFICANT_SDS: f64 = 4.0;
/// Field of the outline: the plate wherever it lies within reach of a correction, twice as fine as needed.
const OUTLINE_MM: f64 = 180.0;
const OUTLINE_PX: usize = 360;

impl Sensor {
    /// What to remember of a plate that lies perfectly: corners of one or more frames of it, all at once,
    /// and the frame itself for the outline, if bare plates are to be read too.
    pub fn teach(
        lens: &Lens,
        carried: &Board,
        fixed: Option<&Board>,
        frames: &[Vec<Seen>],
    ) -> Result<Taught, Lost> {
        let pose = |board: &Board| Ok::<_, Lost>(anywhere(lens, board, frames)?.pose);
        Ok(Taught { carried: pose(carried)?, fixed: fixed.map(pose).transpose()?, outline: None })
    }

    /// Where the plate under the carried board lies, from the tags of one frame.
    pub fn read(&self, seen: &[Seen]) -> Result<Reading, Lost> {
        let moved = self.moved(seen)?;
        let camera_from_plane = moved.now_from_taught * self.taught.carried;
        let corners = of(&self.carried, seen)?;
        let poor = |why| Lost::Poor { board: self.carried.name, why };
        let free = plane::anywhere(&self.lens, &corners).map_err(poor)?;
        let taught_from_now = camera_from_plane.inverse() * free.pose;
        let (z_mm, tilt_deg, raised) = height(&taught_from_now, &free, &moved);
        let (pose, sd, Evidence { tags, residual_px, .. }) = if raised {
            (from_above(&taught_from_now), free_sd(&free), free.evidence)
        } else {
            let flat = plane::on_plane(&self.lens, &camera_from_plane, &corners).map_err(poor)?;
            (flat.pose, flat.sd, flat.evidence)
        };
        let by_camera = self.by_camera(&camera_from_plane, &corners, &moved);
        let sd = [0, 1, 2].map(|axis| libm::hypot(sd[axis], by_camera[axis]));
        let (sd_mm, sd_deg) = (sd[0].max(sd[1]), sd[2]);
        let placement = Placement { pose, z_mm, tilt_deg };
        self.plausible(Reading { placement, sd_mm, sd_deg, tags, residual_px, camera_mm: moved.mm })
    }

    /// Where a bare plate's outline lies in the field, for [`Taught::outline`] and for readings: of the
    /// plate's top face, as the camera stands now.
    pub fn outline_in_field(
        &self,
        frame: &Frame<'_>,
        seen: &[Seen],
    ) -> Result<(Pose2, [f64; 3]), Lost> {
        let moved = self.moved(seen)?;
        self.outline_after(frame, seen, &moved)
    }

    fn outline_after(
        &self,
        given: &Frame<'_>,
        seen: &[Seen],
        moved: &Moved,
    ) -> Result<(Pose2, [f64; 3]), Lost> {
        // A lid's tags lie close to its edges.
        let (masked, _) = self.masked(given, seen);
        let frame = Frame::new(&masked, given.width());
        let frame = frame.as_ref().unwrap_or(given);
        let top = self.top(&moved.now_from_taught);
        let field = Field::of(frame, &self.lens, &top, OUTLINE_PX, OUTLINE_MM)?;
        let picture = field.picture().ok_or(Lost::NoOutline)?;
        let sighting = find_plate(&picture).ok_or(Lost::NoOutline)?;
        Ok((sighting.pose, sighting.spread))
    }

    /// Where a plate lies by its outline, tags or none on it. Its height and tilt are not told.
    pub fn read_outline(&self, frame: &Frame<'_>, seen: &[Seen]) -> Result<Reading, Lost> {
        let taught =
            self.taught.outline.ok_or(Lost::NotTaught { what: "a bare plate's outline" })?;
        let moved = self.moved(seen)?;
        let (pose, spread) = self.outline_after(frame, seen, &moved)?;
        let pose = taught.inverse().compose(pose);
        self.plausible(Reading {
            placement: Placement { pose, z_mm: 0.0, tilt_deg: 0.0 },
            sd_mm: spread[0].max(spread[1]),
            sd_deg: spread[2],
            tags: 0,
            residual_px: 0.0,
            camera_mm: moved.mm,
        })
    }

    /// The frame as policies are to see it, with the tags of both boards painted over; and whether none of the carried
    /// board's stays: with a lid, that needs the board to be seen well enough to know where its tags lie.
    pub fn masked(&self, frame: &Frame<'_>, seen: &[Seen]) -> (Vec<u8>, bool) {
        let mut pixels = frame.pixels().to_vec();
        let mut hidden = true;
        if let (Some(board), Some(taught), Ok(moved)) =
            (&self.fixed, self.taught.fixed, self.moved(seen))
        {
            let camera_from_fixed = moved.now_from_taught * taught;
            hidden &= mask(&mut pixels, frame, &self.lens, &camera_from_fixed, board);
        }
        let corners = plane::corners(&self.carried, seen);
        hidden &= match plane::anywhere(&self.lens, &corners) {
            Ok(carried) => mask(&mut pixels, frame, &self.lens, &carried.pose, &self.carried),
            Err(_) => false,
        };
        (pixels, hidden)
    }

    /// Is a tag of the carried board seen?
    pub fn sees_carried(&self, seen: &[Seen]) -> bool {
        !plane::corners(&self.carried, seen).is_empty()
    }

    /// Both readings of one frame must tell the same.
    pub fn agree(&self, tags: &Reading, outline: &Reading) -> Result<(), Lost> {
        let off = tags.placement.pose.inverse().compose(outline.placement.pose);
        let (mm, deg) = (off.translation_mm(), off.yaw_deg.abs());
        match mm <= self.limits.disagree_mm && deg <= self.limits.disagree_deg {
            true => Ok(()),
            false => Err(Lost::Disagree { mm, deg }),
        }
    }

    /// `camera_from_top` of the taught plate, metres: its top face, where policies look.
    pub fn top(&self, now_from_taught: &Isometry3<f64>) -> Isometry3<f64> {
        let down = Isometry3::translation(0.0, 0.0, -LID_MM / 1000.0);
        now_from_taught * self.taught.carried * down
    }

    /// `camera_now_from_camera_taught` by the fixed board; without one, the camera has not moved.
    pub fn camera(&self, seen: &[Seen]) -> Result<Isometry3<f64>, Lost> {
        self.moved(seen).map(|moved| moved.now_from_taught)
    }

    fn moved(&self, seen: &[Seen]) -> Result<Moved, Lost> {
        let still =
            Moved { now_from_taught: Isometry3::identity(), covariance: Matrix6::zeros(), mm: 0.0 };
        let Some(board) = &self.fixed else { return Ok(still) };
        let taught =
            self.taught.fixed.ok_or(Lost::NotTaught { what: "the board beside the place" })?;
        let corners = of(board, seen)?;
        let lens = &self.lens;
        let pixel = |values: &nalgebra::DVector<f64>, corner: &Corner| {
            let on = Point3::new(corner.on.x, corner.on.y, 0.0) / 1000.0;
            lens.project(&(motion(values.as_slice()) * taught * on))
        };
        let start = nalgebra::DVector::zeros(6);
        let fit = plane::robust(&corners, start, &MOTION_STEPS, &pixel);
        let fit = fit.map_err(|why| Lost::Poor { board: board.name, why })?;
        let found = motion(fit.solved.values.as_slice());
        let place = self.taught.carried.translation.vector;
        let mm = (found * Point3::from(place) - Point3::from(place)).norm() * 1000.0;
        let deg = found.rotation.angle().to_degrees();
        if mm > self.limits.camera_mm || deg > self.limits.camera_deg {
            return Err(Lost::CameraMoved { mm, deg });
        }
        // What corners hardly tell is taken from what a camera does that nobody touched.
        let told = fit.solved.covariance.fixed_view::<6, 6>(0, 0) * fit.noise_px.powi(2);
        let calm = Matrix6::from_diagonal(&CALM.map(|sd| sd * sd).into());
        let Some(both) = (calm + told).try_inverse() else {
            return Err(Lost::Poor { board: board.name, why: Poor::NoPose });
        };
        let values = calm * both * fit.solved.values.fixed_rows::<6>(0);
        let covariance = calm - calm * both * calm;
        Ok(Moved { now_from_taught: motion(values.as_slice()), covariance, mm })
    }

    /// Standard deviations of x, y (mm) and yaw (deg) that come from the camera's motion.
    fn by_camera(
        &self,
        camera_from_plane: &Isometry3<f64>,
        corners: &[Corner],
        moved: &Moved,
    ) -> [f64; 3] {
        if moved.covariance == Matrix6::zeros() {
            return [0.0; 3];
        }
        let Some(slopes) = plane::by_camera(&self.lens, camera_from_plane, corners) else {
            // Raised plates only: their own uncertainty is larger.
            return [0.0; 3];
        };
        let spread = &slopes * moved.covariance * slopes.transpose();
        [0, 1, 2].map(|axis| spread[(axis, axis)].max(0.0).sqrt())
    }

    fn plausible(&self, reading: Reading) -> Result<Reading, Lost> {
        let Pose2 { x_mm, y_mm, yaw_deg } = reading.placement.pose;
        let near = reading.placement.pose.translation_mm() <= self.limits.reach_mm
            && yaw_deg.abs() <= self.limits.reach_deg;
        if !near {
            return Err(Lost::Implausible { x_mm, y_mm, yaw_deg });
        }
        let Reading { sd_mm, sd_deg, .. } = reading;
        let sure = sd_mm <= self.limits.sd_mm && sd_deg <= self.limits.sd_deg;
        match sure {
            true => Ok(reading),
            false => Err(Lost::Uncertain { sd_mm, sd_deg }),
        }
    }
}

fn of(board: &Board, seen: &[Seen]) -> Result<Vec<Corner>, Lost> {
    let corners = plane::corners(board, seen);
    (!corners.is_empty()).then_some(corners).ok_or(Lost::NotSeen { board: board.name })
}

/// A board that lies still in all frames.
fn anywhere(lens: &Lens, board: &Board, frames: &[Vec<Seen>]) -> Result<Anywhere, Lost> {
    let all: Vec<Corner> = frames.iter().flat_map(|seen| plane::corners(board, seen)).collect();
    if all.is_empty() {
        return Err(Lost::NotSeen { board: board.name });
    }
    plane::anywhere(lens, &all).map_err(|why| Lost::Poor { board: board.name, why })
}

/// Height (mm) and tilt (deg) above the taught plane, and whether both say that the plate is not on it.
fn height(taught_from_now: &Isometry3<f64>, free: &Anywhere, moved: &Moved) -> (f64, f64, bool) {
    let z_mm = taught_from_now.translation.z * 1000.0;
    let normal = taught_from_now.rotation * Vector3::z();
    let tilt_deg = libm::atan2(normal.xy().norm(), normal.z).to_degrees();
    let var = |at: usize| free.covariance[(at, at)] + moved.covariance[(at, at)];
    let sd_mm = var(2).sqrt() * 1000.0;
    let sd_deg = (var(3) + var(4)).sqrt().to_degrees();
    let beyond = |value: f64, sd: f64, least: f64| value.abs() > least.max(SIGNIFICANT_SDS * sd);
    let raised = beyond(z_mm, sd_mm, RAISED_MM) || beyond(tilt_deg, sd_deg, RAISED_DEG);
    (z_mm, tilt_deg, raised)
}

/// A pose as it looks from straight above.
fn from_above(pose: &Isometry3<f64>) -> Pose2 {
    let x = pose.rotation * Vector3::x();
    let at = pose.translation.vector * 1000.0;
    Pose2::new(at.x, at.y, libm::atan2(x.y, x.x).to_degrees())
}

fn free_sd(free: &Anywhere) -> [f64; 3] {
    let sd = |at: usize| free.covariance[(at, at)].sqrt();
    [sd(0) * 1000.0, sd(1) * 1000.0, sd(5).to_degrees()]
}

#[cfg(test)]
#[path = "sensor_tests.rs"]
mod tests;
