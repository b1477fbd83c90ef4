use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use crate::config::Physics;
use crate::lab::Experiment;
use crate::task::{Pose2, TaskSpec};

/// What to show, and where.
#[derive(Clone, Debug)]
pub struct Plan {
    pub show: Show,
    pub view: Preset,
    pub size: Size,
    pub out: Out,
}

/// What is shown.
#[derive(Clone, Debug)]
pub enum Show {
    /// A trial of one's own.
    ByHand {
        scene: String,
        robot: String,
        offset: Pose2,
        correction: Option<Pose2>,
        /// Noise and range, as in a training on this task.
        task: Box<TaskSpec>,
        physics: Physics,
    },
    /// Trials of a stored run.
    Replay { run: PathBuf, trial: Option<u64> },
    /// A real arm as it stands, and the last placement of a run.
    Real { robot: String, run: Option<PathBuf> },
    /// A training that begins now.
    Live(Box<Training>),
}

/// A training to begin, and the command that carries it out.
#[derive(Clone, Debug)]
pub struct Training {
    pub experiment: Experiment,
    pub method: String,
    pub seed: u64,
    /// Its run file.
    pub run: PathBuf,
    /// Arguments to this program; the viewer adds where to send what happens.
    pub arguments: Vec<OsString>,
}

/// Where it is shown.
#[derive(Clone, Debug)]
pub enum Out {
    Window,
    /// One picture, without a window.
    Screenshot(PathBuf),
    /// A whole trial as numbered pictures, without a window.
    Frames(PathBuf),
}

/// A place to look from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Preset {
    /// The whole cell
    #[default]
    Cell,
    /// Straight down
    Top,
    /// Along the shelf's boards, from the right
    Side,
    /// The target from close by
    Shelf,
    /// What the camera over the pick place sees
    Camera,
}

/// Size of a picture in pixels, and pixels a point: `1280x720`, or `2560x1440@2` for a display of
/// high density.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
    pub density: f32,
}

impl Preset {
    pub const ALL: [Self; 5] = [Self::Cell, Self::Top, Self::Side, Self::Shelf, Self::Camera];

    pub fn name(self) -> &'static str {
        match self {
            Self::Cell => "cell",
            Self::Top => "top",
            Self::Side => "side",
            Self::Shelf => "shelf",
            Self::Camera => "camera",
        }
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}@{}", self.width, self.height, self.density)
    }
}

impl Default for Size {
    fn default() -> Self {
        Self { width: 1280, height: 720, density: 1.0 }
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "must be WIDTHxHEIGHT from 320x240 to 7680x4320, as 1280x720, and perhaps @DENSITY \
             from 0.5 to 4, as 2560x1440@2"
                .to_owned()
        };
        let (pixels, density) = match text.split_once('@') {
            Some((pixels, density)) => (pixels, density.parse::<f32>().map_err(|_| wrong())?),
            None => (text, 1.0),
        };
        let (width, height) = pixels.split_once('x').ok_or_else(wrong)?;
        let size = Self {
            width: width.parse().map_err(|_| wrong())?,
            height: height.parse().map_err(|_| wrong())?,
            density,
        };
        let fits = (320..=7680).contains(&size.width)
            && (240..=4320).contains(&size.height)
            && (0.5..=4.0).contains(&size.density);
        if fits { Ok(size) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_size_is_pixels_and_perhaps_a_density() {
        let size = |width, height, density| Ok(Size { width, height, density });
        assert_eq!("1280x720".parse(), size(1280, 720, 1.0));
        assert_eq!("2560x1440@2".parse(), size(2560, 1440, 2.0));
        for bad in ["", "1280", "0x0", "1280x720@0", "1280x720@nan", "-1x720", "9999x9999", "axb"] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_size_makes_the_parser_panic(text in "\\PC{0,20}") {
            let _ = text.parse::<Size>();
        }
    }
}
