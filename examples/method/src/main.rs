//! `rmrl` with a method and a metric more. Every command works as ever:
//!
//! ```sh
//! cargo run --release -- methods weighted-imitation
//! cargo run --release -- compare smoke --methods rm-rl,weighted-imitation
//! ```

mod weighted_imitation;
mod worst_axis;

fn main() -> std::process::ExitCode {
    rmrl::learn::add(weighted_imitation::entry());
    rmrl::report::add_metric(worst_axis::metric());
    rmrl::cli::main()
}
