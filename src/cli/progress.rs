use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::status::schedule;
use crate::lab::{Entry, Event, Experiment, HARDWARE, Part};
use crate::learn::Recipe;
use crate::report::{Scores, Shown, shown_in};
use crate::store::Stored;
use crate::task::TrialKey;

/// Bars on a terminal: the whole with its time left, and one line a run. Elsewhere, a line a run
/// and a line a seed.
pub struct Progress {
    plain: bool,
    bars: MultiProgress,
    whole: ProgressBar,
    runs: Mutex<BTreeMap<(String, u64), ProgressBar>>,
    /// Of a run, by method.
    trials: BTreeMap<String, u64>,
    seeds: u64,
    /// On an arm, where a trial takes its time and somebody stands beside it: a line a trial, of the run that is made.
    arm: Option<Mutex<OnArm>>,
}

/// How far the run is that the arm makes, and since when.
struct OnArm {
    made: u64,
    here: u64,
    since: Instant,
}

impl Progress {
    /// Of the runs of this part, on this backend: on an arm, with a line a trial.
    pub fn new(experiment: &Experiment, part: &Part, backend: &str) -> Self {
        let of = |recipe: &Recipe| {
            let trials = schedule(experiment, recipe, backend).all_trials();
            (recipe.card().name.clone(), trials)
        };
        let trials: BTreeMap<String, u64> = experiment.methods.iter().map(of).collect();
        let bars = MultiProgress::new();
        let runs = part.runs(experiment).unwrap_or_default();
        let all = runs.iter().map(|(_, recipe)| trials[&recipe.card().name]).sum();
        let whole = bars.add(ProgressBar::new(all));
        whole.set_style(style(
            "{bar:30} {percent:>3} %  {human_pos} of {human_len} trials  {per_sec}  {eta} left  {msg}",
        ));
        whole.set_message("seeds complete: 0");
        let plain = !std::io::stderr().is_terminal();
        if !plain {
            whole.enable_steady_tick(Duration::from_millis(500));
        }
        let (runs, seeds) = (Mutex::default(), experiment.seeds);
        let now = || Mutex::new(OnArm { made: 0, here: 0, since: Instant::now() });
        let arm = (backend == HARDWARE).then(now);
        Self { plain, bars, whole, runs, trials, seeds, arm }
    }

    /// The run that begins holds so many trials already.
    pub fn goes_on_after(&self, trials: u64) {
        let Some(arm) = &self.arm else { return };
        let mut arm = arm.lock().unwrap_or_else(PoisonError::into_inner);
        *arm = OnArm { made: trials, here: 0, since: Instant::now() };
    }

    fn say_trial(&self, (method, seed): (&str, u64), key: TrialKey, result: &Stored) {
        let Some(arm) = &self.arm else { return };
        let mut arm = arm.lock().unwrap_or_else(PoisonError::into_inner);
        let all = self.trials_of(method);
        (arm.made, arm.here) = ((arm.made + 1).min(all), arm.here + 1);
        let each = arm.since.elapsed().as_secs_f64() / arm.here as f64;
        let left = each * all.saturating_sub(arm.made) as f64;
        self.say(&trial_line((method, seed), (arm.made, all), key, result, left));
    }

    pub fn show(&self, event: &Event<'_>) {
        // A poisoned lock means a panic elsewhere; bars may still be drawn.
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        match *event {
            Event::Started { method, seed } => {
                let bar = self.bars.add(ProgressBar::new(self.trials_of(method)));
                bar.set_style(style("  {msg:28} {bar:20} {human_pos}"));
                bar.set_message(format!("{method} seed {seed}"));
                runs.insert((method.to_owned(), seed), bar);
            }
            Event::Wrote { entry: Entry::Learned { .. } | Entry::Completed, .. } => {}
            Event::Wrote { method, seed, entry: Entry::Tried { key, result, .. } } => {
                self.say_trial((method, seed), *key, result);
                self.whole.inc(1);
                if let Some(bar) = runs.get(&(method.to_owned(), seed)) {
                    bar.inc(1);
                }
            }
            Event::Finished { method, seed, result } => {
                if let Some(bar) = runs.remove(&(method.to_owned(), seed)) {
                    // What a resumed run had already made.
                    self.whole.inc(self.trials_of(method).saturating_sub(bar.position()));
                    bar.finish_and_clear();
                }
                if self.plain
                    && let Some(last) = result.checkpoints.last()
                {
                    let (in_scene, held_out) = (values(&last.in_scene), values(&last.held_out));
                    eprintln!(
                        "seed {seed:>3}  {method:18} {in_scene} in-scene, {held_out} held-out"
                    );
                }
            }
            Event::Elsewhere { method, seed } => {
                self.say(&format!(
                    "seed {seed:>3}  {method:18} is made by another process: waiting"
                ));
            }
            Event::Failed { method, seed, reason } => {
                if let Some(bar) = runs.remove(&(method.to_owned(), seed)) {
                    // What it will not make does not count as time left.
                    self.whole.inc(self.trials_of(method).saturating_sub(bar.position()));
                    bar.finish_and_clear();
                }
                self.say(&format!("seed {seed:>3}  {method:18} FAILED: {reason}"));
            }
            Event::Seed { results, .. } => {
                let complete = results.methods.first().map_or(0, |m| m.runs.len());
                self.whole.set_message(format!("seeds complete: {complete}"));
                if self.plain {
                    eprintln!("{complete} of {} seeds complete; report written", self.seeds);
                }
            }
        }
    }

    /// A line that stays.
    fn say(&self, line: &str) {
        if self.plain || self.bars.println(line).is_err() {
            eprintln!("{line}");
        }
    }

    fn trials_of(&self, method: &str) -> u64 {
        self.trials.get(method).copied().unwrap_or(0)
    }

    pub fn end(&self) {
        self.whole.finish_and_clear();
    }
}

/// `rm-rl seed 1: trial 13 of 140 (train 8) placed, off by 0.42 mm 0.31 deg, 14 s; 33 min left of this run`.
fn trial_line(
    (method, seed): (&str, u64),
    (made, all): (u64, u64),
    key: TrialKey,
    result: &Stored,
    seconds_left: f64,
) -> String {
    let off = result.measured.as_ref().map_or(String::new(), |placement| {
        let pose = placement.pose;
        format!(", off by {:.2} mm {:.2} deg", pose.translation_mm(), pose.yaw_deg.abs())
    });
    let (phase, nth) = (key.phase.name(), key.index + 1);
    let (outcome, seconds) = (result.outcome.name(), result.duration.seconds);
    let left = match (seconds_left / 60.0).round() {
        minutes if minutes < 1.0 => "less than a minute".to_owned(),
        minutes if minutes < 100.0 => format!("{minutes:.0} min"),
        minutes => format!("{:.1} h", minutes / 60.0),
    };
    format!(
        "{method} seed {seed}: trial {made} of {all} ({phase} {nth}) {outcome}{off}, {seconds:.0} s; {left} left of \
         this run"
    )
}

/// The main metrics of an evaluation: `0.76 mm 0.42 deg`.
fn values(scores: &Scores) -> String {
    let metrics = shown_in(Shown::Curves).into_iter();
    let values = metrics.map(|m| format!("{:.*} {}", m.decimals, scores.value(&m), m.short));
    values.collect::<Vec<_>>().join(" ")
}

pub(super) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::RobotTime;
    use crate::task::{Outcome, Phase, Placement, Pose2};

    #[test]
    fn a_line_a_trial_says_how_it_went_and_how_long_is_left() {
        let key = TrialKey { phase: Phase::Train, index: 7 };
        let pose = Pose2::new(0.3, -0.4, -0.3);
        let placed = Stored {
            outcome: Outcome::Placed,
            measured: Some(Placement { pose, z_mm: 0.0, tilt_deg: 0.0 }),
            duration: RobotTime { seconds: 14.2 },
            ..Stored::interrupted(Pose2::IDENTITY, 0.0)
        };
        let line = trial_line(("rm-rl", 1), (13, 140), key, &placed, 1980.0);
        let wanted = "rm-rl seed 1: trial 13 of 140 (train 8) placed, off by 0.50 mm 0.30 deg, 14 s; 33 min left \
                      of this run";
        assert_eq!(line, wanted);
        let dropped = Stored { outcome: Outcome::Dropped, measured: None, ..placed };
        let line = trial_line(("rm-rl", 1), (14, 140), key, &dropped, 21_600.0);
        assert!(line.contains(") dropped, 14 s; 6.0 h left"), "{line}");
    }
}
