use super::collect::passes_through;
use super::label_quality::label_counts;
use super::{Experiment, Schedule};
use crate::input::{ConfigError, Content};
use crate::report::{
    Checkpoint, Demonstrated, Evaluated, HarmCount, Judged, MadeBy, Origin, RunResult, Scores,
};
use crate::store::{
    Intent, Provenance, RunInfo, Session, StoreError, Stored, Times, TrialRow, TrialStore,
};
use crate::task::{Outcome, Phase, Placement, Reward, is_success};

/// The backend of a run on hardware: there, evaluation is charged.
pub const HARDWARE: &str = "real";
/// The backend whose cells are as their files say, unless the task has dirt.
pub const SIMULATION: &str = "sim";
/// The backend of a run on a twin in virtual time, whose cells are not.
pub const TWIN: &str = "twin";

/// What a run came to, from its store. Errors are the truth in simulation, the measurement on
/// hardware; there, evaluation trials and their time count on the x axis too.
pub fn read_run(experiment: &Experiment, store: &TrialStore) -> Result<RunResult, StoreError> {
    let reward = Reward::new(&experiment.task);
    let mut made = store.trials(Phase::Prior, 0)?;
    made.extend(store.trials(Phase::Train, 0)?);
    let done: Vec<&Stored> = made.iter().filter_map(|row| row.result.as_ref()).collect();
    let info = store.info()?;
    let charged = info.provenance.backend == HARDWARE;
    let foreign = |error: ConfigError| StoreError::foreign(store.path(), error.to_string());
    let file = store.path().display().to_string();
    let card = experiment.method(&file, &info.method).map_err(foreign)?.card();
    let schedule = Schedule::new(experiment, card);
    // What was given to the run, it did not make.
    let given = if card.prior_given { card.prior_trials as usize } else { 0 };
    let own = || done.iter().skip(given);
    let mut checkpoints = Vec::new();
    let mut charged_for: Vec<Stored> = Vec::new();
    let mut evaluated = Vec::new();
    for at in store.checkpoints()? {
        let in_scene = store.trials(Phase::InScene, at)?;
        let held_out = store.trials(Phase::HeldOut, at)?;
        let before = done.iter().take(at as usize).copied().chain(&charged_for);
        checkpoints.push(Checkpoint {
            trial: (at + charged_for.len() as u64) as i64 - card.on_top() as i64,
            robot_hours: before.fold(0.0, |sum, r| sum + r.duration.seconds) / 3600.0,
            in_scene: scores(&reward, &in_scene),
            held_out: scores(&reward, &held_out),
        });
        evaluated = [&in_scene, &held_out].map(|rows| in_detail(&reward, rows)).concat();
        if charged {
            charged_for.extend(in_scene.into_iter().chain(held_out).filter_map(|row| row.result));
        }
    }
    let shown = store.trials(Phase::Shelf, schedule.trials())?;
    Ok(RunResult {
        seed: info.seed,
        origin: origin(store, &info)?,
        version: info.version,
        commit: info.commit,
        // Only there is the offset the ideal correction.
        labels: match given > 0
            || info.provenance.backend != SIMULATION
            || experiment.task.is_dirty()
            || !passes_through(experiment)
        {
            true => Vec::new(),
            false => label_counts(&experiment.task, &reward, &made, &store.labels()?),
        },
        contrasts_sha256: store.contrasts()?,
        checkpoints,
        evaluated,
        demonstrations: demonstrated(experiment, &schedule, &shown),
        harm: harm(own().copied()),
        outcomes: Outcome::tally(own().map(|r| r.outcome)),
    })
}

fn origin(store: &TrialStore, info: &RunInfo) -> Result<Origin, StoreError> {
    let made_by = |Session { host, cpu, program, command, arm, .. }| MadeBy {
        host,
        cpu,
        program,
        command,
        arm,
    };
    let Provenance { backend, robot, scenes } = &info.provenance;
    let files = robot.iter().chain(scenes);
    let Times { trials, begun, ended, in_trials_s, robot_s, learning_s } = store.times()?;
    Ok(Origin {
        backend: backend.clone(),
        experiment_sha256: Content::of([&info.experiment]).to_string(),
        files: files.map(|file| (file.name.clone(), file.sha256.clone())).collect(),
        sessions: store.sessions()?.into_iter().map(made_by).collect(),
        begun,
        ended,
        trials,
        in_trials_s,
        robot_s,
        learning_s,
    })
}

/// How a trial counts.
pub fn judge(reward: &Reward, result: &Stored) -> Judged {
    let placement: Option<&Placement> = result.truth.as_ref().or(result.measured.as_ref());
    let is_placed = result.outcome == Outcome::Placed;
    let placed = placement.filter(|_| is_placed);
    Judged {
        error: placed.map_or_else(|| reward.cap(), |p| p.pose),
        outcome: result.outcome,
        success: is_success(result.outcome, placement, result.seated),
        seated: is_placed && result.seated,
        robot_seconds: result.duration.seconds,
        peak_force_n: result.harm.peak_force_n,
    }
}

fn scores(reward: &Reward, rows: &[TrialRow]) -> Scores {
    let results = rows.iter().filter_map(|row| row.result.as_ref());
    Scores::judge(&results.map(|result| judge(reward, result)).collect::<Vec<_>>())
}

/// Each trial that has a result.
fn in_detail(reward: &Reward, rows: &[TrialRow]) -> Vec<Evaluated> {
    let done = rows.iter().filter_map(|row| Some((&row.intent, row.result.as_ref()?)));
    let in_detail = |(intent, result): (&Intent, &Stored)| {
        let placed = result.measured.filter(|_| result.outcome == Outcome::Placed);
        Evaluated {
            held_out: intent.key.phase == Phase::HeldOut,
            number: intent.key.index,
            offset: intent.offset,
            judged: judge(reward, result),
            measured: placed.map(|placement| placement.pose),
            spread: intent.decision.spread,
        }
    };
    done.map(in_detail).collect()
}

/// The trials of each demonstration: they are numbered on from one to the next.
fn demonstrated(
    experiment: &Experiment,
    schedule: &Schedule,
    rows: &[TrialRow],
) -> Vec<Demonstrated> {
    let shown = experiment.demonstrations.iter().enumerate().map(|(which, shown)| {
        let numbers = schedule.demonstration(which);
        let rows = || rows.iter().filter(|row| numbers.contains(&row.intent.key.index));
        let results = || rows().filter_map(|row| row.result.as_ref());
        let placed = results().filter(|r| r.outcome == Outcome::Placed && r.seated);
        Demonstrated {
            scene: shown.scene.clone(),
            placed: placed.count() as u64,
            of: rows().count() as u64,
            harm: harm(results()),
        }
    });
    shown.filter(|shown| shown.of > 0).collect()
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
