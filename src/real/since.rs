use std::time::Instant;

/// A moment by the controller's clock and by ours. A controller that runs faster than life must
/// not make our own machine look slow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    timestamp: f64,
    wall: Instant,
}

impl Since {
    /// Of a state with this timestamp, seconds of the controller.
    pub fn new(timestamp: f64) -> Self {
        Self { timestamp, wall: Instant::now() }
    }

    /// More than this many seconds ago by both clocks.
    pub fn is_past(&self, timestamp: f64, seconds: f64) -> bool {
        timestamp - self.timestamp > seconds && self.wall.elapsed().as_secs_f64() > seconds
    }
}
