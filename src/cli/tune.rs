mod folder;
mod plan;
mod progress;
mod record;
mod runs;

use std::path::PathBuf;

use super::cells::{Bench, SimCells};
use super::out::say;
use crate::cli::{Failure, interrupt};
use crate::lab::tune::{Standing, promoted};
use folder::Folder;
use plan::Plan;
use progress::Progress;
use record::Record;
use runs::{Made, Runs};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl tune narrow --method ppo --grid lr=3e-4,1e-3,3e-3 --grid entropy=0.01,0.03
      six settings of PPO on seeds 1001 to 1004, best first
  rmrl tune narrow --method rm-rl --budget 27 --seeds 9
      27 settings drawn from the ranges that rm-rl declares (rmrl methods rm-rl); a third of them
      goes on to three times as many seeds, until three are left on 9 seeds
  rmrl tune narrow --method ./mine.py --budget 27 --space lr=1e-4..1e-1:log --space width=8..64
      a program of one's own, with ranges of one's own
  rmrl tune narrow --method rm-rl --budget 27 --shard 0/4 --out /shared/rm-rl
      a quarter of the runs of the present rung: see docs/cluster.md

The output folder gets tune.json: every setting with its figures, and the best one as --set lines.
The same command goes on with what a stopped one left.")]
pub struct Args {
    /// Built-in experiment (narrow, wide, randomised, drift, smoke) or a TOML file
    experiment: String,
    /// The method to tune: a name or a program
    #[arg(long, value_name = "M")]
    method: String,
    /// Values of one option to try; repeated, all combinations are tried
    #[arg(long, value_name = "KEY=A,B,C", required_unless_present = "budget")]
    grid: Vec<String>,
    /// Settings to draw, the default among them; the best go on to more seeds
    #[arg(long, value_name = "N", conflicts_with = "grid")]
    #[arg(value_parser = clap::value_parser!(u64).range(2..=100_000))]
    budget: Option<u64>,
    /// Range of an option to draw from, instead of the declared one or beside it; may be repeated
    #[arg(long, value_name = "KEY=LOW..HIGH[:log]", requires = "budget", conflicts_with = "grid")]
    #[arg(allow_hyphen_values = true)]
    space: Vec<String>,
    /// Which settings are drawn
    #[arg(long, value_name = "S", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u64).range(..=1_000_000_000))]
    seed: u64,
    /// Most seeds a setting, from 1001 on [default: 4 with --grid, 9 with --budget]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: Option<u64>,
    /// Part I (from 0) of N of the present rung's runs
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<(usize, usize)>,
    /// Runs at the same time
    #[arg(long, value_name = "N", default_value_t = 2)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1024))]
    jobs: u64,
    /// Output folder [default: runs/tune-<experiment>-<method>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with what the folder holds; so does the same command without it
    #[arg(long)]
    resume: bool,
    /// Any other key of the experiment; what it sets of the method is not searched. May be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Print tune.json instead of the table
    #[arg(long)]
    json: bool,
}

/// `I/N`, I from 0 as array jobs count.
fn shard(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    match parts {
        Some((i, n)) if i < n => Ok((i, n)),
        _ => Err("must be I/N with I from 0 to N - 1, for instance 0/4".to_owned()),
    }
}

pub fn run(args: Args) -> Result<(), Failure> {
    let stop = interrupt::flag()?;
    let plan = Plan::new(&args)?;
    let cells = SimCells::new(&Bench::from(plan.experiment()))?;
    let backend = cells.describe(&[&plan.experiment().scene])?;
    let name = format!("tune-{}-{}", plan.experiment().name, plan.method);
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(name));
    let folder = Folder::claim(&out, &plan, &backend)?;
    let runs = Runs { plan: &plan, folder: &folder, cells: &cells, backend, stop };
    let mut record = Record::new(&plan);
    let mut progress = Progress::new(&plan);
    let mut on: Vec<usize> = (0..plan.candidates.len()).collect();
    for (at, rung) in plan.rungs.iter().enumerate() {
        if at > 0 {
            on = promoted(record.standings(), rung.settings);
        }
        let all = plan.runs(at, &on);
        let mine = all.iter().copied().enumerate();
        let mine = mine.filter(|(i, _)| args.shard.is_none_or(|(part, of)| i % of == part));
        let mine: Vec<_> = mine.map(|(_, run)| run).collect();
        progress.rung(at, &on);
        let (made, here) = runs.make(&mine, args.jobs as usize, &mut progress)?;
        let missing = runs.gather(&all, &made, &mut record)?;
        if missing > 0 {
            progress.end();
            return elsewhere(&args, at, &plan, missing, here);
        }
        record.rung(at, &on);
        folder.write(&record.json())?;
    }
    progress.end();
    if args.json {
        super::out::write(format_args!("{}", record.json()))?;
    } else {
        super::out::write(format_args!("{}", record.table()))?;
        say!("\n{}: {}", folder.record().display(), record.verdict())?;
    }
    match record.best() {
        Some(_) => Ok(()),
        None => {
            Err(Failure::Work(anyhow::anyhow!("no setting came to a figure: every one failed")))
        }
    }
}

/// What this shard had to do of a rung is made; what others have to do is not.
fn elsewhere(
    args: &Args,
    at: usize,
    plan: &Plan,
    missing: usize,
    here: usize,
) -> Result<(), Failure> {
    let (of, shards) = (plan.rungs.len(), args.shard.map_or(1, |(_, of)| of));
    let what = format!(
        "rung {} of {of} lacks {missing} runs of other shards: run the other shards first, then all {shards} \
         again",
        at + 1
    );
    if here == 0 {
        return Err(Failure::Work(anyhow::anyhow!("nothing to do: {what}")));
    }
    eprintln!("{here} runs made; {what}");
    Ok(())
}

impl Record<'_> {
    /// What the settings of the last rung came to.
    fn standings(&self) -> Vec<Standing> {
        self.on().iter().map(|setting| self.standing(*setting)).collect()
    }
}

/// A run, by the number of its setting and its seed.
type Key = (usize, u64);

/// How a run ended, by its key.
type All = std::collections::BTreeMap<Key, Made>;
