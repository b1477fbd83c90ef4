use rsruckig::prelude::*;

/// A share of a way over time: from rest at 0 to rest at 1, as fast as one speed and one
/// acceleration allow (Ruckig, second order: the trapezoid that arm controllers drive too).
#[derive(Clone, Debug)]
pub(super) struct Profile {
    trajectory: Trajectory<1>,
    /// Ways per second squared.
    pub acceleration: f64,
}

impl Profile {
    /// Limits in ways per second and per second squared; `None` unless both are positive numbers.
    pub fn new(speed: f64, acceleration: f64) -> Option<Self> {
        let positive = speed > 0.0 && acceleration > 0.0;
        // Infinite where nothing moves.
        let mut input = InputParameter::<1>::new(None);
        input.target_position[0] = 1.0;
        input.max_velocity[0] = speed.min(FASTEST);
        let acceleration = acceleration.min(FASTEST);
        input.max_acceleration[0] = acceleration;
        let mut trajectory = Trajectory::new(None);
        let mut ruckig = Ruckig::<1, ThrowErrorHandler>::new(None, 0.0);
        ruckig.calculate(&input, &mut trajectory).ok()?;
        positive.then_some(Self { trajectory, acceleration })
    }

    /// Seconds.
    pub fn duration(&self) -> f64 {
        self.trajectory.get_duration()
    }

    /// Share of the way, and its speed per second.
    pub fn at(&self, seconds: f64) -> (f64, f64) {
        let mut share = DataArrayOrVec::new(None, 0.0);
        let mut speed = DataArrayOrVec::new(None, 0.0);
        let seconds = seconds.clamp(0.0, self.duration());
        self.trajectory.at_time(
            seconds,
            &mut Some(&mut share),
            &mut Some(&mut speed),
            &mut None,
            &mut None,
            &mut None,
        );
        (share[0].clamp(0.0, 1.0), speed[0])
    }
}

/// Ways a second, where a limit allows any speed: the way is nothing.
const FASTEST: f64 = 1e3;

impl PartialEq for Profile {
    /// Limits fix a profile, and duration and peak speed fix the limits.
    fn eq(&self, other: &Self) -> bool {
        let half = self.duration() / 2.0;
        self.duration() == other.duration() && self.at(half) == other.at(half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_way_is_a_trapezoid_and_a_short_one_a_triangle() {
        // v/a to speed up, as long to slow down, the rest at speed.
        let long = Profile::new(0.5, 2.0).unwrap();
        assert!((long.duration() - (1.0 / 0.5 + 0.5 / 2.0)).abs() < 1e-12, "{}", long.duration());
        let short = Profile::new(10.0, 1.0).unwrap();
        assert!((short.duration() - 2.0).abs() < 1e-12, "{}", short.duration());
    }

    #[test]
    fn limits_that_are_not_positive_give_no_profile() {
        for (speed, acceleration) in [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0), (f64::NAN, 1.0)] {
            assert!(Profile::new(speed, acceleration).is_none(), "{speed} {acceleration}");
        }
    }

    proptest! {
        #[test]
        fn it_runs_from_rest_to_rest_within_its_limits(
            speed in 0.01..50.0f64, acceleration in 0.01..500.0f64, share in 0.0..1.0f64,
        ) {
            let profile = Profile::new(speed, acceleration).unwrap();
            let duration = profile.duration();
            let (begin, end) = (profile.at(0.0), profile.at(duration));
            prop_assert!(begin.0.abs() < 1e-9 && begin.1.abs() < 1e-9);
            prop_assert!((end.0 - 1.0).abs() < 1e-9 && end.1.abs() < 1e-6);
            let (at, now) = (share * duration, profile.at(share * duration));
            prop_assert!(now.1 >= -1e-9 && now.1 <= speed * (1.0 + 1e-9));
            let later = profile.at(at + 1e-3 * duration);
            let most = acceleration * 1e-3 * duration;
            prop_assert!((later.1 - now.1).abs() <= most * (1.0 + 1e-6) + 1e-9);
        }
    }
}
