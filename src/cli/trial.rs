use std::path::Path;

use serde_json::{Value, json};

use super::backend::{Backend, BackendArgs, RealCells};
use super::cells::{Bench, SimCells, TwinCells};
use super::interrupt;
use super::out::say;
use crate::cell::{Attempt, CellError, Unwatched};
use crate::cli::Failure;
use crate::lab::Experiment;
use crate::lab::{LabError, UntilRaised};
use crate::real::Move;
use crate::task::{Phase, Placement, Pose2, Range, Reward, Setup, Streams, TaskSpec, TrialKey};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rmrl trial --offset -1,2,0                          what happens without a correction
  rmrl trial --offset 1,0,1 --scene shelf             guided in by the shelf's guides
  rmrl trial --offset 3,1,1 --correction 3,1,1 --json --noise off")]
pub struct Args {
    /// Scene: a built-in name or a TOML file
    #[arg(long, default_value = "open")]
    scene: String,
    /// Where the plate lies: mm, mm, degrees from nominal
    #[arg(long, value_name = "X,Y,YAW", default_value = "0,0,0", allow_hyphen_values = true)]
    #[arg(value_parser = pose)]
    offset: Pose2,
    /// What the arm corrects: mm, mm, degrees
    #[arg(long, value_name = "X,Y,YAW", default_value = "0,0,0", allow_hyphen_values = true)]
    #[arg(value_parser = pose)]
    correction: Pose2,
    /// Noise of arm, measurement and camera as in the narrow experiment, or none
    #[arg(long, default_value = "on", value_parser = ["on", "off"])]
    noise: String,
    /// Seed of the noise
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Robot: a built-in name or a TOML file
    #[arg(long, default_value = "gantry")]
    robot: String,
    /// Length of a physics step, ms
    #[arg(long, value_name = "MS", allow_hyphen_values = true, value_parser = step_ms)]
    dt: Option<f64>,
    #[command(flatten)]
    backend: BackendArgs,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<(), Failure> {
    args.backend.check()?;
    let mut bench = Bench::from(&Experiment::open("wide", &[])?);
    if args.noise == "off" {
        bench.task = bench.task.without_noise();
    }
    bench.physics.dt_ms = args.dt.unwrap_or(bench.physics.dt_ms);
    bench.robot.clone_from(&args.robot);
    let reward = Reward::new(&bench.task);
    check_offset(args.offset, bench.task.range)?;
    let setup = Setup {
        streams: Streams::new(args.seed),
        key: TrialKey { phase: Phase::Train, index: 0 },
        instance: 0,
        offset: args.offset,
        made: 0,
    };
    let attempt = match args.backend.backend {
        backend @ (Backend::Sim | Backend::Twin) => {
            let mut cell = match backend {
                Backend::Twin => TwinCells::new(&bench)?.cell(&args.scene)?,
                _ => SimCells::new(&bench)?.cell(&args.scene)?,
            };
            cell.prepare(&setup, &mut Unwatched)?;
            cell.attempt(args.correction, &mut Unwatched)?
        }
        Backend::Real => match on_the_arm(&args, &setup)? {
            Some(attempt) => attempt,
            None => return Ok(()),
        },
    };
    let scalar = reward.of_attempt(attempt.outcome, attempt.measured.as_ref());
    if args.json {
        say!("{}", as_json(&args, &attempt, scalar))?;
    } else {
        print_table(&args, &attempt, scalar)?;
    }
    Ok(())
}

/// `None` after a dry run.
fn on_the_arm(args: &Args, setup: &Setup) -> Result<Option<Attempt>, Failure> {
    let task = TaskSpec::exact(Range { mm: 0.0, deg: 0.0 });
    let cells = RealCells::new(&args.robot, &args.scene, &task, "trial")?;
    cells.demand_allowed("--offset", args.offset)?;
    cells.demand_allowed("--correction", args.correction)?;
    if args.backend.dry_run {
        say!("{:12} {:>9} {:>9} {:>9} {:>7} {:>7}", "", "x mm", "y mm", "z mm", "way mm", "mm/s")?;
        let trial = (args.offset, args.correction);
        let moves = cells.rehearse(std::iter::once(trial))?;
        moves.iter().try_for_each(print_move)?;
        let count = moves.len();
        say!("{count} moves planned and checked; nothing was moved")?;
        return Ok(None);
    }
    let mut watch = UntilRaised(interrupt::flag()?);
    loop {
        let mut attempt = || -> Result<Attempt, CellError> {
            let mut cell = cells.connect()?;
            cell.recover(&mut watch)?;
            cell.prepare(setup, &mut watch)?;
            cell.attempt(args.correction, &mut watch)
        };
        match attempt() {
            Ok(attempt) => return Ok(Some(attempt)),
            Err(error) => args.backend.pauses.wait(LabError::from(error), Path::new(""))?,
        }
    }
}

fn print_move(planned: &Move) -> Result<(), Failure> {
    let at = planned.world_from_tool.translation.vector * 1e3;
    let contact = if planned.contact { "  may touch" } else { "" };
    say!(
        "{:12} {:9.1} {:9.1} {:9.1} {:7.1} {:7.0}{contact}",
        planned.name,
        at.x,
        at.y,
        at.z,
        planned.way * 1e3,
        planned.speed * 1e3
    )
}

fn check_offset(offset: Pose2, range: Range) -> Result<(), Failure> {
    let reach = 2.0 * range.mm.max(range.deg);
    if offset.axes().iter().all(|axis| axis.abs() <= reach) {
        return Ok(());
    }
    let axes = offset.axes();
    Err(Failure::Input(format!("--offset: {axes:?}: each part must be from {} to {reach}", -reach)))
}

/// The range that the simulation takes.
fn step_ms(text: &str) -> Result<f64, String> {
    let ms = text.parse().ok().filter(|ms| (0.05..=8.0).contains(ms));
    ms.ok_or_else(|| "must be from 0.05 to 8 milliseconds".into())
}

/// `X,Y,YAW`: three finite numbers.
pub(super) fn pose(text: &str) -> Result<Pose2, String> {
    let parts: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let three = parts.ok().and_then(|p| <[f64; 3]>::try_from(p).ok());
    let pose = three.map(Pose2::from_axes).filter(|p| p.is_finite());
    pose.ok_or_else(|| "must be three finite numbers: mm, mm, degrees, as in -1,2,0".into())
}

/// The truth in simulation, the measurement on hardware.
fn placement(attempt: &Attempt) -> Option<Placement> {
    attempt.truth.or(attempt.measured)
}

fn as_json(args: &Args, attempt: &Attempt, reward: f64) -> Value {
    json!({
        "scene": args.scene,
        "offset": args.offset,
        "correction": attempt.commanded,
        "executed": attempt.executed,
        "in_hand": attempt.in_hand,
        "placement": placement(attempt),
        "seated": attempt.seated,
        "outcome": attempt.outcome,
        "reward": reward,
        "robot_time_s": attempt.duration.seconds,
        "peak_force_n": attempt.harm.peak_force_n,
        "jam": attempt.harm.jam,
        "drop": attempt.harm.drop,
        "plate_hit": attempt.harm.plate_hit,
    })
}

fn print_table(args: &Args, attempt: &Attempt, reward: f64) -> Result<(), Failure> {
    let row = |name: &str, pose: Option<Pose2>| match pose {
        Some(p) => say!("{name:12} {:8.2} {:8.2} {:8.2}", p.x_mm, p.y_mm, p.yaw_deg),
        None => say!("{name:12} {:>8} {:>8} {:>8}", "-", "-", "-"),
    };
    say!("{:12} {:>8} {:>8} {:>8}", "", "x mm", "y mm", "yaw deg")?;
    row("offset", Some(args.offset))?;
    row("correction", Some(attempt.commanded))?;
    row("executed", Some(attempt.executed))?;
    row("in hand", attempt.in_hand)?;
    row("placement", placement(attempt).map(|p| p.pose))?;
    let seated = if attempt.seated { "seated" } else { "not seated" };
    say!("outcome      {} ({seated})", attempt.outcome.name())?;
    if let Some(p) = placement(attempt) {
        say!("height       {:.2} mm, tilt {:.2} deg", p.z_mm, p.tilt_deg)?;
    }
    say!("reward       {reward:.3}")?;
    say!("robot time   {:.1} s", attempt.duration.seconds)?;
    say!("peak force   {:.1} N", attempt.harm.peak_force_n)?;
    say!("harm         {}", attempt.harm.words())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pose_on_the_command_line_is_three_finite_numbers() {
        assert_eq!(pose("-1,2,0"), Ok(Pose2::new(-1.0, 2.0, 0.0)));
        assert_eq!(pose(" 1.5, -2e0 ,0.25"), Ok(Pose2::new(1.5, -2.0, 0.25)));
        for bad in ["", "1,2", "1,2,3,4", "1,2,x", "nan,0,0", "0,inf,0", "1 2 3"] {
            assert!(pose(bad).is_err(), "{bad}");
        }
    }
}
