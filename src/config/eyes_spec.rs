use nalgebra::Isometry3;
use serde::Deserialize;

use super::frame::Frame;
use crate::eyes::{Board, Lens, Limits, Place, Sensor, Taught};
use crate::input::{Check, ConfigError};
use crate::task::Pose2;

/// The `[eyes]` section of a robot file: which cameras look at the places, how they see, and what their
/// frames must be like.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EyesSpec {
    pub kind: EyesKind,
    /// Of kind "answers": where plate poses and pictures come from, as in `http://127.0.0.1:30080`.
    pub url: Option<String>,
    /// The camera that sees the pick place.
    pub pick: Option<CameraSpec>,
    /// The camera that sees the target; one that names no address looks through the pick place's.
    pub place: Option<CameraSpec>,
    /// A frame taken longer ago is not used, ms; known only of cameras that tell when.
    pub max_age_ms: f64,
    /// A frame whose steepest edges change by less of its contrast within two pixels is blurred.
    pub min_sharpness: f64,
    /// Frames that are read at most until one reading is good.
    pub readings: u32,
    /// Readings less certain than this (standard deviations) are lost, mm and deg.
    pub max_sd_mm: f64,
    pub max_sd_deg: f64,
    /// What a camera may move since it was taught, as seen at the place, mm.
    pub max_moved_mm: f64,
    /// A policy that is less sure of a placement within 1 mm and 1 deg declines, 0 to 1; without the key none does.
    pub min_confidence: Option<f64>,
    /// What then becomes of the trial.
    pub unsure: Unsure,
}

/// Where images come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EyesKind {
    /// A program of the user's answers with poses and pictures.
    #[default]
    Answers,
    /// One JPEG or PNG a request, over HTTP.
    Snapshot,
    /// A stream of JPEGs over HTTP.
    Mjpeg,
    /// JPEGs and PNGs of a folder, in the order of their names.
    Folder,
    /// A camera of this computer (Video4Linux).
    Usb,
}

/// What becomes of a trial whose policy declines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unsure {
    /// A person is asked, and nothing moves.
    #[default]
    Person,
    /// It is made without a correction.
    NoCorrection,
}

/// A camera over a place.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraSpec {
    /// An address, a folder or a device, as the kind has it; an address that begins with `/` is one at `real.eyes_url`.
    pub address: Option<String>,
    /// As `rmrl calibrate camera` finds it.
    pub lens: Lens,
    /// As `rmrl calibrate hand-eye` finds it. Readings do not need it: the doctor compares it with where the arm
    /// was taught.
    pub world_from_camera: Option<Frame>,
    /// The same of a camera on the hand.
    pub tool_from_camera: Option<Frame>,
    /// How far corners of tags lay from where the lens puts them: root mean square, pixels.
    pub lens_residual_px: Option<f64>,
    /// How far views contradicted the mounting: root mean square.
    pub camera_residual_mm: Option<f64>,
    pub camera_residual_deg: Option<f64>,
    /// What the plate carries.
    #[serde(default = "lid")]
    pub plate: String,
    /// The board beside the place, which tells whether the camera has moved; none without the key.
    pub beside: Option<String>,
    /// What the camera saw when the plate lay perfectly.
    pub taught: Option<TaughtSpec>,
}

/// What a camera saw of a perfect placement.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaughtSpec {
    /// `camera_from_lid`.
    pub lid: Frame,
    /// `camera_from_board` of the board beside the place.
    pub beside: Option<Frame>,
    /// Where a bare plate's outline lay in the field.
    pub outline: Option<OutlineSpec>,
}

/// A pose in the field.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutlineSpec {
    pub x_mm: f64,
    pub y_mm: f64,
    pub yaw_deg: f64,
}

fn lid() -> String {
    "lid".to_owned()
}

impl Default for EyesSpec {
    fn default() -> Self {
        Self {
            kind: EyesKind::default(),
            url: None,
            pick: None,
            place: None,
            max_age_ms: 1000.0,
            min_sharpness: 0.12,
            readings: 5,
            max_sd_mm: 0.2,
            max_sd_deg: 0.2,
            max_moved_mm: 3.0,
            min_confidence: None,
            unsure: Unsure::default(),
        }
    }
}

impl EyesSpec {
    /// How a place is read through one of its cameras; `place_from_field` is the middle of the policy's field, metres.
    /// `None` of a camera that was not taught.
    pub fn place(&self, camera: &CameraSpec, place_from_field: Isometry3<f64>) -> Option<Place> {
        let taught = camera.taught?;
        let limits = Limits {
            camera_mm: self.max_moved_mm,
            sd_mm: self.max_sd_mm,
            sd_deg: self.max_sd_deg,
            ..Limits::default()
        };
        let sensor = Sensor {
            lens: camera.lens,
            carried: Board::lid(),
            fixed: camera.beside.as_deref().and_then(Board::named),
            taught: Taught {
                carried: taught.lid.isometry(),
                fixed: taught.beside.map(|frame| frame.isometry()),
                outline: taught.outline.map(|outline| outline.pose()),
            },
            limits,
        };
        Some(Place { sensor, bare: camera.plate == "bare", place_from_field })
    }

    /// Keys that say how cameras are reached and watched and which policies are let correct, and nothing of what a run is.
    pub(super) const HOW: [&'static str; 6] =
        ["url", "max_age_ms", "min_sharpness", "readings", "min_confidence", "unsure"];
    /// The same of a camera: one that was moved is taught again, and the run goes on.
    pub(super) const HOW_CAMERA: [&'static str; 8] = [
        "address",
        "taught",
        "lens_residual_px",
        "world_from_camera",
        "tool_from_camera",
        "camera_residual_mm",
        "camera_residual_deg",
        "lens",
    ];

    /// Everything in range, and a camera for each place, before anything is asked.
    pub fn check(&self, check: Check<'_>) -> Result<(), ConfigError> {
        for (key, value, low, high) in [
            ("max_age_ms", self.max_age_ms, 10.0, 60e3),
            ("min_sharpness", self.min_sharpness, 0.0, 1.0),
            ("readings", f64::from(self.readings), 1.0, 100.0),
            ("max_sd_mm", self.max_sd_mm, 0.01, 5.0),
            ("max_sd_deg", self.max_sd_deg, 0.01, 5.0),
            ("max_moved_mm", self.max_moved_mm, 0.1, 50.0),
        ] {
            check.within(&format!("eyes.{key}"), value, low, high)?;
        }
        if let Some(least) = self.min_confidence {
            check.within("eyes.min_confidence", least, 0.0, 1.0)?;
        }
        if self.kind == EyesKind::Answers {
            if let Some(url) = &self.url {
                check_http(check, "eyes.url", url)?;
            }
            // Cameras may be calibrated before anybody looks through them.
            let cameras = [("eyes.pick", &self.pick), ("eyes.place", &self.place)];
            let mut there =
                cameras.into_iter().filter_map(|(key, camera)| Some((key, camera.as_ref()?)));
            return there.try_for_each(|(key, camera)| self.check_camera(check, key, camera));
        }
        let valid = "must not be there: it belongs to kind = \"answers\"";
        check.that(self.url.is_none(), "eyes.url", self.url.as_deref().unwrap_or(""), valid)?;
        let valid = "must be there: the camera that sees the place, with address, lens and taught";
        for (key, camera) in [("eyes.pick", &self.pick), ("eyes.place", &self.place)] {
            let camera = camera.as_ref().ok_or_else(|| check.error(key, "missing", valid))?;
            self.check_camera(check, key, camera)?;
        }
        Ok(())
    }

    fn check_camera(
        &self,
        check: Check<'_>,
        key: &str,
        camera: &CameraSpec,
    ) -> Result<(), ConfigError> {
        let at = format!("{key}.address");
        let told = match (&camera.address, self.kind) {
            (_, EyesKind::Answers) => Ok(()),
            (None, _) if key == "eyes.pick" => {
                Err(check.error(&at, "missing", self.kind.address()))
            }
            (Some(url), EyesKind::Snapshot | EyesKind::Mjpeg) if url.starts_with('/') => Ok(()),
            (Some(url), EyesKind::Snapshot | EyesKind::Mjpeg) => check_http(check, &at, url),
            (Some(path), _) => {
                check.that(!path.trim().is_empty(), &at, format!("{path:?}"), self.kind.address())
            }
            (None, _) => Ok(()),
        };
        told?;
        camera.lens.check().map_err(|bad| {
            let valid = format!("must be {}", bad.valid);
            check.error(&format!("{key}.lens.{}", bad.key), bad.value, valid)
        })?;
        let plates = ["lid", "bare"];
        let valid = "must be \"lid\", a plate under the dummy lid, or \"bare\"";
        let known = plates.contains(&camera.plate.as_str());
        check.that(known, &format!("{key}.plate"), format!("{:?}", camera.plate), valid)?;
        if let Some(name) = &camera.beside {
            let boards = Board::NAMES.into_iter().filter(|board| *board != "lid");
            let valid = format!("must be one of {}", boards.collect::<Vec<_>>().join(", "));
            let known = Board::named(name).is_some() && name != "lid";
            check.that(known, &format!("{key}.beside"), format!("{name:?}"), valid)?;
        }
        for (name, frame) in [
            ("world_from_camera", camera.world_from_camera),
            ("tool_from_camera", camera.tool_from_camera),
            ("taught.lid", camera.taught.map(|taught| taught.lid)),
            ("taught.beside", camera.taught.and_then(|taught| taught.beside)),
        ] {
            frame.map_or(Ok(()), |frame| frame.check(check, &format!("{key}.{name}"), 10e3))?;
        }
        let Some(taught) = camera.taught else { return Ok(()) };
        let both = camera.beside.is_some() == taught.beside.is_some();
        let valid = format!("must be there if {key}.beside is, and only then");
        check.that(both, &format!("{key}.taught.beside"), "", valid)?;
        if let Some(OutlineSpec { x_mm, y_mm, yaw_deg }) = taught.outline {
            for (name, value) in [("x_mm", x_mm), ("y_mm", y_mm), ("yaw_deg", yaw_deg)] {
                check.within(&format!("{key}.taught.outline.{name}"), value, -90.0, 90.0)?;
            }
        }
        let needed = camera.plate != "bare" || taught.outline.is_some();
        let valid = "must be there for plate = \"bare\", which is read by its outline";
        check.that(needed, &format!("{key}.taught.outline"), "missing", valid)
    }
}

impl EyesSpec {
    /// With paths of cameras put behind the address that they are at.
    ///
    /// # Errors
    /// A path where there is no such address.
    pub fn at(&self, check: Check<'_>, eyes_url: Option<&str>) -> Result<Self, ConfigError> {
        let mut spec = self.clone();
        for (key, camera) in [("pick", &mut spec.pick), ("place", &mut spec.place)] {
            let address = camera.as_mut().and_then(|camera| camera.address.as_mut());
            let http = matches!(self.kind, EyesKind::Snapshot | EyesKind::Mjpeg);
            if let Some(path) = address.filter(|address| http && address.starts_with('/')) {
                let valid = "must be a whole address where there is no real.eyes_url";
                let lacks =
                    || check.error(&format!("eyes.{key}.address"), format!("{path:?}"), valid);
                let url = eyes_url.ok_or_else(lacks)?;
                *path = format!("{}{path}", url.trim_end_matches('/'));
            }
        }
        Ok(spec)
    }
}

impl EyesKind {
    fn address(self) -> &'static str {
        match self {
            Self::Answers | Self::Snapshot | Self::Mjpeg => {
                "must be an address such as http://192.168.0.9/image.jpg (no TLS), or a path such as /image.jpg at \
                 real.eyes_url"
            }
            Self::Folder => "must be a folder with JPEGs or PNGs",
            Self::Usb => "must be a device such as /dev/video0",
        }
    }
}

impl OutlineSpec {
    pub fn pose(self) -> Pose2 {
        Pose2::new(self.x_mm, self.y_mm, self.yaw_deg)
    }
}

/// An address without TLS: these stand on the lab's own network.
pub(super) fn check_http(check: Check<'_>, key: &str, url: &str) -> Result<(), ConfigError> {
    let valid = "must be an address such as http://127.0.0.1:30080 (no TLS)";
    let host = url.strip_prefix("http://").unwrap_or("");
    let named = host.starts_with(|c: char| c.is_alphanumeric() || c == '[');
    check.that(named, key, format!("{url:?}"), valid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::parse_toml;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<EyesSpec, String> {
        let spec: EyesSpec = parse_toml("r.toml", text).map_err(|e| e.to_string())?;
        spec.check(Check { file: "r.toml" }).map_err(|e| e.to_string())?;
        Ok(spec)
    }

    const LENS: &str =
        "lens = { width = 640, height = 480, fx = 600.0, fy = 600.0, cx = 320.0, cy = 240.0 }\n";
    const TAUGHT: &str = "taught = { lid = { xyz_mm = [0, 0, 330], rpy_deg = [180, 0, 90] } }\n";

    fn cameras(kind: &str, address: &str) -> String {
        let pick = format!("[pick]\naddress = \"{address}\"\n{LENS}{TAUGHT}");
        format!("kind = \"{kind}\"\n{pick}[place]\n{LENS}{TAUGHT}")
    }

    #[test]
    fn every_kind_reads_with_what_it_needs() {
        assert_eq!(parse("").unwrap().kind, EyesKind::Answers);
        assert!(parse("url = \"http://127.0.0.1:30080\"").is_ok());
        assert!(parse(&cameras("answers", "")).is_ok(), "calibrated before it is used");
        for (kind, address) in [
            ("snapshot", "http://cam/a.jpg"),
            ("mjpeg", "http://cam:81/stream"),
            ("folder", "frames"),
            ("usb", "/dev/video0"),
        ] {
            assert!(parse(&cameras(kind, address)).unwrap().place.is_some(), "{kind}");
        }
    }

    #[test]
    fn what_cannot_be_right_is_named() {
        let snapshot = cameras("snapshot", "http://cam/a.jpg");
        let first = |with: &str| snapshot.replacen(TAUGHT, with, 1);
        for (text, key) in [
            ("kind = \"kinect\"".to_owned(), "kind"),
            ("url = \"https://camera\"".to_owned(), "eyes.url"),
            (
                cameras("answers", "http://cam").replacen("fx = 600.0", "fx = 0", 1),
                "eyes.pick.lens.fx",
            ),
            ("kind = \"snapshot\"".to_owned(), "eyes.pick = missing"),
            (format!("url = \"http://a\"\n{snapshot}"), "eyes.url"),
            (cameras("snapshot", "cam/a.jpg"), "eyes.pick.address"),
            (cameras("folder", " "), "eyes.pick.address"),
            (snapshot.replacen("fx = 600.0", "fx = 0", 1), "eyes.pick.lens.fx"),
            (first("plate = \"box\"\n"), "eyes.pick.plate"),
            (first("beside = \"floor\"\n"), "eyes.pick.beside"),
            (first(&format!("beside = \"pick\"\n{TAUGHT}")), "eyes.pick.taught.beside"),
            (first(&format!("plate = \"bare\"\n{TAUGHT}")), "eyes.pick.taught.outline"),
            (format!("readings = 0\n{snapshot}"), "eyes.readings"),
            (format!("max_age_ms = nan\n{snapshot}"), "eyes.max_age_ms"),
            (
                first("world_from_camera = { xyz_mm = [1e9, 0, 0], rpy_deg = [0, 0, 0] }\n"),
                "eyes.pick.world_from_camera",
            ),
        ] {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(key), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(
            kind in "[a-z]{0,9}", address in "\\PC{0,20}", key in "[a-z_]{1,12}", value in "\\PC{0,12}",
        ) {
            let _ = parse(&format!("{key} = {value}\n{}", cameras(&kind, &address)));
        }
    }
}
