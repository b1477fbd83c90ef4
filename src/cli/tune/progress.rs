use std::io::IsTerminal;

use indicatif::{HumanDuration, ProgressBar};

use super::plan::Plan;
use super::runs::Made;
use super::{Key, record::figures};
use crate::cli::progress::style;
use crate::lab::Schedule;

/// A bar of all trials on a terminal, elsewhere a line a run; both with the time left, if no later
/// rung had been made already.
pub struct Progress<'a> {
    plan: &'a Plan,
    plain: bool,
    bar: ProgressBar,
    /// Of a run.
    trials: u64,
    rung: usize,
}

impl<'a> Progress<'a> {
    pub fn new(plan: &'a Plan) -> Self {
        let experiment = plan.experiment();
        let bar = ProgressBar::new(0);
        bar.set_style(style(
            "{bar:30} {percent:>3} %  {human_pos} of {human_len} trials  {per_sec}  {eta} left  {msg}",
        ));
        let trials = Schedule::new(experiment, experiment.methods[0].card()).all_trials();
        Self { plan, plain: !std::io::stderr().is_terminal(), bar, trials, rung: 0 }
    }

    /// A rung begins with these settings: what is to come is known a little better.
    pub fn rung(&mut self, at: usize, on: &[usize]) {
        self.rung = at;
        let rungs = &self.plan.rungs;
        let later = (at + 1..rungs.len()).map(|later| {
            // The best of them, and the default where it is not among them.
            self.plan.runs(later, &vec![0; rungs[later].settings]).len()
        });
        let to_come = self.plan.runs(at, on).len() + later.sum::<usize>();
        self.bar.set_length(self.bar.position() + to_come as u64 * self.trials);
        let seeds = self.plan.seeds(at);
        let what = format!("rung {} of {}: {} settings", at + 1, rungs.len(), on.len());
        self.bar.set_message(what.clone());
        if self.plain {
            eprintln!("{what} on seeds {} to {}", seeds.start, seeds.end - 1);
        }
    }

    /// A run was there already.
    pub fn found(&mut self) {
        self.bar.set_length(self.bar.length().unwrap_or(0).saturating_sub(self.trials));
    }

    pub fn trial(&mut self) {
        self.bar.inc(1);
    }

    pub fn ended(&mut self, (setting, seed): Key, made: &Made) {
        let name = self.plan.candidates[setting].name();
        let what = match &made.result {
            Ok(run) => figures(run),
            Err(reason) => format!("FAILED: {reason}"),
        };
        if self.plain {
            let left = HumanDuration(self.bar.eta());
            eprintln!("setting {setting:03} seed {seed}  {what}  ({name}; {left} left)");
        } else if made.result.is_err() {
            self.bar.println(format!("setting {setting:03} ({name}) seed {seed} {what}"));
        }
        if made.result.is_err() {
            // What it did not make does not count as time left.
            let short = self.trials.saturating_sub(made.trials + made.evaluation);
            self.bar.set_length(self.bar.length().unwrap_or(0).saturating_sub(short));
        }
    }

    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
