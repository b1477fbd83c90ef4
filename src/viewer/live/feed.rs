use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::wire::{Line, Met, Order, Which};
use crate::cell::{Detail, Snapshot, Watch};
use crate::config::{Grasp, Scene};
use crate::task::TrialKey;
use crate::viewer::{Moment, ViewError};

/// The training's end: a [`Watch`] that publishes the newest moment when one is wanted, and keeps
/// to the pace that the viewer asks for. Two threads of its own write and read; when the viewer
/// is gone or hangs, the training goes on as if nobody had ever looked.
#[derive(Clone, Debug)]
pub struct Feed(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Bits of an f64: simulated seconds a second; 0: as fast as it goes.
    pace: AtomicU64,
    paused: AtomicBool,
    steps: AtomicU64,
    /// The viewer is gone.
    gone: AtomicBool,
    /// The writer wants a moment.
    wanted: AtomicBool,
    newest: Mutex<Option<Newest>>,
    stop: &'static AtomicBool,
    grasp: Grasp,
}

/// A moment, its scene's name, how the scene was met, and in which trial.
type Newest = (String, Option<Arc<Met>>, Option<Which>, Moment);

/// Between two moments that are published, and between them where none is slowed down for.
const PERIOD: Duration = Duration::from_millis(16);
const SELDOM: Duration = Duration::from_millis(500);
/// Longest sleep before it is asked again whether to go on.
const NAP: Duration = Duration::from_millis(20);

impl Feed {
    /// Connects to the viewer that listens on this port of this machine. `stop` is raised when
    /// the viewer asks for it.
    pub fn connect(port: u16, grasp: Grasp, stop: &'static AtomicBool) -> Result<Self, ViewError> {
        let wrong = |source| ViewError::Process { what: "reaching the viewer", source };
        let socket = TcpStream::connect(("127.0.0.1", port)).map_err(wrong)?;
        let orders = socket.try_clone().map_err(wrong)?;
        let feed = Self(Arc::new(Shared {
            pace: AtomicU64::new(1f64.to_bits()),
            paused: AtomicBool::new(false),
            steps: AtomicU64::new(0),
            gone: AtomicBool::new(false),
            wanted: AtomicBool::new(true),
            newest: Mutex::new(None),
            stop,
            grasp,
        }));
        let (writer, reader) = (feed.clone(), feed.clone());
        std::thread::spawn(move || writer.write(socket));
        std::thread::spawn(move || reader.obey(orders));
        Ok(feed)
    }

    /// A watch for trials in a scene.
    pub fn watch(&self, scene: &str) -> Box<dyn Watch> {
        Box::new(Watcher {
            feed: self.clone(),
            scene: scene.to_owned(),
            met: None,
            trial: None,
            seconds: 0.0,
            due: Instant::now(),
            detail: None,
        })
    }

    fn pace(&self) -> Option<f64> {
        let pace = f64::from_bits(self.0.pace.load(Relaxed));
        (pace > 0.0 && !self.0.gone.load(Relaxed)).then_some(pace)
    }

    fn write(&self, mut socket: TcpStream) {
        loop {
            std::thread::sleep(if self.pace().is_some() { PERIOD } else { SELDOM });
            let newest = self.0.newest.lock().unwrap_or_else(PoisonError::into_inner).take();
            self.0.wanted.store(true, Relaxed);
            let Some((scene, met, trial, moment)) = newest else { continue };
            let line = Line::new(&scene, met.as_deref(), trial, &moment);
            let Ok(mut line) = serde_json::to_string(&line) else { continue };
            line.push('\n');
            if socket.write_all(line.as_bytes()).is_err() {
                break;
            }
        }
        self.0.gone.store(true, Relaxed);
    }

    fn obey(&self, orders: TcpStream) {
        for line in BufReader::new(orders).lines() {
            let Ok(line) = line else { break };
            match Order::parse(&line) {
                Some(Order::Pace(pace)) => {
                    self.0.pace.store(pace.unwrap_or(0.0).to_bits(), Relaxed);
                }
                Some(Order::Pause(paused)) => {
                    // Steps that came too late for the pause before are not for this one.
                    self.0.steps.store(0, Relaxed);
                    self.0.paused.store(paused, Relaxed);
                }
                Some(Order::Step) => drop(self.0.steps.fetch_add(1, Relaxed)),
                Some(Order::Stop) => self.0.stop.store(true, Relaxed),
                None => {}
            }
        }
        self.0.gone.store(true, Relaxed);
    }
}

struct Watcher {
    feed: Feed,
    scene: String,
    met: Option<Arc<Met>>,
    trial: Option<Which>,
    /// Simulated time of the tick before.
    seconds: f64,
    /// When the next tick may pass.
    due: Instant,
    detail: Option<Detail>,
}

impl Watch for Watcher {
    fn tick(&mut self, snapshot: &Snapshot) -> ControlFlow<()> {
        let shared = self.feed.0.clone();
        let now = snapshot.time.seconds;
        // The clock begins anew with every trial.
        let passed = (now - self.seconds).max(0.0);
        self.seconds = now;
        let detail = self.detail.take();
        if shared.wanted.swap(false, Relaxed) || self.feed.pace().is_some() {
            let moment = Moment::of(snapshot, detail.as_ref(), shared.grasp);
            let mut newest = shared.newest.lock().unwrap_or_else(PoisonError::into_inner);
            *newest = Some((self.scene.clone(), self.met.clone(), self.trial, moment));
        }
        self.wait(passed);
        ControlFlow::Continue(())
    }

    fn closely(&self) -> bool {
        self.feed.pace().is_some()
    }

    fn detail(&mut self, detail: &Detail) {
        self.detail = Some(detail.clone());
    }

    fn begins(&mut self, key: TrialKey, checkpoint: u64) {
        self.trial = Some(Which { phase: key.phase, number: key.index, checkpoint });
    }

    fn met(&mut self, scene: &Scene) {
        self.met = Some(Arc::new(Met::of(scene)));
    }
}

impl Watcher {
    /// Until it is time for the next tick. A viewer that has gone, or a stop, ends the waiting.
    fn wait(&mut self, passed: f64) {
        let shared = &self.feed.0;
        while shared.paused.load(Relaxed) && !shared.gone.load(Relaxed) {
            let stepped = shared.steps.fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1)).is_ok();
            if stepped || shared.stop.load(Relaxed) {
                return;
            }
            std::thread::sleep(NAP / 4);
            self.due = Instant::now();
        }
        let Some(pace) = self.feed.pace() else { return };
        self.due += Duration::from_secs_f64(passed / pace);
        // Learning took its time: do not hurry to make up for it.
        self.due = self.due.max(Instant::now() - NAP);
        while let Some(left) = self.due.checked_duration_since(Instant::now()) {
            if self.feed.pace() != Some(pace) || shared.stop.load(Relaxed) {
                return;
            }
            std::thread::sleep(left.min(NAP));
            if left <= NAP {
                return;
            }
        }
    }
}
