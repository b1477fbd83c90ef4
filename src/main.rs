use std::process::ExitCode;

/// Training frees and takes large buffers all the time; the system's allocator returns their
/// pages at once and pays for every one again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rmrl::cli::main()
}
