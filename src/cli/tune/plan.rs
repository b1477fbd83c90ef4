use toml::{Table, Value};

use super::{Args, Key};
use crate::cli::Failure;
use crate::cli::compare::set;
use crate::input::ConfigError;
use crate::lab::tune::{
    DEFAULT, FIRST_SEED, Rung, axis, combinations, drawn, ends, halving, space,
};
use crate::lab::{Change, Experiment, method_name};
use crate::learn::Space;
use crate::store::{Named, Provenance};

/// Everything that decides what a tune comes to.
pub struct Plan {
    pub method: String,
    pub how: How,
    /// The default settings first.
    pub candidates: Vec<Candidate>,
    pub rungs: Vec<Rung>,
}

/// Where settings come from.
pub enum How {
    /// Keys and their values, as they were written.
    Grid(Vec<(String, Vec<String>)>),
    Drawn {
        spaces: Vec<Space>,
        budget: u64,
        seed: u64,
    },
}

/// A setting that is tried.
pub struct Candidate {
    /// What differs from the default: `key=value` each.
    pub sets: Vec<String>,
    /// The method alone, on every seed that it may come to.
    pub experiment: Experiment,
}

impl Plan {
    pub fn new(args: &Args) -> Result<Self, Failure> {
        let method = method_name(&args.method);
        let mut changes = set(&args.sets)?;
        changes.push(Change::flag_of("--method", "methods", vec![args.method.clone()]));
        let reported = Experiment::with(&args.experiment, &changes)?;
        let asked = args.seeds.unwrap_or(if args.budget.is_some() { 9 } else { 4 });
        keep_apart(&reported, asked)?;
        let recipe = reported.method(&args.experiment, &method)?;
        // By the keys that --set takes: those of a program are shown as its options.
        let set_of = |key: &String| key.strip_prefix("options.").unwrap_or(key).to_owned();
        let default = recipe.settings().iter().map(|(key, v)| (set_of(key), v.clone())).collect();
        let grid = args.grid.iter().map(|grid| axis(grid)).collect::<Result<Vec<_>, _>>()?;
        let how = match args.budget {
            None => How::Grid(grid),
            Some(budget) => {
                let spaces = spaces(args, &method, recipe.spaces(), &default, &changes)?;
                How::Drawn { spaces, budget, seed: args.seed }
            }
        };
        let settings: Vec<Vec<String>> = match &how {
            How::Grid(axes) => combinations(axes),
            How::Drawn { spaces, budget, seed } => drawn(spaces, *budget as usize, *seed, &default)
                .into_iter()
                .map(|table| table.iter().map(|(key, value)| format!("{key}={value}")).collect())
                .skip(1)
                .collect(),
        };
        let flag = if args.budget.is_some() { "--space" } else { "--grid" };
        let mut candidates = vec![Candidate::new(vec![], reported, asked)];
        for sets in settings {
            let mut changes = changes.clone();
            for set in &sets {
                changes.push(Change::said(flag, &format!("{method}.{set}"))?);
            }
            let candidate =
                Candidate::new(sets, Experiment::with(&args.experiment, &changes)?, asked);
            // The default may be a point of a grid, and a value may be written twice.
            if candidates.iter().all(|known| known.experiment != candidate.experiment) {
                candidates.push(candidate);
            }
        }
        let rungs = match how {
            How::Grid(_) => vec![Rung { settings: candidates.len(), seeds: asked }],
            How::Drawn { .. } => halving(candidates.len(), asked),
        };
        if let How::Drawn { budget, .. } = how
            && (candidates.len() as u64) < budget
        {
            eprintln!("the ranges hold {} different settings, not {budget}", candidates.len());
        }
        Ok(Self { method, how, candidates, rungs })
    }

    /// Of the default settings.
    pub fn experiment(&self) -> &Experiment {
        &self.candidates[DEFAULT].experiment
    }

    /// Seeds of a rung.
    pub fn seeds(&self, rung: usize) -> std::ops::Range<u64> {
        FIRST_SEED..FIRST_SEED + self.rungs[rung].seeds
    }

    /// What a rung adds for these settings: seed by seed, so that a shard meets all settings.
    pub fn runs(&self, rung: usize, settings: &[usize]) -> Vec<Key> {
        let before = if rung == 0 { FIRST_SEED } else { self.seeds(rung - 1).end };
        let new = before..self.seeds(rung).end;
        new.flat_map(|seed| settings.iter().map(move |setting| (*setting, seed))).collect()
    }

    /// As TOML: kept in the folder, so that nobody goes on with another.
    pub fn to_toml(&self, provenance: &Provenance) -> Table {
        let mut tune = Table::new();
        let mut put = |key: &str, value: Value| drop(tune.insert(key.to_owned(), value));
        put("method", self.method.clone().into());
        put("program", crate::VERSION.into());
        // By content: a file that lies elsewhere is the same.
        put("robot", content(provenance.robot.as_ref()));
        put("scene", content(provenance.scenes.first()));
        put("seeds", (self.seeds(self.rungs.len() - 1).count() as i64).into());
        let mut searched = Table::new();
        match &self.how {
            How::Grid(axes) => {
                searched.extend(axes.iter().map(|(key, all)| (key.clone(), all.join(",").into())));
                put("grid", searched.into());
            }
            How::Drawn { spaces, budget, seed } => {
                put("budget", (*budget as i64).into());
                put("seed", (*seed as i64).into());
                searched.extend(spaces.iter().map(|s| (s.key.clone(), s.to_string().into())));
                put("space", searched.into());
            }
        }
        // What an experiment writes is TOML.
        let experiment = self.experiment().to_toml().parse::<Table>().unwrap_or_default();
        put("experiment", experiment.into());
        tune
    }
}

impl Candidate {
    fn new(sets: Vec<String>, reported: Experiment, seeds: u64) -> Self {
        let mut experiment = reported;
        (experiment.first_seed, experiment.seeds) = (FIRST_SEED, seeds);
        // Nothing that ranks settings.
        experiment.demonstrations.clear();
        experiment.contrasts.clear();
        Self { sets, experiment }
    }

    pub fn name(&self) -> String {
        match &self.sets[..] {
            [] => "default".to_owned(),
            sets => sets.join(","),
        }
    }
}

fn content(file: Option<&Named>) -> Value {
    file.map_or("", |file| file.sha256.as_str()).into()
}

/// No seed that is reported is ever tuned on.
fn keep_apart(reported: &Experiment, seeds: u64) -> Result<(), ConfigError> {
    let tuning = FIRST_SEED..FIRST_SEED + seeds;
    let last = reported.first_seed + reported.seeds - 1;
    if last < tuning.start || reported.first_seed >= tuning.end {
        return Ok(());
    }
    Err(ConfigError {
        file: "--seeds".to_owned(),
        key: "seeds".to_owned(),
        value: seeds.to_string(),
        valid: format!(
            "tuning would use seeds {} to {}, of which {} reports {} to {last}: choose another first_seed \
             there, or fewer seeds",
            tuning.start,
            tuning.end - 1,
            reported.name,
            reported.first_seed
        ),
    })
}

/// What is searched: what the method declares, but for what `--set` says, and what `--space` says.
fn spaces(
    args: &Args,
    method: &str,
    declared: &[Space],
    default: &Table,
    changes: &[Change],
) -> Result<Vec<Space>, Failure> {
    let is_set = |key: &str| {
        let own = format!("{method}.{key}");
        changes.iter().any(|change| [&own, &format!("settings.{own}")].contains(&&change.key()))
    };
    let mut all: Vec<Space> = declared.iter().filter(|s| !is_set(&s.key)).cloned().collect();
    let integer = |key: &str| {
        let known = declared.iter().find(|space| space.key == key).map(|space| space.integer);
        known.or_else(|| match default.get(key)? {
            Value::Integer(_) => Some(true),
            Value::Float(_) => Some(false),
            _ => None,
        })
    };
    for text in &args.space {
        let space = space(text, integer)?;
        for end in ends(&space) {
            let mut changes = changes.to_vec();
            changes.push(Change::said("--space", &format!("{method}.{end}"))?);
            Experiment::with(&args.experiment, &changes)?;
        }
        all.retain(|other| other.key != space.key);
        all.push(space);
    }
    if all.is_empty() {
        return Err(Failure::Input(format!(
            "--budget: '{method}' declares no range to search; say one with --space KEY=LOW..HIGH[:log], \
             or use --grid"
        )));
    }
    all.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(all)
}
