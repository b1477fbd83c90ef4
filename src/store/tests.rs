use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::cell::{Harm, RobotTime};
use crate::learn::{Decision, Label, Progress};
use crate::task::{Image, ImageSize, Outcome, Phase, Placement, Pose2, TrialKey};

fn info() -> RunInfo {
    RunInfo {
        experiment: "name = \"x\"".into(),
        method: "rm-rl".into(),
        seed: 7,
        provenance: provenance("ab"),
        version: "0".into(),
        commit: "unknown".into(),
    }
}

fn provenance(robot: &str) -> Provenance {
    let named = |name: &str, sha256: &str| Named { name: name.into(), sha256: sha256.into() };
    Provenance {
        backend: "sim".into(),
        robot: Some(named("gantry", robot)),
        scenes: vec![named("open", "cd")],
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
            spread: index.is_multiple_of(2).then_some([0.3, 0.25, 0.1]),
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
    let image = Image::of(ImageSize::default(), |i| i as u8);
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
    let diagnostics = BTreeMap::from([("entropy".to_owned(), 1.5), ("kl".to_owned(), f64::NAN)]);
    let progress = Progress { loss: 0.5, labels: vec![label], diagnostics };
    let end = BatchEnd { at_trial: 20, progress: &progress, state: &[1, 2, 3] };
    store.commit_batch(&end).unwrap();
    store.complete().unwrap();
    store.close().unwrap();
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
    let said = store.diagnostics().unwrap();
    assert_eq!((said[0].0, said[0].1.as_str(), said[0].2), (20, "entropy", 1.5));
    assert!(said[1].2.is_nan());
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
    // Made again with another decision, as a program with draws of its own may.
    let mut again = intent(0);
    again.decision = Decision::at(Pose2::new(1.5, -0.5, 0.25));
    store.intend(&again).unwrap();
    store.record(again.key, 0, &stored()).unwrap();
    let rows = store.trials(Phase::Train, 0).unwrap();
    assert_eq!(rows.len(), 1, "the same trial made again is one trial");
    assert_eq!(rows[0], TrialRow { intent: again, result: Some(stored()) });
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
    assert!(said.contains("reads 2 to 3"), "{said}");
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

/// Everything in a folder: names, bytes and times of change.
fn folder(path: &Path) -> BTreeMap<String, (Vec<u8>, String)> {
    let entry = |file: std::io::Result<std::fs::DirEntry>| {
        let file = file.unwrap();
        let changed = file.metadata().unwrap().modified().unwrap();
        let name = file.file_name().to_string_lossy().into_owned();
        (name, (std::fs::read(file.path()).unwrap(), format!("{changed:?}")))
    };
    std::fs::read_dir(path).unwrap().map(entry).collect()
}

/// A run and its journal as a kill leaves them: a copy of the files while they are open.
fn killed(run: &Path) -> tempfile::TempDir {
    let store = TrialStore::open(run, Durability::Process).unwrap();
    store.intend(&intent(20)).unwrap();
    store.record(intent(20).key, 0, &stored()).unwrap();
    let killed = tempfile::tempdir().unwrap();
    for (name, (bytes, _)) in folder(run.parent().unwrap()) {
        std::fs::write(killed.path().join(name), bytes).unwrap();
    }
    killed
}

/// `status`, `report` and `eval` once failed on a read-only disk.
#[test]
fn reading_writes_nothing_whatever_a_killed_run_left() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a run?#%20.sqlite");
    small_run(&path);
    let whole = folder(dir.path());
    assert_eq!(whole.len(), 1, "a finished run is one file: {:?}", whole.keys());
    assert_eq!(read_everything(&path).unwrap(), 21);
    assert_eq!(folder(dir.path()), whole);

    let killed = killed(&path);
    let there = killed.path().join(path.file_name().unwrap());
    let before = folder(killed.path());
    assert_eq!(before.len(), 3, "{:?}", before.keys());
    assert_eq!(read_everything(&there).unwrap(), 22, "the journal counts");
    assert_eq!(folder(killed.path()), before);

    // Copied without the journal's index.
    std::fs::remove_file(killed.path().join("a run?#%20.sqlite-shm")).unwrap();
    let before = folder(killed.path());
    assert_eq!(read_everything(&there).unwrap(), 22);
    assert_eq!(folder(killed.path()), before);
}

const OTHER_READER: &str = "RMRL_TEST_OTHER_READER";

/// The other process of the next test, which runs this test alone.
#[test]
fn another_reader() {
    let Ok(path) = std::env::var(OTHER_READER) else { return };
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    while std::io::Read::read(&mut std::io::stdin(), &mut [0]).is_ok_and(|bytes| bytes > 0) {
        let db = rusqlite::Connection::open_with_flags(&path, flags).unwrap();
        db.query_row("SELECT COUNT(*) FROM trial", [], |row| row.get::<_, i64>(0)).unwrap();
    }
}

/// The first to open a killed run's journal mends its index; who may only read then waits. A
/// comparison that was gone on with once said that the run file was damaged.
#[test]
fn a_killed_run_is_read_while_somebody_else_opens_and_closes_it() {
    use std::io::Write;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.sqlite");
    small_run(&path);
    let killed = killed(&path);
    let path = killed.path().join("run.sqlite");
    let mut other = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::another_reader"])
        .env(OTHER_READER, &path)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut once_more = other.stdin.take().unwrap();
    for _ in 0..4000 {
        once_more.write_all(b".").unwrap();
        assert_eq!(read_everything(&path).unwrap(), 22);
    }
    drop(once_more);
    assert!(other.wait().unwrap().success());
}

/// SQLite shares a journal's index within a process: a reader of a killed run once kept who went on with it from
/// writing, "attempt to write a readonly database".
#[test]
fn a_killed_run_is_gone_on_with_while_this_process_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.sqlite");
    small_run(&path);
    for _ in 0..20 {
        let killed = killed(&path);
        let path = killed.path().join("run.sqlite");
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    read_everything(&path).unwrap();
                }
            });
            for index in 21..26 {
                let store = TrialStore::open(&path, Durability::Process).unwrap();
                let wrote = store
                    .intend(&intent(index))
                    .and_then(|()| store.record(intent(index).key, 0, &stored()));
                if wrote.is_err() {
                    done.store(true, std::sync::atomic::Ordering::Relaxed);
                }
                wrote.unwrap();
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }
}

#[test]
fn a_run_is_read_while_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.sqlite");
    let store = TrialStore::create(&path, &info(), Durability::Process).unwrap();
    for index in 0..30 {
        store.intend(&intent(index)).unwrap();
        store.record(intent(index).key, 0, &stored()).unwrap();
        let reader = TrialStore::read(&path).unwrap();
        assert_eq!(reader.trials(Phase::Train, 0).unwrap().len() as u64, index + 1);
    }
}

/// Made by version 0.1.0 at 706cc8c: `train smoke --method rm-rl-pretrained --seed 1 --trials 60`
/// with 20 prior trials, without demonstrations; the learner's state is left out, for its size.
const FORMAT_2: &[u8] = include_bytes!("format2.sqlite");

#[test]
fn a_run_of_format_2_is_read_as_it_was_and_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.sqlite");
    std::fs::write(&path, FORMAT_2).unwrap();
    let before = folder(dir.path());
    let store = TrialStore::read(&path).unwrap();
    assert_eq!(store.trials(Phase::Train, 0).unwrap().len(), 40);
    assert_eq!(store.info().unwrap().provenance.backend, "sim");
    // As format 2 has them: places among prior and training trials.
    let old = rusqlite::Connection::open_with_flags(
        dir.path().join("run.sqlite"),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    )
    .unwrap();
    let mut statement =
        old.prepare("SELECT at_trial, trial, role_model FROM label ORDER BY 1, 2").unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let labels: Vec<(i64, i64, i64)> =
        statement.query_map([], row).unwrap().map(Result::unwrap).collect();
    assert!(labels.len() > 40);
    let migrated = store.labels().unwrap();
    let migrated = migrated.iter().map(|(at, label)| (*at, label.trial, label.role_model));
    let migrated = migrated.map(|(at, own, model)| (at as i64, own as i64, model as i64));
    assert_eq!(migrated.collect::<Vec<_>>(), labels);
    drop(statement);
    drop(old);
    assert_eq!(folder(dir.path()), before);
    let said = TrialStore::open(&path, Durability::Process).unwrap_err().to_string();
    assert!(said.contains("can be read") && said.contains("--fresh"), "{said}");
}

/// What a run without the columns of the spread is: made by a program that did not know them.
#[test]
fn a_run_from_before_methods_said_their_spread_is_read_and_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.sqlite");
    small_run(&path);
    let db = rusqlite::Connection::open(&path).unwrap();
    for column in ["spread_x_mm", "spread_y_mm", "spread_yaw_deg"] {
        db.execute_batch(&format!("ALTER TABLE trial DROP COLUMN {column}")).unwrap();
    }
    drop(db);
    let store = TrialStore::read(&path).unwrap();
    let spreads = |store: &TrialStore| -> Vec<_> {
        let rows = store.trials(Phase::Train, 0).unwrap();
        rows.iter().map(|row| row.intent.decision.spread).collect()
    };
    assert_eq!(spreads(&store), [None; 20]);
    drop(store);
    let store = TrialStore::open(&path, Durability::Process).unwrap();
    store.intend(&intent(20)).unwrap();
    assert_eq!(spreads(&store)[19..], [None, intent(20).decision.spread]);
}

/// Labels once named trials by their place, which joins with no column of `trial`.
#[test]
fn labels_join_with_the_trials_they_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.sqlite");
    let mut store = TrialStore::create(&path, &info(), Durability::Process).unwrap();
    let keys = (0..3).map(|index| TrialKey { phase: Phase::Prior, index });
    // An evaluation lies between, so that ids are not places.
    let keys = keys.chain((0..5).map(|index| TrialKey { phase: Phase::HeldOut, index }));
    for key in keys.chain((0..4).map(|index| TrialKey { phase: Phase::Train, index })) {
        store.intend(&Intent { key, ..intent(0) }).unwrap();
        store.record(key, 0, &stored()).unwrap();
    }
    let label = |trial, role_model| Label {
        trial,
        role_model,
        peers: 2,
        correction: Pose2::new(1.0, 0.0, 0.0),
    };
    let labels = vec![label(2, 6), label(5, 0)];
    let progress = Progress { loss: f64::NAN, labels: labels.clone(), ..Progress::default() };
    store.commit_batch(&BatchEnd { at_trial: 7, progress: &progress, state: &[] }).unwrap();
    let read: Vec<_> = store.labels().unwrap().into_iter().map(|(_, label)| label).collect();
    assert_eq!(read, labels);
    let sql = "SELECT phase, number, role_model_phase, role_model_number FROM role_model_history";
    let mut statement = store.db.prepare(sql).unwrap();
    let row = |row: &rusqlite::Row<'_>| {
        let text = |at| row.get::<_, String>(at);
        Ok((text(0)?, row.get::<_, i64>(1)?, text(2)?, row.get::<_, i64>(3)?))
    };
    let history: Vec<_> = statement.query_map([], row).unwrap().map(Result::unwrap).collect();
    let named = |a: &str, n, b: &str, m| (a.to_owned(), n, b.to_owned(), m);
    assert_eq!(history, [named("prior", 2, "train", 3), named("train", 2, "prior", 0)]);
    let unknown = Progress { labels: vec![label(99, 0)], ..Progress::default() };
    let end = BatchEnd { at_trial: 8, progress: &unknown, state: &[] };
    drop(statement);
    assert!(store.commit_batch(&end).is_err(), "a label of no trial");
}

#[test]
fn what_differs_between_two_runs_is_named() {
    let (one, other) = (provenance("ab"), provenance("ef"));
    assert_eq!(one.difference(&one), None);
    let (key, here, there) = one.difference(&other).unwrap();
    assert_eq!((key.as_str(), here.as_str()), ("robot gantry", "content ab"));
    assert_eq!(there, "content ef");
    let fewer = Provenance { scenes: vec![], ..one.clone() };
    assert_eq!(one.difference(&fewer).unwrap().0, "scene open");
    let real = Provenance { backend: "real".into(), ..one.clone() };
    assert_eq!(one.difference(&real).unwrap().0, "backend");
}

#[test]
fn every_table_and_column_is_described() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.sqlite");
    let store = TrialStore::create(&path, &info(), Durability::Process).unwrap();
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/data.md")).unwrap();
    let sql = "SELECT s.name, c.name FROM sqlite_schema AS s, pragma_table_info(s.name) AS c \
               WHERE s.type IN ('table', 'view')";
    let mut statement = store.db.prepare(sql).unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let columns: Vec<(String, String)> =
        statement.query_map([], row).unwrap().map(Result::unwrap).collect();
    assert!(columns.len() > 60);
    // Described as a whole.
    let whole = ["run", "learner", "pause", "picture_after"];
    for (table, column) in columns {
        assert!(page.contains(&format!("`{table}`")), "{table}");
        // Of a pose, the first column or all of them at once: `seen_...`.
        let ends = ["_x_mm", "_y_mm", "_yaw_deg", "_z_mm", "_tilt_deg", "_x", "_y", "_yaw"];
        let pose = ends.iter().find_map(|end| column.strip_suffix(end)).unwrap_or(&column);
        let named = [format!("`{column}`"), format!("`{pose}_...`")];
        let known = whole.contains(&table.as_str()) || named.iter().any(|name| page.contains(name));
        assert!(known, "{table}.{column} is not in docs/data.md");
    }
}

#[test]
fn what_a_run_begins_with_is_written_once_and_before_its_trials() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.sqlite");
    let store = TrialStore::create(&path, &info(), Durability::Process).unwrap();
    assert_eq!((store.has_begun().unwrap(), store.initial_weights().unwrap()), (false, None));
    let key = |index| TrialKey { phase: Phase::Prior, index };
    let image = Some(Image::of(ImageSize::default(), |i| i as u8));
    let row = |index| TrialRow {
        intent: Intent { key: key(index), image: image.clone(), ..intent(index) },
        result: Some(stored()),
    };
    let start = Start { weights: Some(vec![1, 2, 3]), prior: (0..3).map(row).collect() };
    store.begin_with(&start).unwrap();
    assert!(store.begin_with(&start).is_err(), "once");
    drop(store);
    let store = TrialStore::read(&path).unwrap();
    assert_eq!(store.trials(Phase::Prior, 0).unwrap(), start.prior);
    assert_eq!(store.initial_weights().unwrap(), start.weights);
    assert!(store.has_begun().unwrap());
    assert_eq!(store.done(0).unwrap(), [], "the run made none of them");
}
