//! The build script's own tests: cargo runs none of a build script.

#[allow(dead_code, reason = "cargo calls its main")]
#[path = "../build.rs"]
mod build_script;
