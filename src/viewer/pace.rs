use std::time::Duration;

use bevy::prelude::*;
use bevy::winit::{UpdateMode, WinitSettings};
use bevy_egui::EguiInput;
use bevy_egui::egui::{Event, Modifiers};

use super::Playback;
use super::live::{Live, Pace};
use super::real::RealArm;

/// Between two looks at a training that runs freely: a software driver takes some half a second of
/// the processor for each.
const SELDOM: Duration = Duration::from_secs(3);

/// Draws all the time only while something moves; a window that stands still waits for its user,
/// and a training that runs freely is looked at now and then, so that it keeps the processor.
pub fn pace(
    playback: Res<Playback>,
    live: Option<Res<Live>>,
    real: Option<Res<RealArm>>,
    settings: Option<ResMut<WinitSettings>>,
) {
    let Some(mut settings) = settings else { return };
    let mode = match live {
        Some(live) if live.ended.is_none() && !live.paused => match live.pace {
            Pace::Free => UpdateMode::reactive_low_power(SELDOM),
            Pace::Watched(_) => UpdateMode::Continuous,
        },
        _ if playback.playing || real.is_some() => UpdateMode::Continuous,
        _ => UpdateMode::reactive(Duration::from_secs(1)),
    };
    if settings.focused_mode != mode || settings.unfocused_mode != mode {
        *settings = WinitSettings { focused_mode: mode, unfocused_mode: mode };
    }
}

/// Bevy_egui 0.42 tells egui of the modifier keys in every frame, and egui wants another frame after
/// whatever it is told: a window that stands still would be drawn for ever.
pub fn calm(mut inputs: Query<&mut EguiInput>, mut before: Local<Modifiers>) {
    for mut input in &mut inputs {
        input.events.retain(|event| match event {
            Event::ModifiersChanged(now) => std::mem::replace(&mut *before, *now) != *now,
            _ => true,
        });
    }
}
