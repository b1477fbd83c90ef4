use std::cell::RefCell;
use std::path::Path;

use super::cells::{Bench, SimCells, TwinCells, of_file};
use super::pause::PauseArgs;
use crate::cell::{CellError, CellPlan, Signals, Unwatched, Workcell, check_fit, check_obstacles};
use crate::cli::Failure;
use crate::config::Robot;
use crate::input::{Check, ConfigError, anchored};
use crate::lab::{Experiment, LabError, demand_signals};
use crate::learn::Recipe;
use crate::real::{Site, SiteError};
use crate::store::{Durability, Provenance};
use crate::task::{
    ContextSignal, Correction, Instances, Phase, Pose2, RewardSignal, Setup, Streams, TaskSpec,
    TrialKey,
};

/// What moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Backend {
    /// The simulation
    #[default]
    Sim,
    /// The arm that the robot file tells of
    Real,
    /// The twin of that arm, in this process and in virtual time
    Twin,
}

#[derive(Clone, Debug, Default, clap::Args)]
pub struct BackendArgs {
    /// What moves
    #[arg(long, value_enum, default_value_t)]
    pub backend: Backend,
    /// Connect, check and plan every motion, and move nothing (with --backend real)
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub pauses: PauseArgs,
}

impl BackendArgs {
    /// A rehearsal is one of a real arm's motions.
    pub fn check(&self) -> Result<(), Failure> {
        match (self.dry_run, self.backend) {
            (true, Backend::Sim | Backend::Twin) => {
                Err(Failure::Input("--dry-run: goes with --backend real".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// Makes the workcells of an experiment, on either backend.
pub enum Cells {
    Sim(Box<SimCells>),
    Real(Box<RealCells>),
    Twin(Box<TwinCells>),
}

/// The one cell of a real arm.
pub struct RealCells {
    site: Site,
}

impl Cells {
    pub fn new(bench: &Bench, backend: Backend) -> Result<Self, ConfigError> {
        match backend {
            Backend::Sim => Ok(Self::Sim(Box::new(SimCells::new(bench)?))),
            Backend::Real => {
                let Bench { robot, scene, task, source, .. } = bench;
                let cells = RealCells::new(robot, scene, task, source.or("experiment"))?;
                Ok(Self::Real(Box::new(cells)))
            }
            Backend::Twin => Ok(Self::Twin(Box::new(TwinCells::new(bench)?))),
        }
    }

    pub fn is_real(&self) -> bool {
        matches!(self, Self::Real(_))
    }

    /// `None` for a scene that does not stand on the real table.
    pub fn cell(&self, scene: &str) -> Result<Option<Box<dyn Workcell>>, LabError> {
        match self {
            Self::Sim(cells) => Ok(Some(cells.cell(scene)?)),
            Self::Real(cells) if cells.stands(scene) => Ok(Some(cells.connect()?)),
            Self::Real(_) => Ok(None),
            Self::Twin(cells) => Ok(Some(cells.cell(scene)?)),
        }
    }

    /// Are these scenes ones that a cell can be made of? Moves and connects to nothing.
    pub fn check(&self, scenes: &[&String]) -> Result<(), ConfigError> {
        scenes.iter().try_for_each(|scene| match self {
            Self::Sim(cells) => cells.cell(scene).map(drop),
            Self::Twin(cells) => cells.cell(scene).map(drop),
            Self::Real(_) => Ok(()),
        })
    }

    /// Are these methods content with what an arm can tell? Before hours have gone into the others.
    pub fn check_methods(&self, experiment: &Experiment) -> Result<(), LabError> {
        let told =
            Signals { reward: RewardSignal::Signed, context: ContextSignal::Pose, truth: false };
        let mut cards = experiment.methods.iter().map(Recipe::card).filter(|_| self.is_real());
        Ok(cards.try_for_each(|card| demand_signals(card, told))?)
    }

    /// What is behind these cells: a run that is resumed with an edited file is another run.
    pub fn provenance(&self, scenes: &[&String]) -> Result<Provenance, ConfigError> {
        match self {
            Self::Sim(cells) => cells.provenance(scenes),
            Self::Real(cells) => Ok(cells.provenance()),
            Self::Twin(cells) => cells.provenance(scenes),
        }
    }

    /// On hardware: which arm, or twin, answers.
    pub fn arm(&self) -> Option<String> {
        match self {
            Self::Sim(_) | Self::Twin(_) => None,
            Self::Real(cells) => cells.site.who_answers().ok(),
        }
    }

    pub fn durability(&self) -> Durability {
        if self.is_real() { Durability::Power } else { Durability::Process }
    }
}

impl RealCells {
    /// Checks robot, scene and task, which was read from `file`, as a whole, before anything
    /// connects.
    pub fn new(robot: &str, scene: &str, task: &TaskSpec, file: &str) -> Result<Self, ConfigError> {
        let cells = Self { site: Site::new(&Robot::named(robot)?)?.seeing(task.image) };
        cells.demand_scene(scene)?;
        let check = Check { file };
        let valid = "must not be there with --backend real: dirt and drift are simulated";
        check.that(task.dirt.0.is_empty(), "task.dirt", "given", valid)?;
        check.that(task.drift.is_empty(), "task.drift", "given", valid)?;
        // As drawn: the furniture was moved along when a place was taught. What the links come near is asked of every
        // path where it really stands.
        let (scene, robot) = (cells.site.scene(), cells.site.robot().ignoring_furniture());
        check_fit(check, scene, &robot, task, &CellPlan::new(scene, &robot))?;
        // What the robot file adds stands where it stands.
        check_obstacles(scene, &robot, &cells.site.plan())?;
        Ok(cells)
    }

    /// An offset or a correction that the envelope forbids is a mistake of the user's.
    pub fn demand_allowed(&self, option: &str, pose: Pose2) -> Result<(), Failure> {
        let checked = self.site.robot().planner().check_correction(pose);
        checked.map_err(|forbidden| Failure::Input(format!("{option}: {forbidden}")))
    }

    fn stands(&self, scene: &str) -> bool {
        let stands = self.site.robot().beside(&self.site.spec().scene);
        anchored(Path::new(""), scene) == stands
    }

    /// Another scene than the one on the table is a mistake of the user's.
    fn demand_scene(&self, scene: &str) -> Result<(), ConfigError> {
        let stands = &self.site.spec().scene;
        Check { file: self.site.robot().name.file() }.that(
            self.stands(scene),
            "real.scene",
            format_args!("{stands:?}"),
            format_args!("must be {scene:?}, the scene that was asked for"),
        )
    }

    fn provenance(&self) -> Provenance {
        let (robot, scene) = (self.site.robot(), self.site.scene());
        Provenance {
            backend: crate::lab::HARDWARE.to_owned(),
            robot: Some(of_file(&robot.name, &robot.content)),
            scenes: vec![of_file(&scene.name, &scene.content)],
        }
    }

    pub fn connect(&self) -> Result<Box<dyn Workcell>, CellError> {
        Ok(Box::new(self.site.connect()?))
    }

    /// Connects to look, then plans these trials and everything between them on paper: the moves
    /// that passed every check.
    pub fn rehearse(
        &self,
        trials: impl Iterator<Item = (Pose2, Correction)>,
    ) -> Result<Vec<crate::real::Move>, Failure> {
        let (arm, joints) = self.site.look()?;
        let (mut cell, moves) = self.site.on_paper(&arm, joints);
        cell.recover(&mut Unwatched)?;
        let key = TrialKey { phase: Phase::Train, index: 0 };
        for (offset, correction) in trials {
            let setup = Setup { streams: Streams::new(0), key, instance: 0, offset, made: 0 };
            cell.prepare(&setup, &mut Unwatched)?;
            cell.attempt(correction, &mut Unwatched)?;
        }
        drop(cell);
        Ok(RefCell::take(&moves))
    }
}

/// The trials that a dry run of training plans: every scene instance's offset with the corrections
/// at the corners of the range.
pub fn corners(
    experiment: &Experiment,
    seed: u64,
) -> impl Iterator<Item = (Pose2, Correction)> + use<> {
    let instances = Instances::draw(&experiment.task, Streams::new(seed));
    let range = experiment.task.range;
    (0..experiment.task.scene_instances as u64).map(move |index| {
        let setup = instances.setup(TrialKey { phase: Phase::Train, index }, 0);
        let side = |bit: u64| if index >> bit & 1 == 0 { 1.0 } else { -1.0 };
        let (x, y) = (side(0) * range.mm, side(1) * range.mm);
        (setup.offset, Pose2::new(x, y, side(2) * range.deg))
    })
}

impl From<SiteError> for Failure {
    fn from(error: SiteError) -> Self {
        match error {
            SiteError::Config(error) => error.into(),
            SiteError::Cell(error) => error.into(),
        }
    }
}
