use crate::cell::DeviceError;
use crate::real::link::{LineLink, fault};
use crate::wire::dashboard::{
    Request, parse_bool, parse_robot_mode, parse_safety_status, parse_version,
};
use crate::wire::{RobotMode, SafetyMode, WireError};

/// A client of the dashboard server. It asks, and it can stop: nothing here
/// powers, unlocks or restarts.
#[derive(Debug)]
pub struct Dashboard {
    link: LineLink,
}

const DEVICE: &str = "dashboard";

impl Dashboard {
    pub fn connect(host: &str, port: u16) -> Result<Self, DeviceError> {
        let mut link = LineLink::connect(DEVICE, host, port)?;
        let banner = link.read_line()?;
        if !banner.contains("Dashboard Server") {
            let shown: String = banner.chars().take(60).collect();
            let what = format!("{host}:{port} greets with \"{shown}\": no UR controller is there");
            return Err(fault(DEVICE, what));
        }
        Ok(Self { link })
    }

    pub fn is_in_remote_control(&mut self) -> Result<bool, DeviceError> {
        self.ask(&Request::IsInRemoteControl, parse_bool)
    }

    pub fn robot_mode(&mut self) -> Result<RobotMode, DeviceError> {
        self.ask(&Request::RobotMode, parse_robot_mode)
    }

    pub fn safety_status(&mut self) -> Result<SafetyMode, DeviceError> {
        self.ask(&Request::SafetyStatus, parse_safety_status)
    }

    /// Ends the program that runs: the arm stops.
    pub fn stop_program(&mut self) -> Result<(), DeviceError> {
        self.ask(&Request::Stop, |_| Ok(()))
    }

    /// Major and minor version of PolyScope.
    pub fn polyscope_version(&mut self) -> Result<(u32, u32), DeviceError> {
        self.ask(&Request::PolyscopeVersion, parse_version)
    }

    /// As in `UR5`.
    pub fn robot_model(&mut self) -> Result<String, DeviceError> {
        self.ask(&Request::GetRobotModel, |reply| Ok(reply.trim().to_owned()))
    }

    /// Of the controller.
    pub fn serial_number(&mut self) -> Result<String, DeviceError> {
        self.ask(&Request::GetSerialNumber, |reply| Ok(reply.trim().to_owned()))
    }

    fn ask<T>(
        &mut self,
        request: &Request,
        parse: impl Fn(&str) -> Result<T, WireError>,
    ) -> Result<T, DeviceError> {
        let reply = self.link.ask(&request.line())?;
        parse(&reply).map_err(|error| fault(DEVICE, error))
    }
}
