use nalgebra::{Isometry3, Vector6};

use super::profile::Profile;
use super::{ArmModel, Joints, Line, Singular, Unreachable};

/// The joints' way along a straight move of the tool, in time: from rest to rest within the joints'
/// speeds and accelerations.
#[derive(Clone, Debug, PartialEq)]
pub struct JointTrajectory {
    knots: Vec<Knot>,
    /// Largest change of each joint along the way, per whole way.
    steepest: Joints,
    profile: Profile,
}

/// How fast the tool may move on a straight way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// m/s.
    pub speed: f64,
    /// m/s^2.
    pub acceleration: f64,
    /// rad/s.
    pub turn_speed: f64,
}

/// Why no trajectory leads along a way.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum NoTrajectory {
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error(transparent)]
    Singular(#[from] Singular),
    #[error("the joints cannot follow the straight line")]
    Strays,
    #[error("the pace and the joint limits must be positive numbers")]
    Pace,
}

/// Joints and their change along the way, per whole way.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Knot {
    joints: Joints,
    slope: Joints,
}

/// Knots of a straight way lie no farther apart than this, metres and rad.
const SPACING: f64 = 0.05;
const SPACING_TURN: f64 = 0.1;
/// Half way between knots the tool is this near its line, metres and rad.
const STRAIGHT: f64 = 1e-5;
const MOST_KNOTS: usize = 512;
/// Least share of a joint's acceleration that is left to speed up along the way.
const SPARE: f64 = 0.5;

impl JointTrajectory {
    /// The tool moves straight from where it is at `from` to `world_from_tool`, on one branch and
    /// clear of singular postures.
    pub fn line(
        arm: &ArmModel,
        from: &Joints,
        world_from_tool: &Isometry3<f64>,
        pace: Pace,
    ) -> Result<Self, NoTrajectory> {
        let paces = [pace.speed, pace.acceleration, pace.turn_speed];
        if !paces.into_iter().all(|p| p > 0.0) {
            return Err(NoTrajectory::Pace);
        }
        let line = Line::new(arm.tool(from), *world_from_tool);
        let (way, turn) = (line.way(), line.turn());
        let mut pieces = ((way / SPACING).max(turn / SPACING_TURN).ceil() as usize).max(1);
        let knots = loop {
            if pieces > MOST_KNOTS {
                return Err(NoTrajectory::Strays);
            }
            let knots = knots_along(arm, &line, from, pieces)?;
            if follow(arm, &line, &knots) {
                break knots;
            }
            pieces *= 2;
        };
        // The tool turns fastest half way.
        let speed = (pace.speed / way).min(pace.turn_speed / (4.0 * libm::tan(turn / 4.0)));
        let acceleration = pace.acceleration / way;
        let (steepest, bend) = steepest(&knots);
        let (speed, acceleration) = within_joints(arm, &steepest, &bend, speed, acceleration);
        let profile = Profile::new(speed, acceleration).ok_or(NoTrajectory::Pace)?;
        Ok(Self { knots, steepest, profile })
    }

    /// Seconds.
    pub fn duration(&self) -> f64 {
        self.profile.duration()
    }

    /// Joints and their speeds, rad/s, so many seconds after the begin.
    pub fn at(&self, seconds: f64) -> (Joints, Joints) {
        let (share, speed) = self.profile.at(seconds);
        let (joints, slope) = self.along(share);
        (joints, slope * speed)
    }

    /// Share of the way so many seconds after the begin.
    pub fn progress(&self, seconds: f64) -> f64 {
        self.profile.at(seconds).0
    }

    pub fn from(&self) -> &Joints {
        &self.knots[0].joints
    }

    pub fn to(&self) -> &Joints {
        &self.knots[self.knots.len() - 1].joints
    }

    /// Joints at a share of the way, and their change per whole way.
    pub fn along(&self, share: f64) -> (Joints, Joints) {
        between(&self.knots, share)
    }
}

impl JointTrajectory {
    /// Largest change of each joint along the way, per whole way.
    pub fn steepest(&self) -> &Joints {
        &self.steepest
    }

    /// Smallest and largest angle of each joint anywhere along the way.
    pub fn extent(&self) -> (Joints, Joints) {
        let (mut least, mut most) = (*self.from(), *self.from());
        let pieces = self.knots.len() - 1;
        for (piece, pair) in self.knots.windows(2).enumerate() {
            for i in 0..6 {
                for u in extremes(&pair[0], &pair[1], i, 1.0 / pieces as f64) {
                    let share = (piece as f64 + u) / pieces as f64;
                    let angle = if u == 1.0 { pair[1].joints[i] } else { self.along(share).0[i] };
                    (least[i], most[i]) = (least[i].min(angle), most[i].max(angle));
                }
            }
        }
        (least, most)
    }

    /// Largest speed along the way, in whole ways per second.
    pub fn peak_speed(&self) -> f64 {
        self.profile.at(self.duration() / 2.0).1
    }

    /// Largest acceleration along the way, in whole ways per second squared.
    pub fn peak_acceleration(&self) -> f64 {
        self.profile.acceleration
    }
}

/// Cubic between two knots.
fn between(knots: &[Knot], share: f64) -> (Joints, Joints) {
    let pieces = knots.len() - 1;
    let at = share.clamp(0.0, 1.0) * pieces as f64;
    let piece = (at as usize).min(pieces - 1);
    let (u, h) = (at - piece as f64, 1.0 / pieces as f64);
    let (a, b) = (&knots[piece], &knots[piece + 1]);
    let chord = b.joints - a.joints;
    let (left, right) = (a.slope * h - chord, chord - b.slope * h);
    let joints = a.joints + (chord + (left * (1.0 - u) + right * u) * (1.0 - u)) * u;
    let slope = chord
        + left * ((1.0 - u) * (1.0 - u) - 2.0 * u * (1.0 - u))
        + right * (2.0 * u * (1.0 - u) - u * u);
    (joints, slope / h)
}

/// Where in a piece of this length joint `i` turns back, and its end.
fn extremes(a: &Knot, b: &Knot, i: usize, h: f64) -> impl Iterator<Item = f64> {
    let chord = b.joints[i] - a.joints[i];
    let (first, last) = (a.slope[i] * h, b.slope[i] * h);
    // The slope is first + 2 (3 chord - 2 first - last) u + 3 (first + last - 2 chord) u^2.
    let (square, half) = (3.0 * (first + last - 2.0 * chord), 3.0 * chord - 2.0 * first - last);
    let root = (half * half - square * first).sqrt();
    let turns = [(-half + root) / square, (-half - root) / square, -first / (2.0 * half)];
    turns.into_iter().filter(|u| *u > 0.0 && *u < 1.0).chain([1.0])
}

/// Joints on the line at evenly spread shares, each on the branch of the one before.
fn knots_along(
    arm: &ArmModel,
    line: &Line,
    from: &Joints,
    pieces: usize,
) -> Result<Vec<Knot>, NoTrajectory> {
    let mut knots = Vec::with_capacity(pieces + 1);
    let mut near = *from;
    let mut sides = None;
    for i in 0..=pieces {
        let share = i as f64 / pieces as f64;
        // The first is known, and must not hop to another branch.
        let joints = if i == 0 { *from } else { arm.joints_on_branch(&line.along(share), &near)? };
        let posture = arm.kinematics.posture(&joints);
        let now = posture.sides()?;
        if sides.is_some_and(|before| before != now) {
            return Err(posture.flattest().into());
        }
        sides = Some(now);
        let slope = arm.slope(&joints, line.velocity(share)).ok_or(NoTrajectory::Strays)?;
        knots.push(Knot { joints, slope });
        near = joints + slope / pieces as f64;
    }
    Ok(knots)
}

/// Is the tool on its line half way between knots too?
fn follow(arm: &ArmModel, line: &Line, knots: &[Knot]) -> bool {
    let pieces = knots.len() - 1;
    (0..pieces).all(|i| {
        let share = (i as f64 + 0.5) / pieces as f64;
        let (at, wanted) = (arm.tool(&between(knots, share).0), line.along(share));
        let off = (at.translation.vector - wanted.translation.vector).norm();
        let turned = at.rotation.inverse() * wanted.rotation;
        off < STRAIGHT && 2.0 * turned.imag().norm() < STRAIGHT
    })
}

impl ArmModel {
    /// Joint speeds that give the tool a velocity in the world frame.
    fn slope(
        &self,
        joints: &Joints,
        (linear, angular): (nalgebra::Vector3<f64>, nalgebra::Vector3<f64>),
    ) -> Option<Joints> {
        let base_from_world = self.world_from_base.rotation.inverse();
        let (linear, angular) = (base_from_world * linear, base_from_world * angular);
        let base_from_flange = self.kinematics.forward(joints).rotation;
        let tool_from_flange = base_from_flange * -self.flange_from_tool.translation.vector;
        let linear = linear + angular.cross(&tool_from_flange);
        let wanted = Vector6::new(linear.x, linear.y, linear.z, angular.x, angular.y, angular.z);
        self.kinematics.jacobian(joints).lu().solve(&wanted)
    }
}

/// The largest speed and acceleration along the way, in ways, that keep every joint within its
/// own, and within `speed` and `acceleration`.
fn within_joints(
    arm: &ArmModel,
    slope: &Joints,
    bend: &Joints,
    mut speed: f64,
    mut acceleration: f64,
) -> (f64, f64) {
    for i in 0..6 {
        speed = speed.min(arm.joint_speed[i] / slope[i]);
        speed = speed.min((arm.joint_acceleration[i] * (1.0 - SPARE) / bend[i]).sqrt());
    }
    for i in 0..6 {
        let left = arm.joint_acceleration[i] - bend[i] * speed * speed;
        acceleration = acceleration.min(left / slope[i]);
    }
    (speed, acceleration)
}

/// Largest first and second derivative of each joint along the way.
fn steepest(knots: &[Knot]) -> (Joints, Joints) {
    let (mut slope, mut bend) = (Joints::zeros(), Joints::zeros());
    let h = 1.0 / (knots.len() - 1) as f64;
    for pair in knots.windows(2) {
        let (a, b) = (&pair[0], &pair[1]);
        let chord = (b.joints - a.joints) / h;
        // The cubic's second derivative is linear: largest at an end.
        let first = (chord * 6.0 - a.slope * 4.0 - b.slope * 2.0) / h;
        let last = (a.slope * 2.0 + b.slope * 4.0 - chord * 6.0) / h;
        for i in 0..6 {
            bend[i] = bend[i].max(first[i].abs()).max(last[i].abs());
            // Its first is a parabola: largest at an end or where the second is zero.
            let turns = first[i] / (first[i] - last[i]);
            let vertex = if turns > 0.0 && turns < 1.0 {
                a.slope[i] + first[i] * turns * h / 2.0
            } else {
                0.0
            };
            slope[i] = slope[i].max(a.slope[i].abs()).max(b.slope[i].abs()).max(vertex.abs());
        }
    }
    (slope, bend)
}

#[cfg(test)]
#[path = "trajectory_tests.rs"]
mod tests;
