//! The dashboard server, TCP 29999: a line asks, a line answers. Words as in UR's dashboard guide
//! for e-Series.

use super::{RobotMode, SafetyMode, WireError};

/// Port of the service.
pub const PORT: u16 = 29999;
/// The serial number that a twin answers with, and no arm has.
pub const TWIN_SERIAL: &str = "20260000001";
/// The line that greets a client.
pub const BANNER: &str = "Connected: Universal Robots Dashboard Server";

/// Defines the requests without an argument.
macro_rules! requests {
    ($($(#[$doc:meta])* $variant:ident = $words:literal;)*) => {
        /// What a client asks for.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Request {
            $($(#[$doc])* $variant,)*
            Load(String),
            LoadInstallation(String),
            Popup(String),
            AddToLog(String),
            SetOperationalMode(String),
        }

        impl Request {
            /// Every request without an argument.
            pub const PLAIN: &'static [Self] = &[$(Self::$variant),*];

            fn words(&self) -> &'static str {
                match self {
                    $(Self::$variant => $words,)*
                    Self::Load(_) => "load",
                    Self::LoadInstallation(_) => "load installation",
                    Self::Popup(_) => "popup",
                    Self::AddToLog(_) => "addToLog",
                    Self::SetOperationalMode(_) => "set operational mode",
                }
            }
        }
    };
}

requests! {
    PowerOn = "power on";
    PowerOff = "power off";
    BrakeRelease = "brake release";
    /// For a person to send. Our driver never does.
    UnlockProtectiveStop = "unlock protective stop";
    /// For a person to send. Our driver never does.
    RestartSafety = "restart safety";
    CloseSafetyPopup = "close safety popup";
    ClosePopup = "close popup";
    Play = "play";
    Pause = "pause";
    Stop = "stop";
    Quit = "quit";
    Shutdown = "shutdown";
    Running = "running";
    RobotMode = "robotmode";
    SafetyStatus = "safetystatus";
    SafetyMode = "safetymode";
    ProgramState = "programState";
    GetLoadedProgram = "get loaded program";
    IsProgramSaved = "isProgramSaved";
    PolyscopeVersion = "PolyscopeVersion";
    Version = "version";
    GetSerialNumber = "get serial number";
    GetRobotModel = "get robot model";
    IsInRemoteControl = "is in remote control";
    GetOperationalMode = "get operational mode";
    ClearOperationalMode = "clear operational mode";
}

impl Request {
    /// The line without its end.
    pub fn line(&self) -> String {
        match self {
            Self::Load(argument)
            | Self::LoadInstallation(argument)
            | Self::Popup(argument)
            | Self::AddToLog(argument)
            | Self::SetOperationalMode(argument) => format!("{} {argument}", self.words()),
            plain => plain.words().to_owned(),
        }
    }

    /// Reads a line; `None` for a request that is not documented. Letter case does not matter.
    pub fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        if let Some(plain) = Self::PLAIN.iter().find(|r| r.words().eq_ignore_ascii_case(line)) {
            return Some(plain.clone());
        }
        let with = |make: fn(String) -> Self| {
            let words = make(String::new()).words();
            let (head, rest) = line.split_at_checked(words.len())?;
            let argument = rest.strip_prefix(' ')?.trim();
            let fits = head.eq_ignore_ascii_case(words) && !argument.is_empty();
            fits.then(|| make(argument.to_owned()))
        };
        [
            with(Self::LoadInstallation),
            with(Self::Load),
            with(Self::Popup),
            with(Self::AddToLog),
            with(Self::SetOperationalMode),
        ]
        .into_iter()
        .find_map(|found| found)
    }
}

/// `Robotmode: RUNNING`
pub fn robot_mode_reply(mode: RobotMode) -> String {
    format!("Robotmode: {}", mode.word())
}

/// Reads the answer to [`Request::RobotMode`].
pub fn parse_robot_mode(reply: &str) -> Result<RobotMode, WireError> {
    after_colon(reply, "robotmode")
        .and_then(RobotMode::from_word)
        .ok_or_else(|| unexpected("robot mode", reply))
}

/// `Safetystatus: NORMAL`
pub fn safety_status_reply(mode: SafetyMode) -> String {
    format!("Safetystatus: {}", mode.word())
}

/// Reads the answer to [`Request::SafetyStatus`], or to the older [`Request::SafetyMode`].
pub fn parse_safety_status(reply: &str) -> Result<SafetyMode, WireError> {
    after_colon(reply, "safetystatus")
        .or_else(|| after_colon(reply, "safetymode"))
        .and_then(SafetyMode::from_word)
        .ok_or_else(|| unexpected("safety status", reply))
}

/// Reads an answer that is true or false, as to [`Request::IsInRemoteControl`] or, behind a
/// colon, to [`Request::Running`].
pub fn parse_bool(reply: &str) -> Result<bool, WireError> {
    let word = reply.rsplit(':').next().unwrap_or("").trim();
    match word {
        _ if word.eq_ignore_ascii_case("true") => Ok(true),
        _ if word.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(unexpected("true or false", reply)),
    }
}

/// Major and minor of PolyScope, from an answer such as `URSoftware 5.11.1.108318 (Nov 04 2020)`.
pub fn parse_version(reply: &str) -> Result<(u32, u32), WireError> {
    let number =
        reply.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let mut parts = number.unwrap_or("").split('.').map(str::parse);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Ok((major, minor)),
        _ => Err(unexpected("PolyScope version", reply)),
    }
}

fn after_colon<'a>(reply: &'a str, name: &str) -> Option<&'a str> {
    let (before, after) = reply.split_once(':')?;
    before.trim().eq_ignore_ascii_case(name).then(|| after.trim())
}

fn unexpected(wanted: &'static str, reply: &str) -> WireError {
    let shown: String = reply.chars().take(80).collect();
    WireError::malformed("dashboard", format!("answered \"{shown}\", not a {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_request_is_read_back_from_its_line() {
        let with = [
            Request::Load("cell.urp".into()),
            Request::LoadInstallation("a b.installation".into()),
            Request::Popup("plate lost".into()),
            Request::AddToLog("x".into()),
            Request::SetOperationalMode("manual".into()),
        ];
        for request in Request::PLAIN.iter().chain(&with) {
            assert_eq!(Request::parse(&request.line()).as_ref(), Some(request));
        }
        assert_eq!(Request::parse("polyscopeversion\r"), Some(Request::PolyscopeVersion));
        assert_eq!(Request::parse("dance"), None);
        assert_eq!(Request::parse("load"), None);
    }

    #[test]
    fn answers_are_read_as_the_guide_words_them() {
        assert_eq!(parse_robot_mode("Robotmode: RUNNING"), Ok(RobotMode::Running));
        assert_eq!(parse_safety_status("Safetystatus: NORMAL"), Ok(SafetyMode::Normal));
        assert_eq!(parse_bool("true"), Ok(true));
        assert_eq!(parse_bool("Program running: false"), Ok(false));
        assert_eq!(parse_version("URSoftware 5.11.1.108318 (Nov 04 2020)"), Ok((5, 11)));
        for wrong in ["", "RUNNING", "Robotmode: DANCING", "5", "v5.x"] {
            assert!(parse_robot_mode(wrong).is_err() && parse_version(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn modes_survive_the_wire(
            robot in prop::sample::select(RobotMode::ALL.to_vec()),
            safety in prop::sample::select(SafetyMode::ALL.to_vec()),
        ) {
            prop_assert_eq!(parse_robot_mode(&robot_mode_reply(robot)), Ok(robot));
            prop_assert_eq!(parse_safety_status(&safety_status_reply(safety)), Ok(safety));
        }

        #[test]
        fn no_line_makes_the_parsers_panic(line in "\\PC{0,120}") {
            let _ = Request::parse(&line);
            let _ = (parse_robot_mode(&line), parse_safety_status(&line));
            let _ = (parse_bool(&line), parse_version(&line));
        }
    }
}
