use std::sync::Arc;
use std::time::Duration;

use bevy::prelude::*;

use super::{Recording, Shown};

/// Plays a recording.
#[derive(Resource, Clone, Debug, Default)]
pub struct Playback {
    recording: Option<Arc<Recording>>,
    /// Since the trial began.
    seconds: f64,
    pub playing: bool,
    pub speed: Speed,
}

/// What takes longer was no frame.
const LONGEST_FRAME: Duration = Duration::from_secs(1);

/// How fast time passes.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Speed(pub f64);

impl Speed {
    pub const ALL: [Self; 6] = [Self(0.05), Self(0.1), Self(0.25), Self(0.5), Self(1.0), Self(2.0)];

    pub fn name(self) -> String {
        if self.0 == 1.0 { "real time".into() } else { format!("{} x", self.0) }
    }

    /// The next slower or faster one.
    pub fn next(self, faster: bool) -> Self {
        let mut all = Self::ALL.into_iter();
        let found = if faster { all.find(|s| *s > self) } else { all.rfind(|s| *s < self) };
        found.unwrap_or(self)
    }
}

impl Default for Speed {
    fn default() -> Self {
        Self(1.0)
    }
}

impl Playback {
    pub fn recording(&self) -> Option<&Arc<Recording>> {
        self.recording.as_ref()
    }

    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    pub fn duration(&self) -> f64 {
        self.recording.as_ref().map_or(0.0, |r| r.duration())
    }

    /// Puts a recording in, at its beginning.
    pub fn load(&mut self, recording: Recording, playing: bool) {
        self.recording = Some(Arc::new(recording));
        self.seconds = 0.0;
        self.playing = playing;
    }

    pub fn clear(&mut self) {
        self.recording = None;
        self.seconds = 0.0;
        self.playing = false;
    }

    pub fn restart(&mut self) {
        self.seconds = 0.0;
        self.playing = true;
    }

    /// Goes on playing, from the beginning if it had come to the end.
    pub fn toggle(&mut self) {
        if !self.playing && self.seconds >= self.duration() {
            self.seconds = 0.0;
        }
        self.playing = !self.playing && self.recording.is_some();
    }

    /// To the next physics step, or the one before, and stays there.
    pub fn step(&mut self, forwards: bool) {
        self.playing = false;
        if let Some(recording) = &self.recording {
            self.seconds = recording.neighbour(self.seconds, forwards);
        }
    }

    pub fn seek(&mut self, seconds: f64) {
        self.seconds = seconds.clamp(0.0, self.duration());
    }

    fn advance(&mut self, passed: Duration) {
        if !self.playing {
            return;
        }
        self.seconds += passed.as_secs_f64() * self.speed.0;
        if self.seconds >= self.duration() {
            self.seconds = self.duration();
            self.playing = false;
        }
    }
}

/// Lets time pass and shows the recording as it is then.
pub fn play(time: Res<Time<Real>>, mut playback: ResMut<Playback>, mut shown: ResMut<Shown>) {
    // The real time: bevy's own would count no more than a quarter of a second a frame, and a
    // software driver takes longer. After a pause of the window's own nothing is jumped over.
    playback.bypass_change_detection().advance(time.delta().min(LONGEST_FRAME));
    if let Some(recording) = &playback.recording {
        let now = recording.at(playback.seconds);
        if shown.0 != now {
            shown.0 = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_follow_each_other_and_stop_at_the_ends() {
        assert_eq!(Speed(1.0).next(true), Speed(2.0));
        assert_eq!(Speed(1.0).next(false), Speed(0.5));
        assert_eq!(Speed(2.0).next(true), Speed(2.0));
        assert_eq!(Speed(0.05).next(false), Speed(0.05));
    }
}
