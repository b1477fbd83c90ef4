mod person;

use std::io::Write;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::out::say;
use super::{Failure, interrupt};
use crate::config::{Robot, TwinSpec};
use crate::input::{Check, anchored};
use crate::lab::Experiment;
use crate::twin::{Fault, FaultSpec, Places, Plan, Twin, TwinError};
use crate::wire::robot_state::Layout;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:
  rmrl twin --robot robots/ur5e-twin.toml                       on 127.0.0.1, standard ports
  rmrl twin --robot robots/ur5e-twin.toml --ports free --json   tells its ports as one line of JSON
  rmrl twin --robot robots/ur5e-twin.toml --speed 50 --fault protective-stop@12.5
  rmrl twin --fault list                                        every fault, and what it does
  curl -d gripper-jam+3 http://127.0.0.1:63380/fault            a fault while it runs
  rmrl twin jog tool 0,0,-20                                    move a running twin's arm as a person
  rmrl twin person unlock                                       what else a person does there",
    args_conflicts_with_subcommands = true
)]
pub struct Args {
    #[command(subcommand)]
    person: Option<person::Command>,
    /// Robot: a built-in name or a TOML file, with a [twin] section
    #[arg(long, default_value = "ur5e-twin")]
    robot: String,
    /// Scene on its table instead of the file's
    #[arg(long)]
    scene: Option<String>,
    /// Times life, instead of the file's
    #[arg(long, allow_hyphen_values = true)]
    speed: Option<f64>,
    /// Address to listen on; anything but loopback lets others move this arm
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<IpAddr>,
    /// Ports of a real controller, or whatever is free
    #[arg(long, default_value = "standard", value_parser = ["standard", "free"])]
    ports: String,
    /// NAME[=VALUE][@AFTER][+LASTS], seconds of robot time; may be given several times; "list" lists them
    #[arg(long, value_name = "FAULT")]
    fault: Vec<String>,
    /// Layout of the states on 30001 and 30002 instead of the file's: 3.4 for old clients, as urx 0.11
    #[arg(long, value_parser = ["5", "3.4"])]
    client_interface: Option<String>,
    /// Seed of its hidden calibration and noise, instead of the file's
    #[arg(long)]
    seed: Option<u64>,
    /// Where it listens as one line of JSON on stdout, once it does
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<(), Failure> {
    if let Some(does) = args.person {
        return person::run(does);
    }
    if args.fault.iter().any(|fault| fault == "list") {
        for (fault, what) in Fault::LIST {
            say!("{fault:18} {what}")?;
        }
        return Ok(());
    }
    let mut robot = Robot::named(&args.robot)?;
    if let Some(spec) = &mut robot.twin {
        override_with(&args, spec)?;
    }
    let faults: Result<Vec<FaultSpec>, _> = args.fault.iter().map(|text| text.parse()).collect();
    let faults = faults.map_err(|bad| Failure::Input(format!("--fault: {bad}")))?;
    let plan = Plan::new(&robot, Experiment::open("narrow", &[])?.task, faults)?;
    let host = args.listen.unwrap_or(plan.spec().listen);
    let places = if args.ports == "free" { Places::Free } else { Places::Standard };
    let interrupted = interrupt::flag_saying("the twin ends; what it played is gone")?;
    let speed = plan.spec().speed;
    let twin = Twin::start(&plan, host, places, |event| {
        eprintln!("{:10.3} s  {}", event.at, event.what);
    })?;
    announce(&twin, speed, args.json)?;
    while !interrupted.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(twin);
    Ok(())
}

fn override_with(args: &Args, spec: &mut TwinSpec) -> Result<(), Failure> {
    if let Some(speed) = args.speed {
        TwinSpec::check_speed(Check { file: "command line" }, "--speed", speed)?;
        spec.speed = speed;
    }
    if let Some(scene) = &args.scene {
        spec.scene = anchored(Path::new(""), scene);
    }
    if let Some(layout) = &args.client_interface {
        spec.client_interface = if layout == "5" { Layout::V5 } else { Layout::V34 };
    }
    if let Some(seed) = args.seed {
        spec.seed = seed;
    }
    Ok(())
}

fn announce(twin: &Twin, speed: f64, as_json: bool) -> Result<(), Failure> {
    let ports = twin.ports();
    eprintln!(
        "a twin at {speed} times life on {}: RTDE {}, dashboard {}, script {}, gripper {}, \
         eyes and control {}; Ctrl-C ends it",
        ports.host, ports.rtde, ports.dashboard, ports.script, ports.gripper, ports.http
    );
    if as_json {
        let mut out = std::io::stdout();
        writeln!(out, "{}", json!({ "listening": ports, "speed": speed }))
            .and_then(|()| out.flush())
            .map_err(|e| Failure::Work(e.into()))?;
    }
    Ok(())
}

impl From<TwinError> for Failure {
    fn from(error: TwinError) -> Self {
        Self::Work(error.into())
    }
}
