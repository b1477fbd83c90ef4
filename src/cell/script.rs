use nalgebra::Isometry3;

use super::plan::{Place, flatten, lift};
use super::{
    Attempt, CellError, CellPlan, DeviceError, Doubt, Measured, Observation, PlateAt, Rig,
    RobotTime, Signals, SimTruth, Watch, Workcell,
};
use crate::arm::{CheckedPath, Planner, Segment, Start};
use crate::task::{Correction, Outcome, Pose2, Setup};

/// The one motion script, on top of any rig: approach, pinch, lift, carry, place, release,
/// withdraw, measure. What trains in simulation is what moves the real arm.
pub struct ScriptedCell<R: Rig> {
    pub(super) rig: R,
    pub(super) plan: CellPlan,
    pub(super) planner: Planner,
    /// The rig as one that knows the truth; `None` of hardware.
    truth: Option<fn(&R) -> &dyn SimTruth>,
    doubt: Option<Doubt>,
    began: RobotTime,
    pub(super) plate: PlateAt,
}

/// How far the plate was brought.
pub(super) enum Moved {
    NoGrasp,
    Dropped,
    LetGo,
}

impl<R: Rig> ScriptedCell<R> {
    /// On a rig that knows no more than its devices tell.
    pub fn new(rig: R, plan: CellPlan, planner: Planner) -> Self {
        let (truth, began, plate) = (None, RobotTime::default(), PlateAt::Unknown);
        Self { rig, plan, planner, truth, doubt: None, began, plate }
    }

    /// On a simulated rig, whose truth goes into each [`Attempt`].
    pub fn simulated(rig: R, plan: CellPlan, planner: Planner) -> Self
    where
        R: SimTruth,
    {
        Self { truth: Some(|rig| rig), ..Self::new(rig, plan, planner) }
    }

    /// One that lets only sure policies correct.
    pub fn asking(self, doubt: Option<Doubt>) -> Self {
        Self { doubt, ..self }
    }

    pub fn rig(&self) -> &R {
        &self.rig
    }

    pub fn plan(&self) -> &CellPlan {
        &self.plan
    }

    fn truth(&self) -> Option<&dyn SimTruth> {
        self.truth.map(|of| of(&self.rig))
    }

    /// Takes the plate that the hand finds at `grip` (`world_from_plate`) and puts it down at
    /// `seat` (`world_from_plate`). Also returns `world_from_tool` as the arm read it when gripping,
    /// and the plate's pose in the hand.
    pub(super) fn transfer(
        &mut self,
        (from, grip): (Place, Isometry3<f64>),
        (to, seat): (Place, Isometry3<f64>),
        watch: &mut dyn Watch,
    ) -> Result<(Moved, Isometry3<f64>, Option<Pose2>), CellError> {
        let tool_at =
            |world_from_plate: Isometry3<f64>| world_from_plate * self.plan.plate_from_tool;
        let (grip, seat) = (tool_at(grip), tool_at(seat));
        let route = self.plan.route((from, grip), (to, seat));
        // All of it before anything moves; each part again from where the arm then is.
        self.check([route.whole(), self.plan.retreat(&seat)].concat())?;

        self.plate = PlateAt::Unknown;
        self.rig.open(watch)?;
        self.go(route.approach, watch)?;
        let reading = self.rig.read_tool()?;
        let held = self.rig.close(watch)?.holds;
        if !held {
            self.rig.open(watch)?;
            self.retreat(grip, watch)?;
            return Ok((Moved::NoGrasp, reading, None));
        }
        self.plate = PlateAt::Hand;
        let planned = route.lift.world_from_tool;
        let lifted = self.go(vec![route.lift], watch)?;
        let in_hand = self.truth().and_then(SimTruth::in_hand);
        // A guard that ended the lift says that the plate is stuck: nothing is torn off.
        let stuck = planned.translation.z - lifted.translation.z > STUCK;
        if stuck || !self.rig.holds()? {
            self.plate = PlateAt::Unknown;
            self.rig.open(watch)?;
            self.retreat(lifted, watch)?;
            return Ok((Moved::Dropped, reading, in_hand));
        }
        let lowered = self.go(route.carry, watch)?;
        let arrived = self.rig.holds()?;
        let let_go_at = if arrived { self.go(vec![route.place], watch)? } else { lowered };
        self.plate = PlateAt::Unknown;
        self.rig.open(watch)?;
        self.retreat(let_go_at, watch)?;
        Ok((if arrived { Moved::LetGo } else { Moved::Dropped }, reading, in_hand))
    }

    /// Backs away from where the hand let go, and goes home.
    pub(super) fn retreat(
        &mut self,
        from: Isometry3<f64>,
        watch: &mut dyn Watch,
    ) -> Result<(), CellError> {
        self.go(self.plan.retreat(&from), watch)?;
        Ok(())
    }

    /// Checks the whole path, then follows it.
    pub(super) fn go(
        &mut self,
        segments: Vec<Segment>,
        watch: &mut dyn Watch,
    ) -> Result<Isometry3<f64>, CellError> {
        let path = self.check(segments)?;
        Ok(self.rig.follow(&path, watch)?)
    }

    /// From where the arm is now.
    fn check(&mut self, segments: Vec<Segment>) -> Result<CheckedPath, CellError> {
        let start = match self.rig.joints()? {
            Some(joints) => Start::Joints(joints),
            None => Start::Tool(self.rig.tool()?),
        };
        let path = self.planner.check(start, segments);
        path.map_err(|forbidden| CellError::Forbidden(forbidden.to_string()))
    }

    pub(super) fn check_correction(&self, correction: Correction) -> Result<(), CellError> {
        let checked = self.planner.check_correction(correction);
        checked.map_err(|forbidden| CellError::Forbidden(forbidden.to_string()))
    }

    /// What a released plate's measured pose says of the trial.
    pub(super) fn judge(&self, measured: Option<&Measured>) -> Outcome {
        let Some(Measured { placement, seated }) = measured else {
            return Outcome::MeasurementLost;
        };
        let limits = &self.plan.seat;
        let on_its_side = placement.tilt_deg > 45.0;
        let fell = placement.z_mm < -limits.climbed_mm || on_its_side;
        let far = placement.pose.translation_mm() > FAR_MM;
        match () {
            () if fell || far => Outcome::Dropped,
            () if *seated => Outcome::Placed,
            () if placement.z_mm > limits.climbed_mm => Outcome::Climbed,
            () => Outcome::Jammed,
        }
    }

    /// The pick correction that the tool carried out, by the arm's reading at the grip.
    fn executed(&self, commanded: Correction, reading: &Isometry3<f64>) -> Correction {
        let world_from_pick = self.plan.pick.world_from_place;
        let expected = world_from_pick * lift(commanded) * self.plan.plate_from_tool;
        if *reading == expected {
            return commanded;
        }
        let world_from_grip = reading * self.plan.plate_from_tool.inverse();
        flatten(&(world_from_pick.inverse() * world_from_grip))
    }
}

/// A lift that ends this far below its end was stopped, metres.
const STUCK: f64 = 1e-3;
/// Farther from the target than this, a plate did not arrive.
pub(super) const FAR_MM: f64 = 60.0;

impl<R: Rig> Workcell for ScriptedCell<R> {
    fn offers(&self) -> Signals {
        let (reward, context) = self.rig.sees();
        Signals { reward, context, truth: self.truth.is_some() }
    }

    fn keeps_pictures(&self) -> bool {
        self.truth.is_none() || self.rig.keeps_pictures()
    }

    fn doubt(&self) -> Option<Doubt> {
        self.doubt
    }

    fn prepare(&mut self, setup: &Setup, watch: &mut dyn Watch) -> Result<Observation, CellError> {
        self.rig.begin(setup);
        // Until the plate is known to lie there again.
        let was = std::mem::replace(&mut self.plate, PlateAt::Unknown);
        self.began = self.rig.now();
        if !self.rig.set_plate(setup.offset)? {
            self.bring_back(was, setup.offset, watch)?;
        }
        self.plate = PlateAt::Pick;
        Ok(Observation { image: self.rig.look()?, pose: self.rig.locate()? })
    }

    fn attempt(
        &mut self,
        correction: Correction,
        watch: &mut dyn Watch,
    ) -> Result<Attempt, CellError> {
        self.check_correction(correction)?;
        if self.plate != PlateAt::Pick {
            let what = "the plate is not at the pick place: prepare the trial first".to_owned();
            return Err(CellError::Device(DeviceError::Fault { device: "cell", what }));
        }
        self.rig.begin_attempt();
        let CellPlan { pick, target, .. } = self.plan;
        let grip = pick.world_from_place * lift(correction);
        let seat = target.world_from_place;
        let (moved, reading, in_hand) = self.transfer((pick, grip), (target, seat), watch)?;

        let let_go = matches!(moved, Moved::LetGo);
        let measured = if let_go { self.rig.measure()? } else { None };
        let outcome = match moved {
            Moved::NoGrasp => Outcome::NoGrasp,
            Moved::Dropped => Outcome::Dropped,
            Moved::LetGo => self.judge(measured.as_ref()),
        };
        self.plate = match outcome {
            Outcome::NoGrasp => PlateAt::Pick,
            Outcome::Placed | Outcome::Jammed | Outcome::Climbed => PlateAt::Target,
            _ => PlateAt::Unknown,
        };
        let after = self.rig.look_after()?;
        let truth = self.truth().filter(|_| let_go).map(SimTruth::placement);
        let seated = truth.or(measured).is_some_and(|m| m.seated);
        let mut harm = self.rig.harm();
        // A hand that the guard stops as the plate meets its seat has jammed nothing.
        harm.jam = outcome == Outcome::Jammed || harm.jam && !seated;
        harm.drop |= outcome == Outcome::Dropped;
        Ok(Attempt {
            commanded: correction,
            executed: self.executed(correction, &reading),
            in_hand,
            outcome,
            seated,
            measured: measured.map(|m| m.placement),
            truth: truth.map(|m| m.placement),
            duration: RobotTime { seconds: self.rig.now().seconds - self.began.seconds },
            harm,
            after,
        })
    }

    /// Puts down what the hand holds at the pick place, goes home, and tells where the plate is.
    fn recover(&mut self, watch: &mut dyn Watch) -> Result<PlateAt, CellError> {
        self.put_down_and_find(watch)
    }
}

pub(super) fn lost(reason: impl Into<String>) -> CellError {
    CellError::NeedsPerson(super::Stop {
        reason: reason.into(),
        advice: "put the plate onto the pick place, then continue".to_owned(),
    })
}
