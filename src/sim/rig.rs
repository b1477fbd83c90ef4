use std::ops::ControlFlow;
use std::sync::Arc;

use nalgebra::{Isometry3, Translation3, Vector3};
use rapier3d::math::{Pose, Vector};

use super::PhysicsSettings;
use super::camera::Camera;
use super::convert::{pose, vector_of};
use super::course::Course;
use super::dirt::{self, Nominal};
use super::guard::Guard;
use super::shapes::HandShapes;
use super::sweep::Sweep;
use super::world::{FingerCmd, World};
use crate::arm::{ArmModel, CheckedPath, JointTrajectory, Joints, Line, Motion, Segment};
use crate::cell::{
    Arm, CellPlan, Detail, DeviceError, Eyes, Harm, Image, Measured, Rig, RobotTime, Signals,
    Snapshot, Watch, flatten, lift, placement,
};
use crate::config::{Robot, Scene};
use crate::task::{
    Conditions, ContextSignal, Pose2, RewardSignal, Setup, Stream, TaskSpec, planar_noise,
};

/// The simulated rig: Rapier under the motion script. Contact is stepped; a free move is jumped
/// over once its sweep is shown to be clear. The clock runs as if it had been made.
pub struct SimRig {
    pub(super) scene: Scene,
    pub(super) robot: Robot,
    task: TaskSpec,
    plan: CellPlan,
    pub(super) settings: PhysicsSettings,
    shapes: HandShapes,
    camera: Camera,
    pub(super) world: World,
    pub(super) world_from_tool: Isometry3<f64>,
    /// An arm with joints, which the tool follows, and where they are.
    arm: Option<(Arc<ArmModel>, Joints)>,
    pub(super) fingers: FingerCmd,
    /// Seconds since the trial began.
    pub(super) clock: f64,
    trial: Option<Trial>,
    /// For how many steps the plate has been at rest.
    pub(super) still: u32,
    steps: u64,
    /// What each trial's scene and gripper are made from, where they differ from trial to trial.
    nominal: Option<Box<Nominal>>,
    /// How far the tool leaves its straight line half way, metres.
    sway: Option<Vector3<f64>>,
    /// The guard stopped the hand in this trial.
    stopped: bool,
    /// The hand touched the plate outside the grip in this trial.
    hit: bool,
}

/// What is drawn for one trial.
struct Trial {
    setup: Setup,
    disturbance: Pose2,
    measurement: Pose2,
    sighting: Pose2,
}

/// How often a watcher is shown the cell, seconds.
const TICK: f64 = 0.04;
/// Slower than this the plate counts as at rest, m/s.
pub(super) const REST_SPEED: f64 = 1e-3;
/// for so many steps in a row; a plate let go in the air is faster by then.
pub(super) const REST_STEPS: u32 = 4;
/// After how many steps of a move in contact it is asked again whether the rest is clear.
const ASK_EVERY: u64 = 4;
/// Longest wait for the plate to come to rest, seconds.
pub(super) const PATIENCE: f64 = 0.5;

impl SimRig {
    pub(super) fn new(
        scene: &Scene,
        robot: &Robot,
        task: &TaskSpec,
        plan: &CellPlan,
        settings: PhysicsSettings,
    ) -> Self {
        let fingers = FingerCmd { half_opening: robot.gripper.opening_mm / 2e3 };
        let world_from_tool = plan.world_from_home;
        let world = World::new(
            scene,
            &robot.gripper,
            &settings,
            &scene.world_from_pick,
            &world_from_tool,
            fingers,
        );
        Self {
            camera: Camera::new(scene),
            shapes: HandShapes::new(&robot.gripper),
            scene: scene.clone(),
            robot: robot.clone(),
            task: task.clone(),
            plan: plan.clone(),
            settings,
            world,
            world_from_tool,
            arm: robot.arm.as_ref().map(|arm| (Arc::new(arm.model.clone()), arm.home)),
            fingers,
            clock: 0.0,
            trial: None,
            still: REST_STEPS,
            steps: 0,
            nominal: task
                .is_dirty()
                .then(|| Box::new(Nominal { scene: scene.clone(), gripper: robot.gripper })),
            sway: None,
            stopped: false,
            hit: false,
        }
    }

    /// Physics steps made since the rig was built: where a trial's time goes.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The scene as the present trial meets it.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    pub fn world(&self) -> &World {
        &self.world
    }

    pub(super) fn dt(&self) -> f64 {
        self.settings.dt_ms / 1e3
    }

    pub(super) fn step(&mut self) {
        let dt = self.dt();
        self.world.step(dt, &self.world_from_tool, self.fingers);
        self.clock += dt;
        self.steps += 1;
        self.still = if self.world.plate_speed() < REST_SPEED { self.still + 1 } else { 0 };
        let closed = self.fingers != self.opened();
        self.hit |= self.world.hand_presses(closed);
    }

    pub(super) fn show(
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
    fn run(
        &mut self,
        segment: &Segment,
        way: Option<&JointTrajectory>,
        watch: &mut dyn Watch,
    ) -> Result<bool, DeviceError> {
        let course = self.course(segment, way)?;
        self.show(segment.name, watch)?;
        if !segment.contact && self.settings.skip_free {
            self.settle(segment.name, watch)?;
            let rides = self.plate_in_hand();
            let clear = |line| self.is_clear(line, rides);
            if self.still >= REST_STEPS && course.line().is_some_and(clear) {
                self.jump(segment.name, &course, 0.0, rides, watch)?;
                return Ok(false);
            }
        }
        self.steps_along(segment, &course, watch)
    }

    fn course<'a>(
        &self,
        segment: &Segment,
        way: Option<&'a JointTrajectory>,
    ) -> Result<Course<'a>, DeviceError> {
        match (&self.arm, way) {
            (None, None) => {
                let turn_speed = self.robot.speeds.turn_deg_s.to_radians();
                Ok(Course::Tool(Motion::new(self.world_from_tool, segment, turn_speed)))
            }
            (Some((arm, joints)), Some(way)) => {
                if (joints - way.from()).amax() > 1e-6 {
                    return Err(fault("the path begins elsewhere than at the arm's joints"));
                }
                Ok(Course::of_joints(Arc::clone(arm), way))
            }
            _ => Err(fault("the path was checked for another kind of robot")),
        }
    }

    fn move_to(&mut self, (world_from_tool, joints): (Isometry3<f64>, Option<Joints>)) {
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
            self.move_to(self.swayed(course, share));
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
                self.jump(name, course, share, true, watch)?;
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
        self.settings.skip_free && course.line().is_some_and(clear)
    }

    fn swayed(&self, course: &Course<'_>, share: f64) -> (Isometry3<f64>, Option<Joints>) {
        let (mut tool, joints) = course.at(share);
        if let Some(sway) = self.sway {
            // Smooth, 1 half way, 0 at both ends.
            let bulge = share * (1.0 - share);
            tool.translation.vector += sway * (16.0 * bulge * bulge);
        }
        (tool, joints)
    }

    /// Puts the tool at a motion's end, of which a share is done already.
    fn jump(
        &mut self,
        name: &'static str,
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
                segment: name,
                world_from_tool,
                opening,
                world_from_plate: Some(plate),
            };
            tick(watch, &snapshot)?;
        }
        self.move_to(course.at(1.0));
        self.world.jump(&self.world_from_tool, rides);
        self.clock = began + left;
        Ok(())
    }

    /// Held by both pads and touching nothing else.
    fn plate_in_hand(&self) -> bool {
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
        if let Some(sway) = self.sway {
            let reach = Vector::splat(sway.norm() as f32);
            moving.iter_mut().for_each(|(_, half)| *half += reach);
        }
        Sweep { moving, standing: self.standing(!rides) }.is_clear(line)
    }

    /// `tool_from_box` of a finger and half its sides.
    pub(super) fn finger(&self, side: f32, travel: f64) -> (Pose, Vector) {
        let (at, half) = self.shapes.finger(side);
        (self.shapes.travelled(side, travel as f32) * at, half)
    }

    pub(super) fn standing(&self, plate: bool) -> Vec<(Pose, Vector)> {
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
    pub(super) fn settle(
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

    pub(super) fn steps_a_tick(&self, watch: &dyn Watch) -> u64 {
        if watch.closely() { 1 } else { ((TICK / self.dt()) as u64).max(1) }
    }

    fn check_numbers(&self) -> Result<(), DeviceError> {
        if self.world.is_finite() {
            return Ok(());
        }
        Err(fault("the plate's pose is not a number"))
    }

    fn seat_from_plate(&self) -> Isometry3<f64> {
        self.scene.world_from_place.inverse() * self.world.world_from_plate()
    }

    fn trial(&self) -> Result<&Trial, DeviceError> {
        self.trial.as_ref().ok_or_else(|| fault("asked before a trial was begun"))
    }
}

impl Arm for SimRig {
    fn now(&self) -> RobotTime {
        RobotTime { seconds: self.clock }
    }

    fn tool(&mut self) -> Result<Isometry3<f64>, DeviceError> {
        Ok(self.world_from_tool)
    }

    fn joints(&mut self) -> Result<Option<Joints>, DeviceError> {
        Ok(self.arm.as_ref().map(|(_, joints)| *joints))
    }

    fn follow(
        &mut self,
        path: &CheckedPath,
        watch: &mut dyn Watch,
    ) -> Result<Isometry3<f64>, DeviceError> {
        for (i, segment) in path.segments().iter().enumerate() {
            // What comes next was planned from this segment's end.
            if self.run(segment, path.trajectory(i), watch)? {
                break;
            }
        }
        Ok(self.world_from_tool)
    }
}

impl Eyes for SimRig {
    fn look(&mut self) -> Result<Image, DeviceError> {
        let setup = self.trial()?.setup;
        Ok(self.camera.look(&self.world.world_from_plate(), &setup, &self.task))
    }

    fn locate(&mut self) -> Result<Option<Pose2>, DeviceError> {
        let error = self.trial()?.sighting;
        let pick_from_world = self.scene.world_from_pick.inverse();
        let plate = flatten(&(pick_from_world * self.world.world_from_plate()));
        Ok(Some(plus(plate, error)))
    }

    fn measure(&mut self) -> Result<Option<Measured>, DeviceError> {
        let error = self.trial()?.measurement;
        let truth = self.truth();
        Ok(truth.map(|mut m| {
            m.placement.pose = plus(m.placement.pose, error);
            m
        }))
    }
}

impl Rig for SimRig {
    fn offers(&self) -> Signals {
        Signals { reward: RewardSignal::Signed, context: ContextSignal::Pose, truth: true }
    }

    fn begin(&mut self, setup: &Setup) {
        let draw = |stream| setup.streams.draw(stream, setup.key);
        let mut measured = draw(Stream::Measurement);
        self.trial = Some(Trial {
            setup: *setup,
            disturbance: planar_noise(self.task.actuation, &mut draw(Stream::Actuation)),
            measurement: planar_noise(self.task.measurement, &mut measured),
            sighting: planar_noise(self.task.measurement, &mut measured),
        });
        // A trial's bits must not depend on what was simulated before it.
        self.clock = 0.0;
        (self.stopped, self.hit) = (false, false);
        if let Some(nominal) = &self.nominal {
            let real = Conditions::draw(&self.task, setup);
            self.scene = nominal.scene(&real);
            self.robot.gripper = nominal.gripper(&real);
            self.sway = dirt::sway(&real);
            self.camera.aim(&nominal.scene, &self.scene, &real);
        }
    }

    fn set_plate(&mut self, offset: Pose2) -> Result<bool, DeviceError> {
        let home = self.robot.arm.as_ref().map(|arm| arm.home);
        self.move_to((self.plan.world_from_home, home));
        self.fingers = self.opened();
        self.still = REST_STEPS;
        self.world = World::new(
            &self.scene,
            &self.robot.gripper,
            &self.settings,
            &(self.scene.world_from_pick * lift(offset)),
            &self.world_from_tool,
            self.fingers,
        );
        Ok(true)
    }

    fn disturbance(&self) -> Pose2 {
        self.trial.as_ref().map_or(Pose2::IDENTITY, |t| t.disturbance)
    }

    fn in_hand(&self) -> Option<Pose2> {
        let world_from_hand = self.world_from_tool * self.plan.plate_from_tool.inverse();
        let held = self.plate_in_hand();
        held.then(|| flatten(&(world_from_hand.inverse() * self.world.world_from_plate())))
    }

    fn truth(&self) -> Option<Measured> {
        let placement = placement(&self.seat_from_plate());
        let seat = &self.scene.seat;
        Some(Measured { placement, seated: seat.holds(&placement) })
    }

    fn harm(&self) -> Harm {
        Harm {
            peak_force_n: self.world.peak_force_n(),
            jam: self.stopped,
            drop: false,
            plate_hit: Some(self.hit),
        }
    }
}

fn fault(what: &str) -> DeviceError {
    DeviceError::Fault { device: "simulation", what: what.to_owned() }
}

fn plus(pose: Pose2, error: Pose2) -> Pose2 {
    Pose2::from_axes(std::array::from_fn(|axis| pose.axes()[axis] + error.axes()[axis]))
}

fn tick(watch: &mut dyn Watch, snapshot: &Snapshot) -> Result<(), DeviceError> {
    match watch.tick(snapshot) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(DeviceError::Cancelled),
    }
}
