use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bevy::prelude::*;
use nalgebra::Isometry3;

use super::{Cell, Moment, Shown, ViewError};
use crate::cell::lift;
use crate::config::Robot;
use crate::input::ConfigError;
use crate::real::{Rtde, Site, State};
use crate::store::{StoreError, TrialRow, TrialStore};
use crate::task::{ImageSize, Placement, Pose2};

/// A real arm, or its twin, as it says it stands: looked at, never told anything. This process
/// only listens to the controller's data exchange; who drives the arm does not notice.
#[derive(Resource, Debug)]
pub struct RealArm {
    pub host: String,
    scene: String,
    world_from_base: Isometry3<f64>,
    /// As taught, where it was.
    world_from_place: Isometry3<f64>,
    seen: Arc<Mutex<Seen>>,
}

/// What is known by now.
#[derive(Debug, Default)]
struct Seen {
    state: Option<State>,
    /// Why nothing comes just now.
    failure: Option<String>,
    last: Option<TrialRow>,
}

/// Longest silence of the controller before it is told.
const PATIENCE: Duration = Duration::from_millis(500);
/// Between two attempts to reach it again, and between two looks into the run's file.
const AGAIN: Duration = Duration::from_secs(2);

impl RealArm {
    /// Reaches the arm that a robot file names. `run`: whose last placement is shown, too.
    pub fn look(robot: &Robot, run: Option<PathBuf>) -> Result<Self, ViewError> {
        let lacks = |key: &str| {
            ViewError::Config(ConfigError {
                file: format!("robot {}", robot.name),
                key: key.into(),
                value: "missing".into(),
                valid: "must be there to look at a real arm".into(),
            })
        };
        let arm = robot.arm.as_ref().ok_or_else(|| lacks("[arm]"))?;
        let real = robot.real.as_ref().ok_or_else(|| lacks("[real]"))?;
        let (host, port) = (real.host.clone(), real.rtde_port);
        let first = Rtde::listen(&host, port)?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let hears = Arc::downgrade(&seen);
        let address = host.clone();
        std::thread::spawn(move || {
            let mut rtde = Some(first);
            let mut number = 0;
            while let Some(seen) = hears.upgrade() {
                let heard = match &rtde {
                    Some(rtde) => rtde.next(number, PATIENCE),
                    None => match Rtde::listen(&address, port) {
                        Ok(again) => {
                            number = 0;
                            rtde = Some(again);
                            continue;
                        }
                        Err(error) => Err(error),
                    },
                };
                let failed = heard.is_err();
                {
                    let mut seen = lock(&seen);
                    match heard {
                        Ok(state) => {
                            number = state.number;
                            seen.state = Some(state);
                            seen.failure = None;
                        }
                        Err(error) => seen.failure = Some(error.to_string()),
                    }
                }
                drop(seen);
                if failed {
                    rtde = rtde.filter(Rtde::is_connected);
                    std::thread::sleep(AGAIN);
                }
            }
        });
        if let Some(run) = run {
            last_trial(&run)?;
            let looks = Arc::downgrade(&seen);
            std::thread::spawn(move || {
                while let Some(seen) = looks.upgrade() {
                    if let Ok(last) = last_trial(&run) {
                        lock(&seen).last = last;
                    }
                    drop(seen);
                    std::thread::sleep(AGAIN);
                }
            });
        }
        Ok(Self {
            host,
            scene: real.scene.clone(),
            world_from_base: arm.model.world_from_base,
            world_from_place: Site::new(robot)?.plan().target.world_from_place,
            seen,
        })
    }

    /// What stands on the table, by its name or file.
    pub fn scene(&self) -> &str {
        &self.scene
    }

    /// How far the taught place is from where the scene's file has it, with its furniture, metres.
    pub fn place_off(&self, cell: &Cell) -> f64 {
        let nominal = cell.scene.world_from_place.translation.vector;
        (self.world_from_place.translation.vector - nominal).norm()
    }

    pub fn state(&self) -> Option<State> {
        lock(&self.seen).state.clone()
    }

    pub fn failure(&self) -> Option<String> {
        lock(&self.seen).failure.clone()
    }

    pub fn last(&self) -> Option<TrialRow> {
        lock(&self.seen).last.clone()
    }
}

/// Shows the arm as it stands. The fingers are drawn open: the data exchange does not tell them.
pub fn observe(arm: Option<Res<RealArm>>, cell: Res<Cell>, mut shown: ResMut<Shown>) {
    let Some(arm) = arm else { return };
    let seen = lock(&arm.seen);
    let Some(state) = &seen.state else { return };
    let mut now = Moment::at_rest(&cell.scene, &cell.robot, Pose2::IDENTITY);
    now.place_hand(&(arm.world_from_base * state.base_from_tool), &cell.robot);
    now.bodies.joints = Some(state.joints);
    now.seconds = state.timestamp;
    now.segment = "measured".into();
    let last = seen.last.as_ref().and_then(|row| row.result.as_ref());
    let placement = last.and_then(|stored| stored.measured);
    now.bodies.plate = placement.map(|p| raised(&arm.world_from_place, &p));
    shown.0 = now;
}

/// The pose of a plate that was found so over its target. How it is tilted is known by size only.
pub fn raised(world_from_place: &Isometry3<f64>, found: &Placement) -> Isometry3<f64> {
    let mut placed = world_from_place * lift(found.pose);
    placed.translation.z += found.z_mm / 1e3;
    placed
}

/// How large the pictures of a run are.
pub fn image_size(run: &Path) -> Result<ImageSize, ViewError> {
    Ok(TrialStore::read(run)?.image_size()?)
}

/// The run's newest trial that has a result.
fn last_trial(run: &Path) -> Result<Option<TrialRow>, StoreError> {
    TrialStore::read(run)?.newest()
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
