use std::time::Duration;

use serde::Deserialize;

use crate::cell::{DeviceError, Eyes, Measured};
use crate::config::SeatLimits;
use crate::real::link::{PATIENCE, fault};
use crate::task::{Image, ImageSize, Placement, Pose2};

/// Eyes behind an HTTP address: a program of the user's, or the twin.
///
/// | request | answer |
/// |---|---|
/// | `GET /view` | the picture of the pick place: binary PGM of the task's image size |
/// | `GET /view/target` | a picture of the target, of the same kind; 404 where no camera sees it |
/// | `GET /pick` | `{"found": true, "x_mm": …, "y_mm": …, "yaw_deg": …}`: the plate's offset there |
/// | `GET /placement` | the same on the target, with `z_mm` and `tilt_deg` |
///
/// `{"found": false}` where the plate is not seen. Where images are not of the usual size, pictures are asked for with
/// `?px=32&mm=160`.
#[derive(Debug)]
pub struct HttpEyes {
    agent: ureq::Agent,
    url: String,
    seat: SeatLimits,
    image: ImageSize,
    /// What a picture is asked for with.
    query: String,
}

const DEVICE: &str = "eyes";
/// Longest answer that is read, bytes.
const LONGEST: u64 = 1024 * 1024;

#[derive(Deserialize)]
struct Seen {
    found: bool,
    #[serde(default)]
    x_mm: f64,
    #[serde(default)]
    y_mm: f64,
    #[serde(default)]
    yaw_deg: f64,
    #[serde(default)]
    z_mm: f64,
    #[serde(default)]
    tilt_deg: f64,
}

impl HttpEyes {
    /// `url` without a path; `seat` says what counts as seated, `image` how large pictures are.
    pub fn new(url: &str, seat: SeatLimits, image: ImageSize) -> Self {
        let timeout: Duration = PATIENCE;
        let config = ureq::Agent::config_builder().timeout_global(Some(timeout)).build();
        let usual = image == ImageSize::default();
        let query = if usual { String::new() } else { format!("?px={}&mm={}", image.px, image.mm) };
        let url = url.trim_end_matches('/').to_owned();
        Self { agent: config.into(), url, seat, image, query }
    }

    fn picture(&self, path: &str) -> Result<Option<Image>, DeviceError> {
        let Some(bytes) = self.get(&format!("{path}{}", self.query))? else { return Ok(None) };
        let side = self.image.px;
        // Every pixel after this is a byte.
        let header = format!("P5\n{side} {side}\n255\n");
        let pixels = bytes.strip_prefix(header.as_bytes()).unwrap_or(&[]);
        let image = Image::new(self.image, pixels.to_vec());
        let bad = || fault(DEVICE, format_args!("{}{path}: not a {side} x {side} PGM", self.url));
        image.ok_or_else(bad).map(Some)
    }

    fn missing(&self, path: &str) -> DeviceError {
        fault(DEVICE, format_args!("{}{path}: not found", self.url))
    }

    fn seen(&self, path: &str) -> Result<Option<Placement>, DeviceError> {
        let body = self.get(path)?.ok_or_else(|| self.missing(path))?;
        let seen: Seen = serde_json::from_slice(&body)
            .map_err(|e| fault(DEVICE, format_args!("{}{path}: {e}", self.url)))?;
        let Seen { found, x_mm, y_mm, yaw_deg, z_mm, tilt_deg } = seen;
        let pose = Pose2 { x_mm, y_mm, yaw_deg };
        if !(pose.is_finite() && z_mm.is_finite() && tilt_deg.is_finite()) {
            return Err(fault(DEVICE, "a pose that is not a number"));
        }
        Ok(found.then_some(Placement { pose, z_mm, tilt_deg }))
    }

    /// `None` for a 404.
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, DeviceError> {
        let url = format!("{}{path}", self.url);
        let failed = |error: ureq::Error| fault(DEVICE, format_args!("{url}: {error}"));
        let mut response = match self.agent.get(&url).call() {
            Err(ureq::Error::StatusCode(404)) => return Ok(None),
            answer => answer.map_err(failed)?,
        };
        let body = response.body_mut().with_config().limit(LONGEST);
        body.read_to_vec().map(Some).map_err(failed)
    }
}

impl Eyes for HttpEyes {
    fn look(&mut self) -> Result<Image, DeviceError> {
        let path = "/view";
        self.picture(path)?.ok_or_else(|| self.missing(path))
    }

    fn locate(&mut self) -> Result<Option<Pose2>, DeviceError> {
        Ok(self.seen("/pick")?.map(|placement| placement.pose))
    }

    fn measure(&mut self) -> Result<Option<Measured>, DeviceError> {
        let placement = self.seen("/placement")?;
        Ok(placement.map(|p| Measured { placement: p, seated: self.seat.holds(&p) }))
    }

    fn look_after(&mut self) -> Result<Option<Image>, DeviceError> {
        self.picture("/view/target")
    }
}
