use std::ops::{Deref, Range};

use candle_core::{Device, Tensor};

use super::groups::Groups;
use super::{Card, Experience, Label, LearnError, Network, Settings, Shared, View};
use crate::task::Draw;

/// What sets one learner apart from another: its settings, its card and its loss. Policy, optimiser,
/// baseline, exploration, decoding, saving and loading are the [`Learner`](super::Learner)'s.
pub trait Objective: Send + Sized + 'static {
    /// As on the command line.
    const NAME: &'static str;
    type Settings: Settings;

    /// What the method is and may see, with these settings.
    fn card(settings: &Self::Settings) -> Card;

    /// The settings that the learner itself needs.
    fn shared(settings: &Self::Settings) -> Shared;

    fn new(settings: Self::Settings) -> Self;

    /// Sees the history grow, after every batch and once after a restart, and must be a function of
    /// it. Returns labels that are new or have changed.
    fn refresh(&mut self, _history: &[Experience]) -> Vec<Label> {
        Vec::new()
    }

    /// What is tried where this is seen (mm, mm, deg), instead of what the policy draws; `None` for the
    /// policy. Such a trial has no probability under the policy: its advantage is 0.
    fn tries(&self, _view: &View<'_>, _draw: &mut Draw) -> Option<[f64; 3]> {
        None
    }

    /// The gradient steps of this round: for each, places in the history. Without any, nothing is
    /// learned.
    fn minibatches(&mut self, round: &Round<'_>, draw: &mut Draw) -> Vec<Vec<usize>>;

    /// Comes before the first gradient step of a round, with the policy as it then is.
    fn begin(&mut self, _network: &Network, _round: &Round<'_>) -> Result<(), LearnError> {
        Ok(())
    }

    /// The loss on these places of the history.
    fn loss(
        &self,
        network: &Network,
        round: &Round<'_>,
        places: &[usize],
    ) -> Result<Loss, LearnError>;
}

/// What a gradient step makes smaller, and what of it is kept for people to look at.
#[derive(Clone, Debug)]
pub struct Loss {
    /// A scalar.
    pub total: Tensor,
    /// Scalars by name. No gradient comes from here.
    pub parts: Vec<(&'static str, Tensor)>,
}

impl Loss {
    /// Nothing to make smaller yet.
    pub fn zero() -> Result<Self, LearnError> {
        Ok(Tensor::new(0f32, &Device::Cpu)?.into())
    }

    /// The same with one more term, a scalar, which counts by this weight.
    pub fn plus(self, name: &'static str, term: &Tensor, weight: f64) -> Result<Self, LearnError> {
        let total = (&self.total + (term * weight)?)?;
        Ok(Self { total, ..self }.with(name, term))
    }

    /// As it is, with one more part named.
    pub fn with(mut self, name: &'static str, part: &Tensor) -> Self {
        self.parts.push((name, part.detach()));
        self
    }
}

impl From<Tensor> for Loss {
    fn from(total: Tensor) -> Self {
        Self { total, parts: Vec::new() }
    }
}

/// One round of learning, after a batch of trials.
#[derive(Clone, Debug)]
pub struct Round<'a> {
    /// Every trial so far, prior ones first.
    pub history: &'a [Experience],
    /// Places of the trials that nothing has been learned from yet.
    pub fresh: Range<usize>,
    /// Of the fresh trials, in order; empty unless the method asked for advantages.
    pub advantages: Vec<f32>,
    /// The fresh trials are prior ones: training has not begun.
    pub pretraining: bool,
    /// The trials of each scene instance.
    pub groups: Groups,
    /// Which moved copy each trial is seen as, 0 being itself; empty where nothing is moved.
    pub copies: Vec<usize>,
}

/// A trial as a round of learning sees it: with its image and action as they were, or as a moved copy.
/// What is asked of it otherwise is what it was, unmoved: the [`Network`] moves what it is taught.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub trial: &'a Experience,
    /// In the history.
    pub place: usize,
    /// Which copy; 0 is the trial itself.
    pub copy: usize,
}

impl Deref for Seen<'_> {
    type Target = Experience;

    fn deref(&self) -> &Experience {
        self.trial
    }
}

impl<'a> Round<'a> {
    /// These trials as the round sees them.
    pub fn trials(&self, places: &[usize]) -> Vec<Seen<'a>> {
        let copy = |place: usize| self.copies.get(place).copied().unwrap_or(0);
        let seen = |place: &usize| Seen { copy: copy(*place), ..self.unmoved(*place) };
        places.iter().map(seen).collect()
    }

    /// A trial as it was.
    pub fn unmoved(&self, place: usize) -> Seen<'a> {
        Seen { trial: &self.history[place], place, copy: 0 }
    }

    /// Places of all fresh trials, in order.
    pub fn all_fresh(&self) -> Vec<usize> {
        self.fresh.clone().collect()
    }

    /// Advantages of these places, which must be fresh: (n).
    pub fn advantages(&self, places: &[usize]) -> Result<Tensor, LearnError> {
        let all = Tensor::from_slice(&self.advantages, self.advantages.len(), &Device::Cpu)?;
        self.of_fresh(&all, places)
    }

    /// The rows of these places, which must be fresh, from a tensor with one a fresh trial.
    pub fn of_fresh(&self, all: &Tensor, places: &[usize]) -> Result<Tensor, LearnError> {
        let rows: Vec<u32> = places.iter().map(|p| (p - self.fresh.start) as u32).collect();
        Ok(all.index_select(&Tensor::new(rows, &Device::Cpu)?, 0)?)
    }
}
