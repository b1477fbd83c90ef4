use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Experience, Label};
use crate::cell::Image;
use crate::task::Pose2;

/// Who is whose role model: among peers (trials that began in a similar initial state) the one
/// with the highest reward. Its action is the label of them all (Chen et al., arXiv 2510.15189).
///
/// Grown trial by trial: a new trial is compared with its peers only, so that a refresh does not
/// cost more as the history grows.
#[derive(Clone, Debug)]
pub struct RoleModels {
    options: RoleModelOptions,
    groups: Groups,
    /// One for each trial that has been looked at, in the order of the history.
    entries: Vec<Entry>,
    /// Trials that have a label, as places in the history.
    labelled: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry {
    reward: f64,
    /// Place in the history.
    role_model: usize,
    peers: u32,
    peers_reward: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoleModelOptions {
    pub peers: Peers,
    /// Trials in the window, for `peers = "window"`.
    pub window: usize,
    pub grouping: Grouping,
    /// How far apart peers may begin: for `pose-radius` in mm, a degree counting as one; for
    /// `image-embedding` in grey levels (root mean square, of images with contrast 1).
    pub radius: f64,
    /// Role models are identified anew after so many trials.
    pub refresh_every: usize,
    pub label_weight: LabelWeight,
    pub tie: Tie,
}

/// Which trials of the same initial state are peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peers {
    /// All so far.
    All,
    /// The last `window` trials; older ones have no label: for a task that changes.
    Window,
    /// Those since the last refresh. A label stays as it was given.
    Batch,
}

/// What makes initial states similar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grouping {
    /// The same scene instance.
    SceneId,
    /// Images within `radius` after scaling down to 8x8.
    ImageEmbedding,
    /// Measured initial poses within `radius`.
    PoseRadius,
}

/// How much a trial counts in the imitation loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelWeight {
    One,
    /// `exp` of the role model's reward: 1 for a perfect one.
    Reward,
    /// By how much the role model's reward is above the mean of its peers.
    Advantage,
}

/// Which of two equally good trials is the role model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tie {
    /// The earlier one, so that labels do not change without need.
    Incumbent,
    Newest,
}

impl Default for RoleModelOptions {
    fn default() -> Self {
        Self {
            peers: Peers::All,
            window: 500,
            grouping: Grouping::SceneId,
            radius: 1.0,
            refresh_every: 20,
            label_weight: LabelWeight::One,
            tie: Tie::Incumbent,
        }
    }
}

impl RoleModels {
    pub fn new(options: RoleModelOptions) -> Self {
        let groups = match options.grouping {
            Grouping::SceneId => Groups::Scenes { of: Vec::new(), members: BTreeMap::new() },
            Grouping::ImageEmbedding => Groups::Images(Vec::new()),
            Grouping::PoseRadius => Groups::Poses(Vec::new()),
        };
        Self { options, groups, entries: Vec::new(), labelled: 0..0 }
    }

    /// Identifies role models among the trials so far, if a refresh is due. Returns the labels
    /// that are new or have another role model than before.
    pub fn refresh(&mut self, history: &[Experience]) -> Vec<Label> {
        let every = self.options.refresh_every.max(1);
        let mut changed = BTreeSet::new();
        while self.entries.len() + every <= history.len() {
            let end = self.entries.len() + every;
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
        let entry = self.entries.get(place)?;
        let (own, role_model) = (history.get(place)?, history.get(entry.role_model)?);
        Some(Label {
            trial: own.trial,
            role_model: role_model.trial,
            peers: entry.peers,
            correction: role_model.decision.correction,
        })
    }

    /// How much the label of the trial at this place counts in the imitation loss.
    pub fn weight(&self, place: usize) -> f32 {
        let Some(entry) = self.entries.get(place) else { return 0.0 };
        let best = self.entries[entry.role_model].reward;
        let weight = match self.options.label_weight {
            LabelWeight::One => 1.0,
            LabelWeight::Reward => libm::exp(best),
            LabelWeight::Advantage => best - entry.peers_reward / f64::from(entry.peers),
        };
        weight as f32
    }

    /// By how much the role model's reward is above the trial's own.
    pub fn lead(&self, place: usize) -> f64 {
        self.entries.get(place).map_or(0.0, |e| self.entries[e.role_model].reward - e.reward)
    }

    fn refresh_until(&mut self, history: &[Experience], end: usize, changed: &mut BTreeSet<usize>) {
        let start = self.entries.len();
        for (place, experience) in (start..end).zip(&history[start..end]) {
            self.groups.insert(place, experience);
            self.entries.push(Entry::alone(place, experience.feedback.reward));
        }
        changed.extend(start..end);
        match self.options.peers {
            Peers::All => {
                self.labelled = 0..end;
                (start..end).for_each(|place| self.join(place, 0, changed));
            }
            Peers::Batch => {
                self.labelled = 0..end;
                (start..end).for_each(|place| self.join(place, start, changed));
            }
            Peers::Window => self.identify_in_window(end, changed),
        }
    }

    /// A role model that has left the window is one no longer: starts over within the window.
    fn identify_in_window(&mut self, end: usize, changed: &mut BTreeSet<usize>) {
        let first = end.saturating_sub(self.options.window);
        self.labelled = first..end;
        let before = self.entries[first..].to_vec();
        for place in first..end {
            self.entries[place] = Entry::alone(place, self.entries[place].reward);
            self.join(place, first, &mut BTreeSet::new());
        }
        let same =
            |place: &usize| self.entries[*place].role_model == before[*place - first].role_model;
        changed.extend((first..end).filter(|place| !same(place)));
        changed.retain(|place| *place >= first);
    }

    /// Compares a trial with its peers before it, from place `first` on.
    fn join(&mut self, place: usize, first: usize, changed: &mut BTreeSet<usize>) {
        let newcomer = self.entries[place].reward;
        for peer in self.groups.similar(place, first, self.options.radius) {
            if self.beats(place, self.entries[peer].role_model) {
                self.entries[peer].role_model = place;
                changed.insert(peer);
            }
            if self.beats(peer, self.entries[place].role_model) {
                self.entries[place].role_model = peer;
            }
            let reward = self.entries[peer].reward;
            self.entries[peer].meet(newcomer);
            self.entries[place].meet(reward);
        }
    }

    /// Whether the trial at place `a` is a better role model than the one at `b`.
    fn beats(&self, a: usize, b: usize) -> bool {
        let by_tie = match self.options.tie {
            Tie::Incumbent => b.cmp(&a),
            Tie::Newest => a.cmp(&b),
        };
        self.entries[a].reward.total_cmp(&self.entries[b].reward).then(by_tie).is_gt()
    }
}

impl Entry {
    fn alone(place: usize, reward: f64) -> Self {
        Self { reward, role_model: place, peers: 1, peers_reward: reward }
    }

    fn meet(&mut self, reward: f64) {
        self.peers += 1;
        self.peers_reward += reward;
    }
}

/// The initial states of all trials, so that similar ones can be found.
#[derive(Clone, Debug)]
enum Groups {
    /// The scene instance of each trial, and the trials of each instance in order.
    Scenes {
        of: Vec<Option<usize>>,
        members: BTreeMap<usize, Vec<usize>>,
    },
    Images(Vec<[f32; EMBEDDING]>),
    Poses(Vec<Option<Pose2>>),
}

const EMBEDDING_SIDE: usize = 8;
const EMBEDDING: usize = EMBEDDING_SIDE * EMBEDDING_SIDE;

impl Groups {
    fn insert(&mut self, place: usize, experience: &Experience) {
        match self {
            Self::Scenes { of, members } => {
                of.push(experience.instance);
                if let Some(instance) = experience.instance {
                    members.entry(instance).or_default().push(place);
                }
            }
            Self::Images(embeddings) => embeddings.push(embedding(&experience.image)),
            Self::Poses(poses) => poses.push(experience.pose),
        }
    }

    /// Places from `first` up to (not with) `place` that began like it. A trial whose initial
    /// state is unknown has none.
    fn similar(&self, place: usize, first: usize, radius: f64) -> Vec<usize> {
        match self {
            Self::Scenes { of, members } => {
                let Some(same) = of[place].and_then(|instance| members.get(&instance)) else {
                    return Vec::new();
                };
                let from = same.partition_point(|p| *p < first);
                let to = same.partition_point(|p| *p < place);
                same[from..to].to_vec()
            }
            Self::Images(all) => {
                let near = |p: &usize| image_distance(&all[*p], &all[place]) <= radius;
                (first..place).filter(near).collect()
            }
            Self::Poses(all) => {
                let Some(own) = all[place] else { return Vec::new() };
                let near = |p: &usize| all[*p].is_some_and(|p| pose_distance(p, own) <= radius);
                (first..place).filter(near).collect()
            }
        }
    }
}

/// The image scaled down to 8x8, with mean 0 and the contrast of the whole image brought to 1.
fn embedding(image: &Image) -> [f32; EMBEDDING] {
    let pixels = image.pixels();
    let count = pixels.len() as f32;
    let mean = pixels.iter().map(|p| f32::from(*p)).sum::<f32>() / count;
    let variance = pixels.iter().map(|p| (f32::from(*p) - mean).powi(2)).sum::<f32>() / count;
    let scale = 1.0 / variance.sqrt().max(1.0);
    let side = Image::SIDE / EMBEDDING_SIDE;
    let mut cells = [0.0; EMBEDDING];
    for (at, pixel) in pixels.iter().enumerate() {
        let (row, column) = (at / Image::SIDE, at % Image::SIDE);
        cells[row / side * EMBEDDING_SIDE + column / side] += f32::from(*pixel) - mean;
    }
    cells.map(|sum| sum * scale / (side * side) as f32)
}

/// Root mean square over the cells.
fn image_distance(a: &[f32; EMBEDDING], b: &[f32; EMBEDDING]) -> f64 {
    let squares: f32 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    f64::from(squares / EMBEDDING as f32).sqrt()
}

/// Largest difference over the axes, a degree counting as a millimetre.
fn pose_distance(a: Pose2, b: Pose2) -> f64 {
    a.axes().iter().zip(b.axes()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::Decision;
    use crate::task::{Correction, Feedback};
    use proptest::prelude::*;

    fn trial(index: usize, instance: usize, reward: f64) -> Experience {
        let correction = Correction::new(index as f64, 0.0, 0.0);
        let level = (instance * 40) as u8;
        let half = Image::SIDE * Image::SIDE / 2;
        let pixels = [vec![level; half], vec![255; half]].concat();
        Experience {
            trial: 100 + index as u64,
            image: Image::new(pixels).unwrap(),
            instance: Some(instance),
            pose: Some(Pose2::new(10.0 * instance as f64, 0.0, 0.0)),
            truth: None,
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
            Tie::Newest => tied.last()?,
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
