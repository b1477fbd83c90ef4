use proptest::prelude::*;

use super::*;
use crate::cell::{Harm, RobotTime};
use crate::learn::{Decision, Label, Progress};
use crate::task::{Image, Outcome, Phase, Placement, Pose2, TrialKey};

fn info() -> RunInfo {
    RunInfo {
        experiment: "name = \"x\"".into(),
        method: "rm-rl".into(),
        seed: 7,
        backend: "sim".into(),
        version: "0".into(),
        commit: "unknown".into(),
    }
}

fn intent(index: u64) -> Intent {
    Intent {
        key: TrialKey { phase: Phase::Train, index },
        checkpoint: 0,
        instance: 3,
        offset: Pose2::new(0.1 + 0.2, -1e-17, 3.0),
        seen: None,
        decision: Decision {
            correction: Pose2::new(1.0 / 3.0, f64::MIN_POSITIVE, -2.5),
            bins: Some([0, 6, 3]),
            log_prob: Some([-1.945_91, -0.1, f32::MIN_POSITIVE]),
        },
        image: None,
    }
}

fn stored() -> Stored {
    let placement = Placement { pose: Pose2::new(0.1, 0.2, 0.3), z_mm: -0.01, tilt_deg: 0.02 };
    Stored {
        executed: Pose2::new(0.3, 0.0, -2.4),
        in_hand: None,
        outcome: Outcome::Placed,
        seated: true,
        measured: Some(placement),
        truth: Some(placement),
        reward: -0.2,
        duration: RobotTime { seconds: 8.25 },
        harm: Harm { peak_force_n: 12.5, jam: true, drop: false, plate_hit: None },
    }
}

#[test]
fn the_picture_after_a_trial_comes_back_with_its_trial_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.sqlite");
    small_run(&path);
    let store = TrialStore::open(&path, Durability::Process).unwrap();
    let image = Image::new((0..Image::SIDE * Image::SIDE).map(|i| i as u8).collect()).unwrap();
    store.picture_after(intent(7).key, 0, &image).unwrap();
    let rows = store.trials(Phase::Train, 0).unwrap();
    assert_eq!(store.look_after(&rows[7]).unwrap(), Some(image));
    assert_eq!(store.look_after(&rows[8]).unwrap(), None);
}

fn small_run(path: &Path) {
    let mut store = TrialStore::create(path, &info(), Durability::Process).unwrap();
    for index in 0..20 {
        let intent = intent(index);
        store.intend(&intent).unwrap();
        store.record(intent.key, 0, &stored()).unwrap();
    }
    let label = Label { trial: 4, role_model: 2, peers: 3, correction: Pose2::new(1.0, 0.0, -1.0) };
    let progress = Progress { loss: 0.5, labels: vec![label] };
    let end = BatchEnd { at_trial: 20, progress: &progress, state: &[1, 2, 3] };
    store.commit_batch(&end).unwrap();
    store.complete().unwrap();
}

/// Reads all that a program could want of a run.
fn read_everything(path: &Path) -> Result<usize, StoreError> {
    let store = TrialStore::read(path)?;
    store.info()?;
    store.is_complete()?;
    store.learner()?;
    store.checkpoints()?;
    Ok(store.trials(Phase::Train, 0)?.len() + store.labels()?.len())
}

#[test]
fn what_was_written_reads_back_to_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.sqlite");
    small_run(&path);
    let store = TrialStore::read(&path).unwrap();
    assert_eq!(store.info().unwrap(), info());
    assert!(store.is_complete().unwrap());
    assert_eq!(store.learner().unwrap(), Some((20, vec![1, 2, 3])));
    let rows = store.trials(Phase::Train, 0).unwrap();
    assert_eq!(rows.len(), 20);
    assert_eq!(rows[5], TrialRow { intent: intent(5), result: Some(stored()) });
    let labels = store.labels().unwrap();
    assert_eq!((labels[0].0, labels[0].1.role_model), (20, 2));
}

#[test]
fn a_trial_cut_off_before_its_result_is_found_as_an_intent() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.sqlite");
    let store = TrialStore::create(&path, &info(), Durability::Power).unwrap();
    store.intend(&intent(0)).unwrap();
    drop(store);
    let store = TrialStore::open(&path, Durability::Power).unwrap();
    assert_eq!(store.trials(Phase::Train, 0).unwrap()[0].result, None);
    store.intend(&intent(0)).unwrap();
    store.record(intent(0).key, 0, &stored()).unwrap();
    let rows = store.trials(Phase::Train, 0).unwrap();
    assert_eq!(rows.len(), 1, "the same trial made again is one trial");
    assert_eq!(rows[0].result, Some(stored()));
}

#[test]
fn a_run_file_that_was_killed_at_birth_is_born_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.sqlite");
    std::fs::write(path.with_extension("unborn"), "half a database").unwrap();
    small_run(&path);
    assert_eq!(read_everything(&path).unwrap(), 21);
}

#[test]
fn an_existing_run_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.sqlite");
    small_run(&path);
    let before = std::fs::read(&path).unwrap();
    assert!(TrialStore::create(&path, &info(), Durability::Process).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_damage_to_a_run_file_makes_reading_panic(
        spots in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        keep in 0.0..=1.0f64,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.sqlite");
        small_run(&path);
        let mut bytes = std::fs::read(&path).unwrap();
        for (spot, value) in spots {
            let at = spot.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate((bytes.len() as f64 * keep) as usize);
        std::fs::write(&path, &bytes).unwrap();
        if let Err(error) = read_everything(&path) {
            prop_assert!(error.to_string().contains("run.sqlite"));
        }
    }
}

#[test]
fn a_run_of_an_older_format_is_refused_with_both_formats() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.sqlite");
    small_run(&path);
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 1).unwrap();
    let refused = TrialStore::read(&path).unwrap_err();
    assert!(refused.is_bad_file());
    let said = refused.to_string();
    assert!(said.contains("run.sqlite") && said.contains("format is 1"), "{said}");
    assert!(said.contains("reads 2"), "{said}");
}

#[test]
fn a_full_disk_is_told_once_with_what_is_kept_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.sqlite");
    let store = TrialStore::create(&path, &info(), Durability::Process).unwrap();
    let pages: i64 = store.db.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    store.db.pragma_update_and_check(None, "max_page_count", pages + 1, |_| Ok(())).unwrap();
    let error = (0..1000).find_map(|index| store.intend(&intent(index)).err()).unwrap();
    let said = error.to_string();
    assert!(said.contains("run.sqlite: no room is left") && said.contains("--resume"), "{said}");
    assert!(!error.is_bad_file());
}
