//! Typed experiment, scene and robot files, and what is said when one of them is wrong.

mod error;

pub use error::{Check, ConfigError, parse_toml};
