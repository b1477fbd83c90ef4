use nalgebra::DMatrix;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::learn::components::Components;
use crate::learn::reward_form::{RewardFit, RewardPrior, Sample};
use crate::learn::{Card, Decision, Entry, Experience, LearnError, Method, Mode, Progress, View};
use crate::settings;
use crate::task::{ActionGrid, Correction, Draw};

const NAME: &str = "bayes-linear";

pub fn entry() -> Entry {
    Entry::of(NAME, card, |card, settings, grid, _| {
        Ok(Box::new(BayesLinear::new(card, settings, grid)))
    })
}

settings! {
    pub struct BayesLinearSettings {
        /// Principal components of the images that the optimum is linear in.
        components: usize = 10, in 1..=100, tune linear(5..=20);
        /// Trials at the start with uniform corrections; their images give the components.
        first_trials: usize = 20, in 5..=10_000, tune linear(20..=60);
        /// Blur of the images before that, pixels.
        blur_px: f64 = 2.5, in 0.0..=10.0, tune linear(1.0..=5.0);
        /// Standard deviation of what is added to a posterior draw when exploring, mm and deg.
        dither: f64 = 0.4, in 0.0..=10.0, tune log(0.1..=1.0);
        /// Standard deviation of the reward's noise.
        noise: f64 = 0.09, in 1e-3..=10.0, tune log(0.03..=0.3);
        /// Prior standard deviation of the optimum's weights, mm and deg.
        prior_sd: f64 = 2.0, in 1e-3..=100.0, tune log(0.5..=8.0);
        /// Fits from random optima besides the one that goes on.
        restarts: usize = 3, in 0..=100;
        /// Trials until which there are such fits.
        restarts_until: usize = 120, in 0..=1_000_000;
    }
}

fn card(_: &BayesLinearSettings) -> Card {
    Card::learner(
        NAME,
        "fits the reward's form, optimum linear in image components, Thompson sampling (after Agrawal & Goyal 2013)",
    )
}

/// Thompson sampling (Agrawal and Goyal, arXiv 1209.3352) with a reward whose form is known and whose
/// optimum is linear in a few image components: [`RewardFit`] on all trials after each batch, then
/// corrections that are best under one draw from the posterior.
///
/// It assumes what rm-rl does not: that the reward falls with the distance from one optimum.
struct BayesLinear {
    card: Card,
    settings: BayesLinearSettings,
    /// Half of the range, mm, mm, deg.
    half: [f64; 3],
    encoder: Option<Components>,
    /// What was seen in each trial of the history.
    seen: Vec<Vec<f64>>,
    fit: Option<RewardFit>,
}

impl BayesLinear {
    fn new(card: Card, settings: BayesLinearSettings, grid: ActionGrid) -> Self {
        let half = grid.correction([grid.bins() - 1; 3]).axes();
        Self { card, settings, half, encoder: None, seen: Vec::new(), fit: None }
    }

    /// Sees the trials that are new. The first images give the encoder.
    fn look(&mut self, history: &[Experience]) {
        let BayesLinearSettings { components, first_trials, blur_px, .. } = self.settings;
        if history.len() < first_trials {
            return;
        }
        let first = || history[..first_trials].iter().map(|trial| &trial.image);
        let encoder =
            self.encoder.get_or_insert_with(|| Components::of(first(), components, blur_px));
        let new = history.iter().skip(self.seen.len());
        self.seen.extend(new.map(|trial| encoder.see(&trial.image)));
    }

    fn starts(&self, made: usize, draw: &mut Draw) -> Vec<Vec<f64>> {
        let k = self.settings.components + 1;
        let known = self.fit.as_ref().map(|fit| fit.values.clone());
        let mut starts = vec![known.unwrap_or_else(|| RewardFit::start(k, [0.0; 3]))];
        if made <= self.settings.restarts_until {
            for _ in 0..self.settings.restarts {
                let optimum = std::array::from_fn(|_| StandardNormal.sample(draw));
                starts.push(RewardFit::start(k, optimum));
            }
        }
        starts
    }

    fn explore(&self, seen: Option<&[f64]>, draw: &mut Draw) -> [f64; 3] {
        let (Some(fit), Some(seen)) = (&self.fit, seen) else {
            return self.half.map(|half| draw.random_range(-half..=half));
        };
        let unit: Vec<f64> = (0..3 * seen.len()).map(|_| StandardNormal.sample(draw)).collect();
        let best = fit.drawn(seen, &unit);
        best.map(|axis| {
            let dither: f64 = StandardNormal.sample(draw);
            axis + self.settings.dither * dither
        })
    }

    fn decision(&self, axes: [f64; 3]) -> Decision {
        let kept = std::array::from_fn(|i| axes[i].clamp(-self.half[i], self.half[i]));
        Decision { correction: Correction::from_axes(kept), bins: None, log_prob: None }
    }

    fn unusable(&self, why: impl ToString) -> LearnError {
        LearnError::State { method: NAME.to_owned(), why: why.to_string() }
    }
}

impl Method for BayesLinear {
    fn card(&self) -> &Card {
        &self.card
    }

    fn act(
        &self,
        views: &[View<'_>],
        mode: Mode,
        draws: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError> {
        let choose = |(view, draw): (&View<'_>, &mut Draw)| {
            let seen = self.encoder.as_ref().map(|encoder| encoder.see(view.image));
            let axes = match (mode, &self.fit, &seen) {
                (Mode::Explore, ..) => self.explore(seen.as_deref(), draw),
                (Mode::Greedy, Some(fit), Some(seen)) => fit.optimum(seen),
                (Mode::Greedy, ..) => [0.0; 3],
            };
            self.decision(axes)
        };
        Ok(views.iter().zip(draws).map(choose).collect())
    }

    fn learn(
        &mut self,
        history: &[Experience],
        _: usize,
        draw: &mut Draw,
    ) -> Result<Progress, LearnError> {
        self.look(history);
        if self.encoder.is_none() {
            return Ok(Progress::default());
        }
        let sample = |(seen, trial): (&'_ Vec<f64>, &Experience)| -> (Vec<f64>, [f64; 3], f64) {
            (seen.clone(), trial.decision.correction.axes(), trial.feedback.reward)
        };
        let owned: Vec<_> = self.seen.iter().zip(history).map(sample).collect();
        let samples: Vec<Sample<'_>> = owned.iter().map(|(s, a, r)| (&s[..], *a, *r)).collect();
        let BayesLinearSettings { noise, prior_sd, .. } = self.settings;
        let starts = self.starts(history.len(), draw);
        let prior = RewardPrior { noise, weights: prior_sd };
        let fit = RewardFit::of(&starts, &samples, prior)
            .ok_or_else(|| LearnError::Diverged("no fit of the reward is a number".to_owned()))?;
        let loss = fit.cost / history.len() as f64;
        self.fit = Some(fit);
        Ok(Progress { loss, ..Progress::default() })
    }

    /// Values and spread of the fit; nothing before the first one. The rest follows from the history.
    fn save(&self) -> Result<Vec<u8>, LearnError> {
        let fit = self.fit.as_ref();
        let all = [
            ("values", fit.map_or(&[][..], |fit| &fit.values)),
            ("spread", fit.map_or(&[][..], |fit| fit.spread.as_slice())),
        ];
        let bytes = all.map(|(name, numbers)| {
            (name, numbers.len(), numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>())
        });
        let mut views = Vec::new();
        for (name, count, bytes) in &bytes {
            let view = TensorView::new(Dtype::F64, vec![*count], bytes);
            views.push((*name, view.map_err(|error| self.unusable(error))?));
        }
        safetensors::serialize(views, None).map_err(|error| self.unusable(error))
    }

    fn load(&mut self, state: &[u8], history: &[Experience]) -> Result<(), LearnError> {
        let saved = SafeTensors::deserialize(state).map_err(|error| self.unusable(error))?;
        let numbers = |name: &str| {
            let view = saved.tensor(name).map_err(|error| self.unusable(error))?;
            let (words, _) = view.data().as_chunks::<8>();
            Ok::<_, LearnError>(words.iter().map(|w| f64::from_le_bytes(*w)).collect::<Vec<_>>())
        };
        let (values, spread) = (numbers("values")?, numbers("spread")?);
        let weights = 3 * (self.settings.components + 1);
        let fit = match (values.len(), spread.len()) {
            (0, 0) => None,
            (n, m) if n == weights + 4 && m == weights * weights => {
                let spread = DMatrix::from_vec(weights, weights, spread);
                Some(RewardFit { values, spread, cost: f64::NAN })
            }
            _ => return Err(self.unusable("it is of another number of components")),
        };
        (self.encoder, self.seen) = (None, Vec::new());
        self.look(history);
        self.fit = fit;
        Ok(())
    }
}
