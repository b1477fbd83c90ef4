use candle_core::{Device, Tensor};

use crate::learn::clipped::{Clipped, ClippedSteps};
use crate::learn::groups::mean_and_deviation;
use crate::learn::{
    Card, Common, Entry, LearnError, Loss, Network, Objective, Role, Round, Shared,
};
use crate::settings;
use crate::task::{ContextSignal, Draw, RewardSignal};

pub fn entry() -> Entry {
    Entry::learner::<PpoPerAxis>()
}

settings! {
    pub struct PpoPerAxisSettings {
        ..common: Common = Common { lr: 3e-4, explore_prob: 0.5, ..Common::smoothed() };
        ..clipped: Clipped = Clipped::default();
        /// Trials of a scene instance, the latest, whose mean error is what an axis's is compared with.
        group: usize = 8, in 1..=1_000_000, tune log(4..=20);
    }
}

/// [`Ppo`](super::ppo::Ppo) (Schulman et al., arXiv 1707.06347) with the credit assigned axis by axis: the
/// three heads are three learners, each paid for its own error. Signal: unsigned.
///
/// `L = -mean(min(r_i A_i, clip(r_i, 1 - c, 1 + c) A_i)) - entropy * H(pi)` over trials and axes i, with
/// `A_i = (mean_group |e_i| - |e_i|) / 5` and `r_i = pi_i(a_i) / pi_i_old(a_i)`: errors in mm and deg, by
/// 5 as in the scalar reward. What is compared with is the mean of the scene instance's last trials.
#[derive(Debug)]
pub struct PpoPerAxis {
    settings: PpoPerAxisSettings,
    steps: ClippedSteps,
}

/// By how much an axis's error counts in the reward, 1/mm and 1/deg.
const PER_ERROR: f64 = 0.2;

impl PpoPerAxis {
    /// Three for each place, one after the other.
    fn advantages(&self, round: &Round<'_>, places: &[usize]) -> Option<Vec<f32>> {
        let history = round.history;
        let mut advantages = Vec::with_capacity(3 * places.len());
        for place in places {
            let peers = round.groups.last(&history[*place], self.settings.group).iter();
            let errors: Option<Vec<_>> = peers.map(|p| history[*p].feedback.unsigned).collect();
            let (own, errors) = (history[*place].feedback.unsigned?, errors?);
            for (axis, own) in own.iter().enumerate() {
                let (mean, _) = mean_and_deviation(errors.iter().map(|errors| errors[axis]));
                advantages.push((PER_ERROR * (mean - own)) as f32);
            }
        }
        Some(advantages)
    }
}

/// Log-probabilities (n, 3, bins) under exploration, and of each axis of the actions taken (n, 3).
fn log_probs(
    network: &Network,
    round: &Round<'_>,
    places: &[usize],
) -> Result<(Tensor, Tensor), LearnError> {
    let trials = round.trials(places);
    let all = network.behaviour_log_probs(&trials)?;
    let targets = network.targets(&trials, trials.iter().map(|trial| trial.decision.correction))?;
    let of_axes = (&all * targets)?.sum(2)?;
    Ok((all, of_axes))
}

impl Objective for PpoPerAxis {
    const NAME: &'static str = "ppo-per-axis";
    type Settings = PpoPerAxisSettings;

    fn card(_: &PpoPerAxisSettings) -> Card {
        let summary = "clipped policy gradient, each axis by its own error, smoothed (after Schulman et al. 2017)";
        let (signal, context) = (RewardSignal::Unsigned, ContextSignal::SceneId);
        Card { role: Role::Rival, signal, context, ..Card::learner(Self::NAME, summary) }
    }

    fn shared(settings: &PpoPerAxisSettings) -> Shared {
        Shared::new(settings.common)
    }

    fn new(settings: PpoPerAxisSettings) -> Self {
        Self { steps: ClippedSteps::new(settings.clipped), settings }
    }

    fn minibatches(&mut self, round: &Round<'_>, draw: &mut Draw) -> Vec<Vec<usize>> {
        self.steps.minibatches(round, draw)
    }

    fn begin(&mut self, network: &Network, round: &Round<'_>) -> Result<(), LearnError> {
        self.steps.begin(&log_probs(network, round, &round.all_fresh())?.1);
        Ok(())
    }

    fn loss(
        &self,
        network: &Network,
        round: &Round<'_>,
        places: &[usize],
    ) -> Result<Loss, LearnError> {
        let (log_probs, now) = log_probs(network, round, places)?;
        let advantages = self
            .advantages(round, places)
            .ok_or_else(|| LearnError::not_shown(Self::NAME, "error of each axis"))?;
        let advantages = Tensor::from_vec(advantages, (places.len(), 3), &Device::Cpu)?;
        self.steps.loss((round, places), (&log_probs, &now), &advantages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::Experience;
    use crate::learn::samples::{self, trial};
    use crate::task::Feedback;

    #[test]
    fn an_axis_is_paid_for_its_own_error_and_for_no_other() {
        let with = |errors| Experience {
            feedback: Feedback { reward: 0.0, unsigned: Some(errors), signed: None },
            ..trial(0, 0.0)
        };
        let history = [with([1.0, 2.0, 3.0]), with([3.0, 2.0, 1.0])];
        let ppo = PpoPerAxis::new(PpoPerAxisSettings::default());
        let paid = ppo.advantages(&samples::round(&history, 0..2), &[0, 1]).unwrap();
        for (paid, is) in paid.iter().zip([0.2, 0.0, -0.2, -0.2, 0.0, 0.2]) {
            assert!((paid - is).abs() < 1e-6, "{paid:?}");
        }
        let silent = [trial(0, 0.0)];
        let round = samples::round(&silent, 0..1);
        assert_eq!(ppo.advantages(&round, &[0]), None, "a scalar alone is not enough");
    }
}
