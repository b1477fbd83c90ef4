use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::parts::{find, headers, value};
use super::snapshot::{counted, told};
use super::{Camera, CameraError, Part, Parts, Taken, decode};
use crate::real::link;

/// A camera that sends a stream of JPEGs (`multipart/x-mixed-replace`) over HTTP.
#[derive(Debug)]
pub struct Mjpeg {
    url: String,
    host: String,
    port: u16,
    path: String,
    stream: Option<Stream>,
}

#[derive(Debug)]
struct Stream {
    socket: TcpStream,
    parts: Parts,
}

/// Longest head of an answer, bytes.
const HEAD: usize = 16 * 1024;
/// A frame that was waited for so long was not one that lay ready.
const LIVE: Duration = Duration::from_millis(3);
/// Frames that lie ready at most, and the longest that is waited for a live one.
const READY: usize = 64;
const PATIENCE: Duration = Duration::from_secs(5);

impl Mjpeg {
    /// `None` for what is no address such as `http://host:81/stream`.
    pub fn new(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("http://")?;
        let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (place, 80),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let path = format!("/{path}");
        let plain = path.bytes().chain(host.bytes()).all(|byte| byte.is_ascii_graphic());
        let url = url.to_owned();
        (plain && !host.is_empty()).then_some(Self { url, host, port, path, stream: None })
    }

    fn unreachable(&self, why: impl std::fmt::Display) -> CameraError {
        CameraError::Unreachable { at: self.url.clone(), why: why.to_string() }
    }

    fn open(&self) -> Result<Stream, CameraError> {
        let connected = link::connect("camera", &self.host, self.port);
        let mut socket = connected.map_err(|error| self.unreachable(error))?;
        let (path, host) = (&self.path, &self.host);
        // Version 1.0, so that nobody sends it in chunks.
        write!(socket, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n")
            .map_err(|error| self.unreachable(error))?;
        let mut head = Vec::new();
        let end = loop {
            if let Some(end) = find(&head, b"\r\n\r\n") {
                break end;
            }
            if head.len() > HEAD {
                return Err(self.unreachable("an endless answer"));
            }
            self.read(&mut socket, &mut head)?;
        };
        let status = String::from_utf8_lossy(&head[..end]).lines().next().unwrap_or("").to_owned();
        if status.split(' ').nth(1) != Some("200") {
            return Err(self.unreachable(format_args!("answers {status:?}")));
        }
        let headers = headers(&head[..end]);
        let kind = value(&headers, "content-type").unwrap_or("");
        let parts = Parts::of(kind);
        let mut parts = parts.ok_or_else(|| {
            self.unreachable(format_args!("sends {kind:?}, not a multipart stream of JPEGs"))
        })?;
        parts.push(&head[end + 4..]);
        Ok(Stream { socket, parts })
    }

    fn read(&self, socket: &mut TcpStream, into: &mut Vec<u8>) -> Result<(), CameraError> {
        let mut chunk = [0; 64 * 1024];
        match socket.read(&mut chunk) {
            Ok(0) => Err(self.unreachable("the stream ended")),
            Ok(count) => {
                into.extend_from_slice(&chunk[..count]);
                Ok(())
            }
            Err(error) => Err(self.unreachable(error)),
        }
    }

    /// The first part that had to be waited for: those before were taken earlier and lay ready.
    fn live(&self, stream: &mut Stream) -> Result<Part, CameraError> {
        let begun = Instant::now();
        let mut waited = false;
        for _ in 0..READY {
            let part = loop {
                match stream.parts.next_part() {
                    Ok(Some(part)) => break part,
                    Ok(None) => {}
                    Err(error) => return Err(self.unreachable(error)),
                }
                let asked = Instant::now();
                if asked - begun > PATIENCE {
                    return Err(self.unreachable("no frame within 5 s"));
                }
                let mut more = Vec::new();
                self.read(&mut stream.socket, &mut more)?;
                stream.parts.push(&more);
                waited |= asked.elapsed() > LIVE;
            };
            if waited {
                return Ok(part);
            }
        }
        Err(self.unreachable("frames come faster than they can be read"))
    }
}

impl Camera for Mjpeg {
    fn frame(&mut self) -> Result<Taken, CameraError> {
        // What goes wrong ends the stream: the next frame begins a new one.
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.open()?,
        };
        let part = self.live(&mut stream)?;
        let picture = decode(&self.url, &part.body)?;
        self.stream = Some(stream);
        let (number, at) = (part.header("x-frame"), part.header("x-timestamp"));
        Ok(Taken { picture, number: counted(number), at: told(at) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_is_a_host_a_port_and_a_path() {
        let parts =
            |url: &str| Mjpeg::new(url).map(|camera| (camera.host, camera.port, camera.path));
        let some = |host: &str, port, path: &str| Some((host.to_owned(), port, path.to_owned()));
        assert_eq!(parts("http://cam/a?b=1"), some("cam", 80, "/a?b=1"));
        assert_eq!(parts("http://10.0.0.2:81"), some("10.0.0.2", 81, "/"));
        assert_eq!(parts("http://[::1]:81/x"), some("::1", 81, "/x"));
        for bad in ["https://cam/a", "cam", "http://", "http://cam:x/", "http://cam/a b"] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_address_makes_it_panic(url in "(http://)?\\PC{0,30}") {
            let _ = Mjpeg::new(&url);
        }
    }
}
