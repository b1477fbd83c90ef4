use nalgebra::{Isometry3, Vector3};

use super::convert::{isometry, vector};
use super::shapes::HandShapes;
use crate::arm::Segment;
use crate::cell::{CellPlan, lift};
use crate::config::{Check, ConfigError, Robot, Scene};
use crate::task::{Pose2, Range, TaskSpec};

/// Scene, robot and task must go together before anything moves.
pub fn check(
    scene: &Scene,
    robot: &Robot,
    task: &TaskSpec,
    plan: &CellPlan,
) -> Result<(), ConfigError> {
    corrections_are_allowed(task, robot)?;
    gripper_opens(scene, robot)?;
    hand_has_room(scene, robot, plan)?;
    places_are_in_reach(scene, robot, task, plan)
}

/// Every correction of the grid must lie inside the robot's envelope.
fn corrections_are_allowed(task: &TaskSpec, robot: &Robot) -> Result<(), ConfigError> {
    let (range, envelope) = (&task.range, &robot.envelope);
    let check = Check { file: "experiment" };
    for (key, value, limit) in [
        ("task.range.mm", range.mm, envelope.correction_mm),
        ("task.range.deg", range.deg, envelope.correction_deg),
    ] {
        let valid = format_args!("must be at most {limit}, the envelope of robot {}", robot.name);
        check.that(value <= limit, key, value, valid)?;
    }
    Ok(())
}

/// The plate must fit between the open pads, and be thick enough to be pressed.
fn gripper_opens(scene: &Scene, robot: &Robot) -> Result<(), ConfigError> {
    let file = format!("{}.toml", robot.name);
    let check = Check { file: &file };
    let gripper = &robot.gripper;
    let thick_mm = gripper.grasp.gripped(&scene.plate) * 1e3;
    let valid = format!("must be wider than the plate of scene {}: {thick_mm} mm", scene.name);
    let opens = gripper.opening_mm > thick_mm;
    check.that(opens, "gripper.opening_mm", gripper.opening_mm, valid)?;
    let half_mm = thick_mm / 2.0;
    let pressed_mm = gripper.interference() * 1e3;
    let valid = format!(
        "divided by stiffness_n_per_mm must be less than half of what is gripped of the plate, \
         {half_mm} mm"
    );
    check.that(pressed_mm < half_mm, "gripper.force_n", gripper.force_n, valid)
}

/// The hand must stand free of the furniture: open at home, open and closed around a plate at both
/// places.
fn hand_has_room(scene: &Scene, robot: &Robot, plan: &CellPlan) -> Result<(), ConfigError> {
    let file = format!("{}.toml", scene.name);
    let at = |place: Isometry3<f64>| place * plan.plate_from_tool;
    let (pick, target) = (at(scene.world_from_pick), at(scene.world_from_place));
    let open = robot.gripper.opening_mm / 2e3;
    let closed = robot.gripper.grasp.gripped(&scene.plate) / 2.0;
    for (name, world_from_tool, half_opening) in [
        ("open hand at home", plan.world_from_home, open),
        ("open hand at the pick place", pick, open),
        ("closed hand at the pick place", pick, closed),
        ("open hand at the target", target, open),
        ("closed hand at the target", target, closed),
    ] {
        for (tool_from_box, half) in hand(robot, half_opening) {
            for part in &scene.statics {
                let depth = part.overlap(&(world_from_tool * tool_from_box), &half);
                let value = format!("{:.1} mm into the {name}", depth * 1e3);
                let valid = format!("must leave room for the gripper of robot {}", robot.name);
                let key = format!("geom {}", part.name);
                Check { file: &file }.that(depth < 1e-6, &key, value, valid)?;
            }
        }
    }
    Ok(())
}

/// The boxes of the hand: `tool_from_box` and half the sides.
fn hand(robot: &Robot, half_opening: f64) -> [(Isometry3<f64>, Vector3<f64>); 3] {
    let shapes = HandShapes::new(&robot.gripper);
    let finger = |side: f32| {
        let (at, half) = shapes.finger(side);
        (shapes.travelled(side, half_opening as f32) * at, half)
    };
    [shapes.palm(), finger(1.0), finger(-1.0)].map(|(at, half)| (isometry(&at), vector(half)))
}

/// The whole way must lie inside the robot's envelope and reach: the nominal one, and those of the
/// largest corrections.
fn places_are_in_reach(
    scene: &Scene,
    robot: &Robot,
    task: &TaskSpec,
    plan: &CellPlan,
) -> Result<(), ConfigError> {
    let file = format!("{}.toml", scene.name);
    let (file, experiment) = (Check { file: &file }, Check { file: "experiment" });
    let planner = robot.planner();
    let within = |check: Check<'_>, key: &str, way: Vec<Segment>| {
        planner.check(robot.home(), way).map(drop).map_err(|forbidden| {
            let valid = format!(
                "is out of reach of robot {}: {} must be within {}",
                robot.name, forbidden.what, forbidden.allowed
            );
            check.error(key, &forbidden.value, valid)
        })
    };
    let seat = plan.target.world_from_place * plan.plate_from_tool;
    let route = |correction: Pose2| {
        let grip = plan.pick.world_from_place * lift(correction) * plan.plate_from_tool;
        plan.route((plan.pick, grip), (plan.target, seat))
    };
    let nominal = route(Pose2::IDENTITY);
    within(file, "site pick", [nominal.approach.clone(), vec![nominal.lift.clone()]].concat())?;
    within(file, "site place", [nominal.whole(), plan.retreat(&seat)].concat())?;
    let Range { mm, deg } = task.range;
    for (x, y, yaw) in [(mm, mm, deg), (mm, -mm, -deg), (-mm, mm, -deg), (-mm, -mm, deg)] {
        within(experiment, "task.range", route(Pose2::new(x, y, yaw)).whole())?;
    }
    Ok(())
}
