use candle_core::{Device, Result, Tensor, Var};
use rand_distr::{Distribution, StandardNormal};

use super::Round;
use super::dense::Dense;
use super::free::{Linear, Looks, Reach};
use crate::settings;
use crate::task::{ActionGrid, Correction, Draw};

/// What reward a correction is expected to earn in a context, by a small network over both: it assumes
/// nothing of the reward's form. An episode is one step, so that this is the action value.
#[derive(Debug)]
pub struct Critic {
    params: [(&'static str, Var); 6],
    /// Half of the range, mm, mm, deg.
    half: [f64; 3],
}

settings! {
    /// What a critic is fitted to, and how large it is.
    pub struct Critics {
        ..linear: Linear = Linear { first_trials: 40, ..Linear::default() };
        /// Units of each of the critic's two hidden layers.
        critic_width: usize = 64, in 1..=4096;
    }
}

impl Critics {
    pub fn looks(&self) -> Looks {
        Looks::new(self.linear)
    }

    pub fn shape(&self) -> CriticShape {
        CriticShape { seen: self.looks().width(), width: self.critic_width }
    }
}

/// How large a critic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CriticShape {
    /// Numbers that a context is seen as.
    pub seen: usize,
    /// Units of each of its two hidden layers.
    pub width: usize,
}

impl Critic {
    /// Weights from `draw` (He et al., 2015); the last layer is zero, so that all is equally good at first.
    pub fn new(shape: CriticShape, grid: ActionGrid, draw: &mut Draw) -> Result<Self> {
        let CriticShape { seen, width } = shape;
        let mut he = |inputs: usize, outputs: usize| {
            let scale = (2.0 / inputs as f32).sqrt();
            let unit = |_| StandardNormal.sample(draw);
            let weights: Vec<f32> =
                (0..inputs * outputs).map(unit).map(|u: f32| u * scale).collect();
            Var::from_vec(weights, (inputs, outputs), &Device::Cpu)
        };
        let zeros = |n: usize| Var::from_vec(vec![0f32; n], n, &Device::Cpu);
        let params = [
            ("critic.1.weight", he(seen + 3, width)?),
            ("critic.1.bias", zeros(width)?),
            ("critic.2.weight", he(width, width)?),
            ("critic.2.bias", zeros(width)?),
            ("critic.3.weight", Var::from_vec(vec![0f32; width], (width, 1), &Device::Cpu)?),
            ("critic.3.bias", zeros(1)?),
        ];
        Ok(Self { params, half: Reach::of(grid).half() })
    }

    /// Expected rewards, (n): of a correction in a context, one a row.
    pub fn rewards<'a>(
        &self,
        rows: impl Iterator<Item = (&'a [f64], Correction)>,
    ) -> Result<Tensor> {
        let mut values = Vec::new();
        let mut n = 0;
        for (seen, action) in rows {
            values.extend(seen.iter().map(|value| *value as f32));
            let axes = action.axes().into_iter().zip(self.half);
            values.extend(axes.map(|(axis, half)| (axis / half) as f32));
            n += 1;
        }
        let [w1, b1, w2, b2, w3, b3] = self.params.each_ref().map(|(_, var)| var);
        let input = Tensor::from_vec(values, (n, w1.dim(0)?), &Device::Cpu)?;
        let hidden = Dense { rectify: true }.forward(&input, w1, b1)?;
        let hidden = Dense { rectify: true }.forward(&hidden, w2, b2)?;
        Dense { rectify: false }.forward(&hidden, w3, b3)?.flatten_all()
    }

    /// Mean of `(Q(s, a) - R)^2` on these places of the history, a scalar; `seen` has a row a trial.
    pub fn loss(&self, seen: &[Vec<f64>], round: &Round<'_>, places: &[usize]) -> Result<Tensor> {
        let row = |place: &usize| (&seen[*place][..], round.history[*place].decision.correction);
        let rewards = places.iter().map(|place| round.history[*place].feedback.reward as f32);
        let rewards = Tensor::from_iter(rewards, &Device::Cpu)?;
        (self.rewards(places.iter().map(row))? - rewards)?.sqr()?.mean_all()
    }

    /// Parameters by name, always in the same order.
    pub fn params(&self) -> &[(&'static str, Var)] {
        &self.params
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{Adam, Experience, samples};
    use crate::task::{Phase, Pose2, Range, Stream, Streams, TrialKey};

    #[test]
    fn it_learns_which_correction_earns_more_in_which_context() {
        let key = TrialKey { phase: Phase::Train, index: 0 };
        let mut draw = Streams::new(1).draw(Stream::Weights, key);
        let grid = ActionGrid::new(Range { mm: 3.0, deg: 3.0 }, 7);
        let critic = Critic::new(CriticShape { seen: 2, width: 16 }, grid, &mut draw).unwrap();
        let context = |i: usize| if i.is_multiple_of(2) { vec![1.0, 1.0] } else { vec![1.0, -1.0] };
        let of = |i: usize| -> Experience {
            let x = (i / 2 % 7) as f64 - 3.0;
            let mut trial = samples::trial(0, -0.2 * (x - context(i)[1]).abs());
            trial.decision.correction = Pose2::new(x, 0.0, 0.0);
            trial
        };
        let history: Vec<_> = (0..14).map(of).collect();
        let seen: Vec<_> = (0..14).map(context).collect();
        let round = samples::round(&history, 0..14);
        let vars = || critic.params().iter().map(|(_, var)| var);
        let mut adam = Adam::new(1e-2, 5.0, vars());
        let places: Vec<_> = (0..14).collect();
        for _ in 0..300 {
            let loss = critic.loss(&seen, &round, &places).unwrap();
            adam.step(vars(), &loss.backward().unwrap()).unwrap();
        }
        for context in [[1.0, 1.0], [1.0, -1.0]] {
            let there = Pose2::new(context[1], 0.0, 0.0);
            let row = |action| (&context[..], action);
            let away = Pose2::new(-context[1], 0.0, 0.0);
            let rewards = critic.rewards([row(there), row(away)].into_iter()).unwrap();
            let [near, far] = rewards.to_vec1::<f32>().unwrap()[..] else { panic!("two rows") };
            assert!(near.abs() < 0.1 && (far + 0.4).abs() < 0.1, "{near} {far}");
        }
    }
}
