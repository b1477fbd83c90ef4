use std::path::PathBuf;

use toml::Table;

use super::cells::{Bench, SimCells};
use super::compare::set;
use super::out::say;
use crate::cell::Unwatched;
use crate::cli::{Failure, interrupt, session};
use crate::lab::{Change, Event, Experiment, Folder, LabError, Part, Sweep, Wish, method_name};
use crate::report::{Checkpoint, ExperimentResult, Metric, RunResult, Scores, Shown, shown_in};
use crate::store::Durability;

/// The first seed of tuning: far from those that are reported.
const FIRST_SEED: i64 = 1001;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: six settings of PPO on seeds 1001 to 1004, best first
  rmrl tune narrow --method ppo --grid lr=3e-4,1e-3,3e-3 --grid entropy=0.01,0.03 --seeds 4")]
pub struct Args {
    /// Built-in experiment (narrow, wide, randomised, drift, smoke) or a TOML file
    experiment: String,
    /// The method to tune
    #[arg(long, value_name = "M")]
    method: String,
    /// Values of one option to try; repeated, all combinations are tried
    #[arg(long, value_name = "KEY=A,B,C", required = true)]
    grid: Vec<String>,
    /// Seeds a setting, from 1001 on
    #[arg(long, value_name = "N", default_value_t = 4)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// Runs at the same time
    #[arg(long, value_name = "N", default_value_t = 2)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1024))]
    jobs: u64,
    /// Output folder
    #[arg(long, value_name = "DIR", default_value = "runs/tune")]
    out: PathBuf,
    /// Any other key of the experiment; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
}

pub fn run(args: Args) -> Result<(), Failure> {
    let stop = interrupt::flag()?;
    let mut table = Vec::new();
    let mut experiments = Vec::new();
    for combination in combinations(&args)? {
        experiments.push((experiment(&args, &combination)?, combination));
    }
    for (experiment, combination) in experiments {
        let name = combination.join(",").replace(['/', '"', '[', ']'], "");
        let out = args.out.join(method_name(&args.method)).join(&name);
        let (folder, _) = Folder::open(&out, &experiment, Wish::Resume).map_err(LabError::from)?;
        let cells = SimCells::new(&Bench::from(&experiment))?;
        let sweep = Sweep {
            experiment: &experiment,
            folder: folder.path(),
            jobs: args.jobs as usize,
            cells: &|scene| Ok(Some(cells.cell(scene)?)),
            part: &Part::All,
            scratch: None,
            provenance: cells.provenance(&[&experiment.scene])?,
            session: session::now(None),
            alone: false,
            durability: Durability::Process,
            stop,
            watch: &|_| Box::new(Unwatched),
        };
        let results = sweep.run(&mut |event| {
            if let Event::Failed { seed, reason, .. } = event {
                eprintln!("{name}, seed {seed} failed: {reason}");
            }
        })?;
        let line = Line::new(name, &results);
        eprintln!("{line}");
        table.push(line);
    }
    table.sort_by(|a, b| a.area.total_cmp(&b.area));
    say!("{}", Line::head())?;
    for line in table {
        say!("{line}")?;
    }
    Ok(())
}

/// All combinations of the grid's values, as `key=value` texts.
fn combinations(args: &Args) -> Result<Vec<Vec<String>>, Failure> {
    let mut all: Vec<Vec<String>> = vec![vec![]];
    for axis in &args.grid {
        let (key, values) = axis.split_once('=').ok_or_else(|| {
            Failure::Input(format!("--grid {axis}: must be KEY=A,B,C, for instance lr=1e-3,3e-3"))
        })?;
        let each = |head: &Vec<String>| {
            let head = head.clone();
            values
                .split(',')
                .map(move |v| [head.clone(), vec![format!("{key}={v}")]].concat())
                .collect::<Vec<_>>()
        };
        all = all.iter().flat_map(each).collect();
    }
    Ok(all)
}

fn experiment(args: &Args, combination: &[String]) -> Result<Experiment, Failure> {
    let method = method_name(&args.method);
    let mut changes = set(&args.sets)?;
    changes.push(Change::flag_of("--method", "methods", vec![args.method.clone()]));
    changes.push(Change::flag_of("tuning", "first_seed", FIRST_SEED));
    changes.push(Change::flag_of("--seeds", "seeds", args.seeds as i64));
    changes.push(Change::flag_of("tuning", "demonstration", Vec::<Table>::new()));
    changes.extend(set(combination.iter().map(|set| format!("{method}.{set}")))?);
    Ok(Experiment::with(&args.experiment, &changes)?)
}

/// One setting's figures: means over seeds. `area` orders the table: what the reward loses in-scene,
/// averaged over the checkpoints after the first, so that fast learning counts.
struct Line {
    name: String,
    area: f64,
    /// By metric at the last checkpoint, in-scene, then held-out.
    last: Vec<(Metric, f64)>,
    /// Seeds whose run failed: they are in no figure.
    failed: Vec<u64>,
}

impl Line {
    fn new(name: String, results: &ExperimentResult) -> Self {
        let runs: &[RunResult] = results.methods.first().map_or(&[], |m| &m.runs);
        let mean = |of: &dyn Fn(&RunResult) -> f64| {
            runs.iter().map(of).sum::<f64>() / runs.len().max(1) as f64
        };
        let area = |run: &RunResult| {
            let after = run.checkpoints.iter().skip(1);
            let costs: Vec<f64> = after.map(|c| c.in_scene.cost()).collect();
            costs.iter().sum::<f64>() / costs.len().max(1) as f64
        };
        let places: [fn(&Checkpoint) -> &Scores; 2] = [|c| &c.in_scene, |c| &c.held_out];
        let last = places.into_iter().flat_map(|place| {
            let metrics = shown_in(Shown::Curves).into_iter();
            metrics.map(move |metric| (metric, place))
        });
        let last = last.map(|(metric, place)| {
            let value = |c: &Checkpoint| place(c).value(&metric);
            (metric, mean(&|run| run.checkpoints.last().map_or(f64::NAN, value)))
        });
        let failed = results.failed.iter().map(|run| run.seed).collect();
        let area = if runs.is_empty() { f64::NAN } else { mean(&area) };
        Self { last: last.collect(), name, area, failed }
    }

    fn head() -> String {
        let mut head = format!("{:>8}", "area");
        for place in ["", "out "] {
            for metric in shown_in(Shown::Curves) {
                head += &format!(" {:>8}", format!("{place}{}", metric.short));
            }
        }
        head + "  setting, best first"
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:8.3}", self.area)?;
        for (metric, value) in &self.last {
            write!(f, " {value:8.*}", metric.decimals)?;
        }
        write!(f, "  {}", self.name)?;
        match &self.failed[..] {
            [] => Ok(()),
            seeds => write!(f, " (without seeds that failed: {seeds:?})"),
        }
    }
}
