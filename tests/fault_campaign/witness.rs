//! Where plates really lay on the target, seen by nobody else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use crate::ledger::Entry;

/// Watches the twin's truth on a thread of its own.
pub struct Witness {
    lay: Arc<Mutex<Vec<[f64; 3]>>>,
    stop: Arc<AtomicBool>,
    watching: Option<JoinHandle<()>>,
}

/// Between two looks: far shorter than a plate lies on its target.
const LOOK: Duration = Duration::from_millis(20);
/// A hand that is opened wider than this holds nothing, mm.
const OPEN_MM: f64 = 30.0;
/// A measured placement farther than this from any that was is wrong, mm and deg.
const WRONG: f64 = 0.3;

impl Witness {
    pub fn of((host, port): (&str, u16)) -> Self {
        let url = format!("http://{host}:{port}/truth");
        let lay: Arc<Mutex<Vec<[f64; 3]>>> = Arc::default();
        let stop: Arc<AtomicBool> = Arc::default();
        let (seen, ended) = (Arc::clone(&lay), Arc::clone(&stop));
        let watching = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                if let Some(now) = lies(&url) {
                    let mut seen = seen.lock().unwrap();
                    if seen.last() != Some(&now) {
                        seen.push(now);
                    }
                }
                std::thread::sleep(LOOK);
            }
        });
        Self { lay, stop, watching: Some(watching) }
    }

    /// The first placement that was measured where none was.
    pub fn contradicts(&self, trials: &[Entry]) -> Option<String> {
        let lay = self.lay.lock().unwrap();
        let far = |a: &[f64; 3], b: &[f64; 3]| a.iter().zip(b).any(|(a, b)| (a - b).abs() > WRONG);
        let measured = trials.iter().filter_map(|trial| Some((trial, trial.measured?)));
        let mut wrong = measured.filter(|(_, is)| lay.iter().all(|was| far(is, was)));
        wrong.next().map(|(trial, _)| format!("a plate never lay where {trial:?} has it"))
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.watching.take().map(JoinHandle::join);
    }
}

/// Where a released plate lies on the target.
fn lies(url: &str) -> Option<[f64; 3]> {
    let text = ureq::get(url).call().ok()?.body_mut().read_to_string().ok()?;
    let truth: Value = serde_json::from_str(&text).ok()?;
    let (open, lies) = (truth["opening_mm"].as_f64()?, &truth["placement"]);
    let number = |key: &str| lies[key].as_f64();
    let free = open > OPEN_MM && number("z_mm")?.abs() < 2.0;
    free.then(|| Some([number("x_mm")?, number("y_mm")?, number("yaw_deg")?]))?
}
