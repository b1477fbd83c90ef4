use std::panic::AssertUnwindSafe;

use super::*;
use crate::cell::{IdealCell, Unwatched, Workcell, picture};
use crate::lab::{missing, read_results};

fn small() -> Experiment {
    let sets = ["methods=[\"rm-rl\", \"no-correction\"]", "seeds=2", "demonstration=[]"];
    let small = ["rm-rl.patch_width=8", "rm-rl.merge_width=16", "rm-rl.dense_width=32"];
    let short = ["trials=40", "evaluation.every=40", "evaluation.trials=2"];
    let all = sets.iter().chain(&small).chain(&short).map(|s| (*s).to_owned());
    Experiment::open("smoke", &all.collect::<Vec<_>>()).unwrap()
}

/// Carries it out on ideal cells.
fn carry_out(
    experiment: &Experiment,
    folder: &Path,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<ExperimentResult, LabError> {
    let task = &experiment.task;
    let cell = |_: &str| -> Result<Option<Box<dyn Workcell>>, LabError> {
        let shown = task.clone();
        Ok(Some(Box::new(IdealCell::new(task.clone(), move |setup| picture(&shown, setup)))))
    };
    let stop = AtomicBool::new(false);
    let word = || "test".to_owned();
    let sweep = Sweep {
        experiment,
        folder,
        part: &Part::All,
        scratch: None,
        jobs: 2,
        cells: &cell,
        starts: &|_, _| Ok(Start::default()),
        provenance: Provenance { backend: word(), robot: None, scenes: Vec::new() },
        session: Session { host: word(), cpu: word(), program: word(), command: word(), arm: None },
        alone: false,
        durability: Durability::Process,
        stop: &stop,
        watch: &|_| Box::new(Unwatched),
    };
    sweep.run(tell)
}

#[test]
fn on_an_arm_the_methods_of_a_seed_take_their_turns_in_random_order_and_always_the_same_one() {
    let seed = |run: usize| 1 + run as u64 / 8;
    let turns = || {
        let mut runs: Vec<usize> = (0..80).collect();
        shuffle_within_seeds(&mut runs, seed);
        runs
    };
    let found = turns();
    assert_eq!(found, turns());
    let mut orders = BTreeSet::new();
    for (block, runs) in found.chunks(8).enumerate() {
        let mut methods: Vec<usize> = runs.iter().map(|run| run - 8 * block).collect();
        orders.insert(methods.clone());
        methods.sort_unstable();
        assert_eq!(methods, (0..8).collect::<Vec<_>>(), "seed by seed, each method once");
    }
    assert!(orders.len() > 5, "{orders:?}");
}

#[test]
fn who_listens_hears_what_is_on_disk_and_can_neither_hold_up_a_run_nor_make_it_fail() {
    let experiment = small();
    let [calm, slow, broken] = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let mut heard = Vec::new();
    let wanted = carry_out(&experiment, calm.path(), &mut |event| {
        if let Event::Wrote { method: "rm-rl", seed: 1, entry } = event {
            heard.push(entry.clone());
        }
    })
    .unwrap();
    let tried = heard.iter().filter(|entry| matches!(entry, Entry::Tried { .. })).count();
    let learned: Vec<_> = heard
        .iter()
        .filter_map(|entry| match entry {
            Entry::Learned { at_trial, progress } => Some((*at_trial, progress)),
            _ => None,
        })
        .collect();
    assert_eq!((tried, heard.last()), (40 + 2 * 4, Some(&Entry::Completed)));
    assert_eq!(learned.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [20, 40]);
    let why: Vec<&str> = learned[1].1.diagnostics.keys().map(String::as_str).collect();
    assert_eq!(why, ["grad_norm", "imitation", "label_churn", "policy_gradient"]);

    // It still hears the first entries when all runs have long ended.
    let mut late = 0;
    let done = |folder: &Path| missing(folder, &experiment).unwrap().is_empty();
    carry_out(&experiment, slow.path(), &mut |event| {
        if let Event::Wrote { .. } = event
            && late == 0
        {
            for _ in 0..6000 {
                if done(slow.path()) {
                    late = 1;
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    })
    .unwrap();
    assert_eq!(late, 1, "the runs waited for who listens");

    let panics = || carry_out(&experiment, broken.path(), &mut |_| panic!("a listener's fault"));
    assert!(std::panic::catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert!(done(broken.path()), "every run came to its end all the same");
    let results = read_results(broken.path(), &experiment).unwrap();
    let figures = |results: &ExperimentResult| {
        let runs = results.methods.iter().flat_map(|method| &method.runs);
        runs.map(|run| run.checkpoints.clone()).collect::<Vec<_>>()
    };
    assert_eq!(figures(&results), figures(&wanted));
}
