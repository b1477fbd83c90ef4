use super::*;
use crate::learn::Decision;
use crate::task::{Correction, Feedback, Image, ImageSize, Pose2};
use proptest::prelude::*;

fn trial(index: usize, instance: usize, reward: f64) -> Experience {
    let correction = Correction::new(index as f64, 0.0, 0.0);
    let band = |i: usize| if i / (16 * 64) == instance { 255 } else { 0 };
    Experience {
        trial: 100 + index as u64,
        image: Image::of(ImageSize::default(), band),
        instance: Some(instance),
        pose: Some(Pose2::new(10.0 * instance as f64, 0.0, 0.0)),
        truth: None,
        outcome: crate::task::Outcome::Placed,
        executed: None,
        decision: Decision::at(correction),
        feedback: Feedback { reward, unsigned: None, signed: None },
    }
}

fn histories() -> impl Strategy<Value = Vec<Experience>> {
    // Few rewards, so that ties are common.
    prop::collection::vec((0usize..4, 0u8..5), 1..70).prop_map(|trials| {
        let at = |(i, (instance, r)): (usize, &(usize, u8))| trial(i, *instance, -f64::from(*r));
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

/// The definition of belief, read off the peers at once.
fn believed(o: &RoleModelOptions, history: &[Experience], place: usize) -> (usize, f64) {
    let end = history.len() / o.refresh_every * o.refresh_every;
    let peers: Vec<usize> =
        (0..end).filter(|p| history[*p].instance == history[place].instance).collect();
    let reward = |p: usize| history[p].feedback.reward;
    let count = |p: usize| match o.label_half_life > 0.0 {
        true => 0.5f64.powf((peers[peers.len() - 1] - p) as f64 / o.label_half_life),
        false => 1.0,
    };
    let all: f64 = peers.iter().map(|p| count(*p)).sum();
    let mean = peers.iter().map(|p| count(*p) * reward(*p)).sum::<f64>() / all;
    let variance = peers.iter().map(|p| count(*p) * (reward(*p) - mean).powi(2)).sum::<f64>() / all;
    let kept = match o.shrink {
        true if variance > 0.0 => (1.0 - o.reward_noise.powi(2) / variance).max(0.0),
        true => 0.0,
        false => 1.0,
    };
    let lead = |p: usize| count(p) * kept * (reward(p) - mean);
    let best = peers.iter().map(|p| lead(*p)).fold(f64::NEG_INFINITY, f64::max);
    (peers.len(), best)
}

proptest! {
    #[test]
    fn old_and_lucky_role_models_stand_out_less(
        history in histories(), every in 1usize..12, half_life in 0.0..20.0f64, shrink: bool, noise in 0.1..3.0f64,
    ) {
        let options = RoleModelOptions {
            refresh_every: every,
            label_half_life: if half_life < 2.0 { 0.0 } else { half_life },
            shrink,
            reward_noise: noise,
            label_weight: LabelWeight::Advantage,
            ..Default::default()
        };
        let models = RoleModels::rebuild(options, &history);
        for place in models.labelled() {
            let (peers, lead) = believed(&options, &history, place);
            prop_assert_eq!(models.label(&history, place).unwrap().peers as usize, peers);
            prop_assert!((f64::from(models.weight(place)) - lead).abs() < 1e-5);
        }
    }

    #[test]
    fn belief_grown_batch_by_batch_is_that_of_all_at_once(history in histories(), options in options()) {
        let options = RoleModelOptions { label_half_life: 9.0, shrink: true, ..options };
        let mut models = RoleModels::new(options);
        let mut told = BTreeMap::new();
        for end in 1..=history.len() {
            for label in models.refresh(&history[..end]) {
                told.insert(label.trial, label.role_model);
            }
        }
        let rebuilt = RoleModels::rebuild(options, &history);
        for place in models.labelled() {
            let label = models.label(&history, place).unwrap();
            prop_assert_eq!(rebuilt.label(&history, place), Some(label));
            prop_assert_eq!(models.weight(place).to_bits(), rebuilt.weight(place).to_bits());
            prop_assert_eq!(told.get(&label.trial), Some(&label.role_model));
        }
    }
}

#[test]
fn an_old_best_gives_way_to_a_newer_good_one() {
    let history = [trial(0, 0, -1.0), trial(1, 0, -5.0), trial(2, 0, -1.5), trial(3, 0, -5.0)];
    let role_model = |label_half_life| {
        let options = RoleModelOptions { label_half_life, refresh_every: 1, ..Default::default() };
        RoleModels::rebuild(options, &history).role_model(3)
    };
    assert_eq!([0.0, 100.0, 1.0].map(role_model), [Some(0), Some(0), Some(2)]);
}

#[test]
fn exploration_about_a_label_narrows_with_its_peers_and_is_off_unless_asked_for() {
    use crate::task::{Phase, Stream, Streams, TrialKey};
    let history: Vec<_> = (0..16).map(|i| trial(i, usize::from(i == 0), -1.0)).collect();
    let about = |explore_label_prob, instance| {
        let options =
            RoleModelOptions { explore_label_prob, refresh_every: 1, ..Default::default() };
        let models = RoleModels::rebuild(options, &history);
        let off = |index| {
            let key = TrialKey { phase: Phase::Train, index };
            let mut draw = Streams::new(3).draw(Stream::Explore, key);
            models.about_label(instance, &mut draw).map(|axes| axes[1].powi(2))
        };
        let squares = (0..400).map(off).collect::<Option<Vec<f64>>>()?;
        Some((squares.iter().sum::<f64>() / 400.0).sqrt())
    };
    // One peer, then fifteen.
    let (wide, narrow) = (about(1.0, Some(1)).unwrap(), about(1.0, Some(0)).unwrap());
    assert!((wide / 2.0 - 1.0).abs() < 0.1, "{wide}");
    assert!((narrow * 15f64.sqrt() / 2.0 - 1.0).abs() < 0.1, "{narrow}");
    assert_eq!([about(0.0, Some(1)), about(1.0, Some(7)), about(1.0, None)], [None; 3]);
}
