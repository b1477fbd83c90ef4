use nalgebra::DMatrix;

use crate::learn::free::{Linear, dithered};
use crate::learn::linear::{Exploration, Explore, Fit, Known, Trials};
use crate::learn::reward_form::{Form, RewardFit};
use crate::learn::scenes::{
    Assumed, Peers, errors, imitated, left_open, optimum_of, role_models, scenes,
};
use crate::learn::{Card, Entry, LearnError, Progress};
use crate::settings;
use crate::task::{ContextSignal, Draw};

pub fn entry() -> Entry {
    Entry::linear::<RmRlFit>()
}

settings! {
    pub struct RmRlFitSettings {
        ..linear: Linear = Linear { first_trials: 40, ..Linear::default() };
        ..exploration: Exploration = Exploration::default();
        /// How the reward is assumed to fall with the error.
        form: Form = Form::Distance;
        /// Standard deviation of the reward's noise.
        noise: f64 = 0.09, in 1e-3..=10.0, tune log(0.03..=0.3);
        /// Prior standard deviation of a scene's role model about the policy, mm and deg.
        role_model_sd: f64 = 0.7, in 1e-3..=100.0, tune log(0.2..=2.0);
        /// How far apart the images of two scenes are, in components, where the trials of one count
        /// little as peers of the other; 0 is scene by scene.
        peer_radius: f64 = 0.7, in 0.0..=100.0, tune linear(0.0..=2.0);
        /// Components in which they are compared.
        peer_components: usize = 6, in 1..=100;
        /// Labels and imitation again and again, after each batch.
        passes: usize = 2, in 1..=20;
        /// Penalty on squared weights of the policy.
        ridge: f64 = 0.05, in 1e-9..=1e6, tune log(5e-3..=5.0);
        /// Bring peers of every scene over by how far apart the images say that the plates lie, learned
        /// from copies of the first images, moved by known shifts and turns. The camera's scale must be known.
        registered: bool = false;
        /// A batch whose rewards are worse than expected by so many standard deviations of their mean
        /// says that the task has changed: earlier trials are no peers any more. 0 is never.
        surprise: f64 = 6.0, in 0.0..=1000.0;
        /// By how many trials a peer is older than the newest where it counts half as much; 0 is all alike.
        half_life: f64 = 0.0, in 0.0..=1e6, tune linear(0.0..=500.0);
        /// What is tried: with `thompson` the policy of one draw from what the role models leave open.
        explore: Explore = Explore::Greedy;
        /// Peers are the last so many trials.
        window: usize = 1_000_000, in 20..=1_000_000;
    }
}

/// Role models that are fitted: the label of a scene's trials is where the reward's form, fitted to its
/// peers, has its optimum, instead of the action of the luckiest one; the policy imitates it by
/// weighted ridge regression on image components, replayed as a whole.
///
/// `m_q = argmin_m sum_j k(q, j) (r_j - r(a_j - mu_j - m))^2 / noise^2 + |m|^2 / sd^2`, label of scene q:
/// the mean of `mu_j` over its trials plus `m_q`. Peers j of q are its own trials (k = 1) and, less, those
/// of scenes that look alike. With `registered`, trials of all scenes are peers, moved by the plates'
/// distance in the images, and m_q is what is left for a scene alone.
///
/// Its relatives are label smoothing by a critic (Mark et al., arXiv 2412.06685) and winner's-curse
/// corrections; the reward's form is assumed, its weights are learned.
pub struct RmRlFit {
    settings: RmRlFitSettings,
}

/// Trials until which a role model may lie anywhere, and from which on the reward's shape is fitted.
const FAR_UNTIL: usize = 80;
const SHAPED_FROM: usize = 100;
/// Standard deviation of a role model about a policy that knows nothing yet, mm and deg.
const FAR_SD: f64 = 1.8;

impl Fit for RmRlFit {
    const NAME: &'static str = "rm-rl-fit";
    type Settings = RmRlFitSettings;

    fn card(_: &RmRlFitSettings) -> Card {
        let summary = "fitted role models: where the reward's form is best among peers, imitated by a linear policy";
        Card { context: ContextSignal::SceneId, ..Card::learner(Self::NAME, summary) }
    }

    fn linear(settings: &RmRlFitSettings) -> (Linear, Exploration, bool) {
        (settings.linear, settings.exploration, settings.registered)
    }

    fn spread(&self, known: &Known, seen: &[f64]) -> Option<[f64; 3]> {
        known.fit.spread_at(self.settings.form, seen)
    }

    fn new(settings: RmRlFitSettings) -> Self {
        Self { settings }
    }

    fn fit(
        &self,
        trials: &Trials<'_>,
        known: Option<&Known>,
        _: &mut Draw,
    ) -> Result<(Known, Progress), LearnError> {
        let RmRlFitSettings { form, noise, surprise, window, passes, ridge, .. } = self.settings;
        let trials = &trials.ageing(self.settings.half_life);
        let (changed_at, before) = trials.since(known, (form, noise), surprise);
        let since = changed_at.max(trials.history.len().saturating_sub(window));
        let scenes = scenes(trials.history, since)
            .ok_or_else(|| LearnError::not_shown(Self::NAME, "scene instance"))?;
        let k = trials.seen[0].len();
        let blank = vec![0.0; 3 * k];
        // What the policy is drawn towards where its labels do not say.
        let mean = match (&before[..], trials.registered) {
            ([], []) => &blank[..],
            ([], registered) => registered,
            (before, _) => &before[..3 * k],
        };
        let of_all = known.map_or(mean, |known| &known.fit.values[..3 * k]);
        let mut policy = of_all.to_vec();
        let (made, informed) = (trials.history.len() - since, mean != blank);
        let far = Assumed { form, noise, sd: FAR_SD, shape: form.shape() };
        // How far the policy stands off as a whole, and the shape of the reward about it.
        let diverged = || LearnError::Diverged("no fit of the reward is a number".to_owned());
        let whole = optimum_of(&errors(trials, &policy, since), far).ok_or_else(diverged)?;
        if informed {
            (0..3).for_each(|axis| policy[axis] += whole.values[axis]);
        }
        let near = made >= FAR_UNTIL || informed;
        let assumed = if made >= SHAPED_FROM || informed { far.known(&whole) } else { far };
        let sd = if near { self.settings.role_model_sd } else { FAR_SD };
        let RmRlFitSettings { peer_radius: radius, peer_components, linear, .. } = self.settings;
        let peers = Peers { radius, compared: peer_components.min(linear.components) };
        let (assumed, mut models) = (Assumed { sd, ..assumed }, Vec::new());
        for _ in 0..passes {
            let found = role_models(trials, (&scenes, since), &policy, (peers, assumed));
            models = found.ok_or_else(diverged)?;
            policy = imitated(trials, &models, (mean, ridge)).ok_or_else(diverged)?;
        }
        let labels = models.iter().flat_map(|model| model.labels(trials.history)).collect();
        let loss = whole.cost / made as f64;
        policy.extend(&whole.values[3..]);
        let spread = match self.settings.explore {
            Explore::Greedy => DMatrix::zeros(0, 0),
            Explore::Thompson => left_open(trials, &models, ridge).ok_or_else(diverged)?,
        };
        let fit = RewardFit { values: policy, spread, cost: whole.cost };
        let progress = Progress { loss, labels, ..Progress::default() };
        Ok((Known { fit, since: changed_at, before }, progress))
    }

    fn explore(&self, known: &Known, seen: &[f64], sd: f64, draw: &mut Draw) -> [f64; 3] {
        dithered(self.settings.explore.best(&known.fit, seen, draw), sd, draw)
    }
}
