mod capture;
mod placement;
mod poses;
mod source;
mod store;
mod views;

pub use capture::{lines, prompt};

use std::path::{Path, PathBuf};

use serde_json::json;

use super::out::say;
use crate::cli::Failure;
use crate::cli::tags::board;
use crate::config::Frame;
use crate::eyes::calibrate::{HandEye, Intrinsics, Mount, Posed, View, hand_eye, intrinsics};
use crate::eyes::{Board, Lens};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Take views of a board from a live camera, with the arm's poses if they are wanted
    Capture(capture::Args),
    /// The lens: focal lengths, middle and distortion, from views of a board
    Camera(CameraArgs),
    /// Where the camera is mounted, from views of a board and the arm's poses
    HandEye(HandEyeArgs),
    /// What the camera sees of a plate that lies perfectly: every reading is relative to it
    Placement(placement::Args),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl calibrate camera --views shots
  rmrl calibrate camera --views shots --robot my-arm.toml --camera place

SHOTS holds PNG or JPEG files of one size, 8 at least, better 20 (rmrl calibrate capture): the
printed board `camera` (rmrl tags) in every part of the frame, tilted by 20 to 40 deg to all
sides, sharp. A new lens drops what was taught with the old one from the robot file.
Exit code 1 if they do not tell the lens, with the reason.")]
struct CameraArgs {
    /// Folder of the views, *.png and *.jpg
    #[arg(long, value_name = "FOLDER")]
    views: PathBuf,
    /// The board in the views: lid, target, pick or camera
    #[arg(long, value_name = "BOARD", default_value = "camera")]
    board: String,
    #[command(flatten)]
    to: To,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl calibrate hand-eye --views shots --poses shots/poses.toml --mount eye-to-hand \
      --robot my-arm.toml --camera place
  rmrl calibrate hand-eye --views shots --poses poses.toml --mount eye-in-hand --lens lens.json

POSES says where the arm stood, world_from_tool, a line a view:
  \"000.png\" = { xyz_mm = [120.0, 40.0, 310.0], rpy_deg = [180.0, 0.0, 90.0] }
eye-to-hand: the camera stands in the cell and looks at a board in the hand.
eye-in-hand: the hand carries the camera, and the board stands in the cell.
8 poses at least, better 15, turned about two axes and more.")]
struct HandEyeArgs {
    /// Folder of the views, *.png and *.jpg
    #[arg(long, value_name = "FOLDER")]
    views: PathBuf,
    /// TOML file with the arm's pose of each view
    #[arg(long, value_name = "FILE")]
    poses: PathBuf,
    /// Who carries the camera
    #[arg(long, value_enum)]
    mount: MountArg,
    /// The board in the views: lid, target, pick or camera
    #[arg(long, value_name = "BOARD", default_value = "camera")]
    board: String,
    /// What `rmrl calibrate camera --json` wrote; otherwise the lens is taken from the robot file
    #[arg(long, value_name = "FILE")]
    lens: Option<PathBuf>,
    #[command(flatten)]
    to: To,
}

#[derive(Debug, clap::Args)]
struct To {
    /// Robot file that the result is stored in; it keeps its comments
    #[arg(long, value_name = "FILE", requires = "camera")]
    robot: Option<PathBuf>,
    /// The camera that looks at this place: stored under [eyes.pick] or [eyes.place]
    #[arg(long, value_name = "PLACE", value_enum, requires = "robot")]
    camera: Option<Place>,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Place {
    Pick,
    Place,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum MountArg {
    EyeToHand,
    EyeInHand,
}

pub fn run(args: Args) -> Result<(), Failure> {
    match args.what {
        What::Capture(args) => capture::run(&args),
        What::Camera(args) => camera(args),
        What::HandEye(args) => mounting(args),
        What::Placement(args) => placement::run(&args),
    }
}

fn camera(args: CameraArgs) -> Result<(), Failure> {
    let board = board("--board", &args.board)?;
    let shots = views::read(&args.views)?;
    let found = lens_of(&shots, &board).map_err(|why| refused("the lens", &why))?;
    let Intrinsics { lens, residual_px, .. } = &found;
    let keys = [("lens", store::lens(lens)), ("lens_residual_px", store::rounded(*residual_px))];
    let gone = args.to.store(&keys, &["taught"])?;
    if args.to.json {
        let views: Vec<_> = found
            .views
            .iter()
            .map(|(name, px)| json!({ "view": name, "residual_px": px }))
            .collect();
        return say!(
            "{}",
            json!({
                "lens": lens, "residual_px": residual_px, "focal_sd_px": found.focal_sd_px,
                "centre_sd_px": found.centre_sd_px, "covered": found.covered, "views": views,
                "left_out": left_out(&found.left_out), "dropped": gone,
            })
        );
    }
    say!("lens      {}", store::lens(lens))?;
    say!("residual  {residual_px:.3} px (rms) over {} views", found.views.len())?;
    say!(
        "certain   focal length to {:.2} px, middle to {:.2} px",
        found.focal_sd_px,
        found.centre_sd_px
    )?;
    say!("covered   {:.0} % of the frame", 100.0 * found.covered)?;
    say_left_out(&found.left_out)?;
    args.to.said()?;
    if gone.is_empty() {
        return Ok(());
    }
    say!("dropped   what was taught with the old lens: teach it again, rmrl calibrate placement")
}

fn mounting(args: HandEyeArgs) -> Result<(), Failure> {
    let board = board("--board", &args.board)?;
    let lens = args.lens()?;
    let shots = views::read(&args.views)?;
    let poses = poses::read(&args.poses)?;
    let (width, height) = (shots.width, shots.height);
    if (width, height) != (lens.width, lens.height) {
        return Err(Failure::Input(format!(
            "{}: views of {width}x{height} pixels: the lens has {}x{}",
            args.views.display(),
            lens.width,
            lens.height
        )));
    }
    let mut posed = Vec::new();
    for view in views_of(&shots, &board, Some(&lens))? {
        let world_from_tool = poses.of(&view.name)?;
        posed.push(Posed { view, world_from_tool });
    }
    let mount = match args.mount {
        MountArg::EyeToHand => Mount::EyeToHand,
        MountArg::EyeInHand => Mount::EyeInHand,
    };
    let found = hand_eye(&lens, mount, &posed).map_err(|why| refused("the mounting", &why))?;
    let (camera_key, board_key) = match mount {
        Mount::EyeToHand => ("world_from_camera", "tool_from_board"),
        Mount::EyeInHand => ("tool_from_camera", "world_from_board"),
    };
    let [camera, on] = [&found.camera, &found.board].map(Frame::from_isometry);
    let HandEye { residual_px, residual_mm, residual_deg, sd_mm, sd_deg, .. } = &found;
    args.to.store(
        &[
            (camera_key, store::frame(&camera)),
            ("camera_residual_mm", store::rounded(*residual_mm)),
            ("camera_residual_deg", store::rounded(*residual_deg)),
        ],
        &[],
    )?;
    if args.to.json {
        let pose = |frame: &Frame| json!({ "xyz_mm": frame.xyz_mm, "rpy_deg": frame.rpy_deg });
        return say!(
            "{}",
            json!({
                "mount": mount.name(), camera_key: pose(&camera), board_key: pose(&on),
                "residual_px": residual_px, "residual_mm": residual_mm, "residual_deg": residual_deg,
                "sd_mm": sd_mm, "sd_deg": sd_deg, "views": found.views,
                "left_out": left_out(&found.left_out),
            })
        );
    }
    say!("{camera_key:18} {}", store::frame(&camera))?;
    say!("{board_key:18} {}", store::frame(&on))?;
    say!(
        "residual           {residual_mm:.2} mm, {residual_deg:.3} deg, {residual_px:.2} px (rms) over {} views",
        found.views
    )?;
    say!("certain            to {sd_mm:.2} mm, {sd_deg:.3} deg (standard deviations)")?;
    say_left_out(&found.left_out)?;
    args.to.said()
}

/// Twice: sides of tags are straight only before the lens's distortion, which the first pass tells.
fn lens_of(shots: &views::Shots, board: &Board) -> Result<Intrinsics, String> {
    let told = |lens: Option<&Lens>| -> Result<Intrinsics, String> {
        let views = views_of(shots, board, lens).map_err(|failure| failure.to_string())?;
        intrinsics(shots.width, shots.height, &views).map_err(|why| why.to_string())
    };
    let first = told(None)?;
    told(Some(&first.lens))
}

fn views_of(
    shots: &views::Shots,
    board: &Board,
    lens: Option<&Lens>,
) -> Result<Vec<View>, Failure> {
    let mut finder = capture::finder()?;
    let of = |(name, frame)| View::new(name, board, &finder.find(&frame, None, lens));
    Ok(shots.frames().map(of).collect())
}

fn refused(what: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::Work(anyhow::anyhow!("the views do not tell {what}: {why}"))
}

fn left_out(list: &[(String, String)]) -> serde_json::Value {
    list.iter().map(|(name, why)| json!({ "view": name, "why": why })).collect()
}

fn say_left_out(list: &[(String, String)]) -> Result<(), Failure> {
    list.iter().try_for_each(|(name, why)| say!("left out  {name}: {why}"))
}

impl HandEyeArgs {
    fn lens(&self) -> Result<Lens, Failure> {
        match (&self.lens, self.to.section()) {
            (Some(file), _) => store::lens_in_json(file),
            (None, Some((robot, section))) => store::lens_in_robot(robot, &section),
            (None, None) => Err(Failure::Input(
                "no lens: name the robot file that has one (--robot), or --lens FILE, which `rmrl \
                 calibrate camera --json` wrote"
                    .into(),
            )),
        }
    }
}

impl Place {
    /// Its key in `[eyes]`.
    fn key(self) -> &'static str {
        match self {
            Self::Pick => "pick",
            Self::Place => "place",
        }
    }
}

impl To {
    /// File and section, where both are named.
    fn section(&self) -> Option<(&Path, [&'static str; 2])> {
        Some((self.robot.as_deref()?, ["eyes", self.camera?.key()]))
    }

    /// Which of the old keys were there.
    fn store(&self, keys: &[(&str, String)], old: &[&str]) -> Result<Vec<String>, Failure> {
        let store = |(file, section): (&Path, [&str; 2])| store::store(file, &section, keys, old);
        self.section().map_or(Ok(Vec::new()), store)
    }

    fn said(&self) -> Result<(), Failure> {
        let Some((file, section)) = self.section() else { return Ok(()) };
        say!("stored in {} [{}]", file.display(), section.join("."))
    }
}

#[cfg(test)]
#[path = "calibrate/tests.rs"]
mod tests;
