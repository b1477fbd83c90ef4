use candle_core::{Device, Tensor};
use rand::RngExt;

use crate::learn::{
    Card, Common, Entry, Experience, LearnError, Loss, Network, Objective, Role, Round, Shared,
    heads, replay,
};
use crate::settings;
use crate::task::{ContextSignal, Draw};

pub fn entry() -> Entry {
    Entry::learner::<Dpo>()
}

settings! {
    pub struct DpoSettings {
        ..common: Common = Common { explore_prob: 0.5, explore_sigma_bins: 2.0, ..Common::smoothed() };
        /// Gradient steps after each batch of trials.
        steps: usize = 10, in 1..=10_000, tune log(2..=40);
        /// Pairs drawn for a gradient step; those without a preference are left out.
        pairs: usize = 32, in 1..=10_000, tune log(8..=64);
        /// How sure a preference is: the smaller, the further the policy goes from where it began.
        beta: f64 = 1.0, in 1e-3..=100.0, tune log(0.1..=5.0);
        /// Least difference of rewards that makes a preference: below it, noise may have made it.
        margin: f64 = 0.1, in 0.0..=10.0, tune linear(0.0..=0.4);
    }
}

/// Direct preference optimisation (Rafailov et al., arXiv 2305.18290): of two trials of one scene instance,
/// the action of the better one is preferred.
///
/// `L = -mean(log sigmoid(beta (log pi(a_better) - log pi(a_worse))))` on pairs drawn uniformly, each action
/// under its own image. The policy that it is to stay near is the one before training, to which all
/// actions are equally likely: its terms cancel.
#[derive(Debug)]
pub struct Dpo {
    settings: DpoSettings,
}

impl Dpo {
    /// The better and the worse one of two trials, if one is.
    fn preferred(&self, history: &[Experience], a: usize, b: usize) -> Option<[usize; 2]> {
        let [of_a, of_b] = [a, b].map(|place| history[place].feedback.reward);
        let off = (of_a - of_b).abs();
        // Equal rewards prefer nothing, whatever the margin.
        let clear = off > 0.0 && off >= self.settings.margin;
        clear.then_some(if of_a > of_b { [a, b] } else { [b, a] })
    }
}

impl Objective for Dpo {
    const NAME: &'static str = "dpo";
    type Settings = DpoSettings;

    fn card(_: &DpoSettings) -> Card {
        let summary = "prefers the better of two trials of a scene, replayed, smoothed (after Rafailov et al. 2023)";
        let context = ContextSignal::SceneId;
        Card { role: Role::Rival, context, ..Card::learner(Self::NAME, summary) }
    }

    fn shared(settings: &DpoSettings) -> Shared {
        Shared::new(settings.common)
    }

    fn new(settings: DpoSettings) -> Self {
        Self { settings }
    }

    /// Better, worse, better, worse and so on. Trials that have nothing to be compared with are left out.
    fn minibatches(&mut self, round: &Round<'_>, draw: &mut Draw) -> Vec<Vec<usize>> {
        let DpoSettings { steps, pairs, .. } = self.settings;
        let mut minibatches = replay::uniform(0..round.history.len(), steps, pairs, draw);
        for places in &mut minibatches {
            let pair = |place: &usize| {
                let group = round.groups.of(&round.history[*place]);
                let other = group[draw.random_range(0..group.len())];
                self.preferred(round.history, *place, other)
            };
            *places = places.iter().filter_map(pair).flatten().collect();
        }
        minibatches.retain(|places| !places.is_empty());
        minibatches
    }

    fn loss(
        &self,
        network: &Network,
        round: &Round<'_>,
        places: &[usize],
    ) -> Result<Loss, LearnError> {
        let trials = round.trials(places);
        let targets =
            network.targets(&trials, trials.iter().map(|trial| trial.decision.correction))?;
        let log_prob = heads::log_prob(&network.policy_log_probs(&trials)?, &targets)?;
        let pairs = log_prob.reshape((places.len() / 2, 2))?;
        let sign = Tensor::new(&[1f32, -1.0], &Device::Cpu)?;
        let lead = (pairs.broadcast_mul(&sign)?.sum(1)? * self.settings.beta)?;
        let right = candle_nn::ops::sigmoid(&lead)?;
        let accuracy = lead.gt(0f32)?.to_dtype(candle_core::DType::F32)?.mean_all()?;
        // Not below what a float can take the logarithm of.
        let loss = right.maximum(1e-30)?.log()?.mean_all()?.neg()?;
        Ok(Loss::from(loss).with("preferences_met", &accuracy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples::{self, trial};

    #[test]
    fn a_preference_needs_a_reward_that_is_higher_by_the_margin() {
        let dpo = Dpo::new(DpoSettings { margin: 0.1, ..Default::default() });
        let history = [trial(0, -1.0), trial(0, -0.5), trial(0, -0.55)];
        assert_eq!(dpo.preferred(&history, 0, 1), Some([1, 0]));
        assert_eq!(dpo.preferred(&history, 1, 0), Some([1, 0]));
        assert_eq!(dpo.preferred(&history, 1, 2), None);
        assert_eq!(dpo.preferred(&history, 1, 1), None);
        let any = Dpo::new(DpoSettings { margin: 0.0, ..Default::default() });
        assert_eq!(any.preferred(&history, 1, 2), Some([1, 2]));
        let failed = [trial(0, -2.9), trial(0, -2.9)];
        assert_eq!(any.preferred(&failed, 0, 1), None, "two floors are equally bad");
    }

    #[test]
    fn pairs_are_of_one_scene_and_say_which_is_better() {
        let history: Vec<_> = (0..40).map(|i| trial(i % 3, -((i * 7 % 11) as f64))).collect();
        let mut dpo = Dpo::new(DpoSettings::default());
        let round = samples::round(&history, 20..40);
        use crate::task::{Phase, Stream, Streams, TrialKey};
        let key = TrialKey { phase: Phase::Train, index: 0 };
        let minibatches = dpo.minibatches(&round, &mut Streams::new(1).draw(Stream::Replay, key));
        assert_eq!(minibatches.len(), 10);
        for pair in minibatches.concat().chunks(2) {
            let [better, worse] = [0, 1].map(|i| &history[pair[i]]);
            assert_eq!(better.instance, worse.instance);
            assert!(better.feedback.reward > worse.feedback.reward);
        }
    }
}
