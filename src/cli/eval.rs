use std::path::{Path, PathBuf};

use serde_json::json;

use super::cells::SimCells;
use crate::cell::{Unwatched, Workcell};
use crate::cli::Failure;
use crate::config::{Experiment, parse_toml};
use crate::lab::{Run, score, see};
use crate::learn::{Method, Mode};
use crate::store::{Stored, TrialStore};
use crate::task::{Instances, Outcome, Phase, Reward, Stream, Streams, TrialKey};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl eval runs/narrow/rm-rl/1.sqlite
  rmrl eval runs/narrow/rm-rl/1.sqlite --scene shelf --trials 50 --json")]
pub struct Args {
    /// A run: its SQLite file, or a folder that holds just one
    run: PathBuf,
    /// Scene: a built-in name or a TOML file [default: the one it was trained on]
    #[arg(long)]
    scene: Option<String>,
    /// Greedy trials, in-scene and as many held-out
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=100_000))]
    trials: u64,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<(), Failure> {
    let path = find_run(&args.run)?;
    let store = TrialStore::read(&path)?;
    let info = store.info()?;
    let experiment: Experiment = parse_toml(&path.display().to_string(), &info.experiment)?;
    let cells = SimCells::new(&experiment)?;
    let trained_in = cells.cell(&experiment.scene)?;
    let run = Run::new(&experiment, &info.method, info.seed, trained_in, store, &mut Unwatched)?;
    let mut method = run.into_method();
    let scene = args.scene.as_ref().unwrap_or(&experiment.scene);
    let mut cell = cells.cell(scene)?;
    let mut rows = Vec::new();
    for phase in [Phase::InScene, Phase::HeldOut] {
        let mut rehearsal = Rehearsal {
            instances: Instances::draw(&experiment.task, Streams::new(info.seed)),
            reward: Reward::new(experiment.task.range),
            streams: Streams::new(info.seed),
            made: experiment.trials,
            method: method.as_mut(),
            cell: cell.as_mut(),
        };
        rows.push((phase, rehearsal.judge(phase, args.trials)?));
    }
    let what = format!("{} (seed {}) on {scene}", info.method, info.seed);
    show(&what, &rows, args.json);
    Ok(())
}

struct Rehearsal<'a> {
    instances: Instances,
    reward: Reward,
    streams: Streams,
    /// Trials that the run has made: what drifts stays where it then was.
    made: u64,
    method: &'a mut dyn Method,
    cell: &'a mut dyn Workcell,
}

/// Means over the trials of one phase.
struct Judged {
    translation_mm: f64,
    yaw_deg: f64,
    successes: u64,
    seated: u64,
    of: u64,
}

impl Rehearsal<'_> {
    fn judge(&mut self, phase: Phase, trials: u64) -> Result<Judged, Failure> {
        let mut sum =
            Judged { translation_mm: 0.0, yaw_deg: 0.0, successes: 0, seated: 0, of: trials };
        for index in 0..trials {
            let key = TrialKey { phase, index };
            let setup = self.instances.setup(key, self.made);
            let seen = self.cell.prepare(&setup, &mut Unwatched)?;
            let view = see(self.method, &setup, &seen);
            let draw = self.streams.draw(Stream::Explore, key);
            let decided = self.method.act(&[view], Mode::Greedy, &mut [draw]);
            let decision = decided.map_err(|e| Failure::Work(e.into()))?[0];
            let attempt = self.cell.attempt(decision.correction, &mut Unwatched)?;
            let (error, success) = score(&self.reward, &Stored::new(&attempt, 0.0));
            sum.translation_mm += error.translation_mm() / trials as f64;
            sum.yaw_deg += error.yaw_deg.abs() / trials as f64;
            sum.successes += u64::from(success);
            sum.seated += u64::from(attempt.outcome == Outcome::Placed && attempt.seated);
        }
        Ok(sum)
    }
}

fn show(what: &str, rows: &[(Phase, Judged)], as_json: bool) {
    if as_json {
        let phases: serde_json::Map<_, _> = rows
            .iter()
            .map(|(phase, j)| {
                let judged = json!({
                    "translation_mm": j.translation_mm, "yaw_deg": j.yaw_deg,
                    "successes": j.successes, "seated": j.seated, "of": j.of,
                });
                (phase.name().to_owned(), judged)
            })
            .collect();
        println!("{}", json!({ "run": what, "phases": phases }));
        return;
    }
    println!("{what}\n{:10} {:>8} {:>8} {:>9} {:>9}", "", "mm", "deg", "success", "seated");
    for (phase, j) in rows {
        let of = |n: u64| format!("{n}/{}", j.of);
        let (successes, seated) = (of(j.successes), of(j.seated));
        println!(
            "{:10} {:8.2} {:8.2} {successes:>9} {seated:>9}",
            phase.name(),
            j.translation_mm,
            j.yaw_deg
        );
    }
}

/// RUN on the command line: a run file, or a folder with exactly one below it.
fn find_run(given: &Path) -> Result<PathBuf, Failure> {
    if !given.is_dir() {
        return Ok(given.to_owned());
    }
    let mut found = Vec::new();
    let mut folders = vec![given.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .map_err(|e| Failure::Input(format!("{}: {e}", folder.display())))?;
        for path in entries.filter_map(|entry| entry.ok().map(|e| e.path())) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "sqlite") {
                found.push(path);
            }
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        n => Err(Failure::Input(format!(
            "{}: holds {n} run files; name one of them, such as {}",
            given.display(),
            found.iter().min().map_or("METHOD/SEED.sqlite".into(), |p| p.display().to_string()),
        ))),
    }
}
