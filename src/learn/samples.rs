//! Trials for the tests of this folder.

use std::ops::Range;

use super::groups::Groups;
use super::{Decision, Experience, Round};
use crate::task::{Feedback, Image, ImageSize, Pose2};

/// A trial in a scene instance that earned so much; its picture is blank.
pub fn trial(instance: usize, reward: f64) -> Experience {
    Experience {
        trial: 0,
        image: Image::of(ImageSize::default(), |_| 0),
        instance: Some(instance),
        pose: None,
        truth: None,
        outcome: crate::task::Outcome::Placed,
        executed: None,
        decision: Decision::at(Pose2::IDENTITY),
        feedback: Feedback { reward, unsigned: None, signed: None },
    }
}

/// The round in which these trials of a history are new; nobody asked for advantages.
pub fn round(history: &[Experience], fresh: Range<usize>) -> Round<'_> {
    let mut groups = Groups::default();
    groups.grow(history);
    Round { history, fresh, advantages: Vec::new(), pretraining: false, groups, copies: Vec::new() }
}
