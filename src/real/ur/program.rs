use std::io::Write;
use std::net::TcpStream;

use super::state::numbers_of;
use crate::cell::DeviceError;
use crate::real::Mounted;
use crate::real::link::{connect, fault};

/// The program that moves the arm: the same text on the bench and in the twin.
pub const TEMPLATE: &str = include_str!("control.script");

/// What the program is filled in with.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Tells this upload from any earlier one; never 0.
    pub session: i32,
    pub mounted: Mounted,
    pub watchdog_hz: f64,
    /// Of a stop, m/s2.
    pub stop: f64,
}

/// What a command asks for: `input_int_register_26`.
pub(super) const MOVE: i32 = 1;
pub(super) const END: i32 = 2;
/// How a command ended: `output_int_register_27`.
pub(super) const REACHED: i32 = 1;
pub(super) const RESISTED: i32 = 3;

impl Program {
    /// The text to upload: without the comments before `def`, where a controller expects a program.
    pub fn text(&self) -> String {
        let list = |numbers: &[f64]| {
            let numbers: Vec<String> = numbers.iter().map(|x| format!("{x:?}")).collect();
            format!("[{}]", numbers.join(", "))
        };
        let program = TEMPLATE.find("def ").map_or(TEMPLATE, |at| &TEMPLATE[at..]);
        program
            .replace("{tcp}", &format!("p{}", list(&numbers_of(&self.mounted.flange_from_tool))))
            .replace("{payload_kg}", &format!("{:?}", self.mounted.payload_kg))
            .replace("{payload_cog}", &list(&self.mounted.payload_cog))
            .replace("{session}", &self.session.to_string())
            .replace("{watchdog_hz}", &format!("{:?}", self.watchdog_hz))
            .replace("{stop_m_s2}", &format!("{:?}", self.stop))
    }

    /// Sends the text. The connection must stay open until the program is seen to run: a
    /// connection that is closed with unread data may take ours back.
    pub(super) fn upload(&self, host: &str, port: u16) -> Result<TcpStream, DeviceError> {
        const DEVICE: &str = "script port";
        let mut stream = connect(DEVICE, host, port)?;
        stream.write_all(self.text().as_bytes()).map_err(|e| fault(DEVICE, e))?;
        Ok(stream)
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::Isometry3;

    use super::*;

    #[test]
    fn nothing_in_braces_is_left_and_every_number_is_one_that_urscript_reads() {
        let program = Program {
            session: 4711,
            mounted: Mounted {
                flange_from_tool: Isometry3::translation(0.0, 0.0, 0.174),
                payload_kg: 1.0,
                payload_cog: [0.0, 1e-7, 0.06],
            },
            watchdog_hz: 10.0,
            stop: 3.0,
        };
        let text = program.text();
        assert!(text.starts_with("def rmrl_control():\n"), "{text}");
        assert!(!text.contains(['{', '}']), "{text}");
        assert!(text.contains("set_tcp(p[0.0, 0.0, 0.174, 0.0, 0.0, 0.0])"), "{text}");
        assert!(text.contains("set_payload(1.0, [0.0, 1e-7, 0.06])"), "{text}");
        assert!(text.contains("write_output_integer_register(24, 4711)"));
        assert!(text.ends_with("end\n"));
    }
}
