use serde::{Deserialize, Serialize};

use crate::input::{Check, ConfigError};

/// Step size and solver effort of the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Physics {
    /// Length of a step, ms.
    pub dt_ms: f64,
    /// Solver iterations a step.
    pub iterations: usize,
}

impl Default for Physics {
    fn default() -> Self {
        Self { dt_ms: 2.0, iterations: 4 }
    }
}

impl Physics {
    pub fn validate(&self, check: &Check<'_>) -> Result<(), ConfigError> {
        check.within("physics.dt_ms", self.dt_ms, 0.05, 8.0)?;
        check.count("physics.iterations", self.iterations as u64, 64)
    }
}
