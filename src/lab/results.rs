use super::Experiment;
use crate::report::{Checkpoint, HarmCount, RunResult, Scores, Shelf};
use crate::store::{StoreError, Stored, TrialRow, TrialStore};
use crate::task::{Outcome, Phase, Placement, Pose2, Reward, is_success};

/// How the backend of a run on hardware begins: there, evaluation is charged.
pub const HARDWARE: &str = "real";

/// What a run came to, from its store. Errors are the truth in simulation, the measurement on
/// hardware; there, evaluation trials and their time count on the x axis too.
pub fn read_run(experiment: &Experiment, store: &TrialStore) -> Result<RunResult, StoreError> {
    let reward = Reward::new(experiment.task.range);
    let mut made = store.trials(Phase::Prior, 0)?;
    made.extend(store.trials(Phase::Train, 0)?);
    let done: Vec<&Stored> = made.iter().filter_map(|row| row.result.as_ref()).collect();
    let info = store.info()?;
    let charged = info.backend.starts_with(HARDWARE);
    let mut checkpoints = Vec::new();
    let mut evaluated: Vec<Stored> = Vec::new();
    for made in store.checkpoints()? {
        let in_scene = store.trials(Phase::InScene, made)?;
        let held_out = store.trials(Phase::HeldOut, made)?;
        let before = done.iter().take(made as usize).copied().chain(&evaluated);
        checkpoints.push(Checkpoint {
            trial: made + evaluated.len() as u64,
            robot_hours: before.fold(0.0, |sum, r| sum + r.duration.seconds) / 3600.0,
            in_scene: scores(&reward, &in_scene),
            held_out: scores(&reward, &held_out),
        });
        if charged {
            evaluated.extend(in_scene.into_iter().chain(held_out).filter_map(|row| row.result));
        }
    }
    let shelf = store.trials(Phase::Shelf, experiment.trials)?;
    Ok(RunResult {
        seed: info.seed,
        version: info.version,
        commit: info.commit,
        checkpoints,
        shelf: (!shelf.is_empty()).then(|| shelf_of(&shelf)),
        harm: harm(done.iter().copied()),
        shelf_harm: harm(shelf.iter().filter_map(|row| row.result.as_ref())),
        outcomes: Outcome::tally(done.iter().map(|r| r.outcome)),
    })
}

/// The error that a trial counts with, and whether it succeeded.
pub fn score(reward: &Reward, result: &Stored) -> (Pose2, bool) {
    let placement: Option<&Placement> = result.truth.as_ref().or(result.measured.as_ref());
    let placed = placement.filter(|_| result.outcome == Outcome::Placed);
    let error = placed.map_or_else(|| reward.cap(), |p| p.pose);
    (error, is_success(result.outcome, placement, result.seated))
}

fn scores(reward: &Reward, rows: &[TrialRow]) -> Scores {
    let judged: Vec<(Pose2, bool)> =
        rows.iter().filter_map(|row| row.result.as_ref()).map(|r| score(reward, r)).collect();
    let of = judged.len().max(1) as f64;
    Scores {
        translation_mm: judged.iter().map(|(e, _)| e.translation_mm()).sum::<f64>() / of,
        yaw_deg: judged.iter().map(|(e, _)| e.yaw_deg.abs()).sum::<f64>() / of,
        successes: judged.iter().filter(|(_, success)| *success).count() as u64,
        of: judged.len() as u64,
    }
}

fn harm<'a>(results: impl Iterator<Item = &'a Stored>) -> HarmCount {
    let mut sum = HarmCount::default();
    for Stored { harm, .. } in results {
        sum.add(&HarmCount {
            trials: 1,
            jams: u64::from(harm.jam),
            drops: u64::from(harm.drop),
            plate_hits: harm.plate_hit.map(u64::from),
            force_sum_n: harm.peak_force_n,
            worst_force_n: harm.peak_force_n,
        });
    }
    sum
}

fn shelf_of(rows: &[TrialRow]) -> Shelf {
    let seated = |row: &&TrialRow| {
        row.result.as_ref().is_some_and(|r| r.outcome == Outcome::Placed && r.seated)
    };
    Shelf { placed: rows.iter().filter(seated).count() as u64, of: rows.len() as u64 }
}
