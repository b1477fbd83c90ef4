//! The limit of force of a controller's safety configuration.

/// Judges what the force sensor reads, cycle by cycle.
#[derive(Clone, Debug, PartialEq)]
pub struct Press {
    limit_n: f64,
    /// For how many cycles in a row it has been too much.
    cycles: u32,
    /// What it was when the arm was stopped for it; `None` once the hand was free again.
    stopped_at: Option<f64>,
}

/// One cycle may be an impact that is over before anything could react: 10 ms.
const CYCLES: u32 = 5;
/// After a stop only a harder press stops again while a person leads the hand out.
const HARDER: f64 = 1.1;

impl Press {
    pub fn new(limit_n: f64) -> Self {
        Self { limit_n, cycles: 0, stopped_at: None }
    }

    /// The force, N, where it has to stop the arm. `led`: no program plays.
    pub fn judge(&mut self, force_n: f64, led: bool) -> Option<f64> {
        if force_n < self.limit_n {
            (self.cycles, self.stopped_at) = (0, None);
            return None;
        }
        let limit = self.stopped_at.filter(|_| led).map_or(self.limit_n, |at| at * HARDER);
        self.cycles = if force_n > limit { self.cycles + 1 } else { 0 };
        if self.cycles < CYCLES {
            return None;
        }
        (self.cycles, self.stopped_at) = (0, Some(force_n));
        Some(force_n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops(press: &mut Press, force_n: f64, cycles: u32) -> bool {
        (0..cycles).any(|_| press.judge(force_n, true).is_some())
    }

    #[test]
    fn a_press_that_lasts_stops_and_an_impact_of_a_moment_does_not() {
        let mut press = Press::new(150.0);
        assert!(!stops(&mut press, 149.0, 1000));
        assert!(!stops(&mut press, 400.0, CYCLES - 1));
        assert!(!stops(&mut press, 10.0, 1));
        assert!(stops(&mut press, 151.0, CYCLES));
    }

    #[test]
    fn the_hand_is_led_out_after_a_stop_and_the_limit_holds_again_once_it_is_free() {
        let mut press = Press::new(150.0);
        assert!(stops(&mut press, 300.0, CYCLES));
        assert!(!stops(&mut press, 300.0, 1000), "still pressed");
        assert!(stops(&mut press, 340.0, CYCLES), "pressed harder");
        assert!(!stops(&mut press, 100.0, 1), "free");
        assert!(stops(&mut press, 160.0, CYCLES));
    }

    #[test]
    fn a_program_may_not_press_on_where_a_person_may() {
        let mut press = Press::new(150.0);
        assert!(stops(&mut press, 300.0, CYCLES));
        assert!(!stops(&mut press, 200.0, 1000));
        assert!((0..CYCLES).any(|_| press.judge(200.0, false).is_some()));
    }
}
