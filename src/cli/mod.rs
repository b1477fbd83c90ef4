//! The command line: one file a command. Each turns its raw flags into a plan and carries it out.

mod backend;
mod calibrate;
mod cells;
mod compare;
mod doctor;
mod env;
mod eval;
mod export;
mod failure;
mod gap;
mod gauge;
mod init;
mod interrupt;
mod labels;
mod lines;
mod lists;
mod network;
mod out;
mod pause;
mod policy;
mod progress;
mod report;
mod requested;
mod runs;
mod session;
mod start;
mod status;
mod tags;
mod teach;
mod train;
mod trial;
mod tune;
mod twin;
#[cfg(feature = "viewer")]
mod view;
mod weights;

#[cfg(not(feature = "viewer"))]
mod no_view;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use failure::Failure;

/// Role-model reinforcement learning of precise placement: compare it with its rivals.
#[derive(Debug, Parser)]
#[command(name = "rmrl", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Examples:
  rmrl compare                       the main comparison: a report in runs/narrow
  rmrl compare smoke --jobs 2        everything in about a minute
  rmrl trial --offset -1,2,0         one trial of the task, without a correction
  rmrl methods rm-rl                 what a method does and its options

Exit codes: 0 done, 1 the work failed, 2 wrong input, 3 stopped for safety, 130 interrupted.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train all methods with all seeds and write the report (the main job)
    Compare(compare::Args),
    /// List the runs of an experiment, for whoever starts them: METHOD SEED a line
    Runs(lists::RunsArgs),
    /// Train one method with one seed
    Train(train::Args),
    /// Evaluate a trained run, in its own scene or another
    Eval(eval::Args),
    /// Make one trial of the task and show what happened
    Trial(trial::Args),
    /// Show how far a run is: progress, pauses, time left
    Status(status::Args),
    /// Rebuild tables and plots from stored trials
    Report(report::Args),
    /// Hand runs on to other programs: CSV, Parquet, TensorBoard, rliable
    Export(export::Args),
    /// Show who was whose role model in a run, and what if they had been found otherwise
    Labels(labels::Args),
    /// Check a real arm and everything around it, without moving anything
    Doctor(doctor::Args),
    /// Store a pose that a person moved the arm to
    Teach(teach::Args),
    /// Print boards of tags, true to scale, for cameras to look at
    Tags(tags::Args),
    /// Find a camera's lens, where it is mounted, and what it sees of a perfect placement
    Calibrate(calibrate::Args),
    /// Study how well cameras repeat their readings, against what the task needs
    Gauge(gauge::Args),
    /// Measure how far a bench is from the simulation, in pairs of trials
    Gap(gap::Args),
    /// Serve the task to another language: JSON lines on stdin and stdout
    Env(env::Args),
    /// Serve what a run has learned to another language: a picture in, a correction out
    Policy(policy::Args),
    /// Try method options on seeds that are never reported
    Tune(tune::Args),
    /// Play an arm controller that speaks the real protocols, with a simulated cell behind it
    Twin(twin::Args),
    /// List the methods, or explain one with its options
    Methods(lists::MethodsArgs),
    /// List the scenes
    Scenes(lists::ScenesArgs),
    /// Look at trials: by hand, live, of a stored run, or on the real arm
    #[cfg(feature = "viewer")]
    View(view::Args),
    /// Look at trials (needs a build with `--features viewer`)
    #[cfg(not(feature = "viewer"))]
    View(no_view::Args),
    /// Copy the built-in experiments, scenes and robots into a folder, to edit
    Init(init::Args),
}

/// The whole program: reads the command line, carries it out, says what went wrong, and returns the
/// exit code. Whoever brings methods or metrics adds them first.
pub fn main() -> ExitCode {
    // SAFETY: no other thread exists yet.
    unsafe { std::env::set_var("RAYON_NUM_THREADS", "1") };
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::ReaderGone) {
                eprintln!("rmrl: {failure}");
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Carries out what was asked for.
pub fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Compare(args) => compare::run(args),
        Command::Runs(args) => lists::runs(args),
        Command::Train(args) => train::run(args),
        Command::Eval(args) => eval::run(args),
        Command::Trial(args) => trial::run(args),
        Command::Status(args) => status::run(args),
        Command::Report(args) => report::run(args),
        Command::Export(args) => export::run(args),
        Command::Labels(args) => labels::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Teach(args) => teach::run(args),
        Command::Tags(args) => tags::run(args),
        Command::Calibrate(args) => calibrate::run(args),
        Command::Gauge(args) => gauge::run(&args),
        Command::Gap(args) => gap::run(args),
        Command::Env(args) => env::run(args),
        Command::Policy(args) => policy::run(args),
        Command::Tune(args) => tune::run(args),
        Command::Twin(args) => twin::run(args),
        Command::Methods(args) => lists::methods(args),
        Command::Scenes(args) => lists::scenes(args),
        #[cfg(feature = "viewer")]
        Command::View(args) => view::run(args),
        #[cfg(not(feature = "viewer"))]
        Command::View(args) => no_view::run(args),
        Command::Init(args) => init::run(args),
    }
}
