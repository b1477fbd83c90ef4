use std::collections::{BTreeMap, HashMap};

use candle_core::{Device, Tensor};
use rand::RngExt;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::baseline::{Baseline, standardise};
use super::components::Components;
use super::critic::Critic;
use super::encoder::Encoder;
use super::free::Reach;
use super::groups::Groups;
use super::optimiser::{Adam, Moments};
use super::saved;
use super::{
    BinProbabilities, Card, Decision, Experience, Label, LearnError, Loss, Method, Mode, Network,
    Objective, PriorPolicy, Progress, Round, Shared, View,
};
use crate::task::{ActionGrid, Draw, ImageSize, Phase, Stream, Streams, TrialKey};

/// What every learner has, around the [`Objective`] that it follows: policy, optimiser, baseline,
/// rounds of gradient steps, saving and loading.
pub struct Learner<O: Objective> {
    card: Card,
    settings: O::Settings,
    shared: Shared,
    network: Network,
    adam: Adam,
    baseline: Option<Baseline>,
    groups: Groups,
    objective: O,
    /// Prior trials, if there were to be any, have been learned from.
    pretrained: bool,
    /// Of an image.
    pixels: usize,
}

impl<O: Objective> Learner<O> {
    pub fn new(
        card: Card,
        settings: O::Settings,
        grid: ActionGrid,
        image: ImageSize,
        streams: Streams,
    ) -> Result<Self, LearnError> {
        let key = TrialKey { phase: Phase::Train, index: 0 };
        let shared = O::shared(&settings);
        let mut draw = streams.draw(Stream::Weights, key);
        let network = Network::new(grid, image, shared.common, &mut draw)?;
        let critic = shared.critic.map(|shape| Critic::new(shape, grid, &mut draw)).transpose()?;
        let network = network.with_critic(critic);
        Ok(Self {
            adam: Adam::new(shared.common.lr, shared.common.clip_norm, network.vars()),
            baseline: shared.advantages.map(Baseline::new),
            groups: Groups::default(),
            pretrained: shared.prior_trials() == 0,
            objective: O::new(settings.clone()),
            settings,
            pixels: image.pixels(),
            network,
            shared,
            card,
        })
    }

    /// One gradient step; what is told of it goes into the tally.
    fn step(&mut self, loss: &Loss, tally: &mut Tally) -> Result<(), LearnError> {
        let value = f64::from(loss.total.to_scalar::<f32>()?);
        let norm = match value.is_finite() {
            true => self.adam.step(self.network.vars(), &loss.total.backward()?)?,
            false => f64::NAN,
        };
        if !norm.is_finite() {
            let step = self.adam.steps() + 1;
            return Err(LearnError::Diverged(format!(
                "'{}' at gradient step {step}: loss {value}, gradient norm {norm}; try a smaller lr",
                self.card.name
            )));
        }
        tally.loss += value;
        tally.add("grad_norm", norm);
        for (name, part) in &loss.parts {
            tally.add(name, f64::from(part.to_scalar::<f32>()?));
        }
        Ok(())
    }

    /// Parameters, optimiser and whether it was pretrained, as safetensors, and what else is given.
    fn saved(&self, mut entries: Vec<Saved>) -> Result<Vec<u8>, LearnError> {
        for ((name, var), moments) in self.network.params().zip(self.adam.moments()) {
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
        for (name, count) in
            [("pretrained", u64::from(self.pretrained)), ("adam.steps", self.adam.steps())]
        {
            let bytes = count.to_le_bytes().to_vec();
            entries.push((format!("count/{name}"), Dtype::U64, vec![1], bytes));
        }
        let mut views = Vec::with_capacity(entries.len());
        for (name, dtype, shape, bytes) in &entries {
            let view = TensorView::new(*dtype, shape.clone(), bytes)
                .map_err(|error| self.unusable(error))?;
            views.push((name.as_str(), view));
        }
        let about = HashMap::from([("method".to_owned(), self.card.name.clone())]);
        safetensors::serialize(views, Some(about)).map_err(|error| self.unusable(error))
    }

    fn unusable(&self, why: impl ToString) -> LearnError {
        LearnError::State { method: self.card.name.clone(), why: why.to_string() }
    }
}

/// A tensor by name: its type, shape and bytes.
type Saved = (String, Dtype, Vec<usize>, Vec<u8>);

/// Which copy each trial is seen as in a round; empty where there are none.
fn copies(encoder: &Encoder, trials: usize, draw: &mut Draw) -> Vec<usize> {
    let one = |draw: &mut Draw| match draw.random::<f64>() < encoder.augment() {
        true => draw.random_range(1..=encoder.copies()),
        false => 0,
    };
    match encoder.copies() {
        0 => Vec::new(),
        _ => (0..trials).map(|_| one(draw)).collect(),
    }
}

/// Sums over the gradient steps of a round.
#[derive(Debug, Default)]
struct Tally {
    loss: f64,
    parts: BTreeMap<String, f64>,
}

impl Tally {
    fn add(&mut self, name: &str, value: f64) {
        *self.parts.entry(name.to_owned()).or_default() += value;
    }

    fn mean(self, steps: usize, labels: Vec<Label>, round: &Round<'_>) -> Progress {
        let of_step = |sum: f64| sum / steps.max(1) as f64;
        let mut diagnostics: BTreeMap<_, _> =
            self.parts.into_iter().map(|(name, sum)| (name, of_step(sum))).collect();
        // Of the trials that had a label before, how many have another one now.
        let fresh = round.fresh.start as u64;
        if let (false, 1..) = (labels.is_empty(), fresh) {
            let changed = labels.iter().filter(|label| label.trial < fresh).count();
            diagnostics.insert("label_churn".to_owned(), changed as f64 / fresh as f64);
        }
        Progress { loss: of_step(self.loss), labels, diagnostics }
    }
}

impl<O: Objective> Method for Learner<O> {
    fn card(&self) -> &Card {
        &self.card
    }

    fn act(
        &self,
        views: &[View<'_>],
        mode: Mode,
        draws: &mut [Draw],
    ) -> Result<Vec<Decision>, LearnError> {
        let at_random =
            self.shared.prior.is_some_and(|p| p.prior == PriorPolicy::Random) && !self.pretrained;
        match (mode, at_random) {
            (Mode::Explore, true) => Ok(self.network.act_at_random(draws)),
            (Mode::Greedy, _) => self.network.act(views, mode, draws),
            (Mode::Explore, false) => {
                let reach = Reach::of(self.network.grid());
                let mut decisions = self.network.act(views, mode, draws)?;
                for ((decision, view), draw) in decisions.iter_mut().zip(views).zip(draws) {
                    let instead = self.objective.tries(view, draw);
                    *decision = instead.map_or(*decision, |axes| reach.decision(axes));
                }
                Ok(decisions)
            }
        }
    }

    fn probabilities(
        &self,
        views: &[View<'_>],
    ) -> Result<Option<Vec<BinProbabilities>>, LearnError> {
        self.network.probabilities(views)
    }

    fn wishes(&self, history: &[Experience], turn: usize, scenes: usize) -> Option<usize> {
        self.shared.common.scenes.wish(history, turn, scenes)
    }

    fn learn(
        &mut self,
        history: &[Experience],
        fresh: usize,
        draw: &mut Draw,
    ) -> Result<Progress, LearnError> {
        self.network.encoder_mut().look(history);
        let labels = self.objective.refresh(history);
        let mut advantages =
            self.baseline.as_mut().map_or_else(Vec::new, |b| b.advantages(history, fresh));
        if self.shared.standardise {
            standardise(&mut advantages);
        }
        // Without a baseline every fresh trial counts; with one, those that it had not seen.
        let fresh = self.baseline.as_ref().map_or(fresh, |_| advantages.len());
        let of_policy = |trial: &Experience| trial.decision.log_prob.is_some();
        let tried = &history[history.len() - advantages.len()..];
        for (advantage, _) in advantages.iter_mut().zip(tried).filter(|(_, t)| !of_policy(t)) {
            *advantage = 0.0;
        }
        self.groups.grow(history);
        let round = Round {
            history,
            fresh: history.len().saturating_sub(fresh)..history.len(),
            advantages,
            pretraining: !std::mem::replace(&mut self.pretrained, true),
            groups: std::mem::take(&mut self.groups),
            copies: copies(self.network.encoder(), history.len(), draw),
        };
        let minibatches = match self.network.encoder().is_ready() {
            true => self.objective.minibatches(&round, draw),
            false => Vec::new(),
        };
        let mut tally = Tally::default();
        if !minibatches.is_empty() {
            self.objective.begin(&self.network, &round)?;
        }
        for places in &minibatches {
            let loss = self.objective.loss(&self.network, &round, places)?;
            self.step(&loss, &mut tally)?;
        }
        let progress = tally.mean(minibatches.len(), labels, &round);
        self.groups = round.groups;
        Ok(progress)
    }

    fn save(&self) -> Result<Vec<u8>, LearnError> {
        self.saved(Vec::new())
    }

    fn weights(&self) -> Result<Vec<u8>, LearnError> {
        let components = self.network.encoder().components().map_or_else(Vec::new, |c| c.lists());
        let entry = |(name, numbers): (String, Vec<f64>)| {
            let bytes = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
            (name, Dtype::F64, vec![numbers.len()], bytes)
        };
        match self.network.encoder().is_ready() {
            true => self.saved(components.into_iter().map(entry).collect()),
            false => Err(LearnError::NoWeights {
                method: self.card.name.clone(),
                why: "it has not learned anything yet",
            }),
        }
    }

    /// Weights and components; a fresh optimiser.
    fn begin_from(&mut self, weights: &[u8]) -> Result<(), LearnError> {
        let encoder = self.network.encoder();
        let name = &self.card.name;
        let components = match encoder.direct() {
            Some(_) => {
                let find = |list: &str| saved::load(name, weights, [list]).map(|[all]| all);
                let found = Components::of_lists((encoder.count(), self.pixels), find)?;
                let why = "it is of other components, or of other images";
                Some(found.ok_or_else(|| saved::unusable(name, why))?)
            }
            None => None,
        };
        let common = self.shared.common;
        let fresh = Adam::new(common.lr, common.clip_norm, self.network.vars());
        self.load(weights, &[])?;
        (self.adam, self.pretrained) = (fresh, true);
        if let Some(components) = components {
            self.network.encoder_mut().give(components);
        }
        Ok(())
    }

    /// All or nothing: a state that does not fit changes nothing.
    fn load(&mut self, state: &[u8], history: &[Experience]) -> Result<(), LearnError> {
        let saved = SafeTensors::deserialize(state).map_err(|error| self.unusable(error))?;
        let count = |name: &str| {
            let view = saved.tensor(&format!("count/{name}")).map_err(|e| self.unusable(e))?;
            let bytes = view.data().try_into().map_err(|_| self.unusable("a count is not one"))?;
            Ok::<_, LearnError>(u64::from_le_bytes(bytes))
        };
        let mut values = Vec::new();
        let mut moments = Vec::new();
        for (name, var) in self.network.params() {
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
        let pretrained = count("pretrained")? != 0;
        let adam = self.adam.clone().restored(count("adam.steps")?, moments);
        self.adam = adam.ok_or_else(|| self.unusable("the optimiser is of another network"))?;
        self.pretrained = pretrained;
        for ((_, var), value) in self.network.params().zip(&values) {
            var.set(value)?;
        }
        self.network.encoder_mut().forget();
        self.network.encoder_mut().look(history);
        self.groups = Groups::default();
        self.objective = O::new(self.settings.clone());
        self.objective.refresh(history);
        self.baseline = self.shared.advantages.map(|a| Baseline::rebuilt(a, history));
        Ok(())
    }
}
