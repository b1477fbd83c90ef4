use std::time::Duration;

use bevy::prelude::*;
use bevy::winit::{UpdateMode, WinitSettings};

use super::Playback;
use super::live::{Live, Pace};
use super::real::RealArm;

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
        Some(live) if live.ended.is_none() && live.pace == Pace::Free => {
            UpdateMode::reactive_low_power(Duration::from_secs(1))
        }
        Some(live) if live.ended.is_none() && !live.paused => UpdateMode::Continuous,
        _ if playback.playing || real.is_some() => UpdateMode::Continuous,
        _ => UpdateMode::reactive(Duration::from_millis(250)),
    };
    if settings.focused_mode != mode || settings.unfocused_mode != mode {
        *settings = WinitSettings { focused_mode: mode, unfocused_mode: mode };
    }
}
