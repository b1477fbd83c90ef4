//! How far apart the plates of two images lie, learned from images alone: copies of the first ones are
//! moved by known shifts and turns, and what changes in their components tells how.

use nalgebra::{Cholesky, DMatrix};

use super::Experience;
use super::free::Looks;
use crate::task::{Image, Pose2};

/// Copies of each image.
const COPIES: usize = 6;
/// Light that grows by up to this share across a copy: it must not be taken for a shift.
const SLOPE: f64 = 0.3;
/// Penalty on squared weights; components have a size of about 1.
const RIDGE: f64 = 0.05;

/// Weights W (3k, row by row; the first row is zero): `phi(b) W - phi(a) W` is how far the plate of b
/// lies from that of a, mm, mm, deg. The view's scale is known, nothing else. `half` is half of the
/// range that shifts and turns are taken from.
///
/// # Errors
/// `None` if the images tell nothing.
pub fn registrar(first: &[Experience], looks: &Looks, half: [f64; 3]) -> Option<Vec<f64>> {
    let k = looks.width();
    let mut changes = Vec::new();
    let mut moves = Vec::new();
    for (i, trial) in first.iter().enumerate() {
        let still = looks.see(&trial.image)?;
        for copy in 0..COPIES {
            let u = spread_evenly(i * COPIES + copy);
            let by: [f64; 3] = std::array::from_fn(|axis| half[axis] * u[axis]);
            let seen = looks.see(&moved(&trial.image, Pose2::from_axes(by), [u[3], u[4]]))?;
            changes.extend(seen.iter().zip(&still).skip(1).map(|(there, here)| there - here));
            moves.extend(by);
        }
    }
    let n = first.len() * COPIES;
    let changes = DMatrix::from_row_slice(n, k - 1, &changes);
    let moves = DMatrix::from_row_slice(n, 3, &moves);
    let mut curvature = changes.tr_mul(&changes);
    (0..k - 1).for_each(|i| curvature[(i, i)] += RIDGE);
    let weights = Cholesky::new(curvature)?.solve(&changes.tr_mul(&moves));
    let rows = weights.row_iter().flat_map(|row| row.iter().copied().collect::<Vec<_>>());
    Some([0.0; 3].into_iter().chain(rows).collect())
}

/// The i-th point of a sequence that fills the cube from -1 to 1 evenly: multiples of the powers of
/// a generalised golden ratio (Roberts, 2018).
pub fn spread_evenly(i: usize) -> [f64; 5] {
    // The root of x^6 = x + 1.
    const RATIO: f64 = 1.134_724_138_401_519_4;
    let mut power = 1.0;
    std::array::from_fn(|_| {
        power /= RATIO;
        2.0 * ((0.5 + power * (i + 1) as f64).fract()) - 1.0
    })
}

/// What a camera would see if the plate lay shifted and turned about the view's middle (mm, deg), in a light
/// that grows by the share [`SLOPE`] times `slope` towards +x and +y. Columns are +x, rows -y; what
/// comes in from outside repeats the border.
pub fn moved(image: &Image, by: Pose2, slope: [f64; 2]) -> Image {
    let size = image.size();
    let (middle, pixel) = (size.middle_px(), size.mm_per_px());
    let back = by.inverse();
    Image::of(size, |i| {
        let (x, y) = ((i % size.px) as f64 - middle, middle - (i / size.px) as f64);
        let from = back.compose(Pose2::new(x * pixel, y * pixel, 0.0));
        let light = 1.0 + SLOPE * (slope[0] * x + slope[1] * y) / middle;
        let grey = between(image, middle + from.x_mm / pixel, middle - from.y_mm / pixel);
        (grey * light).round().clamp(0.0, 255.0) as u8
    })
}

/// Grey level at a fractional column and row, from the four pixels around it.
fn between(image: &Image, column: f64, row: f64) -> f64 {
    let side = image.size().px;
    let last = (side - 1) as f64;
    let (column, row) = (column.clamp(0.0, last), row.clamp(0.0, last));
    let (left, top) = (column.floor().min(last - 1.0), row.floor().min(last - 1.0));
    let (right, down) = (column - left, row - top);
    let at =
        |c: f64, r: f64| f64::from(image.pixels()[(top + r) as usize * side + (left + c) as usize]);
    let upper = at(0.0, 0.0) * (1.0 - right) + at(1.0, 0.0) * right;
    let lower = at(0.0, 1.0) * (1.0 - right) + at(1.0, 1.0) * right;
    upper * (1.0 - down) + lower * down
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::free::Linear;
    use crate::learn::samples;
    use crate::task::ImageSize;

    /// A bright plate on a dark table, at a pose.
    fn plate(at: Pose2) -> Image {
        let size = ImageSize::default();
        let (side, pixel, middle) = (size.px, size.mm_per_px(), size.middle_px());
        // Nine points a pixel, so that edges are soft.
        let grey = |i: usize| {
            let point = |n: usize| {
                let shift = |n: usize| (n as f64 - 1.0) / 3.0;
                let x = ((i % side) as f64 + shift(n % 3) - middle) * pixel;
                let y = (middle - (i / side) as f64 - shift(n / 3)) * pixel;
                let on = at.inverse().compose(Pose2::new(x, y, 0.0));
                if on.x_mm.abs() < 64.0 && on.y_mm.abs() < 43.0 { 200.0 } else { 40.0 }
            };
            ((0..9).map(point).sum::<f64>() / 9.0) as u8
        };
        Image::of(size, grey)
    }

    const HALF: [f64; 3] = [3.0; 3];

    fn pose(i: usize) -> Pose2 {
        let u = spread_evenly(100 + i);
        Pose2::new(3.0 * u[0], 3.0 * u[1], 3.0 * u[2])
    }

    #[test]
    fn a_moved_copy_looks_like_a_plate_that_lies_there() {
        let by = Pose2::new(2.0, -1.5, 2.0);
        // Middle and turn of what is brighter than the table, mm, mm, deg.
        let lies = |image: &Image| {
            let (side, pixel) = (image.size().px, image.size().mm_per_px());
            let at = |i: usize| {
                let light = f64::from(image.pixels()[i]) - 40.0;
                let x = (i % side) as f64 - 31.5;
                (light, x * pixel, (31.5 - (i / side) as f64) * pixel)
            };
            let all: Vec<_> = (0..image.pixels().len()).map(at).collect();
            let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
                all.iter().map(|(light, x, y)| light * of(*x, *y)).sum()
            };
            let light = sum(&|_, _| 1.0);
            let (x, y) = (sum(&|x, _| x) / light, sum(&|_, y| y) / light);
            let (xx, yy) = (sum(&|a, _| (a - x) * (a - x)), sum(&|_, b| (b - y) * (b - y)));
            let xy = sum(&|a, b| (a - x) * (b - y));
            [x, y, 0.5 * libm::atan2(2.0 * xy, xx - yy).to_degrees()]
        };
        let (copy, there) = (lies(&moved(&plate(Pose2::IDENTITY), by, [0.0; 2])), lies(&plate(by)));
        for axis in 0..3 {
            assert!((copy[axis] - there[axis]).abs() < 0.05, "{copy:?} {there:?}");
            assert!((copy[axis] - by.axes()[axis]).abs() < 0.1, "{copy:?}");
        }
        let lit = moved(&plate(Pose2::IDENTITY), Pose2::IDENTITY, [1.0, 0.0]);
        let row = &lit.pixels()[32 * 64..33 * 64];
        assert!(row[50] > row[14], "brighter towards +x");
    }

    #[test]
    fn the_distance_of_two_plates_is_read_off_their_images() {
        // In a light that is seldom even, as in a cell: what has never been seen is taken for a shift.
        let image = |i: usize| {
            let u = spread_evenly(500 + i);
            moved(&plate(pose(i)), Pose2::IDENTITY, [u[3], u[4]])
        };
        let first: Vec<Experience> =
            (0..20).map(|i| Experience { image: image(i), ..samples::trial(0, 0.0) }).collect();
        let settings = Linear::default();
        let mut looks = Looks::new(settings);
        looks.look(&first);
        let weights = registrar(&first, &looks, HALF).unwrap();
        let read =
            |i: usize| crate::learn::reward_form::optimum(&weights, &looks.see(&image(i)).unwrap());
        let mut squares = [0.0; 3];
        for i in 40..60 {
            let (a, b) = (pose(i), pose(i + 20));
            let (from, to) = (read(i), read(i + 20));
            let truth = [b.x_mm - a.x_mm, b.y_mm - a.y_mm, b.yaw_deg - a.yaw_deg];
            for axis in 0..3 {
                squares[axis] += (to[axis] - from[axis] - truth[axis]).powi(2) / 20.0;
            }
        }
        // Plates lie some 2.4 mm and deg apart on each axis: a fifth of it.
        let rms = squares.map(f64::sqrt);
        assert!(rms.iter().all(|off| *off < 0.5), "{rms:?}");
    }
}
