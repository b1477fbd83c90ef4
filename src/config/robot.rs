use std::borrow::Cow;
use std::path::Path;

use nalgebra::{Isometry3, Translation3, Vector3};
use serde::{Deserialize, Serialize};

use super::scene::read;
use super::{
    ArmSpec, EyesSpec, Furniture, Grasp, Named, ObstacleSpec, RealSpec, Scene, StaticBox, TwinSpec,
};
use crate::arm::{ArmModel, Envelope, Joints, Planner, Start};
use crate::input::{Check, ConfigError, Content, anchored, canonical, lay_onto, parse_toml};

/// A robot: how it moves, how it grips, and the envelope it never leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Robot {
    pub name: Named,
    /// Of its files, but for what concerns only how a real one is reached.
    pub content: Content,
    pub kind: RobotKind,
    /// Where the tool rests between trials, metres.
    pub world_from_home: Isometry3<f64>,
    pub arm: Option<Articulated>,
    /// How the real one is reached.
    pub real: Option<RealSpec>,
    /// What the real one sees with; `None` for answers from `real.eyes_url`.
    pub eyes: Option<EyesSpec>,
    /// How `rmrl twin` plays it.
    pub twin: Option<TwinSpec>,
    pub gripper: GripperSpec,
    pub speeds: Speeds,
    pub envelope: Envelope,
    /// What stands in its cell beside the scene's furniture.
    pub obstacles: Vec<StaticBox>,
}

/// What a robot with joints has beyond a gantry.
#[derive(Clone, Debug, PartialEq)]
pub struct Articulated {
    pub spec: ArmSpec,
    pub model: ArmModel,
    /// Where it rests between trials.
    pub home: Joints,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RobotKind {
    /// The tool moves straight from pose to pose; no joints.
    Gantry,
    /// A six-joint arm of Universal Robots, as all below: `home_deg` and an `[arm]` section.
    Ur3e,
    Ur5e,
    Ur10e,
    Ur16e,
    Ur20,
    Ur30,
}

impl RobotKind {
    /// As a robot file has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gantry => "gantry",
            Self::Ur3e => "ur3e",
            Self::Ur5e => "ur5e",
            Self::Ur10e => "ur10e",
            Self::Ur16e => "ur16e",
            Self::Ur20 => "ur20",
            Self::Ur30 => "ur30",
        }
    }
}

/// The gripper. Its tool point lies between the pads, half the overlap behind their tips.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GripperSpec {
    pub grasp: Grasp,
    pub pad_width_mm: f64,
    /// From the palm to the tips.
    pub pad_length_mm: f64,
    pub pad_thickness_mm: f64,
    /// How far the tips reach over a plate that lies as nominal.
    pub overlap_mm: f64,
    /// Distance between the open pads.
    pub opening_mm: f64,
    pub force_n: f64,
    /// Of each finger.
    pub stiffness_n_per_mm: f64,
    pub pad_friction: f64,
    /// Of each finger.
    pub speed_mm_s: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speeds {
    /// Where nothing can be touched.
    pub free_mm_s: f64,
    /// Where something may be.
    pub contact_mm_s: f64,
    pub turn_deg_s: f64,
    /// A move in contact stops where something resists with more than this.
    pub guard_n: f64,
    /// How far behind the plate the hand stands before it reaches in.
    pub standoff_mm: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RobotFile {
    kind: RobotKind,
    home_mm: Option<[f64; 3]>,
    home_deg: Option<[f64; 6]>,
    arm: Option<ArmSpec>,
    real: Option<RealSpec>,
    eyes: Option<EyesSpec>,
    twin: Option<TwinSpec>,
    gripper: GripperSpec,
    speeds: Speeds,
    envelope: Envelope,
    #[serde(default, rename = "obstacle")]
    obstacles: Vec<ObstacleSpec>,
}

const EMBEDDED: [(&str, &str); 12] = [
    ("gantry.toml", include_str!("../../robots/gantry.toml")),
    ("gantry-side.toml", include_str!("../../robots/gantry-side.toml")),
    ("ur5e-pinch.toml", include_str!("../../robots/ur5e-pinch.toml")),
    ("ur5e-side.toml", include_str!("../../robots/ur5e-side.toml")),
    ("ur5e-twin.toml", include_str!("../../robots/ur5e-twin.toml")),
    ("ur5e-example.toml", include_str!("../../robots/ur5e-example.toml")),
    ("ur10e-twin.toml", include_str!("../../robots/ur10e-twin.toml")),
    ("twin-small.toml", include_str!("../../robots/twin-small.toml")),
    ("twin-medium.toml", include_str!("../../robots/twin-medium.toml")),
    ("twin-large.toml", include_str!("../../robots/twin-large.toml")),
    ("ur5e.urdf", include_str!("../../robots/ur5e.urdf")),
    ("ur10e.urdf", include_str!("../../robots/ur10e.urdf")),
];

impl Robot {
    /// The robots that the binary carries.
    pub const NAMES: [&'static str; 10] = [
        "gantry",
        "gantry-side",
        "ur5e-pinch",
        "ur5e-side",
        "ur5e-twin",
        "ur5e-example",
        "ur10e-twin",
        "twin-small",
        "twin-medium",
        "twin-large",
    ];

    /// Every embedded file: name and text, for `rmrl init`.
    pub const FILES: &'static [(&'static str, &'static str)] = &EMBEDDED;

    /// Loads an embedded robot by its name, or a `.toml` file with its URDF beside it.
    pub fn named(name_or_path: &str) -> Result<Self, ConfigError> {
        let robot = Self::to_examine(name_or_path)?;
        robot.check_home()?;
        Ok(robot)
    }

    /// The same where home may lie outside the workspace, as where the base is not where the file says: only for the
    /// doctor, who says so.
    pub fn to_examine(name_or_path: &str) -> Result<Self, ConfigError> {
        if name_or_path.ends_with(".toml") {
            let text = read(name_or_path, "robot", Path::new(name_or_path))?;
            return Self::read_beside(name_or_path, &text);
        }
        let file = format!("{name_or_path}.toml");
        match embedded(&file) {
            Some(text) => Self::read(&file, text, &|other| {
                let known = embedded(other).map(str::to_owned);
                known.ok_or_else(|| "is not one of the built-in files".to_owned())
            }),
            None => Err(Check { file: "robot" }.error(
                "name",
                name_or_path,
                format_args!("must be one of {}, or a .toml file", Self::NAMES.join(", ")),
            )),
        }
    }

    /// What this robot's file names, a scene for instance, as it can be found from anywhere.
    pub fn beside(&self, name_or_path: &str) -> String {
        anchored(Path::new(self.name.file()).parent().unwrap_or(Path::new("")), name_or_path)
    }

    /// A robot file's text; the URDF that it names lies beside `file`.
    pub fn parse(file: &str, toml: &str) -> Result<Self, ConfigError> {
        let robot = Self::read_beside(file, toml)?;
        robot.check_home()?;
        Ok(robot)
    }

    /// The tool at home lies in the workspace, and the arm there clear of itself and what stands there.
    pub fn check_home(&self) -> Result<(), ConfigError> {
        let check = Check { file: self.name.file() };
        if let Some(arm) = &self.arm {
            check_home(check, &arm.model, &arm.home)?;
        }
        let key = if self.arm.is_some() { "home_deg (tool, mm)" } else { "home_mm" };
        for (axis, at) in (self.world_from_home.translation.vector * 1e3).iter().enumerate() {
            let envelope = &self.envelope;
            let (low, high) = (envelope.workspace_min_mm[axis], envelope.workspace_max_mm[axis]);
            // The joints' own home is rounded on its way.
            check.within(key, (at * 1e6).round() / 1e6, low, high)?;
        }
        Ok(())
    }

    fn read_beside(file: &str, toml: &str) -> Result<Self, ConfigError> {
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        Self::read(file, toml, &|other| {
            let path = folder.join(other);
            std::fs::read_to_string(&path).map_err(|e| format!("cannot be read: {e}"))
        })
    }

    fn read(
        file: &str,
        toml: &str,
        beside: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Self, ConfigError> {
        let check = Check { file };
        let toml = &*whole(check, toml, beside)?;
        let keys: RobotFile = parse_toml(file, toml)?;
        check_gripper(check, &keys.gripper)?;
        check_envelope(check, &keys.envelope)?;
        check_speeds(check, &keys.speeds, &keys.envelope)?;
        keys.real.as_ref().map_or(Ok(()), |real| real.check(check))?;
        keys.eyes.as_ref().map_or(Ok(()), |eyes| eyes.check(check))?;
        keys.twin.as_ref().map_or(Ok(()), |twin| twin.check(check))?;
        let obstacles = ObstacleSpec::boxes(check, &keys.obstacles)?;
        let mut drawing = String::new();
        let (world_from_home, arm) = match keys.kind {
            RobotKind::Gantry => {
                let arm_key = if keys.arm.is_some() { "arm" } else { "home_deg" };
                let alone = keys.arm.is_none() && keys.home_deg.is_none();
                check.that(alone, arm_key, "", "must not be there: a gantry has no joints")?;
                let valid = "must not be there: a gantry has no links that could meet it";
                check.that(obstacles.is_empty(), "obstacle", "", valid)?;
                let home = keys.home_mm.ok_or_else(|| missing(check, "home_mm", "gantry"))?;
                (Translation3::from(Vector3::from(home) / 1e3).into(), None)
            }
            kind => {
                let kind = kind.name();
                let valid = format!("must be home_deg for kind = \"{kind}\"");
                check.that(keys.home_mm.is_none(), "home_mm", "", valid)?;
                let spec = keys.arm.ok_or_else(|| missing(check, "[arm]", kind))?;
                let home = keys.home_deg.ok_or_else(|| missing(check, "home_deg", kind))?;
                let text =
                    beside(&spec.urdf).map_err(|e| check.error("arm.urdf", &spec.urdf, e))?;
                let mut model = spec.model(check, &text, &keys.gripper, &keys.speeds)?;
                model.body.obstacles = obstacles.iter().map(StaticBox::obstacle).collect();
                drawing = text;
                let home = Joints::from(home.map(f64::to_radians));
                (model.tool(&home), Some(Articulated { spec, model, home }))
            }
        };
        Ok(Self {
            name: Named::after(file),
            content: Content::of([without_addresses(toml), drawing]),
            kind: keys.kind,
            world_from_home,
            arm,
            real: keys.real,
            eyes: keys.eyes,
            twin: keys.twin,
            gripper: keys.gripper,
            speeds: keys.speeds,
            envelope: keys.envelope,
            obstacles,
        })
    }
}

/// A robot file with what it takes from another one, in the same folder, by `extends = "ur5e-twin.toml"`; that one stands
/// alone.
fn whole<'t>(
    check: Check<'_>,
    toml: &'t str,
    beside: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Cow<'t, str>, ConfigError> {
    let Ok(mut own) = toml.parse::<toml::Table>() else { return Ok(toml.into()) };
    let Some(base) = own.remove("extends") else { return Ok(toml.into()) };
    let wrong = |why: String| check.error("extends", &base, why);
    let name = base.as_str().ok_or_else(|| wrong("must be the name of a robot file".to_owned()))?;
    let mut all: toml::Table = parse_toml(name, &beside(name).map_err(wrong)?)?;
    let alone = !all.contains_key("extends");
    check.that(alone, "extends", name, "must be a robot file that extends no other")?;
    lay_onto(&mut all, own);
    Ok(all.to_string().into())
}

/// What of `[real]` makes a run another one.
const REAL: [&str; 8] = [
    "scene",
    "pick",
    "place",
    "view",
    "gripper_force",
    "gripper_speed",
    "gripper_open_mm",
    "gripper_stroke_mm",
];

/// A robot file without the keys that say only how the arm is reached and watched.
fn without_addresses(toml: &str) -> String {
    let Ok(mut table) = toml.parse::<toml::Table>() else { return toml.to_owned() };
    if let Some(toml::Value::Table(real)) = table.get_mut("real") {
        real.retain(|key, _| REAL.contains(&key));
    }
    if let Some(toml::Value::Table(eyes)) = table.get_mut("eyes") {
        eyes.retain(|key, _| !EyesSpec::HOW.contains(&key));
        for (_, camera) in eyes.iter_mut() {
            if let Some(camera) = camera.as_table_mut() {
                camera.retain(|key, _| !EyesSpec::HOW_CAMERA.contains(&key));
            }
        }
    }
    canonical(&table.to_string())
}

fn embedded(file: &str) -> Option<&'static str> {
    EMBEDDED.iter().find(|(name, _)| *name == file).map(|(_, text)| *text)
}

fn missing(check: Check<'_>, key: &str, kind: &str) -> ConfigError {
    check.error(key, "missing", format_args!("must be there for kind = \"{kind}\""))
}

fn check_home(check: Check<'_>, arm: &ArmModel, home: &Joints) -> Result<(), ConfigError> {
    let (min, max) = arm.kinematics.range();
    for i in 0..6 {
        let (at, low, high) = (home[i], min[i].to_degrees(), max[i].to_degrees());
        check.within(&format!("home_deg[{}]", i + 1), at.to_degrees(), low, high)?;
    }
    let (parts, distance) = arm.body.nearest(arm, home);
    let least_mm = arm.body.clearance * 1e3;
    let valid = format!("must keep {} and {} {least_mm} mm apart", parts[0], parts[1]);
    let value = format!("{:.1} mm", distance * 1e3);
    check.that(distance >= arm.body.clearance, "home_deg", value, valid)?;
    let Some(near) = arm.body.nearest_obstacle(arm, home) else { return Ok(()) };
    let valid =
        format!("must keep {} and obstacle {} {least_mm} mm apart", near.link, near.obstacle);
    let value = format!("{:.1} mm", near.distance * 1e3);
    check.that(arm.body.keeps_clear(near.distance), "home_deg", value, valid)
}

impl Robot {
    /// Where a path from its home begins.
    pub fn home(&self) -> Start {
        match &self.arm {
            Some(arm) => Start::Joints(arm.home),
            None => Start::Tool(self.world_from_home),
        }
    }

    /// What checks every path of this robot before it moves, wherever that is.
    pub fn planner(&self) -> Planner {
        Planner::new(self.envelope.clone(), self.arm.as_ref().map(|arm| arm.model.clone()))
    }

    /// The same robot, whose links are not held against furniture as it is drawn.
    pub fn ignoring_furniture(&self) -> Self {
        let mut robot = self.clone();
        if let Some(arm) = &mut robot.arm {
            arm.spec.furniture = Furniture::Ignored;
        }
        robot
    }

    /// The same among this scene's furniture.
    pub fn planner_in(&self, scene: &Scene) -> Planner {
        let clear = self.arm.as_ref().is_some_and(|arm| arm.spec.furniture == Furniture::Clear);
        self.planner().among(scene.obstacles().filter(|_| clear))
    }
}

impl GripperSpec {
    /// Force divided by stiffness: how far a finger's target lies inside what it holds, metres.
    pub fn interference(&self) -> f64 {
        self.force_n / (self.stiffness_n_per_mm * 1e3)
    }
}

fn check_gripper(check: Check<'_>, gripper: &GripperSpec) -> Result<(), ConfigError> {
    let within = |key: &str, value: f64, low: f64, high: f64| {
        check.within(&format!("gripper.{key}"), value, low, high)
    };
    within("pad_width_mm", gripper.pad_width_mm, 1.0, 80.0)?;
    within("pad_length_mm", gripper.pad_length_mm, 5.0, 200.0)?;
    within("pad_thickness_mm", gripper.pad_thickness_mm, 1.0, 40.0)?;
    within("overlap_mm", gripper.overlap_mm, 1.0, gripper.pad_length_mm)?;
    within("opening_mm", gripper.opening_mm, 1.0, 200.0)?;
    within("force_n", gripper.force_n, 1.0, 500.0)?;
    within("stiffness_n_per_mm", gripper.stiffness_n_per_mm, 1.0, 1e3)?;
    within("pad_friction", gripper.pad_friction, 0.01, 3.0)?;
    within("speed_mm_s", gripper.speed_mm_s, 1.0, 500.0)
}

fn check_speeds(check: Check<'_>, speeds: &Speeds, envelope: &Envelope) -> Result<(), ConfigError> {
    check.within("speeds.free_mm_s", speeds.free_mm_s, 1.0, envelope.speed_mm_s)?;
    check.within("speeds.contact_mm_s", speeds.contact_mm_s, 1.0, envelope.speed_mm_s)?;
    check.within("speeds.turn_deg_s", speeds.turn_deg_s, 1.0, 360.0)?;
    check.within("speeds.guard_n", speeds.guard_n, 1.0, envelope.guard_n)?;
    check.within("speeds.standoff_mm", speeds.standoff_mm, 1.0, 500.0)
}

fn check_envelope(check: Check<'_>, envelope: &Envelope) -> Result<(), ConfigError> {
    for axis in 0..3 {
        let (low, high) = (envelope.workspace_min_mm[axis], envelope.workspace_max_mm[axis]);
        check.within("envelope.workspace_min_mm", low, -5e3, 5e3)?;
        check.within("envelope.workspace_max_mm", high, low, 5e3)?;
    }
    check.within("envelope.speed_mm_s", envelope.speed_mm_s, 1.0, 5e3)?;
    check.within("envelope.carry_min_z_mm", envelope.carry_min_z_mm, 1.0, 5e3)?;
    check.within("envelope.guard_n", envelope.guard_n, 1.0, 500.0)?;
    check.within("envelope.correction_mm", envelope.correction_mm, 0.0, 100.0)?;
    check.within("envelope.correction_deg", envelope.correction_deg, 0.0, 45.0)
}

#[cfg(test)]
#[path = "robot_tests.rs"]
mod tests;
