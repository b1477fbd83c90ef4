use crate::input::{Check, ConfigError};
use crate::task::{ImageSize, Quantity, TaskSpec};

/// The section `[task]` of an experiment.
pub fn validate_task(check: &Check<'_>, task: &TaskSpec) -> Result<(), ConfigError> {
    check.within("task.range.mm", task.range.mm, 0.1, 20.0)?;
    check.within("task.range.deg", task.range.deg, 0.1, 20.0)?;
    if let Some(offsets) = task.offsets {
        check.within("task.offsets.mm", offsets.mm, 0.0, task.range.mm)?;
        check.within("task.offsets.deg", offsets.deg, 0.0, task.range.deg)?;
    }
    check.that((2..=201).contains(&task.bins), "task.bins", task.bins, "must be from 2 to 201")?;
    check.count("task.scene_instances", task.scene_instances as u64, 100_000)?;
    check.count("task.held_out_instances", task.held_out_instances as u64, 100_000)?;
    for (key, noise) in [
        ("task.jitter", task.jitter),
        ("task.actuation", task.actuation),
        ("task.reading", task.reading),
        ("task.measurement", task.measurement),
    ] {
        check.within(&format!("{key}.mm"), noise.mm, 0.0, 5.0)?;
        check.within(&format!("{key}.deg"), noise.deg, 0.0, 5.0)?;
    }
    check.within("task.camera", task.camera, 0.0, 128.0)?;
    check.within("task.lighting", task.lighting, 0.0, 0.9)?;
    validate_image(check, task.image)?;
    validate_dirt(check, task)
}

/// Networks merge patches of 8x8 pixels two by two.
const MERGED_PX: usize = 16;

/// The table `task.image`: what networks can be made for.
pub fn validate_image(check: &Check<'_>, image: ImageSize) -> Result<(), ConfigError> {
    let whole = image.px.is_multiple_of(MERGED_PX) && (MERGED_PX..=256).contains(&image.px);
    let valid = "must be a multiple of 16 from 16 to 256 pixels";
    check.that(whole, "task.image.px", image.px, valid)?;
    check.within("task.image.mm", image.mm, 40.0, 640.0)
}

/// The sections `[task.dirt]` and `[[task.drift]]`.
fn validate_dirt(check: &Check<'_>, task: &TaskSpec) -> Result<(), ConfigError> {
    for (quantity, half) in &task.dirt.0 {
        check.within(&format!("task.dirt.{}", quantity.name()), *half, 0.0, quantity.limit())?;
    }
    for quantity in Quantity::ALL {
        let mut free_from = 0;
        for drift in task.drift.iter().filter(|d| d.key == quantity) {
            let key = |part: &str| format!("task.drift.{part} of {}", quantity.name());
            check.within(&key("to"), drift.to, -quantity.limit(), quantity.limit())?;
            for (part, trials) in [("at", drift.at), ("over", drift.over)] {
                let valid = "must be at most 1000000 trials";
                check.that(trials <= 1_000_000, &key(part), trials, valid)?;
            }
            let valid = format_args!(
                "must be at least {free_from}: the drifts of one key stand in order, each after \
                 the end of the one before"
            );
            check.that(drift.at >= free_from, &key("at"), drift.at, valid)?;
            free_from = drift.at + drift.over.max(1);
        }
    }
    Ok(())
}
