use crate::cli::Failure;
use crate::config::{ConfigError, Scene};
use crate::learn::{self, Settings};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl methods
  rmrl methods rm-rl")]
pub struct MethodsArgs {
    /// Explain this one, with its options and their defaults
    name: Option<String>,
}

pub fn methods(args: MethodsArgs) -> Result<(), Failure> {
    let none = Settings::default();
    let Some(name) = args.name else {
        for name in learn::names() {
            println!("{name:18} {}", learn::card(name, &none)?.summary);
        }
        return Ok(());
    };
    if !learn::names().contains(&name.as_str()) {
        return Err(ConfigError {
            file: "the command line".into(),
            key: "NAME".into(),
            value: format!("\"{name}\""),
            valid: format!("must be one of {}", learn::names().join(", ")),
        }
        .into());
    }
    let card = learn::card(&name, &none)?;
    println!("{name}: {}", card.summary);
    println!("reward signal: {}", card.signal.name());
    println!("context signal: {}", card.context.name());
    if card.sees_truth {
        println!("told the true offset: a reference, not a competitor; simulation only");
    }
    let options = learn::settings_as_pairs(&name, &none)?;
    if !options.is_empty() {
        println!("options (--set {name}.KEY=VALUE) and their defaults:");
    }
    for (key, value) in options {
        println!("  {key} = {value}");
    }
    Ok(())
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
        print!("{}", Scene::named(&name)?.to_mjcf());
        return Ok(());
    }
    for name in Scene::NAMES {
        println!("{name:14} {}", Scene::named(name)?.summary);
    }
    Ok(())
}
