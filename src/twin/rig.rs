//! The twin's arm, table and cameras as a rig in this process: no wire, no clock, the same gaps.
//!
//! What a driver does over the wire is done here in virtual time, cycle by cycle: straight moves as fast as they were
//! checked, guards that end them, fingers that are waited for. A trial hangs on its key and nothing before it, so
//! that a study on it can be resumed and shared out. What differs from the wire: the plate is laid by a person for each
//! trial, exactly where its scene instance says, where a real arm brings it back itself. A pick place that stands elsewhere
//! than it was taught therefore shows at the target here, and on a wire in the picture: what a policy has to learn is the same.

mod eyes;

use std::ops::ControlFlow;

use nalgebra::Isometry3;

use self::eyes::Looks;
use super::body::{Body, CYCLE};
use super::motion::Motion;
use crate::arm::{ArmModel, CheckedPath, JointTrajectory, Joints, Line, Planner, Segment};
use crate::cell::{
    Arm, CellPlan, DeviceError, Eyes, Grip, Gripper, Harm, Measured, Rig, RobotTime, ScriptedCell,
    SimTruth, Snapshot, Watch, flatten, placement,
};
use crate::config::Furniture;
use crate::input::{Check, ConfigError};
use crate::task::{ContextSignal, Image, Pose2, RewardSignal, Setup, Stream, TaskSpec};
use crate::twin::Plan;
use crate::wire::gripper::{Object, Variable};

/// See the module.
pub struct TwinRig {
    plan: Plan,
    cell: CellPlan,
    arm: ArmModel,
    body: Body,
    looks: Looks,
    /// Control cycles since the trial began.
    cycles: u64,
    setup: Option<Setup>,
    peak_force_n: f64,
    resisted: bool,
    moves: Moves,
}

/// How a real cell moves its arm; m/s2, N, metres.
#[derive(Clone, Copy, Debug)]
struct Moves {
    stop: f64,
    guard_n: f64,
    grip_tolerance: f64,
    /// Force and speed of the fingers, 0 to 255.
    fingers: [u8; 2],
}

/// How often a watcher is shown the cell, cycles.
const TICK: u64 = 20;
/// Cycles in a row with more force than the guard's that end a move, as the program on a controller counts them.
const STRIKES: u32 = 3;
/// Slower than this a joint stands, rad/s, for so many cycles.
const STANDS: f64 = 2.5e-3;
const STANDS_CYCLES: u32 = 3;
/// Cycles that anything is waited for: fingers, joints, a plate that has been laid.
const PATIENCE: u64 = 2_500;

impl Plan {
    /// This twin as a cell in virtual time. `task` says what its policies see and how a placement is rewarded; noise of
    /// the simulation counts for nothing here.
    ///
    /// # Errors
    /// The robot file has no `[real]`, cameras that were not taught, or a task with dirt.
    pub fn cell(&self, task: &TaskSpec) -> Result<ScriptedCell<TwinRig>, ConfigError> {
        let rig = TwinRig::new(self, task)?;
        let known = rig.arm.clone();
        let clear = self.arm.spec.furniture == Furniture::Clear;
        let furniture = self.drawn.obstacles().filter(|_| clear);
        let planner = Planner::new(self.robot.envelope.clone(), Some(known)).among(furniture);
        let plan = rig.cell.clone();
        Ok(ScriptedCell::simulated(rig, plan, planner))
    }
}

impl TwinRig {
    fn new(plan: &Plan, task: &TaskSpec) -> Result<Self, ConfigError> {
        let check = Check { file: plan.robot.name.file() };
        let missing = || check.error("[real]", "missing", "must be there for --backend twin");
        let real = plan.robot.real.as_ref().ok_or_else(missing)?;
        let valid = "must not be there with --backend twin: dirt and drift are simulated";
        let of_task = Check { file: "task" };
        of_task.that(!task.is_dirty(), "task.dirt", "given", valid)?;
        let byte = |share: f64| (share.clamp(0.0, 1.0) * 255.0).round() as u8;
        let moves = Moves {
            stop: real.stop_mm_s2 / 1e3,
            guard_n: plan.robot.speeds.guard_n,
            grip_tolerance: real.grip_tolerance_mm / 1e3,
            fingers: [byte(real.gripper_force), byte(real.gripper_speed)],
        };
        let looks = Looks::new(&plan.robot, &plan.spec, &plan.scene, task)?;
        let body = plan.body().0;
        let arm = ArmModel { kinematics: body.own().clone(), ..plan.arm.model.clone() };
        Ok(Self {
            cell: plan.taught(),
            plan: plan.clone(),
            arm,
            body,
            looks,
            cycles: 0,
            setup: None,
            peak_force_n: 0.0,
            resisted: false,
            moves,
        })
    }

    fn step(&mut self) {
        // A motion that cannot go on ends where it is, as a controller's does.
        let _ = self.body.step(true);
        self.cycles += 1;
        self.peak_force_n = self.peak_force_n.max(self.body.force().norm());
    }

    fn show(&self, segment: &'static str, watch: &mut dyn Watch) -> Result<(), DeviceError> {
        let snapshot = Snapshot {
            time: self.now(),
            segment,
            world_from_tool: self.believed(),
            opening: self.body.table.opening(),
            world_from_plate: self.body.table.world_from_plate(),
        };
        match watch.tick(&snapshot) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(DeviceError::Cancelled),
        }
    }

    /// Steps until this is so, at most [`PATIENCE`] cycles.
    fn wait(
        &mut self,
        doing: &'static str,
        watch: &mut dyn Watch,
        mut is_over: impl FnMut(&Self) -> bool,
    ) -> Result<(), DeviceError> {
        for _ in 0..PATIENCE {
            self.step();
            if self.cycles.is_multiple_of(TICK) {
                self.show(doing, watch)?;
            }
            if is_over(self) {
                break;
            }
        }
        Ok(())
    }

    /// `world_from_tool` by the joints as they are measured and the arm as the controller knows it.
    fn believed(&self) -> Isometry3<f64> {
        self.arm.tool(self.body.drive().actual())
    }

    /// Whether the guard ended it.
    fn make(
        &mut self,
        segment: &Segment,
        way: &JointTrajectory,
        watch: &mut dyn Watch,
    ) -> Result<bool, DeviceError> {
        let line = Line::new(self.believed(), segment.world_from_tool);
        if line.is_there() {
            return Ok(false);
        }
        let guard = if segment.contact { self.moves.guard_n } else { f64::INFINITY };
        if segment.contact {
            self.body.zero_force();
        }
        let metres = self.arm.tool_way(way).max(Line::THERE);
        let (speed, acceleration) = (metres * way.peak_speed(), metres * way.peak_acceleration());
        let from = self.body.known().tool(self.body.target());
        let to = self.body.world_from_base().inverse() * segment.world_from_tool;
        self.body.start(Motion::line(from, to, acceleration, speed, 0.0), None);
        let (mut strikes, mut resisted) = (0, false);
        while self.body.is_moving() {
            self.step();
            if self.cycles.is_multiple_of(TICK) {
                self.show(segment.name, watch)?;
            }
            let strikes_now = self.body.force().norm() > guard;
            strikes = if strikes_now { strikes + 1 } else { 0 };
            if strikes >= STRIKES && !resisted {
                resisted = true;
                let stop = self.moves.stop;
                if let Some(motion) = self.body.motion() {
                    motion.brake(motion.pace() / stop);
                }
            }
        }
        let mut still = 0;
        self.wait(segment.name, watch, |rig| {
            let stands = rig.body.drive().speed().amax() < STANDS;
            still = if stands { still + 1 } else { 0 };
            still >= STANDS_CYCLES
        })?;
        Ok(resisted)
    }

    /// Sends the fingers to a position, 0 open to 255 closed, and waits for them.
    fn fingers(
        &mut self,
        position: u8,
        doing: &'static str,
        watch: &mut dyn Watch,
    ) -> Result<Object, DeviceError> {
        let [force, speed] = self.moves.fingers;
        for (variable, value) in [
            (Variable::For, force),
            (Variable::Spe, speed),
            (Variable::Pos, position),
            (Variable::Gto, 1),
        ] {
            self.body.gripper.set(variable, i64::from(value));
        }
        let heard = |rig: &Self| rig.body.gripper.get(Variable::Pre) == i64::from(position);
        self.wait(doing, watch, |rig| heard(rig) && rig.object() != Object::Moving)?;
        self.looks.forget();
        Ok(self.object())
    }

    fn object(&self) -> Object {
        Object::from_number(self.body.gripper.get(Variable::Obj)).unwrap_or(Object::Moving)
    }

    /// Something is between the fingers, and as thick as a plate.
    fn has_plate(&self) -> bool {
        let off = self.body.table.opening() - self.plan.drawn.plate.size.z;
        self.object() == Object::InnerContact && off.abs() <= self.moves.grip_tolerance
    }
}

impl Arm for TwinRig {
    fn now(&self) -> RobotTime {
        RobotTime { seconds: self.cycles as f64 * CYCLE }
    }

    fn tool(&mut self) -> Result<Isometry3<f64>, DeviceError> {
        Ok(self.believed())
    }

    fn joints(&mut self) -> Result<Option<Joints>, DeviceError> {
        Ok(Some(*self.body.drive().actual()))
    }

    fn follow(
        &mut self,
        path: &CheckedPath,
        watch: &mut dyn Watch,
    ) -> Result<Isometry3<f64>, DeviceError> {
        for (at, segment) in path.segments().iter().enumerate() {
            let Some(way) = path.trajectory(at) else {
                let what = "this path was not checked for an arm with joints".to_owned();
                return Err(DeviceError::Fault { device: "arm", what });
            };
            let resisted = self.make(segment, way, watch)?;
            self.looks.forget();
            self.resisted |= resisted;
            // What comes next was planned from this segment's end.
            if resisted {
                break;
            }
        }
        self.tool()
    }
}

impl Gripper for TwinRig {
    fn open(&mut self, watch: &mut dyn Watch) -> Result<(), DeviceError> {
        self.fingers(0, "open", watch).map(drop)
    }

    fn close(&mut self, watch: &mut dyn Watch) -> Result<Grip, DeviceError> {
        self.fingers(255, "close", watch)?;
        Ok(Grip { opening: self.body.table.opening(), holds: self.has_plate() })
    }

    fn holds(&mut self) -> Result<bool, DeviceError> {
        Ok(self.has_plate())
    }
}

impl Eyes for TwinRig {
    fn look(&mut self) -> Result<Image, DeviceError> {
        self.looks.picture(&self.body)
    }

    fn locate(&mut self) -> Result<Option<Pose2>, DeviceError> {
        Ok(self.looks.locate(&self.body))
    }

    fn measure(&mut self) -> Result<Option<Measured>, DeviceError> {
        Ok(self.looks.measure(&self.body))
    }
}

impl Rig for TwinRig {
    fn sees(&self) -> (RewardSignal, ContextSignal) {
        (RewardSignal::Signed, ContextSignal::Pose)
    }

    /// A frame takes as long as the rest of the trial.
    fn keeps_pictures(&self) -> bool {
        true
    }

    fn begin(&mut self, setup: &Setup) {
        self.setup = Some(*setup);
        self.looks.begin(setup);
        self.cycles = 0;
    }

    fn begin_attempt(&mut self) {
        (self.peak_force_n, self.resisted) = (0.0, false);
    }

    /// A person lays it, the arm at home and its fingers open.
    fn set_plate(&mut self, offset: Pose2) -> Result<bool, DeviceError> {
        self.body = self.plan.body().0;
        if let Some(setup) = &self.setup {
            self.body.hears(setup.streams.draw(Stream::Actuation, setup.key));
        }
        self.body.gripper.open_by_hand();
        self.body.table.put_plate(offset);
        for _ in 0..PATIENCE {
            self.step();
            if self.body.table.rests() && self.object() != Object::Moving {
                break;
            }
        }
        self.cycles = 0;
        self.looks.forget();
        Ok(true)
    }

    fn harm(&self) -> Harm {
        Harm { peak_force_n: self.peak_force_n, jam: self.resisted, ..Harm::default() }
    }
}

impl SimTruth for TwinRig {
    fn in_hand(&self) -> Option<Pose2> {
        let world_from_plate = self.body.table.world_from_plate().filter(|_| self.has_plate())?;
        let world_from_held = self.body.world_from_hand() * self.cell.plate_from_tool.inverse();
        Some(flatten(&(world_from_held.inverse() * world_from_plate)))
    }

    fn placement(&self) -> Measured {
        let scene = &self.plan.scene;
        let away = Isometry3::translation(0.0, 0.0, -1.0);
        let world_from_plate = self.body.table.world_from_plate().unwrap_or(away);
        let placement = placement(&(scene.world_from_place.inverse() * world_from_plate));
        Measured { placement, seated: scene.seat.holds(&placement) }
    }
}
