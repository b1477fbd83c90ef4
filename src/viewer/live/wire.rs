use std::borrow::Cow;

use nalgebra::{Isometry3, Point3, Quaternion, Translation3, UnitQuaternion, Vector3};
use serde::{Deserialize, Serialize};

use crate::cell::Contact;
use crate::config::Scene;
use crate::task::Phase;
use crate::viewer::{Bodies, Moment};

/// A moment as one line of JSON. Poses are x, y, z (metres) and a quaternion i, j, k, w.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    pub scene: String,
    /// Where this trial's scene is not as its file says.
    pub met: Option<Met>,
    /// `None` before the first one.
    pub trial: Option<Which>,
    seconds: f64,
    segment: String,
    tool: [f64; 7],
    fingers: [[f64; 7]; 2],
    plate: Option<[f64; 7]>,
    /// Point and force, metres and newtons.
    contacts: Vec<[f64; 6]>,
}

/// Which trial of the run it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Which {
    pub phase: Phase,
    /// From 0, in its phase.
    pub number: u64,
    /// Trials learned from before an evaluation.
    pub checkpoint: u64,
}

impl Which {
    /// In words. `of`: how many trials its phase has.
    pub fn words(&self, of: u64) -> String {
        let (number, at) = (self.number + 1, self.checkpoint);
        let phase = self.phase.name();
        match self.phase {
            Phase::Prior | Phase::Train => format!("{phase} {number} of {of}"),
            Phase::InScene | Phase::HeldOut if at == 0 => {
                format!("evaluation before training: {phase} {number} of {of}")
            }
            Phase::InScene | Phase::HeldOut => {
                format!("evaluation after {at} trials: {phase} {number} of {of}")
            }
            Phase::Shelf => format!("final demonstration: {number} of {of}"),
        }
    }
}

/// What may differ of a scene from trial to trial. Poses as in a [`Line`], sides in metres.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Met {
    /// Pose and half sides, in the scene's order.
    statics: Vec<([f64; 7], [f64; 3])>,
    plate: [f64; 3],
    /// Pick, place, view.
    frames: [[f64; 7]; 3],
}

impl Met {
    pub fn of(scene: &Scene) -> Self {
        let frames = [&scene.world_from_pick, &scene.world_from_place, &scene.world_from_view];
        let boxes = scene.statics.iter();
        Self {
            statics: boxes.map(|b| (numbers(&b.world_from_box), b.half.into())).collect(),
            plate: scene.plate.size.into(),
            frames: frames.map(numbers),
        }
    }

    /// Makes the scene of the file the scene that was met.
    pub fn apply(&self, scene: &mut Scene) {
        for (part, (at, half)) in scene.statics.iter_mut().zip(&self.statics) {
            (part.world_from_box, part.half) = (pose(at), (*half).into());
        }
        scene.plate.size = self.plate.into();
        [scene.world_from_pick, scene.world_from_place, scene.world_from_view] =
            self.frames.each_ref().map(pose);
    }
}

impl Line {
    pub fn new(scene: &str, met: Option<&Met>, trial: Option<Which>, moment: &Moment) -> Self {
        let Bodies { tool, fingers, plate, .. } = &moment.bodies;
        let contact =
            |c: &Contact| [c.point.x, c.point.y, c.point.z, c.force.x, c.force.y, c.force.z];
        Self {
            scene: scene.to_owned(),
            met: met.cloned(),
            trial,
            seconds: moment.seconds,
            segment: moment.segment.to_string(),
            tool: numbers(tool),
            fingers: fingers.each_ref().map(numbers),
            plate: plate.as_ref().map(numbers),
            contacts: moment.contacts.iter().map(contact).collect(),
        }
    }

    pub fn moment(&self) -> Moment {
        let contact = |[x, y, z, fx, fy, fz]: &[f64; 6]| Contact {
            point: Point3::new(*x, *y, *z),
            force: Vector3::new(*fx, *fy, *fz),
        };
        Moment {
            seconds: self.seconds,
            segment: Cow::Owned(self.segment.clone()),
            bodies: Bodies {
                tool: pose(&self.tool),
                fingers: self.fingers.each_ref().map(pose),
                plate: self.plate.as_ref().map(pose),
                joints: None,
            },
            contacts: self.contacts.iter().map(contact).collect(),
        }
    }
}

fn numbers(pose: &Isometry3<f64>) -> [f64; 7] {
    let (t, q) = (&pose.translation, pose.rotation.coords);
    [t.x, t.y, t.z, q.x, q.y, q.z, q.w]
}

fn pose([x, y, z, i, j, k, w]: &[f64; 7]) -> Isometry3<f64> {
    // As it was sent, to the bit.
    let rotation = UnitQuaternion::new_unchecked(Quaternion::new(*w, *i, *j, *k));
    Isometry3::from_parts(Translation3::new(*x, *y, *z), rotation)
}

/// What the viewer tells the training, one a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// Simulated seconds a second; `None`: as fast as it goes.
    Pace(Option<f64>),
    Pause(bool),
    /// One physics step while paused.
    Step,
    /// Stop the training; everything so far is kept.
    Stop,
}

impl Order {
    pub fn line(self) -> String {
        match self {
            Self::Pace(None) => "pace free\n".into(),
            Self::Pace(Some(pace)) => format!("pace {pace}\n"),
            Self::Pause(true) => "pause\n".into(),
            Self::Pause(false) => "go\n".into(),
            Self::Step => "step\n".into(),
            Self::Stop => "stop\n".into(),
        }
    }

    /// `None` for anything that is not an order.
    pub fn parse(line: &str) -> Option<Self> {
        match line.trim() {
            "pace free" => Some(Self::Pace(None)),
            "pause" => Some(Self::Pause(true)),
            "go" => Some(Self::Pause(false)),
            "step" => Some(Self::Step),
            "stop" => Some(Self::Stop),
            other => {
                let pace: f64 = other.strip_prefix("pace ")?.parse().ok()?;
                (1e-3..=1e3).contains(&pace).then_some(Self::Pace(Some(pace)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_order_survives_the_line() {
        for order in [
            Order::Pace(None),
            Order::Pace(Some(0.25)),
            Order::Pause(true),
            Order::Pause(false),
            Order::Step,
            Order::Stop,
        ] {
            assert_eq!(Order::parse(&order.line()), Some(order));
        }
    }

    #[test]
    fn a_scene_as_it_was_met_survives_the_line() {
        let nominal = Scene::named("shelf").unwrap();
        let mut moved = nominal.clone();
        let by = Isometry3::new([0.002, -0.001, 0.0].into(), [0.0, 0.0, 0.01].into());
        for part in &mut moved.statics {
            part.world_from_box = by * part.world_from_box;
        }
        moved.world_from_pick = by * moved.world_from_pick;
        moved.plate.size.x += 0.0004;
        moved.widen_guides(0.0001);
        let text = serde_json::to_string(&Met::of(&moved)).unwrap();
        let mut drawn = nominal;
        serde_json::from_str::<Met>(&text).unwrap().apply(&mut drawn);
        assert_eq!(Met::of(&drawn), Met::of(&moved));
    }

    #[test]
    fn a_trial_is_told_with_its_phase_and_number() {
        let which = |phase, number, checkpoint| Which { phase, number, checkpoint };
        for (which, words) in [
            (which(Phase::InScene, 6, 0), "evaluation before training: in-scene 7 of 50"),
            (which(Phase::HeldOut, 0, 200), "evaluation after 200 trials: held-out 1 of 50"),
            (which(Phase::Train, 49, 0), "train 50 of 50"),
        ] {
            assert_eq!(which.words(50), words);
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_the_parsers_panic(text in "\\PC{0,60}") {
            let _ = Order::parse(&text);
            let _ = serde_json::from_str::<Line>(&text).map(|line| line.moment());
        }

        #[test]
        fn a_moment_survives_the_line(
            at in prop::array::uniform3(-2.0..2.0f64),
            turn in prop::array::uniform3(-3.0..3.0f64),
            force in -50.0..50.0f64,
        ) {
            let tool = Isometry3::new(at.into(), turn.into());
            let moment = Moment {
                seconds: at[0].abs(),
                segment: "carry".into(),
                bodies: Bodies { tool, fingers: [tool, tool.inverse()], plate: Some(tool), joints: None },
                contacts: vec![Contact { point: at.into(), force: Vector3::new(0.0, force, 1.0) }],
            };
            let text = serde_json::to_string(&Line::new("open", None, None, &moment)).unwrap();
            let back: Line = serde_json::from_str(&text).unwrap();
            let gap = (back.moment().bodies.tool.to_homogeneous() - tool.to_homogeneous()).amax();
            prop_assert!(gap < 1e-12);
            prop_assert_eq!(back.moment().contacts, moment.contacts);
        }
    }
}
