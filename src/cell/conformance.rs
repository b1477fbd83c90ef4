//! What every workcell must do, whatever is behind it: ideal, simulated, twin.

use std::ops::ControlFlow;

use super::{Attempt, CellError, PlateAt, Snapshot, Unwatched, Watch, Workcell};
use crate::task::{Correction, Outcome, Phase, Pose2, Setup, Streams, TrialKey};

/// How far a noise-free placement may be from the ideal one.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    pub mm: f64,
    pub deg: f64,
}

/// How alike the same trial must turn out when it is made again.
#[derive(Clone, Copy, Debug)]
pub enum Repeat {
    /// To the last bit, as in any simulation.
    Exact,
    /// As a machine repeats itself: same outcome, poses within twice the suite's tolerance.
    AsMeasured,
}

/// Runs the whole suite on cells without noise, fresh from `make`. An error says which promise
/// was broken and how.
pub fn conformance(
    mut make: impl FnMut() -> Box<dyn Workcell>,
    tolerance: Tolerance,
    repeat: Repeat,
) -> Result<(), String> {
    // One cell at a time: a real one has a single arm.
    let (cancelled, recovered) = (CANCELLED, RECOVERED);
    let fresh = |make: &mut dyn FnMut() -> Box<dyn Workcell>, (offset, correction)| {
        trial(make().as_mut(), offset, correction)
    };
    let after_cancel = fresh(&mut make, cancelled)?;
    let after_recovery = fresh(&mut make, recovered)?;
    let alike = |what: &str, again: &Attempt, first: &Attempt| match repeat {
        Repeat::Exact => ensure(again == first, || format!("{what} differs: {again:?} {first:?}")),
        Repeat::AsMeasured => similar(what, again, first, tolerance),
    };
    // A machine does not take the same number of ticks again.
    let share = if matches!(repeat, Repeat::Exact) { 1.0 } else { 0.7 };
    let mut cell = make();
    signs_and_frames(cell.as_mut(), tolerance)?;
    forbidden_corrections(cell.as_mut())?;
    out_of_reach(cell.as_mut(), repeat)?;
    attempts_need_a_prepared_plate(cell.as_mut())?;
    cancelling(cell.as_mut(), share, &mut |what, next| alike(what, next, &after_cancel))?;
    recovering(cell.as_mut(), &mut |what, next| alike(what, next, &after_recovery))
}

/// Offset and correction of the trials that are cut off, and made again.
const CANCELLED: (Pose2, Correction) =
    (Pose2 { x_mm: 1.0, y_mm: -2.0, yaw_deg: 1.5 }, Pose2 { x_mm: 0.5, y_mm: 0.5, yaw_deg: -0.5 });
const RECOVERED: (Pose2, Correction) =
    (Pose2 { x_mm: -1.0, y_mm: 1.0, yaw_deg: 1.0 }, Pose2::IDENTITY);

/// Says whether a trial turned out as a fresh cell's did.
type Compare<'a> = &'a mut dyn FnMut(&str, &Attempt) -> Result<(), String>;

fn similar(
    what: &str,
    again: &Attempt,
    first: &Attempt,
    tolerance: Tolerance,
) -> Result<(), String> {
    let twice = Tolerance { mm: 2.0 * tolerance.mm, deg: 2.0 * tolerance.deg };
    let alike = again.outcome == first.outcome && again.seated == first.seated;
    ensure(alike, || format!("{what} differs: {again:?} {first:?}"))?;
    near(&format!("{what}: executed"), again.executed, first.executed, twice)?;
    match (again.measured, first.measured) {
        (Some(a), Some(b)) => near(&format!("{what}: measured"), a.pose, b.pose, twice),
        (a, b) => ensure(a.is_some() == b.is_some(), || format!("{what}: measured once only")),
    }
}

/// On a cell whose arm misses its commands: `executed` says what was done, and so explains the
/// placement. `tolerance` covers the error of the arm's own reading and what else the cell adds.
pub fn disturbed_conformance(cell: &mut dyn Workcell, tolerance: Tolerance) -> Result<(), String> {
    let (offset, correction) = (Pose2::new(1.0, -1.0, 0.5), Pose2::new(0.5, 0.5, -0.5));
    let mut missed = 0;
    for index in 0..10 {
        let key = TrialKey { phase: Phase::Train, index };
        let setup = Setup { streams: Streams::new(1), key, instance: 0, offset, made: 0 };
        cell.prepare(&setup, &mut Unwatched).map_err(|e| e.to_string())?;
        let attempt = cell.attempt(correction, &mut Unwatched).map_err(|e| e.to_string())?;
        let placement = attempt.truth.or(attempt.measured).ok_or("nothing was placed")?;
        let wanted = attempt.executed.inverse().compose(offset);
        near(&format!("placement of trial {index}"), placement.pose, wanted, tolerance)?;
        missed += u32::from(attempt.executed != attempt.commanded);
    }
    ensure(missed > 0, || "the arm misses its commands, but `executed` repeats them".to_owned())
}

/// Without a correction the placement repeats the offset; the ideal correction is the offset;
/// in between, placement = correction^-1 . offset.
fn signs_and_frames(cell: &mut dyn Workcell, tolerance: Tolerance) -> Result<(), String> {
    let zero = Pose2::IDENTITY;
    let axes = [2.0, -2.0]
        .into_iter()
        .flat_map(|v| [Pose2::new(v, 0.0, 0.0), Pose2::new(0.0, v, 0.0), Pose2::new(0.0, 0.0, v)]);
    let mixed = Pose2::new(2.0, -1.5, 2.5);
    let cases = axes.flat_map(|pose| [(pose, zero), (zero, pose)]).chain([
        (mixed, mixed),
        (mixed, Pose2::new(-2.0, 1.0, -2.5)),
        (zero, zero),
    ]);
    for (offset, correction) in cases {
        let attempt = trial(cell, offset, correction)?;
        let wanted = correction.inverse().compose(offset);
        let case = format!("offset {offset:?}, correction {correction:?}");
        ensure(attempt.outcome == Outcome::Placed, || format!("{case}: {:?}", attempt.outcome))?;
        ensure(attempt.commanded == correction, || {
            format!("{case}: commanded reads {:?}", attempt.commanded)
        })?;
        near(&format!("{case}: executed"), attempt.executed, correction, tolerance)?;
        let measured = attempt.measured.ok_or(format!("{case}: nothing was measured"))?;
        near(&format!("{case}: measured placement"), measured.pose, wanted, tolerance)?;
        if let Some(truth) = attempt.truth {
            near(&format!("{case}: true placement"), truth.pose, wanted, tolerance)?;
        }
        if let Some(in_hand) = attempt.in_hand {
            near(&format!("{case}: pose in the hand"), in_hand, wanted, tolerance)?;
        }
        ensure(attempt.duration.seconds > 0.0, || format!("{case}: took no time"))?;
    }
    Ok(())
}

fn forbidden_corrections(cell: &mut dyn Workcell) -> Result<(), String> {
    let wrong = [1e3, -1e3, f64::NAN, f64::INFINITY]
        .into_iter()
        .flat_map(|v| [Pose2::new(v, 0.0, 0.0), Pose2::new(0.0, v, 0.0), Pose2::new(0.0, 0.0, v)]);
    for correction in wrong {
        prepare(cell, Pose2::IDENTITY)?;
        let result = cell.attempt(correction, &mut Unwatched);
        ensure(matches!(result, Err(CellError::Forbidden(_))), || {
            format!("correction {correction:?} must be forbidden, not {result:?}")
        })?;
    }
    let after = cell.attempt(Pose2::IDENTITY, &mut Unwatched).map_err(|e| e.to_string())?;
    ensure(after.outcome == Outcome::Placed, || {
        "a forbidden correction must leave the prepared trial as it was".to_owned()
    })
}

/// A plate that the hand does not reach is not grasped; an arm that brings the plate itself refuses
/// to put it there.
fn out_of_reach(cell: &mut dyn Workcell, repeat: Repeat) -> Result<(), String> {
    let far = Pose2::new(30.0, 0.0, 0.0);
    if matches!(repeat, Repeat::AsMeasured) {
        let result = cell.prepare(&setup(far), &mut Unwatched);
        return ensure(matches!(result, Err(CellError::Forbidden(_))), || {
            format!("a plate 30 mm ahead of the hand must be forbidden, not {result:?}")
        });
    }
    let attempt = trial(cell, far, Pose2::IDENTITY)?;
    ensure(attempt.outcome == Outcome::NoGrasp, || {
        format!("a plate 30 mm ahead of the hand must be no_grasp, not {:?}", attempt.outcome)
    })?;
    let nothing = attempt.measured.is_none() && attempt.truth.is_none() && !attempt.seated;
    ensure(nothing, || "no_grasp must have no placement".to_owned())
}

fn attempts_need_a_prepared_plate(cell: &mut dyn Workcell) -> Result<(), String> {
    trial(cell, Pose2::IDENTITY, Pose2::IDENTITY)?;
    let result = cell.attempt(Pose2::IDENTITY, &mut Unwatched);
    ensure(matches!(result, Err(CellError::Device(_))), || {
        format!("a second attempt without prepare must fail, not {result:?}")
    })
}

/// Cancelled at any tick, the next trial is what it would have been in a fresh cell.
fn cancelling(cell: &mut dyn Workcell, share: f64, compare: Compare<'_>) -> Result<(), String> {
    let (offset, correction) = CANCELLED;
    let mut counter = CancelAt { tick: u64::MAX, seen: 0 };
    prepare(cell, offset)?;
    cell.attempt(correction, &mut counter).map_err(|e| e.to_string())?;
    ensure(counter.seen > 0, || "a trial must tick".to_owned())?;
    let ticks = (counter.seen as f64 * share) as u64;
    for part in 0..7 {
        let tick = part * ticks.saturating_sub(1) / 6;
        let result = cut_off(cell, (offset, correction), tick)?;
        ensure(matches!(result, Err(CellError::Cancelled)), || {
            format!("cancelled at tick {tick} of {ticks}: must be Cancelled, not {result:?}")
        })?;
        let next = trial(cell, offset, correction)?;
        compare(&format!("after a cancel at tick {tick} the next trial"), &next)?;
    }
    Ok(())
}

/// An attempt that is cancelled at this tick. A machine does not take the same number of ticks again: one that
/// ended before the tick was never told to stop, and is made again.
fn cut_off(
    cell: &mut dyn Workcell,
    (offset, correction): (Pose2, Correction),
    tick: u64,
) -> Result<Result<Attempt, CellError>, String> {
    for _ in 0..5 {
        prepare(cell, offset)?;
        let mut cancel = CancelAt { tick, seen: 0 };
        let result = cell.attempt(correction, &mut cancel);
        if result.is_err() || cancel.seen > tick {
            return Ok(result);
        }
    }
    Err(format!("five attempts in a row ended before tick {tick}"))
}

fn recovering(cell: &mut dyn Workcell, compare: Compare<'_>) -> Result<(), String> {
    let (offset, correction) = RECOVERED;
    let mut counter = CancelAt { tick: u64::MAX, seen: 0 };
    prepare(cell, offset)?;
    cell.attempt(correction, &mut counter).map_err(|e| e.to_string())?;
    for part in 1..4 {
        let tick = part * counter.seen / 4;
        let cut = cut_off(cell, (offset, correction), tick)?;
        ensure(matches!(cut, Err(CellError::Cancelled)), || {
            format!("cancelled at tick {tick}: must be Cancelled, not {cut:?}")
        })?;
        let recover = |cell: &mut dyn Workcell| {
            cell.recover(&mut Unwatched).map_err(|e| format!("recover after tick {tick}: {e}"))
        };
        let (found, again) = (recover(cell)?, recover(cell)?);
        ensure(found != PlateAt::Hand, || {
            format!("recovering from tick {tick} left the plate in the hand")
        })?;
        ensure(found == again, || format!("recovering twice found {found:?}, then {again:?}"))?;
        let next = trial(cell, offset, correction)?;
        compare(&format!("after recovering from tick {tick} a trial"), &next)?;
    }
    Ok(())
}

struct CancelAt {
    tick: u64,
    seen: u64,
}

impl Watch for CancelAt {
    fn tick(&mut self, _: &Snapshot) -> ControlFlow<()> {
        self.seen += 1;
        if self.seen > self.tick { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn trial(
    cell: &mut dyn Workcell,
    offset: Pose2,
    correction: Correction,
) -> Result<Attempt, String> {
    prepare(cell, offset)?;
    let case = |e| format!("offset {offset:?}, correction {correction:?}: {e}");
    cell.attempt(correction, &mut Unwatched).map_err(case)
}

fn prepare(cell: &mut dyn Workcell, offset: Pose2) -> Result<(), String> {
    cell.prepare(&setup(offset), &mut Unwatched).map(drop).map_err(|e| format!("prepare: {e}"))
}

fn setup(offset: Pose2) -> Setup {
    let key = TrialKey { phase: Phase::Train, index: 0 };
    Setup { streams: Streams::new(1), key, instance: 0, offset, made: 0 }
}

fn near(what: &str, got: Pose2, wanted: Pose2, tolerance: Tolerance) -> Result<(), String> {
    let limits = [tolerance.mm, tolerance.mm, tolerance.deg];
    let close = got.axes().into_iter().zip(wanted.axes()).zip(limits);
    let ok = close.into_iter().all(|((a, b), limit)| (a - b).abs() <= limit);
    ensure(ok, || format!("{what} is {got:?}, must be {wanted:?} within {tolerance:?}"))
}

fn ensure(ok: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if ok { Ok(()) } else { Err(otherwise()) }
}
