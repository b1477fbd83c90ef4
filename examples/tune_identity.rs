//! Trains one method on the identity cell over several seeds and prints one line.
//!
//! `tune_identity METHOD SEEDS TRIALS narrow|wide [key=value ...]`, seeds from 1000.

use anyhow::{Context, ensure};
use rmrl::learn::{self, Settings, identity::Identity};
use rmrl::task::{Noise, Phase, Range, Streams, TaskSpec};

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    ensure!(args.len() >= 4, "METHOD SEEDS TRIALS narrow|wide [key=value ...]");
    let (method, seeds, trials) = (&args[0], args[1].parse::<u64>()?, args[2].parse::<u64>()?);
    let (half, bins) = if args[3] == "wide" { (10.0, 21) } else { (3.0, 7) };
    let mut settings = Settings::default();
    for pair in &args[4..] {
        let (key, _) = pair.split_once('=').context("key=value")?;
        let table: toml::Table = pair.parse().or_else(|_| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            format!("{key} = \"{value}\"").parse()
        })?;
        settings.set("--set", method, key, table[key].clone())?;
    }
    let spec = TaskSpec {
        range: Range { mm: half, deg: half },
        bins,
        scene_instances: 50,
        held_out_instances: 50,
        jitter: Noise { mm: 0.3, deg: 0.3 },
        actuation: Noise { mm: 0.2, deg: 0.2 },
        measurement: Noise { mm: 0.2, deg: 0.2 },
        camera: 4.0,
        lighting: 0.2,
    };
    let mut rows = Vec::new();
    for seed in 1000..1000 + seeds {
        let streams = Streams::new(seed);
        let cell = Identity::new(spec.clone(), streams);
        let mut method = learn::build(method, &settings, cell.grid(), streams)?;
        let prior = method.card().prior_trials;
        cell.train(method.as_mut(), trials - prior, |_| ())?;
        let inside = cell.evaluate(method.as_mut(), Phase::InScene, 100)?;
        let outside = cell.evaluate(method.as_mut(), Phase::HeldOut, 100)?;
        rows.push([
            inside.translation_mm,
            inside.yaw_deg,
            inside.success,
            outside.translation_mm,
            outside.yaw_deg,
            outside.success,
        ]);
    }
    let mean = |i: usize| rows.iter().map(|row| row[i]).sum::<f64>() / rows.len() as f64;
    println!(
        "{method} {} | {:.2} / {:.2} / {:.0} % | {:.2} / {:.2} / {:.0} %",
        args[3..].join(" "),
        mean(0),
        mean(1),
        100.0 * mean(2),
        mean(3),
        mean(4),
        100.0 * mean(5)
    );
    Ok(())
}
