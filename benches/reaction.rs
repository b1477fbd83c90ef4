//! How soon a command moves the arm, and how old the oldest state is that a motion was watched by,
//! on loopback at the speed of life: `cargo bench --bench reaction -- SECONDS`, twice.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use rmrl::cell::{Unwatched, Workcell};
use rmrl::config::Robot;
use rmrl::lab::Experiment;
use rmrl::real::Site;
use rmrl::task::{Phase, Pose2, Setup, Streams, TrialKey};
use rmrl::twin::{Places, Plan, Twin};

/// Of the controller, seconds.
const CYCLE: f64 = 0.002;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args().filter_map(|a| a.parse().ok()).next_back().unwrap_or(20.0);
    let lagging = Robot::named("ur5e-twin")?;
    let mut exact = lagging.clone();
    let gaps = &mut exact.twin.as_mut().ok_or("the robot file has no [twin] section")?.gaps;
    // What is left is the wire, the driver and the program.
    (gaps.tracking_ms, gaps.stiction_deg) = (0.0, 0.0);
    measure("joints that follow at once", exact, seconds)?;
    measure("joints that lag by the file's 8 ms and stick", lagging, seconds)
}

fn measure(what: &str, mut robot: Robot, seconds: f64) -> Result<(), Box<dyn std::error::Error>> {
    let task = Experiment::open("narrow", &[])?.task;
    let plan = Plan::new(&robot, task, Vec::new())?;
    let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let twin = Twin::start(&plan, host, Places::Free, |_| ())?;
    let ports = twin.ports();
    let real = robot.real.as_mut().ok_or("the robot file has no [real] section")?;
    (real.rtde_port, real.dashboard_port) = (ports.rtde, ports.dashboard);
    (real.script_port, real.primary_port) = (ports.script, ports.primary);
    real.gripper_port = ports.gripper;
    real.eyes_url = Some(format!("http://{}:{}", ports.host, ports.http));
    // As with an arm.
    (real.stale_ms, real.watchdog_hz) = (40.0, 10.0);

    let mut cell = Site::new(&robot)?.connect()?;
    let began = Instant::now();
    let mut trials = 0;
    while began.elapsed().as_secs_f64() < seconds {
        let key = TrialKey { phase: Phase::Train, index: trials };
        let offset = Pose2::new(1.0, -1.0, 0.5);
        let setup = Setup { streams: Streams::new(1), key, instance: 0, offset, made: trials };
        cell.prepare(&setup, &mut Unwatched)?;
        cell.attempt(offset, &mut Unwatched)?;
        trials += 1;
    }
    let session = cell.rig().session();
    let mut cycles: Vec<f64> = session.reactions().iter().map(|s| s / CYCLE).collect();
    cycles.sort_by(f64::total_cmp);
    let at = |share: f64| cycles[((cycles.len() - 1) as f64 * share) as usize];
    let within = cycles.iter().filter(|c| **c <= 2.5).count();
    println!(
        "{what}: {trials} trials in {:.0} s at the speed of life",
        began.elapsed().as_secs_f64()
    );
    println!(
        "from the state before a command to the first that shows motion: median {:.0} cycles, \
         p99 {:.0}, most {:.0}; {within} of {} within two",
        at(0.5),
        at(0.99),
        at(1.0),
        cycles.len(),
    );
    println!(
        "oldest state that a motion was watched by: {:.1} ms; packages left out: {}",
        session.oldest_ms(),
        session.gaps()
    );
    Ok(())
}
