use candle_core::{Device, Tensor};

use crate::learn::clipped::{Clipped, ClippedSteps, log_probs};
use crate::learn::groups::mean_and_deviation;
use crate::learn::{
    Card, Common, Entry, LearnError, Loss, Network, Objective, Role, Round, Shared,
};
use crate::settings;
use crate::task::{ContextSignal, Draw};

pub fn entry() -> Entry {
    Entry::learner::<Grpo>()
}

settings! {
    pub struct GrpoSettings {
        ..common: Common = Common { lr: 3e-4, explore_prob: 0.5, ..Common::smoothed() };
        ..clipped: Clipped = Clipped::default();
        /// Trials of a scene instance, the latest, that are a trial's group.
        group: usize = 8, in 2..=1_000_000, tune log(4..=20);
        /// Least standard deviation of a group's rewards: below it, their noise is all there is.
        least_deviation: f64 = 0.1, in 1e-6..=10.0, tune log(0.01..=0.5);
    }
}

/// Group relative policy optimisation (Shao et al., arXiv 2402.03300): the clipped gradient of
/// [`Ppo`](super::ppo::Ppo), and for an advantage the reward standardised within the trial's group.
///
/// `A = (R - mean(group)) / max(deviation(group), least_deviation)`. There, a group is many answers to one
/// question; here it is the last trials of one scene instance, which jitter keeps apart and which
/// earlier policies made too: an arm cannot begin twenty times from one state. Without the penalty that
/// holds a policy to a pretrained one, as there is none.
#[derive(Debug)]
pub struct Grpo {
    settings: GrpoSettings,
    steps: ClippedSteps,
}

impl Grpo {
    fn advantage(&self, round: &Round<'_>, place: usize) -> f32 {
        let reward = |place: usize| round.history[place].feedback.reward;
        let group = round.groups.last(&round.history[place], self.settings.group).iter();
        let (mean, deviation) = mean_and_deviation(group.map(|peer| reward(*peer)));
        ((reward(place) - mean) / deviation.max(self.settings.least_deviation)) as f32
    }
}

impl Objective for Grpo {
    const NAME: &'static str = "grpo";
    type Settings = GrpoSettings;

    fn card(_: &GrpoSettings) -> Card {
        let summary = "clipped policy gradient, rewards standardised within a scene's last trials (after Shao et al. 2024)";
        let context = ContextSignal::SceneId;
        Card { role: Role::Rival, context, ..Card::learner(Self::NAME, summary) }
    }

    fn shared(settings: &GrpoSettings) -> Shared {
        Shared::new(settings.common)
    }

    fn new(settings: GrpoSettings) -> Self {
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
        let advantages = places.iter().map(|place| self.advantage(round, *place));
        let advantages = Tensor::from_iter(advantages, &Device::Cpu)?;
        self.steps.loss((round, places), (&log_probs, &now), &advantages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples::{self, trial};

    #[test]
    fn an_advantage_is_in_deviations_of_the_group_and_of_no_other_scene() {
        let history: Vec<_> =
            [(0, -1.0), (0, -3.0), (1, -9.0), (1, -9.01)].map(|(s, r)| trial(s, r)).into();
        let grpo = Grpo::new(GrpoSettings { least_deviation: 0.1, ..Default::default() });
        let round = samples::round(&history, 0..4);
        let advantages: Vec<f32> = (0..4).map(|place| grpo.advantage(&round, place)).collect();
        assert_eq!(advantages[..2], [1.0, -1.0]);
        assert!((advantages[2] - 0.05).abs() < 1e-6, "noise is not blown up: {advantages:?}");
    }
}
