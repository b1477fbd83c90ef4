use std::path::Path;

use nalgebra::{Isometry3, Vector3};
use serde::{Deserialize, Serialize};
use toml::Value;

use super::mjcf::Geometry;
use super::shelf::Made;
use super::{Named, Plate, ShelfSpec, StaticBox};
use crate::arm::Obstacle;
use crate::input::{Check, ConfigError, Content, canonical, parse_toml};
use crate::task::Placement;

/// Where a trial happens: furniture, frames, the plate, and what counts as seated. Metres, world
/// frame, z up; the plate's frame is the centre of its bottom, x along its long side.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    pub name: Named,
    /// Of its files.
    pub content: Content,
    /// One line for a list.
    pub summary: String,
    pub statics: Vec<StaticBox>,
    /// The nominal plate at the pick place.
    pub world_from_pick: Isometry3<f64>,
    /// The plate as it should lie at the target.
    pub world_from_place: Isometry3<f64>,
    /// Centre of the camera's field, x to the right of the image.
    pub world_from_view: Isometry3<f64>,
    pub plate: Plate,
    /// Coulomb friction between plate and furniture.
    pub furniture_friction: f64,
    pub heights: Heights,
    pub seat: SeatLimits,
}

/// Heights of the plate's bottom above its seat, mm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heights {
    /// While it travels from pick to place, above the higher of both seats.
    pub carry_mm: f64,
    /// Below this at the pick place something may touch.
    pub pick_contact_mm: f64,
    /// Below this at the target something may touch.
    pub place_contact_mm: f64,
    /// How far out, along -x, the plate is lowered to that height before it is pushed in under
    /// what is above; 0 where it comes from straight above.
    #[serde(default)]
    pub insert_mm: f64,
}

/// What a released plate must satisfy to count as seated, and what it is called otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatLimits {
    /// Largest height of the bottom's centre above the seat.
    pub height_mm: f64,
    /// Largest angle between the plate's normal and the vertical.
    pub tilt_deg: f64,
    /// A plate this far short of its place, along -x, is not seated; no limit without the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_mm: Option<f64>,
    /// A plate higher than this rests on something (climbed); a lower one is jammed.
    pub climbed_mm: f64,
}

impl SeatLimits {
    /// Does a plate that lies so lie on its seat?
    pub fn holds(&self, placement: &Placement) -> bool {
        placement.z_mm.abs() <= self.height_mm
            && placement.tilt_deg <= self.tilt_deg
            && self.short_mm.is_none_or(|limit| placement.pose.x_mm >= -limit)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SceneFile {
    summary: String,
    mjcf: Option<String>,
    shelf: Option<ShelfSpec>,
    plate: Value,
    guide_clearance_mm: Option<f64>,
    friction: Friction,
    heights: Heights,
    seated: SeatLimits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Friction {
    furniture: f64,
}

const EMBEDDED: [(&str, &str); 6] = [
    ("open.toml", include_str!("../../scenes/open.toml")),
    ("shelf.toml", include_str!("../../scenes/shelf.toml")),
    ("shelf-tight.toml", include_str!("../../scenes/shelf-tight.toml")),
    ("hotel.toml", include_str!("../../scenes/hotel.toml")),
    ("open.xml", include_str!("../../scenes/open.xml")),
    ("shelf.xml", include_str!("../../scenes/shelf.xml")),
];

impl Scene {
    /// Moves what belongs to the pick place, in the world frame: the parts whose names begin with `pick`, and where the
    /// plate and the view lie on them.
    pub fn move_fixture(&mut self, by: &Isometry3<f64>) {
        for part in self.statics.iter_mut().filter(|part| part.name.starts_with("pick")) {
            part.world_from_box = by * part.world_from_box;
        }
        for frame in [&mut self.world_from_pick, &mut self.world_from_view] {
            *frame = by * *frame;
        }
    }

    /// The scenes that the binary carries.
    pub const NAMES: [&'static str; 4] = ["open", "shelf", "shelf-tight", "hotel"];

    /// Every embedded file: name and text, for `rmrl init`.
    pub const FILES: &'static [(&'static str, &'static str)] = &EMBEDDED;

    /// Loads an embedded scene by its name, or a `.toml` file with its MJCF beside it.
    pub fn named(name_or_path: &str) -> Result<Self, ConfigError> {
        if name_or_path.ends_with(".toml") {
            let text = read(name_or_path, "scene", Path::new(name_or_path))?;
            return Self::parse(name_or_path, &text);
        }
        let file = format!("{name_or_path}.toml");
        match EMBEDDED.iter().find(|(name, _)| *name == file) {
            Some((name, text)) => Self::read(name, text, |mjcf| {
                let known = EMBEDDED.iter().find(|(name, _)| *name == mjcf);
                known.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "not embedded".to_owned())
            }),
            None => Err(Check { file: "scene" }.error(
                "name",
                name_or_path,
                format_args!("must be one of {}, or a .toml file", Self::NAMES.join(", ")),
            )),
        }
    }

    /// Reads a scene from TOML; its MJCF is looked for in the folder of `file`.
    pub fn parse(file: &str, toml: &str) -> Result<Self, ConfigError> {
        let folder = Path::new(file).parent().unwrap_or(Path::new("."));
        Self::read(file, toml, |mjcf| {
            std::fs::read_to_string(folder.join(mjcf)).map_err(|e| e.to_string())
        })
    }

    /// Reads a scene whose MJCF comes from `mjcf`, a function from its file name to its text.
    pub fn read(
        file: &str,
        toml: &str,
        mjcf: impl FnOnce(&str) -> Result<String, String>,
    ) -> Result<Self, ConfigError> {
        let check = Check { file };
        let mut keys: SceneFile = parse_toml(file, toml)?;
        let plate = Plate::read(check, &keys.plate)?;
        check_keys(check, &keys, &plate)?;
        let mut drawing = String::new();
        let mjcf = |name: &str| mjcf(name).inspect(|text| drawing.clone_from(text));
        let mut scene = match (keys.mjcf.take(), keys.shelf) {
            (Some(xml), None) => Self::from_mjcf(check, keys, plate, &xml, mjcf)?,
            (None, Some(shelf)) => Self::from_shelf(check, keys, plate, &shelf)?,
            (Some(xml), Some(_)) => {
                let valid = "must stand without a section [shelf], which makes the geometry";
                return Err(check.error("mjcf", xml, valid));
            }
            (None, None) => {
                let valid = "must name an MJCF file, or a section [shelf] must be there instead";
                return Err(check.error("mjcf", "missing", valid));
            }
        };
        scene.content = Content::of([canonical(toml), drawing]);
        Ok(scene)
    }

    /// The furniture as what an arm's links keep clear of.
    pub fn obstacles(&self) -> impl Iterator<Item = Obstacle> {
        self.statics.iter().map(|part| Obstacle { hand_works_here: true, ..part.obstacle() })
    }

    fn from_mjcf(
        check: Check<'_>,
        keys: SceneFile,
        plate: Plate,
        xml_file: &str,
        mjcf: impl FnOnce(&str) -> Result<String, String>,
    ) -> Result<Self, ConfigError> {
        let xml = mjcf(xml_file)
            .map_err(|e| check.error("mjcf", xml_file, format_args!("cannot be read: {e}")))?;
        let folder = Path::new(check.file).parent().unwrap_or(Path::new("."));
        // As the user would find it.
        let path = folder.join(xml_file).display().to_string();
        let in_mjcf = Check { file: &path };
        let geometry = Geometry::parse(in_mjcf, &xml, folder)?;
        let made = Made {
            world_from_pick: geometry.site(in_mjcf, "pick")?,
            world_from_place: geometry.site(in_mjcf, "place")?,
            world_from_view: geometry.site(in_mjcf, "view")?,
            insert_mm: keys.heights.insert_mm,
            statics: geometry.statics.clone(),
        };
        let clearance_mm = keys.guide_clearance_mm;
        let mut scene = Self::assemble(check, keys, plate, made);
        scene.check_plate(in_mjcf, &geometry)?;
        scene.check_frames(in_mjcf)?;
        if let Some(clearance_mm) = clearance_mm {
            scene.set_clearance(in_mjcf, clearance_mm / 1e3)?;
        }
        scene.check_seats(in_mjcf)?;
        scene.check_way_in(check)?;
        Ok(scene)
    }

    fn from_shelf(
        check: Check<'_>,
        keys: SceneFile,
        plate: Plate,
        shelf: &ShelfSpec,
    ) -> Result<Self, ConfigError> {
        let valid = "must be the shelf's clearance_mm where a section [shelf] is there";
        let none = keys.guide_clearance_mm.is_none();
        check.that(none, "guide_clearance_mm", keys.guide_clearance_mm.unwrap_or(0.0), valid)?;
        let valid = "is given by the section [shelf]";
        let none = keys.heights.insert_mm == 0.0;
        check.that(none, "heights.insert_mm", keys.heights.insert_mm, valid)?;
        let made = shelf.build(check, &plate, &keys.heights)?;
        let scene = Self::assemble(check, keys, plate, made);
        scene.check_seats(check)?;
        Ok(scene)
    }

    fn assemble(check: Check<'_>, keys: SceneFile, plate: Plate, made: Made) -> Self {
        Self {
            name: Named::after(check.file),
            content: Content::default(),
            summary: keys.summary,
            statics: made.statics,
            world_from_pick: made.world_from_pick,
            world_from_place: made.world_from_place,
            world_from_view: made.world_from_view,
            plate,
            furniture_friction: keys.friction.furniture,
            heights: Heights { insert_mm: made.insert_mm, ..keys.heights },
            seat: keys.seated,
        }
    }

    fn check_plate(&self, check: Check<'_>, geometry: &Geometry) -> Result<(), ConfigError> {
        let (body, half) = (&geometry.plate, self.plate.size / 2.0);
        let same = (body.half - half).amax() < 1e-6;
        let valid = format!("must be {} {} {}, half of the preset's sides", half.x, half.y, half.z);
        let [x, y, z] = body.half.into();
        check.that(same, "geom plate size", format_args!("{x} {y} {z}"), valid)?;
        let mass = body.mass_kg.unwrap_or(f64::NAN);
        let same = (mass - self.plate.mass_kg).abs() < 1e-9;
        let valid = format!("must be the preset's {} (kg)", self.plate.mass_kg);
        check.that(same, "geom plate mass", mass, valid)?;
        let centre = Isometry3::translation(0.0, 0.0, half.z);
        let same = near(&body.plate_from_box, &centre);
        let valid = format!("must be 0 0 {}: the body's frame is the bottom's centre", half.z);
        check.that(same, "geom plate pos", body.plate_from_box, valid)?;
        let same = near(&body.world_from_plate, &self.world_from_pick);
        let valid = "must stand at the site pick";
        check.that(same, "body plate pos", body.world_from_plate.translation, valid)
    }

    fn check_frames(&self, check: Check<'_>) -> Result<(), ConfigError> {
        for (name, frame) in [("pick", self.world_from_pick), ("place", self.world_from_place)] {
            let up = frame.rotation * Vector3::z();
            let key = format!("site {name} rotation");
            check.that(up.z > 1.0 - 1e-9, &key, frame.rotation, "must keep z upright")?;
        }
        Ok(())
    }

    /// The plate must be slow before it can meet a guide or the stop.
    fn check_way_in(&self, check: Check<'_>) -> Result<(), ConfigError> {
        let way_in = self.heights.place_contact_mm;
        for (part, top) in self.beside_the_seat() {
            let key = "heights.place_contact_mm";
            let valid = format!("must be above geom {}, {:.1} mm", part.name, top * 1e3);
            check.that(way_in > top * 1e3, key, way_in, valid)?;
        }
        Ok(())
    }

    /// The plate must rest on something at both places and overlap nothing.
    fn check_seats(&self, check: Check<'_>) -> Result<(), ConfigError> {
        let half = self.plate.size / 2.0;
        for (name, seat) in [("pick", self.world_from_pick), ("place", self.world_from_place)] {
            let key = format!("site {name}");
            let plate = seat * Isometry3::translation(0.0, 0.0, half.z);
            let mut rests = false;
            for part in &self.statics {
                let depth = part.overlap(&plate, &half);
                let valid = "the plate must not overlap the furniture there";
                let at = format!("overlaps geom {} by {:.3} mm", part.name, depth * 1e3);
                check.that(depth < 1e-5, &key, at, valid)?;
                rests |= depth > -1e-5;
            }
            check.that(rests, &key, "in the air", "the plate must rest on a geom there")?;
        }
        Ok(())
    }
}

fn check_keys(check: Check<'_>, keys: &SceneFile, plate: &Plate) -> Result<(), ConfigError> {
    check.within("friction.furniture", keys.friction.furniture, 0.0, 2.0)?;
    if let Some(clearance) = keys.guide_clearance_mm {
        check.within("guide_clearance_mm", clearance, 0.05, 20.0)?;
    }
    let Heights { carry_mm, pick_contact_mm, place_contact_mm, insert_mm } = keys.heights;
    check.within("heights.insert_mm", insert_mm, 0.0, 1e3)?;
    check.within("heights.pick_contact_mm", pick_contact_mm, 1.0, 100.0)?;
    check.within("heights.place_contact_mm", place_contact_mm, 1.0, 100.0)?;
    let least = pick_contact_mm.max(place_contact_mm);
    check.within("heights.carry_mm", carry_mm, least, 500.0)?;
    let tall_mm = plate.size.z * 1e3;
    check.within("seated.height_mm", keys.seated.height_mm, 0.05, tall_mm)?;
    check.within("seated.tilt_deg", keys.seated.tilt_deg, 0.05, 45.0)?;
    if let Some(short_mm) = keys.seated.short_mm {
        check.within("seated.short_mm", short_mm, 0.05, 100.0)?;
    }
    check.within("seated.climbed_mm", keys.seated.climbed_mm, keys.seated.height_mm, 100.0)
}

fn near(a: &Isometry3<f64>, b: &Isometry3<f64>) -> bool {
    (a.translation.vector - b.translation.vector).amax() < 1e-6
        && a.rotation.angle_to(&b.rotation) < 1e-6
}

pub(super) fn read(file: &str, key: &str, path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|e| Check { file }.error(key, path.display(), format_args!("cannot be read: {e}")))
}

pub(super) fn stem(file: &str) -> String {
    let stem = Path::new(file).file_stem().map(|s| s.to_string_lossy().into_owned());
    stem.unwrap_or_else(|| file.to_owned())
}
