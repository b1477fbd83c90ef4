use std::borrow::Cow;

use nalgebra::{Isometry3, Translation3};

use crate::arm::Joints;
use crate::cell::{CellPlan, Contact, Detail, Snapshot, lift};
use crate::config::{Grasp, Robot, Scene};
use crate::task::Pose2;

/// The cell at one time: all that is drawn of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// Since the trial began.
    pub seconds: f64,
    /// Which part of the motion script is running.
    pub segment: Cow<'static, str>,
    pub bodies: Bodies,
    pub contacts: Vec<Contact>,
}

/// The pose of every moving body in the world frame, metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bodies {
    /// The gripper's base.
    pub tool: Isometry3<f64>,
    /// Upper, lower.
    pub fingers: [Isometry3<f64>; 2],
    /// `None` where nobody knows: a real cell between two sightings.
    pub plate: Option<Isometry3<f64>>,
    /// Of an arm, where they are measured; else they follow from the tool.
    pub joints: Option<Joints>,
}

impl Moment {
    /// Before a trial: the hand open at home, the plate at its offset.
    pub fn at_rest(scene: &Scene, robot: &Robot, offset: Pose2) -> Self {
        let plan = CellPlan::new(scene, robot);
        let plate = scene.world_from_pick * lift(offset);
        let opening = robot.gripper.opening_mm / 1e3;
        let bodies = Bodies {
            tool: plan.world_from_home,
            fingers: fingers(&plan.world_from_home, opening, robot.gripper.grasp),
            plate: Some(plate),
            joints: None,
        };
        Self { seconds: 0.0, segment: "ready".into(), bodies, contacts: Vec::new() }
    }

    /// What a watcher was shown; without detail the fingers stand evenly about the tool point.
    pub fn of(snapshot: &Snapshot, detail: Option<&Detail>, grasp: Grasp) -> Self {
        let tool = snapshot.world_from_tool;
        let bodies = Bodies {
            tool,
            fingers: detail
                .map_or_else(|| fingers(&tool, snapshot.opening, grasp), |d| d.world_from_fingers),
            plate: snapshot.world_from_plate,
            joints: None,
        };
        Self {
            seconds: snapshot.time.seconds,
            segment: snapshot.segment.into(),
            bodies,
            contacts: detail.map(|d| d.contacts.clone()).unwrap_or_default(),
        }
    }

    /// The hand somewhere else, as wide open as it was.
    pub fn place_hand(&mut self, world_from_tool: &Isometry3<f64>, robot: &Robot) {
        let gripper = &robot.gripper;
        self.bodies.tool = *world_from_tool;
        self.bodies.fingers = fingers(world_from_tool, gripper.opening_mm / 1e3, gripper.grasp);
    }

    /// A share of the way from here to `next`: for the gaps that a simulation jumps over.
    pub fn towards(&self, next: &Self, share: f64) -> Self {
        let mix = |a: &Isometry3<f64>, b: &Isometry3<f64>| a.lerp_slerp(b, share);
        let (a, b) = (&self.bodies, &next.bodies);
        let plate = match (&a.plate, &b.plate) {
            (Some(a), Some(b)) => Some(mix(a, b)),
            (a, _) => *a,
        };
        Self {
            seconds: self.seconds + (next.seconds - self.seconds) * share,
            segment: self.segment.clone(),
            bodies: Bodies {
                tool: mix(&a.tool, &b.tool),
                fingers: [0, 1].map(|i| mix(&a.fingers[i], &b.fingers[i])),
                plate,
                joints: None,
            },
            // Where and how hard something presses in between, nobody has worked out.
            contacts: Vec::new(),
        }
    }
}

/// Fingers that stand evenly about the tool point.
fn fingers(tool: &Isometry3<f64>, opening: f64, grasp: Grasp) -> [Isometry3<f64>; 2] {
    [0.5, -0.5].map(|side| tool * Translation3::from(grasp.jaw() * side * opening))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{Point3, Vector3};

    #[test]
    fn no_contact_hangs_where_the_plate_was_while_it_is_carried_on() {
        let (scene, robot) = (Scene::named("open").unwrap(), Robot::named("gantry").unwrap());
        let mut before = Moment::at_rest(&scene, &robot, Pose2::IDENTITY);
        let touched = Contact { point: Point3::origin(), force: Vector3::z() };
        before.contacts.push(touched);
        let mut after = before.clone();
        after.seconds = 1.0;
        after.bodies.plate = Some(scene.world_from_place);
        let between = before.towards(&after, 0.5);
        assert_ne!(between.bodies.plate, before.bodies.plate);
        assert_eq!(between.contacts, Vec::new());
    }
}
