use nalgebra::Isometry3;

use super::driver::{Controller, Mounted, controller_of};
use super::{CameraEyes, HttpEyes, Limits, Moves, Pads, PlannedRig, RealRig, Robotiq, Setting};
use crate::arm::{ArmModel, Joints, Obstacle, Planner, Unreachable};
use crate::cell::{
    CellError, CellPlan, DeviceError, Doubt, Eyes, Place, ScriptedCell, flatten, placement,
};
use crate::config::{Articulated, EyesKind, EyesSpec, Furniture, RealSpec, Robot, Scene};
use crate::input::{Check, ConfigError};
use crate::task::ImageSize;

/// A robot file and the scene on its table, checked as a whole before anything is connected to.
#[derive(Clone, Debug)]
pub struct Site {
    robot: Robot,
    spec: RealSpec,
    arm: Articulated,
    scene: Scene,
    sight: Sight,
    image: ImageSize,
}

/// Whom the eyes ask.
#[derive(Clone, Debug)]
enum Sight {
    /// A program behind this address.
    Answers(String),
    Cameras(Box<EyesSpec>),
}

/// Why a site cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Cell(#[from] CellError),
}

/// A plate that lies more aslant than this slides.
const LEVEL_DEG: f64 = 2.0;
/// A place that is farther from the scene's drawing than this is another place.
const DRAWN_MM: f64 = 100.0;

/// Furniture belongs to a place that is nearer than this, and is no larger; a table is. Metres.
const AT_PLACE: f64 = 0.3;

/// The cell of a real arm.
pub type RealCell = ScriptedCell<RealRig<Robotiq, Box<dyn Eyes>>>;

impl Site {
    /// Needs the sections `[arm]` and `[real]`, with eyes.
    pub fn new(robot: &Robot) -> Result<Self, ConfigError> {
        let site = Self::to_examine(robot)?;
        site.check_frames()?;
        site.check_taught()?;
        Ok(site)
    }

    /// The same with images of another size than the usual one.
    pub fn seeing(self, image: ImageSize) -> Self {
        Self { image, ..self }
    }

    /// The same where places may lie wrong: only for the doctor, who says so.
    pub fn to_examine(robot: &Robot) -> Result<Self, ConfigError> {
        let check = Check { file: robot.name.file() };
        let missing = |key| {
            check.error(key, "missing", "must be there for --backend real: see ur5e-example.toml")
        };
        let arm = robot.arm.clone().ok_or_else(|| missing("[arm]"))?;
        let spec = robot.real.clone().ok_or_else(|| missing("[real]"))?;
        let sight = match &robot.eyes {
            Some(eyes) if eyes.kind != EyesKind::Answers => {
                Sight::Cameras(Box::new(eyes.at(check, spec.eyes_url.as_deref())?))
            }
            eyes => {
                let url = eyes.as_ref().and_then(|eyes| eyes.url.clone());
                let url = url.or_else(|| spec.eyes_url.clone());
                Sight::Answers(url.ok_or_else(|| missing("real.eyes_url"))?)
            }
        };
        let known = spec.scene.ends_with(".toml") || Scene::NAMES.contains(&spec.scene.as_str());
        let valid = format!("must be one of {}, or a .toml file", Scene::NAMES.join(", "));
        check.that(known, "real.scene", format!("{:?}", spec.scene), valid)?;
        let scene = Scene::named(&robot.beside(&spec.scene))?;
        let image = ImageSize::default();
        let site = Self { robot: robot.clone(), spec, arm, scene, sight, image };
        site.check_pads(check)?;
        site.check_links(check)?;
        Ok(site)
    }

    /// An arm has links: only a twin, on this computer, has none.
    fn check_links(&self, check: Check<'_>) -> Result<(), ConfigError> {
        let host = self.spec.host.as_str();
        let address = host.parse::<std::net::IpAddr>();
        let here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        let ignored = self.arm.spec.furniture == Furniture::Ignored;
        let valid = "must not be there: the links of an arm meet furniture; only a twin's, on this computer, do not";
        check.that(here || !ignored, "arm.furniture", "\"ignored\"", valid)
    }

    /// Home lies in the workspace.
    pub(super) fn check_home(&self) -> Result<(), ConfigError> {
        self.robot.check_home()
    }

    fn check_pads(&self, check: Check<'_>) -> Result<(), ConfigError> {
        let planned = self.robot.gripper.opening_mm;
        let open = self.spec.gripper_open_mm.unwrap_or(planned);
        let valid = format!("must be at least gripper.opening_mm, {planned}");
        check.that(open >= planned, "real.gripper_open_mm", open, valid)
    }

    /// Taught places are level, and about where the scene draws them.
    pub(super) fn check_frames(&self) -> Result<(), ConfigError> {
        let check = Check { file: self.robot.name.file() };
        let (taught, drawn) = (self.plan(), CellPlan::new(&self.scene, &self.robot));
        for (key, taught, drawn) in
            [("real.pick", taught.pick, drawn.pick), ("real.place", taught.target, drawn.target)]
        {
            let drawn_from_taught = drawn.world_from_place.inverse() * taught.world_from_place;
            let tilt_deg = placement(&drawn_from_taught).tilt_deg;
            let mm = drawn_from_taught.translation.vector.norm() * 1e3;
            check.that(
                tilt_deg <= LEVEL_DEG && mm <= DRAWN_MM,
                key,
                format_args!("tilted by {tilt_deg:.1} deg, {mm:.0} mm from the scene's drawing"),
                format_args!(
                    "must be at most {LEVEL_DEG} deg and {DRAWN_MM} mm: teach it again, or correct \
                     arm.base or the scene"
                ),
            )?;
        }
        Ok(())
    }

    /// Cameras know what a perfect placement looks like.
    fn check_taught(&self) -> Result<(), ConfigError> {
        let Some(eyes) = self.cameras() else { return Ok(()) };
        let check = Check { file: self.robot.name.file() };
        let valid = "must be there: lay the plate perfectly, then rmrl calibrate placement";
        for (key, camera) in [("pick", &eyes.pick), ("place", &eyes.place)] {
            let taught = camera.as_ref().is_some_and(|camera| camera.taught.is_some());
            check.that(taught, &format!("eyes.{key}.taught"), "missing", valid)?;
        }
        Ok(())
    }

    /// The cameras that it looks through, if it does.
    pub fn cameras(&self) -> Option<&EyesSpec> {
        match &self.sight {
            Sight::Cameras(eyes) => Some(eyes),
            Sight::Answers(_) => None,
        }
    }

    pub fn spec(&self) -> &RealSpec {
        &self.spec
    }

    pub fn robot(&self) -> &Robot {
        &self.robot
    }

    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// Joints at home, or where the arm stands aside for the camera.
    pub fn home(&self, arm: &ArmModel) -> Result<Joints, Unreachable> {
        arm.joints(&self.plan().world_from_home, &self.arm.home)
    }

    pub fn arm(&self) -> &ArmModel {
        &self.arm.model
    }

    /// `flange_from_tool` that the program sets.
    pub fn flange_from_tool(&self) -> Isometry3<f64> {
        self.arm.model.flange_from_tool
    }

    pub fn payload_kg(&self) -> f64 {
        self.arm.spec.payload_kg
    }

    /// The motion script's places: taught frames where there are some, the scene's elsewhere.
    pub fn plan(&self) -> CellPlan {
        CellPlan::taught(&self.scene, &self.robot)
    }

    /// What is behind the address.
    pub(super) fn controller(&self) -> &'static dyn Controller {
        controller_of(self.robot.kind)
    }

    /// Which arm, or that it is a twin, as the controller answers: model and serial number.
    pub fn who_answers(&self) -> Result<String, DeviceError> {
        self.controller().who_answers(&self.spec)
    }

    /// The arm as it was built, as its controller tells.
    pub fn calibrated(&self) -> Result<ArmModel, DeviceError> {
        let nominal = &self.arm.model;
        let kinematics = self.controller().calibrated(&self.spec, &nominal.kinematics)?;
        Ok(ArmModel { kinematics, ..nominal.clone() })
    }

    /// The calibrated arm, and its joints where it stands: all that planning needs.
    pub fn look(&self) -> Result<(ArmModel, Joints), CellError> {
        let arm = self.calibrated()?;
        let state = self.controller().state(&self.spec)?;
        Ok((arm, state.joints))
    }

    /// Connects to everything. Nothing moves.
    pub fn connect(&self) -> Result<RealCell, CellError> {
        self.demand_links()?;
        let arm = self.calibrated()?;
        let session = self.controller().connect(&self.spec, &self.mounted(), self.limits(&arm))?;
        let gripper = self.gripper()?;
        let rig = RealRig::new(session, gripper, self.eyes()?, self.setting(&arm));
        Ok(self.scripted(rig, &arm).asking(self.doubt()))
    }

    /// How sure a policy must be here.
    fn doubt(&self) -> Option<Doubt> {
        let eyes = self.robot.eyes.as_ref()?;
        eyes.min_confidence.map(|min_confidence| Doubt { min_confidence, unsure: eyes.unsure })
    }

    /// Only a twin has no links, and a real arm may answer on this computer too, through a tunnel.
    fn demand_links(&self) -> Result<(), CellError> {
        if self.arm.spec.furniture != Furniture::Ignored {
            return Ok(());
        }
        let who = self.who_answers()?;
        if who.starts_with("twin of") {
            return Ok(());
        }
        let why = "is for a twin: the links of an arm meet furniture";
        Err(CellError::Forbidden(format!("{who} answers, and arm.furniture = \"ignored\" {why}")))
    }

    /// The same cell on paper: plans and checks as the real one does, and moves nothing. Begins
    /// with the arm at these joints.
    pub fn on_paper(&self, arm: &ArmModel, joints: Joints) -> (ScriptedCell<PlannedRig>, Moves) {
        let thickness = self.scene.plate.size.z;
        let (rig, moves) =
            PlannedRig::new(&self.plan(), thickness, self.image, arm.tool(&joints), joints);
        (self.scripted(rig, arm), moves)
    }

    pub fn gripper(&self) -> Result<Robotiq, DeviceError> {
        let spec = &self.spec;
        let open_mm = spec.gripper_open_mm.unwrap_or(self.robot.gripper.opening_mm);
        let stroke_mm = spec.gripper_stroke_mm.unwrap_or(open_mm);
        let pads = Pads { open: open_mm / 1e3, stroke: stroke_mm / 1e3 };
        let settings = (spec.gripper_force, spec.gripper_speed);
        Robotiq::connect(&spec.host, spec.gripper_port, pads, settings)
    }

    /// What the cell sees with; nothing is asked yet.
    pub fn eyes(&self) -> Result<Box<dyn Eyes>, DeviceError> {
        match &self.sight {
            Sight::Answers(url) => Ok(Box::new(HttpEyes::new(url, self.scene.seat, self.image))),
            Sight::Cameras(spec) => Ok(Box::new(self.look_through(spec)?)),
        }
    }

    /// The same as cameras; `None` where a program answers.
    pub fn camera_eyes(&self) -> Result<Option<CameraEyes>, DeviceError> {
        self.cameras().map(|spec| self.look_through(spec)).transpose()
    }

    fn look_through(&self, spec: &EyesSpec) -> Result<CameraEyes, DeviceError> {
        let file = std::path::Path::new(self.robot.name.file());
        let beside = file.parent().unwrap_or(std::path::Path::new(""));
        let pick_from_view = self.scene.world_from_pick.inverse() * self.scene.world_from_view;
        CameraEyes::open(spec, beside, flatten(&pick_from_view), self.image, self.scene.seat)
    }

    fn scripted<R: crate::cell::Rig>(&self, rig: R, arm: &ArmModel) -> ScriptedCell<R> {
        let planner = Planner::new(self.robot.envelope.clone(), Some(arm.clone()));
        ScriptedCell::new(rig, self.plan(), planner.among(self.furniture()))
    }

    /// The scene's furniture where it stands here: what is nearer to a place than [`AT_PLACE`] was moved along when that
    /// place was taught.
    fn furniture(&self) -> Vec<Obstacle> {
        if self.arm.spec.furniture == Furniture::Ignored {
            return Vec::new();
        }
        let (taught, drawn) = (self.plan(), CellPlan::new(&self.scene, &self.robot));
        let places = [(taught.pick, drawn.pick), (taught.target, drawn.target)]
            .map(|(taught, drawn)| (taught.world_from_place, drawn.world_from_place));
        let moved = |mut part: Obstacle| {
            let off = |drawn: &Isometry3<f64>| {
                (drawn.translation.vector - part.world_from_box.translation.vector).norm()
            };
            let near = places.iter().min_by(|a, b| off(&a.1).total_cmp(&off(&b.1)));
            if let Some((taught, drawn)) = near.filter(|(_, drawn)| off(drawn) < AT_PLACE) {
                part.world_from_box = taught * drawn.inverse() * part.world_from_box;
            }
            part
        };
        let large = |part: &Obstacle| part.half.amax() > AT_PLACE;
        self.scene.obstacles().map(|part| if large(&part) { part } else { moved(part) }).collect()
    }

    fn mounted(&self) -> Mounted {
        let spec = &self.arm.spec;
        Mounted {
            flange_from_tool: self.flange_from_tool(),
            payload_kg: spec.payload_kg,
            payload_cog: spec.payload_cog_mm.map(|mm| mm / 1e3),
        }
    }

    fn limits(&self, arm: &ArmModel) -> Limits {
        let (min, max) = arm.kinematics.range();
        Limits {
            envelope: self.robot.envelope.clone(),
            world_from_base: arm.world_from_base,
            joints: (*min, *max),
            joint_speeds: arm.joint_speed,
            force_n: self.spec.force_limit_n,
        }
    }

    fn setting(&self, arm: &ArmModel) -> Setting {
        let (speeds, plan) = (&self.robot.speeds, self.plan());
        let grip = |place: Place| {
            let world_from_tool = place.world_from_place * plan.plate_from_tool;
            world_from_tool.translation.vector.into()
        };
        Setting {
            arm: arm.clone(),
            grips: [grip(plan.pick), grip(plan.target)],
            guard_n: speeds.guard_n,
            first_motion_share: self.spec.first_motion_share,
            open: self.robot.gripper.opening_mm / 1e3,
            plate_thickness: self.scene.plate.size.z,
            grip_tolerance: self.spec.grip_tolerance_mm / 1e3,
        }
    }
}
