use candle_core::{Device, Result, Tensor};

use super::components::{Components, blurred};
use super::free::Reach;
use super::policy::{Normalise, Patches};
use super::registrar::{moved, spread_evenly};
use super::{Experience, Seen};
use crate::task::{ActionGrid, Image, ImageSize, Pose2};
use crate::{choices, settings};

settings! {
    /// What a network is given of an image. The same for every method that has one.
    pub struct Seeing {
        /// What a network is given of an image. `components` wants a larger lr, about 0.03.
        encoder: EncoderKind = EncoderKind::Patches;
        /// Blur of an image before that, pixels; `patches` are not blurred.
        encoder_blur_px: f64 = 2.5, in 0.0..=10.0;
        /// How many components, for `components`.
        encoder_components: usize = 10, in 1..=100;
        /// Trials at the start whose images give the components. Until then every bin is equally likely and
        /// nothing is learned: a shorter run corrects nothing.
        encoder_trials: usize = 40, in 5..=10_000;
        /// Share of the trials that a round of learning sees moved: image, action and label are shifted and
        /// turned alike, so that the reward stays what it was. A label that leaves the grid is clipped; one-hot
        /// targets (`target_sigma_bins = 0`) round it to a bin.
        augment: f64 = 0.0, in 0.0..=1.0;
        /// How far they are moved, at most, as a share of the range of corrections.
        augment_range: f64 = 0.3, in 0.0..=1.0;
    }
}

choices! {
    /// What a network is given of an image.
    pub enum EncoderKind {
        /// patches of 8x8 pixels, embedded, merged and flattened into a dense layer
        Patches,
        /// the same of the blurred image
        BlurredPatches,
        /// principal components of the blurred images of the first trials, straight into the heads
        Components,
    }
}

/// Moved copies of each trial.
const COPIES: usize = 4;

/// Turns images into what a network is given, and remembers it for those that it learns from again.
///
/// A copy is a picture of the same plate lying elsewhere (exact for a view from above but for the border and a
/// slight blur of the resampling), so that it costs no trial.
#[derive(Debug)]
pub struct Encoder {
    seeing: Seeing,
    normalise: Normalise,
    patches: Patches,
    /// Half of the range, mm, mm, deg.
    half: [f64; 3],
    components: Option<Components>,
    /// They were given, not found in the first images.
    given: bool,
    /// Of each trial so far: as it was, then its copies. Empty where nothing need be kept.
    seen: Vec<Vec<Vec<f32>>>,
}

impl Encoder {
    pub fn new(seeing: Seeing, normalise: Normalise, grid: ActionGrid, image: ImageSize) -> Self {
        let half = Reach::of(grid).half();
        Self {
            seeing,
            normalise,
            patches: Patches::new(image),
            half,
            components: None,
            given: false,
            seen: Vec::new(),
        }
    }

    /// What it looks for, where that was found in images.
    pub fn components(&self) -> Option<&Components> {
        self.components.as_ref()
    }

    /// Looks for these from now on.
    pub fn give(&mut self, components: Components) {
        (self.components, self.given) = (Some(components), true);
        self.seen.clear();
    }

    /// How many components it looks for.
    pub fn count(&self) -> usize {
        self.seeing.encoder_components
    }

    /// Numbers that the heads see of an image, if they see it directly.
    pub fn direct(&self) -> Option<usize> {
        let components = self.seeing.encoder == EncoderKind::Components;
        components.then_some(1 + self.seeing.encoder_components)
    }

    /// Copies of a trial, beside itself.
    pub fn copies(&self) -> usize {
        if self.seeing.augment > 0.0 { COPIES } else { 0 }
    }

    /// Share of the trials that are to be seen as one of their copies.
    pub fn augment(&self) -> f64 {
        self.seeing.augment
    }

    /// Sees the trials that are new; the first give the components.
    pub fn look(&mut self, history: &[Experience]) {
        let Seeing { encoder, encoder_trials, encoder_components, encoder_blur_px, .. } =
            self.seeing;
        if encoder == EncoderKind::Patches && self.copies() == 0 {
            return;
        }
        if encoder == EncoderKind::Components && self.components.is_none() {
            if history.len() < encoder_trials {
                return;
            }
            let first = history[..encoder_trials].iter().map(|trial| &trial.image);
            self.components = Some(Components::of(first, encoder_components, encoder_blur_px));
        }
        for (place, trial) in history.iter().enumerate().skip(self.seen.len()) {
            let copies = (1..=self.copies())
                .map(|copy| self.encoded(&moved(&trial.image, self.motion(place, copy), [0.0; 2])));
            let all = [self.encoded(&trial.image)].into_iter().chain(copies).collect();
            self.seen.push(all);
        }
    }

    /// It knows what to look for.
    pub fn is_ready(&self) -> bool {
        self.seeing.encoder != EncoderKind::Components || self.components.is_some()
    }

    /// Starts over, as after a restart: what was given stays.
    pub fn forget(&mut self) {
        self.components = self.components.take().filter(|_| self.given);
        self.seen.clear();
    }

    /// How the plate of a trial's copy lies beside that of the trial itself, which is copy 0.
    pub fn motion(&self, place: usize, copy: usize) -> Pose2 {
        if copy == 0 {
            return Pose2::IDENTITY;
        }
        let u = spread_evenly(place * COPIES + copy - 1);
        let far = |axis: usize| self.seeing.augment_range * self.half[axis] * u[axis];
        Pose2::from_axes(std::array::from_fn(far))
    }

    /// What a network is given of these images.
    pub fn encode<'a>(&self, images: impl ExactSizeIterator<Item = &'a Image>) -> Result<Tensor> {
        let n = images.len();
        let mut rows = Vec::new();
        images.for_each(|image| self.append(image, &mut rows));
        self.tensor(rows, n)
    }

    /// The same of trials, as they are to be seen.
    pub fn recall(&self, trials: &[Seen<'_>]) -> Result<Tensor> {
        let mut rows = Vec::new();
        for trial in trials {
            match self.seen.get(trial.place) {
                Some(kept) => rows.extend(&kept[trial.copy]),
                None => self.append(&trial.image, &mut rows),
            }
        }
        self.tensor(rows, trials.len())
    }

    fn encoded(&self, image: &Image) -> Vec<f32> {
        let mut row = Vec::new();
        self.append(image, &mut row);
        row
    }

    fn append(&self, image: &Image, row: &mut Vec<f32>) {
        let Seeing { encoder, encoder_blur_px, encoder_components, .. } = self.seeing;
        match encoder {
            EncoderKind::Patches => self.patches.append(image, self.normalise, row),
            EncoderKind::BlurredPatches => {
                let pixels = blurred(image, encoder_blur_px);
                self.patches.append_pixels(|i| pixels[i] as f32, row);
            }
            EncoderKind::Components => match &self.components {
                Some(components) => row.extend(components.see(image).iter().map(|c| *c as f32)),
                None => row.extend(vec![0.0; 1 + encoder_components]),
            },
        }
    }

    fn tensor(&self, rows: Vec<f32>, n: usize) -> Result<Tensor> {
        match self.direct() {
            Some(width) => Tensor::from_vec(rows, (n, width), &Device::Cpu),
            None => Tensor::from_vec(rows, self.patches.shape(n), &Device::Cpu),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples;
    use crate::task::Range;

    fn encoder(encoder: EncoderKind, augment: f64) -> Encoder {
        let seeing = Seeing {
            encoder,
            augment,
            encoder_components: 3,
            encoder_trials: 5,
            ..Seeing::default()
        };
        let grid = ActionGrid::new(Range { mm: 5.0, deg: 4.0 }, 5);
        Encoder::new(seeing, Normalise::Image, grid, ImageSize::default())
    }

    /// A bright square that lies elsewhere in each trial.
    fn history(trials: usize) -> Vec<Experience> {
        let image = |at: usize| {
            let bright = |i: usize| {
                let (x, y) = (i % 64, i / 64);
                (20 + at..40 + at).contains(&x) && (18 + at % 3..38 + at % 3).contains(&y)
            };
            let pixel = |i| if bright(i) { 200 } else { 30 };
            Image::of(ImageSize::default(), pixel)
        };
        (0..trials).map(|at| Experience { image: image(at), ..samples::trial(0, 0.0) }).collect()
    }

    fn values(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn a_trial_is_remembered_as_its_image_is_encoded() {
        for kind in [EncoderKind::Patches, EncoderKind::BlurredPatches, EncoderKind::Components] {
            for augment in [0.0, 0.5] {
                let history = history(8);
                let mut encoder = encoder(kind, augment);
                encoder.look(&history[..6]);
                encoder.look(&history);
                let seen = |place: usize| Seen { trial: &history[place], place, copy: 0 };
                let recalled = encoder.recall(&[seen(2), seen(7)]).unwrap();
                let images = [&history[2].image, &history[7].image];
                let encoded = encoder.encode(images.into_iter()).unwrap();
                assert_eq!(values(&recalled), values(&encoded), "{kind:?}");
                assert_eq!(recalled.dims(), encoded.dims());
            }
        }
    }

    #[test]
    fn a_copy_is_the_image_with_the_plate_moved_by_what_the_encoder_says() {
        let history = history(6);
        let mut encoder = encoder(EncoderKind::BlurredPatches, 1.0);
        encoder.look(&history);
        let by = encoder.motion(3, 2);
        assert!(by.axes().iter().zip([1.5, 1.5, 1.2]).all(|(by, most)| by.abs() <= most));
        assert!(by != encoder.motion(3, 1) && by != encoder.motion(4, 2));
        let copy = moved(&history[3].image, by, [0.0; 2]);
        let recalled = encoder.recall(&[Seen { trial: &history[3], place: 3, copy: 2 }]).unwrap();
        let encoded = encoder.encode([&copy].into_iter()).unwrap();
        assert_eq!(values(&recalled), values(&encoded));
        assert_eq!(encoder.motion(3, 0), Pose2::IDENTITY);
    }

    #[test]
    fn components_are_those_of_the_first_trials_and_nothing_before() {
        let history = history(8);
        let mut encoder = encoder(EncoderKind::Components, 0.0);
        encoder.look(&history[..4]);
        assert!(!encoder.is_ready());
        let images = || [&history[0].image].into_iter();
        assert_eq!(values(&encoder.encode(images()).unwrap()), [0.0; 4]);
        encoder.look(&history);
        assert!(encoder.is_ready());
        let seen = values(&encoder.encode(images()).unwrap());
        assert!(seen[0] == 1.0 && seen[1] != 0.0, "{seen:?}");
        encoder.forget();
        assert!(!encoder.is_ready());
    }
}
