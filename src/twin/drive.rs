//! The joints behind the controller: they follow their targets late, and not to the last bit.

use crate::arm::Joints;

/// Six servo drives.
#[derive(Clone, Debug, PartialEq)]
pub struct Drive {
    actual: Joints,
    speed: Joints,
    /// Time constant of the lag, seconds.
    lag: f64,
    /// A joint nearer to its target than this stays where it is, rad.
    stiction: f64,
}

impl Drive {
    pub fn new(at: Joints, lag: f64, stiction: f64) -> Self {
        Self { actual: at, speed: Joints::zeros(), lag, stiction }
    }

    /// Angles as the encoders read them, rad.
    pub fn actual(&self) -> &Joints {
        &self.actual
    }

    /// rad/s.
    pub fn speed(&self) -> &Joints {
        &self.speed
    }

    /// One cycle of `dt` seconds towards the target.
    pub fn step(&mut self, target: &Joints, dt: f64) {
        let share = if self.lag > 0.0 { 1.0 - libm::exp(-dt / self.lag) } else { 1.0 };
        for joint in 0..6 {
            let off = target[joint] - self.actual[joint];
            let way = if off.abs() <= self.stiction { 0.0 } else { off * share };
            self.actual[joint] += way;
            self.speed[joint] = way / dt;
        }
    }

    /// The brakes are on: nothing moves.
    pub fn hold(&mut self) {
        self.speed = Joints::zeros();
    }

    /// A person has moved the arm by hand.
    pub fn put(&mut self, at: Joints) {
        self.actual = at;
        self.speed = Joints::zeros();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joints_arrive_late_and_stop_within_their_stiction() {
        let mut drive = Drive::new(Joints::zeros(), 0.01, 1e-4);
        let target = Joints::repeat(0.1);
        drive.step(&target, 0.002);
        assert!(drive.actual()[0] > 0.0 && drive.actual()[0] < 0.05);
        for _ in 0..200 {
            drive.step(&target, 0.002);
        }
        let off = (drive.actual()[0] - 0.1).abs();
        assert!(off > 0.0 && off <= 1e-4, "{off}");
        assert_eq!(drive.speed()[0], 0.0, "at rest it reads no speed");
    }
}
