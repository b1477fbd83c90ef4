use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion, Vector3};
use serde::{Deserialize, Serialize};

use super::{Heights, Plate, StaticBox};
use crate::input::{Check, ConfigError};

/// A shelf, or a hotel of several levels, as the scene's TOML describes it: a riser at the pick
/// place, and at the target boards with guides and back stop between two walls.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShelfSpec {
    /// Play of the plate on each side between the guides, and before the back stop.
    pub clearance_mm: f64,
    /// Of a board, from its front edge to behind the back stop.
    pub depth_mm: f64,
    /// Height of the lowest seat above the table.
    pub height_mm: f64,
    /// Free height over the highest level; without the key it is open above.
    pub board_above_mm: Option<f64>,
    #[serde(default = "one")]
    pub levels: u32,
    /// From one seat to the next; needed where there are several levels.
    pub level_pitch_mm: Option<f64>,
    /// The level that plates go to, 1 is the lowest.
    #[serde(default = "one")]
    pub level: u32,
}

fn one() -> u32 {
    1
}

/// What a scene is made of.
pub(super) struct Made {
    pub statics: Vec<StaticBox>,
    pub world_from_pick: Isometry3<f64>,
    pub world_from_place: Isometry3<f64>,
    pub world_from_view: Isometry3<f64>,
    /// How far out the plate is lowered before it is pushed in; 0 if it comes from above.
    pub insert_mm: f64,
}

/// From the plate's centre at the pick place to its centre at the target, along x.
const WAY_MM: f64 = 400.0;
/// Height of the riser at the pick place.
const PICK_MM: f64 = 60.0;
/// Thickness of a board.
const BOARD_MM: f64 = 5.0;
/// From the plate's rear to the board's rear edge: room for the back stop.
const BEHIND_MM: f64 = 21.0;
/// Height of the guides with their lead-in.
const GUIDE_MM: f64 = 12.0;
/// Air that a plate keeps to what is above and in front of it on its way in.
const AIR_MM: f64 = 4.0;
/// Inner half width between the walls; more where plate and guides need it.
const WALLS_MM: f64 = 72.0;
/// Thickness of a guide.
const GUIDE_THICK_MM: f64 = 6.0;

impl ShelfSpec {
    pub(super) fn build(
        &self,
        check: Check<'_>,
        plate: &Plate,
        heights: &Heights,
    ) -> Result<Made, ConfigError> {
        self.validate(check, plate, heights)?;
        let half_mm = plate.size * 500.0;
        let seat_mm = |level: u32| self.height_mm + f64::from(level - 1) * self.pitch_mm();
        let mut maker = Maker { statics: Vec::new() };
        maker.add("table", [200.0, 0.0, -10.0], [600.0, 400.0, 10.0], 0.307);
        let riser_half = [half_mm.x * 0.55, half_mm.y - 2.74, PICK_MM / 2.0];
        maker.add("pick_riser", [10.0, 0.0, PICK_MM / 2.0], riser_half, 0.45);
        for level in 1..=self.levels {
            let name = |part: &str| match level == self.level {
                true => part.to_owned(),
                false => format!("{part}_level{level}"),
            };
            self.add_level(&mut maker, &name, half_mm, seat_mm(level));
        }
        let top_mm = seat_mm(self.levels) + self.board_above_mm.unwrap_or(0.0);
        let (front_mm, back_mm) = self.board_x(half_mm.x);
        let walls_mm = self.walls_mm(half_mm);
        let board = |z: f64| {
            (
                [(front_mm + back_mm) / 2.0 + WAY_MM, 0.0, z],
                [(back_mm - front_mm) / 2.0, walls_mm, BOARD_MM / 2.0],
            )
        };
        if self.board_above_mm.is_some() {
            let (at, half) = board(top_mm + BOARD_MM / 2.0);
            maker.add("roof", at, half, 0.5);
        }
        // The walls stand behind the hand's way, where the boards are held.
        for (name, side) in [("wall_left", 1.0), ("wall_right", -1.0)] {
            let at = [WAY_MM + (back_mm + 20.0) / 2.0, side * (walls_mm + 2.0), top_mm / 2.0];
            maker.add(name, at, [(back_mm - 20.0) / 2.0, 2.0, top_mm / 2.0], 0.4);
        }
        let frame = |x: f64, z: f64| Isometry3::translation(x / 1e3, 0.0, z / 1e3);
        let under = self.board_above_mm.is_some() || self.level < self.levels;
        Ok(Made {
            statics: maker.statics,
            world_from_pick: frame(0.0, PICK_MM),
            world_from_place: frame(WAY_MM, seat_mm(self.level)),
            world_from_view: frame(0.0, PICK_MM + 2.0 * half_mm.z),
            insert_mm: if under { half_mm.x - front_mm + 4.0 * AIR_MM } else { 0.0 },
        })
    }

    fn add_level(
        &self,
        maker: &mut Maker,
        name: &dyn Fn(&str) -> String,
        half_mm: Vector3<f64>,
        seat_mm: f64,
    ) {
        let (front_mm, back_mm) = self.board_x(half_mm.x);
        let at = [WAY_MM + (front_mm + back_mm) / 2.0, 0.0, seat_mm - BOARD_MM / 2.0];
        let board = [(back_mm - front_mm) / 2.0, self.walls_mm(half_mm), BOARD_MM / 2.0];
        maker.add(&name("board"), at, board, 0.5);
        let inner = half_mm.y + self.clearance_mm;
        let (from, to) = (front_mm, half_mm.x - 4.0);
        let along = [WAY_MM + (from + to) / 2.0, (to - from) / 2.0];
        for (side, word) in [(1.0, "left"), (-1.0, "right")] {
            let guide = name(&format!("guide_{word}"));
            maker.add(
                &guide,
                [along[0], side * (inner + GUIDE_THICK_MM / 2.0), seat_mm + 4.0],
                [along[1], GUIDE_THICK_MM / 2.0, 4.0],
                0.607,
            );
            // A lead-in that leans outwards on the guide's inner edge.
            let lead = name(&format!("guide_{word}_lead"));
            let lean = about_x(-16.7 * side);
            let at = [along[0], side * (inner + 1.5578), seat_mm + 9.7127];
            maker.add(&lead, at, [along[1], 1.0, 2.088], 0.607);
            if let Some(part) = maker.statics.last_mut() {
                part.world_from_box.rotation = lean;
            }
        }
        let stop = [WAY_MM + half_mm.x + self.clearance_mm + 3.0, 0.0, seat_mm + 6.0];
        maker.add(&name("back_stop"), stop, [3.0, 30.0, 6.0], 0.607);
    }

    /// Inner half width between the walls: the guides of a wide plate keep clear of them.
    fn walls_mm(&self, half_mm: Vector3<f64>) -> f64 {
        WALLS_MM.max(half_mm.y + self.clearance_mm + GUIDE_THICK_MM + AIR_MM)
    }

    /// Front and rear edge of a board from the plate's centre, mm.
    fn board_x(&self, half_length_mm: f64) -> (f64, f64) {
        let back = half_length_mm + self.clearance_mm + BEHIND_MM;
        (back - self.depth_mm, back)
    }

    fn pitch_mm(&self) -> f64 {
        self.level_pitch_mm.unwrap_or(0.0)
    }

    fn validate(
        &self,
        check: Check<'_>,
        plate: &Plate,
        heights: &Heights,
    ) -> Result<(), ConfigError> {
        let half_mm = plate.size * 500.0;
        check.within("shelf.clearance_mm", self.clearance_mm, 0.05, 20.0)?;
        let back = self.board_x(half_mm.x).1;
        // The plate's centre must lie well on the board, and its rear end must stay free.
        check.within("shelf.depth_mm", self.depth_mm, back + 10.0, back + half_mm.x)?;
        check.within("shelf.height_mm", self.height_mm, 10.0, 2e3)?;
        check.within("shelf.levels", f64::from(self.levels), 1.0, 20.0)?;
        check.within("shelf.level", f64::from(self.level), 1.0, f64::from(self.levels))?;
        let way_in = heights.place_contact_mm;
        let valid = format!("must be above the guides, {GUIDE_MM} mm");
        check.that(way_in > GUIDE_MM, "heights.place_contact_mm", way_in, valid)?;
        let least = way_in + 2.0 * half_mm.z + AIR_MM;
        if let Some(free) = self.board_above_mm {
            check.within("shelf.board_above_mm", free, least, 1e3)?;
        }
        match self.level_pitch_mm {
            Some(pitch) => check.within("shelf.level_pitch_mm", pitch, least + BOARD_MM, 1e3),
            None => check.that(
                self.levels == 1,
                "shelf.level_pitch_mm",
                "missing",
                "must be there where levels is more than 1",
            ),
        }
    }
}

struct Maker {
    statics: Vec<StaticBox>,
}

impl Maker {
    /// A box by its centre and half its sides, mm.
    fn add(&mut self, name: &str, at_mm: [f64; 3], half_mm: [f64; 3], grey: f64) {
        let at = Vector3::from(at_mm) / 1e3;
        self.statics.push(StaticBox {
            name: name.to_owned(),
            world_from_box: Translation3::from(at).into(),
            half: Vector3::from(half_mm) / 1e3,
            grey,
        });
    }
}

/// A turn about x. By libm, so that a scene has the same bits on every machine.
fn about_x(angle_deg: f64) -> UnitQuaternion<f64> {
    let (sin, cos) = libm::sincos(angle_deg.to_radians() / 2.0);
    UnitQuaternion::new_unchecked(Quaternion::new(cos, sin, 0.0, 0.0))
}
