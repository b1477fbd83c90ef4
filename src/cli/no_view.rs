use std::ffi::OsString;

use crate::cli::Failure;

/// Whatever the viewer would take.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _rest: Vec<OsString>,
}

/// # Errors
/// Always: this build has no viewer.
pub fn run(_: Args) -> Result<(), Failure> {
    let what = "this build has no viewer; build it with: cargo run --features viewer -- view";
    Err(Failure::Input(what.into()))
}
