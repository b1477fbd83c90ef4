use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use crate::learn::critic::Critics;
use crate::learn::free::Looks;
use crate::learn::heads;
use crate::learn::replay::Replayed;
use crate::learn::{
    Card, Common, Entry, Experience, Label, LearnError, Loss, Network, Objective, Role, Round,
    Shared,
};
use crate::settings;
use crate::task::{Correction, Draw};

pub fn entry() -> Entry {
    Entry::learner::<CriticTargets>()
}

settings! {
    pub struct CriticTargetsSettings {
        ..common: Common = Common { explore_prob: 0.5, explore_sigma_bins: 2.0, ..Common::smoothed() };
        ..critics: Critics = Critics::default();
        ..replayed: Replayed = Replayed::default();
        /// Corrections among which the critic chooses a label: half of them anywhere in the range, half
        /// about the policy's mean.
        candidates: usize = 32, in 2..=10_000, tune log(16..=64);
        /// Standard deviation of the latter, in bins.
        candidate_sigma_bins: f64 = 1.0, in 0.01..=10.0, tune log(0.3..=3.0);
    }
}

/// Policy-agnostic RL (Mark et al., arXiv 2412.06685): a critic is fitted to the rewards, and its best among
/// many candidates is the label that the policy imitates. Role models are the same with the best trial
/// in place of a critic.
///
/// `L = mean((Q(s, a) - R)^2) - mean(log pi(argmax_c Q(s, c)))` on trials replayed uniformly, Q a small network
/// over image components and correction. An episode is one step, so that Q needs no target network; there
/// are no gradient steps on a candidate, the policy's neighbourhood is sampled instead.
#[derive(Debug)]
pub struct CriticTargets {
    settings: CriticTargetsSettings,
    looks: Looks,
    /// Drawn each round: shares of the range, and steps from the policy's mean in standard deviations.
    anywhere: Vec<[f64; 3]>,
    about: Vec<[f64; 3]>,
}

impl CriticTargets {
    /// For each place the candidate that the critic expects most of. `means` are bin positions.
    fn labels(
        &self,
        network: &Network,
        places: &[usize],
        means: &[[f64; 3]],
    ) -> Result<Vec<Correction>, LearnError> {
        let critic = network.critic().ok_or_else(|| LearnError::not_shown(Self::NAME, "critic"))?;
        let grid = network.grid();
        let (last, sigma) = ((grid.bins() - 1) as f64, self.settings.candidate_sigma_bins);
        let mut rows = Vec::new();
        for (place, mean) in places.iter().zip(means) {
            let anywhere = self.anywhere.iter().map(|share| share.map(|share| share * last));
            let about = self.about.iter().map(|off| [0, 1, 2].map(|i| mean[i] + sigma * off[i]));
            let seen = &self.looks.seen[*place][..];
            rows.extend(anywhere.chain(about).map(|position| (seen, grid.at(position))));
        }
        let expected = critic.rewards(rows.iter().copied())?.to_vec1::<f32>()?;
        let count = self.anywhere.len() + self.about.len();
        let best = |(rows, expected): (&[(&[f64], Correction)], &[f32])| {
            let first = |best: usize, i: usize| if expected[i] > expected[best] { i } else { best };
            rows[(0..rows.len()).fold(0, first)].1
        };
        Ok(rows.chunks(count).zip(expected.chunks(count)).map(best).collect())
    }
}

impl Objective for CriticTargets {
    const NAME: &'static str = "critic-targets";
    type Settings = CriticTargetsSettings;

    fn card(_: &CriticTargetsSettings) -> Card {
        let summary = "imitates a critic's best among candidates, replayed, smoothed (after Mark et al. 2024)";
        Card { role: Role::Rival, ..Card::learner(Self::NAME, summary) }
    }

    fn shared(settings: &CriticTargetsSettings) -> Shared {
        Shared { critic: Some(settings.critics.shape()), ..Shared::new(settings.common) }
    }

    fn new(settings: CriticTargetsSettings) -> Self {
        let looks = settings.critics.looks();
        Self { settings, looks, anywhere: Vec::new(), about: Vec::new() }
    }

    fn refresh(&mut self, history: &[Experience]) -> Vec<Label> {
        self.looks.look(history);
        Vec::new()
    }

    fn minibatches(&mut self, _: &Round<'_>, draw: &mut Draw) -> Vec<Vec<usize>> {
        let half = self.settings.candidates / 2;
        self.anywhere = (0..half).map(|_| [(); 3].map(|()| draw.random())).collect();
        let normal = |draw: &mut Draw| [(); 3].map(|()| StandardNormal.sample(draw));
        self.about = (half..self.settings.candidates).map(|_| normal(draw)).collect();
        let mut minibatches = self.settings.replayed.of(0..self.looks.seen.len(), draw);
        minibatches.retain(|places| !places.is_empty());
        minibatches
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
        let labels = self.labels(network, places, &network.means(&trials, &log_probs)?)?;
        let targets = network.targets(&trials, labels.into_iter())?;
        let imitation = heads::log_prob(&log_probs, &targets)?.mean_all()?.neg()?;
        let loss = Loss::from((&fit + &imitation)?);
        Ok(loss.with("critic", &fit).with("imitation", &imitation))
    }
}
