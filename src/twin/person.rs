//! What a person does at the cell: at the pendant, at the gripper's page, with their hands.

use nalgebra::{Isometry3, UnitQuaternion};

use super::cameras::Shown;
use super::controller::Controller;
use super::motion::{Motion, beyond_range};
use crate::arm::Joints;
use crate::config::Frame;
use crate::task::Pose2;
use crate::wire::RuntimeState;

/// Every verb as it is written, and what it does.
pub const VERBS: [(&str, &str); 17] = [
    ("unlock", "unlock a protective stop, 5 s after it at the earliest"),
    ("release", "release the emergency stop and switch the arm on"),
    ("remote", "switch the pendant to remote control"),
    ("local", "switch the pendant to local control"),
    ("plate X,Y,YAW", "put the plate down at the pick place, so far from nominal (mm, deg)"),
    ("target X,Y,YAW", "the same on the target"),
    ("lid on|off", "put the lid with its tags onto the plate, or take it away"),
    (
        "board-pick X,Y,Z,R,P,Y",
        "hold the camera's board over the pick place, from where a plate lies there (mm, deg)",
    ),
    ("board-place X,Y,Z,R,P,Y", "the same over the target"),
    ("board-hand X,Y,Z,R,P,Y", "fasten the camera's board to the hand, from the tool (mm, deg)"),
    ("board-away", "put the camera's board away"),
    ("hand", "activate the gripper from its page, and open it"),
    ("grip", "activate the gripper from its page, and close it"),
    ("joints A,B,C,D,E,F", "put the arm there by hand, without a way in between (deg)"),
    (
        "jog tool X,Y,Z[,R,P,Y]",
        "move the tool straight, along and about the world's axes (mm, deg)",
    ),
    ("jog joint N,ANGLE", "turn joint 1 to 6 by an angle (deg)"),
    ("jog to X,Y,Z,R,P,Y", "move the tool straight to a pose in the world (mm, deg)"),
];

/// Jogging is slow: m/s and m/s2 of the tool, rad/s and rad/s2 of a joint.
const TOOL_SPEED: f64 = 0.1;
const TOOL_ACCELERATION: f64 = 0.5;
const JOINT_SPEED: f64 = 0.3;
const JOINT_ACCELERATION: f64 = 1.0;

impl Controller {
    /// Does what a person would do; the text is one of [`VERBS`].
    ///
    /// # Errors
    /// Why it cannot be done now, or what would be valid.
    pub fn person(&mut self, text: &str) -> Result<(), String> {
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        let now = self.now();
        match verb {
            "unlock" => self.modes.unlock_protective_stop(now).map_err(str::to_owned)?,
            "release" => {
                self.modes.release_emergency_stop();
                self.modes.switch_on(now);
            }
            "plate" | "target" => {
                let [x_mm, y_mm, yaw_deg] = numbers::<3>(rest, 30.0)?;
                let (table, offset) = (&mut self.body.table, Pose2 { x_mm, y_mm, yaw_deg });
                let put = match verb {
                    "plate" => table.put_plate(offset),
                    _ => table.put_on_target(offset),
                };
                if !put {
                    return Err("the hand is in the way".to_owned());
                }
            }
            "lid" => {
                self.cameras.lid = match rest.trim() {
                    "on" => true,
                    "off" => false,
                    _ => return Err("lid on, or lid off".to_owned()),
                }
            }
            "board-pick" | "board-place" | "board-hand" => {
                let [x, y, z, roll, pitch, yaw] = numbers::<6>(rest, 2000.0)?;
                let from = Frame { xyz_mm: [x, y, z], rpy_deg: [roll, pitch, yaw] }.isometry();
                let scene = self.body.table.scene();
                self.cameras.shown = Some(match verb {
                    "board-pick" => Shown::Still(scene.world_from_pick * from),
                    "board-place" => Shown::Still(scene.world_from_place * from),
                    _ => Shown::InHand(from),
                });
            }
            "board-away" => self.cameras.shown = None,
            "hand" => self.body.gripper.open_by_hand(),
            "grip" => self.body.gripper.close_by_hand(),
            "joints" => {
                let joints = Joints::from(numbers::<6>(rest, 360.0)?).map(f64::to_radians);
                self.stop_program();
                self.body.put(joints);
            }
            "remote" | "local" => self.modes.remote_control = verb == "remote",
            "jog" => self.jog(rest)?,
            _ => {
                let verbs: Vec<&str> = VERBS.iter().map(|(verb, _)| *verb).collect();
                return Err(format!("a person can: {}", verbs.join("; ")));
            }
        }
        Ok(())
    }

    fn jog(&mut self, text: &str) -> Result<(), String> {
        let (how, rest) = text.split_once(' ').unwrap_or((text, ""));
        if self.runtime != RuntimeState::Stopped {
            return Err("a program is running".to_owned());
        }
        if !self.modes.can_move() {
            let (robot, safety) = (self.modes.robot().word(), self.modes.safety().word());
            return Err(format!("the arm is {robot}, {safety}"));
        }
        if self.body.is_moving() {
            return Err("the arm is moving".to_owned());
        }
        let target = *self.body.target();
        let world_from_tool = self.body.world_from_believed_tool();
        let motion = match how {
            "tool" => {
                let [x, y, z, roll, pitch, yaw] = match numbers::<3>(rest, 2000.0) {
                    Ok([x, y, z]) => [x, y, z, 0.0, 0.0, 0.0],
                    Err(_) => numbers::<6>(rest, 2000.0)?,
                };
                let by = Frame { xyz_mm: [x, y, z], rpy_deg: [roll, pitch, yaw] }.isometry();
                let at = world_from_tool.translation.vector + by.translation.vector;
                let turned: UnitQuaternion<f64> = by.rotation * world_from_tool.rotation;
                self.way_to(Isometry3::from_parts(at.into(), turned))?
            }
            "to" => {
                let [x, y, z, roll, pitch, yaw] = numbers::<6>(rest, 2000.0)?;
                self.way_to(Frame { xyz_mm: [x, y, z], rpy_deg: [roll, pitch, yaw] }.isometry())?
            }
            "joint" => {
                let [joint, angle] = numbers::<2>(rest, 720.0)?;
                let at = (1..=6).find(|n| f64::from(*n) == joint).ok_or("joints are 1 to 6")?;
                let mut to = target;
                to[at as usize - 1] += angle.to_radians();
                if let Some(why) = beyond_range(&to) {
                    return Err(why);
                }
                Motion::joint(target, to, JOINT_ACCELERATION, JOINT_SPEED, 0.0)
            }
            _ => return Err("jog tool X,Y,Z[,R,P,Y], joint N,ANGLE or to X,Y,Z,R,P,Y".to_owned()),
        };
        // Nobody waits for it: a program that comes takes over.
        self.body.start(motion, None);
        Ok(())
    }

    /// Straight from where the tool is meant to be, if the arm reaches the end.
    fn way_to(&self, world_from_tool: Isometry3<f64>) -> Result<Motion, String> {
        let known = self.body.known();
        let from = known.tool(self.body.target());
        let to = self.body.world_from_base().inverse() * world_from_tool;
        known.joints(&to, self.body.target()).map_err(|why| why.0)?;
        Ok(Motion::line(from, to, TOOL_ACCELERATION, TOOL_SPEED, 0.0))
    }
}

fn numbers<const N: usize>(text: &str, most: f64) -> Result<[f64; N], String> {
    let parts: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let parts = parts.ok().and_then(|parts| <[f64; N]>::try_from(parts).ok());
    parts
        .filter(|parts| parts.iter().all(|p| (-most..=most).contains(p)))
        .ok_or_else(|| format!("{N} numbers from {} to {most} are needed", -most))
}
