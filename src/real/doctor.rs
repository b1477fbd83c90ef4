use std::time::Duration;

use super::look;
use super::machine::Machine;
use super::{RealGripper, Site, SiteError};
use crate::arm::ArmModel;
use crate::cell::{DeviceError, Unwatched, Workcell};
use crate::config::Frame;
use crate::input::ConfigError;
use crate::task::{Phase, Pose2, Setup, Streams, TrialKey};
use crate::wire::gripper::Status;

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

/// How long an arm is seen to stand before a pose is taken.
const LISTEN: Duration = Duration::from_millis(500);

/// Looks at everything that a run needs, and moves nothing.
pub fn examine(site: &Site) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Machine::measure().findings(site.spec().stale_ms).into();
    findings.extend(base(site));
    let arm = match site.controller().examine(site, &mut findings) {
        Ok(arm) => arm,
        Err(nobody) => {
            findings.push(*nobody);
            for check in ["state", "TCP", "payload", "calibration", "gripper", "eyes", "frames"] {
                skip(&mut findings, check, "not asked: no controller was found");
            }
            return findings;
        }
    };
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
    let listen = || site.controller().state(site.spec());
    listen().map_err(failed)?;
    std::thread::sleep(LISTEN);
    let state = listen().map_err(failed)?;
    if !state.is_still() {
        let what = "the arm moves: let go of it, then teach".to_owned();
        return Err(failed(DeviceError::Fault { device: "teach", what }));
    }
    let arm = site.calibrated().map_err(failed)?;
    let base_from_tool = arm.world_from_base.inverse() * arm.tool(&state.joints);
    Ok(Frame::from_isometry(&base_from_tool))
}

fn gripper(site: &Site, findings: &mut Vec<Finding>) {
    let mut gripper = match site.gripper() {
        Ok(gripper) => gripper,
        Err(error) => {
            let service = "install Robotiq's URCap, check real.gripper_port";
            let advice = super::link::what_shuts(&error, service);
            return findings.push(wrong("gripper", error.to_string(), advice));
        }
    };
    let advice = "if another driver holds it (ROS with tool communication, a second URCap, another client), end that \
         one; else check its cable and its page on the pendant";
    let mut ask = || -> Result<String, DeviceError> {
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
    if let Some(spec) = site.cameras() {
        return look::examine(site, spec, findings);
    }
    let look = || -> Result<String, DeviceError> {
        let mut eyes = site.eyes()?;
        eyes.look()?;
        let at = |seen: bool| if seen { "seen" } else { "not seen" };
        let (pick, target) = (eyes.locate()?.is_some(), eyes.measure()?.is_some());
        Ok(format!("picture; plate {} at pick, {} at target", at(pick), at(target)))
    };
    found_or(findings, "eyes", look(), "check the camera's program and real.eyes_url");
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

pub(super) fn right(findings: &mut Vec<Finding>, check: &'static str, reading: impl Into<String>) {
    findings.push(Finding { check, reading: reading.into(), verdict: Verdict::Right });
}

pub(super) fn wrong(
    check: &'static str,
    reading: impl Into<String>,
    advice: impl Into<String>,
) -> Finding {
    Finding { check, reading: reading.into(), verdict: Verdict::Wrong(advice.into()) }
}

pub(super) fn skip(findings: &mut Vec<Finding>, check: &'static str, why: &str) {
    findings.push(Finding { check, reading: why.to_owned(), verdict: Verdict::Skipped });
}

pub(super) fn found_or(
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
