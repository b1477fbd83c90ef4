use std::ops::ControlFlow;

use nalgebra::Isometry3;

use super::plan::lift;
use super::{
    Attempt, CellError, DeviceError, Harm, Observation, PlateAt, RobotTime, Signals, Snapshot,
    Watch, Workcell,
};
use crate::task::{
    ContextSignal, Correction, Image, Outcome, Placement, Pose2, RewardSignal, Setup, Stream,
    TaskSpec, planar_noise,
};

/// A workcell without physics: the placement is exactly the inverse of what the arm did, which is
/// the correction and the actuation noise, followed by the offset. What it reports has the errors of
/// the task. For tests of learners, whose optimum is then known, and as the reference of the
/// conformance suite.
pub struct IdealCell<F> {
    task: TaskSpec,
    render: F,
    setup: Option<Setup>,
}

/// Farther ahead of the hand than this, a plate is not reached, mm.
const REACH_MM: f64 = 20.0;
/// Largest correction, mm and deg.
const LARGEST: f64 = 12.0;
/// What a trial takes, seconds.
const DURATION: f64 = 10.0;

impl<F: FnMut(&Setup) -> Image> IdealCell<F> {
    /// `render` shows the plate at a setup's offset.
    pub fn new(task: TaskSpec, render: F) -> Self {
        Self { task, render, setup: None }
    }
}

impl<F: FnMut(&Setup) -> Image> Workcell for IdealCell<F> {
    fn offers(&self) -> Signals {
        Signals { reward: RewardSignal::Signed, context: ContextSignal::Pose, truth: true }
    }

    fn prepare(&mut self, setup: &Setup, watch: &mut dyn Watch) -> Result<Observation, CellError> {
        self.setup = None;
        show("prepare", 0.0, watch)?;
        let mut draw = setup.streams.draw(Stream::Measurement, setup.key);
        // The first draw is the placement's.
        let _ = planar_noise(self.task.measurement, &mut draw);
        let sighting = planar_noise(self.task.measurement, &mut draw);
        self.setup = Some(*setup);
        Ok(Observation { image: (self.render)(setup), pose: Some(setup.offset.plus(sighting)) })
    }

    fn attempt(
        &mut self,
        correction: Correction,
        watch: &mut dyn Watch,
    ) -> Result<Attempt, CellError> {
        if correction.axes().iter().any(|axis| !(-LARGEST..=LARGEST).contains(axis)) {
            let what = format!("correction {correction:?} is outside -{LARGEST} to {LARGEST}");
            return Err(CellError::Forbidden(what));
        }
        let setup = self.setup.take().ok_or_else(|| {
            let what = "prepare the trial first".to_owned();
            CellError::Device(DeviceError::Fault { device: "cell", what })
        })?;
        for (share, name) in [(0.2, "approach"), (0.5, "carry"), (0.9, "home")] {
            show(name, share * DURATION, watch)?;
        }
        let draw = |stream| setup.streams.draw(stream, setup.key);
        let actuation = planar_noise(self.task.actuation, &mut draw(Stream::Actuation));
        let grip = correction.compose(actuation);
        let reading = planar_noise(self.task.reading, &mut draw(Stream::Reading));
        let in_hand = grip.inverse().compose(setup.offset);
        let grasped = in_hand.x_mm < REACH_MM;
        let at = |pose| Placement { pose, z_mm: 0.0, tilt_deg: 0.0 };
        let error = planar_noise(self.task.measurement, &mut draw(Stream::Measurement));
        Ok(Attempt {
            commanded: correction,
            executed: grip.compose(reading),
            in_hand: grasped.then_some(in_hand),
            outcome: if grasped { Outcome::Placed } else { Outcome::NoGrasp },
            seated: grasped,
            measured: grasped.then(|| at(in_hand.plus(error))),
            truth: grasped.then(|| at(in_hand)),
            duration: RobotTime { seconds: DURATION },
            harm: Harm::default(),
            after: None,
        })
    }

    fn recover(&mut self, watch: &mut dyn Watch) -> Result<PlateAt, CellError> {
        self.setup = None;
        show("recover", 0.0, watch)?;
        Ok(PlateAt::Pick)
    }
}

fn show(segment: &'static str, seconds: f64, watch: &mut dyn Watch) -> Result<(), CellError> {
    let world_from_tool: Isometry3<f64> = lift(Pose2::IDENTITY);
    let time = RobotTime { seconds };
    let snapshot =
        Snapshot { time, segment, world_from_tool, opening: 0.0, world_from_plate: None };
    match watch.tick(&snapshot) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(CellError::Cancelled),
    }
}
