use std::path::Path;

use nalgebra::{Point3, Vector3};
use serde::Deserialize;

use super::frame::Frame;
use super::robot::{GripperSpec, Speeds};
use crate::arm::{ArmModel, Body, Capsule, Joints, Rod, UrdfArm, UrdfError};
use crate::input::{Check, ConfigError};

/// The `[arm]` section of a robot file: which articulated arm, where it stands, what it carries,
/// and how far and how fast its joints may turn.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmSpec {
    /// A file beside the robot file.
    pub urdf: String,
    /// Where the links' shapes come from.
    #[serde(default)]
    pub shapes: Shapes,
    /// Do the links keep clear of the scene's furniture?
    #[serde(default)]
    pub furniture: Furniture,
    /// `[[arm.rod]]`: what encloses links whose URDF has meshes, or nothing.
    #[serde(default, rename = "rod")]
    pub rods: Vec<RodSpec>,
    /// `world_from_base`.
    pub base: Frame,
    /// `flange_from_tool`: the tool point lies between the pads, x along the approach, z across
    /// the pads.
    pub tool: Frame,
    /// Everything at the flange, without a plate.
    pub payload_kg: f64,
    /// Its centre of gravity in the flange's frame.
    pub payload_cog_mm: [f64; 3],
    /// Radius of a rod from the flange to the palm that encloses the gripper.
    pub hand_radius_mm: f64,
    pub joint_min_deg: [f64; 6],
    pub joint_max_deg: [f64; 6],
    pub joint_speed_deg_s: [f64; 6],
    pub joint_acceleration_deg_s2: [f64; 6],
    /// Of the tool on a straight move.
    pub acceleration_mm_s2: f64,
    /// Least distance between parts of the arm, and from the floor.
    pub clearance_mm: f64,
    /// Height of the floor or table, world frame.
    pub floor_mm: f64,
}

/// Where the shapes come from that the links keep clear with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shapes {
    /// The URDF, and `[[arm.rod]]`; every part has one.
    #[default]
    Urdf,
    /// None, by explicit choice: the links may meet themselves, the floor, and all that stands there.
    None,
}

/// Whether the links keep clear of the scene's furniture. `[[obstacle]]`s they always keep clear of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Furniture {
    #[default]
    Clear,
    /// Only where no links are: in simulation and on a twin, which have the hand only.
    Ignored,
}

/// A rounded rod that encloses a link, or a part of one, in the link's own frame in the URDF.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RodSpec {
    /// As the URDF calls it.
    pub link: String,
    pub from_mm: [f64; 3],
    pub to_mm: [f64; 3],
    pub radius_mm: f64,
}

impl ArmSpec {
    /// The arm that this section describes, with the chain, limits and shapes of its URDF text.
    pub(super) fn model(
        &self,
        check: Check<'_>,
        urdf: &str,
        gripper: &GripperSpec,
        speeds: &Speeds,
    ) -> Result<ArmModel, ConfigError> {
        let path = Path::new(check.file).with_file_name(&self.urdf).display().to_string();
        let in_urdf = |UrdfError { element, value, valid }| {
            let file = if element.starts_with("arm.") { check.file } else { &path };
            Check { file }.error(&element, value, valid)
        };
        let urdf = UrdfArm::parse(urdf).map_err(in_urdf)?;
        self.check(check, &urdf)?;
        let shapes = match self.shapes {
            Shapes::Urdf => urdf.shapes(&self.rods(check)?).map_err(in_urdf)?,
            Shapes::None => {
                let valid = "must not be there where arm.shapes = \"none\"";
                check.that(self.rods.is_empty(), "arm.rod", "given", valid)?;
                Vec::new()
            }
        };
        let flange_from_tool = self.tool.isometry();
        let behind = (gripper.pad_length_mm - gripper.overlap_mm / 2.0) / 1e3;
        let hand = Capsule {
            link: Capsule::HAND,
            from: Point3::origin(),
            to: flange_from_tool * Point3::new(-behind, 0.0, 0.0),
            radius: self.hand_radius_mm / 1e3,
        };
        let rad = |deg: [f64; 6]| Joints::from(deg.map(f64::to_radians));
        Ok(ArmModel {
            kinematics: urdf
                .kinematics
                .with_range(rad(self.joint_min_deg), rad(self.joint_max_deg)),
            world_from_base: self.base.isometry(),
            flange_from_tool,
            joint_speed: rad(self.joint_speed_deg_s),
            joint_acceleration: rad(self.joint_acceleration_deg_s2),
            acceleration: self.acceleration_mm_s2 / 1e3,
            turn_speed: speeds.turn_deg_s.to_radians(),
            body: Body {
                shapes: shapes.into_iter().chain([hand]).collect(),
                clearance: self.clearance_mm / 1e3,
                floor: Some(self.floor_mm / 1e3),
                obstacles: Vec::new(),
            },
        })
    }

    fn rods(&self, check: Check<'_>) -> Result<Vec<Rod>, ConfigError> {
        let rod = |rod: &RodSpec| {
            let key = |part: &str| format!("arm.rod.{part} of {}", rod.link);
            for mm in rod.from_mm {
                check.within(&key("from_mm"), mm, -2e3, 2e3)?;
            }
            for mm in rod.to_mm {
                check.within(&key("to_mm"), mm, -2e3, 2e3)?;
            }
            check.within(&key("radius_mm"), rod.radius_mm, 1.0, 500.0)?;
            let [from, to] = [rod.from_mm, rod.to_mm].map(|mm| Point3::from(mm.map(|mm| mm / 1e3)));
            Ok(Rod { link: rod.link.clone(), from, to, radius: rod.radius_mm / 1e3 })
        };
        self.rods.iter().map(rod).collect()
    }

    fn check(&self, check: Check<'_>, urdf: &UrdfArm) -> Result<(), ConfigError> {
        self.base.check(check, "arm.base", 5e3)?;
        self.tool.check(check, "arm.tool", 1e3)?;
        let (lowest, highest) = urdf.kinematics.range();
        for i in 0..6 {
            let joint = i + 1;
            let (low, high) = (lowest[i].to_degrees(), highest[i].to_degrees());
            let (min, max) = (self.joint_min_deg[i], self.joint_max_deg[i]);
            check.within(&format!("arm.joint_min_deg[{joint}]"), min, low, high)?;
            check.within(&format!("arm.joint_max_deg[{joint}]"), max, min, high)?;
            let key = format!("arm.joint_speed_deg_s[{joint}]");
            check.within(&key, self.joint_speed_deg_s[i], 0.1, urdf.joint_speed[i].to_degrees())?;
            let key = format!("arm.joint_acceleration_deg_s2[{joint}]");
            check.within(&key, self.joint_acceleration_deg_s2[i], 1.0, 5e3)?;
        }
        for mm in self.payload_cog_mm {
            check.within("arm.payload_cog_mm", mm, -500.0, 500.0)?;
        }
        let cog_mm = Vector3::from(self.payload_cog_mm).norm();
        let valid = "must be millimetres: 0, or 1 and more from the flange";
        check.that(cog_mm == 0.0 || cog_mm >= 1.0, "arm.payload_cog_mm", cog_mm, valid)?;
        check.within("arm.payload_kg", self.payload_kg, 0.0, 20.0)?;
        check.within("arm.hand_radius_mm", self.hand_radius_mm, 1.0, 300.0)?;
        check.within("arm.acceleration_mm_s2", self.acceleration_mm_s2, 10.0, 1e4)?;
        check.within("arm.clearance_mm", self.clearance_mm, 1.0, 100.0)?;
        check.within("arm.floor_mm", self.floor_mm, -5e3, 5e3)
    }
}
