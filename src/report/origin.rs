use serde::Serialize;
use serde_json::{Value, json};

use super::{ExperimentResult, RunResult};

/// Who made a run, where, when and of what. It is recorded, and never compared: the figures of a
/// simulated run hold no time, host or processor.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Origin {
    /// `sim`, or `real` on hardware.
    pub backend: String,
    /// SHA-256 of the experiment as far as it concerns the run.
    pub experiment_sha256: String,
    /// Robot, then scenes: name and SHA-256 of what their files say.
    pub files: Vec<(String, String)>,
    /// The processes that worked on it.
    pub sessions: Vec<MadeBy>,
    /// UTC; `None` where the run does not say.
    pub begun: Option<String>,
    pub ended: Option<String>,
    /// Trials of all phases.
    pub trials: u64,
    /// Seconds on the clock within trials, all together.
    pub in_trials_s: f64,
    /// Robot time of the same, s.
    pub robot_s: f64,
    /// Seconds on the clock from the end of a batch to what was learned of it, all together.
    pub learning_s: f64,
}

/// A process that worked on a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MadeBy {
    pub host: String,
    pub cpu: String,
    /// Version and commit.
    pub program: String,
    /// The command that was given.
    pub command: String,
    /// Model and serial number of the arm's controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
}

/// What a report of trials on an arm says of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hardware {
    pub backend: String,
    pub robot: String,
    /// Twin or arm, as the controllers answered.
    pub arms: Vec<String>,
    /// UTC.
    pub begun: Option<String>,
    pub ended: Option<String>,
    /// As given, in order.
    pub commands: Vec<String>,
}

impl Hardware {
    /// `None` for a simulated experiment.
    pub fn of(result: &ExperimentResult) -> Option<Self> {
        let runs = || result.methods.iter().flat_map(|method| &method.runs);
        let first = &runs().next()?.origin;
        if first.backend != "real" {
            return None;
        }
        let sessions = || runs().flat_map(|run| &run.origin.sessions);
        let unlike = |values: &mut dyn Iterator<Item = String>| {
            values.fold(Vec::new(), |mut all, value| {
                if !all.contains(&value) {
                    all.push(value);
                }
                all
            })
        };
        Some(Self {
            backend: first.backend.clone(),
            robot: first.files.first().map_or_else(String::new, |(name, _)| name.clone()),
            arms: unlike(&mut sessions().filter_map(|session| session.arm.clone())),
            begun: runs().filter_map(|run| run.origin.begun.clone()).min(),
            ended: runs().filter_map(|run| run.origin.ended.clone()).max(),
            commands: unlike(&mut sessions().map(|session| session.command.clone())),
        })
    }

    /// Lines of a table of facts.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let when = [&self.begun, &self.ended].map(|at| at.as_deref().unwrap_or("unknown"));
        let given: Vec<_> = self.commands.iter().map(|line| format!("`{line}`")).collect();
        vec![
            ("backend", format!("{}, robot `{}`", self.backend, self.robot)),
            ("arm", self.arms.join("; ")),
            ("made", format!("from {} to {} UTC", when[0], when[1])),
            ("as given", given.join("; ")),
        ]
    }
}

/// `provenance.json`: of each run, what made it.
pub fn provenance_json(result: &ExperimentResult) -> Result<String, serde_json::Error> {
    let runs = runs(result).map(|(method, run)| {
        let mut all = json!({ "method": method, "seed": run.seed });
        if let (Value::Object(all), Value::Object(origin)) =
            (&mut all, serde_json::to_value(&run.origin)?)
        {
            all.extend(origin);
        }
        Ok(all)
    });
    let runs: Result<Vec<Value>, serde_json::Error> = runs.collect();
    let all = json!({ "experiment": result.name, "runs": runs? });
    Ok(serde_json::to_string_pretty(&all)? + "\n")
}

/// `timing.csv`: of each run, when it was made and how long that took.
pub fn timing_csv(result: &ExperimentResult) -> String {
    let mut csv =
        "method,seed,trials,begun_utc,ended_utc,in_trials_s,robot_s,sessions,host,learning_s\n"
            .to_owned();
    for (method, run) in runs(result) {
        let Origin { begun, ended, trials, in_trials_s, robot_s, sessions, learning_s, .. } =
            &run.origin;
        let at = |time: &Option<String>| time.clone().unwrap_or_default();
        let host = sessions.last().map_or("", |session| session.host.as_str());
        csv += &format!(
            "{method},{},{trials},{},{},{in_trials_s:.3},{robot_s:.1},{},{host},{learning_s:.3}\n",
            run.seed,
            at(begun),
            at(ended),
            sessions.len(),
        );
    }
    csv
}

fn runs(result: &ExperimentResult) -> impl Iterator<Item = (&str, &RunResult)> {
    result
        .methods
        .iter()
        .flat_map(|method| method.runs.iter().map(|run| (method.card.name.as_str(), run)))
}
