use std::process::ExitCode;

use clap::Parser;

/// Training frees and takes large buffers all the time; the system's allocator returns their
/// pages at once and pays for every one again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // SAFETY: no other thread exists yet.
    unsafe { std::env::set_var("RAYON_NUM_THREADS", "1") };
    let cli = rmrl::cli::Cli::parse();
    match rmrl::cli::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, rmrl::cli::Failure::ReaderGone) {
                eprintln!("rmrl: {failure}");
            }
            ExitCode::from(failure.exit_code())
        }
    }
}
