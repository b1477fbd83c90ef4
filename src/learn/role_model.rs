use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use rand::RngExt;

use super::belief::Belief;
use super::free::dithered;
use super::initial_state::InitialStates;
use super::label_rule::{self, LabelRule};
use super::{Experience, Label};
use crate::task::{ContextSignal, Correction, Draw};
use crate::{choices, settings};

/// Who is whose role model: among peers (trials that began in a similar initial state) the one
/// with the highest reward. Its action is the label of them all (Chen et al., arXiv 2510.15189).
///
/// Grown trial by trial: a new trial is compared with its peers only, so that a refresh does not
/// cost more as the history grows.
#[derive(Clone, Debug)]
pub struct RoleModels {
    options: RoleModelOptions,
    states: InitialStates,
    /// Of each trial that has been looked at, in the order of the history.
    rewards: Vec<f64>,
    groups: Vec<Group>,
    /// The group of each trial.
    group_of: Vec<usize>,
    /// The group that a trial of this scene instance joins.
    scenes: BTreeMap<usize, usize>,
    /// Trials that have a label, as places in the history.
    labelled: Range<usize>,
}

/// Trials with the same peers: a scene instance's, or with a radius each trial for itself.
#[derive(Clone, Debug, PartialEq)]
struct Group {
    /// Place in the history.
    role_model: usize,
    count: u32,
    /// Places of the peers, for options that go by all of them; else empty.
    peers: Vec<usize>,
    peers_reward: f64,
    /// How the peers' rewards are read, if not as they are.
    belief: Option<Belief>,
    /// Places of the trials that have this role model.
    followers: Vec<usize>,
    /// What they are taught. Of a rule that goes by all peers, found again after each refresh.
    label: Option<Correction>,
    /// It has other peers than when its label was found.
    stale: bool,
}

settings! {
    /// How role models are found.
    pub struct RoleModelOptions {
        /// Which trials of the same initial state are peers.
        peers: Peers = Peers::All;
        /// Trials in the window, for `peers = "window"`; older ones lose their label.
        window: usize = 500, in 1..=1_000_000;
        /// What makes initial states similar.
        grouping: Grouping = Grouping::SceneId;
        /// How far apart peers may begin: for `pose-radius` in mm, a degree counting as one; for
        /// `image-embedding` in grey levels (root mean square, of images with contrast 1).
        radius: f64 = 1.0, in 0.0..=1000.0;
        /// Role models are identified again after so many trials.
        refresh_every: usize = 20, in 1..=1_000_000;
        /// How much a trial counts in the imitation loss.
        label_weight: LabelWeight = LabelWeight::One;
        /// What the peers of a role model are taught.
        label: LabelRule = LabelRule::Best;
        /// Standard deviation of the reward's noise, for `label = "elite"` and `shrink`.
        reward_noise: f64 = 0.085, in 1e-6..=10.0;
        /// Draw peers' rewards towards their mean by how much of their variance is noise, against the
        /// winner's curse: a role model that stands out by luck counts less.
        shrink: bool = false;
        /// By how many trials a peer is older than the newest one where it counts half as much: its reward
        /// stands out half as far from the peers' mean, its share in a label of many is half. 0 is all alike.
        label_half_life: f64 = 0.0, in 0.0..=1e6, tune linear(0.0..=500.0);
        /// Probability of exploring about what the scene's trials are taught, instead of by the policy. For
        /// `grouping = "scene-id"`.
        explore_label_prob: f64 = 0.0, in 0.0..=1.0, tune linear(0.0..=1.0);
        /// How far, as the standard deviation of one peer, mm and deg; it falls with the root of their number.
        explore_label_sd: f64 = 2.0, in 0.0..=10.0, tune linear(0.5..=4.0);
        /// Which of the role model's corrections its peers are taught.
        label_action: LabelAction = LabelAction::Commanded;
        /// Which of two equally good trials is the role model.
        tie: Tie = Tie::Incumbent;
    }
}

choices! {
    /// Which trials of the same initial state are peers.
    pub enum Peers {
        /// all so far
        All,
        /// the last `window` trials, for a task that changes
        Window,
        /// those since the last refresh; a label stays as it was given
        Batch,
    }
}

choices! {
    /// What makes initial states similar.
    pub enum Grouping {
        /// the same scene instance
        SceneId,
        /// images within `radius` after scaling down to 8x8
        ImageEmbedding,
        /// measured initial poses within `radius`
        PoseRadius,
    }
}

choices! {
    /// How much a trial counts in the imitation loss.
    pub enum LabelWeight {
        /// all the same
        One,
        /// `exp` of the role model's reward: 1 for a perfect one
        Reward,
        /// by how much the role model's reward is above the mean of its peers
        Advantage,
    }
}

choices! {
    /// Which of the role model's corrections its peers are taught.
    pub enum LabelAction {
        /// the one that it chose
        Commanded,
        /// the one that the arm read at the grip
        Executed,
    }
}

choices! {
    /// Which of two equally good trials is the role model.
    pub enum Tie {
        /// the earlier one, so that labels do not change without need
        Incumbent,
        /// the later one
        Newest,
    }
}

impl Tie {
    /// Whether a trial (place, reward) is a better role model than another.
    fn prefers(self, (a, of_a): (usize, f64), (b, of_b): (usize, f64)) -> bool {
        let by_tie = match self {
            Self::Incumbent => b.cmp(&a),
            Self::Newest => a.cmp(&b),
        };
        of_a.total_cmp(&of_b).then(by_tie).is_gt()
    }
}

impl Grouping {
    /// What a method must be shown for it.
    pub fn context(self) -> ContextSignal {
        match self {
            Self::SceneId => ContextSignal::SceneId,
            Self::ImageEmbedding => ContextSignal::None,
            Self::PoseRadius => ContextSignal::Pose,
        }
    }
}

impl RoleModelOptions {
    /// Those among a method's settings; `None` of a method that has none.
    pub fn of(settings: &toml::Table) -> Option<Self> {
        let has = ["peers", "grouping", "label"].iter().all(|key| settings.contains_key(*key));
        has.then(|| settings.clone().try_into().ok()).flatten()
    }

    /// What a method must be shown for them.
    pub fn context(&self) -> ContextSignal {
        let about_labels = if self.explore_label_prob > 0.0 {
            ContextSignal::SceneId
        } else {
            ContextSignal::None
        };
        self.grouping.context().max(about_labels)
    }

    /// Rewards are not taken as they are.
    pub fn believes(&self) -> bool {
        self.shrink || self.label_half_life > 0.0
    }

    /// A label depends on more peers than the best.
    fn by_all(&self) -> bool {
        self.label != LabelRule::Best || self.believes()
    }
}

impl RoleModels {
    pub fn new(options: RoleModelOptions) -> Self {
        let states = match options.grouping {
            Grouping::SceneId => InitialStates::Scenes(Vec::new()),
            Grouping::ImageEmbedding => InitialStates::Images(Vec::new()),
            Grouping::PoseRadius => InitialStates::Poses(Vec::new()),
        };
        Self {
            options,
            states,
            rewards: Vec::new(),
            groups: Vec::new(),
            group_of: Vec::new(),
            scenes: BTreeMap::new(),
            labelled: 0..0,
        }
    }

    /// Identifies role models among the trials so far, if a refresh is due. Returns the labels
    /// that are new or have another role model than before.
    pub fn refresh(&mut self, history: &[Experience]) -> Vec<Label> {
        let every = self.options.refresh_every.max(1);
        let mut changed = BTreeSet::new();
        while self.rewards.len() + every <= history.len() {
            let end = self.rewards.len() + every;
            self.refresh_until(history, end, &mut changed);
        }
        changed.into_iter().filter_map(|place| self.label(history, place)).collect()
    }

    /// The same state as after having seen this history batch by batch.
    pub fn rebuild(options: RoleModelOptions, history: &[Experience]) -> Self {
        let mut models = Self::new(options);
        models.refresh(history);
        models
    }

    /// Places in the history that have a label.
    pub fn labelled(&self) -> Range<usize> {
        self.labelled.clone()
    }

    /// The label of the trial at this place.
    pub fn label(&self, history: &[Experience], place: usize) -> Option<Label> {
        if !self.labelled.contains(&place) {
            return None;
        }
        let group = self.group(place)?;
        let (own, role_model) = (history.get(place)?, history.get(group.role_model)?);
        Some(Label {
            trial: own.trial,
            role_model: role_model.trial,
            peers: group.count,
            correction: group.label?,
        })
    }

    /// What the trials at these places are taught, and how much each counts.
    pub fn taught(
        &self,
        history: &[Experience],
        places: &[usize],
    ) -> Option<(Vec<Correction>, Vec<f32>)> {
        let one =
            |place: &usize| Some((self.label(history, *place)?.correction, self.weight(*place)));
        places.iter().map(one).collect()
    }

    /// How much the label of the trial at this place counts in the imitation loss.
    pub fn weight(&self, place: usize) -> f32 {
        let Some(group) = self.group(place) else { return 0.0 };
        let best = self.rewards[group.role_model];
        let (best, mean) = match group.belief {
            None => (best, group.peers_reward / f64::from(group.count)),
            Some(belief) => (belief.figure(group.role_model, best), belief.mean),
        };
        let weight = match self.options.label_weight {
            LabelWeight::One => 1.0,
            LabelWeight::Reward => libm::exp(best),
            LabelWeight::Advantage => best - mean,
        };
        weight as f32
    }

    /// Place of the role model of the trial at this place.
    pub fn role_model(&self, place: usize) -> Option<usize> {
        self.group(place).map(|group| group.role_model)
    }

    /// By how much the role model's reward is above the trial's own.
    pub fn lead(&self, place: usize) -> f64 {
        self.group(place).map_or(0.0, |group| {
            let [best, own] = [group.role_model, place].map(|place| match group.belief {
                None => self.rewards[place],
                Some(belief) => belief.figure(place, self.rewards[place]),
            });
            best - own
        })
    }

    /// What to try in this scene instance: what its trials are taught, and a normal draw that is the
    /// smaller the more of them there are; mm, mm, deg. `None` where there is nothing to go by yet, and
    /// as often as the policy is to explore.
    pub fn about_label(&self, instance: Option<usize>, draw: &mut Draw) -> Option<[f64; 3]> {
        let RoleModelOptions { explore_label_prob, explore_label_sd, .. } = self.options;
        let group = self.groups.get(*self.scenes.get(&instance?)?)?;
        let label = group.label.filter(|_| draw.random::<f64>() < explore_label_prob)?;
        Some(dithered(label.axes(), explore_label_sd / f64::from(group.count).sqrt(), draw))
    }

    /// The group of a trial that has a label: what is left of one that lost it means nothing.
    fn group(&self, place: usize) -> Option<&Group> {
        if !self.labelled.contains(&place) {
            return None;
        }
        self.groups.get(*self.group_of.get(place)?)
    }

    fn refresh_until(&mut self, history: &[Experience], end: usize, changed: &mut BTreeSet<usize>) {
        let start = self.rewards.len();
        for experience in &history[start..end] {
            self.states.insert(experience);
            self.rewards.push(experience.feedback.reward);
            self.group_of.push(usize::MAX);
        }
        changed.extend(start..end);
        match self.options.peers {
            Peers::All => {
                self.labelled = 0..end;
                (start..end).for_each(|place| self.join(place, 0, changed));
            }
            Peers::Batch => {
                self.labelled = 0..end;
                self.scenes.clear();
                (start..end).for_each(|place| self.join(place, start, changed));
            }
            Peers::Window => self.identify_in_window(history, end, changed),
        }
        self.relabel(history, changed);
    }

    /// Finds what is taught where peers have changed.
    fn relabel(&mut self, history: &[Experience], changed: &mut BTreeSet<usize>) {
        let (options, rewards) = (&self.options, &self.rewards);
        for group in self.groups.iter_mut().filter(|group| group.stale) {
            let of_peers: Vec<f64> = group.peers.iter().map(|peer| rewards[*peer]).collect();
            group.belief = Belief::asked(options, &group.peers, &of_peers);
            let before = (group.role_model, group.label);
            if let Some(belief) = group.belief {
                let figure = |place: usize| belief.figure(place, rewards[place]);
                let better = |best: usize, peer: usize| {
                    if options.tie.prefers((peer, figure(peer)), (best, figure(best))) {
                        peer
                    } else {
                        best
                    }
                };
                group.role_model = group.peers.iter().copied().fold(group.role_model, better);
            }
            group.label = label_rule::label(options, history, &group.peers, group.role_model);
            group.stale = false;
            if (group.role_model, group.label) != before {
                changed.extend(&group.followers);
            }
        }
    }

    /// A role model that has left the window is one no longer: starts over within the window.
    fn identify_in_window(
        &mut self,
        history: &[Experience],
        end: usize,
        changed: &mut BTreeSet<usize>,
    ) {
        let first = end.saturating_sub(self.options.window);
        self.labelled = first..end;
        let role_models = |models: &Self| -> Vec<Option<(usize, Option<Correction>)>> {
            (first..end).map(|place| models.group(place).map(|g| (g.role_model, g.label))).collect()
        };
        let before = role_models(self);
        self.scenes.clear();
        self.groups.clear();
        (first..end).for_each(|place| self.join(place, first, &mut BTreeSet::new()));
        self.relabel(history, &mut BTreeSet::new());
        let after = role_models(self);
        changed.extend((first..end).filter(|p| before[p - first] != after[p - first]));
        changed.retain(|place| *place >= first);
    }

    /// Puts a trial among its peers, those before it from place `first` on.
    fn join(&mut self, place: usize, first: usize, changed: &mut BTreeSet<usize>) {
        if let Some(instance) = self.states.scene(place) {
            match self.scenes.get(&instance) {
                Some(group) => {
                    self.group_of[place] = *group;
                    self.meet(*group, place, changed);
                    self.groups[self.group_of[place]].followers.push(place);
                }
                None => {
                    let group = self.found(place);
                    self.scenes.insert(instance, group);
                }
            }
            return;
        }
        let own = self.found(place);
        for peer in self.states.similar(place, first, self.options.radius) {
            self.meet(self.group_of[peer], place, changed);
            self.meet(own, peer, changed);
        }
    }

    /// A group of this trial alone.
    fn found(&mut self, place: usize) -> usize {
        let peers_reward = self.rewards[place];
        self.groups.push(Group {
            role_model: place,
            count: 1,
            peers: if self.options.by_all() { vec![place] } else { Vec::new() },
            peers_reward,
            belief: None,
            followers: vec![place],
            label: None,
            stale: true,
        });
        self.group_of[place] = self.groups.len() - 1;
        self.group_of[place]
    }

    fn meet(&mut self, group: usize, peer: usize, changed: &mut BTreeSet<usize>) {
        let (by_all, best) = (self.options.by_all(), self.groups[group].role_model);
        let reward = |place: usize| (place, self.rewards[place]);
        // What is believed of rewards, and so who is best, depends on all peers: found when all are there.
        let better =
            !self.options.believes() && self.options.tie.prefers(reward(peer), reward(best));
        let group = &mut self.groups[group];
        group.count += 1;
        group.peers_reward += self.rewards[peer];
        if better {
            group.role_model = peer;
            changed.extend(&group.followers);
        }
        group.peers.extend(by_all.then_some(peer));
        group.stale |= better || by_all;
    }
}

#[cfg(test)]
#[path = "role_model_tests.rs"]
mod tests;
