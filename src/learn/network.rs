use candle_core::{Device, Tensor, Var};
use candle_nn::ops::{log_softmax, softmax};
use rand::RngExt;

use super::critic::Critic;
use super::encoder::Encoder;
use super::heads::{Behaviour, Decode, Smoothing, log_prob, sample};
use super::policy::Policy;
use super::{BinProbabilities, Common, Decision, LearnError, Mode, Seen, View};
use crate::task::{ActionGrid, Correction, Draw, Image, ImageSize};

/// The policy, and how it explores: what a loss asks for log-probabilities.
#[derive(Debug)]
pub struct Network {
    grid: ActionGrid,
    options: Common,
    encoder: Encoder,
    policy: Policy,
    behaviour: Behaviour,
    critic: Option<Critic>,
}

impl Network {
    pub fn new(
        grid: ActionGrid,
        image: ImageSize,
        options: Common,
        draw: &mut Draw,
    ) -> Result<Self, LearnError> {
        let encoder = Encoder::new(options.seeing, options.normalise, grid, image);
        let policy = match encoder.direct() {
            Some(width) => Policy::linear(width, grid.bins())?,
            None => Policy::new(options.widths, image, grid.bins(), draw)?,
        };
        let behaviour =
            Behaviour::new(grid.bins(), options.explore_prob, options.explore_sigma_bins)?;
        Ok(Self { grid, options, encoder, policy, behaviour, critic: None })
    }

    /// The same with a critic, which is trained, saved and loaded with the policy.
    pub fn with_critic(self, critic: Option<Critic>) -> Self {
        Self { critic, ..self }
    }

    /// The critic of a method that asked for one.
    pub fn critic(&self) -> Option<&Critic> {
        self.critic.as_ref()
    }

    /// All parameters by name, always in the same order.
    pub fn params(&self) -> impl Iterator<Item = &(&'static str, Var)> + Clone {
        self.policy.params().iter().chain(self.critic.iter().flat_map(|critic| critic.params()))
    }

    pub fn vars(&self) -> impl Iterator<Item = &Var> + Clone {
        self.params().map(|(_, var)| var)
    }

    pub fn grid(&self) -> ActionGrid {
        self.grid
    }

    /// How it sees, which grows with the history.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    pub fn encoder_mut(&mut self) -> &mut Encoder {
        &mut self.encoder
    }

    /// Logits of the policy, (n, 3, bins).
    fn logits<'a>(
        &self,
        images: impl ExactSizeIterator<Item = &'a Image>,
    ) -> Result<Tensor, LearnError> {
        Ok(self.policy.logits(&self.encoder.encode(images)?)?)
    }

    /// Log-probabilities under the policy itself, (n, 3, bins): what imitation teaches.
    pub fn policy_log_probs(&self, trials: &[Seen<'_>]) -> Result<Tensor, LearnError> {
        Ok(log_softmax(&self.policy.logits(&self.encoder.recall(trials)?)?, 2)?)
    }

    /// Log-probabilities of what is tried, exploration included, (n, 3, bins): what a policy
    /// gradient needs.
    pub fn behaviour_log_probs(&self, trials: &[Seen<'_>]) -> Result<Tensor, LearnError> {
        let logits = self.policy.logits(&self.encoder.recall(trials)?)?;
        Ok(self.behaviour.log_probs(&logits)?)
    }

    /// The correction that a trial as it was asks for, given one for it as it is seen.
    pub fn moved_back(&self, trial: &Seen<'_>, correction: Correction) -> Correction {
        self.encoder.motion(trial.place, trial.copy).inverse().compose(correction)
    }

    /// The policy's mean corrections for these trials as they were, in bins, from its log-probabilities for
    /// them as they are seen, (n, 3, bins).
    pub fn means(
        &self,
        trials: &[Seen<'_>],
        log_probs: &Tensor,
    ) -> Result<Vec<[f64; 3]>, LearnError> {
        let mean = |(heads, trial): (&Vec<Vec<f32>>, &Seen<'_>)| {
            let position = std::array::from_fn(|i| Decode::Expectation.position(&heads[i]));
            match trial.copy {
                0 => position,
                _ => self.grid.positions(self.moved_back(trial, self.grid.at(position))),
            }
        };
        let heads = log_probs.detach().to_vec3::<f32>()?;
        Ok(heads.iter().zip(trials).map(mean).collect())
    }

    /// Corrections for these trials as they were, as target distributions for them as they are seen,
    /// (n, 3, bins): Gaussians, if so configured.
    pub fn targets(
        &self,
        trials: &[Seen<'_>],
        corrections: impl Iterator<Item = Correction>,
    ) -> Result<Tensor, LearnError> {
        let position = |(seen, correction): (&Seen<'_>, Correction)| match seen.copy {
            0 => self.grid.positions(correction),
            copy => self.grid.positions(self.encoder.motion(seen.place, copy).compose(correction)),
        };
        let positions: Vec<_> = trials.iter().zip(corrections).map(position).collect();
        let smoothing =
            Smoothing { bins: self.grid.bins(), sigma_bins: self.options.target_sigma_bins };
        Ok(smoothing.targets(&positions)?)
    }

    /// Log-probabilities of what may be tried, (n, 3, bins), and of these actions, (n), both with
    /// exploration.
    pub fn tried(
        &self,
        trials: &[Seen<'_>],
        actions: impl Iterator<Item = Correction>,
    ) -> Result<(Tensor, Tensor), LearnError> {
        let all = self.behaviour_log_probs(trials)?;
        let of_actions = log_prob(&all, &self.targets(trials, actions)?)?;
        Ok((all, of_actions))
    }

    /// Cross-entropy to what is taught, a scalar: `-mean(w log pi(label))`, one label and one weight a
    /// trial.
    pub fn imitation(
        &self,
        trials: &[Seen<'_>],
        labels: impl Iterator<Item = Correction>,
        weights: Vec<f32>,
    ) -> Result<Tensor, LearnError> {
        let of_labels = log_prob(&self.policy_log_probs(trials)?, &self.targets(trials, labels)?)?;
        let weights = Tensor::from_vec(weights, trials.len(), &Device::Cpu)?;
        Ok((of_labels * weights)?.mean_all()?.neg()?)
    }

    /// One decision a view.
    pub fn act(
        &self,
        views: &[View<'_>],
        mode: Mode,
        draws: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError> {
        if views.is_empty() {
            return Ok(Vec::new());
        }
        let logits = self.logits(views.iter().map(|view| view.image))?;
        let log_probs = match mode {
            Mode::Explore => self.behaviour.log_probs(&logits)?,
            Mode::Greedy => log_softmax(&logits, 2)?,
        };
        let heads = log_probs.to_vec3::<f32>()?;
        let choose = |(heads, draw): (&Vec<Vec<f32>>, &mut Draw)| match mode {
            Mode::Explore => self.explore(heads, draw),
            Mode::Greedy => self.decode(heads),
        };
        Ok(heads.iter().zip(draws).map(choose).collect())
    }

    /// Decisions of somebody who knows nothing: every bin equally likely.
    pub fn act_at_random(&self, draws: &mut [Draw]) -> Vec<Decision> {
        let uniform = vec![vec![-(self.grid.bins() as f32).ln(); self.grid.bins()]; 3];
        draws.iter_mut().map(|draw| self.explore(&uniform, draw)).collect()
    }

    /// Probabilities of every bin under the policy itself, for each view.
    pub fn probabilities(
        &self,
        views: &[View<'_>],
    ) -> Result<Option<Vec<BinProbabilities>>, LearnError> {
        if views.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let logits = self.logits(views.iter().map(|view| view.image))?;
        let rows = softmax(&logits, 2)?.to_vec3::<f32>()?;
        Ok(rows.into_iter().map(|row: Vec<Vec<f32>>| row.try_into().ok()).collect())
    }

    /// One bin an axis, drawn from log-probabilities.
    fn explore(&self, heads: &[Vec<f32>], draw: &mut Draw) -> Decision {
        let bins: [usize; 3] = std::array::from_fn(|axis| sample(&heads[axis], draw));
        let dither = self.options.dither_bins;
        let correction = match dither > 0.0 {
            true => self.grid.at(bins.map(|bin| bin as f64 + draw.random_range(-dither..=dither))),
            false => self.grid.correction(bins),
        };
        Decision {
            correction,
            bins: Some(bins),
            log_prob: Some(std::array::from_fn(|axis| heads[axis][bins[axis]])),
            spread: None,
        }
    }

    fn decode(&self, heads: &[Vec<f32>]) -> Decision {
        let positions = std::array::from_fn(|axis| self.options.decode.position(&heads[axis]));
        let bins = positions.map(|position| position.round() as usize);
        let on_grid = bins.map(|bin| bin as f64) == positions;
        Decision {
            correction: self.grid.at(positions),
            bins: on_grid.then_some(bins),
            log_prob: on_grid.then(|| std::array::from_fn(|axis| heads[axis][bins[axis]])),
            spread: Some(self.spread(heads, positions)),
        }
    }

    /// Standard deviation of the policy's distribution about what was decided, mm, mm, deg.
    fn spread(&self, heads: &[Vec<f32>], decided: [f64; 3]) -> [f64; 3] {
        let step = self.grid.step();
        std::array::from_fn(|axis| {
            let off = |bin: usize| (bin as f64 - decided[axis]).powi(2);
            let of_bin = |(bin, p): (usize, &f32)| libm::exp(f64::from(*p)) * off(bin);
            let variance: f64 = heads[axis].iter().enumerate().map(of_bin).sum();
            step[axis] * variance.sqrt()
        })
    }
}
