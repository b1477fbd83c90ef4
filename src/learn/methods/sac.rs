use candle_core::Tensor;
use rand::RngExt;

use crate::learn::critic::CriticShape;
use crate::learn::free::{Linear, Looks};
use crate::learn::heads;
use crate::learn::replay::{self, Replayed};
use crate::learn::{
    Card, Common, Entry, Experience, Label, LearnError, Loss, Network, Objective, Prior, Role,
    Round, Shared,
};
use crate::settings;
use crate::task::Draw;

pub fn entry() -> Entry {
    Entry::learner::<Sac>()
}

settings! {
    pub struct SacSettings {
        ..common: Common = Common { explore_prob: 0.25, ..Common::smoothed() };
        ..linear: Linear = Linear { first_trials: 40, ..Linear::default() };
        ..replayed: Replayed = Replayed::default();
        ..prior: Prior = Prior { prior_trials: 100, ..Prior::default() };
        /// Units of each of the critic's two hidden layers.
        critic_width: usize = 64, in 1..=4096;
        /// Corrections drawn from the policy for each trial's actor loss.
        samples: usize = 16, in 2..=10_000, tune log(8..=64);
        /// Reward that a nat of entropy is worth.
        temperature: f64 = 0.05, in 0.0..=10.0, tune log(0.01..=0.3);
    }
}

/// Soft actor-critic (Haarnoja et al., arXiv 1801.01290) with prior data in half of each minibatch (RLPD, Ball
/// et al., arXiv 2302.02948), for one-step episodes.
///
/// `L = mean((Q(s, a) - R)^2) - mean_s E_{a ~ pi}[Q(s, a)] - temperature * H(pi)`. The return is the reward: no
/// target network, and no ensemble, which is there against overestimation by bootstrapping. Q is a small
/// network over image components and correction; the policy is over bins, so that the expectation's
/// gradient is that of `log pi(a)` times Q above its mean over the samples. The temperature is fixed.
#[derive(Debug)]
pub struct Sac {
    settings: SacSettings,
    looks: Looks,
    /// Drawn each round: which bin of x, y and yaw a sample is, as a share of the policy's probability.
    shares: Vec<[f64; 3]>,
}

impl Sac {
    /// `-mean_s E_{a ~ pi}[Q(s, a)]`, up to what has no gradient in the policy: a scalar.
    fn actor(
        &self,
        network: &Network,
        places: &[usize],
        log_probs: &Tensor,
    ) -> Result<Tensor, LearnError> {
        let critic = network.critic().ok_or_else(|| LearnError::not_shown(Self::NAME, "critic"))?;
        let mut rows = Vec::new();
        for (place, heads) in places.iter().zip(&log_probs.detach().to_vec3::<f32>()?) {
            let seen = &self.looks.seen[*place][..];
            let bins = |share: &[f64; 3]| [0, 1, 2].map(|i| heads::bin_at(&heads[i], share[i]));
            let drawn = self.shares.iter().map(bins);
            rows.extend(drawn.map(|bins| (seen, network.grid().correction(bins))));
        }
        let count = self.shares.len();
        let expected = critic.rewards(rows.iter().copied())?.detach();
        let expected = expected.reshape((places.len(), count))?;
        let above = expected.broadcast_sub(&expected.mean_keepdim(1)?)?;
        let targets = network.targets(rows.iter().map(|(_, action)| *action))?;
        let (n, axes, bins) = log_probs.dims3()?;
        let targets = targets.reshape((n, count, axes * bins))?;
        let pushed = above.unsqueeze(1)?.matmul(&targets)?.reshape((n, axes, bins))?;
        let mean = (heads::log_prob(log_probs, &pushed)?.mean_all()? / count as f64)?;
        Ok(mean.neg()?)
    }
}

impl Objective for Sac {
    const NAME: &'static str = "sac";
    type Settings = SacSettings;

    fn card(settings: &SacSettings) -> Card {
        let summary = "soft actor-critic in one step, half of each minibatch prior trials, which count (after Ball et al. 2023)";
        let Prior { prior_trials, prior_on_top, .. } = settings.prior;
        Card {
            role: Role::Rival,
            prior_trials: prior_trials as u64,
            prior_on_top,
            ..Card::learner(Self::NAME, summary)
        }
    }

    fn shared(settings: &SacSettings) -> Shared {
        let SacSettings { common, linear, prior, critic_width, .. } = *settings;
        let shape = CriticShape { seen: Looks::new(linear).width(), width: critic_width };
        Shared { prior: Some(prior), critic: Some(shape), ..Shared::new(common) }
    }

    fn new(settings: SacSettings) -> Self {
        Self { settings, looks: Looks::new(settings.linear), shares: Vec::new() }
    }

    fn refresh(&mut self, history: &[Experience]) -> Vec<Label> {
        self.looks.look(history);
        Vec::new()
    }

    fn minibatches(&mut self, round: &Round<'_>, draw: &mut Draw) -> Vec<Vec<usize>> {
        let SacSettings { prior, replayed, samples, .. } = self.settings;
        let Replayed { steps, minibatch } = replayed;
        let known = self.looks.seen.len();
        let steps = if round.pretraining { prior.pretrain_steps } else { steps };
        self.shares = (0..samples).map(|_| [(); 3].map(|()| draw.random())).collect();
        let before = prior.prior_trials.min(known);
        let [before, since] = [0..before, before..known].map(|trials| {
            let half = if trials.len() == known { minibatch } else { minibatch.div_ceil(2) };
            replay::uniform(trials, steps, half, draw)
        });
        let both = before.into_iter().zip(since).map(|(a, b)| [a, b].concat());
        both.filter(|places| !places.is_empty()).collect()
    }

    fn loss(
        &self,
        network: &Network,
        round: &Round<'_>,
        places: &[usize],
    ) -> Result<Loss, LearnError> {
        let critic = network.critic().ok_or_else(|| LearnError::not_shown(Self::NAME, "critic"))?;
        let fit = critic.loss(&self.looks.seen, round, places)?;
        let log_probs = network.policy_log_probs(&round.trials(places))?;
        let actor = self.actor(network, places, &log_probs)?;
        let entropy = heads::entropy(&log_probs)?.mean_all()?;
        let total = ((&fit + &actor)? - (&entropy * self.settings.temperature)?)?;
        let loss = Loss::from(total).with("critic", &fit).with("actor", &actor);
        Ok(loss.with("entropy", &entropy))
    }
}
