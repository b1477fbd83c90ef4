use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::initial_state::InitialStates;
use super::label_rule::{self, LabelRule};
use super::{Experience, Label};
use crate::task::{ContextSignal, Correction};
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
    peers: Vec<usize>,
    peers_reward: f64,
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
        /// Standard deviation of the reward's noise, for `label = "elite"`.
        reward_noise: f64 = 0.085, in 1e-6..=10.0, tune log(0.02..=0.3);
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
            peers: group.peers.len() as u32,
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
        let weight = match self.options.label_weight {
            LabelWeight::One => 1.0,
            LabelWeight::Reward => libm::exp(best),
            LabelWeight::Advantage => best - group.peers_reward / group.peers.len() as f64,
        };
        weight as f32
    }

    /// By how much the role model's reward is above the trial's own.
    pub fn lead(&self, place: usize) -> f64 {
        self.group(place).map_or(0.0, |g| self.rewards[g.role_model] - self.rewards[place])
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
        self.relabel(history);
    }

    /// Finds what is taught where peers have changed.
    fn relabel(&mut self, history: &[Experience]) {
        for group in self.groups.iter_mut().filter(|group| group.stale) {
            group.label = label_rule::label(&self.options, history, &group.peers, group.role_model);
            group.stale = false;
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
        self.relabel(history);
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
            peers: vec![place],
            peers_reward,
            followers: vec![place],
            label: None,
            stale: true,
        });
        self.group_of[place] = self.groups.len() - 1;
        self.group_of[place]
    }

    fn meet(&mut self, group: usize, peer: usize, changed: &mut BTreeSet<usize>) {
        let better = self.beats(peer, self.groups[group].role_model);
        let group = &mut self.groups[group];
        group.peers.push(peer);
        group.peers_reward += self.rewards[peer];
        if better {
            group.role_model = peer;
        }
        if better || self.options.label != LabelRule::Best {
            group.stale = true;
            changed.extend(&group.followers);
        }
    }

    /// Whether the trial at place `a` is a better role model than the one at `b`.
    fn beats(&self, a: usize, b: usize) -> bool {
        let by_tie = match self.options.tie {
            Tie::Incumbent => b.cmp(&a),
            Tie::Newest => a.cmp(&b),
        };
        self.rewards[a].total_cmp(&self.rewards[b]).then(by_tie).is_gt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::Decision;
    use crate::task::{Correction, Feedback, Image, Pose2};
    use proptest::prelude::*;

    fn trial(index: usize, instance: usize, reward: f64) -> Experience {
        let correction = Correction::new(index as f64, 0.0, 0.0);
        let band = |i: usize| if i / (16 * Image::SIDE) == instance { 255 } else { 0 };
        let pixels = (0..Image::SIDE * Image::SIDE).map(band).collect();
        Experience {
            trial: 100 + index as u64,
            image: Image::new(pixels).unwrap(),
            instance: Some(instance),
            pose: Some(Pose2::new(10.0 * instance as f64, 0.0, 0.0)),
            truth: None,
            outcome: crate::task::Outcome::Placed,
            executed: None,
            decision: Decision { correction, bins: None, log_prob: None },
            feedback: Feedback { reward, unsigned: None, signed: None },
        }
    }

    fn histories() -> impl Strategy<Value = Vec<Experience>> {
        // Few rewards, so that ties are common.
        prop::collection::vec((0usize..4, 0u8..5), 1..70).prop_map(|trials| {
            let at =
                |(i, (instance, r)): (usize, &(usize, u8))| trial(i, *instance, -f64::from(*r));
            trials.iter().enumerate().map(at).collect()
        })
    }

    fn options() -> impl Strategy<Value = RoleModelOptions> {
        let peers = prop_oneof![Just(Peers::All), Just(Peers::Window), Just(Peers::Batch)];
        let tie = prop_oneof![Just(Tie::Incumbent), Just(Tie::Newest)];
        (peers, tie, 1usize..12, 1usize..40).prop_map(|(peers, tie, refresh_every, window)| {
            RoleModelOptions { peers, tie, refresh_every, window, ..Default::default() }
        })
    }

    /// The definition, read off the whole history at once.
    fn brute_force(o: &RoleModelOptions, history: &[Experience], place: usize) -> Option<Label> {
        let end = history.len() / o.refresh_every * o.refresh_every;
        let batch = place / o.refresh_every * o.refresh_every;
        let (from, to) = match o.peers {
            Peers::All => (0, end),
            Peers::Window => (end.saturating_sub(o.window), end),
            Peers::Batch => (batch, (batch + o.refresh_every).min(end)),
        };
        if place < from || place >= to {
            return None;
        }
        let peers: Vec<_> =
            (from..to).filter(|p| history[*p].instance == history[place].instance).collect();
        let reward = |p: usize| history[p].feedback.reward;
        let best = peers.iter().map(|p| reward(*p)).fold(f64::NEG_INFINITY, f64::max);
        let mut tied = peers.iter().copied().filter(|p| reward(*p) == best);
        let chosen = match o.tie {
            Tie::Incumbent => tied.next()?,
            Tie::Newest => tied.next_back()?,
        };
        Some(Label {
            trial: history[place].trial,
            role_model: history[chosen].trial,
            peers: peers.len() as u32,
            correction: history[chosen].decision.correction,
        })
    }

    proptest! {
        #[test]
        fn a_role_model_is_the_best_of_its_peers(history in histories(), options in options()) {
            let models = RoleModels::rebuild(options, &history);
            for place in 0..history.len() {
                prop_assert_eq!(models.label(&history, place), brute_force(&options, &history, place));
            }
        }

        #[test]
        fn images_and_poses_that_tell_instances_apart_group_like_the_instances(history in histories(), options in options()) {
            let by_scene = RoleModels::rebuild(options, &history);
            for grouping in [Grouping::PoseRadius, Grouping::ImageEmbedding] {
                let other = RoleModelOptions { grouping, radius: 0.01, ..options };
                let other = RoleModels::rebuild(other, &history);
                for place in 0..history.len() {
                    prop_assert_eq!(by_scene.label(&history, place), other.label(&history, place));
                }
            }
        }

        #[test]
        fn changes_told_batch_by_batch_add_up_to_the_labels(history in histories(), options in options()) {
            let mut models = RoleModels::new(options);
            let mut told = BTreeMap::new();
            for end in 1..=history.len() {
                for label in models.refresh(&history[..end]) {
                    told.insert(label.trial, label.role_model);
                }
            }
            for place in models.labelled() {
                let label = models.label(&history, place).unwrap();
                prop_assert_eq!(told.get(&label.trial), Some(&label.role_model));
            }
        }

        #[test]
        fn what_lost_its_label_has_neither_weight_nor_lead(history in histories(), options in options()) {
            let mut models = RoleModels::new(options);
            for end in 1..=history.len() {
                models.refresh(&history[..end]);
                let rebuilt = RoleModels::rebuild(options, &history[..end]);
                for place in 0..end {
                    let labelled = models.labelled().contains(&place);
                    prop_assert_eq!(models.label(&history, place).is_some(), labelled);
                    let figures = (models.weight(place), models.lead(place));
                    prop_assert_eq!(figures, (rebuilt.weight(place), rebuilt.lead(place)));
                    prop_assert!(labelled || figures == (0.0, 0.0));
                }
            }
        }

        #[test]
        fn batches_or_all_at_once_make_no_difference(history in histories(), options in options()) {
            let mut grown = RoleModels::new(options);
            for end in (0..=history.len()).step_by(7).chain([history.len()]) {
                grown.refresh(&history[..end]);
            }
            let rebuilt = RoleModels::rebuild(options, &history);
            for place in 0..history.len() {
                prop_assert_eq!(grown.label(&history, place), rebuilt.label(&history, place));
                prop_assert_eq!(grown.weight(place).to_bits(), rebuilt.weight(place).to_bits());
            }
        }
    }

    #[test]
    fn a_label_is_told_again_only_when_its_role_model_changes() {
        let options = RoleModelOptions { refresh_every: 1, ..Default::default() };
        let mut models = RoleModels::new(options);
        let rewards = [-2.0, -3.0, -1.0, -4.0];
        let history: Vec<_> = rewards.iter().enumerate().map(|(i, r)| trial(i, 0, *r)).collect();
        let told: Vec<Vec<u64>> = (1..=4)
            .map(|end| models.refresh(&history[..end]).iter().map(|l| l.trial).collect())
            .collect();
        assert_eq!(told, [vec![100], vec![101], vec![100, 101, 102], vec![103]]);
    }

    #[test]
    fn a_trial_counts_by_how_far_its_role_model_stands_out() {
        let options = RoleModelOptions {
            label_weight: LabelWeight::Advantage,
            refresh_every: 1,
            ..Default::default()
        };
        let history = [trial(0, 0, -3.0), trial(1, 0, -1.0), trial(2, 1, -1.0)];
        let models = RoleModels::rebuild(options, &history);
        assert_eq!([0, 1, 2].map(|place| models.weight(place)), [1.0, 1.0, 0.0]);
    }
}
