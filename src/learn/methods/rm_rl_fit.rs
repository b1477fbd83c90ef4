use crate::learn::free::{Linear, Looks};
use crate::learn::linear::{Exploration, Fit, Known, Trials};
use crate::learn::registrar::registrar;
use crate::learn::reward_form::{Form, RewardFit, optimum};
use crate::learn::scenes::{
    Assumed, PeerError, Scenes, Taught, imitated, labels, optimum_of, scenes, variance,
};
use crate::learn::{Card, Entry, Experience, LearnError, Progress};
use crate::settings;
use crate::task::{ActionGrid, ContextSignal, Draw};

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
        peer_radius: f64 = 0.7, in 0.0..=100.0, tune log(0.2..=2.0);
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
    half: [f64; 3],
    /// The policy before the first fit (3k).
    registered: Vec<f64>,
}

/// Trials until which a role model may lie anywhere, and from which on the reward's shape is fitted.
const FAR_UNTIL: usize = 80;
const SHAPED_FROM: usize = 100;
/// Standard deviation of a role model about a policy that knows nothing yet, mm and deg.
const FAR_SD: f64 = 1.8;

impl RmRlFit {
    /// What counts as peers of a scene, with how far each was from the policy.
    fn peers(
        &self,
        trials: &Trials<'_>,
        own: &[usize],
        errors: &[PeerError],
        since: usize,
    ) -> Vec<PeerError> {
        let RmRlFitSettings { peer_radius, peer_components, .. } = self.settings;
        let compared = 1..1 + peer_components.min(self.settings.linear.components);
        let mean = |at| own.iter().map(|p| trials.seen[*p][at]).sum::<f64>() / own.len() as f64;
        let middle: Vec<f64> = compared.clone().map(mean).collect();
        let mut peers = Vec::new();
        for (place, error) in errors.iter().enumerate() {
            let seen = &trials.seen[since + place][compared.clone()];
            let far: f64 = seen.iter().zip(&middle).map(|(a, b)| (a - b) * (a - b)).sum();
            let alike = match own.binary_search(&(since + place)) {
                Ok(_) => 1.0,
                Err(_) if peer_radius > 0.0 => libm::exp(-far / (2.0 * peer_radius * peer_radius)),
                Err(_) => 0.0,
            };
            if alike > 0.01 {
                peers.push((error.0, error.1, alike));
            }
        }
        peers
    }

    /// One pass: a role model for each scene, then the policy that imitates them all.
    fn pass(
        &self,
        trials: &Trials<'_>,
        scenes: &Scenes,
        (policy, since): (&[f64], usize),
        assumed: Assumed,
        mean: &[f64],
    ) -> Option<(Vec<f64>, Vec<(usize, [f64; 3])>)> {
        let errors = errors(trials, policy, since);
        let (mut places, mut taught, mut models) = (Vec::new(), Vec::<Taught>::new(), Vec::new());
        for (scene, own) in scenes {
            let peers = self.peers(trials, own, &errors, since);
            let fit = optimum_of(&peers, assumed)?;
            let at = |axis: usize| {
                let stood = own.iter().map(|p| optimum(policy, &trials.seen[*p])[axis]);
                stood.sum::<f64>() / own.len() as f64 + fit.values[axis]
            };
            let label: [f64; 3] = std::array::from_fn(at);
            let label: [f64; 3] =
                std::array::from_fn(|axis| label[axis].clamp(-self.half[axis], self.half[axis]));
            let weight = 0.05 / (variance(&fit) + 0.03);
            models.push((*scene, label));
            places.extend(own);
            taught.extend(own.iter().map(|_| (label, weight)));
        }
        let policy = imitated(trials, &places, &taught, (mean, self.settings.ridge))?;
        Some((policy, models))
    }
}

impl Fit for RmRlFit {
    const NAME: &'static str = "rm-rl-fit";
    type Settings = RmRlFitSettings;

    fn card(_: &RmRlFitSettings) -> Card {
        let summary = "fitted role models: where the reward's form is best among peers, imitated by a linear policy";
        Card { context: ContextSignal::SceneId, ..Card::learner(Self::NAME, summary) }
    }

    fn linear(settings: &RmRlFitSettings) -> (Linear, Exploration) {
        (settings.linear, settings.exploration)
    }

    fn new(settings: RmRlFitSettings, grid: ActionGrid) -> Self {
        let half = grid.correction([grid.bins() - 1; 3]).axes();
        Self { settings, half, registered: Vec::new() }
    }

    fn begin(&mut self, first: &[Experience], looks: &Looks) {
        if self.settings.registered {
            self.registered = registrar(first, looks, self.half).unwrap_or_default();
        }
    }

    fn fit(
        &self,
        trials: &Trials<'_>,
        known: Option<&Known>,
        _: &mut Draw,
    ) -> Result<(Known, Progress), LearnError> {
        let RmRlFitSettings { form, noise, role_model_sd, surprise, window, passes, .. } =
            self.settings;
        let made = trials.history.len();
        let changed = known.filter(|known| trials.surprise(known, (form, noise), surprise));
        let (changed_at, before) = match (changed, known) {
            (Some(known), _) => (made - trials.fresh, known.fit.values.clone()),
            (None, Some(known)) => (known.since, known.before.clone()),
            (None, None) => (0, Vec::new()),
        };
        let since = changed_at.max(made.saturating_sub(window));
        let scenes = scenes(trials.history, since)
            .ok_or_else(|| LearnError::not_shown(Self::NAME, "scene instance"))?;
        let k = trials.seen[0].len();
        let blank = vec![0.0; 3 * k];
        // What the policy is drawn towards where its labels do not say.
        let mean = match (before.is_empty(), self.registered.is_empty()) {
            (false, _) => &before[..3 * k],
            (true, false) => &self.registered[..],
            (true, true) => &blank[..],
        };
        let mut policy =
            known.map_or_else(|| mean.to_vec(), |known| known.fit.values[..3 * k].to_vec());
        let mut assumed = Assumed { form, noise, sd: FAR_SD, shape: form.shape() };
        // How far the policy stands off as a whole, and the shape of the reward about it.
        let everywhere: Vec<PeerError> = errors(trials, &policy, since);
        let whole = optimum_of(&everywhere, assumed);
        let Some(whole) = whole else { return Err(diverged()) };
        if made - since >= SHAPED_FROM || self.registered.len() == 3 * k {
            assumed = assumed.known(&whole);
        }
        if !self.registered.is_empty() || !before.is_empty() {
            (0..3).for_each(|axis| policy[axis] += whole.values[axis]);
        }
        let near = made - since >= FAR_UNTIL || !self.registered.is_empty() || !before.is_empty();
        assumed.sd = if near { role_model_sd } else { FAR_SD };
        let mut models = Vec::new();
        for _ in 0..passes {
            let pass = self.pass(trials, &scenes, (&policy, since), assumed, mean);
            (policy, models) = pass.ok_or_else(diverged)?;
        }
        let told =
            models.iter().flat_map(|(scene, label)| labels(trials.history, &scenes[scene], *label));
        let labels = told.collect();
        let mut values = policy;
        values.extend(&whole.values[3..]);
        let loss = whole.cost / (made - since) as f64;
        let fit = RewardFit { values, spread: nalgebra::DMatrix::zeros(0, 0), cost: whole.cost };
        let progress = Progress { loss, labels, ..Progress::default() };
        Ok((Known { fit, since: changed_at, before }, progress))
    }
}

/// How far each correction was from the policy, with its reward.
fn errors(trials: &Trials<'_>, policy: &[f64], since: usize) -> Vec<PeerError> {
    let error = |s: &crate::learn::reward_form::Sample<'_>| {
        let mu = optimum(policy, s.seen);
        (std::array::from_fn(|axis| s.action[axis] - mu[axis]), s.reward, 1.0)
    };
    trials.samples(since).iter().map(error).collect()
}

fn diverged() -> LearnError {
    LearnError::Diverged("no fit of the reward is a number".to_owned())
}
