//! What methods without a network share: corrections on no grid, and what is linear in image components.

use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use super::components::Components;
use super::{Decision, Experience};
use crate::settings;
use crate::task::{ActionGrid, Correction, Draw, Image};

/// Corrections between the outermost bins of the grid, on any axis: half of the range, mm, mm, deg.
#[derive(Clone, Copy, Debug)]
pub struct Reach([f64; 3]);

impl Reach {
    pub fn of(grid: ActionGrid) -> Self {
        Self(grid.correction([grid.bins() - 1; 3]).axes())
    }

    /// Half of the range, mm, mm, deg.
    pub fn half(&self) -> [f64; 3] {
        self.0
    }

    /// The correction (mm, mm, deg), kept within reach.
    pub fn decision(&self, axes: [f64; 3]) -> Decision {
        let kept = std::array::from_fn(|i| axes[i].clamp(-self.0[i], self.0[i]));
        Decision::at(Correction::from_axes(kept))
    }

    /// Every correction equally likely.
    pub fn uniform(&self, draw: &mut Draw) -> [f64; 3] {
        self.0.map(|half| draw.random_range(-half..=half))
    }
}

/// These axes, each moved by a normal draw of this standard deviation.
pub fn dithered(axes: [f64; 3], sd: f64, draw: &mut Draw) -> [f64; 3] {
    axes.map(|axis| {
        let unit: f64 = StandardNormal.sample(draw);
        axis + sd * unit
    })
}

settings! {
    /// Which image components a method is linear in.
    pub struct Linear {
        /// Principal components of the images that the optimum is linear in.
        components: usize = 10, in 1..=100, tune linear(5..=20);
        /// Trials at the start with uniform corrections; their images give the components.
        first_trials: usize = 20, in 5..=10_000, tune linear(20..=60);
        /// Blur of the images before that, pixels.
        blur_px: f64 = 2.5, in 0.0..=10.0, tune linear(1.0..=5.0);
        /// The optimum is also linear in the products of so many of the strongest components: for a
        /// wide range, over which a turn is no straight line.
        products: usize = 0, in 0..=20;
    }
}

/// The components of each trial's image, once there are enough trials to know them.
#[derive(Clone, Debug)]
pub struct Looks {
    settings: Linear,
    encoder: Option<Components>,
    /// They were given, not found in the first images.
    given: bool,
    /// What was seen in each trial of the history: 1, the components, their products.
    pub seen: Vec<Vec<f64>>,
}

impl Looks {
    pub fn new(settings: Linear) -> Self {
        Self { settings, encoder: None, given: false, seen: Vec::new() }
    }

    /// With components that were found before.
    pub fn given(settings: Linear, encoder: Components) -> Self {
        Self { encoder: Some(encoder), given: true, ..Self::new(settings) }
    }

    /// As new, but for what was given.
    pub fn anew(&self) -> Self {
        let encoder = self.encoder.clone().filter(|_| self.given);
        Self { encoder, given: self.given, ..Self::new(self.settings) }
    }

    pub fn encoder(&self) -> Option<&Components> {
        self.encoder.as_ref()
    }

    pub fn is_given(&self) -> bool {
        self.given
    }

    /// Sees the trials that are new. The first images give the components.
    pub fn look(&mut self, history: &[Experience]) {
        let Linear { components, first_trials, blur_px, .. } = self.settings;
        if self.encoder.is_none() && history.len() < first_trials {
            return;
        }
        let first = || history[..first_trials].iter().map(|trial| &trial.image);
        let encoder =
            self.encoder.get_or_insert_with(|| Components::of(first(), components, blur_px));
        let new = history.iter().skip(self.seen.len());
        let products = self.settings.products;
        self.seen.extend(new.map(|trial| with_products(encoder.see(&trial.image), products)));
    }

    /// 1, the image's components and their products; `None` in the first trials.
    pub fn see(&self, image: &Image) -> Option<Vec<f64>> {
        let encoder = self.encoder.as_ref()?;
        Some(with_products(encoder.see(image), self.settings.products))
    }

    /// How many numbers are seen.
    pub fn width(&self) -> usize {
        let Linear { components, products, .. } = self.settings;
        let factors = products.min(components);
        1 + components + factors * (factors + 1) / 2
    }
}

/// What is seen, then half of each product of two of the first components: about as large as these.
fn with_products(mut seen: Vec<f64>, count: usize) -> Vec<f64> {
    let factors: Vec<f64> = seen.iter().skip(1).take(count).copied().collect();
    for (i, a) in factors.iter().enumerate() {
        seen.extend(factors[i..].iter().map(|b| 0.5 * a * b));
    }
    seen
}
