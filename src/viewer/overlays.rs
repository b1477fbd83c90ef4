//! What is drawn over the cell on demand, in space; its words are in [`super::panels`].

use bevy::prelude::*;
use nalgebra::{Isometry3, Point3, Vector3};

use super::convert::{point, vec3};
use super::keys::Overlay;
use super::{Cell, Shown};
use crate::cell::{flatten, placement};
use crate::task::Pose2;

/// Which overlays are on.
#[derive(Resource, Clone, Copy, Debug)]
pub struct Overlays {
    pub contacts: bool,
    pub camera: bool,
    pub errors: bool,
    pub distances: bool,
    pub ghosts: bool,
}

impl Default for Overlays {
    fn default() -> Self {
        Self { contacts: false, camera: false, errors: true, distances: false, ghosts: true }
    }
}

impl Overlays {
    pub fn of(&mut self, overlay: Overlay) -> &mut bool {
        match overlay {
            Overlay::Contacts => &mut self.contacts,
            Overlay::Camera => &mut self.camera,
            Overlay::Errors => &mut self.errors,
            Overlay::Distances => &mut self.distances,
            Overlay::Ghosts => &mut self.ghosts,
        }
    }
}

/// How much longer than the error its arrow is drawn.
pub const MAGNIFIED: f32 = 10.0;
/// Length of the arrow of one newton, metres.
pub const METRES_A_NEWTON: f32 = 2e-3;
/// Nearer to the target than this, a plate's error is its placement's, metres.
const ARRIVING: f64 = 0.06;

pub const X_COLOR: Color = Color::srgb(1.0, 0.36, 0.36);
pub const Y_COLOR: Color = Color::srgb(0.40, 0.90, 0.45);
pub const YAW_COLOR: Color = Color::srgb(0.45, 0.70, 1.0);
pub const FORCE_COLOR: Color = Color::srgb(1.0, 0.85, 0.25);
pub const DISTANCE_COLOR: Color = Color::srgb(0.90, 0.92, 0.95);
pub const CAMERA_COLOR: Color = Color::srgb(0.70, 0.55, 1.0);

/// The plate's error and the frame it is told in.
#[derive(Clone, Copy, Debug)]
pub struct ErrorShown {
    /// "placement" over the target, "offset" elsewhere.
    pub name: &'static str,
    pub world_from_nominal: Isometry3<f64>,
    pub error: Pose2,
    /// Of the plate's bottom over the seat, mm.
    pub height_mm: f64,
}

/// How far the plate is from where it should lie: at the target once it is near it, at the pick
/// place before; nothing on the way.
pub fn error_shown(cell: &Cell, shown: &Shown) -> Option<ErrorShown> {
    let plate = shown.0.bodies.plate?;
    let nearest =
        [("placement", cell.scene.world_from_place), ("offset", cell.scene.world_from_pick)];
    nearest.into_iter().find_map(|(name, world_from_nominal)| {
        let nominal_from_plate = world_from_nominal.inverse() * plate;
        let level = nominal_from_plate.translation.vector.xy().norm();
        let height_mm = placement(&nominal_from_plate).z_mm;
        (level < ARRIVING && height_mm.abs() < 40.0).then(|| {
            let error = flatten(&nominal_from_plate);
            ErrorShown { name, world_from_nominal, error, height_mm }
        })
    })
}

/// A length to be told in millimetres.
#[derive(Clone, Copy, Debug)]
pub struct Distance {
    pub from: Point3<f64>,
    pub to: Point3<f64>,
    pub what: &'static str,
}

impl Distance {
    pub fn mm(&self) -> f64 {
        (self.to - self.from).norm() * 1e3
    }
}

/// What is worth measuring at this moment.
pub fn distances(cell: &Cell, shown: &Shown) -> Vec<Distance> {
    let scene = &cell.scene;
    let origin = |pose: &Isometry3<f64>| pose * Point3::origin();
    let mut all = vec![Distance {
        from: origin(&scene.world_from_pick),
        to: origin(&scene.world_from_place),
        what: "pick to place",
    }];
    let Some(plate) = shown.0.bodies.plate else { return all };
    let half = scene.plate.size / 2.0;
    if let Some(error) = error_shown(cell, shown)
        && error.height_mm.abs() > 0.2
    {
        let below = plate * Point3::new(half.x, 0.0, 0.0);
        let mut seat = below;
        seat.z = error.world_from_nominal.translation.z;
        all.push(Distance { from: seat, to: below, what: "over the seat" });
    }
    // The play beside the plate, where guides stand.
    let place_from_plate = scene.world_from_place.inverse() * plate;
    if place_from_plate.translation.vector.norm() < ARRIVING {
        for (name, side) in [("guide_left", 1.0), ("guide_right", -1.0)] {
            let Some(guide) = scene.statics.iter().find(|part| part.name == name) else { continue };
            let middle = scene.world_from_place.inverse() * guide.world_from_box * Point3::origin();
            let mut edge = place_from_plate * Point3::new(0.02, side * half.y, half.z);
            let mut face = edge;
            face.y = middle.y - side * guide.half.y;
            edge.x = face.x;
            let what = if side > 0.0 { "play left" } else { "play right" };
            let world = |p: Point3<f64>| scene.world_from_place * p;
            all.push(Distance { from: world(edge), to: world(face), what });
        }
    }
    // From the hand's tips to the rear edge of the plate, while they are apart.
    let tool = shown.0.bodies.tool;
    let rear = plate * Point3::new(-half.x, 0.0, half.z);
    let tips = tool * Point3::new(cell.robot.gripper.overlap_mm / 2e3, 0.0, 0.0);
    let overlap = (plate.inverse() * tips).x + half.x;
    if overlap < 0.0 {
        all.push(Distance { from: tips, to: rear, what: "hand to plate" });
    }
    all
}

/// Corners of the camera's field on the plane that it is sharp on, and as far above as it is drawn.
pub fn field_corners(cell: &Cell) -> [[Vec3; 4]; 2] {
    let side = cell.image.mm / 2e3;
    [0.0, 0.22].map(|height| {
        [(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)].map(|(x, y)| {
            point(&(cell.scene.world_from_view * Point3::new(x * side, y * side, height)))
        })
    })
}

pub fn configure(mut store: ResMut<GizmoConfigStore>) {
    let (config, _) = store.config_mut::<DefaultGizmoConfigGroup>();
    // Over everything: an arrow inside a plate would say nothing.
    config.depth_bias = -1.0;
    config.line.width = 2.0;
}

pub fn draw(overlays: Res<Overlays>, cell: Res<Cell>, shown: Res<Shown>, mut gizmos: Gizmos) {
    if overlays.contacts {
        for contact in &shown.0.contacts {
            let at = point(&contact.point);
            gizmos.sphere(at, 8e-4, FORCE_COLOR);
            gizmos
                .arrow(at - vec3(&contact.force) * METRES_A_NEWTON, at, FORCE_COLOR)
                .with_tip_length(4e-3);
        }
    }
    if overlays.errors
        && let Some(shown) = error_shown(&cell, &shown)
    {
        draw_error(&shown, cell.scene.plate.size.z, &mut gizmos);
    }
    if overlays.distances {
        for distance in distances(&cell, &shown) {
            gizmos.line(point(&distance.from), point(&distance.to), DISTANCE_COLOR);
        }
    }
    if overlays.camera {
        let [low, high] = field_corners(&cell);
        for i in 0..4 {
            gizmos.line(low[i], low[(i + 1) % 4], CAMERA_COLOR);
            gizmos.line(high[i], high[(i + 1) % 4], CAMERA_COLOR);
            gizmos.line(low[i], high[i], CAMERA_COLOR.with_alpha(0.5));
        }
    }
}

/// Arrows along x and y from the nominal centre, and an arc for the yaw, over the plate.
fn draw_error(shown: &ErrorShown, thick: f64, gizmos: &mut Gizmos) {
    let frame = shown.world_from_nominal;
    let lifted = |x: f64, y: f64| {
        point(
            &(frame
                * Point3::from(Vector3::new(x, y, thick + 0.004 + shown.height_mm.max(0.0) / 1e3))),
        )
    };
    let [x, y, yaw] = shown.error.axes();
    let long = f64::from(MAGNIFIED) / 1e3;
    let (centre, corner) = (lifted(0.0, 0.0), lifted(x * long, 0.0));
    let end = lifted(x * long, y * long);
    if x.abs() > 0.02 {
        gizmos.arrow(centre, corner, X_COLOR).with_tip_length(5e-3);
    }
    if y.abs() > 0.02 {
        gizmos.arrow(corner, end, Y_COLOR).with_tip_length(5e-3);
    }
    let turn = yaw.to_radians() * f64::from(MAGNIFIED);
    let arc: Vec<Vec3> = (0..=24)
        .map(|i| {
            let (sin, cos) = (turn * f64::from(i) / 24.0).sin_cos();
            lifted(0.075 * cos, 0.075 * sin)
        })
        .collect();
    if yaw.abs() > 0.02 {
        gizmos.line(centre, arc[0], YAW_COLOR.with_alpha(0.5));
        gizmos.line(centre, arc[24], YAW_COLOR.with_alpha(0.5));
        gizmos.linestrip(arc, YAW_COLOR);
    }
    gizmos.sphere(centre, 1.2e-3, DISTANCE_COLOR);
}
