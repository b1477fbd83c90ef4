/// Watches the force that a move in contact meets, and says when the move is to stop.
pub(super) struct Guard {
    limit_n: f64,
    /// How many steps a resistance lasts before the move stops.
    patience: f64,
    last_n: f64,
    stop: Option<f64>,
}

/// A force that is over sooner is an impact, not a resistance, seconds. What the step under way
/// will bring is not known: a force that was there in the step before counts as going on.
const PATIENCE: f64 = 6e-3;

impl Guard {
    pub fn new(limit_n: f64, dt: f64) -> Self {
        Self { limit_n, patience: PATIENCE / dt, last_n: 0.0, stop: None }
    }

    /// Takes the mean force of step `i`, counted from 1.
    pub fn feel(&mut self, i: u64, force_n: f64) {
        if force_n <= self.limit_n {
            self.stop = None;
        } else if self.stop.is_none() {
            // A step's mean stands for its middle; so that the moment does not depend on how
            // the steps fall, it is interpolated.
            let share = (self.limit_n - self.last_n) / (force_n - self.last_n);
            self.stop = Some(i as f64 - 1.5 + share.max(0.0) + self.patience);
        }
        self.last_n = force_n;
    }

    /// The moment within step `i` at which the move stops, counted in steps; `None`: not in it.
    pub fn stops_in(&self, i: u64) -> Option<f64> {
        self.stop.filter(|at| *at <= i as f64).map(|at| at.max(i as f64 - 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When a force that rises linearly through 30 N at `crossing` seconds stops the move.
    fn stopped_at(dt: f64, crossing: f64) -> f64 {
        let mut guard = Guard::new(30.0, dt);
        let steps = (1..).find_map(|i| {
            let stop = guard.stops_in(i);
            guard.feel(i, 30.0 + ((i as f64 - 0.5) * dt - crossing) * 1e4);
            stop
        });
        steps.unwrap() * dt
    }

    #[test]
    fn a_move_stops_after_the_same_time_whatever_the_step() {
        for dt in [0.25e-3, 0.5e-3, 1e-3, 2e-3, 3e-3] {
            let stop = stopped_at(dt, 0.0317);
            assert!((stop - 0.0377).abs() < 1e-9, "{dt}: {stop}");
        }
    }

    #[test]
    fn an_impact_does_not_stop_a_move() {
        let mut guard = Guard::new(30.0, 2e-3);
        for (i, force) in (1..).zip([0.0, 200.0, 10.0, 35.0, 5.0]) {
            assert_eq!(guard.stops_in(i), None);
            guard.feel(i, force);
        }
    }
}
