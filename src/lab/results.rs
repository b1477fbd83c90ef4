use crate::config::Experiment;
use crate::report::{Checkpoint, RunResult, Scores, Shelf};
use crate::store::{StoreError, Stored, TrialRow, TrialStore};
use crate::task::{Outcome, Phase, Placement, Pose2, Reward, is_success};

/// What a run came to, from its store. Errors are the truth in simulation, the measurement on
/// hardware.
pub fn read_run(experiment: &Experiment, store: &TrialStore) -> Result<RunResult, StoreError> {
    let reward = Reward::new(experiment.task.range);
    let mut made = store.trials(Phase::Prior, 0)?;
    made.extend(store.trials(Phase::Train, 0)?);
    let done: Vec<&Stored> = made.iter().filter_map(|row| row.result.as_ref()).collect();
    let mut checkpoints = Vec::new();
    for trial in store.checkpoints()? {
        let before = done.iter().take(trial as usize);
        checkpoints.push(Checkpoint {
            trial,
            robot_hours: before.map(|r| r.duration.seconds).sum::<f64>() / 3600.0,
            in_scene: scores(&reward, &store.trials(Phase::InScene, trial)?),
            held_out: scores(&reward, &store.trials(Phase::HeldOut, trial)?),
        });
    }
    let shelf = store.trials(Phase::Shelf, experiment.trials)?;
    Ok(RunResult {
        seed: store.info()?.seed,
        checkpoints,
        shelf: (!shelf.is_empty()).then(|| shelf_of(&shelf)),
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

fn shelf_of(rows: &[TrialRow]) -> Shelf {
    let seated = |row: &&TrialRow| {
        row.result.as_ref().is_some_and(|r| r.outcome == Outcome::Placed && r.seated)
    };
    Shelf { placed: rows.iter().filter(seated).count() as u64, of: rows.len() as u64 }
}
