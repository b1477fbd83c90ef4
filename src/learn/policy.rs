use candle_core::{Device, Result, Tensor, Var};
use rand_distr::{Distribution, StandardNormal};

use super::dense::Dense;
use crate::task::{Draw, Image, ImageSize};
use crate::{choices, settings};

/// Image -> three categorical distributions over bins (x, y, yaw).
///
/// Patches of 8x8 pixels are embedded, merged two by two (as in Swin, Liu et al. 2021), and
/// flattened into a dense layer: reshapes and matrix products only, which on a CPU run many
/// times faster than convolutions and learn this task as well.
#[derive(Debug)]
pub struct Policy {
    /// Eight of the patch network, two of heads that see components.
    params: Vec<(&'static str, Var)>,
    bins: usize,
}

settings! {
    /// Widths of the policy's layers.
    pub struct Widths {
        /// Channels of an embedded patch of 8x8 pixels.
        patch_width: usize = 32, in 1..=1024;
        /// Channels of two by two merged patches.
        merge_width: usize = 64, in 1..=1024;
        /// Units of the dense layer.
        dense_width: usize = 128, in 1..=4096;
    }
}

choices! {
    /// What is done to an image before the policy sees it.
    pub enum Normalise {
        /// mean 0 and standard deviation 1 over the image: brighter light changes nothing
        Image,
        /// grey levels to [-1, 1]
        Fixed,
    }
}

const PATCH: usize = 8;
const PATCH_PIXELS: usize = PATCH * PATCH;

/// How images of one size are cut into patches.
#[derive(Clone, Debug)]
pub struct Patches {
    /// Pixels a side of an image.
    side: usize,
    /// First pixel of each: blocks of two by two patches row by row, and within a block too.
    corners: Box<[usize]>,
}

impl Policy {
    /// Weights from `draw` (He et al., 2015); the heads are zero, so that every bin is equally
    /// likely at first.
    pub fn new(widths: Widths, image: ImageSize, bins: usize, draw: &mut Draw) -> Result<Self> {
        let Widths { patch_width, merge_width, dense_width } = widths;
        let mut he = |inputs: usize, outputs: usize| {
            let scale = (2.0 / inputs as f32).sqrt();
            let weights: Vec<f32> = (0..inputs * outputs)
                .map(|_| {
                    let unit: f32 = StandardNormal.sample(draw);
                    unit * scale
                })
                .collect();
            Var::from_vec(weights, (inputs, outputs), &Device::Cpu)
        };
        let zeros = |n: usize| Var::from_vec(vec![0f32; n], n, &Device::Cpu);
        let heads = Var::from_vec(
            vec![0f32; dense_width * 3 * bins],
            (dense_width, 3 * bins),
            &Device::Cpu,
        )?;
        let params = vec![
            ("1.embed.weight", he(PATCH_PIXELS, patch_width)?),
            ("1.embed.bias", zeros(patch_width)?),
            ("2.merge.weight", he(4 * patch_width, merge_width)?),
            ("2.merge.bias", zeros(merge_width)?),
            ("3.dense.weight", he(Patches::new(image).count() / 4 * merge_width, dense_width)?),
            ("3.dense.bias", zeros(dense_width)?),
            ("4.heads.weight", heads),
            ("4.heads.bias", zeros(3 * bins)?),
        ];
        Ok(Self { params, bins })
    }

    /// Heads alone, on an input of so many numbers: for images that have been encoded. All zero.
    pub fn linear(inputs: usize, bins: usize) -> Result<Self> {
        let weight =
            Var::from_vec(vec![0f32; inputs * 3 * bins], (inputs, 3 * bins), &Device::Cpu)?;
        let bias = Var::from_vec(vec![0f32; 3 * bins], 3 * bins, &Device::Cpu)?;
        Ok(Self { params: vec![("heads.weight", weight), ("heads.bias", bias)], bins })
    }

    /// `input` is (n * patches, 64), as from [`Patches::of`], or (n, inputs) of heads alone; the result (n, 3, bins).
    pub fn logits(&self, input: &Tensor) -> Result<Tensor> {
        let last = self.params.len() / 2 - 1;
        let mut hidden = input.clone();
        for (layer, pair) in self.params.chunks(2).enumerate() {
            if let [(_, weight), (_, bias)] = pair {
                hidden = Dense { rectify: layer < last }.forward(&hidden, weight, bias)?;
            }
        }
        hidden.reshape((hidden.dim(0)?, 3, self.bins))
    }

    /// Parameters by name, always in the same order.
    pub fn params(&self) -> &[(&'static str, Var)] {
        &self.params
    }
}

impl Patches {
    /// The side must be a multiple of 16.
    pub fn new(image: ImageSize) -> Self {
        let side = image.px;
        let blocks = side / PATCH / 2;
        let corner = |i: usize| {
            let (block, within) = (i / 4, i % 4);
            let row = 2 * (block / blocks) + within / 2;
            let column = 2 * (block % blocks) + within % 2;
            row * PATCH * side + column * PATCH
        };
        Self { side, corners: (0..4 * blocks * blocks).map(corner).collect() }
    }

    /// Of an image.
    pub fn count(&self) -> usize {
        self.corners.len()
    }

    /// Images as patches, (n * count, 64): four neighbouring patches follow each other, so that
    /// merging them is a matter of reading four rows as one.
    pub fn of<'a>(
        &self,
        images: impl ExactSizeIterator<Item = &'a Image>,
        normalise: Normalise,
    ) -> Result<Tensor> {
        let n = images.len();
        let mut values = Vec::with_capacity(n * self.count() * PATCH_PIXELS);
        images.for_each(|image| self.append(image, normalise, &mut values));
        Tensor::from_vec(values, self.shape(n), &Device::Cpu)
    }

    /// Of the patches of so many images.
    pub fn shape(&self, images: usize) -> (usize, usize) {
        (images * self.count(), PATCH_PIXELS)
    }

    /// Appends the patches of an image.
    pub fn append(&self, image: &Image, normalise: Normalise, out: &mut Vec<f32>) {
        let pixels = image.pixels();
        let (mean, scale) = normalise.mean_and_scale(pixels);
        self.append_pixels(|at| (f32::from(pixels[at]) - mean) * scale, out);
    }

    /// The same of an image that is given pixel by pixel, row by row.
    pub fn append_pixels(&self, pixel: impl Fn(usize) -> f32, out: &mut Vec<f32>) {
        for corner in &self.corners {
            for row in 0..PATCH {
                let at = corner + row * self.side;
                out.extend((at..at + PATCH).map(&pixel));
            }
        }
    }
}

impl Normalise {
    fn mean_and_scale(self, pixels: &[u8]) -> (f32, f32) {
        match self {
            Self::Fixed => (127.5, 1.0 / 127.5),
            Self::Image => {
                let count = pixels.len() as f64;
                let sum: u64 = pixels.iter().map(|p| u64::from(*p)).sum();
                let squares: u64 = pixels.iter().map(|p| u64::from(*p).pow(2)).sum();
                let mean = sum as f64 / count;
                let variance = (squares as f64 / count - mean * mean).max(0.0);
                // A blank image has no contrast to bring to 1.
                (mean as f32, (1.0 / variance.sqrt().max(1.0)) as f32)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Phase, Stream, Streams, TrialKey};

    fn draw() -> Draw {
        Streams::new(1).draw(Stream::Weights, TrialKey { phase: Phase::Train, index: 0 })
    }

    fn cut() -> Patches {
        Patches::new(ImageSize::default())
    }

    fn image(pixel: impl Fn(usize, usize) -> u8) -> Image {
        Image::of(ImageSize::default(), |i| pixel(i % 64, i / 64))
    }

    #[test]
    fn each_row_is_one_patch_and_neighbours_follow_each_other() {
        let image = image(|x, y| ((y / PATCH) * 8 + x / PATCH) as u8);
        let rows = cut().of([&image].into_iter(), Normalise::Fixed).unwrap();
        let rows = rows.to_vec2::<f32>().unwrap();
        let patch = |row: &[f32]| (row[0] * 127.5 + 127.5).round() as usize;
        assert!(rows.iter().all(|row| row.iter().all(|p| *p == row[0])));
        assert_eq!(
            rows[..8].iter().map(|r| patch(r)).collect::<Vec<_>>(),
            [0, 1, 8, 9, 2, 3, 10, 11]
        );
        let mut all: Vec<_> = rows.iter().map(|r| patch(r)).collect();
        all.sort_unstable();
        assert_eq!(all, (0..64).collect::<Vec<_>>());
    }

    #[test]
    fn brighter_light_changes_nothing_after_normalisation() {
        let dim = image(|x, y| ((x * 3 + y * 5) % 90) as u8);
        let bright = image(|x, y| (2 * ((x * 3 + y * 5) % 90) + 40) as u8);
        let rows = cut().of([&dim, &bright].into_iter(), Normalise::Image).unwrap();
        let rows = rows.to_vec2::<f32>().unwrap();
        for (a, b) in rows[..64].iter().flatten().zip(rows[64..].iter().flatten()) {
            assert!((a - b).abs() < 1e-4);
        }
    }

    #[test]
    fn a_blank_image_stays_finite() {
        let rows = cut().of([&image(|_, _| 7)].into_iter(), Normalise::Image).unwrap();
        assert!(rows.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().all(|p| *p == 0.0));
    }

    #[test]
    fn a_new_policy_finds_every_bin_equally_likely() {
        let policy = Policy::new(Widths::default(), ImageSize::default(), 7, &mut draw()).unwrap();
        let images = [image(|x, _| x as u8), image(|_, y| 3 * y as u8)];
        let logits = policy.logits(&cut().of(images.iter(), Normalise::Image).unwrap()).unwrap();
        assert_eq!(logits.dims(), [2, 3, 7]);
        assert!(logits.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().all(|l| *l == 0.0));
    }

    #[test]
    fn the_same_draw_gives_the_same_weights() {
        let weights = || {
            let policy =
                Policy::new(Widths::default(), ImageSize::default(), 7, &mut draw()).unwrap();
            policy.params()[0].1.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert_eq!(weights(), weights());
        assert!(weights().iter().any(|w| *w != 0.0));
    }
}
