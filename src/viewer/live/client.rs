use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bevy::prelude::*;

use super::wire::{Line, Met, Order, Which};
use crate::config::Scene;
use crate::lab::{Experiment, Schedule, judge, read_run};
use crate::report::{Judged, RunResult};
use crate::store::{StoreError, TrialRow, TrialStore};
use crate::task::{Phase, Reward};
use crate::viewer::{Cell, Moment, Shown, ViewError};

/// The viewer's end: the training that it started, and what it hears of it.
#[derive(Resource, Debug)]
pub struct Live {
    pub experiment: Experiment,
    pub method: String,
    pub seed: u64,
    pub pace: Pace,
    pub paused: bool,
    /// The training's exit code once it has ended; `None` inside if it was killed.
    pub ended: Option<Option<i32>>,
    schedule: Schedule,
    /// The trial of the moment that is shown.
    pub trial: Option<Which>,
    /// The scene that is drawn, and how it was met.
    drawn: Drawn,
    child: Child,
    orders: TcpStream,
    heard: Arc<Mutex<Heard>>,
}

/// A scene by its name, and how it was met.
type Drawn = (String, Option<Met>);

/// How fast the training goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Simulated seconds a second; every trial can be seen.
    Watched(f64),
    /// As fast as it goes; now and then a moment of it is drawn.
    Free,
}

#[derive(Debug, Default)]
struct Heard {
    /// With its scene, how it was met, and in which trial.
    newest: Option<(Drawn, Option<Which>, Moment)>,
    run: Option<Arc<LiveRun>>,
}

/// What the training's file holds by now.
#[derive(Clone, Debug)]
pub struct LiveRun {
    pub result: RunResult,
    /// Trials learned from before each of its checkpoints.
    pub checkpoints: Vec<u64>,
    /// Its training trials in order.
    pub judged: Vec<Judged>,
    pub last: Option<TrialRow>,
}

/// How long a training may take to begin.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks into the file.
const LOOK_EVERY: Duration = Duration::from_secs(2);

impl Live {
    /// Starts the training as a process of its own and waits until it has begun.
    ///
    /// # Errors
    /// If it ends at once: it has said why on stderr; its exit code is handed on.
    pub fn start(
        experiment: Experiment,
        (method, seed): (String, u64),
        run: PathBuf,
        arguments: &[OsString],
    ) -> Result<Self, ViewError> {
        let wrong = |what| move |source| ViewError::Process { what, source };
        let mut train = Command::new(std::env::current_exe().map_err(wrong("finding rmrl"))?);
        train.args(arguments);
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(wrong("listening"))?;
        listener.set_nonblocking(true).map_err(wrong("listening"))?;
        let port = listener.local_addr().map_err(wrong("listening"))?.port();
        train.args(["--feed", &port.to_string()]);
        #[cfg(unix)]
        {
            // Ctrl-C in the viewer's terminal is for the viewer.
            std::os::unix::process::CommandExt::process_group(&mut train, 0);
        }
        let mut child = train.spawn().map_err(wrong("starting the training"))?;
        let began = Instant::now();
        let orders = loop {
            if let Ok((socket, _)) = listener.accept() {
                break socket;
            }
            if let Some(status) = child.try_wait().map_err(wrong("waiting for the training"))? {
                // It has nothing left to do, or has said why it cannot.
                let code = status.code();
                let complete = code == Some(0);
                return Err(if complete {
                    ViewError::Complete(run)
                } else {
                    ViewError::Training(code)
                });
            }
            if began.elapsed() > PATIENCE {
                let _ = child.kill();
                return Err(ViewError::Training(None));
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        orders.set_nonblocking(false).map_err(wrong("listening"))?;
        let hearing = orders.try_clone().map_err(wrong("listening"))?;
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (hears, looks) = (heard.clone(), Arc::downgrade(&heard));
        std::thread::spawn(move || listen(hearing, &hears));
        let look_at = (experiment.clone(), run);
        std::thread::spawn(move || {
            while let Some(heard) = looks.upgrade() {
                let found = look(&look_at.0, &look_at.1).ok();
                if found.is_some() {
                    lock(&heard).run = found.map(Arc::new);
                }
                drop(heard);
                std::thread::sleep(LOOK_EVERY);
            }
        });
        let schedule = Schedule::new(&experiment, experiment.method("live", &method)?.card());
        Ok(Self {
            drawn: (experiment.scene.clone(), None),
            trial: None,
            schedule,
            experiment,
            method,
            seed,
            pace: Pace::Watched(1.0),
            paused: false,
            ended: None,
            child,
            orders,
            heard,
        })
    }

    pub fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
        self.paused = false;
        self.tell(Order::Pause(false));
        self.tell(Order::Pace(match pace {
            Pace::Watched(pace) => Some(pace),
            Pace::Free => None,
        }));
    }

    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
        self.tell(Order::Pause(paused));
    }

    /// One physics step.
    pub fn step(&mut self) {
        if !self.paused {
            self.pause(true);
        }
        self.tell(Order::Step);
    }

    /// The trial of the moment that is shown, in words.
    pub fn now(&self) -> Option<String> {
        let trial = self.trial?;
        Some(trial.words(self.schedule.of_phase(trial.phase)))
    }

    /// Trials that it makes to learn from.
    pub fn trials(&self) -> u64 {
        self.schedule.trials()
    }

    /// Ends the training after the trial; everything is kept.
    pub fn stop(&mut self) {
        self.tell(Order::Stop);
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }

    pub fn run(&self) -> Option<Arc<LiveRun>> {
        lock(&self.heard).run.clone()
    }

    /// A training that does not listen any more has ended, or will be heard of as ended.
    fn tell(&mut self, order: Order) {
        let _ = self.orders.write_all(order.line().as_bytes());
    }
}

/// Shows the newest moment.
pub fn follow(live: Option<ResMut<Live>>, mut shown: ResMut<Shown>, mut cell: ResMut<Cell>) {
    let Some(mut live) = live else { return };
    let newest = lock(&live.heard).newest.take();
    if let Some((scene, trial, newest)) = newest {
        shown.0 = newest;
        live.trial = trial;
        if scene != live.drawn
            && let Ok(mut other) = Scene::named(&scene.0)
        {
            if let Some(met) = &scene.1 {
                met.apply(&mut other);
            }
            cell.scene = other;
            live.drawn = scene;
        }
    }
    if live.ended.is_none()
        && let Ok(Some(status)) = live.bypass_change_detection().child.try_wait()
    {
        live.ended = Some(status.code());
    }
}

fn listen(socket: TcpStream, heard: &Mutex<Heard>) {
    for line in BufReader::new(socket).lines() {
        let Ok(line) = line else { return };
        let Ok(line) = serde_json::from_str::<Line>(&line) else { continue };
        let mut heard = lock(heard);
        let moment = line.moment();
        heard.newest = Some(((line.scene, line.met), line.trial, moment));
    }
}

/// Reads the growing run file: a reader never holds up who writes.
fn look(experiment: &Experiment, path: &Path) -> Result<LiveRun, StoreError> {
    let store = TrialStore::read(path)?;
    let reward = Reward::new(&experiment.task);
    let mut rows = store.trials(Phase::Prior, 0)?;
    rows.extend(store.trials(Phase::Train, 0)?);
    rows.retain(|row| row.result.is_some());
    let results = rows.iter().filter_map(|row| row.result.as_ref());
    Ok(LiveRun {
        judged: results.map(|r| judge(&reward, r)).collect(),
        result: read_run(experiment, &store)?,
        checkpoints: store.checkpoints()?,
        last: rows.pop(),
    })
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
