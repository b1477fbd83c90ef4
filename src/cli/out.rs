use std::fmt;
use std::io::{ErrorKind, Write};

use super::Failure;

/// Results on standard output, of which every error is told: a full device, or that whoever read has
/// gone, which is no mistake.
pub fn write(text: fmt::Arguments<'_>) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_fmt(text).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::ReaderGone,
        _ => Failure::Work(anyhow::anyhow!("standard output cannot be written to: {error}")),
    })
}

/// A line of results, as `println!`: an error is returned.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::out::write(format_args!("{}\n", format_args!($($text)*)))
    };
}
pub(super) use say;
