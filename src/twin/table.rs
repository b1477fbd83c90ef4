//! What stands and lies around the arm: the Rapier world, stepped only while something can touch.

use nalgebra::{Isometry3, Vector3};

use super::gripper::Gripper;
use crate::cell::{flatten, lift, placement};
use crate::config::{GripperSpec, Scene, TwinSpec};
use crate::sim::{FingerCmd, Near, PhysicsSettings, World};
use crate::task::{Placement, Pose2};

/// The scene with plate and hand, as it truly is.
pub struct Table {
    scene: Scene,
    /// With the friction that is true here.
    gripper: GripperSpec,
    settings: PhysicsSettings,
    near: Near,
    world: World,
    world_from_tool: Isometry3<f64>,
    fingers: FingerCmd,
    /// Physics is stepped.
    stepping: bool,
    /// For how many steps the plate has been at rest.
    still: u32,
    /// How far the hand may still move before anything can be near, metres.
    free_way: f64,
    lost: bool,
    steps: u64,
}

/// Nothing nearer than this to the hand: physics may rest, metres.
const FREE: f64 = 6e-3;
/// Slower than this the plate counts as at rest, m/s; for so many steps in a row.
const REST_SPEED: f64 = 1e-3;
const REST_STEPS: u32 = 25;
/// Where a lost plate is put: beside the table, out of sight.
const AWAY: [f64; 3] = [0.0, 3.0, -0.5];

impl Table {
    pub fn new(
        scene: &Scene,
        gripper: &GripperSpec,
        spec: &TwinSpec,
        world_from_tool: &Isometry3<f64>,
    ) -> Self {
        let mut scene = scene.clone();
        scene.furniture_friction *= spec.gaps.furniture_friction;
        let pad_friction = gripper.pad_friction * spec.gaps.pad_friction;
        let gripper = GripperSpec { pad_friction, ..*gripper };
        let settings = PhysicsSettings::default();
        let fingers = FingerCmd { half_opening: gripper.opening_mm / 2e3 };
        let plate = scene.world_from_pick;
        Self {
            near: Near::new(&scene, &gripper),
            world: World::new(&scene, &gripper, &settings, &plate, world_from_tool, fingers),
            scene,
            gripper,
            settings,
            world_from_tool: *world_from_tool,
            fingers,
            stepping: true,
            still: 0,
            free_way: 0.0,
            lost: false,
            steps: 0,
        }
    }

    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// The plate lies still.
    pub fn rests(&self) -> bool {
        self.still >= REST_STEPS
    }

    /// Physics steps made so far: where the time goes.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// One cycle: the hand moves to `world_from_tool`, the gripper as it is told.
    pub fn step(&mut self, dt: f64, world_from_tool: &Isometry3<f64>, gripper: &mut Gripper) {
        let fingers = gripper.step(dt, self.opening());
        self.free_way -= self.moved(world_from_tool, fingers);
        let rests = self.still >= REST_STEPS;
        if rests && self.free_way <= 0.0 {
            let plate = self.world.world_from_plate();
            self.free_way = self.near.gap(world_from_tool, fingers, &plate) - FREE;
        }
        let rests = rests && self.free_way > 0.0;
        let step = !(self.lost || rests);
        if step && !self.stepping {
            self.world.jump(&self.world_from_tool, false);
            self.world.jump_fingers(self.fingers);
        }
        self.stepping = step;
        (self.world_from_tool, self.fingers) = (*world_from_tool, fingers);
        if step {
            self.world.step(dt, world_from_tool, fingers);
            self.steps += 1;
            self.still = if self.world.plate_speed() < REST_SPEED { self.still + 1 } else { 0 };
            if !self.world.is_finite() {
                self.lose_plate();
            }
        }
    }

    /// Farthest that any point of the hand has moved since the last cycle, metres.
    fn moved(&self, to: &Isometry3<f64>, fingers: FingerCmd) -> f64 {
        let from = &self.world_from_tool;
        let way = (to.translation.vector - from.translation.vector).norm();
        let turn = from.rotation.angle_to(&to.rotation);
        let slide = (fingers.half_opening - self.fingers.half_opening).abs();
        way + turn * self.near.reach() + slide
    }

    /// Distance between the pads, metres.
    pub fn opening(&self) -> f64 {
        if self.stepping { self.world.opening() } else { 2.0 * self.fingers.half_opening }
    }

    /// What resists the hand, N, world frame.
    pub fn tool_force(&self, dt: f64) -> Vector3<f64> {
        if self.stepping { self.world.tool_force(dt) } else { Vector3::zeros() }
    }

    /// `None` once it is lost.
    pub fn world_from_plate(&self) -> Option<Isometry3<f64>> {
        (!self.lost).then(|| self.world.world_from_plate())
    }

    /// The plate's offset at the pick place, wherever it is.
    pub fn offset(&self) -> Option<Pose2> {
        let pick_from_world = self.scene.world_from_pick.inverse();
        self.world_from_plate().map(|plate| flatten(&(pick_from_world * plate)))
    }

    /// The plate's pose on its target, wherever it is.
    pub fn placement(&self) -> Option<Placement> {
        let place_from_world = self.scene.world_from_place.inverse();
        self.world_from_plate().map(|plate| placement(&(place_from_world * plate)))
    }

    /// The plate is taken away.
    pub fn lose_plate(&mut self) {
        let away = Isometry3::translation(AWAY[0], AWAY[1], AWAY[2]);
        self.rebuild(&away);
        self.lost = true;
        self.stepping = false;
    }

    /// A person puts the plate down at the pick place, so far from nominal; `false` while the
    /// hand is in the way.
    pub fn put_plate(&mut self, offset: Pose2) -> bool {
        self.put(self.scene.world_from_pick * lift(offset))
    }

    /// The same on the target.
    pub fn put_on_target(&mut self, offset: Pose2) -> bool {
        self.put(self.scene.world_from_place * lift(offset))
    }

    fn put(&mut self, at: Isometry3<f64>) -> bool {
        let free = self.near.gap(&self.world_from_tool, self.fingers, &at) > 0.0;
        if free {
            self.lost = false;
            self.rebuild(&at);
            self.stepping = true;
        }
        free
    }

    fn rebuild(&mut self, world_from_plate: &Isometry3<f64>) {
        self.world = World::new(
            &self.scene,
            &self.gripper,
            &self.settings,
            world_from_plate,
            &self.world_from_tool,
            self.fingers,
        );
        self.still = 0;
        self.free_way = 0.0;
    }
}
