use std::io::{ErrorKind, Read, Write};
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
    /// Longest wait for the head of an answer, and for a live frame.
    patience: Duration,
    /// With when it was last read.
    stream: Option<(Stream, Instant)>,
}

#[derive(Debug)]
struct Stream {
    socket: TcpStream,
    parts: Parts,
}

/// Longest head of an answer, bytes.
const HEAD: usize = 16 * 1024;
/// A stream that nobody has read for so long is begun anew.
const RESTED: Duration = Duration::from_millis(150);
/// A frame that was waited for so long was not one that lay ready.
const LIVE: Duration = Duration::from_millis(3);
/// Frames that lie ready at most.
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
        let patience = PATIENCE;
        let camera = Self { url, host, port, path, patience, stream: None };
        (plain && !camera.host.is_empty()).then_some(camera)
    }

    fn unreachable(&self, why: impl std::fmt::Display) -> CameraError {
        CameraError::Unreachable { at: self.url.clone(), why: why.to_string() }
    }

    fn open(&self) -> Result<Stream, CameraError> {
        let end_of_patience = Instant::now() + self.patience;
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
            self.read(&mut socket, &mut head, end_of_patience)?;
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

    /// What comes next, if it comes in time.
    fn read(
        &self,
        socket: &mut TcpStream,
        into: &mut Vec<u8>,
        end_of_patience: Instant,
    ) -> Result<(), CameraError> {
        let late = || self.unreachable(format_args!("nothing whole within {:?}", self.patience));
        let left = end_of_patience.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(late());
        }
        socket.set_read_timeout(Some(left)).map_err(|error| self.unreachable(error))?;
        let mut chunk = [0; 64 * 1024];
        match socket.read(&mut chunk) {
            Ok(0) => Err(self.unreachable("the stream ended")),
            Ok(count) => {
                into.extend_from_slice(&chunk[..count]);
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Err(late())
            }
            Err(error) => Err(self.unreachable(error)),
        }
    }

    /// The first part that began after something had to be waited for: those before were taken earlier and lay ready,
    /// here, in the kernel or on the way, all of them or their beginning.
    fn live(&self, stream: &mut Stream) -> Result<Part, CameraError> {
        let end_of_patience = Instant::now() + self.patience;
        let (mut waited, mut half_ready) = (false, false);
        for _ in 0..READY {
            let part = loop {
                match stream.parts.next_part() {
                    Ok(Some(part)) => break part,
                    Ok(None) => {}
                    Err(error) => return Err(self.unreachable(error)),
                }
                let (begun, asked) = (stream.parts.begun(), Instant::now());
                let mut more = Vec::new();
                self.read(&mut stream.socket, &mut more, end_of_patience)?;
                stream.parts.push(&more);
                if !waited && asked.elapsed() > LIVE {
                    (waited, half_ready) = (true, begun);
                }
            };
            if waited && !half_ready {
                return Ok(part);
            }
            half_ready = false;
        }
        Err(self.unreachable("frames come faster than they can be read"))
    }
}

impl Camera for Mjpeg {
    fn frame(&mut self) -> Result<Taken, CameraError> {
        // What goes wrong ends the stream: the next frame begins a new one.
        // So does a rest: meanwhile frames pile up on the way, and how many nobody knows.
        let mut stream = match self.stream.take() {
            Some((stream, read)) if read.elapsed() < RESTED => stream,
            _ => self.open()?,
        };
        let part = self.live(&mut stream)?;
        let picture = decode(&self.url, &part.body)?;
        self.stream = Some((stream, Instant::now()));
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

    fn jpeg(light: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
        encoder.encode(&[light; 64], 8, 8, jpeg_encoder::ColorType::Luma).unwrap();
        bytes
    }

    fn part(number: u64) -> Vec<u8> {
        let body = jpeg(100);
        let head = format!("--cut\r\nContent-Length: {}\r\nX-Frame: {number}\r\n\r\n", body.len());
        [head.as_bytes(), &body, b"\r\n"].concat()
    }

    const ANSWER: &[u8] =
        b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=cut\r\n\r\n";
    const WHILE: Duration = Duration::from_millis(60);

    /// A camera on a port of its own, whose one client is served so.
    fn served(serve: impl FnOnce(TcpStream) + Send + 'static) -> Mjpeg {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let mut client = listener.accept().unwrap().0;
            let mut request = [0; 1024];
            let _ = client.read(&mut request).unwrap();
            serve(client);
        });
        Mjpeg::new(&format!("http://127.0.0.1:{port}/s")).unwrap()
    }

    #[test]
    fn a_frame_that_lay_ready_even_in_part_is_not_taken_for_a_live_one() {
        let (ask, asked) = std::sync::mpsc::channel::<()>();
        let (lie, lies) = std::sync::mpsc::channel::<()>();
        let mut camera = served(move |mut client| {
            let mut send = |bytes: &[u8]| client.write_all(bytes).unwrap();
            send(ANSWER);
            send(&part(1));
            std::thread::sleep(WHILE);
            send(&part(2));
            asked.recv().unwrap();
            let half = part(4);
            send(&[part(3), half[..half.len() / 2].to_vec()].concat());
            lie.send(()).unwrap();
            asked.recv().unwrap();
            std::thread::sleep(WHILE);
            send(&half[half.len() / 2..]);
            std::thread::sleep(WHILE);
            send(&part(5));
            let _ = asked.recv();
        });
        assert_eq!(camera.frame().unwrap().number, Some(2), "one lay ready with the answer");
        ask.send(()).unwrap();
        lies.recv().unwrap();
        std::thread::sleep(WHILE);
        ask.send(()).unwrap();
        assert_eq!(camera.frame().unwrap().number, Some(5), "one lay ready, and half of another");
    }

    #[test]
    fn an_answer_that_never_ends_its_head_is_given_up_in_time() {
        for answer in [&b"HTTP/1.0 200 OK\r\n"[..], ANSWER] {
            let mut camera = served(move |mut client| {
                let _ = client.write_all(answer);
                // A byte now and then keeps each single read content.
                while client.write_all(b"X").is_ok() {
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
            camera.patience = Duration::from_millis(300);
            let begun = Instant::now();
            let error = camera.frame().unwrap_err();
            assert!(error.to_string().contains("within 300ms"), "{error}");
            assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        }
    }

    proptest! {
        #[test]
        fn no_address_makes_it_panic(url in "(http://)?\\PC{0,30}") {
            let _ = Mjpeg::new(&url);
        }
    }
}
