use std::path::Path;

use mjcf_rs::{Model, body::GeomType, body::JointType};
use nalgebra::{Isometry3, Point3, Quaternion, Translation3, UnitQuaternion, Vector3};

use super::mjcf_words;
use crate::arm::Obstacle;
use crate::input::{Check, ConfigError};

/// What a scene takes from its MJCF: boxes, frames and the plate's body. Contact settings are
/// set in code, so that both engines can be compared on the same geometry.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Geometry {
    pub statics: Vec<StaticBox>,
    /// Named frames, world frame.
    pub sites: Vec<(String, Isometry3<f64>)>,
    pub plate: PlateBody,
}

/// A fixed box of the scene.
#[derive(Clone, Debug, PartialEq)]
pub struct StaticBox {
    pub name: String,
    pub world_from_box: Isometry3<f64>,
    /// Half of each side, metres.
    pub half: Vector3<f64>,
    /// How light it looks from above, 0 to 1.
    pub grey: f64,
}

/// The plate as the MJCF has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PlateBody {
    pub world_from_plate: Isometry3<f64>,
    pub plate_from_box: Isometry3<f64>,
    pub half: Vector3<f64>,
    pub mass_kg: Option<f64>,
}

impl Geometry {
    pub fn parse(check: Check<'_>, xml: &str, folder: &Path) -> Result<Self, ConfigError> {
        let model = Model::from_str(xml, folder)
            .map_err(|error| check.error("mjcf", error, "must be MJCF that MuJoCo can open"))?;
        mjcf_words::check(check, xml)?;
        let mut statics = Vec::new();
        let mut sites = Vec::new();
        let mut plate = None;
        for (id, entry) in model.bodies.iter().enumerate() {
            let body = &entry.body;
            let name = body.name.as_deref().unwrap_or(if id == 0 { "worldbody" } else { "?" });
            if name == "plate" {
                plate = Some(plate_body(check, body)?);
                continue;
            }
            check.that(
                id == 0,
                "body",
                name,
                "the only body besides the world must be named plate; static geoms and sites \
                 stand directly in <worldbody>",
            )?;
            for geom in &body.geoms {
                statics.push(static_box(check, geom)?);
            }
            for site in &body.sites {
                let name = site.name.clone().unwrap_or_default();
                sites.push((name.clone(), isometry(check, &format!("site {name}"), &site.pose)?));
            }
        }
        let plate =
            plate.ok_or_else(|| check.error("body", "none", "a body named plate must be there"))?;
        Ok(Self { statics, sites, plate })
    }

    pub fn site(&self, check: Check<'_>, name: &str) -> Result<Isometry3<f64>, ConfigError> {
        self.sites.iter().find(|(n, _)| n == name).map(|(_, pose)| *pose).ok_or_else(|| {
            let known: Vec<&str> = self.sites.iter().map(|(n, _)| n.as_str()).collect();
            let valid = format!("must be there; the file has the sites {}", known.join(", "));
            check.error(&format!("site {name}"), "missing", valid)
        })
    }
}

impl StaticBox {
    /// The same as something that nothing of an arm comes near.
    pub fn obstacle(&self) -> Obstacle {
        let Self { name, world_from_box, half, .. } = self.clone();
        Obstacle { name, world_from_box, half, hand_works_here: false }
    }

    /// The corners in the world frame.
    pub fn corners(&self) -> [Point3<f64>; 8] {
        corners(&self.world_from_box, &self.half)
    }
}

pub(super) fn corners(pose: &Isometry3<f64>, half: &Vector3<f64>) -> [Point3<f64>; 8] {
    std::array::from_fn(|i| {
        let sign = |bit: usize| if i >> bit & 1 == 0 { -1.0 } else { 1.0 };
        pose * Point3::new(sign(0) * half.x, sign(1) * half.y, sign(2) * half.z)
    })
}

fn static_box(check: Check<'_>, geom: &mjcf_rs::body::Geom) -> Result<StaticBox, ConfigError> {
    let name = geom.name.clone().unwrap_or_else(|| "unnamed".to_owned());
    let key = format!("geom {name}");
    let half = half_sides(check, &key, geom)?;
    let [r, g, b, _] = geom.rgba.unwrap_or([0.5; 4]);
    let grey = (r + g + b) / 3.0;
    check.within(&format!("{key} rgba"), grey, 0.0, 1.0)?;
    let world_from_box = isometry(check, &key, &geom.pose)?;
    Ok(StaticBox { name, world_from_box, half, grey })
}

fn half_sides(
    check: Check<'_>,
    key: &str,
    geom: &mjcf_rs::body::Geom,
) -> Result<Vector3<f64>, ConfigError> {
    let is_box = geom.type_ == GeomType::Box && geom.fromto.is_none();
    check.that(
        is_box,
        key,
        format_args!("{:?}", geom.type_),
        "must be type=\"box\" with a size",
    )?;
    for side in geom.size {
        // Metres: a table of ten metres is a mistake in units.
        check.within(&format!("{key} size"), side, 1e-4, 5.0)?;
    }
    Ok(Vector3::from(geom.size))
}

fn plate_body(check: Check<'_>, body: &mjcf_rs::body::Body) -> Result<PlateBody, ConfigError> {
    let free = matches!(&body.joints[..], [joint] if joint.type_ == JointType::Free);
    check.that(free, "body plate", "joints", "must have one <freejoint/> and no other joint")?;
    let [geom] = &body.geoms[..] else {
        return Err(check.error("body plate", body.geoms.len(), "must have exactly one box geom"));
    };
    Ok(PlateBody {
        world_from_plate: isometry(check, "body plate", &body.pose)?,
        plate_from_box: isometry(check, "geom plate", &geom.pose)?,
        half: half_sides(check, "geom plate", geom)?,
        mass_kg: geom.mass,
    })
}

fn isometry(
    check: Check<'_>,
    key: &str,
    pose: &mjcf_rs::Pose,
) -> Result<Isometry3<f64>, ConfigError> {
    let (p, q) = (pose.translation.to_array(), pose.rotation.to_array());
    for coordinate in p {
        check.within(&format!("{key} pos"), coordinate, -5.0, 5.0)?;
    }
    let length = q.iter().map(|c| c * c).sum::<f64>();
    check.within(&format!("{key} quat"), length, 0.9, 1.1)?;
    let rotation = UnitQuaternion::from_quaternion(Quaternion::new(q[3], q[0], q[1], q[2]));
    Ok(Isometry3::from_parts(Translation3::new(p[0], p[1], p[2]), rotation))
}
