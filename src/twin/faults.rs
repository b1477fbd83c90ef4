//! Faults on demand: what can go wrong, how it is written, and when it begins and ends.

use std::str::FromStr;

/// What can be made to go wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The cable is pulled: every connection is cut; for its duration new ones are cut as well.
    DropConnection,
    /// RTDE goes on sending, but the state and its timestamp no longer change.
    FreezeTimestamps,
    /// The arm brakes and the program ends; only a person unlocks it.
    ProtectiveStop,
    /// The button: the arm brakes, power is cut, the program ends.
    EmergencyStop,
    /// The door of the cell: the arm brakes and the program waits until it is closed.
    SafeguardStop,
    /// RTDE answers that the first field of a recipe is in use (inputs) or not found (outputs).
    RefuseRecipe,
    /// RTDE packages arrive so many milliseconds of robot time late.
    LatePackets { ms: f64 },
    /// Everything moves at this share of its speed.
    SpeedScaling { share: f64 },
    /// The fingers stay where they are, whatever they are told.
    GripperJam,
    /// The plate is gone, from the hand too, until a person puts it back.
    LostPlate,
    /// Somebody switches the pendant to local control.
    LocalControl,
    /// Safety mode REDUCED.
    Reduced,
    /// Something presses down on the tool, with so many N.
    Press { n: f64 },
    /// The program that runs makes a mistake, and is ended for it.
    ProgramError,
    /// The cameras repeat their last frame, with its number and its time.
    CameraStale,
    /// Their light is out.
    CameraBlack,
    /// Half of each frame arrives.
    CameraTorn,
    /// They answer no more.
    CameraUnplugged,
    /// They gather far too much light.
    CameraOverexposed,
    /// Something lies on so many tags of the lid.
    TagCovered { tags: usize },
    /// The lid has another board's tags.
    OtherBoard,
    /// Somebody has pushed both cameras, mm along the longer side of their frames.
    CameraMoved { mm: f64 },
}

/// A fault with its moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaultSpec {
    pub fault: Fault,
    /// Seconds of robot time from when it is given.
    pub after: f64,
    /// Seconds of robot time that it lasts; `None`: until the end, or until a person acts.
    pub lasts: Option<f64>,
}

/// What is wrong with a fault's text, and what would be valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}: {valid}")]
pub struct BadFault {
    pub text: String,
    pub valid: String,
}

impl Fault {
    /// Every fault: as it is written, with an example value where it takes one, and what it does.
    pub const LIST: [(&'static str, &'static str); 22] = [
        (
            "drop-connection",
            "the cable is pulled: every connection is cut, and new ones while it lasts",
        ),
        ("freeze-timestamps", "states go on, but neither they nor their time change"),
        ("protective-stop", "the arm brakes, the program ends; a person unlocks it"),
        ("emergency-stop", "the button: the arm brakes, power is cut, the program ends"),
        ("safeguard-stop", "the door of the cell: the program waits while it lasts"),
        ("refuse-recipe", "RTDE refuses the first field of every new recipe"),
        ("late-packets=60", "RTDE packages come so many ms of robot time late (0 to 10000)"),
        ("speed-scaling=0.3", "everything moves at this share of its speed (0 to 1)"),
        ("gripper-jam", "the fingers stay where they are"),
        ("lost-plate", "the plate is gone, from the hand too, until a person puts it back"),
        ("local-control", "somebody switches the pendant to local control"),
        ("reduced", "safety mode REDUCED"),
        ("press=200", "something presses down on the tool with so many N (0 to 1000)"),
        ("program-error", "the program that runs makes a mistake, and is ended"),
        ("camera-stale", "the cameras repeat their last frame, with its number and its time"),
        ("camera-black", "the cameras' light is out"),
        ("camera-torn", "half of each frame arrives"),
        ("camera-unplugged", "the cameras answer no more; a stream ends"),
        ("camera-overexposed", "the cameras gather far too much light"),
        ("tag-covered=6", "something lies on so many tags of the lid (1 to 6)"),
        ("other-board", "the lid has another board's tags"),
        ("camera-moved=5", "somebody has pushed both cameras by so many mm (-50 to 50)"),
    ];

    fn parse(name: &str, value: Option<f64>) -> Result<Self, String> {
        let fault = match name {
            "drop-connection" => Self::DropConnection,
            "freeze-timestamps" => Self::FreezeTimestamps,
            "protective-stop" => Self::ProtectiveStop,
            "emergency-stop" => Self::EmergencyStop,
            "safeguard-stop" => Self::SafeguardStop,
            "refuse-recipe" => Self::RefuseRecipe,
            "late-packets" => {
                let ms = value.unwrap_or(60.0);
                return (0.0..=10e3)
                    .contains(&ms)
                    .then_some(Self::LatePackets { ms })
                    .ok_or("late-packets must be from 0 to 10000 (ms)".to_owned());
            }
            "speed-scaling" => {
                let share = value.unwrap_or(0.3);
                return (0.0..=1.0)
                    .contains(&share)
                    .then_some(Self::SpeedScaling { share })
                    .ok_or("speed-scaling must be from 0 to 1".to_owned());
            }
            "press" => {
                let n = value.unwrap_or(200.0);
                return (0.0..=1000.0)
                    .contains(&n)
                    .then_some(Self::Press { n })
                    .ok_or("press must be from 0 to 1000 (N)".to_owned());
            }
            "tag-covered" => {
                let tags = value.unwrap_or(6.0);
                let known = (1..=6).find(|known| f64::from(*known) == tags);
                return known
                    .map(|tags: u8| Self::TagCovered { tags: usize::from(tags) })
                    .ok_or("tag-covered must be a whole number from 1 to 6".to_owned());
            }
            "camera-moved" => {
                let mm = value.unwrap_or(5.0);
                return (-50.0..=50.0)
                    .contains(&mm)
                    .then_some(Self::CameraMoved { mm })
                    .ok_or("camera-moved must be from -50 to 50 (mm)".to_owned());
            }
            "camera-stale" => Self::CameraStale,
            "camera-black" => Self::CameraBlack,
            "camera-torn" => Self::CameraTorn,
            "camera-unplugged" => Self::CameraUnplugged,
            "camera-overexposed" => Self::CameraOverexposed,
            "other-board" => Self::OtherBoard,
            "program-error" => Self::ProgramError,
            "gripper-jam" => Self::GripperJam,
            "lost-plate" => Self::LostPlate,
            "local-control" => Self::LocalControl,
            "reduced" => Self::Reduced,
            _ => {
                let names: Vec<&str> = Self::LIST.iter().map(|(name, _)| *name).collect();
                return Err(format!("must be one of {}", names.join(", ")));
            }
        };
        if value.is_some() {
            return Err(format!("{name} takes no value"));
        }
        Ok(fault)
    }
}

impl FromStr for FaultSpec {
    type Err = BadFault;

    /// `NAME[=VALUE][@AFTER][+LASTS]`, times in seconds of robot time: `late-packets=80@3+1.5`.
    fn from_str(text: &str) -> Result<Self, BadFault> {
        let bad = |valid: String| BadFault { text: text.to_owned(), valid };
        let seconds = |part: &str| {
            let value = part.trim().parse().ok().filter(|s| (0.0..=1e9).contains(s));
            value.ok_or_else(|| bad("times must be seconds, as in protective-stop@12.5+2".into()))
        };
        let (rest, lasts) = match text.split_once('+') {
            Some((rest, lasts)) => (rest, Some(seconds(lasts)?)),
            None => (text, None),
        };
        let (rest, after) = match rest.split_once('@') {
            Some((rest, after)) => (rest, seconds(after)?),
            None => (rest, 0.0),
        };
        let (name, value) = match rest.split_once('=') {
            Some((name, value)) => {
                let number = value.trim().parse::<f64>().ok();
                (name, Some(number.ok_or_else(|| bad(format!("{value} is not a number")))?))
            }
            None => (rest, None),
        };
        let fault = Fault::parse(name.trim(), value).map_err(bad)?;
        Ok(Self { fault, after, lasts })
    }
}

/// The faults that are still to begin or to end.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    /// Moment in robot time, fault, whether it begins.
    moments: Vec<(f64, Fault, bool)>,
}

impl Schedule {
    pub fn add(&mut self, now: f64, spec: FaultSpec) {
        let begins = now + spec.after;
        self.moments.push((begins, spec.fault, true));
        if let Some(lasts) = spec.lasts {
            self.moments.push((begins + lasts, spec.fault, false));
        }
    }

    /// The next fault that has begun (`true`) or ended by now.
    pub fn due(&mut self, now: f64) -> Option<(Fault, bool)> {
        let at = self.moments.iter().position(|(at, ..)| *at <= now)?;
        let (_, fault, begins) = self.moments.remove(at);
        Some((fault, begins))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_fault_is_written_with_value_moment_and_duration() {
        let spec: FaultSpec = "late-packets=80@3+1.5".parse().unwrap();
        let wanted =
            FaultSpec { fault: Fault::LatePackets { ms: 80.0 }, after: 3.0, lasts: Some(1.5) };
        assert_eq!(spec, wanted);
        for (name, _) in Fault::LIST {
            name.parse::<FaultSpec>().unwrap();
        }
    }

    #[test]
    fn a_wrong_fault_says_what_would_be_right() {
        let said = |text: &str| text.parse::<FaultSpec>().unwrap_err().to_string();
        assert!(said("portective-stop").contains("protective-stop"));
        assert!(said("speed-scaling=3").contains("0 to 1"));
        assert!(said("lost-plate=1").contains("no value"));
        assert!(said("lost-plate@x").contains("seconds"));
    }

    #[test]
    fn faults_begin_and_end_at_their_moments() {
        let mut schedule = Schedule::default();
        schedule.add(10.0, "gripper-jam@1+2".parse().unwrap());
        assert_eq!(schedule.due(10.9), None);
        assert_eq!(schedule.due(11.0), Some((Fault::GripperJam, true)));
        assert_eq!(schedule.due(12.9), None);
        assert_eq!(schedule.due(13.1), Some((Fault::GripperJam, false)));
        assert_eq!(schedule.due(1e9), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,30}|[a-z-]{0,20}(=[0-9e.+-]{0,8})?(@[0-9e.+-]{0,8})?") {
            let _ = text.parse::<FaultSpec>();
        }
    }
}
