//! Frames over HTTP: single ones as JPEG or PNG, and streams of JPEGs as network cameras send them
//! (`multipart/x-mixed-replace`). `X-Frame` counts frames, `X-Timestamp` is seconds since 1970.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jpeg_encoder::{ColorType, Encoder};
use tiny_http::{Header, Request, Response};

use crate::twin::cameras::{Cameras, Over, Sight, Taken};
use crate::twin::controller::Controller;
use crate::twin::link::Link;

/// Requests that are served at once; more are refused.
const MOST: usize = 8;
/// Shortest time between two frames of a stream.
const PERIOD: Duration = Duration::from_millis(66);
/// Of JPEGs, of 100.
const QUALITY: u8 = 93;

/// What is asked of a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Jpeg,
    Png,
    Stream,
}

/// The cameras' part of the server.
pub struct CameraPages {
    cameras: Arc<Mutex<Cameras>>,
    link: Link,
    stop: Arc<AtomicBool>,
    busy: Arc<AtomicUsize>,
}

/// `/camera/pick.jpg`, `/camera/place.mjpg` and so on.
fn asked(path: &str) -> Option<(Over, Kind)> {
    let (over, kind) = path.strip_prefix("/camera/")?.split_once('.')?;
    let over = match over {
        "pick" => Over::Pick,
        "place" => Over::Place,
        _ => return None,
    };
    match kind {
        "jpg" => Some((over, Kind::Jpeg)),
        "png" => Some((over, Kind::Png)),
        "mjpg" => Some((over, Kind::Stream)),
        _ => None,
    }
}

impl CameraPages {
    pub fn new(cameras: Cameras, link: Link, stop: Arc<AtomicBool>) -> Self {
        let cameras = Arc::new(Mutex::new(cameras));
        Self { cameras, link, stop, busy: Arc::default() }
    }

    /// What stands in no file of a camera, for `GET /truth`.
    pub fn truth(&self, over: Over) -> (crate::eyes::Lens, nalgebra::Isometry3<f64>) {
        self.cameras.lock().unwrap_or_else(PoisonError::into_inner).truth(over)
    }

    /// Serves the request on a thread of its own, so that nobody else waits for a frame; gives it back
    /// where it asks for something else.
    pub fn serve(&self, request: Request) -> Option<Request> {
        let path = request.url().split('?').next().unwrap_or("").to_owned();
        let Some((over, kind)) = asked(&path) else { return Some(request) };
        if self.busy.fetch_add(1, Ordering::Relaxed) >= MOST {
            self.busy.fetch_sub(1, Ordering::Relaxed);
            // Whoever asked may be gone.
            let _ = request.respond(Response::empty(503));
            return None;
        }
        let page = Page {
            cameras: Arc::clone(&self.cameras),
            link: self.link.clone(),
            stop: Arc::clone(&self.stop),
            over,
        };
        let busy = Arc::clone(&self.busy);
        std::thread::spawn(move || {
            // Whoever asked may be gone.
            let _ = match kind {
                Kind::Stream => page.stream(request),
                kind => page.single(request, kind),
            };
            busy.fetch_sub(1, Ordering::Relaxed);
        });
        None
    }
}

/// One request of one camera.
struct Page {
    cameras: Arc<Mutex<Cameras>>,
    link: Link,
    stop: Arc<AtomicBool>,
    over: Over,
}

impl Page {
    /// The next frame, and whether it is to arrive torn; `None` without a camera.
    fn take(&self) -> Option<(Arc<Taken>, bool)> {
        let sight = self.link.ask(sight)?;
        let mut cameras = self.cameras.lock().unwrap_or_else(PoisonError::into_inner);
        Some((cameras.take(self.over, &sight)?, sight.setting.faults.torn))
    }

    fn single(&self, request: Request, kind: Kind) -> std::io::Result<()> {
        let Some((taken, torn)) = self.take() else {
            return request.respond(Response::from_string("no camera\n").with_status_code(404));
        };
        let (mut bytes, mime) = match kind {
            Kind::Png => (png(&taken)?, "image/png"),
            _ => (jpeg(&taken)?, "image/jpeg"),
        };
        if torn {
            bytes.truncate(bytes.len() / 2);
        }
        // In one piece, with its length.
        let mut response = Response::from_data(bytes).with_chunked_threshold(usize::MAX);
        for (name, value) in [
            ("Content-Type", mime.to_owned()),
            ("X-Frame", taken.number.to_string()),
            ("X-Timestamp", format!("{:.6}", taken.at)),
            ("Cache-Control", "no-store".to_owned()),
        ] {
            if let Ok(header) = Header::from_bytes(name, value) {
                response.add_header(header);
            }
        }
        request.respond(response)
    }

    fn stream(&self, request: Request) -> std::io::Result<()> {
        if self.take().is_none() {
            return request.respond(Response::from_string("no camera\n").with_status_code(404));
        }
        let mut writer = request.into_writer();
        write!(
            writer,
            "HTTP/1.1 200 OK\r\nConnection: close\r\nCache-Control: no-store\r\n\
             Content-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
        )?;
        while !self.stop.load(Ordering::Relaxed) {
            let begun = Instant::now();
            // An unplugged camera's stream ends.
            let Some((taken, torn)) = self.take() else { return Ok(()) };
            let mut bytes = jpeg(&taken)?;
            if torn {
                bytes.truncate(bytes.len() / 2);
            }
            write!(
                writer,
                "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\nX-Frame: {}\r\n\
                 X-Timestamp: {:.6}\r\n\r\n",
                bytes.len(),
                taken.number,
                taken.at
            )?;
            writer.write_all(&bytes)?;
            writer.write_all(b"\r\n")?;
            writer.flush()?;
            std::thread::sleep(PERIOD.saturating_sub(begun.elapsed()));
        }
        Ok(())
    }
}

/// What the cameras look at just now.
fn sight(controller: &mut Controller) -> Sight {
    let body = &controller.body;
    Sight {
        world_from_plate: body.table.world_from_plate(),
        world_from_hand: body.world_from_hand(),
        opening: body.table.opening(),
        setting: controller.cameras,
    }
}

fn jpeg(taken: &Taken) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let size = |pixels: usize| u16::try_from(pixels).map_err(std::io::Error::other);
    let (width, height) = (size(taken.width)?, size(taken.height)?);
    Encoder::new(&mut bytes, QUALITY)
        .encode(&taken.pixels, width, height, ColorType::Luma)
        .map_err(std::io::Error::other)?;
    Ok(bytes)
}

fn png(taken: &Taken) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, taken.width as u32, taken.height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(std::io::Error::other)?;
    writer.write_image_data(&taken.pixels).map_err(std::io::Error::other)?;
    writer.finish().map_err(std::io::Error::other)?;
    Ok(bytes)
}
