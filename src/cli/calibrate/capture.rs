mod album;
mod cue;

pub use cue::{lines, prompt};

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nalgebra::Isometry3;

use self::album::Album;
use self::cue::{Cue, Next};
use super::source::{Live, Source};
use crate::cli::out::say;
use crate::cli::tags::board;
use crate::cli::{Failure, interrupt};
use crate::config::{Frame, Robot};
use crate::eyes::calibrate::{View, covered, unusable};
use crate::eyes::{Board, Finder};
use crate::real::camera::{Camera, Grey};
use crate::real::{Site, measured_frame};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl calibrate capture --kind snapshot --address http://192.168.0.9/image.jpg --out shots
  rmrl calibrate capture --robot my-arm.toml --camera place --out mount --poses --count 15
  rmrl calibrate capture --robot my-arm.toml --camera pick --out shots --every 3

Hold the printed board `camera` (rmrl tags) before the camera, then press Enter, a view a line:
in every part of the frame, tilted by 20 to 40 deg to all sides. A view that is no good is told
and not counted. The same command goes on where it was interrupted.

--poses: the arm stands still in each view, and its measured pose, world_from_tool, goes into
SHOTS/poses.toml, as `rmrl calibrate hand-eye --poses` reads it.")]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Folder for the views: 000.png, 001.png, ...; nothing in it is overwritten
    #[arg(long, value_name = "SHOTS")]
    out: PathBuf,
    /// Views that the folder holds at the end
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=500))]
    count: u64,
    /// A view so often, without Enter
    #[arg(long, value_name = "SECONDS")]
    every: Option<f64>,
    /// The board in the views: lid, target, pick or camera
    #[arg(long, value_name = "BOARD", default_value = "camera")]
    board: String,
    /// Where the arm stood in each view, too
    #[arg(long, requires = "robot")]
    poses: bool,
}

/// Seconds between views.
const EVERY_S: std::ops::RangeInclusive<f64> = 0.1..=3600.0;
/// Nobody holds a board who has been told so often that a view is no good.
const MOST_IN_VAIN: u32 = 100;
/// An arm that moved farther while a view was taken did not stand still, mm and deg.
const STILL_MM: f64 = 0.1;
const STILL_DEG: f64 = 0.05;

pub fn run(args: &Args) -> Result<(), Failure> {
    let board = board("--board", &args.board)?;
    let every = args.every.map(interval).transpose()?;
    let site = args.poses.then(|| site(&args.source)).transpose()?;
    let camera = args.source.open()?;
    let mut finder = finder()?;
    let mut album = Album::open(&args.out, &board, &mut finder, args.poses)?;
    let (count, told) = (args.count as usize, args.out.display());
    if album.views.len() >= count {
        let held = album.views.len();
        return say!("{told} holds {held} views already: --count {} takes more", held + 10);
    }
    let stopped = interrupt::flag()?;
    let mut taker = Taker { camera, board, finder, site };
    let mut cue = Cue::new(every);
    let mut in_vain = 0;
    while album.views.len() < count {
        let held = album.views.len();
        let more = format!("{held} of {count} views are in {told}: the same command goes on");
        match cue.wait(stopped, held + 1, count) {
            Next::Take => {}
            Next::Over => {
                return Err(Failure::Work(anyhow::anyhow!("standard input ended; {more}")));
            }
            Next::Stopped => return Err(Failure::Interrupted(more)),
        }
        match taker.take() {
            Ok(taken) => {
                let name = album.add(&taken.picture, taken.view, taken.world_from_tool.as_ref())?;
                in_vain = 0;
                let share = 100.0 * covered(album.width, album.height, &album.views);
                say!(
                    "{name}  {} tags; {share:.0} % of the frame covered so far; {} of {count} views",
                    taken.tags,
                    album.views.len()
                )?;
            }
            Err(_) if stopped.load(Ordering::Relaxed) => return Err(Failure::Interrupted(more)),
            Err(why) => {
                in_vain += 1;
                say!("not counted: {why}")?;
                if in_vain == MOST_IN_VAIN {
                    let why = format!("{in_vain} views in a row were no good; {more}");
                    return Err(Failure::Work(anyhow::anyhow!(why)));
                }
            }
        }
    }
    say!("{told} holds {count} views")
}

/// What takes views.
struct Taker {
    camera: Live,
    board: Board,
    finder: Finder,
    /// The arm whose pose belongs to each.
    site: Option<Site>,
}

/// A good view.
struct Taken {
    picture: Grey,
    view: View,
    tags: usize,
    world_from_tool: Option<Frame>,
}

impl Taker {
    /// A view, or why it is no good.
    fn take(&mut self) -> Result<Taken, String> {
        let before = self.pose()?;
        let picture = self.camera.frame().map_err(|error| error.to_string())?.picture;
        let frame = picture.frame().ok_or("the frame's last row is not full")?;
        let seen = self.finder.find(&frame, None, None);
        let view = View::new("", &self.board, &seen);
        let tags = seen.iter().filter(|tag| self.board.tag(tag.id).is_some()).count();
        if tags == 0 {
            return Err(format!("no tag of the board `{}` is seen", self.board.name));
        }
        if let Some(why) = unusable(&view) {
            return Err(format!("{tags} tags of the board `{}`: {why}", self.board.name));
        }
        if let (Some(before), Some(after)) = (&before, self.pose()?) {
            let moved = before.inverse() * after;
            let (mm, deg) =
                (moved.translation.vector.norm() * 1e3, moved.rotation.angle().to_degrees());
            if mm > STILL_MM || deg > STILL_DEG {
                return Err(format!("the arm moved by {mm:.1} mm and {deg:.2} deg meanwhile"));
            }
        }
        let world_from_tool = before.map(|pose| Frame::from_isometry(&pose));
        Ok(Taken { picture, view, tags, world_from_tool })
    }

    /// `world_from_tool` of an arm that stands still.
    fn pose(&self) -> Result<Option<Isometry3<f64>>, String> {
        let of = |site: &Site| {
            let base_from_tool = measured_frame(site).map_err(|error| error.to_string())?;
            Ok(site.arm().world_from_base * base_from_tool.isometry())
        };
        self.site.as_ref().map(of).transpose()
    }
}

fn interval(seconds: f64) -> Result<Duration, Failure> {
    let (low, high) = (EVERY_S.start(), EVERY_S.end());
    let wrong = || Failure::Input(format!("--every = {seconds}: must be from {low} to {high} s"));
    EVERY_S.contains(&seconds).then(|| Duration::from_secs_f64(seconds)).ok_or_else(wrong)
}

fn site(source: &Source) -> Result<Site, Failure> {
    let file = source.robot.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
    Ok(Site::to_examine(&Robot::to_examine(&file)?)?)
}

pub fn finder() -> Result<Finder, Failure> {
    let none = || Failure::Work(anyhow::anyhow!("the tags' detector has no memory"));
    Finder::new().ok_or_else(none)
}
