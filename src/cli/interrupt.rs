use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Raised by the first Ctrl-C (or SIGTERM): whatever runs stops at its next trial and keeps what
/// it has. A second one ends the process at once; the store survives that too.
/// Whoever asks gets the same one.
pub fn flag() -> anyhow::Result<&'static AtomicBool> {
    flag_saying("stopping; everything so far is kept (once more to end at once)")
}

/// The same for what keeps nothing: `says` is printed at the first Ctrl-C, if nobody asked before.
pub fn flag_saying(says: &'static str) -> anyhow::Result<&'static AtomicBool> {
    static RAISED: AtomicBool = AtomicBool::new(false);
    static HANDLER: OnceLock<Result<(), ctrlc::Error>> = OnceLock::new();
    let handler = HANDLER.get_or_init(|| {
        ctrlc::set_handler(move || {
            if RAISED.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            eprintln!("\n{says}");
        })
    });
    match handler {
        Ok(()) => Ok(&RAISED),
        Err(error) => anyhow::bail!("Ctrl-C cannot be listened to: {error}"),
    }
}
