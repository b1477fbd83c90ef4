use nalgebra::{Isometry3, Translation3};

use super::CellPlan;
use super::plan::Place;
use crate::arm::Segment;

/// The ways of one transfer, in the order in which the motion script goes them: nothing else
/// moves a plate, in a trial or back.
pub struct Route {
    /// To the plate, open.
    pub approach: Vec<Segment>,
    /// Off its seat.
    pub lift: Segment,
    /// From over one seat to over the other.
    pub carry: Vec<Segment>,
    /// Down onto the seat.
    pub place: Segment,
}

impl Route {
    /// From the approach to where the plate is let go.
    pub fn whole(&self) -> Vec<Segment> {
        let (lift, place) = (std::slice::from_ref(&self.lift), std::slice::from_ref(&self.place));
        [&self.approach, lift, &self.carry, place].concat()
    }
}

impl CellPlan {
    /// Takes a plate at `grip` and puts it down at `seat` (both `world_from_tool`).
    pub fn route(
        &self,
        (from, grip): (Place, Isometry3<f64>),
        (to, seat): (Place, Isometry3<f64>),
    ) -> Route {
        let carry_rise = self.carry_z() - from.world_from_place.translation.z;
        let carry_fall = self.carry_z() - to.world_from_place.translation.z;
        let lifted = above(&grip, from.contact_height);
        let lowered = above(&seat, to.contact_height);
        let mut carry = vec![
            self.carried("raise", from.entrance(above(&grip, carry_rise))),
            self.carried("carry", to.entrance(above(&seat, carry_fall))),
            self.carried("descend", to.entrance(lowered)),
        ];
        if from.insert > 0.0 {
            carry.insert(0, self.carried("extract", from.entrance(lifted)));
        }
        if to.insert > 0.0 {
            carry.push(self.carried("insert", lowered));
        }
        Route {
            approach: vec![self.free("approach", self.behind(&grip)), self.free("reach", grip)],
            lift: self.touching("lift", lifted),
            carry,
            place: self.touching("place", seat),
        }
    }

    /// Backs away from where the hand let go, and goes home.
    pub fn retreat(&self, from: &Isometry3<f64>) -> Vec<Segment> {
        vec![self.free("withdraw", self.behind(from)), self.free("home", self.world_from_home)]
    }

    /// Brings a plate that the hand holds somewhere to the pick place.
    pub fn bring_back(&self, tool: &Isometry3<f64>) -> Vec<Segment> {
        let (pick, target) = (self.pick, self.target);
        let seat = pick.world_from_place * self.plate_from_tool;
        let slowly = |name, world_from_tool| self.touching(name, world_from_tool);
        let mut path = Vec::new();
        let mut at = *tool;
        let entrance = target.entrance(target.world_from_place * self.plate_from_tool);
        let beyond = entrance.inverse() * tool;
        if target.insert > 0.0 && beyond.translation.x > 1e-6 {
            // Something is above: off the seat, then out the way it came in.
            let most = target.contact_height - beyond.translation.z;
            at = above(&at, most.max(0.0));
            path.push(slowly("lift", at));
            at = Translation3::from(target.back() * beyond.translation.x) * at;
            path.push(slowly("extract", at));
        }
        let high = self.carry_z() + self.plate_from_tool.translation.z;
        at.translation.z = high.max(at.translation.z);
        let rise = self.carry_z() - pick.world_from_place.translation.z;
        let calmly = |name, to| Segment { contact: false, ..self.touching(name, to) };
        path.extend([
            slowly("raise", at),
            calmly("carry", above(&seat, rise)),
            calmly("descend", above(&seat, pick.contact_height)),
            slowly("place", seat),
        ]);
        path
    }

    fn behind(&self, tool: &Isometry3<f64>) -> Isometry3<f64> {
        tool * Translation3::new(-self.standoff, 0.0, 0.0)
    }

    pub(super) fn free(&self, name: &'static str, world_from_tool: Isometry3<f64>) -> Segment {
        let speed = self.free_speed;
        Segment { name, world_from_tool, speed, contact: false, carrying: false }
    }

    fn carried(&self, name: &'static str, world_from_tool: Isometry3<f64>) -> Segment {
        Segment { carrying: true, ..self.free(name, world_from_tool) }
    }

    fn touching(&self, name: &'static str, world_from_tool: Isometry3<f64>) -> Segment {
        let speed = self.contact_speed;
        Segment { speed, contact: true, ..self.carried(name, world_from_tool) }
    }
}

impl Place {
    /// The pose from which what is to end at `pose` is pushed in; `pose` itself where it can come
    /// from above.
    fn entrance(&self, pose: Isometry3<f64>) -> Isometry3<f64> {
        if self.insert > 0.0 { Translation3::from(self.back() * self.insert) * pose } else { pose }
    }

    /// The way out, a unit vector in the world frame.
    fn back(&self) -> nalgebra::Vector3<f64> {
        self.world_from_place.rotation * -nalgebra::Vector3::x()
    }
}

fn above(pose: &Isometry3<f64>, height: f64) -> Isometry3<f64> {
    Translation3::new(0.0, 0.0, height) * pose
}
