mod folder;
mod plan;
mod progress;
mod record;
mod runs;

use std::fmt::Arguments;
use std::path::PathBuf;

use super::cells::{Bench, SimCells};
use super::compare::scratch_base;
use super::out::say;
use crate::cli::lists;
use crate::cli::{Failure, interrupt};
use crate::lab::Part;
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
      a quarter of the runs of the present rung, on a cluster: see docs/cluster.md

The output folder gets tune.json: every setting with its figures, and the best one as --set lines.
The same command goes on with what a stopped one left.")]
pub struct Args {
    #[arg(help = lists::experiments())]
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
    /// Make only the i-th of N parts of the present rung, from 0 on, beside other processes
    #[arg(long, value_name = "i/N", value_parser = Part::shard)]
    shard: Option<Part>,
    /// Runs at the same time
    #[arg(long, value_name = "N", default_value_t = 2)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1024))]
    jobs: u64,
    /// Output folder [default: runs/tune-<experiment>-<method>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Make runs here and move them to the output folder when they are whole: for an output folder
    /// on a network disk [default without DIR: the system's folder for temporary files]
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "")]
    scratch: Option<PathBuf>,
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

pub fn run(args: Args) -> Result<(), Failure> {
    let stop = interrupt::flag()?;
    let plan = Plan::new(&args)?;
    if plan.experiment().start(&plan.method).is_some() {
        let why = "begins in the simulation and goes on elsewhere: settings are tried in the simulation alone";
        return Err(Failure::Input(format!("--method {}: {why}", plan.method)));
    }
    let cells = SimCells::new(&Bench::from(plan.experiment()))?;
    let provenance = cells.provenance(&[&plan.experiment().scene])?;
    let name = format!("tune-{}-{}", plan.experiment().name, plan.method);
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(name));
    let folder = Folder::claim(&out, &plan, &provenance)?;
    let scratch = scratch_base(args.scratch.as_deref(), &out);
    let runs = Runs {
        plan: &plan,
        folder: &folder,
        scratch: scratch.as_deref(),
        cells: &cells,
        provenance,
        stop,
    };
    let (index, of) = match args.shard {
        Some(Part::Shard { index, of }) => (index as usize, of as usize),
        _ => (0, 1),
    };
    let mut record = Record::new(&plan);
    let mut progress = Progress::new(&plan);
    let mut on: Vec<usize> = (0..plan.candidates.len()).collect();
    let mut here = 0;
    for (at, rung) in plan.rungs.iter().enumerate() {
        if at > 0 {
            on = promoted(record.standings(), rung.settings);
        }
        let all = plan.runs(at, &on);
        let mine: Vec<_> = all.iter().copied().skip(index).step_by(of).collect();
        progress.rung(at, &on);
        let (made, new) = runs.make(&mine, args.jobs as usize, &mut progress)?;
        here += new;
        let missing = runs.gather(&all, &made, &mut record)?;
        if missing > 0 {
            progress.end();
            return elsewhere(
                format_args!("rung {} of {}", at + 1, plan.rungs.len()),
                missing,
                here,
            );
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
fn elsewhere(rung: Arguments<'_>, missing: usize, here: usize) -> Result<(), Failure> {
    let what = format!(
        "{rung} lacks {missing} runs of other shards: run the other shards first, then all of them again"
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
