//! The way to the controller for everybody who is not the controller: jobs that it takes up
//! between two cycles.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::body::CYCLE;
use super::controller::Controller;

/// Something to do with the controller, between two cycles.
pub type Job = Box<dyn FnOnce(&mut Controller) + Send>;

/// Sends jobs to the controller. Cloned for every connection.
#[derive(Clone)]
pub struct Link {
    jobs: Sender<Job>,
}

impl Link {
    pub fn new() -> (Self, Receiver<Job>) {
        let (jobs, receiver) = channel();
        (Self { jobs }, receiver)
    }

    /// Leaves a job; `false` once the controller has ended.
    pub fn tell(&self, job: impl FnOnce(&mut Controller) + Send + 'static) -> bool {
        self.jobs.send(Box::new(job)).is_ok()
    }

    /// Waits for a job's answer; `None` once the controller has ended.
    pub fn ask<R: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Controller) -> R + Send + 'static,
    ) -> Option<R> {
        let (answer, wait) = channel();
        self.tell(move |controller| drop(answer.send(question(controller))));
        wait.recv().ok()
    }
}

/// Most cycles that are made up for at once when the machine was busy; the clock slips the rest.
const CATCH_UP: f64 = 8.0;

/// Runs the controller's cycles at `speed` times life and its jobs in between, until every
/// [`Link`] is gone or `stop` says so. `after` sees it after each batch of cycles.
pub fn run(
    controller: &mut Controller,
    jobs: &Receiver<Job>,
    speed: f64,
    stop: impl Fn() -> bool,
    mut after: impl FnMut(&mut Controller),
) {
    let cycle = Duration::from_secs_f64(CYCLE / speed);
    // Several cycles at once where one is shorter than the machine can sleep.
    let most = CATCH_UP.max(0.01 / cycle.as_secs_f64());
    let mut next = Instant::now();
    while !stop() {
        while let Ok(job) = jobs.try_recv() {
            job(controller);
        }
        let now = Instant::now();
        if now < next {
            match jobs.recv_timeout(next - now) {
                Ok(job) => job(controller),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            continue;
        }
        let behind = (now - next).as_secs_f64() / cycle.as_secs_f64();
        if behind > 1.0 {
            controller.late.cycles += behind as u64;
            controller.late.worst = controller.late.worst.max((now - next).as_secs_f64());
        }
        if behind > most {
            controller.late.slips += 1;
            next = now;
        }
        while next <= now {
            if controller.waits_for_heartbeat(Instant::now()) {
                controller.late.slips += 1;
                wait_for_heartbeat(controller, jobs, &stop);
                next = Instant::now();
                break;
            }
            controller.cycle();
            next += cycle;
            while let Ok(job) = jobs.try_recv() {
                job(controller);
            }
        }
        controller.flush();
        after(controller);
    }
}

fn wait_for_heartbeat(controller: &mut Controller, jobs: &Receiver<Job>, stop: &impl Fn() -> bool) {
    controller.flush();
    while controller.waits_for_heartbeat(Instant::now()) && !stop() {
        match jobs.recv_timeout(Duration::from_millis(1)) {
            Ok(job) => job(controller),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
