use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Failure;
use crate::cli::calibrate::{lines, prompt};
use crate::eyes::gauge::{Look, Repeatability};
use crate::real::{At, CameraEyes, Glance};

/// Looks through cameras, again and again.
pub struct Study {
    eyes: CameraEyes,
    every: Duration,
    stopped: &'static AtomicBool,
    /// Begun when somebody is first asked for something.
    lines: Option<Receiver<()>>,
}

/// What a study of one camera found.
pub struct Told {
    pub at: At,
    /// Of a plate that nobody moved.
    pub still: Repeatability,
    pub minutes: f64,
    /// Of one that was lifted and put back between looks.
    pub replaced: Option<Repeatability>,
    /// Why looks were lost, and how many for each reason.
    pub lost: BTreeMap<String, usize>,
    /// It was interrupted.
    pub stopped: bool,
}

/// A look, if a frame came, and what was lost.
struct Seen {
    at_s: f64,
    light: Option<f64>,
    reading: Result<crate::eyes::Reading, String>,
}

/// Looks for a plate before a study begins.
const TRIES: usize = 5;
/// Between looks for Ctrl-C, and between looks that nobody waits for.
const GLANCE: Duration = Duration::from_millis(50);
/// Without a terminal, a line so often.
const LINE_S: f64 = 10.0;

impl Study {
    pub fn new(eyes: CameraEyes, every: Duration, stopped: &'static AtomicBool) -> Self {
        Self { eyes, every, stopped, lines: None }
    }

    /// So many looks without motion, and after re-placing; asks first for the plate where it lay elsewhere.
    pub fn of(
        &mut self,
        at: At,
        (looks, replace): (usize, usize),
        ask: bool,
    ) -> Result<Told, Failure> {
        let place = at.words();
        if ask && !self.asked(&format!("lay the plate on the {place}, then Enter ")) {
            return Err(self.gone("the plate was not laid there"));
        }
        self.find(at)?;
        let begun = (SystemTime::now(), Instant::now());
        let bar = Progress::new(place, looks);
        let mut still = Vec::new();
        let mut next = Instant::now();
        while still.len() < looks && self.rests_until(next) {
            next = Instant::now().max(next) + self.every;
            still.push(self.look(at, begun));
            bar.show(still.len());
        }
        bar.end();
        let minutes = begun.1.elapsed().as_secs_f64() / 60.0;
        let mut replaced = Vec::new();
        while replaced.len() < replace && !self.stopped.load(Ordering::Relaxed) {
            let number = replaced.len() + 1;
            let says = format!(
                "{number} of {replace}: lift the plate, put it back as perfectly as you can, let go, then Enter "
            );
            if !self.asked(&says) {
                if self.stopped.load(Ordering::Relaxed) {
                    break;
                }
                return Err(self.gone("the plate was not put back often enough"));
            }
            replaced.push(self.look(at, begun));
        }
        let mut lost = BTreeMap::new();
        for seen in still.iter().chain(&replaced) {
            if let Err(why) = &seen.reading {
                *lost.entry(why.clone()).or_insert(0) += 1;
            }
        }
        let told = |seen: Vec<Seen>| Repeatability::of(&as_looks(seen));
        let replaced = (replace > 0).then(|| told(replaced));
        let stopped = self.stopped.load(Ordering::Relaxed);
        Ok(Told { at, still: told(still), minutes, replaced, lost, stopped })
    }

    /// A study of a plate that is not there would tell nothing.
    fn find(&mut self, at: At) -> Result<(), Failure> {
        let mut last = String::new();
        for _ in 0..TRIES {
            match self.eyes.glance(at) {
                Ok(Glance { reading: Ok(_), .. }) => return Ok(()),
                Ok(Glance { reading: Err(lost), .. }) => last = lost.to_string(),
                Err(error) => last = error.to_string(),
            }
            std::thread::sleep(GLANCE);
        }
        let place = at.words();
        Err(Failure::Work(anyhow::anyhow!(
            "no plate is read at the {place}, in {TRIES} looks: {last}"
        )))
    }

    fn look(&mut self, at: At, (began, here): (SystemTime, Instant)) -> Seen {
        let (light, taken, reading) = match self.eyes.glance(at) {
            Ok(Glance { taken, reading, .. }) => {
                (Some(taken.picture.light()), taken.at, reading.map_err(|lost| lost.to_string()))
            }
            Err(error) => (None, None, Err(error.to_string())),
        };
        // By the camera's clock, if it tells; frames of one that does not are as old as the look.
        let told = taken.and_then(|at| at.duration_since(began).ok());
        let at_s = told.unwrap_or_else(|| here.elapsed()).as_secs_f64();
        Seen { at_s, light, reading }
    }

    /// Nothing until then; `false` if somebody stops it.
    fn rests_until(&self, then: Instant) -> bool {
        loop {
            if self.stopped.load(Ordering::Relaxed) {
                return false;
            }
            let left = then.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(GLANCE));
        }
    }

    /// Waits for Enter; `false` if none comes any more.
    fn asked(&mut self, text: &str) -> bool {
        prompt(text);
        let lines = self.lines.get_or_insert_with(lines);
        loop {
            if self.stopped.load(Ordering::Relaxed) {
                return false;
            }
            match lines.recv_timeout(GLANCE) {
                Ok(()) => return true,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    fn gone(&self, what: &str) -> Failure {
        match self.stopped.load(Ordering::Relaxed) {
            true => Failure::Interrupted("interrupted".into()),
            false => Failure::Work(anyhow::anyhow!("standard input ended: {what}")),
        }
    }
}

/// A look without a frame tells nothing of the light: it has the others' mean.
fn as_looks(seen: Vec<Seen>) -> Vec<Look> {
    let lights: Vec<f64> = seen.iter().filter_map(|seen| seen.light).collect();
    let mean = lights.iter().sum::<f64>() / lights.len().max(1) as f64;
    let look = |Seen { at_s, light, reading }| Look {
        at_s,
        reading: reading.ok(),
        light: light.unwrap_or(mean),
    };
    seen.into_iter().map(look).collect()
}

impl Told {
    /// What is not as the task needs it, each with its place.
    pub fn faults(&self) -> Vec<String> {
        let place = self.at.words();
        let still = self.still.faults().into_iter().map(|fault| format!("{place}: {fault}"));
        // Between re-placings a drift is somebody's hand.
        let again = self.replaced.iter().flat_map(Repeatability::faults);
        let again = again.filter(|fault| !fault.is_drift());
        let again = again.map(|fault| format!("{place}, after re-placing: {fault}"));
        still.chain(again).collect()
    }
}

/// A bar on a terminal; elsewhere a line now and then.
struct Progress {
    bar: Option<ProgressBar>,
    place: &'static str,
    of: usize,
    begun: Instant,
    last: std::cell::Cell<Instant>,
}

impl Progress {
    fn new(place: &'static str, of: usize) -> Self {
        let style = format!("{place}  {{bar:30}} {{pos}} of {{len}} looks, {{msg}}");
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(&style);
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(of as u64).with_style(style)
        });
        let begun = Instant::now();
        Self { bar, place, of, begun, last: std::cell::Cell::new(begun) }
    }

    fn show(&self, made: usize) {
        let each = self.begun.elapsed().as_secs_f64() / made as f64;
        let left = each * (self.of - made) as f64;
        let left = match left < 90.0 {
            true => format!("{left:.0} s left"),
            false => format!("{:.0} min left", left / 60.0),
        };
        match &self.bar {
            Some(bar) => {
                bar.set_message(left);
                bar.set_position(made as u64);
            }
            None if self.last.get().elapsed().as_secs_f64() >= LINE_S => {
                self.last.set(Instant::now());
                eprintln!("{}: {made} of {} looks, {left}", self.place, self.of);
            }
            None => {}
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
