//! A testbed for role-model reinforcement learning (RM-RL) of precise robot placement.
//!
//! `ARCHITECTURE.md` has the map: the way of one trial through the code, and what each part must
//! not know. What a user of the library needs:
//!
//! | for | there is |
//! |---|---|
//! | a method of one's own | [`learn::Objective`] (a loss), [`learn::Rule`] (a rule) or [`learn::Method`] (anything); [`learn::Entry`], [`learn::add`] |
//! | its settings | [`settings!`], [`choices!`] |
//! | a figure of one's own | [`report::Metric`], [`report::add_metric`] |
//! | a plate's pose from a picture of any resolution | [`eyes::find_plate`] |
//! | a cell | [`sim::cell`], or a [`cell::Rig`] under [`cell::ScriptedCell`], or a [`cell::Workcell`] |
//! | an experiment | [`lab::Experiment`], [`lab::Schedule`], [`lab::Trials`], [`lab::Sweep`] |
//! | the whole program with all that | [`cli::main`] |
//!
//! `examples/method` is a package that adds a method and a metric. A trial of a rule, without the
//! program:
//!
//! ```
//! use rmrl::cell::Unwatched;
//! use rmrl::config::{Robot, Scene};
//! use rmrl::lab::{Experiment, Occasion, Trials};
//! use rmrl::learn::{Card, Decision, Entry, LearnError, Mode, NoSettings, Rule, View};
//! use rmrl::sim::{self, PhysicsSettings};
//! use rmrl::task::{ActionGrid, Correction, Phase, TrialKey};
//!
//! /// Corrects by a millimetre ahead, whatever it sees.
//! struct Ahead;
//!
//! impl Rule for Ahead {
//!     const NAME: &'static str = "ahead";
//!     type Settings = NoSettings;
//!     fn card(_: &NoSettings) -> Card {
//!         Card::reference(Self::NAME, "a millimetre ahead")
//!     }
//!     fn new(_: NoSettings, _: ActionGrid) -> Self {
//!         Self
//!     }
//!     fn decide(&self, _: &View<'_>) -> Result<Decision, LearnError> {
//!         Ok(Decision::at(Correction::new(1.0, 0.0, 0.0)))
//!     }
//! }
//!
//! rmrl::learn::add(Entry::rule::<Ahead>());
//! let experiment = Experiment::open("narrow", &["methods=[\"ahead\"]".into()])?;
//! let trials = Trials::new(&experiment.task, 1);
//! let method = experiment.methods[0].build(experiment.task.grid(), experiment.task.image, trials.streams())?;
//! let (scene, robot) = (Scene::named(&experiment.scene)?, Robot::named(&experiment.robot)?);
//! let mut cell = sim::cell(&scene, &robot, &experiment.task, PhysicsSettings::default())?;
//! let key = TrialKey { phase: Phase::Train, index: 0 };
//! let occasion = Occasion { key, checkpoint: 0, made: 0, scene: None };
//! let who = (method.as_ref(), Mode::Greedy);
//! // `&mut ()`: nobody keeps it. A `store::TrialStore` would.
//! let trial = trials.make(occasion, who, &mut cell, &mut Unwatched, &mut ())?;
//! println!("{}: reward {:.2}", trial.result.outcome.name(), trial.result.reward);
//! # assert!(trial.result.reward < 0.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Features, all on by default: `cli` (the program), `report` (tables, plots, pages), `real` (the driver of
//! an arm), `twin` (a simulated controller). `viewer` is off. With `default-features = false` there is the
//! task, the simulation, the methods and the lab.
#![deny(clippy::print_stdout)]

#[doc(hidden)]
pub mod arm;
pub mod cell;
#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
pub mod eyes;
#[doc(hidden)]
pub mod input;
pub mod lab;
pub mod learn;
#[cfg(feature = "real")]
#[doc(hidden)]
pub mod real;
pub mod report;
pub mod sim;
pub mod store;
pub mod task;
#[cfg(feature = "twin")]
#[doc(hidden)]
pub mod twin;
#[cfg(feature = "viewer")]
#[doc(hidden)]
pub mod viewer;
#[doc(hidden)]
pub mod wire;

/// Version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Commit it was built from, or "unknown".
pub const COMMIT: &str = env!("RMRL_COMMIT");
