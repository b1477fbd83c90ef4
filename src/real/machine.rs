//! Is this computer quiet enough to watch an arm? Judged before a run, by what the loop that watches depends on.

use std::time::{Duration, Instant};

use super::doctor::{Finding, Verdict};

/// What was measured of this computer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Machine {
    pub cores: f64,
    /// Processes that wanted to run, mean over the last minute; not everywhere told.
    pub load: Option<f64>,
    /// The latest that a short sleep ended, ms.
    pub late_ms: f64,
    pub priority: Option<Priority>,
}

/// How this process is scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Priority {
    RealTime(u32),
    Normal {
        /// It may be had: the limit on real-time priority is not 0.
        allowed: bool,
    },
}

/// As often as states come, and for how long it is looked.
const SLEEP: Duration = Duration::from_millis(2);
const LOOK: Duration = Duration::from_secs(1);
/// Shares of `real.stale_ms` that a wake-up may be late: beyond the first a person is warned, beyond the second nothing
/// should move.
const DOUBTFUL: f64 = 0.25;
const TOO_LATE: f64 = 0.5;
const PRIORITY: &str = "start rmrl behind `chrt -f 50`";

impl Machine {
    pub fn measure() -> Self {
        let cores = std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64);
        let began = Instant::now();
        let mut late = Duration::ZERO;
        while began.elapsed() < LOOK {
            let asleep = Instant::now();
            std::thread::sleep(SLEEP);
            late = late.max(asleep.elapsed().saturating_sub(SLEEP));
        }
        let read = |path: &str| std::fs::read_to_string(path).ok();
        Self {
            cores,
            load: read("/proc/loadavg").and_then(|text| load_of(&text)),
            late_ms: late.as_secs_f64() * 1e3,
            priority: read("/proc/self/stat")
                .zip(read("/proc/self/limits"))
                .and_then(|(stat, limits)| priority_of(&stat, &limits)),
        }
    }

    /// `stale_ms`: a state older than this stops the arm.
    pub fn findings(&self, stale_ms: f64) -> [Finding; 3] {
        [self.load(), self.wake_ups(stale_ms), self.scheduling(stale_ms)]
    }

    fn load(&self) -> Finding {
        let Some(load) = self.load else { return skipped("load", "not told by this system") };
        let reading = format!("{load:.1} processes want to run, {} cores", self.cores);
        let quiet = load <= self.cores;
        let advice = "end what else runs: a busy machine stops the arm more often";
        finding("load", reading, if quiet { Verdict::Right } else { doubtful(advice) })
    }

    fn wake_ups(&self, stale_ms: f64) -> Finding {
        let reading = format!(
            "at most {:.1} ms late in {} s; a state older than {stale_ms} ms stops the arm",
            self.late_ms,
            LOOK.as_secs()
        );
        let verdict = match self.late_ms / stale_ms {
            share if share <= DOUBTFUL => Verdict::Right,
            share if share <= TOO_LATE => doubtful(&format!("end what else runs, or {PRIORITY}")),
            _ => {
                Verdict::Wrong(format!("end what else runs, or {PRIORITY}, before anything moves"))
            }
        };
        finding("wake-ups", reading, verdict)
    }

    fn scheduling(&self, stale_ms: f64) -> Finding {
        let late = self.late_ms > DOUBTFUL * stale_ms;
        match self.priority {
            None => skipped("priority", "not told by this system"),
            Some(Priority::RealTime(priority)) => {
                finding("priority", format!("real-time, {priority}"), Verdict::Right)
            }
            Some(Priority::Normal { allowed }) => {
                let may = if allowed { "may be had" } else { "is not allowed to this user" };
                let reading = format!("normal; real-time priority {may}");
                let advice = match allowed {
                    true => PRIORITY.to_owned(),
                    false => {
                        format!("allow it (rtprio in /etc/security/limits.conf), then {PRIORITY}")
                    }
                };
                finding("priority", reading, if late { doubtful(&advice) } else { Verdict::Right })
            }
        }
    }
}

/// The first number of `/proc/loadavg` (proc(5)).
fn load_of(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok().filter(|load: &f64| load.is_finite())
}

/// Fields 40 and 41 of `/proc/self/stat`: real-time priority, and the policy, of which 1 and 2 are real-time
/// (proc(5), sched(7)). The second field is a name in brackets that may hold spaces.
fn priority_of(stat: &str, limits: &str) -> Option<Priority> {
    let after = stat.rsplit_once(')')?.1;
    let mut fields = after.split_whitespace().skip(40 - 3);
    let priority = fields.next()?.parse().ok()?;
    let policy: u32 = fields.next()?.parse().ok()?;
    if [1, 2].contains(&policy) {
        return Some(Priority::RealTime(priority));
    }
    let line = limits.lines().find(|line| line.starts_with("Max realtime priority"))?;
    let soft = line.trim_start_matches("Max realtime priority").split_whitespace().next()?;
    Some(Priority::Normal { allowed: soft != "0" })
}

fn finding(check: &'static str, reading: String, verdict: Verdict) -> Finding {
    Finding { check, reading, verdict }
}

fn doubtful(advice: &str) -> Verdict {
    Verdict::Doubtful(advice.to_owned())
}

fn skipped(check: &'static str, why: &str) -> Finding {
    finding(check, why.to_owned(), Verdict::Skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Machine = Machine {
        cores: 4.0,
        load: Some(0.3),
        late_ms: 0.4,
        priority: Some(Priority::Normal { allowed: true }),
    };

    fn words(machine: Machine) -> [&'static str; 3] {
        machine.findings(40.0).map(|finding| match finding.verdict {
            Verdict::Right => "ok",
            Verdict::Doubtful(_) => "warn",
            Verdict::Wrong(_) => "wrong",
            Verdict::Skipped => "-",
        })
    }

    #[test]
    fn a_loop_that_wakes_too_late_is_told_before_it_stops_the_arm() {
        assert_eq!(words(QUIET), ["ok", "ok", "ok"]);
        assert_eq!(words(Machine { load: Some(9.0), ..QUIET }), ["warn", "ok", "ok"]);
        assert_eq!(words(Machine { late_ms: 12.0, ..QUIET }), ["ok", "warn", "warn"]);
        assert_eq!(words(Machine { late_ms: 21.0, ..QUIET }), ["ok", "wrong", "warn"]);
        let real_time = Some(Priority::RealTime(50));
        assert_eq!(words(Machine { late_ms: 12.0, priority: real_time, ..QUIET })[2], "ok");
        assert_eq!(words(Machine { load: None, priority: None, ..QUIET }), ["-", "ok", "-"]);
        let late = Machine { late_ms: f64::NAN, ..QUIET };
        assert_eq!(words(late)[1], "wrong", "what is not a number is not early");
    }

    #[test]
    fn load_and_priority_are_read_as_proc_tells_them() {
        assert_eq!(load_of("1.25 0.90 0.80 2/345 6789\n"), Some(1.25));
        assert_eq!(load_of("nan"), None);
        // Fields 3 to 52 of proc(5); the name holds a bracket and a space.
        let stat = |priority: u32, policy: u32| {
            let before = vec!["0"; 37].join(" ");
            format!("17 (a) b) {before} {priority} {policy} 0 0")
        };
        let limits =
            |soft: &str| format!("Max nice priority  0  0\nMax realtime priority  {soft}  0  \n");
        assert_eq!(priority_of(&stat(50, 1), &limits("0")), Some(Priority::RealTime(50)));
        let normal = |soft| priority_of(&stat(0, 0), &limits(soft));
        assert_eq!(normal("0"), Some(Priority::Normal { allowed: false }));
        assert_eq!(normal("99"), Some(Priority::Normal { allowed: true }));
        assert_eq!(priority_of("", ""), None);
    }
}
