//! What moves the joints' targets: the controller's motion commands, braking, speed scaling.

use nalgebra::{Isometry3, Translation3, Vector6};

use super::profile::Profile;
use crate::arm::{Joints, Kinematics};

/// One motion command under way. Times are path times: seconds at full speed.
#[derive(Clone, Debug)]
pub struct Motion {
    way: Way,
    at: f64,
    /// Path seconds a second: 1 undisturbed, less while braking.
    rate: f64,
    /// Change of the rate a second; below 0 it brakes.
    change: f64,
}

#[derive(Clone, Debug)]
enum Way {
    /// Straight in joint space.
    Joint { from: Joints, to: Joints, profile: Profile },
    /// The tool point along a straight line, turning evenly.
    Line { from: Isometry3<f64>, to: Isometry3<f64>, profile: Profile },
    /// Towards joints that come anew every cycle.
    Servo { to: Joints, lookahead: f64, lasts: f64 },
    /// Joint speeds, reached with an acceleration.
    Speed { wanted: Joints, speed: Joints, acceleration: f64, lasts: f64 },
    /// Tool speed in the base frame, m/s over rad/s.
    ToolSpeed { wanted: Vector6<f64>, speed: Vector6<f64>, acceleration: f64, lasts: f64 },
}

/// Why a motion cannot go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Blocked(pub String);

/// Fastest a joint may turn, rad/s: 180 deg/s.
const JOINT_SPEED: f64 = std::f64::consts::PI;
/// How far each joint of a UR5e turns from its zero, rad: 360 deg, as its data sheet has it.
pub const JOINT_RANGE: f64 = std::f64::consts::TAU;
/// How fast and how abruptly the tool turns where a line has more turn than way.
const TURN_SPEED: f64 = 1.6;
const TURN_ACCELERATION: f64 = 4.0;
/// Seconds that the arm takes to brake when it is stopped from outside.
const BRAKE: f64 = 0.1;

/// The arm that a motion moves, as the controller knows it.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    pub kinematics: &'a Kinematics,
    pub flange_from_tool: &'a Isometry3<f64>,
}

impl Known<'_> {
    /// `base_from_tool` at these joints.
    pub fn tool(&self, joints: &Joints) -> Isometry3<f64> {
        self.kinematics.forward(joints) * self.flange_from_tool
    }

    /// Joints near those given that bring the tool there.
    pub fn joints(
        &self,
        base_from_tool: &Isometry3<f64>,
        near: &Joints,
    ) -> Result<Joints, Blocked> {
        let flange = base_from_tool * self.flange_from_tool.inverse();
        self.kinematics.inverse(&flange, near).map_err(|e| Blocked(e.to_string()))
    }
}

impl Motion {
    fn new(way: Way) -> Self {
        Self { way, at: 0.0, rate: 1.0, change: 0.0 }
    }

    /// `movej`: the joint with the longest way at `speed` (rad/s) and `acceleration` (rad/s2), or
    /// in `lasts` seconds if that is above 0.
    pub fn joint(from: Joints, to: Joints, acceleration: f64, speed: f64, lasts: f64) -> Self {
        let length = (to - from).amax().max(1e-9);
        Self::new(Way::Joint { from, to, profile: profile(length, acceleration, speed, lasts) })
    }

    /// `movel`: at `speed` (m/s) and `acceleration` (m/s2), or in `lasts` seconds.
    pub fn line(
        from: Isometry3<f64>,
        to: Isometry3<f64>,
        acceleration: f64,
        speed: f64,
        lasts: f64,
    ) -> Self {
        let way = (to.translation.vector - from.translation.vector).norm().max(1e-9);
        let turn = from.rotation.angle_to(&to.rotation).max(1e-9);
        let along = profile(way, acceleration, speed, lasts);
        let turning = profile(turn, TURN_ACCELERATION, TURN_SPEED, lasts);
        let profile = if turning.duration() > along.duration() { turning } else { along };
        Self::new(Way::Line { from, to, profile })
    }

    /// `servoj`: towards `to` for `lasts` seconds, smoothed over `lookahead` seconds.
    pub fn servo(to: Joints, lasts: f64, lookahead: f64) -> Self {
        Self::new(Way::Servo { to, lookahead: lookahead.clamp(0.002, 0.2), lasts })
    }

    /// `speedj`: to these joint speeds; `lasts` 0 means until something else is asked for.
    pub fn speed(now: Joints, wanted: Joints, acceleration: f64, lasts: f64) -> Self {
        Self::new(Way::Speed { wanted, speed: now, acceleration, lasts })
    }

    /// `speedl`: to this tool speed in the base frame.
    pub fn tool_speed(
        now: Vector6<f64>,
        wanted: Vector6<f64>,
        acceleration: f64,
        lasts: f64,
    ) -> Self {
        Self::new(Way::ToolSpeed { wanted, speed: now, acceleration, lasts })
    }

    /// Brakes to rest on its way, in so many seconds.
    pub fn brake(&mut self, seconds: f64) {
        self.change = -self.rate / seconds.max(0.002);
    }

    /// Brakes as the arm does when it is stopped from outside, unless it brakes harder already.
    pub fn brake_hard(&mut self) {
        self.change = self.change.min(-1.0 / BRAKE);
    }

    /// Goes on after it has been braked.
    pub fn go_on(&mut self) {
        self.change = 2.0;
    }

    pub fn is_braking(&self) -> bool {
        self.change < 0.0
    }

    /// Seconds from rest to rest at full speed; 0 where the motion has no end of its own.
    pub fn duration(&self) -> f64 {
        match &self.way {
            Way::Joint { profile, .. } | Way::Line { profile, .. } => profile.duration(),
            _ => 0.0,
        }
    }

    /// Braked to rest.
    pub fn rests(&self) -> bool {
        self.rate <= 0.0 && self.change <= 0.0
    }

    /// At its end: arrived, or its time is over.
    pub fn is_done(&self) -> bool {
        match &self.way {
            Way::Joint { profile, .. } | Way::Line { profile, .. } => self.at >= profile.duration(),
            Way::Servo { lasts, .. } => self.at >= *lasts,
            // Without a time they have arrived once they have their speed.
            Way::Speed { wanted, speed, lasts, .. } => arrived(*lasts, self.at, wanted == speed),
            Way::ToolSpeed { wanted, speed, lasts, .. } => {
                arrived(*lasts, self.at, wanted == speed)
            }
        }
    }

    /// Goes on by itself after its command has returned.
    pub fn lasts_on(&self) -> bool {
        matches!(self.way, Way::Speed { .. } | Way::ToolSpeed { .. })
    }

    /// Speed of the tool point (m/s) or, in joint motions, of the fastest joint (rad/s).
    pub fn pace(&self) -> f64 {
        let full = match &self.way {
            Way::Joint { from, to, profile } => (to - from).amax() * profile.speed_at(self.at),
            Way::Line { from, to, profile } => {
                let way = (to.translation.vector - from.translation.vector).norm();
                way * profile.speed_at(self.at)
            }
            Way::Servo { .. } => JOINT_SPEED / 4.0,
            Way::Speed { speed, .. } => speed.amax(),
            Way::ToolSpeed { speed, .. } => speed.fixed_rows::<3>(0).norm(),
        };
        full * self.rate
    }

    /// Moves the target on by `dt` seconds at this share of full speed.
    pub fn step(
        &mut self,
        target: &mut Joints,
        arm: Known<'_>,
        dt: f64,
        share: f64,
    ) -> Result<(), Blocked> {
        self.rate = (self.rate + self.change * dt).clamp(0.0, 1.0);
        let (step, rate) = (dt * self.rate * share, self.rate);
        self.at += step;
        let next = match &mut self.way {
            Way::Joint { from, to, profile } => *from + (*to - *from) * profile.at(self.at),
            Way::Line { from, to, profile } => {
                let pose = between(from, to, profile.at(self.at));
                arm.joints(&pose, target)?
            }
            Way::Servo { to, lookahead, .. } => {
                let most = JOINT_SPEED * step;
                *target
                    + ((*to - *target) * (step / *lookahead).min(1.0)).map(|w| w.clamp(-most, most))
            }
            Way::Speed { wanted, speed, acceleration, .. } => {
                towards(speed, wanted, *acceleration * dt);
                *target + *speed * step
            }
            Way::ToolSpeed { wanted, speed, acceleration, .. } => {
                towards(speed, wanted, *acceleration * dt);
                let inverse = tool_jacobian(arm, target).try_inverse();
                let inverse = inverse.ok_or_else(|| Blocked("singular posture".to_owned()))?;
                *target + inverse * *speed * step
            }
        };
        // Out of it already, as a person may have left it: the way back is open.
        if let Some(why) = beyond_range(&next).filter(|_| beyond_range(target).is_none()) {
            return Err(Blocked(why));
        }
        let turned = (next - *target).amax();
        if turned > JOINT_SPEED * dt * 1.05 && rate > 0.0 {
            return Err(Blocked(format!(
                "a joint would turn at {:.0} deg/s",
                (turned / dt).to_degrees()
            )));
        }
        *target = next;
        Ok(())
    }
}

/// Which joint stands beyond its range, if one does.
pub fn beyond_range(joints: &Joints) -> Option<String> {
    let (joint, at) = joints.iter().enumerate().find(|(_, at)| at.abs() > JOINT_RANGE + 1e-9)?;
    let (at, range) = (at.to_degrees(), JOINT_RANGE.to_degrees());
    Some(format!("joint {} would go to {at:.1} deg; its range is {range:.0} both ways", joint + 1))
}

/// Velocity of the tool point for joint speeds: linear over angular, base frame.
pub fn tool_jacobian(arm: Known<'_>, joints: &Joints) -> nalgebra::Matrix6<f64> {
    let mut jacobian = arm.kinematics.jacobian(joints);
    let flange = arm.kinematics.forward(joints);
    let lever = flange.rotation * arm.flange_from_tool.translation.vector;
    for mut column in jacobian.column_iter_mut() {
        let turn = nalgebra::Vector3::new(column[3], column[4], column[5]);
        let extra = turn.cross(&lever);
        for axis in 0..3 {
            column[axis] += extra[axis];
        }
    }
    jacobian
}

fn arrived(lasts: f64, at: f64, at_speed: bool) -> bool {
    if lasts > 0.0 { at >= lasts } else { at_speed }
}

fn profile(length: f64, acceleration: f64, speed: f64, lasts: f64) -> Profile {
    if lasts > 0.0 {
        return Profile::lasting(lasts);
    }
    Profile::new(speed.max(1e-6) / length, acceleration.max(1e-6) / length)
}

fn between(from: &Isometry3<f64>, to: &Isometry3<f64>, share: f64) -> Isometry3<f64> {
    let at = from.translation.vector.lerp(&to.translation.vector, share);
    // Half a turn has no single way; the shorter one is as good as any.
    let turn = from.rotation.try_slerp(&to.rotation, share, 1e-9).unwrap_or(to.rotation);
    Isometry3::from_parts(Translation3::from(at), turn)
}

/// Changes a speed evenly, by at most `most` in its largest part.
fn towards(speed: &mut Vector6<f64>, wanted: &Vector6<f64>, most: f64) {
    let change = *wanted - *speed;
    let largest = change.amax();
    *speed += if largest > most { change * (most / largest) } else { change };
}

#[cfg(test)]
mod tests {
    use super::*;

    const DT: f64 = 0.002;

    fn home() -> Joints {
        Joints::from([0.3, -1.4, 1.6, -1.8, -1.5, 0.4])
    }

    fn run(motion: &mut Motion, target: &mut Joints, share: f64) -> f64 {
        let (kinematics, tool) = (Kinematics::ur5e(), Isometry3::translation(0.0, 0.0, 0.15));
        let arm = Known { kinematics: &kinematics, flange_from_tool: &tool };
        let mut time = 0.0;
        while !motion.is_done() && !motion.rests() {
            motion.step(target, arm, DT, share).unwrap();
            time += DT;
            assert!(time < 100.0);
        }
        time
    }

    fn line() -> (Motion, Isometry3<f64>, Isometry3<f64>) {
        let (kinematics, tool) = (Kinematics::ur5e(), Isometry3::translation(0.0, 0.0, 0.15));
        let from = kinematics.forward(&home()) * tool;
        let to = Translation3::new(0.05, -0.1, 0.08) * from;
        (Motion::line(from, to, 1.2, 0.25, 0.0), from, to)
    }

    #[test]
    fn a_line_ends_at_its_end_and_stays_on_its_line() {
        let (mut motion, from, to) = line();
        let mut target = home();
        run(&mut motion, &mut target, 1.0);
        let tool = Isometry3::translation(0.0, 0.0, 0.15);
        let end = Kinematics::ur5e().forward(&target) * tool;
        assert!((end.translation.vector - to.translation.vector).norm() < 1e-9);

        let (mut braked, ..) = line();
        let mut target = home();
        let kinematics = Kinematics::ur5e();
        for _ in 0..100 {
            let arm = Known { kinematics: &kinematics, flange_from_tool: &tool };
            braked.step(&mut target, arm, DT, 1.0).unwrap();
        }
        braked.brake(0.1);
        run(&mut braked, &mut target, 1.0);
        let rest = (kinematics.forward(&target) * tool).translation.vector;
        let along = to.translation.vector - from.translation.vector;
        let off = (rest - from.translation.vector).cross(&along).norm() / along.norm();
        assert!(off < 1e-9, "braked beside its line by {off}");
        assert!((rest - to.translation.vector).norm() > 0.01, "it did not brake");
    }

    #[test]
    fn half_the_speed_takes_twice_the_time() {
        let to = home() + Joints::repeat(0.5);
        let full = run(&mut Motion::joint(home(), to, 1.4, 1.05, 0.0), &mut home(), 1.0);
        let half = run(&mut Motion::joint(home(), to, 1.4, 1.05, 0.0), &mut home(), 0.5);
        assert!((half - 2.0 * full).abs() < 3.0 * DT, "{full} {half}");
    }

    #[test]
    fn a_pose_out_of_reach_blocks_the_motion() {
        let (kinematics, tool) = (Kinematics::ur5e(), Isometry3::identity());
        let arm = Known { kinematics: &kinematics, flange_from_tool: &tool };
        let from = arm.tool(&home());
        let mut motion = Motion::line(from, Translation3::new(0.0, 0.0, 2.0) * from, 5.0, 1.0, 0.0);
        let mut target = home();
        let blocked = (0..2000).find_map(|_| motion.step(&mut target, arm, DT, 1.0).err());
        assert!(blocked.is_some());
    }

    #[test]
    fn a_tool_speed_is_the_speed_of_the_tool() {
        let (kinematics, tool) = (Kinematics::ur5e(), Isometry3::translation(0.0, 0.1, 0.15));
        let arm = Known { kinematics: &kinematics, flange_from_tool: &tool };
        let wanted = Vector6::new(0.05, 0.0, -0.02, 0.0, 0.1, 0.0);
        let mut motion = Motion::tool_speed(wanted, wanted, 1.0, 0.0);
        let mut target = home();
        let before = arm.tool(&target);
        motion.step(&mut target, arm, DT, 1.0).unwrap();
        let after = arm.tool(&target);
        let moved = (after.translation.vector - before.translation.vector) / DT;
        assert!((moved - wanted.fixed_rows::<3>(0)).norm() < 1e-3, "{moved}");
    }
}
