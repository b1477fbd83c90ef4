use nalgebra::{Isometry3, Matrix3, Point2, Point3, Vector2, Vector3};

use super::{Board, CELLS, Frame, Lens, Region, Tag};
use crate::task::Pose2;

/// Paints the tags of a board over (`camera_from_board`, metres), white borders and their blur included, and nothing
/// else, with what lies around each tag: its light, how that changes across the tag, and its noise. Tags beyond the
/// frame are none; `false` where one that is shown could not be painted, since too little is seen around it.
///
/// What a policy sees must not tell it the pose that the tags tell: production plates carry none.
#[must_use]
pub fn mask(
    pixels: &mut [u8],
    frame: &Frame<'_>,
    lens: &Lens,
    camera_from_board: &Isometry3<f64>,
    board: &Board,
) -> bool {
    let flat = camera_from_board.inverse();
    let eye = flat.translation.vector;
    let mut all = true;
    for tag in &board.tags {
        let half = half_mm(tag);
        let pixel = |x: f64, y: f64| {
            let at = tag.at.compose(Pose2::new(x, y, 0.0));
            lens.project(&(camera_from_board * (Point3::new(at.x_mm, at.y_mm, 0.0) / 1000.0)))
        };
        let square = [(-half, -half), (half, -half), (half, half), (-half, half)];
        let corners = square.iter().filter_map(|(x, y)| pixel(*x, *y));
        let Some(region) = Region::around(corners, 2.0) else { continue };
        let Some(around) = Around::of(frame, half, &pixel) else {
            let shown =
                |at: (f64, f64)| pixel(at.0, at.1).is_some_and(|at| frame.light(at).is_some());
            all &= !square.into_iter().any(shown);
            continue;
        };
        let (right, bottom) = (region.left + region.width, region.top + region.height);
        let (right, bottom) = (right.min(lens.width), bottom.min(lens.height));
        let on_tag = |column: usize, row: usize| {
            let ray = flat.rotation * lens.ray(Point2::new(column as f64, row as f64));
            let on = (eye - ray * (eye.z / ray.z)) * 1000.0;
            let on = tag.at.inverse().compose(Pose2::new(on.x, on.y, 0.0));
            Vector2::new(on.x_mm, on.y_mm)
        };
        // Exact at every eighth pixel, straight in between.
        for top in (region.top..bottom).step_by(EVERY) {
            for left in (region.left..right).step_by(EVERY) {
                let [upper, lower] =
                    [top, top + EVERY].map(|row| [left, left + EVERY].map(|at| on_tag(at, row)));
                for row in top..(top + EVERY).min(bottom) {
                    let share = (row - top) as f64 / EVERY as f64;
                    let [from, to] = [0, 1].map(|at| upper[at] + (lower[at] - upper[at]) * share);
                    for column in left..(left + EVERY).min(right) {
                        let on = from + (to - from) * ((column - left) as f64 / EVERY as f64);
                        if on.amax() <= half
                            && let Some(pixel) = pixels.get_mut(row * lens.width + column)
                        {
                            let any = row * 7919 + column * 104_729;
                            *pixel = around.light(on.x / half, on.y / half, any);
                        }
                    }
                }
            }
        }
    }
    all
}

/// Pixels between two whose rays are followed.
const EVERY: usize = 8;
/// How far the blur of a white border reaches, mm.
const RIM_MM: f64 = 0.5;
/// How far beyond that a tag's surroundings are looked at, mm, and at how many places a side.
const BEYOND_MM: f64 = 0.8;
const LOOKS: usize = 24;
/// With fewer of them in the frame nobody knows what a tag hides.
const LEAST: usize = 12;
/// Standard deviations from the others beyond which something else lies there.
const ELSE_SDS: f64 = 3.0;

/// Half of what is painted, mm.
fn half_mm(tag: &Tag) -> f64 {
    tag.cell_mm() * CELLS as f64 / 2.0 + RIM_MM
}

/// What lies around a tag.
struct Around {
    /// In the middle, and its change to the right and to the upper border.
    light: Vector3<f64>,
    /// What each look differs from that.
    noise: Vec<f64>,
}

impl Around {
    fn of(
        frame: &Frame<'_>,
        half: f64,
        pixel: &impl Fn(f64, f64) -> Option<Point2<f64>>,
    ) -> Option<Self> {
        let side = half + BEYOND_MM;
        let along = |look: usize| side * (2.0 * (look as f64 + 0.5) / LOOKS as f64 - 1.0);
        let mut looks: Vec<(Vector3<f64>, f64)> = (0..LOOKS)
            .map(along)
            .flat_map(|at| [(at, side), (at, -side), (side, at), (-side, at)])
            .filter_map(|(x, y)| {
                Some((Vector3::new(1.0, x / half, y / half), frame.light(pixel(x, y)?)?))
            })
            .collect();
        // An edge of something else beside the tag would tilt the light under it.
        for _ in 0..2 {
            let light = fit(&looks)?;
            let mut offs: Vec<f64> =
                looks.iter().map(|(at, is)| (is - at.dot(&light)).abs()).collect();
            offs.sort_by(f64::total_cmp);
            let most = (ELSE_SDS * 1.48 * offs[offs.len() / 2]).max(2.0);
            looks.retain(|(at, is)| (is - at.dot(&light)).abs() <= most);
        }
        let light = fit(&looks)?;
        Some(Self { noise: looks.iter().map(|(at, is)| is - at.dot(&light)).collect(), light })
    }

    /// At a place on the tag (1 is its border), with the noise of any look.
    fn light(&self, x: f64, y: f64, any: usize) -> u8 {
        let noise = self.noise[any % self.noise.len()];
        // A cast saturates.
        (Vector3::new(1.0, x, y).dot(&self.light) + noise + 0.5) as u8
    }
}

/// Least squares.
fn fit(looks: &[(Vector3<f64>, f64)]) -> Option<Vector3<f64>> {
    if looks.len() < LEAST {
        return None;
    }
    let squares: Matrix3<f64> = looks.iter().map(|(at, _)| at * at.transpose()).sum();
    let products: Vector3<f64> = looks.iter().map(|(at, light)| at * *light).sum();
    Some(squares.try_inverse()? * products)
}

#[cfg(test)]
mod tests {
    use nalgebra::UnitQuaternion;

    use super::*;
    use crate::eyes::drawn::{Drawn, PAPER, Print, flat, frame, small_lens};

    fn camera() -> Isometry3<f64> {
        let tilt = UnitQuaternion::from_scaled_axis(Vector3::new(0.08, -0.05, 0.4));
        Drawn::over(480.0) * tilt
    }

    /// A lid with its tags, and the same without them.
    fn lids() -> (Drawn, Drawn, Isometry3<f64>) {
        let pose = Pose2::new(-2.0, 5.0, 20.0);
        let lid = flat(pose, 15.85, Print::Board(Board::lid(), 3.0));
        let camera_from_lid = camera().inverse() * lid.world_from_sheet;
        let bare = flat(pose, 15.85, Print::Grey([64.0, 43.0], PAPER));
        let lit = |sheet| {
            let mut drawn = Drawn::new(small_lens(), camera(), vec![sheet]);
            (drawn.gain, drawn.slope) = (0.8, [0.2, -0.1]);
            drawn
        };
        (lit(lid), lit(bare), camera_from_lid)
    }

    fn masked(drawn: &Drawn, before: &[u8], camera_from_lid: &Isometry3<f64>) -> Vec<u8> {
        let mut after = before.to_vec();
        assert!(mask(
            &mut after,
            &frame(drawn, before),
            &drawn.lens,
            camera_from_lid,
            &Board::lid()
        ));
        after
    }

    #[test]
    fn masking_changes_nothing_but_the_tags() {
        let (drawn, _, camera_from_lid) = lids();
        let before = drawn.pixels();
        let after = masked(&drawn, &before, &camera_from_lid);
        let to_lid = camera_from_lid.inverse();
        for (at, (before, after)) in before.iter().zip(&after).enumerate() {
            let pixel = Point2::new((at % 640) as f64, (at / 640) as f64);
            let (eye, ray) = (to_lid.translation.vector, to_lid.rotation * drawn.lens.ray(pixel));
            let on = (eye - ray * (eye.z / ray.z)) * 1000.0;
            let mut on_tags = Board::lid().tags.into_iter().map(|tag| {
                let on = tag.at.inverse().compose(Pose2::new(on.x, on.y, 0.0));
                on.x_mm.abs().max(on.y_mm.abs()) - half_mm(&tag)
            });
            assert!(on_tags.any(|beyond| beyond <= 0.0) || after == before, "{pixel}");
        }
        // Nothing is left for a detector.
        let mut finder = crate::eyes::Finder::new().unwrap();
        assert_eq!(finder.find(&frame(&drawn, &before), None, None).len(), 6);
        assert_eq!(finder.find(&frame(&drawn, &after), None, None), []);
    }

    #[test]
    fn what_is_painted_looks_like_a_lid_without_tags() {
        let (with, without, camera_from_lid) = lids();
        let before = with.pixels();
        let after = masked(&with, &before, &camera_from_lid);
        let bare = without.pixels();
        let off: Vec<f64> = after
            .iter()
            .zip(&before)
            .zip(&bare)
            .filter(|((after, before), _)| after != before)
            .map(|((after, _), bare)| f64::from(*after) - f64::from(*bare))
            .collect();
        let mean = off.iter().sum::<f64>() / off.len() as f64;
        let sd =
            (off.iter().map(|off| (off - mean).powi(2)).sum::<f64>() / off.len() as f64).sqrt();
        // Two frames' noise.
        assert!(off.len() > 10_000 && mean.abs() < 1.0, "{} {mean}", off.len());
        assert!(sd < 2.0 * 1.5 * with.noise.max(1.0), "{sd}");
    }
}
