use nalgebra::{Isometry3, Point3, Vector3};

use super::{ArmModel, Body, Capsule, JointTrajectory, Joints};

/// A box that stands in the cell. World frame, metres.
#[derive(Clone, Debug, PartialEq)]
pub struct Obstacle {
    pub name: String,
    pub world_from_box: Isometry3<f64>,
    /// Half of each side.
    pub half: Vector3<f64>,
    /// Furniture of the task: the hand works at it, and is checked against it with its own boxes where scene and
    /// robot are; only links keep clear of it.
    pub hand_works_here: bool,
}

/// A part of the arm that comes too near to what stands there.
#[derive(Clone, Debug, PartialEq)]
pub struct NearObstacle {
    pub link: &'static str,
    pub obstacle: String,
    /// Metres; where they overlap, less the rod's radius.
    pub distance: f64,
    /// Share of the way.
    pub share: f64,
}

/// What lies this much farther off than the clearance is refused too, metres, so that each look carries the proof on.
const MARGIN: f64 = 0.1e-3;
/// Places of a way that is refused.
const LOOKS: u32 = 200;
/// A box whose top is no higher than this over the base's foot is what the arm stands on, metres.
const FOOT: f64 = 1e-3;

impl Body {
    /// Is that far enough from an obstacle, metres? A distance that is not a number is not.
    pub fn keeps_clear(&self, distance: f64) -> bool {
        distance >= self.least_to_obstacles()
    }

    /// Metres.
    pub fn least_to_obstacles(&self) -> f64 {
        self.clearance + MARGIN
    }

    /// Does every link keep its clearance from every obstacle all along the way? The proof advances each part by what
    /// its nearest obstacle allows (conservative advancement), so that nothing can be between two looks; what comes
    /// nearer than the clearance and [`MARGIN`] at a look is refused.
    pub fn check_obstacles(
        &self,
        arm: &ArmModel,
        trajectory: &JointTrajectory,
    ) -> Result<(), NearObstacle> {
        let nominal = arm.kinematics.uncalibrated();
        let mut parts: Vec<Part<'_>> = self.parts(arm, trajectory.steepest());
        loop {
            let share = parts.iter().map(|part| part.clear_until).fold(f64::INFINITY, f64::min);
            if share == f64::INFINITY {
                return Ok(());
            }
            let joints = trajectory.along(share).0;
            let links = nominal.base_from_links(&joints);
            let flange = nominal.forward(&joints);
            for part in parts.iter_mut().filter(|part| part.clear_until <= share) {
                let world_from_link = arm.world_from_base * frame(part.shape, &links, &flange);
                let (obstacle, distance) = part.nearest(&world_from_link);
                if !self.keeps_clear(distance) {
                    let (link, obstacle) = (part.shape.name(), obstacle.to_owned());
                    let here = NearObstacle { link, obstacle, distance, share };
                    return Err(part.worst(arm, trajectory, here));
                }
                let step = (distance - self.clearance) / part.fastest;
                part.clear_until =
                    if share >= 1.0 { f64::INFINITY } else { (share + step).min(1.0) };
            }
        }
    }

    /// The part nearest to an obstacle at these joints; none where there is no obstacle.
    pub fn nearest_obstacle(&self, arm: &ArmModel, joints: &Joints) -> Option<NearObstacle> {
        let nominal = arm.kinematics.uncalibrated();
        let (links, flange) = (nominal.base_from_links(joints), nominal.forward(joints));
        let near = |part: &Part<'_>| {
            let (obstacle, distance) =
                part.nearest(&(arm.world_from_base * frame(part.shape, &links, &flange)));
            let (link, obstacle) = (part.shape.name(), obstacle.to_owned());
            NearObstacle { link, obstacle, distance, share: 0.0 }
        };
        let parts = self.parts(arm, &Joints::zeros());
        parts.iter().map(near).min_by(|a, b| a.distance.total_cmp(&b.distance))
    }

    /// What moves, with what it keeps off.
    fn parts(&self, arm: &ArmModel, steepest: &Joints) -> Vec<Part<'_>> {
        let part = |shape| Part {
            shape,
            obstacles: self.obstacles.iter().filter(|o| self.keeps_off(arm, shape, o)).collect(),
            fastest: Joints::from_fn(|joint, _| extent(arm, shape, joint)).dot(steepest),
            clear_until: 0.0,
        };
        let moving = self.shapes.iter().filter(|shape| shape.link > 0).map(part);
        moving.filter(|part| !part.obstacles.is_empty()).collect()
    }

    /// The hand works at the task's furniture, and the shoulder turns on what the base stands on.
    fn keeps_off(&self, arm: &ArmModel, shape: &Capsule, obstacle: &Obstacle) -> bool {
        match shape.link {
            Capsule::HAND => !obstacle.hand_works_here,
            1 => obstacle.top(&arm.world_from_base) > FOOT,
            _ => true,
        }
    }
}

impl Obstacle {
    /// Height of its highest corner over this frame, metres.
    fn top(&self, world_from_frame: &Isometry3<f64>) -> f64 {
        let frame_from_box = world_from_frame.inverse() * self.world_from_box;
        let up = frame_from_box.rotation.to_rotation_matrix().matrix().row(2).into_owned();
        frame_from_box.translation.z + (0..3).map(|i| up[i].abs() * self.half[i]).sum::<f64>()
    }
}

/// A part that moves, what it keeps off, how far its fastest point can go in the whole way, and up to which share it is
/// known to be clear.
struct Part<'a> {
    shape: &'a Capsule,
    obstacles: Vec<&'a Obstacle>,
    fastest: f64,
    clear_until: f64,
}

impl<'a> Part<'a> {
    fn nearest(&self, world_from_link: &Isometry3<f64>) -> (&'a str, f64) {
        let far = ("", f64::INFINITY);
        let distances = self.obstacles.iter().map(|obstacle| {
            (obstacle.name.as_str(), distance(self.shape, obstacle, world_from_link))
        });
        distances.fold(far, |a, b| if b.1 < a.1 || b.1.is_nan() { b } else { a })
    }
}

impl Part<'_> {
    /// Where on the way it comes nearest, as far as a look at [`LOOKS`] more places shows: what a person wants to know.
    fn worst(
        &self,
        arm: &ArmModel,
        trajectory: &JointTrajectory,
        here: NearObstacle,
    ) -> NearObstacle {
        let nominal = arm.kinematics.uncalibrated();
        let look = |i: u32| {
            let share = f64::from(i) / f64::from(LOOKS);
            let joints = trajectory.along(share).0;
            let (links, flange) = (nominal.base_from_links(&joints), nominal.forward(&joints));
            let (obstacle, distance) =
                self.nearest(&(arm.world_from_base * frame(self.shape, &links, &flange)));
            NearObstacle { obstacle: obstacle.to_owned(), distance, share, ..here.clone() }
        };
        let nearer = |a: NearObstacle, b: NearObstacle| if b.distance < a.distance { b } else { a };
        (0..=LOOKS).map(look).fold(here.clone(), nearer)
    }
}

/// `base_from_link` of a shape that moves.
fn frame(shape: &Capsule, links: &[Isometry3<f64>; 6], flange: &Isometry3<f64>) -> Isometry3<f64> {
    if shape.link == Capsule::HAND { *flange } else { links[shape.link - 1] }
}

/// Farther from this joint's axis no point of the shape lies, metres; 0 where the joint does not move it.
pub(super) fn extent(arm: &ArmModel, shape: &Capsule, joint: usize) -> f64 {
    if shape.link <= joint {
        return 0.0;
    }
    let end = shape.from.coords.norm().max(shape.to.coords.norm());
    let last = shape.link.min(6);
    // Rows of the joints between, and the flange's own for the hand.
    let end_row = if shape.link == Capsule::HAND { 6 } else { last - 1 };
    let rows = &arm.kinematics.nominal[joint..end_row];
    rows.iter().map(|row| row.a.abs() + row.d.abs()).sum::<f64>() + end + shape.radius
}

/// From the rod's surface to the box, metres; negative within its radius.
fn distance(shape: &Capsule, obstacle: &Obstacle, world_from_link: &Isometry3<f64>) -> f64 {
    let box_from_link = obstacle.world_from_box.inverse() * world_from_link;
    let ends = [box_from_link * shape.from, box_from_link * shape.to];
    to_box(ends, &obstacle.half) - shape.radius
}

/// From a segment to the box about the origin with these half sides. The square of the distance of a point that goes
/// along the segment is convex and quadratic between where it crosses the planes of the sides: the least is exact.
fn to_box([from, to]: [Point3<f64>; 2], half: &Vector3<f64>) -> f64 {
    let way = to - from;
    let mut shares = [0.0; 8];
    shares[7] = 1.0;
    for axis in 0..3 {
        for (side, sign) in [-1.0, 1.0].into_iter().enumerate() {
            let share = (sign * half[axis] - from[axis]) / way[axis];
            // Parallel to the plane: crossed nowhere.
            shares[1 + 2 * axis + side] =
                if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        }
    }
    shares.sort_by(f64::total_cmp);
    let mut least = f64::INFINITY;
    for pair in shares.windows(2) {
        let middle = from + way * ((pair[0] + pair[1]) / 2.0);
        let (mut square, mut linear) = (0.0, 0.0);
        for axis in 0..3 {
            if middle[axis].abs() > half[axis] {
                let beyond = from[axis] - half[axis].copysign(middle[axis]);
                square += way[axis] * way[axis];
                linear += way[axis] * beyond;
            }
        }
        let turn = if square > 0.0 { -linear / square } else { pair[0] };
        let point = from + way * turn.clamp(pair[0], pair[1]);
        let off = Vector3::from_fn(|axis, _| (point[axis].abs() - half[axis]).max(0.0));
        // `min` would pass over what is not a number.
        let distance = off.norm() + 0.0 * point.coords.sum();
        least = if distance < least || distance.is_nan() { distance } else { least };
        if least.is_nan() {
            return least;
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use nalgebra::{Translation3, UnitQuaternion};
    use proptest::prelude::*;

    use super::*;

    /// By halving the way again and again, which finds the least of what is convex.
    fn searched(ends: [Point3<f64>; 2], half: &Vector3<f64>) -> f64 {
        let at = |share: f64| {
            let point = ends[0] + (ends[1] - ends[0]) * share;
            Vector3::from_fn(|axis, _| (point[axis].abs() - half[axis]).max(0.0)).norm()
        };
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..200 {
            let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
            if at(a) <= at(b) { high = b } else { low = a }
        }
        at(low).min(at(high))
    }

    proptest! {
        #[test]
        fn the_distance_from_a_rod_to_a_box_is_that_of_a_search_along_it(
            from in prop::array::uniform3(-1.0..1.0f64),
            to in prop::array::uniform3(-1.0..1.0f64),
            half in prop::array::uniform3(0.01..0.4f64),
            at in prop::array::uniform3(-0.5..0.5f64),
            turn in prop::array::uniform3(-3.0..3.0f64),
        ) {
            let [from, to, half] = [from, to, half].map(Vector3::from);
            let turn = UnitQuaternion::from_scaled_axis(Vector3::from(turn));
            let world_from_box = Isometry3::from_parts(Translation3::from(at), turn);
            let to_here = world_from_box.inverse();
            let ends = [from, to].map(|end| to_here * Point3::from(end));
            let ours = to_box(ends, &half);
            let theirs = searched(ends, &half);
            prop_assert!((ours - theirs).abs() < 1e-9, "{ours} {theirs}");
            // And no point of the segment is nearer.
            for i in 0..=100 {
                let point = ends[0] + (ends[1] - ends[0]) * (f64::from(i) / 100.0);
                let off = Vector3::from_fn(|axis, _| (point[axis].abs() - half[axis]).max(0.0));
                prop_assert!(ours <= off.norm() + 1e-12);
            }
        }
    }

    #[test]
    fn what_is_not_a_number_is_not_clear_and_a_point_is_a_rod() {
        let half = Vector3::repeat(0.1);
        let nan = Point3::new(f64::NAN, 0.0, 1.0);
        assert!(to_box([nan, Point3::origin()], &half).is_nan());
        let point = Point3::new(0.4, 0.0, 0.5);
        assert!((to_box([point, point], &half) - 0.5).abs() < 1e-12);
        assert_eq!(to_box([Point3::origin(), point], &half), 0.0, "it begins inside");
    }
}
