use std::time::{Duration, Instant};

use super::link::{LineLink, fault};
use crate::cell::DeviceError;
use crate::wire::gripper::{Object, Reply, Request, Status, Variable, opening, position};

/// A gripper that a real rig can use. It is asked and told; waiting is the rig's.
pub trait RealGripper {
    /// It is ready: not so before its activation, or after it was without power.
    fn is_active(&mut self) -> Result<bool, DeviceError>;

    /// Makes it ready without moving fingers that may hold something: a gripper that is ready
    /// already stays as it is. `false` while it is still getting ready.
    fn make_ready(&mut self) -> Result<bool, DeviceError>;

    /// Begins to move the pads to this distance from each other, metres.
    fn open_to(&mut self, opening: f64) -> Result<(), DeviceError>;

    /// Begins to close with the force that it was set up with.
    fn close(&mut self) -> Result<(), DeviceError>;

    /// Where the fingers are, and what they met.
    fn fingers(&mut self) -> Result<Fingers, DeviceError>;
}

/// The fingers as the gripper measures them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fingers {
    /// Distance between the pads, metres.
    pub opening: f64,
    pub object: Object,
}

/// A Robotiq gripper behind the socket of its URCap.
#[derive(Debug)]
pub struct Robotiq {
    link: LineLink,
    pads: Pads,
    /// 0 to 255.
    force: u8,
    speed: u8,
}

/// How the counts of a gripper are the distance between its pads, metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pads {
    /// Distance between the pads of the fully open gripper.
    pub open: f64,
    /// How much nearer they come where the gripper closes fully: its own stroke, whatever fingers
    /// it carries.
    pub stroke: f64,
}

impl Pads {
    fn opening(&self, counts: u8) -> f64 {
        self.open - self.stroke + opening(counts, self.stroke)
    }

    fn counts(&self, opening: f64) -> u8 {
        match opening >= self.open {
            true => 0,
            false => position(opening - self.open + self.stroke, self.stroke),
        }
    }
}

const DEVICE: &str = "gripper";
/// The gripper echoes a request within this.
const ECHO: Duration = Duration::from_secs(1);

impl Robotiq {
    /// Force and speed as shares of the gripper's range.
    pub fn connect(
        host: &str,
        port: u16,
        pads: Pads,
        (force, speed): (f64, f64),
    ) -> Result<Self, DeviceError> {
        let link = LineLink::connect(DEVICE, host, port)?;
        let byte = |share: f64| (share.clamp(0.0, 1.0) * 255.0).round() as u8;
        Ok(Self { link, pads, force: byte(force), speed: byte(speed) })
    }

    /// Asks for a position, and waits until the gripper has taken the request up: until then it
    /// tells what became of the one before.
    fn go(&mut self, position: u8) -> Result<(), DeviceError> {
        self.set(&[
            (Variable::For, self.force.into()),
            (Variable::Spe, self.speed.into()),
            (Variable::Pos, position.into()),
            (Variable::Gto, 1),
        ])?;
        let asked = Instant::now();
        while self.get(Variable::Pre)? != i64::from(position) {
            if asked.elapsed() > ECHO {
                return Err(fault(DEVICE, "does not take a request up"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Whether it is active, or the fault that it reports.
    pub fn health(&mut self) -> Result<Status, DeviceError> {
        match self.get(Variable::Flt)? {
            0 => self.status(),
            code => Err(fault(DEVICE, format_args!("reports fault {code}"))),
        }
    }

    fn status(&mut self) -> Result<Status, DeviceError> {
        let number = self.get(Variable::Sta)?;
        Status::from_number(number)
            .ok_or_else(|| fault(DEVICE, format_args!("is in an unknown state {number}")))
    }

    fn set(&mut self, pairs: &[(Variable, i64)]) -> Result<(), DeviceError> {
        match self.ask(&Request::Set(pairs.to_vec()))? {
            Reply::Ack => Ok(()),
            Reply::Is(..) => Err(fault(DEVICE, "did not acknowledge")),
        }
    }

    fn get(&mut self, variable: Variable) -> Result<i64, DeviceError> {
        match self.ask(&Request::Get(variable))? {
            Reply::Is(told, number) if told == variable => Ok(number),
            other => {
                Err(fault(DEVICE, format_args!("answered {} with {other:?}", variable.name())))
            }
        }
    }

    fn ask(&mut self, request: &Request) -> Result<Reply, DeviceError> {
        let line = self.link.ask(&request.line())?;
        Reply::parse(&line).map_err(|error| fault(DEVICE, error))
    }
}

impl RealGripper for Robotiq {
    fn is_active(&mut self) -> Result<bool, DeviceError> {
        Ok(self.status()? == Status::Active)
    }

    fn make_ready(&mut self) -> Result<bool, DeviceError> {
        match self.health()? {
            Status::Active => Ok(true),
            Status::Activating => Ok(false),
            // Activation opens and closes the fingers: only where it was never done.
            Status::Reset => self.set(&[(Variable::Act, 1)]).map(|()| false),
        }
    }

    fn open_to(&mut self, opening: f64) -> Result<(), DeviceError> {
        self.go(self.pads.counts(opening))
    }

    fn close(&mut self) -> Result<(), DeviceError> {
        self.go(255)
    }

    fn fingers(&mut self) -> Result<Fingers, DeviceError> {
        let object = Object::from_number(self.get(Variable::Obj)?)
            .ok_or_else(|| fault(DEVICE, "reports an unknown contact"))?;
        let counts = u8::try_from(self.get(Variable::Pos)?)
            .map_err(|_| fault(DEVICE, "reports a position outside 0 to 255"))?;
        Ok(Fingers { opening: self.pads.opening(counts), object })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_pads_apart_whatever_the_gripper_and_its_fingers() {
        // A 2F-85 whose pads stand 80 mm apart when it is open, planned to open to 40 mm.
        let pads = Pads { open: 0.080, stroke: 0.085 };
        assert_eq!(pads.counts(0.080), 0);
        assert!((pads.opening(3) - 0.080).abs() < 1e-12);
        assert!((pads.opening(pads.counts(0.040)) - 0.040).abs() < 0.2e-3);
        assert!((pads.opening(pads.counts(0.01435)) - 0.01435).abs() < 0.2e-3);
    }
}
