//! How a checked path is carried out: stepped where something may touch, jumped over where the
//! sweep is clear.

use std::ops::ControlFlow;
use std::sync::Arc;

use nalgebra::{Isometry3, Translation3};
use rapier3d::math::{Pose, Vector};

use super::super::convert::{pose, vector_of};
use super::super::course::Course;
use super::super::guard::Guard;
use super::super::sweep::Sweep;
use super::{SimRig, fault};
use crate::arm::{JointTrajectory, Joints, Line, Motion, Segment};
use crate::cell::{CellPlan, Detail, DeviceError, Place, RobotTime, Snapshot, Watch};

/// How often a watcher is shown the cell, seconds.
const TICK: f64 = 0.04;
/// Slower than this the plate counts as at rest, m/s.
pub(in crate::sim) const REST_SPEED: f64 = 1e-3;
/// for so many steps in a row; a plate let go in the air is faster by then.
pub(in crate::sim) const REST_STEPS: u32 = 4;
/// Longest wait for the plate to come to rest, seconds.
pub(in crate::sim) const PATIENCE: f64 = 0.5;
/// After how many steps of a move in contact it is asked again whether the rest is clear.
const ASK_EVERY: u64 = 4;

impl SimRig {
    pub(in crate::sim) fn step(&mut self) {
        let dt = self.dt();
        self.world.step(dt, &self.world_from_tool, self.fingers);
        self.clock += dt;
        self.steps += 1;
        self.still = if self.world.plate_speed() < REST_SPEED { self.still + 1 } else { 0 };
        let closed = self.fingers != self.opened();
        self.hit |= self.world.hand_presses(closed);
    }

    pub(in crate::sim) fn show(
        &self,
        segment: &'static str,
        watch: &mut dyn Watch,
    ) -> Result<(), DeviceError> {
        if watch.closely() {
            watch.detail(&self.world.detail(self.dt()));
        }
        let snapshot = Snapshot {
            time: RobotTime { seconds: self.clock },
            segment,
            world_from_tool: self.world_from_tool,
            opening: self.world.opening(),
            world_from_plate: Some(self.world.world_from_plate()),
        };
        tick(watch, &snapshot)
    }

    /// Whether the guard stopped the segment before its end.
    pub(super) fn run(
        &mut self,
        segment: &Segment,
        way: Option<&JointTrajectory>,
        watch: &mut dyn Watch,
    ) -> Result<bool, DeviceError> {
        let miss = Line::new(self.told_from_tool, self.miss_at(&segment.world_from_tool));
        let course = self.course(segment, way, miss)?;
        if self.settling.is_some() {
            let planned = course.at(0.0).0.translation.vector;
            self.left = self.world_from_tool.translation.vector - planned;
        }
        self.show(segment.name, watch)?;
        if !segment.contact && self.settings.skip_free {
            self.settle(segment.name, watch)?;
            let rides = self.plate_in_hand();
            let clear = |line| self.is_clear(line, rides);
            if self.still >= REST_STEPS && clear(course.line()) {
                self.jump(segment, &course, 0.0, rides, watch)?;
                return Ok(false);
            }
        }
        self.steps_along(segment, &course, watch)
    }

    fn course<'a>(
        &self,
        segment: &Segment,
        way: Option<&'a JointTrajectory>,
        miss: Line,
    ) -> Result<Course<'a>, DeviceError> {
        match (&self.arm, way) {
            (None, None) => {
                let turn_speed = self.robot.speeds.turn_deg_s.to_radians();
                let world_from_tool = segment.world_from_tool * miss.to();
                let missed = Segment { world_from_tool, ..segment.clone() };
                Ok(Course::of_tool(Motion::new(self.world_from_tool, &missed, turn_speed), miss))
            }
            (Some((arm, joints)), Some(way)) => {
                if (joints - way.from()).amax() > 1e-6 {
                    return Err(fault("the path begins elsewhere than at the arm's joints"));
                }
                Ok(Course::of_joints(Arc::clone(arm), way, miss))
            }
            _ => Err(fault("the path was checked for another kind of robot")),
        }
    }

    /// `told_from_tool` of an arm that was told to go there: it misses by the trial's noise where it
    /// works at the pick place, and neither at the target nor at home.
    fn miss_at(&self, world_from_told: &Isometry3<f64>) -> Isometry3<f64> {
        let from = |place: &Place| {
            let way =
                world_from_told.translation.vector - place.world_from_place.translation.vector;
            libm::hypot(way.x, way.y)
        };
        let CellPlan { pick, target, world_from_home, .. } = &self.plan;
        let at_pick = world_from_told != world_from_home && from(pick) < from(target);
        let trial = self.trial.as_ref().filter(|_| at_pick);
        trial.map_or_else(Isometry3::identity, |trial| trial.told_from_tool)
    }

    /// Puts tool and joints where they are at a share of a segment.
    fn go_to(&mut self, segment: &Segment, course: &Course<'_>, share: f64) {
        self.told_from_tool = course.told_from_tool(share);
        self.move_to(self.swayed(segment, course, share));
    }

    pub(super) fn move_to(&mut self, (world_from_tool, joints): (Isometry3<f64>, Option<Joints>)) {
        self.world_from_tool = world_from_tool;
        if let (Some((_, at)), Some(joints)) = (&mut self.arm, joints) {
            *at = joints;
        }
    }

    fn steps_along(
        &mut self,
        segment: &Segment,
        course: &Course<'_>,
        watch: &mut dyn Watch,
    ) -> Result<bool, DeviceError> {
        let name = segment.name;
        let count = (course.duration() / self.dt()).ceil() as u64;
        let every = self.steps_a_tick(watch);
        let mut guard = Guard::new(self.robot.speeds.guard_n, self.dt());
        for i in 1..=count {
            let stop = guard.stops_in(i).filter(|_| segment.contact);
            let share = stop.unwrap_or(i as f64) / count as f64;
            self.go_to(segment, course, share);
            self.step();
            if stop.is_some() {
                self.stopped = true;
                self.check_numbers()?;
                return Ok(true);
            }
            guard.feel(i, self.world.furniture_force());
            if i % every == 0 {
                self.show(name, watch)?;
            }
            if i % ASK_EVERY == 0 && i < count && self.hangs_clear(course) {
                self.jump(segment, course, share, true, watch)?;
                return Ok(false);
            }
        }
        self.check_numbers()?;
        Ok(false)
    }

    /// Does the plate hang in the hand, the rest of the way before it being clear?
    fn hangs_clear(&self, course: &Course<'_>) -> bool {
        let clear = |line: &Line| {
            let rest = Line::new(self.world_from_tool, *line.to());
            self.plate_in_hand() && self.is_clear(&rest, true)
        };
        self.settings.skip_free && clear(course.line())
    }

    /// Where the tool really is at a share of a segment, and the joints.
    fn swayed(
        &self,
        segment: &Segment,
        course: &Course<'_>,
        share: f64,
    ) -> (Isometry3<f64>, Option<Joints>) {
        let (mut tool, joints) = course.at(share);
        if let Some(sway) = self.sway {
            // Smooth, 1 half way, 0 at both ends.
            let bulge = share * (1.0 - share);
            tool.translation.vector += sway * (16.0 * bulge * bulge);
        }
        if let Some(settling) = self.settling {
            // From what the last move left to what this one leaves.
            let leaves = settling * (segment.speed / self.plan.free_speed);
            let ramp = share * share * (3.0 - 2.0 * share);
            tool.translation.vector += self.left + (leaves - self.left) * ramp;
        }
        (tool, joints)
    }

    /// Puts the tool at a motion's end, of which a share is done already.
    fn jump(
        &mut self,
        segment: &Segment,
        course: &Course<'_>,
        done: f64,
        rides: bool,
        watch: &mut dyn Watch,
    ) -> Result<(), DeviceError> {
        let began = self.clock;
        let tool_from_plate = self.world_from_tool.inverse() * self.world.world_from_plate();
        let opening = self.world.opening();
        let tick_s = if watch.closely() { self.dt() } else { TICK };
        let start = watch.closely().then(|| self.world.detail(self.dt()));
        let world_from_start = self.world_from_tool;
        let left = course.duration() * (1.0 - done);
        let ticks = (left / tick_s) as u64;
        for i in 1..=ticks {
            let share = done + i as f64 * tick_s / course.duration();
            let world_from_tool = course.at(share).0;
            if let Some(start) = &start {
                let moved = world_from_tool * world_from_start.inverse();
                let world_from_fingers = start.world_from_fingers.map(|f| moved * f);
                watch.detail(&Detail { world_from_fingers, contacts: start.contacts.clone() });
            }
            let plate = if rides {
                world_from_tool * tool_from_plate
            } else {
                self.world.world_from_plate()
            };
            let snapshot = Snapshot {
                time: RobotTime { seconds: began + i as f64 * tick_s },
                segment: segment.name,
                world_from_tool,
                opening,
                world_from_plate: Some(plate),
            };
            tick(watch, &snapshot)?;
        }
        self.go_to(segment, course, 1.0);
        self.world.jump(&self.world_from_tool, rides);
        self.clock = began + left;
        Ok(())
    }

    /// Held by both pads and touching nothing else.
    pub(super) fn plate_in_hand(&self) -> bool {
        let touch = self.world.touch();
        touch.upper_pad && touch.lower_pad && !touch.furniture
    }

    fn is_clear(&self, line: &Line, rides: bool) -> bool {
        let [upper, lower] = self.world.finger_travel();
        let mut moving =
            vec![self.shapes.palm(), self.finger(1.0, upper), self.finger(-1.0, lower)];
        if rides {
            let (world_from_box, half) = self.plate_box();
            let tool_from_world = pose(&line.from().inverse());
            moving.push((tool_from_world * world_from_box, half));
        }
        if self.sway.is_some() || self.settling.is_some() {
            let off =
                self.sway.unwrap_or_default().norm() + self.settling.unwrap_or_default().norm();
            let reach = Vector::splat(off as f32);
            moving.iter_mut().for_each(|(_, half)| *half += reach);
        }
        Sweep { moving, standing: self.standing(!rides) }.is_clear(line)
    }

    /// `tool_from_box` of a finger and half its sides.
    pub(in crate::sim) fn finger(&self, side: f32, travel: f64) -> (Pose, Vector) {
        let (at, half) = self.shapes.finger(side);
        (self.shapes.travelled(side, travel as f32) * at, half)
    }

    pub(in crate::sim) fn standing(&self, plate: bool) -> Vec<(Pose, Vector)> {
        let furniture =
            self.scene.statics.iter().map(|b| (pose(&b.world_from_box), vector_of(&b.half)));
        furniture.chain(plate.then(|| self.plate_box())).collect()
    }

    /// `world_from_box` of the plate and half its sides.
    fn plate_box(&self) -> (Pose, Vector) {
        let half_sides = self.scene.plate.size / 2.0;
        let centre = Translation3::new(0.0, 0.0, half_sides.z);
        (pose(&(self.world.world_from_plate() * centre)), vector_of(&half_sides))
    }

    /// Waits until the plate lies or hangs still.
    pub(in crate::sim) fn settle(
        &mut self,
        name: &'static str,
        watch: &mut dyn Watch,
    ) -> Result<(), DeviceError> {
        let most = (PATIENCE / self.dt()) as u32;
        let every = self.steps_a_tick(watch);
        for i in 1..=most {
            if self.still >= REST_STEPS {
                break;
            }
            self.step();
            if u64::from(i) % every == 0 {
                self.show(name, watch)?;
            }
        }
        self.check_numbers()
    }

    pub(in crate::sim) fn steps_a_tick(&self, watch: &dyn Watch) -> u64 {
        if watch.closely() { 1 } else { ((TICK / self.dt()) as u64).max(1) }
    }

    pub(super) fn check_numbers(&self) -> Result<(), DeviceError> {
        if self.world.is_finite() {
            return Ok(());
        }
        Err(fault("the plate's pose is not a number"))
    }
}

fn tick(watch: &mut dyn Watch, snapshot: &Snapshot) -> Result<(), DeviceError> {
    match watch.tick(snapshot) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(DeviceError::Cancelled),
    }
}
