use std::path::Path;

use nalgebra::Vector3;
use serde::{Deserialize, Serialize};

use super::scene::{read, stem};
use super::{Check, ConfigError, Grasp, parse_toml};
use crate::arm::Envelope;

/// A robot: how it moves, how it grips, and the envelope it never leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Robot {
    pub name: String,
    pub kind: RobotKind,
    /// Where the tool point rests between trials, world frame, metres.
    pub home: Vector3<f64>,
    pub gripper: GripperSpec,
    pub speeds: Speeds,
    pub envelope: Envelope,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RobotKind {
    /// The tool moves straight from pose to pose; no joints.
    Gantry,
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
    home_mm: [f64; 3],
    gripper: GripperSpec,
    speeds: Speeds,
    envelope: Envelope,
}

const EMBEDDED: [(&str, &str); 2] = [
    ("gantry.toml", include_str!("../../robots/gantry.toml")),
    ("gantry-side.toml", include_str!("../../robots/gantry-side.toml")),
];

impl Robot {
    /// The robots that the binary carries.
    pub const NAMES: [&'static str; 2] = ["gantry", "gantry-side"];

    /// Every embedded file: name and text, for `rmrl init`.
    pub const FILES: &'static [(&'static str, &'static str)] = &EMBEDDED;

    /// Loads an embedded robot by its name, or a `.toml` file.
    pub fn named(name_or_path: &str) -> Result<Self, ConfigError> {
        if name_or_path.ends_with(".toml") {
            let text = read(name_or_path, "robot", Path::new(name_or_path))?;
            return Self::parse(name_or_path, &text);
        }
        let file = format!("{name_or_path}.toml");
        match EMBEDDED.iter().find(|(name, _)| *name == file) {
            Some((name, text)) => Self::parse(name, text),
            None => Err(Check { file: "robot" }.error(
                "name",
                name_or_path,
                format_args!("must be one of {}, or a .toml file", Self::NAMES.join(", ")),
            )),
        }
    }

    pub fn parse(file: &str, toml: &str) -> Result<Self, ConfigError> {
        let keys: RobotFile = parse_toml(file, toml)?;
        let check = Check { file };
        check_gripper(check, &keys.gripper)?;
        check_envelope(check, &keys.envelope)?;
        check_speeds(check, &keys.speeds, &keys.envelope)?;
        for (axis, at) in keys.home_mm.into_iter().enumerate() {
            let envelope = &keys.envelope;
            let (low, high) = (envelope.workspace_min_mm[axis], envelope.workspace_max_mm[axis]);
            check.within("home_mm", at, low, high)?;
        }
        Ok(Self {
            name: stem(file),
            kind: keys.kind,
            home: Vector3::from(keys.home_mm) / 1e3,
            gripper: keys.gripper,
            speeds: keys.speeds,
            envelope: keys.envelope,
        })
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
    check.within("speeds.guard_n", speeds.guard_n, 1.0, 500.0)?;
    check.within("speeds.standoff_mm", speeds.standoff_mm, 1.0, 500.0)
}

fn check_envelope(check: Check<'_>, envelope: &Envelope) -> Result<(), ConfigError> {
    for axis in 0..3 {
        let (low, high) = (envelope.workspace_min_mm[axis], envelope.workspace_max_mm[axis]);
        check.within("envelope.workspace_min_mm", low, -5e3, 5e3)?;
        check.within("envelope.workspace_max_mm", high, low, 5e3)?;
    }
    check.within("envelope.speed_mm_s", envelope.speed_mm_s, 1.0, 5e3)?;
    check.within("envelope.carry_min_z_mm", envelope.carry_min_z_mm, 0.0, 5e3)?;
    check.within("envelope.correction_mm", envelope.correction_mm, 0.0, 100.0)?;
    check.within("envelope.correction_deg", envelope.correction_deg, 0.0, 45.0)
}
