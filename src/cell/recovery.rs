//! What an arm does that has to bring the plate back by itself.

use nalgebra::{Isometry3, Translation3};

use super::plan::lift;
use super::script::{FAR_MM, Moved, lost};
use super::{CellError, CellPlan, PlateAt, Rig, ScriptedCell, Watch};
use crate::task::{Outcome, Pose2};

/// A tool this near home is at home, metres.
const AT_HOME: f64 = 5e-3;
/// A plate that leans more than this cannot be gripped blindly, deg.
const LEANS_DEG: f64 = 4.0;

impl<R: Rig> ScriptedCell<R> {
    /// Carries the plate from where it was left to its offset at the pick place.
    pub(super) fn bring_back(
        &mut self,
        left: PlateAt,
        offset: Pose2,
        watch: &mut dyn Watch,
    ) -> Result<(), CellError> {
        // Farther from nominal than it may be picked up, the hand would meet the riser.
        self.check_correction(offset)?;
        let at = match left {
            PlateAt::Pick | PlateAt::Target => left,
            // A trial was cut off, or went wrong: nobody knows yet.
            PlateAt::Hand | PlateAt::Unknown => self.put_down_and_find(watch)?,
        };
        self.plate = PlateAt::Unknown;
        let CellPlan { pick, target, .. } = self.plan;
        let (from, lies) = match at {
            PlateAt::Pick => (pick, self.pick_grip()?),
            PlateAt::Target => (target, self.target_grip()?),
            PlateAt::Hand | PlateAt::Unknown => (pick, None),
        };
        let Some(lies) = lies else {
            return Err(lost("the plate is not where it was left"));
        };
        let grip = from.world_from_place * lies;
        let seat = pick.world_from_place * lift(offset);
        match self.transfer((from, grip), (pick, seat), watch)?.0 {
            Moved::LetGo => Ok(()),
            Moved::NoGrasp => Err(lost("the fingers closed on nothing where the plate was seen")),
            Moved::Dropped => Err(lost("the plate was dropped on the way back")),
        }
    }

    /// `place_from_plate` of a plate at the pick place.
    fn pick_grip(&mut self) -> Result<Option<Isometry3<f64>>, CellError> {
        let Some(pose) = self.rig.locate()? else { return Ok(None) };
        self.demand_near(pose, 1.0)?;
        Ok(Some(lift(pose)))
    }

    /// A hand that reaches for a plate far from nominal meets what the plate lies on: along x at
    /// once, so that `wide` may only be more than 1 across and in yaw.
    fn demand_near(&self, pose: Pose2, wide: f64) -> Result<(), CellError> {
        let envelope = self.planner.envelope();
        let (mm, deg) = (envelope.correction_mm, envelope.correction_deg);
        let most = [mm, mm * wide, deg * wide];
        // What is not a number is not near.
        if pose.axes().into_iter().zip(most).all(|(off, most)| off.abs() <= most) {
            return Ok(());
        }
        let Pose2 { x_mm, y_mm, yaw_deg } = pose;
        Err(lost(format!(
            "the plate lies {x_mm:.1} mm, {y_mm:.1} mm, {yaw_deg:.1} deg from where it should: \
             farther than it may be gripped"
        )))
    }

    /// `place_from_plate` of a plate on the target that can be gripped; a person must take one
    /// that leans.
    fn target_grip(&mut self) -> Result<Option<Isometry3<f64>>, CellError> {
        let Some(measured) = self.rig.measure()? else { return Ok(None) };
        let placement = measured.placement;
        if placement.tilt_deg > LEANS_DEG {
            let what = format!("the plate leans by {:.1} deg on its target", placement.tilt_deg);
            return Err(lost(what));
        }
        // An offset and a correction of opposite signs bring it twice as far.
        self.demand_near(placement.pose, 2.0)?;
        // A plate that climbed a guide lies higher than its seat.
        let higher = Translation3::new(0.0, 0.0, placement.z_mm.max(0.0) / 1e3);
        Ok(Some(higher * lift(placement.pose)))
    }

    /// Puts down what the hand holds at the pick place, goes home, and looks where the plate is.
    pub(super) fn put_down_and_find(
        &mut self,
        watch: &mut dyn Watch,
    ) -> Result<PlateAt, CellError> {
        self.plate = PlateAt::Unknown;
        if self.rig.holds()? {
            self.put_back(watch)?;
            self.plate = PlateAt::Pick;
            return Ok(PlateAt::Pick);
        }
        self.rig.open(watch)?;
        self.go_home(watch)?;
        let measured = self.rig.measure()?;
        self.plate = match self.judge(measured.as_ref()) {
            Outcome::Placed | Outcome::Jammed | Outcome::Climbed => PlateAt::Target,
            _ if self.rig.locate()?.is_some_and(|p| p.translation_mm() < FAR_MM) => PlateAt::Pick,
            _ => PlateAt::Unknown,
        };
        Ok(self.plate)
    }

    fn go_home(&mut self, watch: &mut dyn Watch) -> Result<(), CellError> {
        let (tool, home) = (self.rig.tool()?, self.plan.world_from_home);
        let off = tool.inverse() * home;
        if off.translation.vector.norm() > AT_HOME {
            return self.retreat(tool, watch);
        }
        if off != Isometry3::identity() {
            self.go(vec![self.plan.free("home", home)], watch)?;
        }
        Ok(())
    }

    fn put_back(&mut self, watch: &mut dyn Watch) -> Result<(), CellError> {
        let tool = self.rig.tool()?;
        let seat = self.go(self.plan.bring_back(&tool), watch)?;
        self.rig.open(watch)?;
        self.retreat(seat, watch)
    }
}
