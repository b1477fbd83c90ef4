use std::time::Duration;

use nalgebra::Isometry3;

use super::machine::Machine;
use super::{Dashboard, RealGripper, Rtde, Site, SiteError, State, calibration, link};
use crate::arm::ArmModel;
use crate::cell::{DeviceError, Eyes, Unwatched, Workcell};
use crate::config::Frame;
use crate::input::ConfigError;
use crate::task::{Phase, Pose2, Setup, Streams, TrialKey};
use crate::wire::gripper::Status;
use crate::wire::{RobotMode, SafetyMode};

/// One check of a cell: what was read, and what to do if that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub check: &'static str,
    pub reading: String,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Right,
    /// Not wrong, but a run would be better with what this says done.
    Doubtful(String),
    /// What to do.
    Wrong(String),
    /// Could not be asked, because of something that is wrong already.
    Skipped,
}

/// Oldest PolyScope that knows `is in remote control`.
const POLYSCOPE: (u32, u32) = (5, 6);
/// The TCP may be so far from the file's.
const TCP_MM: f64 = 0.5;
const TCP_DEG: f64 = 0.2;
const PAYLOAD_KG: f64 = 0.1;
/// The calibrated kinematics must explain the controller's own tool pose this well.
const EXPLAINED_MM: f64 = 0.5;
/// Fewer packages a second let a motion go unseen for too long.
const LEAST_HZ: f64 = 100.0;
/// How long packages are counted.
const LISTEN: Duration = Duration::from_millis(500);

/// Looks at everything that a run needs, and moves nothing.
pub fn examine(site: &Site) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Machine::measure().findings(site.spec().stale_ms).into();
    findings.extend(base(site));
    if let Some(wrong) = dashboard(site, &mut findings) {
        findings.push(wrong);
        for check in ["state", "TCP", "payload", "calibration", "gripper", "eyes", "frames"] {
            skip(&mut findings, check, "not asked: no controller was found");
        }
        return findings;
    }
    for (check, port) in
        [("program port", site.spec().script_port), ("primary port", site.spec().primary_port)]
    {
        let found = link::connect("controller", &site.spec().host, port);
        let advice = "enable the service under Settings, Security, Services";
        found_or(&mut findings, check, found.map(|_| format!("{port} open")), advice);
    }
    let state = state(site, &mut findings);
    if state.is_some() {
        registers(site, &mut findings);
    }
    let arm = kinematics(site, &mut findings);
    match (&state, &arm) {
        (Some(state), Some(arm)) => tool(site, state, arm, &mut findings),
        _ => skip(&mut findings, "TCP", "not asked: state or calibration is missing"),
    }
    gripper(site, &mut findings);
    eyes(site, &mut findings);
    match arm {
        Some(arm) => frames(site, &arm, &mut findings),
        None => skip(&mut findings, "frames", "not planned: the calibration is missing"),
    }
    findings
}

/// `base_from_tool` in which the arm stands still: from its joints, its own calibration and the
/// file's tool. The controller's tool pose is that of whatever TCP is set there just now.
pub fn measured_frame(site: &Site) -> Result<Frame, SiteError> {
    let failed = |error: DeviceError| SiteError::Cell(error.into());
    let listen = || -> Result<State, DeviceError> {
        let rtde = Rtde::listen(&site.spec().host, site.spec().rtde_port)?;
        std::thread::sleep(LISTEN);
        rtde.state()
    };
    let state = listen().map_err(failed)?;
    if !state.is_still() {
        let what = "the arm moves: let go of it, then teach".to_owned();
        return Err(failed(DeviceError::Fault { device: "teach", what }));
    }
    let calibration = site.calibration().map_err(failed)?;
    let arm = site.calibrated(&calibration).map_err(failed)?;
    let base_from_tool = arm.world_from_base.inverse() * arm.tool(&state.joints);
    Ok(Frame::from_isometry(&base_from_tool))
}

fn dashboard(site: &Site, findings: &mut Vec<Finding>) -> Option<Finding> {
    let spec = site.spec();
    let address = format!("{}:{}", spec.host, spec.dashboard_port);
    let advice = "check power, cable and real.host; enable the dashboard under Settings, Services";
    let mut dashboard = match Dashboard::connect(&spec.host, spec.dashboard_port) {
        Ok(dashboard) => dashboard,
        Err(error) => return Some(wrong("controller", error.to_string(), advice)),
    };
    right(findings, "controller", address);
    let version = dashboard.polyscope_version();
    match version {
        Ok(found) if found >= POLYSCOPE => {
            right(findings, "PolyScope", format!("{}.{}", found.0, found.1));
        }
        Ok((major, minor)) => {
            let advice = format!("update to {}.{} or later", POLYSCOPE.0, POLYSCOPE.1);
            findings.push(wrong("PolyScope", format!("{major}.{minor}"), advice));
        }
        Err(error) => findings.push(wrong("PolyScope", error.to_string(), advice)),
    }
    match dashboard.robot_model() {
        Ok(model) if model.starts_with("UR5") => right(findings, "robot", model),
        Ok(model) => {
            let advice = "the robot file is for a UR5e: another arm needs a file of its own";
            findings.push(wrong("robot", model, advice));
        }
        Err(error) => findings.push(wrong("robot", error.to_string(), advice)),
    }
    match dashboard.is_in_remote_control() {
        Ok(true) => right(findings, "remote control", "on"),
        Ok(false) => {
            findings.push(wrong("remote control", "off", "switch the pendant to Remote Control"));
        }
        Err(error) => findings.push(wrong("remote control", error.to_string(), advice)),
    }
    match dashboard.robot_mode() {
        Ok(RobotMode::Running) => right(findings, "power", RobotMode::Running.word()),
        Ok(mode) => {
            let advice = "power on and release the brakes on the pendant";
            findings.push(wrong("power", mode.word(), advice));
        }
        Err(error) => findings.push(wrong("power", error.to_string(), advice)),
    }
    match dashboard.safety_status() {
        Ok(mode) if mode == SafetyMode::Normal => right(findings, "safety", mode.word()),
        Ok(SafetyMode::Reduced) if spec.allow_reduced => {
            right(findings, "safety", "REDUCED, which the robot file allows");
        }
        Ok(mode) => {
            let advice = "see the table of stops in docs/real-arm.md";
            findings.push(wrong("safety", mode.word(), advice));
        }
        Err(error) => findings.push(wrong("safety", error.to_string(), advice)),
    }
    None
}

fn state(site: &Site, findings: &mut Vec<Finding>) -> Option<State> {
    let advice = "enable RTDE under Settings, Security, Services; disable fieldbuses that use it";
    let listen = || -> Result<(State, u64, u64), DeviceError> {
        let rtde = Rtde::listen(&site.spec().host, site.spec().rtde_port)?;
        let first = rtde.state()?.number;
        std::thread::sleep(LISTEN);
        let state = rtde.state()?;
        let packages = state.number - first;
        Ok((state, packages, rtde.gaps()))
    };
    match listen() {
        Ok((state, packages, gaps)) => {
            let hz = packages as f64 / LISTEN.as_secs_f64();
            let reading = format!("{hz:.0} packages a second, {gaps} left out");
            if hz < LEAST_HZ {
                findings.push(wrong(
                    "state",
                    reading,
                    "look at the network, and at what else runs",
                ));
                return None;
            }
            right(findings, "state", reading);
            Some(state)
        }
        Err(error) => {
            findings.push(wrong("state", error.to_string(), advice));
            None
        }
    }
}

/// Nobody else writes the registers of our program. Nothing is written to find out.
fn registers(site: &Site, findings: &mut Vec<Finding>) {
    let announced = Rtde::connect(&site.spec().host, site.spec().rtde_port);
    let reading = announced.map(|_| "24 to 32 are free".to_owned());
    let advice = "end the other driver, or disable the fieldbus that uses them";
    found_or(findings, "registers", reading, advice);
}

fn kinematics(site: &Site, findings: &mut Vec<Finding>) -> Option<ArmModel> {
    let advice = "enable the primary interface; check that the robot file is for this arm";
    match site.calibration().and_then(|info| site.calibrated(&info)) {
        Ok(arm) => {
            let (mm, deg) = calibration::apart(&site.arm().kinematics, &arm.kinematics);
            let reading = format!("flange up to {mm:.2} mm and {deg:.3} deg from nominal");
            right(findings, "calibration", reading);
            Some(arm)
        }
        Err(error) => {
            findings.push(wrong("calibration", error.to_string(), advice));
            None
        }
    }
}

/// TCP and payload as they are set, and whether the calibrated arm explains the measured tool.
fn tool(site: &Site, state: &State, arm: &ArmModel, findings: &mut Vec<Finding>) {
    let base_from_flange = arm.kinematics.forward(&state.joints);
    let explained = base_from_flange.inverse() * state.base_from_tool;
    let set = state.flange_from_tool.unwrap_or(explained);
    let (mm, deg) = apart(&site.flange_from_tool(), &set);
    let reading = format!("{mm:.2} mm and {deg:.2} deg from the file's");
    if mm <= TCP_MM && deg <= TCP_DEG {
        right(findings, "TCP", reading);
    } else {
        let advice = "set the installation's TCP to arm.tool, or measure it and correct the file";
        findings.push(wrong("TCP", reading, advice));
    }
    let (mm, _) = apart(&set, &explained);
    let reading = format!("kinematics explain the tool to {mm:.3} mm");
    if mm <= EXPLAINED_MM {
        right(findings, "kinematics", reading);
    } else {
        let advice = "the calibration read is not this arm's: report this";
        findings.push(wrong("kinematics", reading, advice));
    }
    let (kg, wanted) = (state.payload_kg, site.payload_kg());
    let reading = format!("{kg:.2} kg, the file says {wanted:.2} kg");
    if (kg - wanted).abs() <= PAYLOAD_KG {
        right(findings, "payload", reading);
    } else {
        let advice = "set the installation's payload to arm.payload_kg, or weigh and correct it";
        findings.push(wrong("payload", reading, advice));
    }
}

fn gripper(site: &Site, findings: &mut Vec<Finding>) {
    let advice = "install Robotiq's URCap, check its cable and real.gripper_port";
    let ask = || -> Result<String, DeviceError> {
        let mut gripper = site.gripper()?;
        let (health, fingers) = (gripper.health()?, gripper.fingers()?);
        let ready = match health {
            Status::Active => "active",
            _ => "not active: rmrl will activate it",
        };
        Ok(format!("pads {:.1} mm apart, {ready}", fingers.opening * 1e3))
    };
    found_or(findings, "gripper", ask(), advice);
}

fn eyes(site: &Site, findings: &mut Vec<Finding>) {
    let mut eyes = site.eyes();
    let look = |eyes: &mut super::HttpEyes| -> Result<String, DeviceError> {
        eyes.look()?;
        let at = |seen: bool| if seen { "seen" } else { "not seen" };
        let (pick, target) = (eyes.locate()?.is_some(), eyes.measure()?.is_some());
        Ok(format!("picture; plate {} at pick, {} at target", at(pick), at(target)))
    };
    let reading = look(&mut eyes);
    found_or(findings, "eyes", reading, "check the camera's program and real.eyes_url");
}

/// Where the file puts the arm: home lies in the workspace, taught places are about where the scene draws them. If not,
/// the base is elsewhere than the file says, or the place is.
fn base(site: &Site) -> Vec<Finding> {
    let advice = "measure arm.base again (from under the plate's centre at the pick place); if it is right, correct \
         the key named here";
    let told = |error: ConfigError| {
        wrong("base", format!("{} {}: {}", error.key, error.value, error.valid), advice)
    };
    let wrongs: Vec<Finding> = [site.check_home(), site.check_frames()]
        .into_iter()
        .filter_map(Result::err)
        .map(told)
        .collect();
    if wrongs.is_empty() {
        let home = site.robot().world_from_home.translation.vector * 1e3;
        let reading = format!("home at {:.0}, {:.0}, {:.0} mm", home.x, home.y, home.z);
        return vec![Finding { check: "base", reading, verdict: Verdict::Right }];
    }
    wrongs
}

/// A whole trial with its way back, from home, at the corners of what may be corrected.
fn frames(site: &Site, arm: &ArmModel, findings: &mut Vec<Finding>) {
    let envelope = &site.robot().envelope;
    let (mm, deg) = (envelope.correction_mm, envelope.correction_deg);
    let corners =
        [(0.0, 0.0, 0.0), (mm, mm, deg), (-mm, mm, -deg), (mm, -mm, -deg), (-mm, -mm, deg)];
    let advice = "teach the frame again, or move base, riser or target";
    let home = match site.home(arm) {
        Ok(home) => home,
        Err(error) => return findings.push(wrong("frames", format!("home: {error}"), advice)),
    };
    let (mut cell, moves) = site.on_paper(arm, home);
    for (x, y, yaw) in corners {
        let offset = Pose2::new(x, y, yaw);
        let key = TrialKey { phase: Phase::Train, index: 0 };
        let setup = Setup { streams: Streams::new(0), key, instance: 0, offset, made: 0 };
        let planned =
            cell.prepare(&setup, &mut Unwatched).and_then(|_| cell.attempt(offset, &mut Unwatched));
        if let Err(error) = planned {
            return findings.push(wrong("frames", error.to_string(), advice));
        }
    }
    right(findings, "frames", format!("{} moves at the corners reachable", moves.borrow().len()));
}

fn apart(a: &Isometry3<f64>, b: &Isometry3<f64>) -> (f64, f64) {
    let off = a.inverse() * b;
    (off.translation.vector.norm() * 1e3, off.rotation.angle().to_degrees())
}

fn right(findings: &mut Vec<Finding>, check: &'static str, reading: impl Into<String>) {
    findings.push(Finding { check, reading: reading.into(), verdict: Verdict::Right });
}

fn wrong(check: &'static str, reading: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding { check, reading: reading.into(), verdict: Verdict::Wrong(advice.into()) }
}

fn skip(findings: &mut Vec<Finding>, check: &'static str, why: &str) {
    findings.push(Finding { check, reading: why.to_owned(), verdict: Verdict::Skipped });
}

fn found_or(
    findings: &mut Vec<Finding>,
    check: &'static str,
    reading: Result<String, DeviceError>,
    advice: &str,
) {
    match reading {
        Ok(reading) => right(findings, check, reading),
        Err(error) => findings.push(wrong(check, error.to_string(), advice)),
    }
}
