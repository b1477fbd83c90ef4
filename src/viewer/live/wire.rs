use std::borrow::Cow;

use nalgebra::{Isometry3, Point3, Quaternion, Translation3, UnitQuaternion, Vector3};
use serde::{Deserialize, Serialize};

use crate::cell::Contact;
use crate::viewer::{Bodies, Moment};

/// A moment as one line of JSON. Poses are x, y, z (metres) and a quaternion i, j, k, w.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    pub scene: String,
    seconds: f64,
    segment: String,
    tool: [f64; 7],
    fingers: [[f64; 7]; 2],
    plate: Option<[f64; 7]>,
    /// Point and force, metres and newtons.
    contacts: Vec<[f64; 6]>,
}

impl Line {
    pub fn new(scene: &str, moment: &Moment) -> Self {
        let Bodies { tool, fingers, plate, .. } = &moment.bodies;
        let contact =
            |c: &Contact| [c.point.x, c.point.y, c.point.z, c.force.x, c.force.y, c.force.z];
        Self {
            scene: scene.to_owned(),
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
    let rotation = UnitQuaternion::new_normalize(Quaternion::new(*w, *i, *j, *k));
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
            let text = serde_json::to_string(&Line::new("open", &moment)).unwrap();
            let back: Line = serde_json::from_str(&text).unwrap();
            let gap = (back.moment().bodies.tool.to_homogeneous() - tool.to_homogeneous()).amax();
            prop_assert!(gap < 1e-12);
            prop_assert_eq!(back.moment().contacts, moment.contacts);
        }
    }
}
