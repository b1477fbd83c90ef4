//! Cameras: frames over HTTP, as single pictures or as a stream, from a folder, or of this computer. What is not a fresh,
//! whole and well exposed frame is an error and never an observation.

mod decode;
mod folder;
mod mjpeg;
mod open;
mod parts;
mod snapshot;
#[cfg(all(feature = "usb", target_os = "linux"))]
mod usb;
mod watched;

use std::time::SystemTime;

pub use decode::decode;
pub use folder::Folder;
pub use mjpeg::Mjpeg;
pub use open::open;
pub use parts::{Part, Parts};
pub use snapshot::Snapshot;
#[cfg(all(feature = "usb", target_os = "linux"))]
pub use usb::Usb;
pub use watched::{Bounds, Watched};

/// Something that takes frames.
pub trait Camera: Send {
    /// A frame that was taken after this was called, as far as the camera can tell.
    fn frame(&mut self) -> Result<Taken, CameraError>;

    /// Frames come anew as long as somebody asks; `false` of pictures that were taken once.
    fn is_live(&self) -> bool {
        true
    }
}

impl Camera for Box<dyn Camera> {
    fn frame(&mut self) -> Result<Taken, CameraError> {
        (**self).frame()
    }

    fn is_live(&self) -> bool {
        (**self).is_live()
    }
}

/// A frame with what its camera says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    pub picture: Grey,
    /// By the camera's account, counted from anywhere; `None` of one that does not count.
    pub number: Option<u64>,
    /// By the camera's clock; `None` of one that does not tell.
    pub at: Option<SystemTime>,
}

/// A grey picture, row by row from the top, 0 black to 255 white.
#[derive(Clone, PartialEq, Eq)]
pub struct Grey {
    pub pixels: Vec<u8>,
    pub width: usize,
}

impl Grey {
    /// As the sensor takes it; `None` unless the last row is full.
    pub fn frame(&self) -> Option<crate::eyes::Frame<'_>> {
        crate::eyes::Frame::new(&self.pixels, self.width)
    }

    /// Mean grey level.
    pub fn light(&self) -> f64 {
        let sum: u64 = self.pixels.iter().map(|light| u64::from(*light)).sum();
        sum as f64 / self.pixels.len().max(1) as f64
    }
}

impl std::fmt::Debug for Grey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Grey({}x{})", self.width, self.pixels.len() / self.width.max(1))
    }
}

/// Why there is no frame.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CameraError {
    #[error("{at}: {why}")]
    Unreachable { at: String, why: String },
    #[error("{at}: the frame is torn: {why}")]
    Torn { at: String, why: String },
    #[error("{at}: no picture: {why}")]
    NoPicture { at: String, why: String },
    #[error(
        "the frame is stale: taken {age_ms:.0} ms ago, at most {max_ms:.0} ms are allowed (do the clocks agree?)"
    )]
    Stale { age_ms: f64, max_ms: f64 },
    #[error("the frame comes from the future, {ahead_ms:.0} ms ahead: set the camera's clock")]
    Ahead { ahead_ms: f64 },
    #[error("the camera is frozen: the same frame came twice")]
    Frozen,
    #[error("the frame is black: its brightest pixels reach {brightest} of 255")]
    Black { brightest: u8 },
    #[error("the frame is overexposed: {share:.0} % of its pixels are white")]
    Overexposed { share: f64 },
    #[error("the frame is blurred: sharpness {sharpness:.2}, at least {least:.2} is needed")]
    Blurred { sharpness: f64, least: f64 },
}
