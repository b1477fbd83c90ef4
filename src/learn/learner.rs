use std::collections::HashMap;

use candle_core::{Device, Tensor};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::heads::{Behaviour, Smoothing, sample};
use super::optimiser::{Adam, Moments};
use super::policy::{Policy, patches};
use super::settings::Common;
use super::{BinProbabilities, Decision, Experience, LearnError, Mode, View};
use crate::cell::Image;
use crate::task::{ActionGrid, Draw, Phase, Stream, Streams, TrialKey};

/// What every learner has: a policy, its optimiser, and a way to explore. A method adds its loss.
#[derive(Debug)]
pub struct Learner {
    method: &'static str,
    grid: ActionGrid,
    options: Common,
    policy: Policy,
    adam: Adam,
    behaviour: Behaviour,
}

impl Learner {
    pub fn new(
        method: &'static str,
        grid: ActionGrid,
        options: Common,
        streams: Streams,
    ) -> Result<Self, LearnError> {
        let key = TrialKey { phase: Phase::Train, index: 0 };
        let mut draw = streams.draw(Stream::Weights, key);
        let policy = Policy::new(options.widths, grid.bins(), &mut draw)?;
        let adam = Adam::new(options.lr, options.clip_norm, policy.vars());
        let behaviour =
            Behaviour::new(grid.bins(), options.explore_prob, options.explore_sigma_bins)?;
        Ok(Self { method, grid, options, policy, adam, behaviour })
    }

    pub fn grid(&self) -> ActionGrid {
        self.grid
    }

    pub fn act(
        &self,
        views: &[View<'_>],
        mode: Mode,
        draws: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError> {
        if views.is_empty() {
            return Ok(Vec::new());
        }
        let logits = self.logits(views.iter().map(|view| view.image))?;
        let log_probs = match mode {
            Mode::Explore => self.behaviour.log_probs(&logits)?,
            Mode::Greedy => candle_nn::ops::log_softmax(&logits, 2)?,
        };
        let heads = log_probs.to_vec3::<f32>()?;
        let choose = |(heads, draw): (&Vec<Vec<f32>>, &mut Draw)| match mode {
            Mode::Explore => explore(self.grid, heads, draw),
            Mode::Greedy => self.decode(heads),
        };
        Ok(heads.iter().zip(draws).map(choose).collect())
    }

    /// Probabilities of every bin under the policy itself, for each view.
    pub fn probabilities(
        &self,
        views: &[View<'_>],
    ) -> Result<Option<Vec<BinProbabilities>>, LearnError> {
        if views.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let logits = self.logits(views.iter().map(|view| view.image))?;
        let rows = candle_nn::ops::softmax(&logits, 2)?.to_vec3::<f32>()?;
        let three = |row: Vec<Vec<f32>>| row.try_into().ok();
        Ok(rows.into_iter().map(three).collect())
    }

    /// Logits of the policy, (n, 3, bins).
    pub fn logits<'a>(
        &self,
        images: impl ExactSizeIterator<Item = &'a Image>,
    ) -> Result<Tensor, LearnError> {
        Ok(self.policy.logits(&patches(images, self.options.normalise)?)?)
    }

    /// Log-probabilities under the policy itself, (n, 3, bins): what imitation teaches.
    pub fn policy_log_probs(&self, trials: &[&Experience]) -> Result<Tensor, LearnError> {
        let logits = self.logits(trials.iter().map(|trial| &trial.image))?;
        Ok(candle_nn::ops::log_softmax(&logits, 2)?)
    }

    /// Log-probabilities of what is tried, exploration included, (n, 3, bins): what a policy
    /// gradient needs.
    pub fn behaviour_log_probs(&self, trials: &[&Experience]) -> Result<Tensor, LearnError> {
        let logits = self.logits(trials.iter().map(|trial| &trial.image))?;
        Ok(self.behaviour.log_probs(&logits)?)
    }

    /// Corrections as target distributions, (n, 3, bins): smooth, if so configured.
    pub fn targets(
        &self,
        corrections: impl Iterator<Item = crate::task::Correction>,
    ) -> Result<Tensor, LearnError> {
        let positions: Vec<_> = corrections.map(|c| self.grid.positions(c)).collect();
        let smoothing =
            Smoothing { bins: self.grid.bins(), sigma_bins: self.options.target_sigma_bins };
        Ok(smoothing.targets(&positions)?)
    }

    /// One gradient step; the loss as a number.
    pub fn step(&mut self, loss: &Tensor) -> Result<f64, LearnError> {
        let value = f64::from(loss.to_scalar::<f32>()?);
        let norm = match value.is_finite() {
            true => self.adam.step(self.policy.vars(), &loss.backward()?)?,
            false => f64::NAN,
        };
        if !norm.is_finite() {
            let step = self.adam.steps() + 1;
            return Err(LearnError::Diverged(format!(
                "'{}' at gradient step {step}: loss {value}, gradient norm {norm}; try a smaller lr",
                self.method
            )));
        }
        Ok(value)
    }

    /// Parameters, optimiser and the method's own `counters` as safetensors.
    pub fn save(&self, counters: &[(&str, u64)]) -> Result<Vec<u8>, LearnError> {
        let mut entries: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
        for ((name, var), moments) in self.policy.params().iter().zip(self.adam.moments()) {
            let values = var.flatten_all()?.to_vec1::<f32>()?;
            for (name, values) in [
                (format!("policy/{name}"), &values),
                (format!("adam.mean/{name}"), &moments.mean),
                (format!("adam.square/{name}"), &moments.square),
            ] {
                let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                entries.push((name, Dtype::F32, var.dims().to_vec(), bytes));
            }
        }
        for (name, count) in counters.iter().chain(&[("adam.steps", self.adam.steps())]) {
            let bytes = count.to_le_bytes().to_vec();
            entries.push((format!("count/{name}"), Dtype::U64, vec![1], bytes));
        }
        let mut views = Vec::with_capacity(entries.len());
        for (name, dtype, shape, bytes) in &entries {
            let view = TensorView::new(*dtype, shape.clone(), bytes)
                .map_err(|error| self.unusable(error))?;
            views.push((name.as_str(), view));
        }
        let about = HashMap::from([("method".to_owned(), self.method.to_owned())]);
        safetensors::serialize(views, Some(about)).map_err(|error| self.unusable(error))
    }

    /// Takes over a state as from [`save`](Self::save), all or nothing; the value of each of the
    /// method's own counters.
    pub fn load<const N: usize>(
        &mut self,
        state: &[u8],
        counters: [&str; N],
    ) -> Result<[u64; N], LearnError> {
        let saved = SafeTensors::deserialize(state).map_err(|error| self.unusable(error))?;
        let count = |name: &str| {
            let view = saved.tensor(&format!("count/{name}")).map_err(|e| self.unusable(e))?;
            let bytes = view.data().try_into().map_err(|_| self.unusable("a count is not one"))?;
            Ok::<_, LearnError>(u64::from_le_bytes(bytes))
        };
        let mut values = Vec::new();
        let mut moments = Vec::new();
        for (name, var) in self.policy.params() {
            let read = |group: &str| {
                let name = format!("{group}/{name}");
                let view = saved.tensor(&name).map_err(|e| self.unusable(e))?;
                if view.dtype() != Dtype::F32 || view.shape() != var.dims() {
                    let (is, be) = (view.shape(), var.dims());
                    return Err(self.unusable(format!("{name} is {is:?}, must be {be:?}")));
                }
                let (words, _) = view.data().as_chunks::<4>();
                Ok(words.iter().map(|word| f32::from_le_bytes(*word)).collect::<Vec<_>>())
            };
            values.push(Tensor::from_vec(read("policy")?, var.dims(), &Device::Cpu)?);
            moments.push(Moments { mean: read("adam.mean")?, square: read("adam.square")? });
        }
        let steps = count("adam.steps")?;
        let mut counts = [0; N];
        for (slot, name) in counts.iter_mut().zip(counters) {
            *slot = count(name)?;
        }
        let adam = self.adam.clone().restored(steps, moments);
        self.adam = adam.ok_or_else(|| self.unusable("the optimiser is of another network"))?;
        for ((_, var), value) in self.policy.params().iter().zip(&values) {
            var.set(value)?;
        }
        Ok(counts)
    }

    fn decode(&self, heads: &[Vec<f32>]) -> Decision {
        let positions = std::array::from_fn(|axis| self.options.decode.position(&heads[axis]));
        let bins = positions.map(|position| position.round() as usize);
        let on_grid = bins.map(|bin| bin as f64) == positions;
        Decision {
            correction: self.grid.at(positions),
            bins: on_grid.then_some(bins),
            log_prob: on_grid.then(|| std::array::from_fn(|axis| heads[axis][bins[axis]])),
        }
    }

    fn unusable(&self, why: impl ToString) -> LearnError {
        LearnError::State { method: self.method, why: why.to_string() }
    }
}

/// One bin an axis, drawn from log-probabilities.
pub fn explore(grid: ActionGrid, heads: &[Vec<f32>], draw: &mut Draw) -> Decision {
    let bins: [usize; 3] = std::array::from_fn(|axis| sample(&heads[axis], draw));
    Decision {
        correction: grid.correction(bins),
        bins: Some(bins),
        log_prob: Some(std::array::from_fn(|axis| heads[axis][bins[axis]])),
    }
}
