use nalgebra::{Isometry3, Vector3};
use rapier3d::prelude::*;

use super::PhysicsSettings;
use super::contacts::Fresh;
use super::convert::{isometry, pose, vector};
use super::shapes::HandShapes;
use crate::cell::{Contact, Detail};
use crate::config::{GripperSpec, Scene};

/// Rapier with the scene's furniture, the plate, and a gripper whose base follows a given pose
/// while its fingers are pressed together by motors of limited force.
pub struct World {
    physics: PhysicsWorld,
    base: RigidBodyHandle,
    palm: ColliderHandle,
    /// On the positive side of the jaw axis (upper, or left), and on the negative.
    fingers: [Finger; 2],
    plate: RigidBodyHandle,
    plate_collider: ColliderHandle,
    grip: Grip,
    shapes: HandShapes,
    iterations: usize,
    /// From furniture on the plate in the last step, N.
    furniture_n: Vector,
    peak_force_n: f64,
}

#[derive(Clone, Copy)]
struct Finger {
    body: RigidBodyHandle,
    joint: ImpulseJointHandle,
    collider: ColliderHandle,
}

#[derive(Clone, Copy)]
struct Grip {
    stiffness: f32,
    damping: f32,
}

/// Where the fingers are told to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FingerCmd {
    /// Distance of each pad from the tool point, metres; smaller than what lies between them
    /// presses on it.
    pub half_opening: f64,
}

/// What the plate touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touch {
    /// On the positive side of the jaw axis: of a side grip, the left one.
    pub upper_pad: bool,
    /// On the negative side.
    pub lower_pad: bool,
    pub palm: bool,
    pub furniture: bool,
}

/// A finger and the reflected inertia of its drive.
const FINGER_MASS_KG: f32 = 0.5;
/// A finger is pushed back at this multiple of the grip force instead of pushing harder.
const FORCE_LIMIT: f32 = 1.5;
/// A plate that furniture pushes sideways with more than this, N, is wedged: how far it slips in
/// the hand needs finer
const WEDGED_N: f32 = 0.5;
/// solver iterations, so many times more.
const WEDGED_ITERATIONS: usize = 8;

/// Along which a finger's rail lets it move: x of the joint's frame, which is the jaw axis.
const SLIDE: JointAxis = JointAxis::LinX;

const FURNITURE: Group = Group::GROUP_1;
const PLATE: Group = Group::GROUP_2;
const HAND: Group = Group::GROUP_3;

impl World {
    /// The plate at rest at `world_from_plate`, the hand at `world_from_tool`.
    pub fn new(
        scene: &Scene,
        gripper: &GripperSpec,
        settings: &PhysicsSettings,
        world_from_plate: &Isometry3<f64>,
        world_from_tool: &Isometry3<f64>,
        fingers: FingerCmd,
    ) -> Self {
        let mut physics = PhysicsWorld {
            gravity: Vector::new(0.0, 0.0, -9.81),
            integration_parameters: parameters(settings),
            ..PhysicsWorld::default()
        };
        physics.narrow_phase.set_query_dispatcher(Fresh);
        for part in &scene.statics {
            let [x, y, z] = part.half.map(|v| v as f32).into();
            let collider = ColliderBuilder::cuboid(x, y, z)
                .position(pose(&part.world_from_box))
                .friction(scene.furniture_friction as f32)
                .friction_combine_rule(CoefficientCombineRule::Max)
                .collision_groups(groups(FURNITURE, PLATE | HAND));
            physics.insert_collider(collider, None);
        }
        let half = scene.plate.size / 2.0;
        let (plate, plate_collider) = physics.insert(
            RigidBodyBuilder::dynamic().pose(pose(world_from_plate)).can_sleep(false),
            ColliderBuilder::cuboid(half.x as f32, half.y as f32, half.z as f32)
                .translation(Vector::new(0.0, 0.0, half.z as f32))
                .mass(scene.plate.mass_kg as f32)
                // What it touches says how rough the pair is: board and pads differ.
                .friction(0.0)
                .collision_groups(groups(PLATE, FURNITURE | HAND)),
        );
        let shapes = HandShapes::new(gripper);
        let tool = pose(world_from_tool);
        let hand = |(position, half): (Pose, Vector)| {
            ColliderBuilder::cuboid(half.x, half.y, half.z)
                .position(position)
                .friction(gripper.pad_friction as f32)
                .friction_combine_rule(CoefficientCombineRule::Max)
                .collision_groups(groups(HAND, FURNITURE | PLATE))
        };
        let (base, palm) = physics
            .insert(RigidBodyBuilder::kinematic_position_based().pose(tool), hand(shapes.palm()));
        let stiffness = (gripper.stiffness_n_per_mm * 1e3) as f32;
        // Critical for a finger of this mass.
        let damping = 2.0 * libm::sqrtf(stiffness * FINGER_MASS_KG);
        let fingers = [1.0, -1.0].map(|side| {
            let at = tool * shapes.travelled(side, fingers.half_opening as f32);
            let (body, collider) = physics.insert(
                RigidBodyBuilder::dynamic()
                    .pose(at)
                    .gravity_scale(0.0)
                    .can_sleep(false)
                    // They turn with the base and only so: see `turn_fingers`.
                    .lock_rotations(),
                hand(shapes.finger(side)).mass(FINGER_MASS_KG),
            );
            let jaw = shapes.jaw() * side;
            let rail = GenericJointBuilder::new(JointAxesMask::LIN_Y | JointAxesMask::LIN_Z)
                .local_axis1(jaw)
                .local_axis2(jaw)
                .contacts_enabled(false)
                .limits(SLIDE, [-shapes.most_travel(), shapes.most_travel()])
                .motor_model(SLIDE, MotorModel::ForceBased)
                .motor_position(SLIDE, fingers.half_opening as f32, stiffness, damping)
                .motor_max_force(SLIDE, FORCE_LIMIT * gripper.force_n as f32);
            let joint = physics.impulse_joints.insert(base, body, rail, true);
            Finger { body, joint, collider }
        });
        let grip = Grip { stiffness, damping };
        Self {
            physics,
            base,
            palm,
            fingers,
            plate,
            plate_collider,
            grip,
            shapes,
            iterations: settings.iterations,
            furniture_n: Vector::ZERO,
            peak_force_n: 0.0,
        }
    }

    /// Advances by `dt` seconds while the gripper's base moves to `world_from_tool`.
    pub fn step(&mut self, dt: f64, world_from_tool: &Isometry3<f64>, fingers: FingerCmd) {
        let wedged = self.furniture_n.truncate().length() > WEDGED_N;
        let parameters = &mut self.physics.integration_parameters;
        parameters.dt = dt as f32;
        parameters.num_solver_iterations =
            if wedged { WEDGED_ITERATIONS * self.iterations } else { self.iterations };
        let to = pose(world_from_tool);
        self.turn_fingers(dt as f32, &to);
        self.physics.bodies[self.base].set_next_kinematic_position(to);
        self.command(fingers);
        self.physics.step();
        let (net, pressed) = self.furniture_impulse();
        self.furniture_n = net / dt as f32;
        self.peak_force_n = self.peak_force_n.max(f64::from(pressed) / dt);
    }

    /// Turns the fingers as the base turns in the next `dt` seconds. A joint that had to hold
    /// them straight would be soft, and the plate would creep in the hand.
    fn turn_fingers(&mut self, dt: f32, to: &Pose) {
        let from = self.physics.bodies[self.base].rotation().to_owned();
        let between = to.rotation * from.inverse();
        // Of the small turn of one step.
        let spin = Vector::new(between.x, between.y, between.z) * (2.0 * between.w.signum() / dt);
        for finger in self.fingers {
            let body = &mut self.physics.bodies[finger.body];
            if *body.rotation() != from {
                body.set_rotation(from, false);
            }
            if body.angvel() != spin {
                body.set_angvel(spin, false);
            }
        }
    }

    fn command(&mut self, fingers: FingerCmd) {
        let target = fingers.half_opening as f32;
        for finger in self.fingers {
            let joint = self.physics.impulse_joints.get(finger.joint);
            let told = joint.and_then(|j| j.data.motor(SLIDE)).map(|m| m.target_pos);
            if told == Some(target) {
                continue;
            }
            if let Some(joint) = self.physics.impulse_joints.get_mut(finger.joint, false) {
                let Grip { stiffness, damping } = self.grip;
                joint.data.set_motor_position(SLIDE, target, stiffness, damping);
            }
        }
    }

    /// Puts the hand elsewhere without simulating the way; a plate that `rides` comes along.
    pub fn jump(&mut self, world_from_tool: &Isometry3<f64>, rides: bool) {
        let (from, to) = (*self.physics.bodies[self.base].position(), pose(world_from_tool));
        let riders = [Some(self.base), Some(self.fingers[0].body), Some(self.fingers[1].body)];
        for body in riders.into_iter().chain([rides.then_some(self.plate)]).flatten() {
            let body = &mut self.physics.bodies[body];
            let at = to * (from.inverse() * *body.position());
            body.set_position(Pose::from_parts(at.translation, at.rotation.normalize()), false);
            body.set_vels(RigidBodyVelocity::zero(), false);
        }
    }

    /// Puts the fingers where they are told to be without simulating the way.
    pub fn jump_fingers(&mut self, fingers: FingerCmd) {
        self.command(fingers);
        let tool = *self.physics.bodies[self.base].position();
        for (finger, side) in self.fingers.into_iter().zip([1.0, -1.0]) {
            let at = tool * self.shapes.travelled(side, fingers.half_opening as f32);
            self.physics.bodies[finger.body].set_position(at, false);
            self.physics.bodies[finger.body].set_vels(RigidBodyVelocity::zero(), false);
        }
    }

    /// Of the plate's centre of mass, m/s.
    pub fn plate_velocity(&self) -> Vector3<f64> {
        vector(self.physics.bodies[self.plate].linvel())
    }

    pub fn world_from_plate(&self) -> Isometry3<f64> {
        isometry(self.physics.bodies[self.plate].position())
    }

    /// Distance between the pads, metres.
    pub fn opening(&self) -> f64 {
        self.finger_travel().iter().sum()
    }

    /// Distance of the upper and the lower pad from the tool point, metres.
    pub fn finger_travel(&self) -> [f64; 2] {
        let tool = self.physics.bodies[self.base].position();
        let travel = |finger: Finger, side: f32| {
            let at = self.physics.bodies[finger.body].translation();
            f64::from(tool.inverse_transform_point(at).dot(self.shapes.jaw()) * side)
        };
        [travel(self.fingers[0], 1.0), travel(self.fingers[1], -1.0)]
    }

    /// Largest speed of the plate relative to still air, m/s, its turning counted at its corner.
    pub fn plate_speed(&self) -> f64 {
        let body = &self.physics.bodies[self.plate];
        f64::from(body.linvel().length() + 0.08 * body.angvel().length())
    }

    /// What presses on the plate, as of the last step.
    pub fn touch(&self) -> Touch {
        let mut touch = Touch::default();
        for (other, _) in self.pressing() {
            if other == self.fingers[0].collider {
                touch.upper_pad = true;
            } else if other == self.fingers[1].collider {
                touch.lower_pad = true;
            } else if self.physics.colliders[other].parent() == Some(self.base) {
                touch.palm = true;
            } else {
                touch.furniture = true;
            }
        }
        touch
    }

    /// Does the palm, or any of the hand, press on the plate as of the last step? Cheaper than
    /// [`touch`](Self::touch).
    pub fn hand_presses(&self, only_palm: bool) -> bool {
        let presses = |part: ColliderHandle| {
            let pair = self.physics.narrow_phase.contact_pair(self.plate_collider, part);
            pair.is_some_and(|p| p.has_any_active_contact() && p.total_impulse() != Vector::ZERO)
        };
        presses(self.palm) || !only_palm && self.fingers.iter().any(|f| presses(f.collider))
    }

    /// Largest force with which furniture pressed on the plate so far, N: the sum over all contacts,
    /// whatever their direction. Two guides that squeeze a plate do not cancel here.
    pub fn peak_force_n(&self) -> f64 {
        self.peak_force_n
    }

    /// Net force of the furniture on the plate in the last step, N: what the hand has to overcome.
    pub fn furniture_force(&self) -> f64 {
        f64::from(self.furniture_n.length())
    }

    /// Of the furniture on the plate in the last step, N s: the sum of all impulses, and of their
    /// lengths. Two boxes touch with one normal, so that a pair's own impulses do not cancel.
    fn furniture_impulse(&self) -> (Vector, f32) {
        let furniture =
            self.pressing().filter(|(c, _)| self.physics.colliders[*c].parent().is_none());
        let impulses = furniture.map(|(_, impulse)| impulse);
        impulses.fold((Vector::ZERO, 0.0), |(net, pressed), impulse| {
            (net + impulse, pressed + impulse.length())
        })
    }

    /// What presses on the plate, and the impulse of its push in the last step, N s.
    fn pressing(&self) -> impl Iterator<Item = (ColliderHandle, Vector)> {
        self.physics.narrow_phase.contact_pairs_with(self.plate_collider).filter_map(|pair| {
            // A pair that has come apart keeps the impulse of its last contact.
            let impulse = pair.total_impulse();
            let (other, impulse) = if pair.collider1 == self.plate_collider {
                (pair.collider2, -impulse)
            } else {
                (pair.collider1, impulse)
            };
            (pair.has_any_active_contact() && impulse != Vector::ZERO).then_some((other, impulse))
        })
    }

    /// What resists the hand in the last step of `dt` seconds, N, world frame: furniture against
    /// the fingers, and against a plate that the hand touches.
    pub fn tool_force(&self, dt: f64) -> Vector3<f64> {
        let touch = self.touch();
        let through_plate = touch.upper_pad || touch.lower_pad || touch.palm;
        let plate = through_plate.then_some(self.plate_collider);
        let hand = self.fingers.iter().map(|finger| finger.collider).chain(plate);
        let impulse = hand.map(|part| self.furniture_on(part)).fold(Vector::ZERO, |a, b| a + b);
        vector(impulse) / dt
    }

    /// The furniture's impulse on one body's shape in the last step.
    fn furniture_on(&self, part: ColliderHandle) -> Vector {
        let standing = |c: ColliderHandle| self.physics.colliders[c].parent().is_none();
        let pairs = self.physics.narrow_phase.contact_pairs_with(part);
        let pairs = pairs.filter(|pair| pair.has_any_active_contact());
        pairs.fold(Vector::ZERO, |sum, pair| match (pair.collider1, pair.collider2) {
            // An impulse is that of the first on the second.
            (other, own) if own == part && standing(other) => sum + pair.total_impulse(),
            (own, other) if own == part && standing(other) => sum - pair.total_impulse(),
            _ => sum,
        })
    }

    /// What a watcher who looks closely is shown, as of the last step of `dt` seconds.
    pub fn detail(&self, dt: f64) -> Detail {
        let frame = |finger: Finger| isometry(self.physics.bodies[finger.body].position());
        let pairs = self.physics.narrow_phase.contact_pairs_with(self.plate_collider);
        let contacts = pairs.flat_map(|pair| {
            let first = &self.physics.colliders[pair.collider1];
            // A normal points from the first collider to the second.
            let onto_plate = if pair.collider1 == self.plate_collider { -1.0 } else { 1.0 };
            pair.manifolds().iter().flat_map(move |manifold| {
                let push = vector(manifold.data.normal) * onto_plate / dt;
                let pressing = manifold.points.iter().filter(|p| p.data.impulse > 0.0);
                pressing.map(move |p| Contact {
                    point: vector(first.position().transform_point(p.local_p1)).into(),
                    force: push * f64::from(p.data.impulse),
                })
            })
        });
        let contacts = contacts.collect();
        Detail { world_from_fingers: self.fingers.map(frame), contacts }
    }

    /// `world_from_box` and half the sides of everything that can touch: furniture, plate, hand.
    pub fn boxes(&self) -> Vec<(Isometry3<f64>, Vector3<f64>)> {
        let colliders = self.physics.colliders.iter().filter_map(|(_, collider)| {
            let half = collider.shape().as_cuboid()?.half_extents;
            Some((isometry(collider.position()), vector(half)))
        });
        colliders.collect()
    }

    /// The gripper's base: the tool point.
    pub fn world_from_tool(&self) -> Isometry3<f64> {
        isometry(self.physics.bodies[self.base].position())
    }

    /// Is every part of the plate's pose a number?
    pub fn is_finite(&self) -> bool {
        vector(self.physics.bodies[self.plate].translation()).iter().all(|v| v.is_finite())
    }
}

fn groups(own: Group, with: Group) -> InteractionGroups {
    InteractionGroups::new(own, with, InteractionTestMode::And)
}

/// Rapier's defaults are made for games in metres; these hold millimetres. Each is explained in
/// ARCHITECTURE.md.
fn parameters(settings: &PhysicsSettings) -> IntegrationParameters {
    IntegrationParameters {
        dt: (settings.dt_ms / 1e3) as f32,
        num_solver_iterations: settings.iterations,
        contact_softness: SpringCoefficients::new(240.0, 1.0),
        static_contact_softness: SpringCoefficients::new(480.0, 1.0),
        normalized_allowed_linear_error: 0.5e-3,
        normalized_prediction_distance: 2e-3,
        max_ccd_substeps: 0,
        contact_recycling: false,
        friction_in_bias_pass: false,
        friction_model: FrictionModel::Simplified,
        ..IntegrationParameters::default()
    }
}
