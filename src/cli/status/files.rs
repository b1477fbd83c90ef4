use std::path::Path;
use std::time::{Duration, SystemTime};

/// A run whose files have not changed for so long is not being made: a trial takes half a minute on
/// an arm, and far less in simulation.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is made in so long says how fast it goes.
const WINDOW: Duration = Duration::from_secs(600);

/// Less says nothing yet.
const LEAST: Duration = Duration::from_secs(2);

/// What the file system says of a run's files; ages, not times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Files {
    /// Since the run was begun, where the file system tells.
    begun: Option<Duration>,
    /// Since the last change.
    changed: Duration,
    /// Whoever works on it has said so; `None` without a lock.
    held: Option<bool>,
}

/// Somebody has said that he works on this run: his word stands in its lock until he is done, or, where
/// he was killed, until the next one takes it up.
pub fn is_held(path: &Path) -> Option<bool> {
    Some(std::fs::metadata(path.with_extension("lock")).ok()?.len() > 0)
}

impl Files {
    /// Of a run's file and its journal; nothing where the run has not begun.
    pub fn of(path: &Path) -> Option<Self> {
        let age = |time: SystemTime| time.elapsed().unwrap_or_default();
        let file = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        let journal = std::fs::metadata(path.with_extension("sqlite-wal")).ok();
        let changes = [Some(&file), journal.as_ref()].into_iter().flatten();
        let changed = changes.filter_map(|file| file.modified().ok()).map(age).min()?;
        // A file that was moved here from elsewhere is younger than what it holds.
        let begun = file.created().ok().map(|time| age(time).max(changed));
        Some(Self { begun, changed, held: is_held(path) })
    }

    /// Somebody works on it.
    pub fn is_being_made(self) -> bool {
        self.held.unwrap_or(true) && self.changed < PATIENCE
    }

    /// Which part of the trials of a run begun then was made since this age, if it was made evenly.
    /// One that was moved here as a whole was made when it came.
    fn since(self, begun: Duration, age: Duration) -> f64 {
        let whole = begun.saturating_sub(self.changed);
        let within = begun.min(age).saturating_sub(self.changed);
        match (whole.is_zero(), self.changed <= age) {
            (true, is_new) => f64::from(u8::from(is_new)),
            (false, _) => within.as_secs_f64() / whole.as_secs_f64(),
        }
    }
}

/// Trials a second of all runs together, over the last ten minutes or since the first began: from
/// when the files of each run were made and changed last, and how many trials they hold.
/// Unknown where the file system does not tell when a file was made.
pub fn pace(runs: &[(Files, u64)]) -> Option<f64> {
    let begun: Vec<Duration> = runs.iter().map(|(files, _)| files.begun).collect::<Option<_>>()?;
    let window = (*begun.iter().max()?).min(WINDOW);
    let made = runs.iter().zip(begun);
    let made: f64 = made.map(|((run, n), begun)| run.since(begun, window) * *n as f64).sum();
    (window >= LEAST && made > 0.0).then(|| made / window.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(begun: u64, changed: u64) -> Files {
        Files {
            begun: Some(Duration::from_secs(begun)),
            changed: Duration::from_secs(changed),
            held: None,
        }
    }

    #[test]
    fn the_pace_is_that_of_all_runs_since_the_first_began() {
        // 100 s: one run of 300 trials is over, two of 50 are being made.
        let runs = [(files(100, 40), 300), (files(40, 0), 50), (files(40, 1), 50)];
        assert_eq!(pace(&runs), Some(4.0));
    }

    #[test]
    fn what_was_made_longer_than_ten_minutes_ago_says_nothing_of_the_pace() {
        let old = (files(100_000, 50_000), 5_000);
        assert_eq!(pace(&[old]), None);
        // Half of its trials were made within the window.
        let runs = [old, (files(1_200, 0), 1_200)];
        assert_eq!(pace(&runs), Some(1.0));
    }

    #[test]
    fn runs_that_were_moved_here_whole_count_when_they_came() {
        let runs = [(files(500, 500), 600), (files(100, 100), 600), (files(900, 900), 600)];
        assert_eq!(pace(&runs), Some(2.0));
    }

    #[test]
    fn nothing_made_just_begun_or_without_a_beginning_has_no_pace() {
        assert_eq!(pace(&[]), None);
        assert_eq!(pace(&[(files(100, 0), 0)]), None);
        assert_eq!(pace(&[(files(1, 0), 10)]), None);
        assert_eq!(pace(&[(Files { begun: None, ..files(9, 0) }, 10)]), None);
    }

    #[test]
    fn a_run_is_being_made_while_its_files_change_and_nobody_let_it_go() {
        assert!(files(9_000, 30).is_being_made() && !files(9_000, 600).is_being_made());
        assert!(!Files { held: Some(false), ..files(9_000, 30) }.is_being_made(), "it was let go");
        assert!(!Files { held: Some(true), ..files(9_000, 600) }.is_being_made(), "it was killed");
    }
}
