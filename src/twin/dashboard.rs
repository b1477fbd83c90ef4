//! What the dashboard server answers.

use super::controller::Controller;
use crate::wire::RuntimeState;
use crate::wire::dashboard::{Request, TWIN_SERIAL, robot_mode_reply, safety_status_reply};

/// The answer to one line, and whether the connection ends with it.
pub fn answer(controller: &mut Controller, line: &str) -> (String, bool) {
    let Some(request) = Request::parse(line) else {
        return (format!("could not understand: '{}'", line.trim()), false);
    };
    let quits = matches!(request, Request::Quit | Request::Shutdown);
    (reply(controller, &request), quits)
}

fn reply(controller: &mut Controller, request: &Request) -> String {
    let now = controller.now();
    let playing = controller.runtime == RuntimeState::Playing;
    let said = |done: Result<(), &str>, well: &str| match done {
        Ok(()) => well.to_owned(),
        Err(why) => why.to_owned(),
    };
    match request {
        Request::PowerOn => said(controller.modes.power_on(now), "Powering on"),
        Request::PowerOff => {
            controller.power_off();
            "Powering off".into()
        }
        Request::BrakeRelease => said(controller.modes.brake_release(now), "Brake releasing"),
        Request::UnlockProtectiveStop => {
            said(controller.modes.unlock_protective_stop(now), "Protective stop releasing")
        }
        Request::RestartSafety => {
            controller.modes.release_emergency_stop();
            "Restarting safety".into()
        }
        Request::Play if controller.resume() => "Starting program".into(),
        // There is no program on this controller's disk that it could play.
        Request::Play => "Failed to execute: play".into(),
        Request::Pause if playing => {
            controller.pause();
            "Pausing program".into()
        }
        Request::Pause => "Failed to execute: pause".into(),
        Request::Stop if controller.runtime == RuntimeState::Stopped => {
            "Failed to execute: stop".into()
        }
        Request::Stop => {
            controller.stop_program();
            "Stopped".into()
        }
        Request::Running => format!("Program running: {playing}"),
        Request::RobotMode => robot_mode_reply(controller.modes.robot()),
        Request::SafetyStatus => safety_status_reply(controller.modes.safety()),
        Request::SafetyMode => format!("Safetymode: {}", controller.modes.safety().word()),
        Request::ProgramState => match &controller.program {
            Some(program) => format!("{} {}", controller.runtime.word(), program.name()),
            None => "STOPPED <unnamed>".into(),
        },
        Request::GetLoadedProgram => match &controller.program {
            Some(program) => format!("Loaded program: {}", program.name()),
            None => "No program loaded".into(),
        },
        Request::IsProgramSaved => "true <unnamed>".into(),
        Request::PolyscopeVersion => "URSoftware 5.25.1.0 (rmrl twin)".into(),
        Request::Version => "5.25.1.0".into(),
        Request::GetSerialNumber => TWIN_SERIAL.into(),
        Request::GetRobotModel => controller.model.clone(),
        Request::IsInRemoteControl => controller.modes.remote_control.to_string(),
        Request::GetOperationalMode => "NONE".into(),
        Request::ClearOperationalMode => "No longer controlling the operational mode.".into(),
        Request::SetOperationalMode(mode) => {
            format!("Operational mode {} is set", mode.to_uppercase())
        }
        Request::CloseSafetyPopup => "closing safety popup".into(),
        Request::ClosePopup => "closing popup".into(),
        Request::Popup(text) => {
            controller.say(&format!("popup: {text}"));
            "showing popup".into()
        }
        Request::AddToLog(text) => {
            controller.say(text);
            "Added log message".into()
        }
        Request::Load(name) => format!("File not found: {name}"),
        Request::LoadInstallation(name) => format!("File not found: {name}"),
        Request::Quit => "Disconnected".into(),
        Request::Shutdown => "Shutting down".into(),
    }
}
