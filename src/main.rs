use std::process::ExitCode;

use clap::Parser;

/// Training frees and takes large buffers all the time; the system's allocator returns their
/// pages at once and pays for every one again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // SAFETY: no other thread exists yet.
    unsafe { std::env::set_var("RAYON_NUM_THREADS", "1") };
    hush_broken_pipe();
    let cli = rmrl::cli::Cli::parse();
    match rmrl::cli::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("rmrl: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

/// `rmrl ... | head`: that whoever reads has seen enough is nobody's mistake.
fn hush_broken_pipe() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let said = info.payload_as_str().unwrap_or_default();
        if said.starts_with("failed printing to stdout: Broken pipe") {
            // As a signal would have ended it.
            std::process::exit(141);
        }
        usual(info);
    }));
}
