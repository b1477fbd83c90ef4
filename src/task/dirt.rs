use std::collections::BTreeMap;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{Phase, Setup, Stream, TaskSpec, TrialKey};

/// Something about a cell that need not be as its files say. Every quantity is a deviation from
/// what they say: 0 is nominal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Mass of the plate.
    PlateMassG,
    /// Side of the plate along x; SLAS allows 0.25 mm.
    PlateLengthMm,
    /// Side of the plate along y; SLAS allows 0.25 mm.
    PlateWidthMm,
    /// Height of the plate; SLAS allows 0.25 mm.
    PlateHeightMm,
    /// Friction of the plate on furniture.
    FurnitureFriction,
    /// Friction of the plate on the pads.
    PadFriction,
    /// Play on each side between the guides, and before the back stop.
    GuideClearanceMm,
    GripperForceN,
    /// How far the tool leaves its straight line half way, along x.
    TrackingXMm,
    /// The same along y.
    TrackingYMm,
    /// How far the tool still is from a move's end, along x, when the move counts as done: of a free
    /// move so much, of a slower one as much less. The plate is gripped at the end of a free move
    /// and put down at that of a slow one.
    SettlingXMm,
    /// The same along y.
    SettlingYMm,
    /// Where the arm's base really stands: every pose it goes to is off by this. What is equal at
    /// pick and target cancels; what a rotation makes of it does not.
    BaseXMm,
    BaseYMm,
    BaseYawDeg,
    /// Where the pick fixture really stands. Plate and camera ride on it: the picture shows nothing.
    FixtureXMm,
    FixtureYMm,
    FixtureYawDeg,
    /// Where the camera really looks: the picture shows a shift that is not there.
    CameraXMm,
    CameraYMm,
    CameraYawDeg,
    /// Relative change of the picture's brightness.
    Exposure,
    /// Standard deviation of the picture's blur, in pixels of 2.5 mm; its sign has no meaning.
    BlurPx,
}

/// How often a quantity is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Once a seed: a calibration.
    Run,
    /// Once a scene instance: the plate and the nest that belong to it.
    Instance,
    /// Anew for each trial.
    Trial,
}

/// How dirty reality is: half the width of the uniform draw of each quantity. A quantity that is
/// not named stays nominal. What is drawn goes to the simulated cell only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Dirt(pub BTreeMap<Quantity, f64>);

/// A quantity that does not stay what it was: a bumped fixture (a step), a pad that wears (a ramp).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    pub key: Quantity,
    /// How many physical trials the run has made when it begins.
    pub at: u64,
    /// The deviation that it goes to; what [`Dirt`] draws comes on top.
    pub to: f64,
    /// A ramp over so many trials; 0 is a step.
    #[serde(default)]
    pub over: u64,
}

/// What a simulated cell is really like in one trial. Never shown to a learner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    values: [f64; Quantity::ALL.len()],
}

impl Quantity {
    pub const ALL: [Self; 23] = [
        Self::PlateMassG,
        Self::PlateLengthMm,
        Self::PlateWidthMm,
        Self::PlateHeightMm,
        Self::FurnitureFriction,
        Self::PadFriction,
        Self::GuideClearanceMm,
        Self::GripperForceN,
        Self::TrackingXMm,
        Self::TrackingYMm,
        Self::SettlingXMm,
        Self::SettlingYMm,
        Self::BaseXMm,
        Self::BaseYMm,
        Self::BaseYawDeg,
        Self::FixtureXMm,
        Self::FixtureYMm,
        Self::FixtureYawDeg,
        Self::CameraXMm,
        Self::CameraYMm,
        Self::CameraYawDeg,
        Self::Exposure,
        Self::BlurPx,
    ];

    /// As in the experiment file, and the name of its random stream.
    pub const fn name(self) -> &'static str {
        self.facts().0
    }

    pub const fn scope(self) -> Scope {
        self.facts().1
    }

    /// Largest deviation that makes sense, in the quantity's unit.
    pub const fn limit(self) -> f64 {
        self.facts().2
    }

    const fn facts(self) -> (&'static str, Scope, f64) {
        use Scope::{Instance, Run, Trial};
        match self {
            Self::PlateMassG => ("plate_mass_g", Instance, 200.0),
            Self::PlateLengthMm => ("plate_length_mm", Instance, 1.0),
            Self::PlateWidthMm => ("plate_width_mm", Instance, 1.0),
            Self::PlateHeightMm => ("plate_height_mm", Instance, 1.0),
            Self::FurnitureFriction => ("furniture_friction", Trial, 1.0),
            Self::PadFriction => ("pad_friction", Trial, 1.0),
            Self::GuideClearanceMm => ("guide_clearance_mm", Instance, 10.0),
            Self::GripperForceN => ("gripper_force_n", Trial, 200.0),
            Self::TrackingXMm => ("tracking_x_mm", Trial, 5.0),
            Self::TrackingYMm => ("tracking_y_mm", Trial, 5.0),
            Self::SettlingXMm => ("settling_x_mm", Trial, 5.0),
            Self::SettlingYMm => ("settling_y_mm", Trial, 5.0),
            Self::BaseXMm => ("base_x_mm", Run, 10.0),
            Self::BaseYMm => ("base_y_mm", Run, 10.0),
            Self::BaseYawDeg => ("base_yaw_deg", Run, 3.0),
            Self::FixtureXMm => ("fixture_x_mm", Run, 10.0),
            Self::FixtureYMm => ("fixture_y_mm", Run, 10.0),
            Self::FixtureYawDeg => ("fixture_yaw_deg", Run, 10.0),
            Self::CameraXMm => ("camera_x_mm", Run, 20.0),
            Self::CameraYMm => ("camera_y_mm", Run, 20.0),
            Self::CameraYawDeg => ("camera_yaw_deg", Run, 20.0),
            Self::Exposure => ("exposure", Trial, 0.9),
            Self::BlurPx => ("blur_px", Trial, 5.0),
        }
    }
}

impl TaskSpec {
    /// The smallest and the largest deviation of a quantity that a run can meet.
    pub fn reach(&self, quantity: Quantity) -> (f64, f64) {
        let half = self.dirt.0.get(&quantity).copied().unwrap_or(0.0);
        let levels = self.drift.iter().filter(|d| d.key == quantity).map(|d| d.to);
        let (low, high) = levels.fold((0.0f64, 0.0f64), |(l, h), to| (l.min(to), h.max(to)));
        (low - half, high + half)
    }

    /// May anything differ from what the files say?
    pub fn is_dirty(&self) -> bool {
        !self.dirt.0.is_empty() || !self.drift.is_empty()
    }

    /// Where drift has brought a quantity once a run has made so many trials.
    fn drifted(&self, quantity: Quantity, made: u64) -> f64 {
        let begun = self.drift.iter().filter(|d| d.key == quantity && d.at <= made);
        begun.fold(0.0, |level, drift| {
            let share = match drift.over {
                0 => 1.0,
                over => ((made - drift.at) as f64 / over as f64).min(1.0),
            };
            level + (drift.to - level) * share
        })
    }
}

impl Conditions {
    /// Everything as the files say.
    pub const NOMINAL: Self = Self { values: [0.0; Quantity::ALL.len()] };

    /// Each quantity from its own stream, so that one more changes no other.
    pub fn draw(task: &TaskSpec, setup: &Setup) -> Self {
        let value = |quantity: Quantity| {
            let drifted = task.drifted(quantity, setup.made);
            let Some(half) = task.dirt.0.get(&quantity) else { return drifted };
            let key = match quantity.scope() {
                Scope::Run => TrialKey { phase: Phase::Train, index: 0 },
                Scope::Instance => TrialKey { phase: Phase::Train, index: setup.instance as u64 },
                Scope::Trial => setup.key,
            };
            let unit = setup.streams.draw(Stream::Dirt(quantity), key).random::<f64>();
            drifted + (unit * 2.0 - 1.0) * half
        };
        Self { values: Quantity::ALL.map(value) }
    }

    /// The deviation of a quantity, in its own unit.
    pub fn get(&self, quantity: Quantity) -> f64 {
        self.values[quantity as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Pose2, Range, Streams};
    use proptest::prelude::*;

    fn task(dirt: &[(Quantity, f64)], drift: Vec<Drift>) -> TaskSpec {
        TaskSpec {
            scene_instances: 2,
            held_out_instances: 2,
            dirt: Dirt(dirt.iter().copied().collect()),
            drift,
            ..TaskSpec::exact(Range { mm: 3.0, deg: 3.0 })
        }
    }

    fn setup(seed: u64, index: u64, instance: usize, made: u64) -> Setup {
        let key = TrialKey { phase: Phase::Train, index };
        Setup { streams: Streams::new(seed), key, instance, offset: Pose2::IDENTITY, made }
    }

    #[test]
    fn names_and_places_agree_with_the_file_format() {
        for (at, quantity) in Quantity::ALL.into_iter().enumerate() {
            assert_eq!(quantity as usize, at);
            let written = serde_json::to_value(quantity).unwrap();
            assert_eq!(written, quantity.name());
        }
    }

    #[test]
    fn a_quantity_changes_as_often_as_its_scope_says() {
        let everything = Quantity::ALL.map(|q| (q, q.limit()));
        let task = task(&everything, vec![]);
        let at = |seed, index, instance| Conditions::draw(&task, &setup(seed, index, instance, 0));
        let base = at(1, 0, 0);
        for quantity in Quantity::ALL {
            let same = |other: Conditions| other.get(quantity) == base.get(quantity);
            let wanted = match quantity.scope() {
                Scope::Run => (true, true, false),
                Scope::Instance => (true, false, false),
                Scope::Trial => (false, true, false),
            };
            let got = (same(at(1, 5, 0)), same(at(1, 0, 1)), same(at(2, 0, 0)));
            assert_eq!(got, wanted, "{quantity:?}");
            assert!(base.get(quantity).abs() <= quantity.limit());
        }
    }

    #[test]
    fn switching_one_quantity_on_changes_no_other() {
        let alone = task(&[(Quantity::BaseXMm, 2.0)], vec![]);
        let both = task(&[(Quantity::BaseXMm, 2.0), (Quantity::PlateMassG, 30.0)], vec![]);
        let setup = setup(1, 3, 1, 0);
        let (a, b) = (Conditions::draw(&alone, &setup), Conditions::draw(&both, &setup));
        assert_eq!(a.get(Quantity::BaseXMm), b.get(Quantity::BaseXMm));
        assert_eq!(a.get(Quantity::PlateMassG), 0.0);
    }

    #[test]
    fn drift_steps_and_ramps_at_its_trial() {
        let key = Quantity::FixtureXMm;
        let step = Drift { key, at: 500, to: 2.0, over: 0 };
        let ramp = Drift { key, at: 600, to: 1.0, over: 100 };
        let task = task(&[], vec![step, ramp]);
        let at = |made| Conditions::draw(&task, &setup(1, 0, 0, made)).get(key);
        assert_eq!([0, 499, 500, 600, 650, 700, 5000].map(at), [0.0, 0.0, 2.0, 2.0, 1.5, 1.0, 1.0]);
        assert_eq!(task.reach(key), (0.0, 2.0));
    }

    proptest! {
        #[test]
        fn what_is_met_lies_within_reach(
            half in 0.0..5.0f64, to in -5.0..5.0f64, over in 0u64..50, made in 0u64..200, seed in 0u64..50,
        ) {
            let key = Quantity::TrackingYMm;
            let task = task(&[(key, half)], vec![Drift { key, at: 60, to, over }]);
            let (low, high) = task.reach(key);
            let met = Conditions::draw(&task, &setup(seed, made, 0, made)).get(key);
            prop_assert!((low..=high).contains(&met), "{met} outside {low}..{high}");
        }
    }
}
