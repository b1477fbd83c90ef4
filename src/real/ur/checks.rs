//! The doctor's checks of a controller of Universal Robots.

use std::time::Duration;

use nalgebra::Isometry3;

use super::{Dashboard, Rtde, State, calibration};
use crate::arm::ArmModel;
use crate::cell::DeviceError;
use crate::config::RobotKind;
use crate::real::doctor::{found_or, right, skip, wrong};
use crate::real::{Finding, Site, link};
use crate::wire::{RobotMode, SafetyMode};

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

/// Everything but gripper, eyes and places. The arm as it was built; an error where nobody answers.
pub(super) fn examine(
    site: &Site,
    findings: &mut Vec<Finding>,
) -> Result<Option<ArmModel>, Box<Finding>> {
    if let Some(nobody) = dashboard(site, findings) {
        return Err(Box::new(nobody));
    }
    for (check, port) in
        [("program port", site.spec().script_port), ("primary port", site.spec().primary_port)]
    {
        match link::connect("controller", &site.spec().host, port) {
            Ok(_) => right(findings, check, format!("{port} open")),
            Err(error) => {
                let service = "enable the service under Settings, Security, Services";
                let advice = link::what_shuts(&error, service);
                findings.push(wrong(check, error.to_string(), advice));
            }
        }
    }
    let state = state(site, findings);
    if state.is_some() {
        registers(site, findings);
    }
    let arm = kinematics(site, findings);
    match (&state, &arm) {
        (Some(state), Some(arm)) => tool(site, state, arm, findings),
        _ => skip(findings, "TCP", "not asked: state or calibration is missing"),
    }
    Ok(arm)
}

/// A dashboard says `UR5` of a UR5e too.
fn same_model(told: &str, kind: RobotKind) -> bool {
    let plain = |name: &str| name.trim().to_lowercase().trim_end_matches('e').to_owned();
    plain(told) == plain(kind.name())
}

/// What the dashboard says; a finding where nobody answers.
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
        Ok(model) if same_model(&model, site.robot().kind) => right(findings, "robot", model),
        Ok(model) => {
            let kind = site.robot().kind.name();
            let advice =
                format!("the robot file's kind is \"{kind}\": another arm needs a file of its own");
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
    match site.calibrated() {
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

fn apart(a: &Isometry3<f64>, b: &Isometry3<f64>) -> (f64, f64) {
    let off = a.inverse() * b;
    (off.translation.vector.norm() * 1e3, off.rotation.angle().to_degrees())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_known_by_its_number() {
        assert!(same_model("UR5", RobotKind::Ur5e) && same_model("UR10e ", RobotKind::Ur10e));
        assert!(!same_model("UR10", RobotKind::Ur5e) && !same_model("UR30", RobotKind::Ur3e));
    }
}
