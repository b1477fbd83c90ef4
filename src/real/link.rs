use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use crate::cell::DeviceError;
use crate::wire::Lines;

/// Longest wait for a connection or an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn fault(device: &'static str, what: impl std::fmt::Display) -> DeviceError {
    DeviceError::Fault { device, what: what.to_string() }
}

/// Nobody answers at a port of a computer that answers at others: what keeps it shut, as far as the error tells. A service
/// that is off refuses; a filter of inbound connections says nothing, as a rule.
pub(super) fn what_shuts(error: &DeviceError, service: &str) -> String {
    let filter = "allow this computer and port under Settings, Security, Inbound connections";
    let refused = matches!(error, DeviceError::Fault { what, .. } if what.contains("refused"));
    match refused {
        true => format!("{service}; or {filter}"),
        false => format!("{filter}: PolyScope's filter drops what it does not allow; or {service}"),
    }
}

/// Connects, with a time-out here and on every later read and write.
pub(super) fn connect(
    device: &'static str,
    host: &str,
    port: u16,
) -> Result<TcpStream, DeviceError> {
    let at = |error: std::io::Error| fault(device, format_args!("{host}:{port}: {error}"));
    let mut last = std::io::Error::new(ErrorKind::NotFound, "no such host");
    for address in (host, port).to_socket_addrs().map_err(at)? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_nodelay(true).map_err(at)?;
                stream.set_read_timeout(Some(PATIENCE)).map_err(at)?;
                stream.set_write_timeout(Some(PATIENCE)).map_err(at)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(at(last))
}

/// A peer that answers a line with a line.
#[derive(Debug)]
pub(super) struct LineLink {
    device: &'static str,
    stream: TcpStream,
    lines: Lines,
}

impl LineLink {
    pub fn connect(device: &'static str, host: &str, port: u16) -> Result<Self, DeviceError> {
        Ok(Self { device, stream: connect(device, host, port)?, lines: Lines::default() })
    }

    pub fn ask(&mut self, line: &str) -> Result<String, DeviceError> {
        let text = format!("{line}\n");
        self.stream.write_all(text.as_bytes()).map_err(|e| self.failed(&e))?;
        self.read_line()
    }

    pub fn read_line(&mut self) -> Result<String, DeviceError> {
        let end = Instant::now() + PATIENCE;
        let mut bytes = [0; 1024];
        loop {
            if let Some(line) = self.lines.next_line().map_err(|e| fault(self.device, e))? {
                return Ok(line);
            }
            // A peer that trickles bytes must not hold us for ever.
            if Instant::now() > end {
                return Err(fault(self.device, "did not answer in time"));
            }
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(fault(self.device, "closed the connection")),
                Ok(count) => self.lines.push(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(&error)),
            }
        }
    }

    fn failed(&self, error: &std::io::Error) -> DeviceError {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                fault(self.device, "did not answer in time")
            }
            _ => fault(self.device, error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_refuses_is_a_service_that_is_off_and_a_silent_one_a_filter() {
        let refused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = connect("controller", "127.0.0.1", refused.port()).unwrap_err();
        assert!(what_shuts(&error, "enable it").starts_with("enable it"), "{error}");
        let silent = fault("controller", "10.0.0.2:30003: connection timed out");
        let advice = what_shuts(&silent, "enable it");
        assert!(advice.starts_with("allow this computer") && advice.ends_with("enable it"));
    }
}
