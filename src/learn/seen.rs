use super::Experience;
use super::components::Components;
use crate::task::Image;
use crate::settings;

settings! {
    /// What of an image is used.
    pub struct Looking {
        /// Principal components of the images that are used.
        components: usize = 10, in 1..=100, tune linear(5..=20);
        /// Trials at the start whose images give the components; until then nothing is learned.
        first_trials: usize = 40, in 5..=10_000, tune linear(20..=60);
        /// Blur of the images before that, pixels.
        blur_px: f64 = 2.5, in 0.0..=10.0, tune linear(1.0..=5.0);
    }
}

/// What was seen in each trial of the history, as image components: a function of the history.
#[derive(Clone, Debug)]
pub struct Seen {
    looking: Looking,
    encoder: Option<Components>,
    rows: Vec<Vec<f64>>,
}

impl Seen {
    pub fn new(looking: Looking) -> Self {
        Self { looking, encoder: None, rows: Vec::new() }
    }

    /// Looks at the trials that are new. The first images give the encoder.
    pub fn grow(&mut self, history: &[Experience]) {
        let Looking { components, first_trials, blur_px } = self.looking;
        if history.len() < first_trials {
            return;
        }
        let first = || history[..first_trials].iter().map(|trial| &trial.image);
        let encoder =
            self.encoder.get_or_insert_with(|| Components::of(first(), components, blur_px));
        let new = history.iter().skip(self.rows.len());
        self.rows.extend(new.map(|trial| encoder.see(&trial.image)));
    }

    /// One row a trial, 1 first, then the components; none before there is an encoder.
    pub fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    /// The same of an image.
    pub fn see(&self, image: &Image) -> Option<Vec<f64>> {
        Some(self.encoder.as_ref()?.see(image))
    }
}
