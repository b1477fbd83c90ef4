//! What users write, and what is said when it is wrong: errors that name file, key, value and what
//! is valid. It knows nobody.

mod anchored;
mod content;
mod error;
mod source;

pub use anchored::anchored;
pub use content::{Content, canonical, lay_onto, sha256};
pub use error::{Check, ConfigError, parse_toml};
pub use source::Source;
