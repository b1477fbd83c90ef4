//! Random draws keyed by (seed, stream, phase, trial), never by the order of calls: all methods
//! of a seed meet the same trials, and a resumed run draws what the undisturbed one would have.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::Quantity;

/// The generator that every draw comes from. ChaCha8: the same bits on every machine.
pub type Draw = ChaCha8Rng;

/// What a draw is for. A new purpose gets a new stream, so that no old draw changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Poses of the scene instances; the "trial" is the instance's number.
    Instance,
    /// How far a trial's plate lies from its instance.
    Jitter,
    /// Error of the arm about the commanded pick.
    Actuation,
    /// Error of the arm's own reading of where it gripped.
    Reading,
    /// Error of the placement's measurement.
    Measurement,
    /// Pixel noise of the camera.
    Camera,
    /// Light level, gradient and exposure.
    Lighting,
    /// A method's exploration.
    Explore,
    /// Which old trials are replayed; the "trial" is the first of the batch.
    Replay,
    /// Initial network weights.
    Weights,
    /// Settings that are tried; the "trial" is the setting's number.
    Tune,
    /// In which order methods take their turns on an arm.
    Turns,
    /// How a camera of the twin is built and mounted; the "trial" is its number.
    Mounting,
    /// How far a quantity of the cell is from what the files say.
    Dirt(Quantity),
}

impl Stream {
    const fn name(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Jitter => "jitter",
            Self::Actuation => "actuation",
            Self::Reading => "reading",
            Self::Measurement => "measurement",
            Self::Camera => "camera",
            Self::Lighting => "lighting",
            Self::Explore => "explore",
            Self::Replay => "replay",
            Self::Weights => "weights",
            Self::Tune => "tune",
            Self::Turns => "turns",
            Self::Mounting => "mounting",
            Self::Dirt(quantity) => quantity.name(),
        }
    }
}

/// What a trial is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Gathered before training (offline pretraining); counted on the x axis.
    Prior,
    /// Learned from.
    Train,
    /// Evaluation on the training instances; never learned from.
    InScene,
    /// Evaluation on instances never trained on.
    HeldOut,
    /// The final demonstration on the shelf.
    Shelf,
}

impl Phase {
    pub const ALL: [Self; 5] =
        [Self::Prior, Self::Train, Self::InScene, Self::HeldOut, Self::Shelf];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Prior => "prior",
            Self::Train => "train",
            Self::InScene => "in-scene",
            Self::HeldOut => "held-out",
            Self::Shelf => "shelf",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }
}

/// Names one trial within a run's seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrialKey {
    pub phase: Phase,
    pub index: u64,
}

/// All random streams of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The generator for one purpose of one trial. The four parts *are* the ChaCha key, so two
    /// draws are related only if all four agree.
    pub fn draw(&self, stream: Stream, key: TrialKey) -> Draw {
        let parts = [self.seed, fnv1a(stream.name()), fnv1a(key.phase.name()), key.index];
        let mut chacha_key = [0u8; 32];
        for (slot, part) in chacha_key.chunks_exact_mut(8).zip(parts) {
            slot.copy_from_slice(&part.to_le_bytes());
        }
        Draw::from_seed(chacha_key)
    }
}

/// FNV-1a, 64 bits: the same hash in every build, unlike the standard library's.
pub fn fnv1a(text: impl AsRef<[u8]>) -> u64 {
    text.as_ref().iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    const KEY: TrialKey = TrialKey { phase: Phase::Train, index: 7 };

    fn first(seed: u64, stream: Stream, key: TrialKey) -> u64 {
        Streams::new(seed).draw(stream, key).next_u64()
    }

    #[test]
    fn a_draw_depends_on_its_key_and_on_nothing_drawn_before() {
        let streams = Streams::new(3);
        let alone = streams.draw(Stream::Jitter, KEY).next_u64();
        let mut other = streams.draw(Stream::Camera, KEY);
        other.next_u64();
        assert_eq!(streams.draw(Stream::Jitter, KEY).next_u64(), alone);
    }

    #[test]
    fn each_part_of_the_key_changes_the_draw() {
        let base = first(3, Stream::Jitter, KEY);
        assert_ne!(base, first(4, Stream::Jitter, KEY));
        assert_ne!(base, first(3, Stream::Camera, KEY));
        assert_ne!(base, first(3, Stream::Jitter, TrialKey { phase: Phase::HeldOut, ..KEY }));
        assert_ne!(base, first(3, Stream::Jitter, TrialKey { index: 8, ..KEY }));
    }

    #[test]
    fn phase_names_read_back() {
        for phase in Phase::ALL {
            assert_eq!(Phase::from_name(phase.name()), Some(phase));
        }
        assert_eq!(Phase::from_name("nonsense"), None);
    }
}
