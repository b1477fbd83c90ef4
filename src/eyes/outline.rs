use super::Picture;
use super::fit::{Fit, Light};
use super::picture::Grey;
use crate::task::Pose2;

/// A plate that was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// `view_from_plate`: the middle of the outline, and the direction of its long sides. Half a turn
    /// shows the same outline, so that yaw is told within a quarter turn of the view's x only.
    pub pose: Pose2,
    /// Standard deviations of x, y (mm) and yaw (deg), from what the picture leaves unexplained.
    pub spread: [f64; 3],
}

/// Finds a plate of the standard's footprint near the middle of a picture: least squares of what four
/// straight edges look like, from a start by the picture's moments.
///
/// What may differ from the drawing on a real camera is fitted with the pose: the size (the picture's
/// scale, a bevelled rim), the lens's blur, a level of light on either side of each edge, and slopes of
/// the light. Only pixels near an edge count, and none near a corner, so that what lies within (wells, a
/// lid, a label), notches and rounded corners need not be known. Pixels that fit badly count less.
///
/// `None` unless at least three sides show an edge, all brighter or all darker than what lies behind.
pub fn find_plate(picture: &Picture<'_>) -> Option<Sighting> {
    let grey = Grey::new(picture, FINEST_MM);
    let light = Light::of(&grey)?;
    // Where something else is as bright as the plate, its moments mislead.
    let starts = [moments(&grey, light), Some(Pose2::IDENTITY)];
    starts.into_iter().flatten().find_map(|start| {
        let fit = Fit::of(&grey, start, light)?;
        let seen = fit.is_plate() && grey.shows(fit.pose().x_mm, fit.pose().y_mm);
        seen.then(|| Sighting { pose: fit.pose(), spread: fit.spread() })
    })
}

/// Finer pixels are averaged: an edge's place is in the light of all of them, mm.
const FINEST_MM: f64 = 1.0;
/// Share of the step of light below which a pixel is what lies behind, and that much less than all of
/// it above which it is the plate: neither a slope of the light nor wells may pull at the moments.
const DOUBT: f64 = 0.25;

/// Centre and long axis of what is as bright (or as dark) as the middle of the picture.
fn moments(grey: &Grey, Light { behind, plate }: Light) -> Option<Pose2> {
    let (mut all, mut first, mut second) = (0.0, [0.0; 2], [0.0; 3]);
    for (x, y, light) in grey.squares() {
        let share = (light - behind) / (plate - behind);
        let share = ((share - DOUBT) / (1.0 - 2.0 * DOUBT)).clamp(0.0, 1.0);
        all += share;
        first = [first[0] + share * x, first[1] + share * y];
        second = [second[0] + share * x * x, second[1] + share * x * y, second[2] + share * y * y];
    }
    let [x, y] = first.map(|sum| sum / all);
    let [xx, xy, yy] = second.map(|sum| sum / all);
    let yaw = 0.5 * libm::atan2(2.0 * (xy - x * y), (xx - x * x) - (yy - y * y));
    let start = Pose2::new(x, y, yaw.to_degrees());
    start.is_finite().then_some(start)
}

#[cfg(test)]
#[path = "outline_tests.rs"]
mod tests;
