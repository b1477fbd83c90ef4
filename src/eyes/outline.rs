use super::Picture;
use super::fit::{Fit, Light};
use super::picture::Grey;
use super::wells::with_wells;
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
/// the light. Only pixels near an edge count, and none near a corner, so that what lies within (a lid, a
/// label), notches and rounded corners need not be known. Pixels that fit badly count less. Where 8 x 12
/// wells show, they tell the direction more finely.
///
/// `None` unless all four sides show an edge, where the plate is brighter everywhere, or darker.
pub fn find_plate(picture: &Picture<'_>) -> Option<Sighting> {
    let [coarse, fine] = SQUARES_MM.map(|mm| Grey::new(picture, mm));
    let lights = Light::guesses(&coarse);
    let of_moments = lights.iter().filter_map(|light| Some((moments(&coarse, *light)?, *light)));
    // Where something else is as bright as the plate, its moments mislead.
    let nominal = lights.iter().map(|light| (Pose2::IDENTITY, *light));
    let mut fits = of_moments.chain(nominal).filter_map(|(start, light)| {
        let fit = Fit::found(&coarse, start, light).filter(Fit::is_plate)?;
        match fine.mm_per_px < coarse.mm_per_px {
            true => fit.refined(&fine).filter(Fit::is_plate),
            false => Some(fit),
        }
    });
    let fit = fits.find(|fit| coarse.shows(fit.pose().x_mm, fit.pose().y_mm))?;
    let outline = Sighting { pose: fit.pose(), spread: fit.spread() };
    Some(with_wells(&fine, outline).unwrap_or(outline))
}

/// Finer pixels are averaged: to find the outline, and to tell its place. That is in the light of all
/// pixels along an edge, not in their fineness.
const SQUARES_MM: [f64; 2] = [2.5, 1.0];

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
