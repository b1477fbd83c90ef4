//! A move from rest to rest with a trapezoid of speed: the controller's own time law.

/// A way of length 1 in time: constant acceleration, constant speed, constant deceleration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    speed: f64,
    acceleration: f64,
    /// Seconds of acceleration, and in all.
    ramp: f64,
    duration: f64,
}

impl Profile {
    /// As fast as `speed` (lengths a second) and `acceleration` allow; both above 0.
    pub fn new(speed: f64, acceleration: f64) -> Self {
        // Too short a way never reaches the speed.
        let speed = speed.min(acceleration.sqrt());
        let ramp = speed / acceleration;
        Self { speed, acceleration, ramp, duration: 1.0 / speed + ramp }
    }

    /// One that takes so many seconds, a quarter of them to accelerate.
    pub fn lasting(seconds: f64) -> Self {
        let speed = 4.0 / (3.0 * seconds);
        Self::new(speed, speed * 4.0 / seconds)
    }

    /// Seconds.
    pub fn duration(&self) -> f64 {
        self.duration
    }

    /// Share of the way after `t` seconds.
    pub fn at(&self, t: f64) -> f64 {
        let left = self.duration - t;
        if t <= 0.0 {
            0.0
        } else if left <= 0.0 {
            1.0
        } else if t < self.ramp {
            0.5 * self.acceleration * t * t
        } else if left < self.ramp {
            1.0 - 0.5 * self.acceleration * left * left
        } else {
            self.speed * (t - 0.5 * self.ramp)
        }
    }

    /// Shares of the way a second after `t` seconds.
    pub fn speed_at(&self, t: f64) -> f64 {
        let left = self.duration - t;
        if t <= 0.0 || left <= 0.0 {
            0.0
        } else {
            (self.acceleration * t.min(left)).min(self.speed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_goes_all_the_way_within_its_limits(
            speed in 0.01..100.0f64, acceleration in 0.01..100.0f64,
        ) {
            let profile = Profile::new(speed, acceleration);
            let (n, mut before) = (1000, 0.0);
            let dt = profile.duration() / f64::from(n);
            for i in 1..=n {
                let t = f64::from(i) * dt;
                let at = profile.at(t);
                prop_assert!(at >= before - 1e-12);
                prop_assert!((at - before) / dt <= speed * (1.0 + 1e-9));
                prop_assert!((profile.speed_at(t) - profile.speed_at(t - dt)).abs()
                    <= acceleration * dt * (1.0 + 1e-6));
                before = at;
            }
            prop_assert!((before - 1.0).abs() < 1e-9);
        }

        #[test]
        fn a_duration_asked_for_is_the_duration(seconds in 0.01..100.0f64) {
            let profile = Profile::lasting(seconds);
            prop_assert!((profile.duration() - seconds).abs() < 1e-9 * seconds);
        }
    }
}
