use candle_core::{D, Device, Tensor};
use rand::RngExt;

use crate::learn::critic::Critics;
use crate::learn::free::Looks;
use crate::learn::heads::{self, Decode};
use crate::learn::replay::{self, Replayed};
use crate::learn::{
    Card, Common, Entry, Experience, Label, LearnError, Loss, Network, Objective, Prior, Role,
    Round, Seen, Shared,
};
use crate::settings;
use crate::task::Draw;

pub fn entry() -> Entry {
    Entry::learner::<Sac>()
}

settings! {
    pub struct SacSettings {
        ..common: Common = Common { lr: 3e-3, decode: Decode::Expectation, ..Common::default() };
        ..critics: Critics = Critics::default();
        ..replayed: Replayed = Replayed::default();
        ..prior: Prior = Prior { prior_trials: 100, ..Prior::default() };
        /// Corrections drawn from the policy for each bin that the critic judges.
        samples: usize = 8, in 1..=1000, tune log(4..=16);
        /// Entropy that the policy is kept at, as a share of that of equally likely bins.
        target_entropy: f64 = 0.5, in 0.01..=0.99, tune linear(0.2..=0.8);
    }
}

/// Soft actor-critic (Haarnoja et al., arXiv 1801.01290) with prior trials in half of each minibatch (RLPD, Ball
/// et al., arXiv 2302.02948). An episode is one step: the critic is fitted to the reward itself, and what guards
/// against bootstrapping (target networks, the least of several critics) has nothing to guard.
///
/// `L = mean((Q(s, a) - R)^2) + mean_s sum_axis sum_bin pi(bin) (T log pi(bin) - Q(s, bin))`, where Q(s, bin) is
/// the mean over samples of the other axes' bins: the gradient is the actor's own with less noise, as the policy
/// has an independent distribution an axis. T is the temperature at which exp(Q / T) has the target entropy
/// (arXiv 1812.05905, its dual problem solved instead of followed). Q is a small network over image components.
#[derive(Debug)]
pub struct Sac {
    settings: SacSettings,
    looks: Looks,
    /// Drawn each round: which bin of x, y and yaw a sample is, as a share of the policy's probability.
    shares: Vec<[f64; 3]>,
}

impl Sac {
    /// What the critic expects of each bin of x, y and yaw, the others as the policy draws them: (n, 3, bins).
    fn expected(
        &self,
        network: &Network,
        trials: &[Seen<'_>],
        log_probs: &Tensor,
    ) -> Result<Tensor, LearnError> {
        let critic = network.critic().ok_or_else(|| LearnError::not_shown(Self::NAME, "critic"))?;
        let mut rows = Vec::new();
        for (trial, heads) in trials.iter().zip(&log_probs.to_vec3::<f32>()?) {
            let bins = |share: &[f64; 3]| [0, 1, 2].map(|i| heads::bin_at(&heads[i], share[i]));
            let drawn: Vec<[usize; 3]> = self.shares.iter().map(bins).collect();
            let judged = (0..3).flat_map(|axis| (0..heads[axis].len()).map(move |bin| (axis, bin)));
            let with = |of: (usize, usize)| drawn.iter().map(move |drawn| (of, *drawn));
            for ((axis, bin), mut bins) in judged.flat_map(with) {
                bins[axis] = bin;
                let correction = network.moved_back(trial, network.grid().correction(bins));
                rows.push((&self.looks.seen[trial.place][..], correction));
            }
        }
        let (n, axes, bins) = log_probs.dims3()?;
        let all = critic.rewards(rows.into_iter())?.detach();
        Ok(all.reshape((n, axes, bins, self.shares.len()))?.mean(D::Minus1)?)
    }
}

impl Objective for Sac {
    const NAME: &'static str = "sac";
    type Settings = SacSettings;

    fn card(settings: &SacSettings) -> Card {
        let summary = "soft actor-critic in one step, half of each minibatch prior trials, which count (after Ball et al. 2023)";
        Card { role: Role::Rival, ..Card::learner(Self::NAME, summary).after(settings.prior) }
    }

    fn shared(settings: &SacSettings) -> Shared {
        let SacSettings { common, critics, prior, .. } = *settings;
        Shared { prior: Some(prior), critic: Some(critics.shape()), ..Shared::new(common) }
    }

    fn new(settings: SacSettings) -> Self {
        Self { settings, looks: settings.critics.looks(), shares: Vec::new() }
    }

    fn refresh(&mut self, history: &[Experience]) -> Vec<Label> {
        self.looks.look(history);
        Vec::new()
    }

    fn minibatches(&mut self, round: &Round<'_>, draw: &mut Draw) -> Vec<Vec<usize>> {
        let SacSettings { prior, replayed: Replayed { steps, minibatch }, samples, .. } =
            self.settings;
        let known = self.looks.seen.len();
        let steps = if round.pretraining { prior.pretrain_steps } else { steps };
        self.shares = (0..samples).map(|_| [(); 3].map(|()| draw.random())).collect();
        let before = prior.prior_trials.min(known);
        let [before, since] = [0..before, before..known].map(|trials| {
            let part = if trials.len() == known { minibatch } else { minibatch.div_ceil(2) };
            replay::uniform(trials, steps, part, draw)
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
        let trials = round.trials(places);
        let log_probs = network.policy_log_probs(&trials)?;
        let expected = self.expected(network, &trials, &log_probs.detach())?;
        let temperature = heads::temperature(&expected, self.settings.target_entropy)?;
        let soft = ((&log_probs * temperature)? - expected)?;
        let actor = heads::log_prob(&soft, &log_probs.exp()?)?.mean_all()?;
        let loss = Loss::from((&fit + &actor)?).with("critic", &fit).with("actor", &actor);
        let loss = loss.with("entropy", &heads::entropy(&log_probs)?.mean_all()?);
        Ok(loss.with("temperature", &Tensor::new(temperature as f32, &Device::Cpu)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples;
    use crate::task::{Phase, Stream, Streams, TrialKey};

    #[test]
    fn half_of_each_minibatch_is_prior_trials_once_there_are_others() {
        let prior = Prior { prior_trials: 30, pretrain_steps: 7, ..Prior::default() };
        let mut sac = Sac::new(SacSettings { prior, ..SacSettings::default() });
        let history: Vec<_> = (0..50).map(|_| samples::trial(0, -1.0)).collect();
        let key = TrialKey { phase: Phase::Train, index: 0 };
        let mut draw = Streams::new(1).draw(Stream::Replay, key);
        let mut minibatches = |known: usize, pretraining| {
            sac.looks.seen = vec![Vec::new(); known];
            let round = Round { pretraining, ..samples::round(&history[..known], 0..known) };
            sac.minibatches(&round, &mut draw)
        };
        assert!(minibatches(0, true).is_empty(), "nothing is seen yet");
        let before = minibatches(30, true);
        assert_eq!(before.iter().map(Vec::len).collect::<Vec<_>>(), [64; 7]);
        for places in minibatches(50, false) {
            assert_eq!((places.len(), places.iter().filter(|p| **p < 30).count()), (64, 32));
        }
    }
}
