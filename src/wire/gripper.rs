//! The socket of Robotiq's URCap, TCP 63352: `SET NAME n …` -> `ack`, `GET NAME` -> `NAME n`.

use super::WireError;

/// Port of the service.
pub const PORT: u16 = 63352;

/// Position that a fully open gripper really reports.
pub const OPEN: u8 = 3;
/// Position that a fully closed, empty gripper really reports.
pub const CLOSED: u8 = 230;

/// The variables of the gripper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Variable {
    /// 1 activates, 0 resets.
    Act,
    /// 1 goes to the requested position.
    Gto,
    /// Automatic release.
    Atr,
    /// Requested position, 0 open to 255 closed; reads as the actual one.
    Pos,
    /// Echo of the requested position.
    Pre,
    /// Speed, 0 to 255.
    Spe,
    /// Force, 0 to 255.
    For,
    /// See [`Status`].
    Sta,
    /// See [`Object`].
    Obj,
    /// Fault code; 0 is none.
    Flt,
    /// Motor current, in tens of mA.
    Cou,
    /// Slave number.
    Sid,
}

const NAMES: [(&str, Variable); 12] = [
    ("ACT", Variable::Act),
    ("GTO", Variable::Gto),
    ("ATR", Variable::Atr),
    ("POS", Variable::Pos),
    ("PRE", Variable::Pre),
    ("SPE", Variable::Spe),
    ("FOR", Variable::For),
    ("STA", Variable::Sta),
    ("OBJ", Variable::Obj),
    ("FLT", Variable::Flt),
    ("COU", Variable::Cou),
    ("SID", Variable::Sid),
];

impl Variable {
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, v)| *v == self).map_or("", |(name, _)| name)
    }

    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, variable)| *variable)
    }
}

/// `STA`: how far the gripper is with its activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Reset,
    Activating,
    Active,
}

impl Status {
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Reset),
            1 | 2 => Some(Self::Activating),
            3 => Some(Self::Active),
            _ => None,
        }
    }
}

/// `OBJ`: what the fingers met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    Moving,
    /// Stopped by contact while opening.
    OuterContact,
    /// Stopped by contact while closing.
    InnerContact,
    /// At the requested position: nothing met.
    AtPosition,
}

impl Object {
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Moving),
            1 => Some(Self::OuterContact),
            2 => Some(Self::InnerContact),
            3 => Some(Self::AtPosition),
            _ => None,
        }
    }

    pub fn number(self) -> i64 {
        match self {
            Self::Moving => 0,
            Self::OuterContact => 1,
            Self::InnerContact => 2,
            Self::AtPosition => 3,
        }
    }
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Set(Vec<(Variable, i64)>),
    Get(Variable),
}

impl Request {
    /// The line without its end.
    pub fn line(&self) -> String {
        match self {
            Self::Get(variable) => format!("GET {}", variable.name()),
            Self::Set(pairs) => {
                let pairs = pairs.iter().map(|(v, number)| format!(" {} {number}", v.name()));
                format!("SET{}", pairs.collect::<String>())
            }
        }
    }

    pub fn parse(line: &str) -> Result<Self, WireError> {
        let mut words = line.split_whitespace();
        let verb = words.next().unwrap_or("");
        let rest: Vec<&str> = words.collect();
        match (verb, rest.as_slice()) {
            ("GET", [name]) => Ok(Self::Get(variable(name)?)),
            ("SET", pairs) if !pairs.is_empty() && pairs.len().is_multiple_of(2) => {
                let pairs: Result<_, _> = pairs
                    .chunks(2)
                    .map(|pair| Ok((variable(pair[0])?, number(pair[1])?)))
                    .collect();
                Ok(Self::Set(pairs?))
            }
            _ => Err(unexpected("a request", line)),
        }
    }
}

/// What the gripper answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    Ack,
    Is(Variable, i64),
}

impl Reply {
    pub fn line(&self) -> String {
        match self {
            Self::Ack => "ack".to_owned(),
            Self::Is(variable, number) => format!("{} {number}", variable.name()),
        }
    }

    pub fn parse(line: &str) -> Result<Self, WireError> {
        let line = line.trim();
        if line == "ack" {
            return Ok(Self::Ack);
        }
        let (name, value) = line.split_once(' ').ok_or_else(|| unexpected("an answer", line))?;
        Ok(Self::Is(variable(name)?, number(value.trim())?))
    }
}

/// Opening between the pads for a reported position, in the unit of `stroke`: 0 when closed,
/// `stroke` when open.
pub fn opening(position: u8, stroke: f64) -> f64 {
    let span = f64::from(CLOSED - OPEN);
    stroke * (1.0 - (f64::from(position) - f64::from(OPEN)) / span).clamp(0.0, 1.0)
}

/// The position to ask for, so that the pads are `opening` apart.
pub fn position(opening: f64, stroke: f64) -> u8 {
    let closed = 1.0 - (opening / stroke).clamp(0.0, 1.0);
    (f64::from(OPEN) + closed * f64::from(CLOSED - OPEN)).round() as u8
}

fn variable(name: &str) -> Result<Variable, WireError> {
    Variable::from_name(name).ok_or_else(|| unexpected("a variable", name))
}

fn number(text: &str) -> Result<i64, WireError> {
    text.parse().map_err(|_| unexpected("a number", text))
}

fn unexpected(wanted: &str, found: &str) -> WireError {
    let shown: String = found.chars().take(80).collect();
    WireError::malformed("gripper", format!("\"{shown}\" is not {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_variable() -> impl Strategy<Value = Variable> {
        prop::sample::select(NAMES.map(|(_, variable)| variable).to_vec())
    }

    proptest! {
        #[test]
        fn requests_and_replies_survive_the_wire(
            pairs in prop::collection::vec((any_variable(), 0..256i64), 1..5),
            asked in any_variable(),
            value in any::<i32>(),
        ) {
            for request in [Request::Set(pairs), Request::Get(asked)] {
                prop_assert_eq!(Request::parse(&request.line()), Ok(request));
            }
            for reply in [Reply::Ack, Reply::Is(asked, value.into())] {
                prop_assert_eq!(Reply::parse(&reply.line()), Ok(reply));
            }
        }

        #[test]
        fn no_line_makes_the_parsers_panic(line in "\\PC{0,120}") {
            let _ = (Request::parse(&line), Reply::parse(&line));
        }

        #[test]
        fn an_opening_is_read_back_within_half_a_count(opening_mm in 0.0..50.0f64) {
            let read = opening(position(opening_mm, 50.0), 50.0);
            prop_assert!((read - opening_mm).abs() <= 0.5 * 50.0 / 227.0 + 1e-9);
        }
    }

    #[test]
    fn a_gripper_is_open_at_three_and_closed_at_230() {
        assert_eq!((opening(OPEN, 50.0), opening(CLOSED, 50.0)), (50.0, 0.0));
        assert_eq!((opening(0, 50.0), opening(255, 50.0)), (50.0, 0.0));
    }
}
