use crate::cell::{DeviceError, Stop};

/// Everything that stops a real cell. Each has one reaction: the motion ends, nothing moves again
/// in this session, and a person decides. The table in `docs/real-arm.md` explains them.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    ProtectiveStop,
    EmergencyStop,
    SafeguardStop,
    SafetyFault(&'static str),
    Reduced,
    /// What the controller calls its mode, where it is known.
    NotRunning(Option<&'static str>),
    LocalControl,
    ProgramEnded,
    Paused,
    StaleState(String),
    ConnectionLost(String),
    NotTakenUp,
    NotReached {
        off_mm: f64,
        off_deg: f64,
    },
    Resisted {
        force_n: f64,
        during: &'static str,
    },
    LeftEnvelope(String),
    WrongSettings(String),
    GripperOff,
    GripperStuck(String),
    WrongGrip {
        opening_mm: f64,
        plate_mm: f64,
    },
    GripperFault(String),
    EyesFault(String),
}

impl Fault {
    /// The name in the documents' table.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ProtectiveStop => "protective stop",
            Self::EmergencyStop => "emergency stop",
            Self::SafeguardStop => "safeguard stop",
            Self::SafetyFault(_) => "safety fault",
            Self::Reduced => "reduced mode",
            Self::NotRunning(_) => "not running",
            Self::LocalControl => "local control",
            Self::ProgramEnded => "program ended",
            Self::Paused => "paused",
            Self::StaleState(_) => "stale state",
            Self::ConnectionLost(_) => "connection lost",
            Self::NotTakenUp => "command not taken up",
            Self::NotReached { .. } => "target not reached",
            Self::Resisted { .. } => "resistance",
            Self::LeftEnvelope(_) => "envelope left",
            Self::WrongSettings(_) => "wrong settings",
            Self::GripperOff => "gripper off",
            Self::GripperStuck(_) => "gripper stuck",
            Self::WrongGrip { .. } => "wrong grip",
            Self::GripperFault(_) => "gripper fault",
            Self::EyesFault(_) => "eyes fault",
        }
    }

    /// What is wrong, with its reading.
    fn reading(&self) -> String {
        match self {
            Self::SafetyFault(mode) => format!("safety mode {mode}"),
            Self::NotRunning(Some(mode)) => format!("robot mode {mode}"),
            Self::StaleState(what)
            | Self::ConnectionLost(what)
            | Self::LeftEnvelope(what)
            | Self::WrongSettings(what)
            | Self::GripperStuck(what)
            | Self::GripperFault(what)
            | Self::EyesFault(what) => what.clone(),
            Self::NotReached { off_mm, off_deg } => {
                format!("the arm stands {off_mm:.2} mm and {off_deg:.2} deg from its target")
            }
            Self::Resisted { force_n, during } => format!("{force_n:.0} N in '{during}'"),
            Self::WrongGrip { opening_mm, plate_mm } => {
                format!("the pads stopped {opening_mm:.1} mm apart on a plate of {plate_mm:.1} mm")
            }
            _ => String::new(),
        }
    }

    /// What a person should do before the run goes on.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::ProtectiveStop => {
                "find what the arm met and clear it, unlock on the pendant after 5 s"
            }
            Self::EmergencyStop => {
                "clear the cell, release the button, power on and release the brakes on the pendant"
            }
            Self::SafeguardStop => "close the guard and reset it as your cell demands",
            Self::SafetyFault(_) => "read the message on the pendant; the arm may need a restart",
            Self::Reduced => "end reduced mode, or allow it with real.allow_reduced",
            Self::NotRunning(_) => "power on and release the brakes on the pendant",
            Self::LocalControl => "switch the pendant to Remote Control",
            Self::ProgramEnded => {
                "somebody ended the program, or the watchdog did: look at the arm"
            }
            Self::Paused => "release the pause, or raise the speed slider, on the pendant",
            Self::StaleState(_) => "look at network and load: the arm was stopped blind",
            Self::ConnectionLost(_) => "check cable and controller: the watchdog stopped the arm",
            Self::NotTakenUp => "look at the pendant's log for a message of the program",
            Self::NotReached { .. } => "look for an obstacle; compare TCP and payload",
            Self::Resisted { .. } => "find what the arm met and clear it",
            Self::LeftEnvelope(_) => "look at the arm; check frames and envelope in the robot file",
            Self::WrongSettings(_) => "run rmrl doctor; another program may set TCP or payload",
            Self::GripperOff => {
                "it is not active and may hold the plate: take the plate, activate the gripper from \
                 its page, put the plate onto the pick place"
            }
            Self::GripperStuck(_) => "look for an obstacle between the fingers; check its power",
            Self::WrongGrip { .. } => {
                "see what the fingers hold; put the plate onto the pick place"
            }
            Self::GripperFault(_) => "check the gripper's cable and its page on the pendant",
            Self::EyesFault(_) => {
                "look at the camera, its address and its light; then run rmrl doctor"
            }
        }
    }
}

impl From<Fault> for DeviceError {
    fn from(fault: Fault) -> Self {
        let reading = fault.reading();
        let reason = match reading.as_str() {
            "" => fault.name().to_owned(),
            reading => format!("{}: {reading}", fault.name()),
        };
        Self::Stopped(Stop { reason, advice: fault.advice().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_stands_in_the_documents_table() {
        let document = include_str!("../../docs/real-arm.md");
        let text = String::new;
        let all = [
            Fault::ProtectiveStop,
            Fault::EmergencyStop,
            Fault::SafeguardStop,
            Fault::SafetyFault("FAULT"),
            Fault::Reduced,
            Fault::NotRunning(None),
            Fault::LocalControl,
            Fault::ProgramEnded,
            Fault::Paused,
            Fault::StaleState(text()),
            Fault::ConnectionLost(text()),
            Fault::NotTakenUp,
            Fault::NotReached { off_mm: 0.0, off_deg: 0.0 },
            Fault::Resisted { force_n: 0.0, during: "" },
            Fault::LeftEnvelope(text()),
            Fault::WrongSettings(text()),
            Fault::GripperOff,
            Fault::GripperStuck(text()),
            Fault::WrongGrip { opening_mm: 0.0, plate_mm: 0.0 },
            Fault::GripperFault(text()),
            Fault::EyesFault(text()),
        ];
        for fault in all {
            let row = format!("| {} |", fault.name());
            assert!(document.contains(&row), "no row '{row}' in docs/real-arm.md");
        }
    }
}
