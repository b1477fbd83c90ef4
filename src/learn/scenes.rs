//! Role models that are fitted instead of picked: the optimum of the reward's form among the peers of a
//! scene, and the linear policy that imitates it.

use std::collections::BTreeMap;

use nalgebra::{Cholesky, DMatrix, DVector};

use super::linear::Trials;
use super::reward_form::{Form, RewardFit, RewardPrior, Sample, Shape, optimum};
use super::{Experience, Label};
use crate::task::Correction;

/// The trials of each scene instance, as places in the history.
pub type Scenes = BTreeMap<usize, Vec<usize>>;

/// `None` if an instance is not shown.
pub fn scenes(history: &[Experience], since: usize) -> Option<Scenes> {
    let mut scenes = Scenes::new();
    for (place, trial) in history.iter().enumerate().skip(since) {
        scenes.entry(trial.instance?).or_default().push(place);
    }
    Some(scenes)
}

/// One peer: how far its correction was from where the policy stood (mm, mm, deg), its reward, and how
/// much it counts.
pub type PeerError = ([f64; 3], f64, f64);

/// What is assumed of an optimum and of the reward about it.
#[derive(Clone, Copy, Debug)]
pub struct Assumed {
    pub form: Form,
    pub noise: f64,
    /// Standard deviation of the optimum about zero, mm and deg.
    pub sd: f64,
    pub shape: Shape,
}

impl Assumed {
    /// The same with c, w and s as this fit found them.
    pub fn known(self, fit: &RewardFit) -> Self {
        // Not quite certain, or the curvature has no inverse.
        let fixed = |value: &f64| (*value, 1e-3);
        let shape = &fit.values[fit.values.len() - 4..];
        Self { shape: std::array::from_fn(|i| fixed(&shape[i])), ..self }
    }
}

/// Where the reward is highest among peers, relative to where the policy stood: the maximum a posteriori
/// of the reward's form, from no correction and from the best peer.
pub fn optimum_of(peers: &[PeerError], assumed: Assumed) -> Option<RewardFit> {
    const CONSTANT: &[f64] = &[1.0];
    let sample = |(error, reward, weight): &PeerError| Sample {
        seen: CONSTANT,
        action: *error,
        reward: *reward,
        weight: *weight,
    };
    let samples: Vec<Sample<'_>> = peers.iter().map(sample).collect();
    let best = peers.iter().filter(|p| p.2 >= 0.5).max_by(|a, b| a.1.total_cmp(&b.1));
    let Assumed { form, noise, sd, shape } = assumed;
    let start = |optimum| RewardFit::start(1, optimum, shape);
    let starts = [start([0.0; 3]), start(best.map_or([0.0; 3], |best| best.0))];
    let prior = RewardPrior { form, noise, mean: &[], constant: sd, weights: sd, shape };
    RewardFit::of(&starts, &samples, prior)
}

/// Mean variance of the optimum's axes, mm^2 and deg^2.
pub fn variance(fit: &RewardFit) -> f64 {
    let of = |axis: usize| -> f64 { (0..=axis).map(|i| fit.spread[(axis, i)].powi(2)).sum() };
    (0..3).map(of).sum::<f64>() / 3.0
}

/// How far each correction was from the policy, with its reward, from trial `since` on; one that was not
/// placed counts nothing.
pub fn errors(trials: &Trials<'_>, policy: &[f64], since: usize) -> Vec<PeerError> {
    let error = |s: &Sample<'_>| {
        let mu = optimum(policy, s.seen);
        (std::array::from_fn(|axis| s.action[axis] - mu[axis]), s.reward, s.weight)
    };
    trials.samples(since).iter().map(error).collect()
}

/// Which trials of other scenes are peers.
#[derive(Clone, Copy, Debug)]
pub struct Peers {
    /// How far apart images are, in components, where one counts little; 0 is none.
    pub radius: f64,
    /// Components in which they are compared.
    pub compared: usize,
}

impl Peers {
    /// Of a scene whose trials lie at these places: those count fully, others as they look alike.
    fn of(
        self,
        trials: &Trials<'_>,
        own: &[usize],
        (errors, since): (&[PeerError], usize),
    ) -> Vec<PeerError> {
        let mean = |at| own.iter().map(|p| trials.seen[*p][at]).sum::<f64>() / own.len() as f64;
        let middle: Vec<f64> = (1..=self.compared).map(mean).collect();
        let count = |place: usize| match own.binary_search(&place) {
            Ok(_) => 1.0,
            Err(_) if self.radius > 0.0 => {
                let off = trials.seen[place].iter().skip(1).zip(&middle).map(|(a, b)| a - b);
                let far: f64 = off.map(|off| off * off).sum();
                libm::exp(-far / (2.0 * self.radius * self.radius))
            }
            Err(_) => 0.0,
        };
        let all = errors.iter().enumerate();
        let counted = |(at, (error, reward, own)): (usize, &PeerError)| {
            (*error, *reward, own * count(since + at))
        };
        let peers = all.map(counted);
        peers.filter(|peer| peer.2 > HARDLY).collect()
    }
}

/// A peer that counts less is none.
const HARDLY: f64 = 0.01;

/// Variance of a role model that counts 1, mm^2 and deg^2.
const UNIT: f64 = 0.05;

/// What the trials of a scene are taught.
#[derive(Clone, Debug)]
pub struct FittedModel {
    /// Places of the scene's trials.
    pub own: Vec<usize>,
    /// mm, mm, deg.
    pub label: [f64; 3],
    /// How much it counts: less where it is less certain.
    pub weight: f64,
}

/// A role model for each scene: where the policy stood in it on average, moved by where its peers did
/// best.
pub fn role_models(
    trials: &Trials<'_>,
    (scenes, since): (&Scenes, usize),
    policy: &[f64],
    (peers, assumed): (Peers, Assumed),
) -> Option<Vec<FittedModel>> {
    let errors = errors(trials, policy, since);
    let model = |own: &Vec<usize>| {
        let fit = optimum_of(&peers.of(trials, own, (&errors, since)), assumed)?;
        let stood = |axis: usize| {
            own.iter().map(|p| optimum(policy, &trials.seen[*p])[axis]).sum::<f64>()
                / own.len() as f64
        };
        let label = std::array::from_fn(|axis| stood(axis) + fit.values[axis]);
        // At a variance of 0.03 mm^2 and deg^2 it counts half as much as one that is certain.
        Some(FittedModel { own: own.clone(), label, weight: UNIT / (variance(&fit) + 0.03) })
    };
    scenes.values().map(model).collect()
}

impl FittedModel {
    /// Its labels as they are written down: their role model is the peer that came nearest to what they are
    /// taught.
    pub fn labels(&self, history: &[Experience]) -> Vec<Label> {
        let far = |place: &usize| {
            let axes = history[*place].decision.correction.axes();
            (0..3).map(|axis| (axes[axis] - self.label[axis]).powi(2)).sum::<f64>()
        };
        let nearest = self.own.iter().min_by(|a, b| far(a).total_cmp(&far(b)));
        let label = |place: &usize| {
            Some(Label {
                trial: history[*place].trial,
                role_model: history[*nearest?].trial,
                peers: self.own.len() as u32,
                correction: Correction::from_axes(self.label),
            })
        };
        self.own.iter().filter_map(label).collect()
    }
}

/// Weights (k x 3, row by row) of the policy that imitates the labels: weighted ridge regression about
/// `mean`, no penalty on the constant.
pub fn imitated(
    trials: &Trials<'_>,
    models: &[FittedModel],
    (mean, ridge): (&[f64], f64),
) -> Option<Vec<f64>> {
    let k = trials.seen.first()?.len();
    let mut curvature = DMatrix::<f64>::zeros(k, k);
    let mut told = DMatrix::<f64>::zeros(k, 3);
    let taught = models.iter().flat_map(|model| model.own.iter().map(move |place| (place, model)));
    for (place, FittedModel { label, weight, .. }) in taught {
        let seen = &trials.seen[*place];
        for i in 0..k {
            for j in 0..k {
                curvature[(i, j)] += weight * seen[i] * seen[j];
            }
            for axis in 0..3 {
                let known: f64 = (1..k).map(|j| seen[j] * mean[3 * j + axis]).sum();
                told[(i, axis)] += weight * seen[i] * (label[axis] - known);
            }
        }
    }
    (1..k).for_each(|i| curvature[(i, i)] += ridge);
    curvature[(0, 0)] += 1e-9;
    let more = Cholesky::new(curvature)?.solve(&told);
    let weights = (0..3 * k).map(|at| {
        let known = if at < 3 { 0.0 } else { mean[at] };
        known + more[(at / 3, at % 3)]
    });
    let weights: Vec<f64> = weights.collect();
    weights.iter().all(|weight| weight.is_finite()).then_some(weights)
}

/// What the labels leave open of the weights that imitate them: the lower Cholesky factor (3k x 3k) of their
/// posterior covariance, with one label a scene, known as well as its weight says.
pub fn left_open(trials: &Trials<'_>, models: &[FittedModel], ridge: f64) -> Option<DMatrix<f64>> {
    let k = trials.seen.first()?.len();
    let mut precision = DMatrix::<f64>::identity(k, k) * (ridge / UNIT);
    precision[(0, 0)] = 1e-9;
    for FittedModel { own, weight, .. } in models {
        let mean =
            |i: usize| own.iter().map(|p| trials.seen[*p][i]).sum::<f64>() / own.len() as f64;
        let seen = DVector::from_fn(k, |i, _| mean(i));
        precision.ger(weight / UNIT, &seen, &seen, 1.0);
    }
    factor_of(precision)
}

/// The lower Cholesky factor (3k x 3k) of the covariance with this precision (k x k) on each axis: they are learned
/// alike and apart.
pub fn factor_of(precision: DMatrix<f64>) -> Option<DMatrix<f64>> {
    let of_axis = Cholesky::new(Cholesky::new(precision)?.inverse())?.unpack();
    Some(of_axis.kronecker(&DMatrix::identity(3, 3)))
}

/// The start whose optimum imitates those of the last so many trials that earned more than their mean, by ridge
/// regression about another. `None` where none did.
pub fn imitating_the_best(trials: &Trials<'_>, made: usize, about: &[f64]) -> Option<Vec<f64>> {
    let reward = |place: &usize| trials.history[*place].feedback.reward;
    let last = trials.seen.len().saturating_sub(made)..trials.seen.len();
    let mean = last.clone().map(|place| reward(&place)).sum::<f64>() / last.len() as f64;
    let places: Vec<usize> = last.filter(|place| reward(place) > mean).collect();
    if places.is_empty() {
        return None;
    }
    let model = |place: &usize| FittedModel {
        own: vec![*place],
        label: trials.history[*place].decision.correction.axes(),
        weight: 1.0,
    };
    let models: Vec<_> = places.iter().map(model).collect();
    let weights = about.len() - 4;
    let mut start = imitated(trials, &models, (&about[..weights], 1.0))?;
    start.extend(&about[weights..]);
    Some(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples;

    fn peers(noise: f64) -> Vec<PeerError> {
        let at = |i: usize| {
            let wave = |k: f64| libm::sin(i as f64 * k);
            let error = [2.0 * wave(1.3), 2.0 * wave(2.1), 2.0 * wave(0.7)];
            let off = [error[0] - 0.6, error[1] + 0.4, error[2] - 0.2];
            let reward = -0.2 * libm::hypot(off[0], off[1]) - 0.2 * off[2].abs();
            (error, reward + noise * wave(11.0), 1.0)
        };
        (0..25).map(at).collect()
    }

    fn assumed() -> Assumed {
        let form = Form::Distance;
        Assumed { form, noise: 0.09, sd: 1.8, shape: form.shape() }
    }

    #[test]
    fn a_fitted_role_model_is_nearer_to_the_optimum_than_the_luckiest_peer() {
        let peers = peers(0.1);
        let fit = optimum_of(&peers, assumed()).unwrap();
        let off = |at: &[f64]| libm::hypot(at[0] - 0.6, at[1] + 0.4) + (at[2] - 0.2).abs();
        let best = peers.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        assert!(off(&fit.values[..3]) < 0.35, "{:?}", &fit.values[..3]);
        assert!(off(&fit.values[..3]) < off(&best.0), "{:?} {best:?}", &fit.values[..3]);
        // Fewer peers tell less.
        let few = optimum_of(&peers[..6], assumed()).unwrap();
        assert!(variance(&few) > 2.0 * variance(&fit));
    }

    #[test]
    fn the_policy_follows_its_labels_by_their_weights_and_stays_where_they_say_nothing() {
        let history: Vec<_> = (0..30).map(|_| samples::trial(0, 0.0)).collect();
        let seen: Vec<Vec<f64>> = (0..30).map(|i| vec![1.0, f64::from(i % 5) - 2.0, 0.0]).collect();
        let trials =
            Trials { history: &history, seen: &seen, fresh: 10, registered: &[], half_life: 0.0 };
        let model = |p: usize| FittedModel {
            own: vec![p],
            label: [0.5 + 0.3 * seen[p][1], -0.2 * seen[p][1], 1.0],
            weight: 1.0,
        };
        let mut models: Vec<FittedModel> = (0..30).map(model).collect();
        // One is far off and hardly counts.
        (models[7].label, models[7].weight) = ([9.0; 3], 1e-6);
        let mean = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.7, 0.0, 0.0];
        let weights = imitated(&trials, &models, (&mean, 1e-3)).unwrap();
        let wanted = [0.5, 0.0, 1.0, 0.3, -0.2, 0.0, 0.7, 0.0, 0.0];
        assert!(weights.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-2), "{weights:?}");
    }

    #[test]
    fn labels_leave_less_open_where_there_are_more_and_surer_ones() {
        let history: Vec<_> = (0..20).map(|_| samples::trial(0, 0.0)).collect();
        let seen: Vec<Vec<f64>> = (0..20).map(|i| vec![1.0, f64::from(i % 2) - 0.5]).collect();
        let trials =
            Trials { history: &history, seen: &seen, fresh: 10, registered: &[], half_life: 0.0 };
        // Scenes of two trials that look alike.
        let model = |q: usize| FittedModel { own: vec![q, q + 2], label: [0.0; 3], weight: 1.0 };
        let models: Vec<FittedModel> = (0..16).map(model).collect();
        let open = |models: &[FittedModel], at: [f64; 2]| {
            let spread = left_open(&trials, models, 0.05).unwrap();
            let row = |column| at[0] * spread[(1, column)] + at[1] * spread[(4, column)];
            (0..6).map(|column| row(column).powi(2)).sum::<f64>()
        };
        // 16 labels of variance 0.05, and a prior of 1 on the slope.
        let slope = 1.0 / (16.0 * 0.25 / 0.05 + 1.0);
        let all = open(&models, [1.0, 0.5]);
        assert!((all - (0.05 / 16.0 + 0.25 * slope)).abs() < 1e-6, "{all}");
        assert!(open(&models[..4], [1.0, 0.5]) > 3.0 * all);
        let surer: Vec<_> =
            models.iter().map(|m| FittedModel { weight: 4.0, ..m.clone() }).collect();
        assert!(open(&surer, [1.0, 0.5]) < 0.3 * all);
    }

    #[test]
    fn a_start_imitates_those_of_the_last_trials_that_did_better_than_their_mean() {
        let mut history: Vec<_> = (0..40).map(|_| samples::trial(0, 0.0)).collect();
        for (place, trial) in history.iter_mut().enumerate() {
            // Early successes are of a task that has changed since.
            trial.feedback.reward = if place % 7 == 3 { 1.0 } else { 0.0 };
            let at = if place < 20 { 9.0 } else { 1.5 };
            trial.decision.correction = match trial.feedback.reward > 0.0 {
                true => Correction::new(at, -at, 0.5),
                false => Correction::new(-3.0, 3.0, -3.0),
            };
        }
        let seen = vec![vec![1.0, 0.0]; 40];
        let trials =
            Trials { history: &history, seen: &seen, fresh: 20, registered: &[], half_life: 0.0 };
        let about = [0.0; 10];
        let start = imitating_the_best(&trials, 20, &about).unwrap();
        assert_eq!(start.len(), 10);
        assert!(
            [1.5, -1.5, 0.5].iter().zip(&start).all(|(a, b)| (a - b).abs() < 1e-6),
            "{start:?}"
        );
        let failed: Vec<_> = (0..40).map(|_| samples::trial(0, 0.0)).collect();
        let trials = Trials { history: &failed, ..trials };
        assert!(imitating_the_best(&trials, 20, &about).is_none(), "nobody succeeded");
    }

    #[test]
    fn a_trial_is_followed_to_the_peer_that_came_nearest_to_its_label() {
        let mut history: Vec<_> = (0..4).map(|_| samples::trial(0, 0.0)).collect();
        for (i, trial) in history.iter_mut().enumerate() {
            trial.trial = i as u64;
            trial.decision.correction = Correction::new(i as f64, 0.0, 0.0);
        }
        let model = FittedModel { own: vec![0, 1, 3], label: [2.6, 0.0, 0.0], weight: 1.0 };
        let told = model.labels(&history);
        assert_eq!(
            told.iter().map(|l| (l.trial, l.role_model)).collect::<Vec<_>>(),
            [(0, 3), (1, 3), (3, 3)]
        );
        assert_eq!(told[0].peers, 3);
    }
}
