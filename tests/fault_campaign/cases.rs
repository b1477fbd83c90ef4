//! What goes wrong in the campaigns.

use std::ops::Range;

/// What goes wrong, and what a person does about it once the driver has ended.
pub struct Case {
    pub name: &'static str,
    /// As the twin takes it, without its moment; `None`: the driver is killed.
    pub fault: Option<&'static str>,
    /// How long it lasts, seconds of robot time.
    pub lasts: Option<f64>,
    pub person: &'static [&'static str],
    /// The driver must stop (`Some(true)`), must go on, or may do either.
    pub stops: Option<bool>,
}

const fn case(
    name: &'static str,
    fault: Option<&'static str>,
    lasts: Option<f64>,
    person: &'static [&'static str],
    stops: Option<bool>,
) -> Case {
    Case { name, fault, lasts, person, stops }
}

/// The arm is jogged home, the plate put where it is to be picked up.
const HOME: &str = "joints -33.624,-99.333,-126.677,-133.99,-123.624,0";
pub const PLATE: &str = "plate 0,0,0";

pub const CASES: [Case; 25] = [
    case("protective stop", Some("protective-stop"), None, &["unlock"], Some(true)),
    // Without power the gripper holds on, and cannot be asked: a person takes the plate.
    case(
        "emergency stop",
        Some("emergency-stop"),
        None,
        &["release", "hand", HOME, PLATE],
        Some(true),
    ),
    case("safeguard stop", Some("safeguard-stop"), Some(3.0), &[], Some(true)),
    case("connection cut", Some("drop-connection"), Some(2.0), &[], Some(true)),
    case("timestamps frozen", Some("freeze-timestamps"), Some(3.0), &[], Some(true)),
    // Of the driver's clock: times the twin's speed.
    case("packages 200 ms late", Some("late-packets"), Some(10.0), &[], Some(true)),
    case("local control", Some("local-control"), None, &["remote"], Some(true)),
    case("reduced mode", Some("reduced"), Some(3.0), &[], Some(true)),
    case("speed scaled to 0.3", Some("speed-scaling=0.3"), Some(5.0), &[], Some(false)),
    case("speed scaled to 0", Some("speed-scaling=0"), Some(8.0), &[], None),
    case("gripper jammed", Some("gripper-jam"), Some(8.0), &[], None),
    case("plate lost", Some("lost-plate"), None, &[PLATE], None),
    // Long enough for a slow start.
    case("recipe refused", Some("refuse-recipe"), Some(60.0), &[], Some(true)),
    case("SIGKILL of the driver", None, None, &[], Some(true)),
    // Last, so that the moments of those above stay what they were.
    case("hand pressed", Some("press=200"), Some(1.0), &["unlock"], Some(true)),
    case("program error", Some("program-error"), None, &[], Some(true)),
    case("camera stale", Some("camera-stale"), Some(40.0), &[], None),
    case("camera black", Some("camera-black"), Some(40.0), &[], None),
    case("camera torn", Some("camera-torn"), Some(40.0), &[], None),
    case("camera unplugged", Some("camera-unplugged"), Some(40.0), &[], None),
    case("camera overexposed", Some("camera-overexposed"), Some(40.0), &[], None),
    case("tags covered", Some("tag-covered=6"), Some(40.0), &[], None),
    case("another board", Some("other-board"), Some(40.0), &[], None),
    case("camera moved 6 mm", Some("camera-moved=6"), Some(40.0), &[], None),
    // Seen by the board beside the place, and taken off.
    case("camera moved 2 mm", Some("camera-moved=2"), Some(40.0), &[], Some(false)),
];

/// Those of the arm, with the twin's own answers for eyes; and those of its cameras.
pub const ARM: Range<usize> = 0..16;
pub const CAMERAS: Range<usize> = 16..CASES.len();
