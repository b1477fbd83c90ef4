use nalgebra::Isometry3;

use super::hand::{HandBoxes, Placed};
use super::{CellPlan, flatten, lift};
use crate::arm::{CheckedPath, Line, Segment};
use crate::config::{Robot, Scene, StaticBox};
use crate::input::{Check, ConfigError};
use crate::task::{ImageSize, Pose2, Range, TaskSpec};

/// Scene, robot and task must go together before anything moves. `experiment` names the file of the
/// task.
pub fn check(
    experiment: Check<'_>,
    scene: &Scene,
    robot: &Robot,
    task: &TaskSpec,
    plan: &CellPlan,
) -> Result<(), ConfigError> {
    corrections_are_allowed(experiment, task, robot)?;
    gripper_opens(scene, robot)?;
    camera_sees_the_plate(scene, task.image)?;
    hand_has_room(scene, robot, plan)?;
    places_are_in_reach(experiment, scene, robot, task, plan)
}

/// The robot file's obstacles must stand out of the nominal way of hand and plate between the places of this plan, as
/// they were taught: [`check`] goes by the drawing, where the furniture is.
pub fn check_obstacles(scene: &Scene, robot: &Robot, plan: &CellPlan) -> Result<(), ConfigError> {
    if robot.obstacles.is_empty() {
        return Ok(());
    }
    let seat = plan.target.world_from_place * plan.plate_from_tool;
    let grip = plan.pick.world_from_place * plan.plate_from_tool;
    let route = plan.route((plan.pick, grip), (plan.target, seat));
    let whole = [route.whole(), plan.retreat(&seat)].concat();
    let path = robot.planner().check(robot.home(), whole).map_err(|forbidden| {
        let valid = format!("{} must be within {}", forbidden.what, forbidden.allowed);
        Check { file: robot.name.file() }.error("real.pick, real.place", &forbidden.value, valid)
    })?;
    way_is_free(scene, robot, plan, &path, Against::Obstacles)
}

/// What is looked for in the way.
#[derive(Clone, Copy, PartialEq)]
enum Against {
    /// Furniture and obstacles; a plate between its guides meets these, as it should.
    All,
    /// The robot file's obstacles, which no plate should meet.
    Obstacles,
}

/// Every correction of the grid must lie inside the robot's envelope.
fn corrections_are_allowed(
    experiment: Check<'_>,
    task: &TaskSpec,
    robot: &Robot,
) -> Result<(), ConfigError> {
    let (range, envelope) = (&task.range, &robot.envelope);
    for (key, value, limit) in [
        ("task.range.mm", range.mm, envelope.correction_mm),
        ("task.range.deg", range.deg, envelope.correction_deg),
    ] {
        let valid = format_args!("must be at most {limit}, the envelope of robot {}", robot.name);
        experiment.that(value <= limit, key, value, valid)?;
    }
    Ok(())
}

/// The plate at the pick place must lie in the picture.
fn camera_sees_the_plate(scene: &Scene, image: ImageSize) -> Result<(), ConfigError> {
    let plate = flatten(&(scene.world_from_view.inverse() * scene.world_from_pick));
    let half_mm = image.mm / 2.0;
    for (axis, mm) in [("x", plate.x_mm), ("y", plate.y_mm)] {
        let value = format!("{mm:.0} mm from the site pick along {axis}");
        let valid = format!("must be within {half_mm} mm of it, half the camera's field");
        Check { file: scene.name.file() }.that(mm.abs() <= half_mm, "site view", value, valid)?;
    }
    Ok(())
}

/// The plate must fit between the open pads, and be thick enough to be pressed.
fn gripper_opens(scene: &Scene, robot: &Robot) -> Result<(), ConfigError> {
    let check = Check { file: robot.name.file() };
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
        for (tool_from_box, half) in HandBoxes::new(&robot.gripper).opened(half_opening) {
            for (check, key, part) in standing(scene, robot) {
                let depth = part.overlap(&(world_from_tool * tool_from_box), &half);
                let value = format!("{:.1} mm into the {name}", depth * 1e3);
                let valid = format!("must leave room for the gripper of robot {}", robot.name);
                check.that(depth < 1e-6, &key, value, valid)?;
            }
        }
    }
    Ok(())
}

/// All that stands there, with the file that has it and as what: the scene's furniture, the robot file's obstacles.
fn standing<'a>(
    scene: &'a Scene,
    robot: &'a Robot,
) -> impl Iterator<Item = (Check<'a>, String, &'a StaticBox)> {
    let of = |file: &'a str, kind: &'a str| {
        move |part: &'a StaticBox| (Check { file }, format!("{kind} {}", part.name), part)
    };
    let furniture = scene.statics.iter().map(of(scene.name.file(), "geom"));
    furniture.chain(robot.obstacles.iter().map(of(robot.name.file(), "obstacle")))
}

/// The whole way must lie inside the robot's envelope and reach: the nominal one, and those of the
/// largest corrections.
fn places_are_in_reach(
    experiment: Check<'_>,
    scene: &Scene,
    robot: &Robot,
    task: &TaskSpec,
    plan: &CellPlan,
) -> Result<(), ConfigError> {
    let file = Check { file: scene.name.file() };
    let planner = robot.planner_in(scene);
    let within = |check: Check<'_>, key: &str, way: Vec<Segment>| {
        planner.check(robot.home(), way).map_err(|forbidden| {
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
    let whole = within(file, "site place", [nominal.whole(), plan.retreat(&seat)].concat())?;
    way_is_free(scene, robot, plan, &whole, Against::All)?;
    let Range { mm, deg } = task.range;
    for (x, y, yaw) in [(mm, mm, deg), (mm, -mm, -deg), (-mm, mm, -deg), (-mm, -mm, deg)] {
        within(experiment, "task.range", route(Pose2::new(x, y, yaw)).whole())?;
    }
    Ok(())
}

/// Nothing may stand in the nominal way of the hand, nor of the plate that it carries.
fn way_is_free(
    scene: &Scene,
    robot: &Robot,
    plan: &CellPlan,
    path: &CheckedPath,
    against: Against,
) -> Result<(), ConfigError> {
    let hand = HandBoxes::new(&robot.gripper);
    let open = hand.opened(robot.gripper.opening_mm / 2e3).to_vec();
    let closed = hand.opened(robot.gripper.grasp.gripped(&scene.plate) / 2.0).to_vec();
    let half = scene.plate.size / 2.0;
    let centre = plan.plate_from_tool.inverse() * Isometry3::translation(0.0, 0.0, half.z);
    let carried = [closed.clone(), vec![(centre, half)]].concat();
    let furniture = if against == Against::All { 0 } else { scene.statics.len() };
    let looked_for = || standing(scene, robot).skip(furniture);
    let boxes: Vec<&StaticBox> = looked_for().map(|(.., part)| part).collect();
    let mut from = *path.start();
    for segment in path.segments() {
        let moving = match (segment.carrying, segment.contact) {
            (false, _) => &open,
            (true, false) => &carried,
            // The plate is between its guides, and on its seat.
            (true, true) if against == Against::All => &closed,
            (true, true) => &carried,
        };
        let line = Line::new(from, segment.world_from_tool);
        from = segment.world_from_tool;
        let Some((part, met)) = collision(&line, moving, &boxes) else { continue };
        let who = if part < open.len() { "hand" } else { "plate" };
        let value = format!("in the way of the {who} on its move '{}'", segment.name);
        let valid = format!("must leave the nominal way of robot {} free", robot.name);
        let found = looked_for().nth(met);
        return found.map_or(Ok(()), |(check, key, _)| Err(check.error(&key, value, valid)));
    }
    Ok(())
}

/// Of a way that is looked along for what stands in it, metres.
const STRIDE: f64 = 0.5e-3;

/// What runs into what first on this way, indices into `moving` (`tool_from_box`) and `standing`. A
/// corner that is cut by less than [`STRIDE`] may go unnoticed; to pass close by is no collision.
fn collision(line: &Line, moving: &[Placed], standing: &[&StaticBox]) -> Option<(usize, usize)> {
    let reach = |(at, half): &Placed| at.translation.vector.norm() + half.norm();
    let reach = moving.iter().map(reach).fold(0.0, f64::max);
    // No point of the boxes goes farther than this on the whole way; 1.2: a turn is fastest half way.
    let fastest = (line.way() + 1.2 * line.turn() * reach).max(1e-9);
    let mut share = 0.0;
    while share <= 1.0 {
        let (gap, pair) = nearest(&line.along(share), moving, standing);
        if gap <= 0.0 {
            return pair;
        }
        share += gap.max(STRIDE) / fastest;
    }
    None
}

/// A lower bound of the distance of the nearest pair, metres, at most 0 where they overlap; and which
/// pair it is.
fn nearest(
    world_from_tool: &Isometry3<f64>,
    moving: &[Placed],
    standing: &[&StaticBox],
) -> (f64, Option<(usize, usize)>) {
    let mut nearest = (f64::INFINITY, None);
    for (m, (tool_from_box, half)) in moving.iter().enumerate() {
        let at = world_from_tool * tool_from_box;
        for (s, part) in standing.iter().enumerate() {
            let between = at.translation.vector - part.world_from_box.translation.vector;
            // Most pairs are farther apart than the nearest one as balls around them.
            if between.norm() - half.norm() - part.half.norm() >= nearest.0 {
                continue;
            }
            let gap = -part.overlap(&at, half);
            if gap < nearest.0 {
                nearest = (gap, Some((m, s)));
            }
        }
    }
    nearest
}
