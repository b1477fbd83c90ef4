use serde::{Deserialize, Serialize};

use super::{Outcome, Placement, Pose2, Range, RewardSignal, TaskSpec, is_close};

/// Turns a measured outcome into what a method may learn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reward {
    range: Range,
    form: RewardForm,
}

/// What the scalar reward says of a placement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RewardForm {
    /// `-(translation_mm / 5 + |yaw_deg| / 5)`
    #[default]
    Distance,
    /// `-(translation_mm / 5)^2 - (yaw_deg / 5)^2`
    Squared,
    /// 1 within 1 mm on x and y and 1 deg, else 0: no shape to fit.
    Success,
}

impl RewardForm {
    /// For people, and for programs that ask.
    pub const fn formula(self) -> &'static str {
        match self {
            Self::Distance => "-(translation_mm / 5 + |yaw_deg| / 5)",
            Self::Squared => "-(translation_mm / 5)^2 - (yaw_deg / 5)^2",
            Self::Success => "1 if |x|, |y| < 1 mm and |yaw| < 1 deg, else 0",
        }
    }
}

/// What a method is told after a trial. The finer signals are there only for a method that
/// declared them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Feedback {
    /// As the task's [`RewardForm`] says, or the floor.
    pub reward: f64,
    /// Size of the error on x, y (mm) and yaw (deg).
    pub unsigned: Option<[f64; 3]>,
    /// Error on x, y (mm) and yaw (deg), with its sign.
    pub signed: Option<[f64; 3]>,
}

impl Reward {
    pub fn new(task: &TaskSpec) -> Self {
        Self { range: task.range, form: task.reward }
    }

    /// Reward of a measured placement error.
    pub fn of(&self, error: Pose2) -> f64 {
        match self.form {
            RewardForm::Distance => -(error.translation_mm() / 5.0 + error.yaw_deg.abs() / 5.0),
            RewardForm::Squared => {
                -(error.translation_mm() / 5.0).powi(2) - (error.yaw_deg / 5.0).powi(2)
            }
            RewardForm::Success => f64::from(u8::from(is_close(error))),
        }
    }

    /// Reward of a trial without a placement: that of the worst placement which the range of
    /// offsets and corrections can produce, so that failing never pays.
    pub fn floor(&self) -> f64 {
        match self.form {
            RewardForm::Distance => 2.0 * self.of(self.cap()),
            RewardForm::Squared => 4.0 * self.of(self.cap()),
            RewardForm::Success => 0.0,
        }
    }

    /// The error at which a trial without a placement counts in every error figure: the largest
    /// that no correction at all would leave.
    pub fn cap(&self) -> Pose2 {
        Pose2::new(self.range.mm, self.range.mm, self.range.deg)
    }

    /// The scalar reward of a trial, from the placement as measured.
    pub fn of_attempt(&self, outcome: Outcome, measured: Option<&Placement>) -> f64 {
        self.feedback(outcome, measured, RewardSignal::Scalar).reward
    }

    /// `measured` is the placement as measured, never the simulator's truth.
    pub fn feedback(
        &self,
        outcome: Outcome,
        measured: Option<&Placement>,
        signal: RewardSignal,
    ) -> Feedback {
        let placed = measured.filter(|_| outcome == Outcome::Placed).map(|p| p.pose);
        let signed = placed.map_or_else(|| self.cap().axes().map(|a| 2.0 * a), Pose2::axes);
        Feedback {
            reward: placed.map_or_else(|| self.floor(), |error| self.of(error)),
            unsigned: (signal >= RewardSignal::Unsigned).then(|| signed.map(f64::abs)),
            signed: (signal == RewardSignal::Signed && placed.is_some()).then_some(signed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn narrow(reward: RewardForm) -> Reward {
        Reward::new(&TaskSpec { reward, ..TaskSpec::exact(Range { mm: 3.0, deg: 3.0 }) })
    }

    const FORMS: [RewardForm; 3] = [RewardForm::Distance, RewardForm::Squared, RewardForm::Success];

    fn at(x: f64, y: f64, yaw: f64) -> Placement {
        Placement { pose: Pose2::new(x, y, yaw), z_mm: 0.0, tilt_deg: 0.0 }
    }

    proptest! {
        #[test]
        fn failing_never_pays(x in -6.0..6.0f64, y in -6.0..6.0f64, yaw in -6.0..6.0f64) {
            for reward in FORMS.map(narrow) {
                let placed = reward.feedback(Outcome::Placed, Some(&at(x, y, yaw)), RewardSignal::Scalar);
                prop_assert!(placed.reward >= reward.floor() - 1e-12);
            }
        }

        #[test]
        fn a_smaller_error_earns_more(x in 0.1..5.0f64, yaw in 0.1..5.0f64, k in 0.0..0.99f64) {
            for reward in [RewardForm::Distance, RewardForm::Squared].map(narrow) {
                let [nearer, farther] = [k, 1.0].map(|k| reward.of(Pose2::new(k * x, 0.0, k * yaw)));
                prop_assert!(nearer > farther);
            }
        }
    }

    #[test]
    fn a_method_is_told_no_more_than_it_declared() {
        let reward = narrow(RewardForm::Distance);
        let told = |signal| reward.feedback(Outcome::Placed, Some(&at(-1.0, 2.0, 0.5)), signal);
        assert_eq!(told(RewardSignal::Scalar).unsigned, None);
        assert_eq!(told(RewardSignal::Scalar).signed, None);
        assert_eq!(told(RewardSignal::Unsigned).unsigned, Some([1.0, 2.0, 0.5]));
        assert_eq!(told(RewardSignal::Unsigned).signed, None);
        assert_eq!(told(RewardSignal::Signed).signed, Some([-1.0, 2.0, 0.5]));
    }

    #[test]
    fn a_jam_earns_the_floor_even_if_something_was_measured() {
        let reward = narrow(RewardForm::Distance);
        let jam = reward.feedback(Outcome::Jammed, Some(&at(0.0, 0.0, 0.0)), RewardSignal::Scalar);
        assert_eq!(jam.reward, reward.floor());
    }

    #[test]
    fn the_reward_is_the_published_sum() {
        assert_eq!(narrow(RewardForm::Distance).of(Pose2::new(3.0, 4.0, -2.5)), -1.5);
    }

    #[test]
    fn success_is_all_or_nothing_and_squares_punish_what_is_far() {
        let success = narrow(RewardForm::Success);
        assert_eq!(success.of(Pose2::new(0.9, -0.9, 0.9)), 1.0);
        for far in [Pose2::new(1.0, 0.0, 0.0), Pose2::new(0.0, 0.0, -1.2)] {
            assert_eq!(success.of(far), 0.0);
        }
        assert_eq!(success.feedback(Outcome::Dropped, None, RewardSignal::Scalar).reward, 0.0);
        assert_eq!(narrow(RewardForm::Squared).of(Pose2::new(3.0, 4.0, -2.5)), -1.25);
    }
}
