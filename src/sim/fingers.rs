use nalgebra::Translation3;

use super::rig::SimRig;
use super::rig::motion::{PATIENCE, REST_SPEED, REST_STEPS};
use super::sweep::Sweep;
use super::world::FingerCmd;
use crate::arm::Line;
use crate::cell::{DeviceError, Grip, Gripper, Watch};

/// Where closing fingers slow down from a jump, metres from the plate.
const NEARLY: f64 = 1.3e-3;

impl Gripper for SimRig {
    fn open(&mut self, watch: &mut dyn Watch) -> Result<(), DeviceError> {
        // An attempt begins with open fingers.
        if self.nominal.is_some() {
            watch.met(&self.scene);
        }
        if self.fingers == self.opened() {
            return Ok(());
        }
        self.show("open", watch)?;
        let let_go = |rig: &Self| {
            let touch = rig.world.touch();
            let free = !touch.upper_pad && !touch.lower_pad;
            rig.settings.skip_free
                && free
                && rig.still >= REST_STEPS
                && rig.fingers_are_clear(rig.opened())
        };
        self.ramp("open", self.opened(), let_go, watch)?;
        self.jump_fingers(self.opened());
        self.settle("open", watch)
    }

    fn close(&mut self, watch: &mut dyn Watch) -> Result<Grip, DeviceError> {
        self.show("close", watch)?;
        let nearly = self.gripped_half() + NEARLY;
        self.jump_fingers(FingerCmd { half_opening: nearly });
        self.ramp("close", self.held(), |_| false, watch)?;
        self.wait_for_fingers();
        self.settle("close", watch)?;
        Ok(Grip { opening: self.world.opening(), holds: self.blocked() })
    }

    fn holds(&mut self) -> Result<bool, DeviceError> {
        Ok(self.blocked())
    }
}

impl SimRig {
    /// May the fingers go straight to this opening?
    fn fingers_are_clear(&self, to: FingerCmd) -> bool {
        let jaw = self.robot.gripper.grasp.jaw();
        [1.0, -1.0].into_iter().zip(self.world.finger_travel()).all(|(side, from)| {
            let way = f64::from(side) * (to.half_opening - from);
            let world_from_tool = self.world_from_tool * Translation3::from(jaw * way);
            let line = Line::new(self.world_from_tool, world_from_tool);
            let moving = vec![self.finger(side, from)];
            Sweep { moving, standing: self.standing(true) }.is_clear(&line)
        })
    }

    /// Moves the fingers to an opening at their speed, stepped.
    fn ramp(
        &mut self,
        name: &'static str,
        to: FingerCmd,
        mut done: impl FnMut(&Self) -> bool,
        watch: &mut dyn Watch,
    ) -> Result<(), DeviceError> {
        let from = self.fingers.half_opening;
        let speed = self.robot.gripper.speed_mm_s / 1e3;
        let count = ((to.half_opening - from).abs() / (speed * self.dt())).ceil() as u64;
        let every = self.steps_a_tick(watch);
        for i in 1..=count {
            let share = i as f64 / count as f64;
            self.fingers.half_opening = from + (to.half_opening - from) * share;
            self.step();
            if i % every == 0 {
                self.show(name, watch)?;
            }
            if done(self) {
                return Ok(());
            }
        }
        self.fingers = to;
        Ok(())
    }

    /// Waits until the pads have stopped, on the plate or on nothing.
    fn wait_for_fingers(&mut self) {
        for _ in 0..(PATIENCE / self.dt()) as u32 {
            let before = self.world.opening();
            self.step();
            if (self.world.opening() - before).abs() < REST_SPEED * self.dt() {
                break;
            }
        }
    }

    /// Puts the fingers at an opening if nothing is in their way, and lets the clock run.
    fn jump_fingers(&mut self, to: FingerCmd) {
        if self.settings.skip_free && self.still >= REST_STEPS && self.fingers_are_clear(to) {
            let way = (to.half_opening - self.fingers.half_opening).abs();
            self.clock += way / (self.robot.gripper.speed_mm_s / 1e3);
            self.fingers = to;
            self.world.jump_fingers(to);
        }
    }

    pub(super) fn held(&self) -> FingerCmd {
        FingerCmd { half_opening: self.gripped_half() - self.robot.gripper.interference() }
    }

    /// Half of what the pads close on: the force is what a gripper is told, not the distance.
    fn gripped_half(&self) -> f64 {
        self.robot.gripper.grasp.gripped(&self.scene.plate) / 2.0
    }

    pub(super) fn opened(&self) -> FingerCmd {
        FingerCmd { half_opening: self.robot.gripper.opening_mm / 2e3 }
    }

    /// The fingers stand wider apart than they were told to.
    fn blocked(&self) -> bool {
        let interference = self.robot.gripper.interference();
        self.fingers == self.held()
            && self.world.opening() > 2.0 * self.held().half_opening + interference
    }
}
