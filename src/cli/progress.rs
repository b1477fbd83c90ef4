use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::lab::{Entry, Event, Experiment, Part, Schedule};
use crate::learn::Recipe;
use crate::report::{Scores, Shown, shown_in};

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
}

impl Progress {
    /// Of the runs of this part.
    pub fn new(experiment: &Experiment, part: &Part) -> Self {
        let of = |recipe: &Recipe| {
            let card = recipe.card();
            (card.name.clone(), Schedule::new(experiment, card).all_trials())
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
        Self { plain, bars, whole, runs: Mutex::default(), trials, seeds: experiment.seeds }
    }

    pub fn show(&self, event: &Event<'_>) {
        // A poisoned lock means a panic elsewhere; bars may still be drawn.
        let mut runs = self.runs.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match *event {
            Event::Started { method, seed } => {
                let bar = self.bars.add(ProgressBar::new(self.trials_of(method)));
                bar.set_style(style("  {msg:28} {bar:20} {human_pos}"));
                bar.set_message(format!("{method} seed {seed}"));
                runs.insert((method.to_owned(), seed), bar);
            }
            Event::Wrote { entry: Entry::Learned { .. } | Entry::Completed, .. } => {}
            Event::Wrote { method, seed, entry: Entry::Tried { .. } } => {
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

/// The main metrics of an evaluation: `0.76 mm 0.42 deg`.
fn values(scores: &Scores) -> String {
    let metrics = shown_in(Shown::Curves).into_iter();
    let values = metrics.map(|m| format!("{:.*} {}", m.decimals, scores.value(&m), m.short));
    values.collect::<Vec<_>>().join(" ")
}

pub(super) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
