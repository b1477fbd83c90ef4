pub(super) mod motion;

use std::sync::Arc;

use nalgebra::{Isometry3, Vector3};

use self::motion::REST_STEPS;
use super::PhysicsSettings;
use super::camera::Camera;
use super::dirt::{self, Nominal};
use super::shapes::HandShapes;
use super::world::{FingerCmd, World};
use crate::arm::{ArmModel, CheckedPath, Joints};
use crate::cell::{
    Arm, CellPlan, DeviceError, Eyes, Harm, Measured, Rig, RobotTime, SimTruth, Watch, flatten,
    lift, placement,
};
use crate::config::{Robot, Scene};
use crate::task::{
    Conditions, ContextSignal, Image, Pose2, RewardSignal, Setup, Stream, TaskSpec, planar_noise,
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
    /// Where the tool truly is.
    pub(super) world_from_tool: Isometry3<f64>,
    /// How far that is from where the arm has its tool: the trial's actuation noise at the pick place.
    told_from_tool: Isometry3<f64>,
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
    pub(super) nominal: Option<Box<Nominal>>,
    /// How far the tool leaves its straight line half way, metres.
    sway: Option<Vector3<f64>>,
    /// How far the tool still is from the end of a free move, metres.
    settling: Option<Vector3<f64>>,
    /// How far the tool was, when the present move began, from where the plan had it: what the move
    /// before left.
    left: Vector3<f64>,
    /// The guard stopped the hand in this trial.
    stopped: bool,
    /// The hand touched the plate outside the grip in this trial.
    hit: bool,
}

/// What is drawn for one trial.
struct Trial {
    setup: Setup,
    /// Actuation noise.
    told_from_tool: Isometry3<f64>,
    /// Error of the arm's own reading of the tool.
    tool_from_reading: Isometry3<f64>,
    measurement: Pose2,
    sighting: Pose2,
}

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
            camera: Camera::new(scene, task.image),
            shapes: HandShapes::new(&robot.gripper),
            scene: scene.clone(),
            robot: robot.clone(),
            task: task.clone(),
            plan: plan.clone(),
            settings,
            world,
            world_from_tool,
            told_from_tool: Isometry3::identity(),
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
            settling: None,
            left: Vector3::zeros(),
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

    fn seat_from_plate(&self) -> Isometry3<f64> {
        self.scene.world_from_place.inverse() * self.world.world_from_plate()
    }

    /// A planar error of the hand's nominal plate frame as one of the tool.
    fn about_the_tool(&self, error: Pose2) -> Isometry3<f64> {
        let plate_from_tool = self.plan.plate_from_tool;
        plate_from_tool.inverse() * lift(error) * plate_from_tool
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
        Ok(self.world_from_tool * self.told_from_tool.inverse())
    }

    fn read_tool(&mut self) -> Result<Isometry3<f64>, DeviceError> {
        Ok(self.world_from_tool * self.trial()?.tool_from_reading)
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
        self.tool()
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
        Ok(Some(plate.plus(error)))
    }

    fn measure(&mut self) -> Result<Option<Measured>, DeviceError> {
        let error = self.trial()?.measurement;
        let mut measured = SimTruth::placement(self);
        measured.placement.pose = measured.placement.pose.plus(error);
        Ok(Some(measured))
    }
}

impl Rig for SimRig {
    fn sees(&self) -> (RewardSignal, ContextSignal) {
        (RewardSignal::Signed, ContextSignal::Pose)
    }

    fn begin(&mut self, setup: &Setup) {
        let draw = |stream| setup.streams.draw(stream, setup.key);
        let mut measured = draw(Stream::Measurement);
        let actuation = planar_noise(self.task.actuation, &mut draw(Stream::Actuation));
        let reading = planar_noise(self.task.reading, &mut draw(Stream::Reading));
        self.trial = Some(Trial {
            setup: *setup,
            told_from_tool: self.about_the_tool(actuation),
            tool_from_reading: self.about_the_tool(reading),
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
            self.settling = dirt::settling(&real);
            self.camera.aim(&nominal.scene, &self.scene, &real);
        }
    }

    fn set_plate(&mut self, offset: Pose2) -> Result<bool, DeviceError> {
        let home = self.robot.arm.as_ref().map(|arm| arm.home);
        self.move_to((self.plan.world_from_home, home));
        self.told_from_tool = Isometry3::identity();
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

    fn harm(&self) -> Harm {
        Harm {
            peak_force_n: self.world.peak_force_n(),
            jam: self.stopped,
            drop: false,
            plate_hit: Some(self.hit),
        }
    }
}

impl SimTruth for SimRig {
    fn in_hand(&self) -> Option<Pose2> {
        let world_from_hand = self.world_from_tool * self.plan.plate_from_tool.inverse();
        let held = self.plate_in_hand();
        held.then(|| flatten(&(world_from_hand.inverse() * self.world.world_from_plate())))
    }

    fn placement(&self) -> Measured {
        let placement = placement(&self.seat_from_plate());
        Measured { placement, seated: self.scene.seat.holds(&placement) }
    }
}

fn fault(what: &str) -> DeviceError {
    DeviceError::Fault { device: "simulation", what: what.to_owned() }
}
