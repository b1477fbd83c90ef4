use nalgebra::{Isometry3, Vector3};

use crate::cell::lift;
use crate::config::{Grasp, GripperSpec, Robot, Scene};
use crate::input::{Check, ConfigError};
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
            scene.move_fixture(&(pick * lift(fixture) * pick.inverse()));
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
    planar(real, [Quantity::TrackingXMm, Quantity::TrackingYMm])
}

/// How far the tool still is from the end of a free move, metres.
pub(super) fn settling(real: &Conditions) -> Option<Vector3<f64>> {
    planar(real, [Quantity::SettlingXMm, Quantity::SettlingYMm])
}

/// In the world frame, from millimetres; none where all is nominal.
fn planar(real: &Conditions, axes: [Quantity; 2]) -> Option<Vector3<f64>> {
    let [x, y] = axes.map(|axis| real.get(axis) / 1e3);
    (x != 0.0 || y != 0.0).then(|| Vector3::new(x, y, 0.0))
}

/// How far the camera is from where it should look.
pub(super) fn camera(real: &Conditions) -> Pose2 {
    pose(real, [Quantity::CameraXMm, Quantity::CameraYMm, Quantity::CameraYawDeg])
}

fn pose(real: &Conditions, axes: [Quantity; 3]) -> Pose2 {
    Pose2::from_axes(axes.map(|axis| real.get(axis)))
}

fn move_all(scene: &mut Scene, by: &Isometry3<f64>) {
    let parts = scene.statics.iter_mut().map(|part| &mut part.world_from_box);
    let frames =
        [&mut scene.world_from_pick, &mut scene.world_from_place, &mut scene.world_from_view];
    for pose in parts.chain(frames) {
        *pose = by * *pose;
    }
}

fn key(quantity: Quantity) -> String {
    format!("task.dirt.{} (with task.drift)", quantity.name())
}

/// The worst that the experiment can draw must still be a plate, a shelf and a gripper.
pub(super) fn check(
    check: Check<'_>,
    scene: &Scene,
    robot: &Robot,
    task: &TaskSpec,
) -> Result<(), ConfigError> {
    let lower = |quantity: Quantity, nominal: f64, least: f64, what: &str| {
        let (low, _) = task.reach(quantity);
        let valid = format_args!("must leave at least {least} of the {nominal} that {what} has");
        check.that(nominal + low >= least, &key(quantity), low, valid)
    };
    let of_scene = format!("scene {}", scene.name);
    let of_robot = format!("robot {}", robot.name);
    lower(Quantity::PlateMassG, scene.plate.mass_kg * 1e3, 5.0, &of_scene)?;
    lower(Quantity::FurnitureFriction, scene.furniture_friction, 0.0, &of_scene)?;
    lower(Quantity::PadFriction, robot.gripper.pad_friction, 0.01, &of_robot)?;
    lower(Quantity::GripperForceN, robot.gripper.force_n, 1.0, &of_robot)?;
    lower(Quantity::Exposure, 1.0, 0.05, "the camera")?;
    check_grip(check, scene, robot, task)?;
    check_fixture(check, scene, task)?;
    if let Some(play) = scene.play() {
        let grown =
            [Quantity::PlateLengthMm, Quantity::PlateWidthMm].map(|side| task.reach(side).1);
        let least = 0.05 + grown[0].max(grown[1]) / 2.0;
        lower(Quantity::GuideClearanceMm, play * 1e3, least, &of_scene)?;
    }
    Ok(())
}

/// The thickest plate must still fit between the open pads, and the thinnest be pressed.
fn check_grip(
    check: Check<'_>,
    scene: &Scene,
    robot: &Robot,
    task: &TaskSpec,
) -> Result<(), ConfigError> {
    let gripper = &robot.gripper;
    let quantity = match gripper.grasp {
        Grasp::EdgePinch => Quantity::PlateHeightMm,
        Grasp::SideGrip => Quantity::PlateWidthMm,
    };
    let nominal_mm = gripper.grasp.gripped(&scene.plate) * 1e3;
    let (low, high) = task.reach(quantity);
    let key = key(quantity);
    let opening_mm = gripper.opening_mm;
    let valid = format!(
        "must leave the plate's {nominal_mm} mm narrower than the opening of robot {}, {opening_mm} mm",
        robot.name
    );
    check.that(nominal_mm + high < opening_mm, &key, high, valid)?;
    let most_n = gripper.force_n + task.reach(Quantity::GripperForceN).1;
    let pressed_mm = 2.0 * most_n / gripper.stiffness_n_per_mm;
    let valid = format!(
        "must leave the plate's {nominal_mm} mm thicker than the pads of robot {} press, {pressed_mm} mm",
        robot.name
    );
    check.that(nominal_mm + low > pressed_mm, &key, low, valid)
}

/// A bumped fixture moves what is named pick, and nothing else.
fn check_fixture(check: Check<'_>, scene: &Scene, task: &TaskSpec) -> Result<(), ConfigError> {
    let stands = scene.statics.iter().any(|part| part.name.starts_with("pick"));
    for quantity in [Quantity::FixtureXMm, Quantity::FixtureYMm, Quantity::FixtureYawDeg] {
        let (low, high) = task.reach(quantity);
        let valid = format!(
            "needs a fixture to move: no geom of scene {} has a name that begins with pick",
            scene.name.file()
        );
        check.that(stands || low == high, &key(quantity), high.max(-low), valid)?;
    }
    Ok(())
}
