use toml::Table;

use super::out::say;
use crate::cli::Failure;
use crate::cli::compare::PlanArgs;
use crate::config::Scene;
use crate::lab::{Experiment, Part};
use crate::learn;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl methods
  rmrl methods rm-rl")]
pub struct MethodsArgs {
    /// Explain this one, with its options and their defaults
    name: Option<String>,
}

/// What an experiment may be, for help.
pub fn experiments() -> String {
    let names: Vec<_> = Experiment::FILES.iter().map(|(name, _)| *name).collect();
    format!("A TOML file or a built-in experiment: {}", names.join(", "))
}

pub fn methods(args: MethodsArgs) -> Result<(), Failure> {
    let none = Table::new();
    let Some(name) = args.name else {
        for entry in learn::entries() {
            say!("{:18} {}", entry.name(), entry.open("defaults", &none)?.card().summary)?;
        }
        return Ok(());
    };
    let recipe = learn::find("the command line", "NAME", &name)?.open("defaults", &none)?;
    let card = recipe.card();
    say!("{name}: {}", card.summary)?;
    say!("role: {}", card.role.name())?;
    say!("reward signal: {}", card.signal.name())?;
    say!("context signal: {}", card.context.name())?;
    if card.sees_truth {
        say!("told the true offset: a reference, not a competitor; simulation only")?;
    }
    if !recipe.keys().is_empty() {
        say!("options (--set {name}.KEY=VALUE) and their defaults:")?;
    }
    for key in recipe.keys() {
        say!("  {} = {}\n      {} {}", key.name, key.value, key.sentence, capital(&key.valid))?;
        if let Some(space) = &key.space {
            say!("      rmrl tune --space {space}")?;
        }
    }
    Ok(())
}

/// As a sentence.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl scenes
  rmrl scenes hotel > hotel.xml       its geometry, for MuJoCo")]
pub struct ScenesArgs {
    /// Print the geometry of this one, a built-in name or a TOML file, as MJCF
    name: Option<String>,
}

pub fn scenes(args: ScenesArgs) -> Result<(), Failure> {
    if let Some(name) = args.name {
        super::out::write(format_args!("{}", Scene::named(&name)?.to_mjcf()))?;
        return Ok(());
    }
    for name in Scene::NAMES {
        say!("{name:14} {}", Scene::named(name)?.summary)?;
    }
    Ok(())
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl runs narrow                             METHOD SEED a line, in the order in which they are made
  rmrl runs narrow | parallel --colsep ' ' rmrl compare narrow --only {1}/{2} --jobs 1")]
pub struct RunsArgs {
    #[command(flatten)]
    plan: PlanArgs,
}

pub fn runs(args: RunsArgs) -> Result<(), Failure> {
    let experiment = args.plan.experiment()?;
    for (seed, recipe) in Part::All.runs(&experiment).map_err(Failure::Input)? {
        say!("{} {seed}", recipe.card().name)?;
    }
    Ok(())
}
