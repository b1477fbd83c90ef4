//! Universal Robots' e-Series and later: a program of ours on the controller, registers over RTDE, the dashboard,
//! the calibration from the primary interface.

mod calibration;
mod checks;
mod dashboard;
mod modes;
mod program;
mod rtde;
mod session;
mod state;

use std::time::{SystemTime, UNIX_EPOCH};

pub use dashboard::Dashboard;
pub use program::{Program, TEMPLATE};
pub use rtde::{Registers, Rtde};
pub use session::Session;
pub use state::{ProgramState, State};

use super::driver::{ArmState, Controller, Driver, Mounted};
use super::{Finding, Limits, Site};
use crate::arm::{ArmModel, Kinematics};
use crate::cell::DeviceError;
use crate::config::RealSpec;
use crate::wire::dashboard::TWIN_SERIAL;

/// The family of UR3e to UR30.
#[derive(Debug)]
pub(super) struct Ur;

pub(super) const UR: Ur = Ur;

impl Controller for Ur {
    fn who_answers(&self, spec: &RealSpec) -> Result<String, DeviceError> {
        let mut dashboard = Dashboard::connect(&spec.host, spec.dashboard_port)?;
        let (model, serial) = (dashboard.robot_model()?, dashboard.serial_number()?);
        Ok(match serial.as_str() {
            TWIN_SERIAL => format!("twin of {model}"),
            serial => format!("{model}, serial number {serial}"),
        })
    }

    /// As it was calibrated at the maker's.
    fn calibrated(&self, spec: &RealSpec, nominal: &Kinematics) -> Result<Kinematics, DeviceError> {
        let info = calibration::read(&spec.host, spec.primary_port)?;
        calibration::calibrated(nominal, &info)
    }

    fn state(&self, spec: &RealSpec) -> Result<ArmState, DeviceError> {
        Ok(Rtde::listen(&spec.host, spec.rtde_port)?.state()?.arm())
    }

    fn connect(
        &self,
        spec: &RealSpec,
        mounted: &Mounted,
        limits: Limits,
    ) -> Result<Box<dyn Driver>, DeviceError> {
        let program = Program {
            session: session_number(),
            mounted: *mounted,
            watchdog_hz: spec.watchdog_hz,
            stop: spec.stop_mm_s2 / 1e3,
        };
        Ok(Box::new(Session::connect(spec, program, limits)?))
    }

    fn examine(
        &self,
        site: &Site,
        findings: &mut Vec<Finding>,
    ) -> Result<Option<ArmModel>, Box<Finding>> {
        checks::examine(site, findings)
    }
}

/// Tells this program from every earlier one; never 0.
fn session_number() -> i32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mixed = now.as_nanos() as u64 ^ u64::from(std::process::id()).rotate_left(20);
    (mixed % (i32::MAX as u64 - 1)) as i32 + 1
}
