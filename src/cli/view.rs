use std::path::PathBuf;
use std::sync::OnceLock;

use super::backend::{Backend, BackendArgs};
use super::compare::{SweepArgs, set, sweep};
use super::runs::find_run;
use super::train;
use super::trial::pose;
use crate::cell::{CellError, Unwatched};
use crate::cli::{Failure, interrupt};
use crate::config::Robot;
use crate::lab::{Change, Experiment, Part, run_path};
use crate::task::Pose2;
use crate::viewer::live::Feed;
use crate::viewer::{self, Out, Plan, Preset, Show, Size, Training, ViewError};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl view                                          try the task by hand
  rmrl view --scene open --robot gantry --offset 2,-1,0 --correction 2,-1,0
  rmrl view --run runs/narrow/rm-rl/1.sqlite --trial 512
  rmrl view --experiment narrow --method rm-rl --seed 1
  rmrl view --backend real --robot my-arm.toml
  rmrl view --headless --screenshot cell.png --view shelf")]
pub struct Args {
    /// Replay a stored run: its SQLite file, or a folder that holds just one
    #[arg(long, value_name = "RUN", conflicts_with_all = ["scene", "offset", "correction"])]
    run: Option<PathBuf>,
    /// Its trial to begin with, prior trials first [default: the last]
    #[arg(long, value_name = "N", requires = "run")]
    trial: Option<u64>,
    /// Scene: a built-in name or a TOML file
    #[arg(long, default_value = "shelf")]
    scene: String,
    /// Where the plate lies: mm, mm, degrees from nominal
    #[arg(long, value_name = "X,Y,YAW", default_value = "3,1,2", allow_hyphen_values = true)]
    #[arg(value_parser = pose)]
    offset: Pose2,
    /// What the arm corrects: mm, mm, degrees; runs the trial at once
    #[arg(long, value_name = "X,Y,YAW", allow_hyphen_values = true, value_parser = pose)]
    correction: Option<Pose2>,
    /// Robot: a built-in name or a TOML file [default by hand: ur5e-pinch]
    #[arg(long, value_name = "ROBOT")]
    robot: Option<String>,
    /// Train now and watch: a built-in experiment or a TOML file
    #[arg(long, value_name = "EXPERIMENT", requires = "method")]
    #[arg(conflicts_with_all = ["run", "scene", "offset", "correction", "robot", "headless"])]
    experiment: Option<String>,
    /// The method to train
    #[arg(long, value_name = "M", requires = "experiment")]
    method: Option<String>,
    /// The seed of the training
    #[arg(long, value_name = "S", requires = "experiment", default_value_t = 1)]
    seed: u64,
    /// Physical trials of the training
    #[arg(long, value_name = "N", requires = "experiment")]
    trials: Option<u64>,
    /// Any key of the experiment, or option of the method; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "experiment")]
    sets: Vec<String>,
    /// Output folder of the training [default: runs/<experiment>-<method>-<seed>]
    #[arg(long, value_name = "DIR", requires = "experiment")]
    out: Option<PathBuf>,
    /// Go on with an unfinished training
    #[arg(long, requires = "experiment", conflicts_with = "fresh")]
    resume: bool,
    /// Throw away the folder's runs and begin again
    #[arg(long, requires = "experiment")]
    fresh: bool,
    /// Be the training of a viewer that listens on this port
    #[arg(long, value_name = "PORT", requires = "experiment", hide = true)]
    feed: Option<u16>,
    /// Look at a real arm: --robot says where it is reached, --run whose last placement is shown
    #[arg(long, value_enum, default_value_t)]
    #[arg(conflicts_with_all = ["experiment", "scene", "offset", "correction", "trial"])]
    backend: Backend,
    /// Where to look from
    #[arg(long, value_enum, default_value_t)]
    view: Preset,
    /// Without a window: make pictures instead
    #[arg(long, requires = "pictures")]
    headless: bool,
    /// The picture to write: how the trial ends
    #[arg(long, value_name = "FILE.png", requires = "headless", group = "pictures")]
    screenshot: Option<PathBuf>,
    /// The folder to write the whole trial to, 25 pictures a second
    #[arg(long, value_name = "DIR", requires = "headless", group = "pictures")]
    frames: Option<PathBuf>,
    /// Pixels of the picture, and pixels a point on a dense display
    #[arg(long, value_name = "WxH[@D]", requires = "headless", default_value = "1280x720")]
    size: Size,
}

pub fn run(args: Args) -> Result<(), Failure> {
    if args.backend == Backend::Twin {
        let what = "--backend twin: in virtual time there is nothing to look at live; --run replays such a run";
        return Err(Failure::Input(what.into()));
    }
    let show = match (&args.run, &args.experiment) {
        (run, _) if args.backend == Backend::Real => {
            let lacking = || Failure::Input("--backend real needs --robot FILE".into());
            let robot = args.robot.clone().ok_or_else(lacking)?;
            Show::Real { robot, run: run.as_deref().map(find_run).transpose()? }
        }
        (Some(_), _) if args.robot.is_some() => {
            let what = "--robot: a stored run has its own; it goes with --backend real only";
            return Err(Failure::Input(what.into()));
        }
        (Some(run), _) => Show::Replay { run: find_run(run)?, trial: args.trial },
        (_, Some(experiment)) => match live(&args, experiment)? {
            Some(show) => show,
            None => return Ok(()),
        },
        _ => {
            let Experiment { task, physics, .. } = Experiment::open("wide", &[])?;
            Show::ByHand {
                scene: args.scene,
                robot: args.robot.unwrap_or_else(|| "ur5e-pinch".into()),
                offset: args.offset,
                correction: args.correction,
                task: Box::new(task),
                physics,
            }
        }
    };
    let out = match (args.screenshot, args.frames) {
        (Some(file), _) => Out::Screenshot(file),
        (_, Some(folder)) => Out::Frames(folder),
        _ => Out::Window,
    };
    Ok(viewer::run(Plan { show, view: args.view, size: args.size, out })?)
}

/// The training to watch; `None` once it has been carried out, as a viewer's own process.
fn live(args: &Args, experiment: &str) -> Result<Option<Show>, Failure> {
    let method = args.method.clone().unwrap_or_default();
    let mut changes = set(&args.sets)?;
    changes.extend(args.trials.map(|n| Change::flag_of("--trials", "trials", n as i64)));
    let (experiment, folder) = train::plan(experiment, &method, args.seed, changes)?;
    if let Some(port) = args.feed {
        let grasp = Robot::named(&experiment.robot)?.gripper.grasp;
        let stop = interrupt::flag()?;
        let how = SweepArgs {
            jobs: Some(1),
            out: args.out.clone(),
            resume: args.resume,
            fresh: args.fresh,
            scratch: None,
        };
        let backend = BackendArgs::default();
        // Only now that nothing is left to refuse does a window open.
        let feed = OnceLock::new();
        let watch = |scene: &str| {
            let connected = || match Feed::connect(port, grasp, stop) {
                Ok(feed) => Some(feed),
                Err(error) => {
                    eprintln!("{error}; the training goes on");
                    None
                }
            };
            match feed.get_or_init(connected) {
                Some(feed) => feed.watch(scene),
                None => Box::new(Unwatched),
            }
        };
        let starts = &|recipe: &crate::learn::Recipe, seed| {
            super::start::of_simulation(&experiment, recipe, seed)
        };
        sweep(&experiment, &Part::All, (&how, &backend, folder), starts, &watch)?;
        return Ok(None);
    }
    let folder = args.out.clone().unwrap_or(folder);
    Ok(Some(Show::Live(Box::new(Training {
        run: run_path(&folder, &method, args.seed),
        experiment,
        method,
        seed: args.seed,
        arguments: std::env::args_os().skip(1).collect(),
    }))))
}

impl From<ViewError> for Failure {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::Config(error) => error.into(),
            ViewError::Store(error) => error.into(),
            ViewError::Lab(error) => (*error).into(),
            ViewError::Cell(error) => error.into(),
            ViewError::Device(error) => CellError::from(error).into(),
            ViewError::Input(what) => Self::Input(what),
            ViewError::Training(Some(2)) => Self::Input(error.to_string()),
            ViewError::Write { .. } | ViewError::Complete(_) => Self::Input(error.to_string()),
            ViewError::Interrupted => Self::Interrupted(error.to_string()),
            other => Self::Work(other.into()),
        }
    }
}
