use std::sync::atomic::{AtomicBool, Ordering};

/// Raised by the first Ctrl-C (or SIGTERM): whatever runs stops at its next trial and keeps what
/// it has. A second one ends the process at once; the store survives that too.
pub fn flag() -> anyhow::Result<&'static AtomicBool> {
    static RAISED: AtomicBool = AtomicBool::new(false);
    ctrlc::set_handler(|| {
        if RAISED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        eprintln!("\nstopping; everything so far is kept (once more to end at once)");
    })?;
    Ok(&RAISED)
}
