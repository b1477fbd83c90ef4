use super::link::{LineLink, fault};
use crate::cell::DeviceError;
use crate::wire::gripper::{Object, Reply, Request, Status, Variable, opening, position};

/// A gripper that a real rig can use. It is asked and told; waiting is the rig's.
pub trait RealGripper {
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
    /// Distance between the fully open pads, metres.
    stroke: f64,
    /// 0 to 255.
    force: u8,
    speed: u8,
}

const DEVICE: &str = "gripper";

impl Robotiq {
    /// `stroke` in metres; force and speed as shares of the gripper's range.
    pub fn connect(
        host: &str,
        port: u16,
        stroke: f64,
        (force, speed): (f64, f64),
    ) -> Result<Self, DeviceError> {
        let link = LineLink::connect(DEVICE, host, port)?;
        let byte = |share: f64| (share.clamp(0.0, 1.0) * 255.0).round() as u8;
        Ok(Self { link, stroke, force: byte(force), speed: byte(speed) })
    }

    fn go(&mut self, position: u8) -> Result<(), DeviceError> {
        self.set(&[
            (Variable::For, self.force.into()),
            (Variable::Spe, self.speed.into()),
            (Variable::Pos, position.into()),
            (Variable::Gto, 1),
        ])
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
    fn make_ready(&mut self) -> Result<bool, DeviceError> {
        let fault_code = self.get(Variable::Flt)?;
        if fault_code != 0 {
            return Err(fault(DEVICE, format_args!("reports fault {fault_code}")));
        }
        match Status::from_number(self.get(Variable::Sta)?) {
            Some(Status::Active) => Ok(true),
            Some(Status::Activating) => Ok(false),
            // Activation opens and closes the fingers: only where it was never done.
            Some(Status::Reset) => self.set(&[(Variable::Act, 1)]).map(|()| false),
            None => Err(fault(DEVICE, "is in an unknown state")),
        }
    }

    fn open_to(&mut self, opening: f64) -> Result<(), DeviceError> {
        let counts = if opening >= self.stroke { 0 } else { position(opening, self.stroke) };
        self.go(counts)
    }

    fn close(&mut self) -> Result<(), DeviceError> {
        self.go(255)
    }

    fn fingers(&mut self) -> Result<Fingers, DeviceError> {
        let object = Object::from_number(self.get(Variable::Obj)?)
            .ok_or_else(|| fault(DEVICE, "reports an unknown contact"))?;
        let counts = u8::try_from(self.get(Variable::Pos)?)
            .map_err(|_| fault(DEVICE, "reports a position outside 0 to 255"))?;
        Ok(Fingers { opening: opening(counts, self.stroke), object })
    }
}
