use nalgebra::{DMatrix, SymmetricEigen};

use crate::task::Image;

/// Principal components of blurred images, learned from a few of them and then kept: what a linear
/// policy sees.
#[derive(Clone, Debug)]
pub struct Components {
    blur_px: f64,
    mean: Vec<f64>,
    /// Unit vectors over pixels, the strongest first; zero where the images had no more to tell.
    directions: Vec<Vec<f64>>,
    /// Typical size of the three strongest components.
    scale: f64,
}

impl Components {
    /// The strongest `count` components of these images, blurred by a Gaussian of `blur_px` pixels.
    pub fn of<'a>(images: impl Iterator<Item = &'a Image>, count: usize, blur_px: f64) -> Self {
        let mut rows: Vec<Vec<f64>> = images.map(|image| blurred(image, blur_px)).collect();
        let n = rows.len().max(1) as f64;
        let pixels = rows.first().map_or(0, Vec::len);
        let mut mean = vec![0.0; pixels];
        rows.iter().for_each(|row| add(&mut mean, row, 1.0 / n));
        rows.iter_mut().for_each(|row| add(row, &mean, -1.0));
        // Few images, many pixels: the small matrix has the same eigenvalues.
        let gram = DMatrix::from_fn(rows.len(), rows.len(), |i, j| dot(&rows[i], &rows[j]));
        let SymmetricEigen { eigenvalues, eigenvectors } = SymmetricEigen::new(gram);
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|a, b| eigenvalues[*b].total_cmp(&eigenvalues[*a]));
        let size = |at: usize| eigenvalues[at].max(0.0).sqrt();
        let strongest: Vec<f64> = order.iter().take(3).map(|at| size(*at)).collect();
        let sum: f64 = strongest.iter().sum();
        let scale = (sum / strongest.len().max(1) as f64 / n.sqrt()).max(f64::MIN_POSITIVE);
        let direction = |rank: usize| {
            let mut direction = vec![0.0; pixels];
            let Some(at) = order.get(rank).filter(|at| size(**at) > 1e-6 * sum) else {
                return direction;
            };
            for (image, row) in rows.iter().enumerate() {
                add(&mut direction, row, eigenvectors[(image, *at)] / size(*at));
            }
            direction
        };
        Self { blur_px, directions: (0..count).map(direction).collect(), mean, scale }
    }

    /// As lists of numbers by name, each behind `components/`.
    pub fn lists(&self) -> Vec<(String, Vec<f64>)> {
        let numbers = [
            ("blur_px", vec![self.blur_px]),
            ("mean", self.mean.clone()),
            ("directions", self.directions.concat()),
            ("scale", vec![self.scale]),
        ];
        numbers.map(|(name, numbers)| (format!("components/{name}"), numbers)).into()
    }

    /// What [`lists`](Self::lists) said, which `find` reads by name; `None` unless these are so many components, and of
    /// images of so many pixels.
    pub fn of_lists<E>(
        (count, pixels): (usize, usize),
        find: impl Fn(&str) -> Result<Vec<f64>, E>,
    ) -> Result<Option<Self>, E> {
        let [blur, mean, directions, scale] = ["blur_px", "mean", "directions", "scale"]
            .map(|name| find(&format!("components/{name}")));
        let (blur, mean, directions, scale) = (blur?, mean?, directions?, scale?);
        let fits = mean.len() == pixels && directions.len() == count * pixels;
        Ok(match (&blur[..], &scale[..]) {
            ([blur_px], [scale]) if fits && *scale > 0.0 => Some(Self {
                blur_px: *blur_px,
                mean,
                directions: directions.chunks(pixels).map(<[f64]>::to_vec).collect(),
                scale: *scale,
            }),
            _ => None,
        })
    }

    /// 1, then the image's components.
    pub fn see(&self, image: &Image) -> Vec<f64> {
        let mut pixels = blurred(image, self.blur_px);
        add(&mut pixels, &self.mean, -1.0);
        let seen = self.directions.iter().map(|direction| dot(direction, &pixels) / self.scale);
        [1.0].into_iter().chain(seen).collect()
    }
}

/// Blurred by a Gaussian, borders mirrored, then with mean 0 and standard deviation 1.
pub fn blurred(image: &Image, sigma_px: f64) -> Vec<f64> {
    let side = image.size().px;
    let sharp: Vec<f64> = image.pixels().iter().map(|pixel| f64::from(*pixel)).collect();
    let weights = kernel(sigma_px);
    let along_rows = convolved(&sharp, side, &weights, |line, at| line * side + at);
    let mut pixels = convolved(&along_rows, side, &weights, |line, at| at * side + line);
    let n = pixels.len() as f64;
    let mean = pixels.iter().sum::<f64>() / n;
    let variance = pixels.iter().map(|p| (p - mean) * (p - mean)).sum::<f64>() / n;
    let deviation = variance.sqrt().max(1.0);
    pixels.iter_mut().for_each(|pixel| *pixel = (*pixel - mean) / deviation);
    pixels
}

/// Weights at distances 0, 1, ... up to four sigmas; all of them, both ways, sum to 1.
fn kernel(sigma_px: f64) -> Vec<f64> {
    let reach = (4.0 * sigma_px + 0.5) as usize;
    let weight = |at: usize| match sigma_px > 0.0 {
        true => libm::exp(-0.5 * (at as f64 / sigma_px).powi(2)),
        false => 1.0,
    };
    let raw: Vec<f64> = (0..=reach).map(weight).collect();
    let sum = 2.0 * raw.iter().sum::<f64>() - raw[0];
    raw.into_iter().map(|weight| weight / sum).collect()
}

/// Along each line of the image; `place` finds a pixel by its line and its place in it.
fn convolved(
    pixels: &[f64],
    side: usize,
    weights: &[f64],
    place: impl Fn(usize, usize) -> usize,
) -> Vec<f64> {
    let period = 2 * side as isize;
    let mirrored = |at: isize| {
        let at = at.rem_euclid(period) as usize;
        if at < side { at } else { 2 * side - 1 - at }
    };
    let mut out = vec![0.0; pixels.len()];
    for line in 0..side {
        for at in 0..side {
            let mut sum = weights[0] * pixels[place(line, at)];
            for (distance, weight) in weights.iter().enumerate().skip(1) {
                let (at, distance) = (at as isize, distance as isize);
                let (before, after) = (mirrored(at - distance), mirrored(at + distance));
                sum += weight * (pixels[place(line, before)] + pixels[place(line, after)]);
            }
            out[place(line, at)] = sum;
        }
    }
    out
}

fn add(to: &mut [f64], what: &[f64], times: f64) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += times * what);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::ImageSize;

    /// A bright square whose corner lies here.
    fn square(x: usize, y: usize) -> Image {
        let inside = |at: usize, from: usize| (from..from + 20).contains(&at);
        let pixel = |i: usize| {
            if inside(i % 64, x) && inside(i / 64, y) { 200 } else { 20 }
        };
        Image::of(ImageSize::default(), pixel)
    }

    #[test]
    fn what_moves_in_the_images_is_nearly_linear_in_few_components() {
        let images: Vec<Image> = (0..25).map(|i| square(18 + i % 5, 18 + i / 5)).collect();
        let components = Components::of(images.iter(), 4, 2.5);
        let seen: Vec<Vec<f64>> = images.iter().map(|image| components.see(image)).collect();
        // Two components tell where the square is; the others are small.
        let size = |at: usize| (seen.iter().map(|s| s[at] * s[at]).sum::<f64>() / 25.0).sqrt();
        assert!(seen.iter().all(|s| s.len() == 5 && s[0] == 1.0));
        assert!(size(1) > 4.0 * size(4), "{} {}", size(1), size(4));
        let between = components.see(&square(20, 20));
        assert!(between[1].abs() < 0.2 * size(1), "the middle of all: {between:?}");
    }

    #[test]
    fn a_blur_keeps_the_light_and_spreads_it() {
        let weights = kernel(2.5);
        assert_eq!(weights.len(), 11);
        let mut pixels = vec![0.0; 64 * 64];
        pixels[3 * 64 + 2] = 1.0;
        let out = convolved(&pixels, 64, &weights, |line, at| line * 64 + at);
        assert!((out.iter().sum::<f64>() - 1.0).abs() < 1e-12, "mirrored at the border");
        assert!(out[3 * 64 + 2] < 0.3);
        assert_eq!(kernel(0.0), [1.0]);
    }

    #[test]
    fn fewer_images_than_components_leave_the_rest_empty() {
        let images = [square(10, 10), square(30, 12)];
        let components = Components::of(images.iter(), 6, 1.0);
        let seen = components.see(&images[0]);
        assert!(seen[1].abs() > 0.1 && seen[2..].iter().all(|c| *c == 0.0), "{seen:?}");
    }
}
