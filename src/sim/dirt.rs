use nalgebra::{Isometry3, Vector3};

use crate::cell::lift;
use crate::config::{Check, ConfigError, GripperSpec, Robot, Scene};
use crate::task::{Conditions, Pose2, Quantity, TaskSpec};

/// What the files say, from which each trial's scene and gripper are made.
pub(super) struct Nominal {
    pub scene: Scene,
    pub gripper: GripperSpec,
}

impl Nominal {
    /// The scene that physics and camera meet under these conditions.
    pub fn scene(&self, real: &Conditions) -> Scene {
        let mut scene = self.scene.clone();
        let size = [Quantity::PlateLengthMm, Quantity::PlateWidthMm, Quantity::PlateHeightMm];
        scene.plate.size += Vector3::from(size.map(|side| real.get(side))) / 1e3;
        scene.plate.mass_kg += real.get(Quantity::PlateMassG) / 1e3;
        scene.furniture_friction += real.get(Quantity::FurnitureFriction);
        scene.widen_guides(real.get(Quantity::GuideClearanceMm) / 1e3);
        let fixture =
            pose(real, [Quantity::FixtureXMm, Quantity::FixtureYMm, Quantity::FixtureYawDeg]);
        if fixture != Pose2::IDENTITY {
            let pick = scene.world_from_pick;
            move_fixture(&mut scene, &(pick * lift(fixture) * pick.inverse()));
        }
        let base = pose(real, [Quantity::BaseXMm, Quantity::BaseYMm, Quantity::BaseYawDeg]);
        if base != Pose2::IDENTITY {
            // To an arm whose base is off, the whole world is off the other way.
            move_all(&mut scene, &lift(base).inverse());
        }
        scene
    }

    pub fn gripper(&self, real: &Conditions) -> GripperSpec {
        GripperSpec {
            force_n: self.gripper.force_n + real.get(Quantity::GripperForceN),
            pad_friction: self.gripper.pad_friction + real.get(Quantity::PadFriction),
            ..self.gripper
        }
    }
}

/// How far the tool leaves its straight line half way, metres.
pub(super) fn sway(real: &Conditions) -> Option<Vector3<f64>> {
    let sway = [Quantity::TrackingXMm, Quantity::TrackingYMm].map(|axis| real.get(axis) / 1e3);
    (sway != [0.0; 2]).then(|| Vector3::new(sway[0], sway[1], 0.0))
}

/// How far the camera is from where it should look.
pub(super) fn camera(real: &Conditions) -> Pose2 {
    pose(real, [Quantity::CameraXMm, Quantity::CameraYMm, Quantity::CameraYawDeg])
}

fn pose(real: &Conditions, axes: [Quantity; 3]) -> Pose2 {
    Pose2::from_axes(axes.map(|axis| real.get(axis)))
}

fn move_fixture(scene: &mut Scene, by: &Isometry3<f64>) {
    for part in scene.statics.iter_mut().filter(|part| part.name.starts_with("pick")) {
        part.world_from_box = by * part.world_from_box;
    }
    for frame in [&mut scene.world_from_pick, &mut scene.world_from_view] {
        *frame = by * *frame;
    }
}

fn move_all(scene: &mut Scene, by: &Isometry3<f64>) {
    let parts = scene.statics.iter_mut().map(|part| &mut part.world_from_box);
    let frames =
        [&mut scene.world_from_pick, &mut scene.world_from_place, &mut scene.world_from_view];
    for pose in parts.chain(frames) {
        *pose = by * *pose;
    }
}

/// The worst that the experiment can draw must still be a plate, a shelf and a gripper.
pub(super) fn check(scene: &Scene, robot: &Robot, task: &TaskSpec) -> Result<(), ConfigError> {
    let check = Check { file: "experiment" };
    let lower = |quantity: Quantity, nominal: f64, least: f64, what: &str| {
        let (low, _) = task.reach(quantity);
        let key = format!("task.dirt.{} (with task.drift)", quantity.name());
        let valid = format_args!("must leave at least {least} of the {nominal} that {what} has");
        check.that(nominal + low >= least, &key, low, valid)
    };
    let of_scene = format!("scene {}", scene.name);
    let of_robot = format!("robot {}", robot.name);
    lower(Quantity::PlateMassG, scene.plate.mass_kg * 1e3, 5.0, &of_scene)?;
    lower(Quantity::FurnitureFriction, scene.furniture_friction, 0.0, &of_scene)?;
    lower(Quantity::PadFriction, robot.gripper.pad_friction, 0.01, &of_robot)?;
    lower(Quantity::GripperForceN, robot.gripper.force_n, 1.0, &of_robot)?;
    if let Some(play) = scene.play() {
        let grown =
            [Quantity::PlateLengthMm, Quantity::PlateWidthMm].map(|side| task.reach(side).1);
        let least = 0.05 + grown[0].max(grown[1]) / 2.0;
        lower(Quantity::GuideClearanceMm, play * 1e3, least, &of_scene)?;
    }
    Ok(())
}
